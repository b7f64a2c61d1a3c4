/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Starting a watchdog.
 *
 * DESIGN
 *
 * A fork copies the scaler's map of its memory, only for the new process to
 * throw it away: that takes longer than everything else that a start needs.
 * So it is made as by vfork(2), and shares the scaler's memory until it
 * executes the watchdog.  Meanwhile the thread that makes it is suspended; it
 * is one of this start alone, so neither the loop nor another start waits for
 * what may hang, a mount for example.
 *
 *     loop                 thread                process
 *
 *     spawn_watchdog() --> start() --clone-->    run_child()
 *     waits for the pid    suspended             tells the pid
 *     goes on                                    confines itself
 *                          frees what    <--     executes, or ends
 *                          is the start's
 *
 * The process writes to nothing but its stack, which is part of the thread's,
 * to the thread's errno, and to the replica's environment, and takes no locks.
 * All signals are blocked in both.
 */

#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>


#define ENV_FIXED      14       /* variables that every watchdog gets */
#define LISTEN_PID     "LISTEN_PID="
#define PID_DIGITS_MAX 20
#define FIRST_FD       3        /* of socket activation */
#define CANNOT_EXEC    127      /* as a shell says it */
#define CHILD_STACK    (128 * 1024)
#define THREAD_STACK   (512 * 1024)


/* a start, and all that it needs until the watchdog is executed */
struct start {
    struct spawn        spawn;          /* of copies; env is the replica's */
    struct confinement  confinement;
    char               *app;            /* owned */
    char               *tmp;            /* owned */
    char               *secrets;        /* owned; NULL: none */
    struct outcome     *outcome;        /* the caller's, until it is told */
};

struct outcome {
    pid_t  pid;         /* a futex; 0: not known yet, -1: there is none */
    int    error;
};


static struct start *start_new(const struct spawn *spawn);
static void start_free(struct start *start);
static int start_thread(struct start *start);
static void *run_start(void *arg);
static void tell(struct outcome *outcome);
static void await(struct outcome *outcome);
static int run_child(void *arg);
static int add(char **env, size_t *n, const char *name, const char *value);
static void child(const struct spawn *spawn);
static void limit_self(const struct spawn *spawn);
static void execute(const struct spawn *spawn);
static void pass_descriptors(const struct spawn *spawn);
static void empty_input(void);
static void write_pid(char **env);
static void complain(const char *what, const char *path);


char **
spawn_env(const struct spec *spec, const char *tmp, const char *secrets,
    const char *replica)
{
    char         revision[32];
    int          rc;
    char       **env;
    size_t       n;
    json_t      *vars, *value;
    const char  *name, *path, *lang;

    vars = spec->env;
    env = calloc(json_object_size(vars) + ENV_FIXED + 1, sizeof(char *));

    if (env == NULL) {
        return NULL;
    }

    n = 0;
    path = getenv("PATH");
    lang = getenv("LANG");
    (void) snprintf(revision, sizeof(revision), "%" PRIu64, spec->revision);

    /* the pid is written in place, by the process that has it */

    rc = add(env, &n, "LISTEN_PID", "00000000000000000000")
         | add(env, &n, "LISTEN_FDS", "1")
         | add(env, &n, "PATH", path != NULL ? path
                                             : "/usr/local/bin:/usr/bin:/bin")
         | add(env, &n, "LANG", lang != NULL ? lang : "C.UTF-8")
         | add(env, &n, "HOME", tmp)
         | add(env, &n, "TMPDIR", tmp)
         | add(env, &n, "OPENFAAS_NAME", spec->name)
         | add(env, &n, "OPENFAAS_NAMESPACE", spec->ns)
         | add(env, &n, SPAWN_REPLICA, replica)
         | add(env, &n, SPAWN_REVISION, revision);

    if (json_array_size(json_object_get(spec->deployment, "secrets")) != 0) {
        rc |= add(env, &n, "FAAS_SECRETS_DIR", secrets);
    }

    json_object_foreach(vars, name, value) {
        rc |= add(env, &n, name, json_is_string(value)
                                 ? json_string_value(value) : "");
    }

    if (rc != 0) {
        spawn_env_free(env);
        return NULL;
    }

    return env;
}


void
spawn_env_free(char **env)
{
    size_t  i;

    for (i = 0; env != NULL && env[i] != NULL; i++) {
        free(env[i]);
    }

    free(env);
}


pid_t
spawn_watchdog(const struct spawn *spawn, struct faas_err *err)
{
    int             error;
    struct start   *start;
    struct outcome  outcome = { 0, 0 };

    start = start_new(spawn);

    if (start == NULL) {
        return faas_err_set(err, ENOMEM, "no memory");
    }

    start->outcome = &outcome;
    error = start_thread(start);

    if (error != 0) {
        start_free(start);
        return faas_err_set(err, error, "cannot start a thread: %s",
                            strerror(error));
    }

    await(&outcome);

    if (outcome.pid == -1) {
        return faas_err_set(err, outcome.error, "cannot fork: %s",
                            strerror(outcome.error));
    }

    return outcome.pid;
}


static struct start *
start_new(const struct spawn *spawn)
{
    struct start              *start;
    const struct confinement  *c;

    start = calloc(1, sizeof(*start));

    if (start == NULL) {
        return NULL;
    }

    c = spawn->confinement;

    start->spawn = *spawn;
    start->spawn.confinement = &start->confinement;
    start->confinement = *c;
    start->app = strdup(c->app);
    start->tmp = strdup(c->tmp);
    start->secrets = c->secrets != NULL ? strdup(c->secrets) : NULL;
    start->confinement.app = start->app;
    start->confinement.tmp = start->tmp;
    start->confinement.secrets = start->secrets;

    if (start->app == NULL || start->tmp == NULL
        || (c->secrets != NULL && start->secrets == NULL))
    {
        start_free(start);
        return NULL;
    }

    return start;
}


static void
start_free(struct start *start)
{
    free(start->app);
    free(start->tmp);
    free(start->secrets);
    free(start);
}


/*
 * Returns 0, or why there is none.  It takes no signals: no handler of ours
 * may run in the process that it makes.
 */
static int
start_thread(struct start *start)
{
    int             rc;
    sigset_t        all, old;
    pthread_t       thread;
    pthread_attr_t  attr;

    rc = pthread_attr_init(&attr);

    if (rc != 0) {
        return rc;
    }

    (void) pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    (void) pthread_attr_setstacksize(&attr, THREAD_STACK);

    (void) sigfillset(&all);
    (void) pthread_sigmask(SIG_SETMASK, &all, &old);
    rc = pthread_create(&thread, &attr, run_start, start);
    (void) pthread_sigmask(SIG_SETMASK, &old, NULL);

    (void) pthread_attr_destroy(&attr);

    return rc;
}


/*
 * The kernel sets the pid before the process runs.
 */
static void *
run_start(void *arg)
{
    char             stack[CHILD_STACK] __attribute__((aligned(16)));
    int              flags;
    struct start    *start;
    struct outcome  *outcome;

    start = arg;
    outcome = start->outcome;
    flags = (int) confine_flags(start->confinement.isolation)
            | CLONE_VM | CLONE_VFORK | CLONE_PARENT_SETTID | SIGCHLD;

    if (clone(run_child, stack + CHILD_STACK, flags, start, &outcome->pid)
        == -1)
    {
        outcome->error = errno;
        __atomic_store_n(&outcome->pid, -1, __ATOMIC_RELEASE);
        tell(outcome);
    }

    /* whoever becomes another user forbids core dumps of this memory */

    if (start->confinement.isolation->is_dumpable) {
        (void) prctl(PR_SET_DUMPABLE, 1);
    }

    start_free(start);

    return NULL;
}


/*
 * Who waits may have seen the pid already, and be gone: then nobody is woken.
 */
static void
tell(struct outcome *outcome)
{
    (void) syscall(SYS_futex, &outcome->pid, FUTEX_WAKE_PRIVATE, 1, NULL,
                   NULL, 0);
}


static void
await(struct outcome *outcome)
{
    while (__atomic_load_n(&outcome->pid, __ATOMIC_ACQUIRE) == 0) {
        (void) syscall(SYS_futex, &outcome->pid, FUTEX_WAIT_PRIVATE, 0, NULL,
                       NULL, 0);
    }
}


/*
 * A variable that was there before is replaced.
 */
static int
add(char **env, size_t *n, const char *name, const char *value)
{
    char    *text;
    size_t   i, name_len, value_len;

    name_len = strlen(name);
    value_len = strlen(value);
    text = malloc(name_len + value_len + 2);

    if (text == NULL) {
        return -1;
    }

    memcpy(text, name, name_len);
    text[name_len] = '=';
    memcpy(text + name_len + 1, value, value_len + 1);

    for (i = 0; i < *n; i++) {
        if (strncmp(env[i], text, name_len + 1) == 0) {
            free(env[i]);
            env[i] = text;
            return 0;
        }
    }

    env[(*n)++] = text;

    return 0;
}


static int
run_child(void *arg)
{
    struct start  *start;

    start = arg;
    tell(start->outcome);
    child(&start->spawn);

    return CANNOT_EXEC;
}


/*
 * Between clone and exec.  It holds the lock of the state folder until it is
 * the watchdog: so another scaler finds it, also where this one has gone
 * meanwhile.
 */
static void
child(const struct spawn *spawn)
{
    int                     i;
    sigset_t                mask;
    struct sigaction        action;
    struct confine_failure  failure;

    memset(&action, 0, sizeof(action));
    action.sa_handler = SIG_DFL;

    for (i = 1; i < NSIG; i++) {
        (void) sigaction(i, &action, NULL);
    }

    (void) setsid();

    /* a mount may hang: the lock shall not outlive the scaler by that */

    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);

    pass_descriptors(spawn);

    if (confine_self(spawn->confinement, &failure) != 0) {
        complain(failure.what, failure.path);
    }

    empty_input();
    limit_self(spawn);

    (void) prctl(PR_SET_PDEATHSIG, 0);

    (void) sigemptyset(&mask);
    /*
     * A SIGTERM that comes before the watchdog has its handlers waits for them:
     * the first process of a namespace ignores what it does not handle.
     */
    (void) sigaddset(&mask, SIGTERM);
    (void) sigprocmask(SIG_SETMASK, &mask, NULL);

    execute(spawn);
}


/*
 * A crash leaves no copy of its memory.
 */
static void
limit_self(const struct spawn *spawn)
{
    static const struct rlimit  no_core = { 0, 0 };

    /* not before: open descriptors may be more than the process may have */

    if ((spawn->nofile.rlim_cur != 0
         && setrlimit(RLIMIT_NOFILE, &spawn->nofile) != 0)
        || setrlimit(RLIMIT_CORE, &no_core) != 0)
    {
        complain("cannot set limits", NULL);
    }
}


static void
execute(const struct spawn *spawn)
{
    char                    *argv[] = { (char *) "faas-watchdog", NULL };
    const char              *program;
    const struct isolation  *isolation;

    isolation = spawn->confinement->isolation;
    program = isolation->kind == ISOLATION_NONE ? isolation->watchdog
                                                : ISOLATION_WATCHDOG;

    if (spawn->env == NULL) {

        if (access(program, X_OK) == 0) {
            _exit(0);
        }

    } else {
        write_pid(spawn->env);
        (void) execve(program, argv, spawn->env);
    }

    complain("cannot execute the watchdog", isolation->watchdog);
}


static void
pass_descriptors(const struct spawn *spawn)
{
    if (dup2(spawn->output_fd, STDERR_FILENO) == -1) {
        _exit(CANNOT_EXEC);
    }

    if (dup2(spawn->output_fd, STDOUT_FILENO) == -1
        || (spawn->listen_fd == FIRST_FD
            ? fcntl(FIRST_FD, F_SETFD, 0) : dup2(spawn->listen_fd, FIRST_FD))
           == -1)
    {
        complain("cannot pass descriptors on", NULL);
    }

    /* this is for what a library may have forgotten; the lock of the state
       folder is held until then */

    (void) close_range(FIRST_FD + 1, UINT_MAX, CLOSE_RANGE_CLOEXEC);
}


/*
 * Opened where the replica has its own view of /dev.
 */
static void
empty_input(void)
{
    int  fd;

    fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (fd == -1 || dup2(fd, STDIN_FILENO) == -1) {
        complain("cannot open", "/dev/null");
    }
}


static void
write_pid(char **env)
{
    int    i;
    char  *digits;
    pid_t  pid;

    pid = getpid();
    digits = env[0] + strlen(LISTEN_PID);

    for (i = PID_DIGITS_MAX; i > 0; i--) {
        digits[i - 1] = (char) ('0' + pid % 10);
        pid /= 10;
    }

    /* without the zeros in front: some take them for octal */

    for (i = 0; i < PID_DIGITS_MAX - 1 && digits[i] == '0'; i++) {
        /* void */
    }

    memmove(digits, digits + i, (size_t) (PID_DIGITS_MAX - i) + 1);
}


static void
complain(const char *what, const char *path)
{
    size_t       i;
    const char  *why;

    why = strerrorname_np(errno);

    const char  *parts[] = {
        what, path != NULL ? " " : "", path != NULL ? path : "", ": ",
        why != NULL ? why : "error", "\n"
    };

    for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (write(STDERR_FILENO, parts[i], strlen(parts[i])) < 0) {
            break;
        }
    }

    _exit(CANNOT_EXEC);
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a new process does until it is a watchdog.
 */

#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>


#define ENV_FIXED      14       /* variables that every watchdog gets */
#define LISTEN_PID     "LISTEN_PID="
#define PID_DIGITS_MAX 20
#define FIRST_FD       3        /* of socket activation */
#define CANNOT_EXEC    127      /* as a shell says it */


static int add(char **env, size_t *n, const char *name, const char *value);
static void limit_self(const struct spawn *spawn);
static void execute(const struct spawn *spawn) __attribute__((noreturn));
static void pass_descriptors(const struct spawn *spawn);
static void empty_input(void);
static void write_pid(char **env);
static void complain(const char *what, const char *path)
    __attribute__((noreturn));


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


void
spawn_prepare(const struct isolation *isolation,
    struct spawn_failure *failure)
{
    int               i;
    struct sigaction  action;

    memset(&action, 0, sizeof(action));
    action.sa_handler = SIG_DFL;

    for (i = 1; i < NSIG; i++) {
        (void) sigaction(i, &action, NULL);
    }

    (void) setsid();

    /* a mount may hang: the lock shall not outlive the scaler by that */

    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);

    failure->error = confine_prepare(isolation, &failure->failure) == 0
                     ? 0 : errno;
}


void
spawn_self(const struct spawn *spawn, const struct spawn_failure *prepared)
{
    sigset_t                mask;
    struct confine_failure  failure;

    pass_descriptors(spawn);

    if (prepared->error != 0) {
        errno = prepared->error;
        complain(prepared->failure.what, prepared->failure.path);
    }

    if (confine_self(spawn->confinement, &failure) != 0) {
        complain(failure.what, failure.path);
    }

    empty_input();
    limit_self(spawn);

    (void) prctl(PR_SET_PDEATHSIG, 0);

    /*
     * A SIGTERM that comes before the watchdog has its handlers waits for them:
     * the first process of a namespace ignores what it does not handle.
     */
    (void) sigemptyset(&mask);
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
        || dup2(spawn->listen_fd, FIRST_FD) == -1)
    {
        complain("cannot pass descriptors on", NULL);
    }

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

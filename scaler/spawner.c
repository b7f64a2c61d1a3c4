/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Threads that start processes.
 */

#include "spawner.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "spawn_fds.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_UNPOISON_MEMORY_REGION(addr, size)  ((void) 0)
#endif


#define THREADS       4             /* that are kept */
#define CHILD_STACK   (128 * 1024)
#define THREAD_STACK  (512 * 1024)
#define SPARE_PAUSE   30            /* msec after a start: it shall not take
                                       time from the function's own */
#define SPARE_RETRY   5000          /* msec, where one has ended by itself */
#define CLOSE_MAX     1000          /* msec, for spares to end */
#define SOCKET_FD     3             /* of the process, for a start */


struct outcome {
    pid_t  pid;         /* a futex; 0: not known yet, -1: there is none */
    int    error;
};

/* a start, and all that it needs until the watchdog is executed */
struct start {
    TAILQ_ENTRY(start)   link;
    struct spawn         spawn;         /* env is the replica's */
    struct confinement   confinement;
    char                *app;           /* owned */
    char                *tmp;           /* owned */
    char                *secrets;       /* owned; NULL: none */
    struct outcome      *outcome;       /* the caller's, until it is told */
};

TAILQ_HEAD(start_list, start);

/* a process that is made, on the stack of its thread */
struct seat {
    TAILQ_ENTRY(seat)      link;
    const struct spawner  *spawner;
    struct start          *start;       /* owned; NULL: a spare's, until it is
                                           given one */
    struct outcome        *outcome;
    struct outcome         own;         /* of a spare */
    int                    sockets[2];  /* ours, and its; -1: closed */
    int                    is_spare;    /* and in the list */
    int                    is_waiting;  /* for its start; set by the process */
};

TAILQ_HEAD(seat_list, seat);

struct spawner {
    const struct isolation  *isolation;
    pthread_mutex_t          mutex;     /* of all below */
    pthread_cond_t           given;
    pthread_cond_t           ended;     /* a spare */
    struct start_list        waiting;
    struct seat_list         spares;
    unsigned                 n_waiting;
    unsigned                 n_idle;    /* threads */
    unsigned                 n_spares;
    unsigned                 max_spares;
    unsigned                 refs;      /* the owner and each thread */
    int                      is_closed;
};


static struct start *start_new(const struct spawn *spawn);
static void start_free(struct start *start);
static pid_t give_spare(struct spawner *spawner, struct start *start);
static struct seat *find_spare(struct spawner *spawner);
static int is_alive(pid_t pid);
static int give_thread(struct spawner *spawner, struct start *start);
static int add_thread(struct spawner *spawner);
static void *run(void *arg);
static int take_locked(struct spawner *spawner, struct seat *seat,
    unsigned pause);
static int wait_locked(struct spawner *spawner, unsigned pause);
static void after(struct timespec *when, unsigned msec);
static void put_locked(struct spawner *spawner);
static void make(struct seat *seat);
static void leave_locked(struct spawner *spawner, struct seat *seat);
static void close_sockets(struct seat *seat);
static int run_child(void *arg);
static void tell(struct outcome *outcome);
static void await(struct outcome *outcome);


struct spawner *
spawner_new(const struct isolation *isolation)
{
    struct spawner      *spawner;
    pthread_condattr_t   attr;

    spawner = calloc(1, sizeof(*spawner));

    if (spawner != NULL) {
        (void) pthread_condattr_init(&attr);
        (void) pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
        (void) pthread_mutex_init(&spawner->mutex, NULL);
        (void) pthread_cond_init(&spawner->given, &attr);
        (void) pthread_cond_init(&spawner->ended, &attr);
        (void) pthread_condattr_destroy(&attr);
        TAILQ_INIT(&spawner->waiting);
        TAILQ_INIT(&spawner->spares);
        spawner->isolation = isolation;
        spawner->refs = 1;
    }

    return spawner;
}


void
spawner_free(struct spawner *spawner)
{
    struct seat      *seat;
    struct timespec   until;

    if (spawner == NULL) {
        return;
    }

    after(&until, CLOSE_MAX);
    (void) pthread_mutex_lock(&spawner->mutex);
    spawner->is_closed = 1;
    (void) pthread_cond_broadcast(&spawner->given);

    while (spawner->n_spares != 0) {
        TAILQ_FOREACH(seat, &spawner->spares, link) {
            close_sockets(seat);
        }

        if (pthread_cond_timedwait(&spawner->ended, &spawner->mutex, &until)
            != 0)
        {
            break;
        }
    }

    put_locked(spawner);
}


int
spawner_keep_spares(struct spawner *spawner, unsigned spares,
    struct faas_err *err)
{
    int  rc;

    (void) pthread_mutex_lock(&spawner->mutex);
    spawner->max_spares = spares;

    for (rc = 0; spares != 0 && rc == 0; spares--) {
        rc = add_thread(spawner);
    }

    (void) pthread_mutex_unlock(&spawner->mutex);

    return rc == 0 ? 0 : faas_err_set(err, rc, "cannot make a thread: %s",
                                      strerror(rc));
}


pid_t
spawner_start(struct spawner *spawner, const struct spawn *spawn,
    struct faas_err *err)
{
    pid_t           pid;
    struct start   *start;
    struct outcome  outcome = { 0, 0 };

    start = start_new(spawn);

    if (start == NULL) {
        return faas_err_set(err, ENOMEM, "no memory");
    }

    pid = give_spare(spawner, start);

    if (pid != -1) {
        return pid;
    }

    start->outcome = &outcome;
    outcome.error = give_thread(spawner, start);

    if (outcome.error == 0) {
        await(&outcome);

    } else {
        start_free(start);
        outcome.pid = -1;
    }

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
 * Returns the pid, or -1 where there is no spare.  One that ends from here on
 * is collected by the caller, who has the pid then.
 */
static pid_t
give_spare(struct spawner *spawner, struct start *start)
{
    pid_t         pid;
    struct seat  *seat;

    pid = -1;
    (void) pthread_mutex_lock(&spawner->mutex);

    while (pid == -1 && (seat = find_spare(spawner)) != NULL) {
        leave_locked(spawner, seat);
        seat->start = start;

        if (spawn_send_fds(seat->sockets[0], &start->spawn) == 0) {
            pid = seat->own.pid;

        } else {
            seat->start = NULL;
            close_sockets(seat);            /* it ends */
        }
    }

    (void) pthread_mutex_unlock(&spawner->mutex);

    return pid;
}


static struct seat *
find_spare(struct spawner *spawner)
{
    struct seat  *seat;

    TAILQ_FOREACH(seat, &spawner->spares, link) {
        if (__atomic_load_n(&seat->is_waiting, __ATOMIC_ACQUIRE)
            && is_alive(seat->own.pid))
        {
            break;
        }
    }

    return seat;
}


/*
 * One that has ended may have been collected already, before its thread has
 * seen it.
 */
static int
is_alive(pid_t pid)
{
    siginfo_t  info = { .si_pid = 0 };

    return waitid(P_PID, (id_t) pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0
           && info.si_pid == 0;
}


/*
 * Returns 0, or why no thread takes it.
 */
static int
give_thread(struct spawner *spawner, struct start *start)
{
    int  rc;

    rc = 0;
    (void) pthread_mutex_lock(&spawner->mutex);

    if (spawner->n_idle > spawner->n_waiting) {
        (void) pthread_cond_signal(&spawner->given);

    } else {
        rc = add_thread(spawner);
    }

    if (rc == 0) {
        TAILQ_INSERT_TAIL(&spawner->waiting, start, link);
        spawner->n_waiting++;
    }

    (void) pthread_mutex_unlock(&spawner->mutex);

    return rc;
}


/*
 * No handler of ours may run in a process that it makes.
 */
static int
add_thread(struct spawner *spawner)
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
    rc = pthread_create(&thread, &attr, run, spawner);
    (void) pthread_sigmask(SIG_SETMASK, &old, NULL);

    (void) pthread_attr_destroy(&attr);
    spawner->refs += rc == 0;

    return rc;
}


static void *
run(void *arg)
{
    unsigned         pause;
    struct seat      seat;
    struct spawner  *spawner;

    spawner = arg;
    pause = SPARE_PAUSE;
    (void) pthread_mutex_lock(&spawner->mutex);

    while (take_locked(spawner, &seat, pause)) {
        (void) pthread_mutex_unlock(&spawner->mutex);
        make(&seat);
        (void) pthread_mutex_lock(&spawner->mutex);

        leave_locked(spawner, &seat);
        close_sockets(&seat);
        pause = SPARE_RETRY;

        if (seat.start != NULL) {
            start_free(seat.start);
            pause = SPARE_PAUSE;
        }
    }

    put_locked(spawner);

    return NULL;
}


/*
 * The seat is that of a start, or of a spare after a pause in which nothing
 * was started.  Returns 0 where the thread is not needed any more.
 */
static int
take_locked(struct spawner *spawner, struct seat *seat, unsigned pause)
{
    memset(seat, 0, sizeof(*seat));
    seat->spawner = spawner;
    seat->sockets[0] = -1;
    seat->sockets[1] = -1;

    if ((spawner->n_waiting == 0
         && spawner->n_idle + spawner->n_spares
            >= THREADS + spawner->max_spares)
        || wait_locked(spawner, pause) != 0)
    {
        return 0;
    }

    seat->start = TAILQ_FIRST(&spawner->waiting);

    if (seat->start != NULL) {
        TAILQ_REMOVE(&spawner->waiting, seat->start, link);
        spawner->n_waiting--;
        seat->outcome = seat->start->outcome;

    } else {
        TAILQ_INSERT_TAIL(&spawner->spares, seat, link);
        spawner->n_spares++;
        seat->is_spare = 1;
        seat->outcome = &seat->own;
    }

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, seat->sockets)
        != 0)
    {
        seat->outcome->error = errno;
    }

    return 1;
}


/*
 * Returns -1 when all is at its end.
 */
static int
wait_locked(struct spawner *spawner, unsigned pause)
{
    struct timespec  until;

    after(&until, pause);
    spawner->n_idle++;

    while (spawner->n_waiting == 0 && !spawner->is_closed) {

        if (spawner->n_spares >= spawner->max_spares) {
            (void) pthread_cond_wait(&spawner->given, &spawner->mutex);
            after(&until, pause);
            continue;
        }

        if (pthread_cond_timedwait(&spawner->given, &spawner->mutex, &until)
            != 0
            && spawner->n_spares < spawner->max_spares)
        {
            break;
        }
    }

    spawner->n_idle--;

    return spawner->n_waiting == 0 && spawner->is_closed ? -1 : 0;
}


static void
after(struct timespec *when, unsigned msec)
{
    (void) clock_gettime(CLOCK_MONOTONIC, when);

    when->tv_sec += msec / 1000;
    when->tv_nsec += (long) (msec % 1000) * 1000000;

    if (when->tv_nsec >= 1000000000) {
        when->tv_nsec -= 1000000000;
        when->tv_sec++;
    }
}


/*
 * Unlocks it as well.
 */
static void
put_locked(struct spawner *spawner)
{
    unsigned  refs;

    refs = --spawner->refs;
    (void) pthread_mutex_unlock(&spawner->mutex);

    if (refs == 0) {
        (void) pthread_cond_destroy(&spawner->given);
        (void) pthread_cond_destroy(&spawner->ended);
        (void) pthread_mutex_destroy(&spawner->mutex);
        free(spawner);
    }
}


/*
 * The kernel sets the pid before the process runs.  From then on the outcome is
 * not looked at: who waited for it is gone, and its memory too.
 */
static void
make(struct seat *seat)
{
    char             stack[CHILD_STACK] __attribute__((aligned(16)));
    int              error, flags, is_dumpable;
    struct outcome  *outcome;

    outcome = seat->outcome;
    error = outcome->error;
    is_dumpable = seat->spawner->isolation->is_dumpable;
    flags = (int) confine_flags(seat->spawner->isolation)
            | CLONE_VM | CLONE_VFORK | CLONE_PARENT_SETTID | SIGCHLD;

    /* the frames of the last process never ended */

    ASAN_UNPOISON_MEMORY_REGION(stack, sizeof(stack));

    if (error == 0
        && ((seat->start != NULL
             && spawn_send_fds(seat->sockets[0], &seat->start->spawn) != 0)
            || clone(run_child, stack + CHILD_STACK, flags, seat,
                     &outcome->pid)
               == -1))
    {
        error = errno;
    }

    if (error != 0) {
        outcome->error = error;
        __atomic_store_n(&outcome->pid, -1, __ATOMIC_RELEASE);
        tell(outcome);
    }

    /*
     * Whoever becomes another user forbids core dumps of this memory.  What
     * the process has used but the seat may be gone with it.
     */

    if (is_dumpable) {
        (void) prctl(PR_SET_DUMPABLE, 1);
    }
}


/*
 * It is no spare any more.
 */
static void
leave_locked(struct spawner *spawner, struct seat *seat)
{
    if (seat->is_spare) {
        seat->is_spare = 0;
        TAILQ_REMOVE(&spawner->spares, seat, link);
        spawner->n_spares--;
        (void) pthread_cond_signal(&spawner->ended);

        /* some thread makes another one */
        (void) pthread_cond_signal(&spawner->given);
    }
}


static void
close_sockets(struct seat *seat)
{
    int  i;

    for (i = 0; i < 2; i++) {
        if (seat->sockets[i] != -1) {
            (void) close(seat->sockets[i]);
            seat->sockets[i] = -1;
        }
    }
}


static int
run_child(void *arg)
{
    struct seat          *seat;
    struct spawn          spawn, fds;
    struct spawn_failure  failure;

    seat = arg;

    if (!seat->is_spare) {
        tell(seat->outcome);
    }

    if (dup2(seat->sockets[1], SOCKET_FD) == -1) {
        _exit(1);
    }

    (void) close_range(SOCKET_FD + 1, UINT_MAX, 0);

    spawn_prepare(seat->spawner->isolation, &failure);

    __atomic_store_n(&seat->is_waiting, 1, __ATOMIC_RELEASE);

    /* it ends where the scaler has */

    if (spawn_receive_fds(SOCKET_FD, &fds) != 0) {
        _exit(1);
    }

    spawn = seat->start->spawn;
    spawn.listen_fd = fds.listen_fd;
    spawn.output_fd = fds.output_fd;

    spawn_self(&spawn, &failure);
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

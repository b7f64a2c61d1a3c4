/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Threads that start processes.
 */

#include "spawner.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/queue.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_UNPOISON_MEMORY_REGION(addr, size)  ((void) 0)
#endif


#define SPARES        4             /* threads that are kept */
#define CHILD_STACK   (128 * 1024)
#define THREAD_STACK  (512 * 1024)


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

struct spawner {
    pthread_mutex_t     mutex;          /* of all below */
    pthread_cond_t      given;
    struct start_list   waiting;
    unsigned            n_waiting;
    unsigned            n_idle;         /* threads */
    unsigned            refs;           /* the owner and each thread */
    int                 is_closed;
};


static struct start *start_new(const struct spawn *spawn);
static void start_free(struct start *start);
static int give(struct spawner *spawner, struct start *start);
static int add_thread(struct spawner *spawner);
static void *run(void *arg);
static struct start *take_locked(struct spawner *spawner);
static void put_locked(struct spawner *spawner);
static void make(const struct start *start);
static int run_child(void *arg);
static void tell(struct outcome *outcome);
static void await(struct outcome *outcome);


struct spawner *
spawner_new(void)
{
    struct spawner  *spawner;

    spawner = calloc(1, sizeof(*spawner));

    if (spawner != NULL) {
        (void) pthread_mutex_init(&spawner->mutex, NULL);
        (void) pthread_cond_init(&spawner->given, NULL);
        TAILQ_INIT(&spawner->waiting);
        spawner->refs = 1;
    }

    return spawner;
}


void
spawner_free(struct spawner *spawner)
{
    if (spawner == NULL) {
        return;
    }

    (void) pthread_mutex_lock(&spawner->mutex);
    spawner->is_closed = 1;
    (void) pthread_cond_broadcast(&spawner->given);
    put_locked(spawner);
}


pid_t
spawner_start(struct spawner *spawner, const struct spawn *spawn,
    struct faas_err *err)
{
    struct start   *start;
    struct outcome  outcome = { 0, 0 };

    start = start_new(spawn);

    if (start == NULL) {
        return faas_err_set(err, ENOMEM, "no memory");
    }

    start->outcome = &outcome;
    outcome.error = give(spawner, start);

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
 * Returns 0, or why no thread takes it.
 */
static int
give(struct spawner *spawner, struct start *start)
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
    struct start    *start;
    struct spawner  *spawner;

    spawner = arg;
    (void) pthread_mutex_lock(&spawner->mutex);

    while ((start = take_locked(spawner)) != NULL) {
        (void) pthread_mutex_unlock(&spawner->mutex);
        make(start);
        start_free(start);
        (void) pthread_mutex_lock(&spawner->mutex);
    }

    put_locked(spawner);

    return NULL;
}


/*
 * NULL: the thread is not needed any more.
 */
static struct start *
take_locked(struct spawner *spawner)
{
    struct start  *start;

    if (spawner->n_waiting == 0 && spawner->n_idle >= SPARES) {
        return NULL;
    }

    spawner->n_idle++;

    while (spawner->n_waiting == 0 && !spawner->is_closed) {
        (void) pthread_cond_wait(&spawner->given, &spawner->mutex);
    }

    spawner->n_idle--;
    start = TAILQ_FIRST(&spawner->waiting);

    if (start != NULL) {
        TAILQ_REMOVE(&spawner->waiting, start, link);
        spawner->n_waiting--;
    }

    return start;
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
        (void) pthread_mutex_destroy(&spawner->mutex);
        free(spawner);
    }
}


/*
 * The kernel sets the pid before the process runs.
 */
static void
make(const struct start *start)
{
    char             stack[CHILD_STACK] __attribute__((aligned(16)));
    int              flags, is_dumpable;
    struct outcome  *outcome;

    outcome = start->outcome;
    is_dumpable = start->confinement.isolation->is_dumpable;
    flags = (int) confine_flags(start->confinement.isolation)
            | CLONE_VM | CLONE_VFORK | CLONE_PARENT_SETTID | SIGCHLD;

    /* the frames of the last process never ended */

    ASAN_UNPOISON_MEMORY_REGION(stack, sizeof(stack));

    if (clone(run_child, stack + CHILD_STACK, flags, (void *) start,
              &outcome->pid)
        == -1)
    {
        outcome->error = errno;
        __atomic_store_n(&outcome->pid, -1, __ATOMIC_RELEASE);
        tell(outcome);
    }

    /*
     * Whoever becomes another user forbids core dumps of this memory.  What
     * the process has used but the start may be gone with it.
     */

    if (is_dumpable) {
        (void) prctl(PR_SET_DUMPABLE, 1);
    }
}


static int
run_child(void *arg)
{
    const struct start  *start;

    start = arg;
    tell(start->outcome);
    spawn_self(&start->spawn);
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

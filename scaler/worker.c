/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A thread for what blocks.
 */

#include "worker.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>


static void *run_jobs(void *arg);
static void on_finished(evutil_socket_t fd, short what, void *arg);
static void tell(struct worker *worker);


int
worker_open(struct worker *worker, struct event_base *base,
    struct faas_err *err)
{
    int       rc;
    sigset_t  all, old;

    memset(worker, 0, sizeof(*worker));
    TAILQ_INIT(&worker->waiting);
    TAILQ_INIT(&worker->finished);

    worker->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

    if (worker->fd == -1) {
        return faas_err_set(err, 500, "cannot make an eventfd: %s",
                            strerror(errno));
    }

    worker->event = event_new(base, worker->fd, EV_READ | EV_PERSIST,
                              on_finished, worker);

    if (worker->event == NULL || event_add(worker->event, NULL) != 0) {
        rc = ENOMEM;
        goto failed;
    }

    (void) pthread_mutex_init(&worker->mutex, NULL);
    (void) pthread_cond_init(&worker->given, NULL);

    /* signals are the loop's */

    (void) sigfillset(&all);
    (void) pthread_sigmask(SIG_SETMASK, &all, &old);
    rc = pthread_create(&worker->thread, NULL, run_jobs, worker);
    (void) pthread_sigmask(SIG_SETMASK, &old, NULL);

    if (rc == 0) {
        return 0;
    }

failed:

    if (worker->event != NULL) {
        event_free(worker->event);
        worker->event = NULL;
    }

    (void) close(worker->fd);

    return faas_err_set(err, 500, "cannot start a thread: %s", strerror(rc));
}


void
worker_add(struct worker *worker, struct job *job)
{
    memset(&job->err, 0, sizeof(job->err));

    (void) pthread_mutex_lock(&worker->mutex);
    TAILQ_INSERT_TAIL(&worker->waiting, job, link);
    (void) pthread_cond_signal(&worker->given);
    (void) pthread_mutex_unlock(&worker->mutex);
}


void
worker_close(struct worker *worker)
{
    if (worker->event == NULL) {
        return;
    }

    (void) pthread_mutex_lock(&worker->mutex);
    worker->is_ending = 1;
    (void) pthread_cond_signal(&worker->given);
    (void) pthread_mutex_unlock(&worker->mutex);

    (void) pthread_join(worker->thread, NULL);
    tell(worker);

    event_free(worker->event);
    worker->event = NULL;
    (void) close(worker->fd);
    (void) pthread_cond_destroy(&worker->given);
    (void) pthread_mutex_destroy(&worker->mutex);
}


static void *
run_jobs(void *arg)
{
    uint64_t        one;
    struct job     *job;
    struct worker  *worker;

    one = 1;
    worker = arg;

    (void) pthread_mutex_lock(&worker->mutex);

    for ( ;; ) {
        job = TAILQ_FIRST(&worker->waiting);

        if (job == NULL) {
            if (worker->is_ending) {
                break;
            }

            (void) pthread_cond_wait(&worker->given, &worker->mutex);
            continue;
        }

        TAILQ_REMOVE(&worker->waiting, job, link);
        (void) pthread_mutex_unlock(&worker->mutex);

        if (job->run(job->arg, &job->err) == 0) {
            job->err.code = 0;

        } else if (job->err.code == 0) {
            job->err.code = 500;
        }

        (void) pthread_mutex_lock(&worker->mutex);
        TAILQ_INSERT_TAIL(&worker->finished, job, link);

        if (write(worker->fd, &one, sizeof(one)) == -1) {
            continue;           /* it is full of ones, and wakes all the same */
        }
    }

    (void) pthread_mutex_unlock(&worker->mutex);

    return NULL;
}


static void
on_finished(evutil_socket_t fd, short what, void *arg)
{
    uint64_t  n;

    (void) what;

    if (read(fd, &n, sizeof(n)) == -1) {
        return;                 /* it was told before */
    }

    tell(arg);
}


static void
tell(struct worker *worker)
{
    struct job  *job;

    for ( ;; ) {
        (void) pthread_mutex_lock(&worker->mutex);
        job = TAILQ_FIRST(&worker->finished);

        if (job != NULL) {
            TAILQ_REMOVE(&worker->finished, job, link);
        }

        (void) pthread_mutex_unlock(&worker->mutex);

        if (job == NULL) {
            break;
        }

        job->done(job->arg, &job->err);
    }
}

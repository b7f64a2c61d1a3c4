/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A thread for what blocks, such as a disk: jobs run in it one after the
 * other, in the order in which they were given, and their ends are told in the
 * event loop.
 */

#ifndef FAAS_SCALER_WORKER_H
#define FAAS_SCALER_WORKER_H

#include <event2/event.h>
#include <pthread.h>
#include <sys/queue.h>

#include "lib/faas_err.h"


/* its memory is the giver's, who has it back in done */
struct job {
    TAILQ_ENTRY(job)   link;

    /* in the thread: must touch nothing that the loop does; 0, or -1 and err;
       with no memory but its own it must not log */
    int              (*run)(void *arg, struct faas_err *err);

    /* in the loop, not from within worker_add(); err->code is 0 where it went
       well, else what run() set, 500 at least */
    void             (*done)(void *arg, struct faas_err *err);

    void              *arg;
    struct faas_err    err;             /* the worker's */
};

TAILQ_HEAD(job_list, job);

struct worker {
    pthread_t          thread;
    pthread_mutex_t    mutex;           /* of waiting, finished, is_ending */
    pthread_cond_t     given;
    struct job_list    waiting;
    struct job_list    finished;
    struct event      *event;           /* NULL: not open */
    int                fd;              /* tells the loop */
    int                is_ending;
};


/*
 * Starts the thread.  Returns 0 or -1.
 */
int worker_open(struct worker *worker, struct event_base *base,
    struct faas_err *err);

/*
 * Gives a job to be run.
 */
void worker_add(struct worker *worker, struct job *job);

/*
 * Lets the thread run what it was given, tells each end, and ends it.  Does
 * nothing where worker_open() failed, or was not called on zeroed memory.
 */
void worker_close(struct worker *worker);


#endif /* FAAS_SCALER_WORKER_H */

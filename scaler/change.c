/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Changes of what is deployed, one after the other.
 */

#include "change.h"


static void begin(struct changes *changes);
static int run(void *arg, struct faas_err *err);
static void on_done(void *arg, struct faas_err *err);


int
changes_open(struct changes *changes, struct event_base *base,
    struct faas_err *err)
{
    TAILQ_INIT(&changes->waiting);

    return worker_open(&changes->worker, base, err);
}


void
changes_add(struct changes *changes, struct change *change)
{
    struct faas_err  err;

    change->changes = changes;

    if (changes->is_closed) {
        (void) faas_err_set(&err, 503, "the scaler is stopping, try again");
        change->finish(change, &err);
        return;
    }

    TAILQ_INSERT_TAIL(&changes->waiting, change, link);
    begin(changes);
}


void
changes_close(struct changes *changes)
{
    struct change    *change;
    struct faas_err   err;

    changes->is_closed = 1;
    worker_close(&changes->worker);

    while ((change = TAILQ_FIRST(&changes->waiting)) != NULL) {
        TAILQ_REMOVE(&changes->waiting, change, link);
        (void) faas_err_set(&err, 503, "the scaler is stopping, try again");
        change->finish(change, &err);
    }
}


/*
 * Goes on until one has to be written; those that need no disk are made at
 * once.  What finish() adds waits for its turn.
 */
static void
begin(struct changes *changes)
{
    struct change    *change;
    struct faas_err   err;

    if (changes->is_busy) {
        return;
    }

    changes->is_busy = 1;

    while (!changes->is_closed
           && (change = TAILQ_FIRST(&changes->waiting)) != NULL)
    {
        TAILQ_REMOVE(&changes->waiting, change, link);
        err.code = 0;

        if (change->check(change, &err) == 0 && change->write != NULL) {
            change->job.run = run;
            change->job.done = on_done;
            change->job.arg = change;
            worker_add(&changes->worker, &change->job);
            return;
        }

        change->finish(change, &err);
    }

    changes->is_busy = 0;
}


static int
run(void *arg, struct faas_err *err)
{
    struct change  *change;

    change = arg;

    return change->write(change, err);
}


static void
on_done(void *arg, struct faas_err *err)
{
    struct changes   *changes;
    struct change    *change;
    struct faas_err   result;

    /* err is within the change, which is freed */

    change = arg;
    changes = change->changes;
    result = *err;

    change->finish(change, &result);
    changes->is_busy = 0;
    begin(changes);
}

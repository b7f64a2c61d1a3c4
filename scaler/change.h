/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Changes of what is deployed, one after the other.
 *
 * A change is checked against what is there, written to disk by a thread, and
 * then made true in memory and answered.  The next one begins when that is
 * done: so each sees all that was answered before it, none sees what may not
 * last, and two of them cannot come between one another.  The one exception is
 * that a function is woken: that is no change, but what was made true is saved
 * by one.
 */

#ifndef FAAS_SCALER_CHANGE_H
#define FAAS_SCALER_CHANGE_H

#include <sys/queue.h>

#include "lib/faas_err.h"

#include "worker.h"


struct changes;

/* the first member of what describes it */
struct change {
    TAILQ_ENTRY(change)   link;
    struct changes       *changes;
    struct job            job;

    /* in the loop; 0, or -1 with an HTTP status in err */
    int                 (*check)(struct change *change, struct faas_err *err);

    /* in the thread, the same; NULL: there is nothing to write, which check()
       may have found */
    int                 (*write)(struct change *change, struct faas_err *err);

    /* in the loop, once: err->code is 0 where all went well so far; frees
       the change */
    void                (*finish)(struct change *change,
                                  struct faas_err *err);
};

TAILQ_HEAD(change_list, change);

struct changes {
    struct worker       worker;
    struct change_list  waiting;
    int                 is_busy;
    int                 is_closed;
};


/*
 * Returns 0 or -1.
 */
int changes_open(struct changes *changes, struct event_base *base,
    struct faas_err *err);

/*
 * Makes a change when those before it are made.
 */
void changes_add(struct changes *changes, struct change *change);

/*
 * Lets the one that is being made end, and fails the others with 503.
 */
void changes_close(struct changes *changes);


#endif /* FAAS_SCALER_CHANGE_H */

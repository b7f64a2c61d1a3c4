/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The beginning and the end of the process provider's processes: replicas
 * that wait are started, a bounded number at a time, functions for which
 * something failed are tried again, and processes that have ended are
 * collected.
 */

#ifndef FAAS_SCALER_STARTER_H
#define FAAS_SCALER_STARTER_H

#include <event2/event.h>
#include <stdint.h>

#include "lib/faas_err.h"

#include "function.h"


/* a replica that takes longer to start does not keep others from it */
#define STARTER_START_MAX  10000    /* msec */
#define STARTER_RETRY      100      /* msec */
#define STARTER_UNSETTLED  1000     /* msec until what failed is tried again */


struct starter {
    struct event                *sigchld;
    struct event                *timer;
    struct event                *unsettled;
    const struct function_list  *functions;
    const struct function_list  *removed;
    uint64_t                     max;       /* that start at a time */
    int                          is_stopping;
};


/*
 * Both lists must live as long as the starter.  Returns 0 or -1.
 */
int starter_open(struct starter *starter, struct event_base *base,
    const struct function_list *functions,
    const struct function_list *removed, uint64_t max, struct faas_err *err);

/*
 * Starts nothing any more; processes that end are still collected.
 */
void starter_stop(struct starter *starter);

/*
 * Undoes starter_open(), also where that failed or was not called.
 */
void starter_close(struct starter *starter);

/*
 * Starts what waits, soon, not from within.  arg is the starter.
 */
void starter_wake(void *arg);

/*
 * Settles again what is unsettled, after a pause.  arg is the starter.
 */
void starter_retry(void *arg);


#endif /* FAAS_SCALER_STARTER_H */

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Calls are taken out of Redis, as many as can run: function by function, in
 * turn.
 *
 * Who has calls that wait is known from the bell, and from a look at all
 * depths each second, so that nothing depends on the bell.  A look also finds
 * the calls of workers that are silent.
 */

#ifndef FAAS_QUEUE_TAKE_H
#define FAAS_QUEUE_TAKE_H

#include <event2/event.h>
#include <stdint.h>

#include "lib/faas_err.h"

#include "function.h"


#define TAKE_LOOK      1000         /* msec between two looks */
#define TAKE_SCAN      "500"        /* functions of a step of one */
#define TAKE_PROMOTED  "100"        /* delayed calls of a step */


struct queue;

struct take {
    struct queue  *queue;
    struct event  *look;
    struct event  *promote;
    unsigned       n_asked;         /* calls, in takes on their way */
    int            is_looking;
    int            is_promoting;
    int            is_promote_due;  /* again, when the answer is there */
};


/*
 * Returns 0 or -1; take_close() in either case.
 */
int take_open(struct take *take, struct queue *queue, struct faas_err *err);

void take_close(struct take *take);

/*
 * Redis is there; is no longer.
 */
void take_ready(struct take *take);
void take_lost(struct take *take);

/*
 * The bell: a call of this function waits; "": one is delayed.
 */
void take_rung(struct take *take, const char *key);

/*
 * Takes what there is room for.
 */
void take_some(struct take *take);


#endif /* FAAS_QUEUE_TAKE_H */

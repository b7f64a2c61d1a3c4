/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * How long a function has not been called, and for how long its last replica
 * is kept then: a fixed time, or one that is learned from when calls came.
 * Pure.
 */

#ifndef FAAS_SCALER_IDLE_H
#define FAAS_SCALER_IDLE_H

#include <stdint.h>

#include "learned.h"
#include "policy.h"


#define IDLE_GAP  1000      /* msec; less is between two reports of one load */


struct idle {
    struct learned  *learned;       /* owned; NULL: nothing is learned */
    uint64_t         called_ms;     /* the last call, or when the function came
                                       to be known; monotonic */
};


void idle_init(struct idle *idle, uint64_t now_ms);
void idle_done(struct idle *idle);

/*
 * Calls have come, after a time without.  While one goes on called_ms is set
 * to now instead, as that is no time without.
 */
void idle_call(struct idle *idle, uint64_t now_ms);

/*
 * It is to be learned from now on when calls come, or no longer.
 */
void idle_learn(struct idle *idle, int is_learned);

/*
 * Sets settings->zero_ms by what was learned, if that says enough.  Returns 1
 * where a call is due, so that a function without a replica should have one.
 */
int idle_apply(const struct idle *idle, uint64_t now_ms,
    struct policy_settings *settings);


#endif /* FAAS_SCALER_IDLE_H */

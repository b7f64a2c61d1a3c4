/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The one context of the program.
 *
 * A call's way: take (out of Redis, in turn) -> call (what becomes of it) with
 * attempt (what is sent) and request -> ending (into Redis).  Beside it keep
 * (the lease), schedule (calls by clock) and metrics.
 */

#ifndef FAAS_QUEUE_QUEUE_H
#define FAAS_QUEUE_QUEUE_H

#include <event2/event.h>
#include <event2/http.h>
#include <stdint.h>

#include "daemon/names.h"
#include "daemon/redis.h"
#include "lib/faas_uuid.h"

#include "function.h"
#include "metrics.h"
#include "options.h"
#include "request.h"
#include "schedule.h"
#include "scripts.h"
#include "take.h"


struct queue {
    struct queue_options   options;
    struct event_base     *base;
    struct event          *sigterm;
    struct event          *sigint;
    struct event          *drain;               /* ends the wait for calls */
    struct event          *keep;
    struct names           names;
    struct redis           redis;
    struct redis           bell;
    struct scripts         scripts;
    struct faas_random     random;
    char                   worker[FAAS_UUID_LEN + 1];
    struct requests        calls;               /* to the gateway */
    struct requests        callbacks;
    struct functions       functions;
    struct take            take;
    struct schedule        schedule;
    struct metrics         metrics;
    struct call_list       endings;             /* that Redis has to be told */
    unsigned               n_calls;             /* that run or end here */
    int                    is_stopping;
    int                    is_given_up;         /* what runs is put back */
};


/*
 * A call has gone from here, or one that was asked for has not come: there is
 * room for another one, or nothing left to wait for.
 */
void queue_has_room(struct queue *queue, struct function *fn);


#endif /* FAAS_QUEUE_QUEUE_H */

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The functions whose calls this worker has seen, and whose turn it is.
 */

#ifndef FAAS_QUEUE_FUNCTION_H
#define FAAS_QUEUE_FUNCTION_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "daemon/key_map.h"

#include "retry.h"


struct call;

TAILQ_HEAD(call_list, call);
TAILQ_HEAD(turn_list, function);

struct function_stats {
    uint64_t  delivered;        /* calls, with a last answer of the function */
    uint64_t  retried;          /* attempts that are made again later */
    uint64_t  dead;
    uint64_t  duplicates;       /* calls that somebody else has ended */
    uint64_t  callbacks;
    uint64_t  callbacks_failed; /* attempts */
    uint64_t  scheduled;        /* calls made by schedule */
};

struct function {
    struct key_node        node;        /* first; node.key is its KEY */
    TAILQ_ENTRY(function)  turn;
    struct call_list       calls;       /* that run here */
    unsigned               n_calls;
    unsigned               max_calls;
    uint64_t               claimed_ms;  /* silent workers were looked for */
    uint64_t               depth;       /* in Redis, when it was last read */
    uint64_t               oldest_ms;   /* age then */
    unsigned               round;       /* of reading that */
    int                    is_waiting;  /* it may have calls that wait */
    int                    is_in_turn;
    int                    is_taking;
    int                    has_series;  /* in the metrics, of its own */
    struct retry_policy    policy;
    struct function_stats  stats;
};

struct functions {
    struct key_map         map;
    struct turn_list       turns;       /* that wait and have room */
    unsigned               n_turns;
    size_t                 max;
    size_t                 max_series;
    size_t                 n_series;
    struct function_stats  gone;        /* of those forgotten */
};


void functions_init(struct functions *functions, size_t max,
    size_t max_series);

/*
 * All calls are to be freed before.
 */
void functions_done(struct functions *functions);

/*
 * Returns the function, which is made if it is not there; NULL where there is
 * no room, or no memory, or key is none.  Where there are too many, one that
 * has nothing to do is forgotten.
 */
struct function *functions_get(struct functions *functions, const char *key);

/*
 * It may have calls that wait, or has none.
 */
void function_waits(struct functions *functions, struct function *fn);
void function_rests(struct functions *functions, struct function *fn);

/*
 * Puts it at the end of those in turn, or takes it from there: what it is
 * depends on whether it waits, and has room.
 */
void function_turn(struct functions *functions, struct function *fn);

/*
 * Adds one's figures to another's.
 */
void function_stats_add(struct function_stats *sum,
    const struct function_stats *stats);


#endif /* FAAS_QUEUE_FUNCTION_H */

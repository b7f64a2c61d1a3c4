/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What replicas use of the machine: each is a session of its own, whose
 * processes are added up from /proc, all in one pass.
 */

#ifndef FAAS_SCALER_USAGE_H
#define FAAS_SCALER_USAGE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>


#define USAGE_SPAN  1000        /* msec that a rate is of, at least */


struct usage {
    pid_t     session;
    uint64_t  cpu_ms;           /* spent, with that of children that ended */
    uint64_t  memory;           /* bytes resident, also where shared */
};

struct usage_set {
    struct usage  *all;         /* owned; by session */
    size_t         n;
    size_t         size;
};

/* what is remembered of a replica between two looks */
struct usage_rate {
    uint64_t  cpu_ms;
    uint64_t  at_ms;            /* monotonic; 0: none yet */
    uint64_t  milli;            /* cores, thousandths */
};


/*
 * Reads /proc.  Returns 0, and usage_done() is to follow, or -1 without memory.
 */
int usage_collect(struct usage_set *set);
void usage_done(struct usage_set *set);

/*
 * That of a session, or NULL.
 */
const struct usage *usage_find(const struct usage_set *set, pid_t session);

/*
 * Thousandths of a core since the last look, or, the first time, since
 * started_ms.
 */
uint64_t usage_rate(struct usage_rate *rate, const struct usage *usage,
    uint64_t started_ms, uint64_t now_ms);

/*
 * CPU time (msec) spent since the last look, which *last is of; zeros: there
 * was none.
 */
uint64_t usage_gain(struct usage *last, const struct usage *usage);


#endif /* FAAS_SCALER_USAGE_H */

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * One function, its replicas, the calls that wait, and a policy that decides:
 * a simulation of discrete events.
 *
 * A call goes to the replica with the fewest calls that has a place; where
 * there is none it waits, first in, first out.  A replica costs from its start
 * to its end.  One that is to go takes no call more, and goes when its last
 * call ends; those that start go first, then those with the fewest calls.
 */

#ifndef FAAS_SIM_WORLD_H
#define FAAS_SIM_WORLD_H

#include <stddef.h>
#include <stdint.h>

#include "rival.h"
#include "trace.h"


struct world_settings {
    struct rival_function  function;
    double                 width;           /* calls at full speed */
    double                 start_ms;        /* mean; log-normal */
    double                 start_sigma;
    size_t                 parked_max;      /* more are rejected */
    double                 parked_ms;       /* longer are rejected */
    double                 warm_ms;         /* nothing is measured before */
    uint64_t               seed;            /* of the starts */
};

struct world_result {
    size_t  calls;              /* that ended */
    size_t  rejected;
    size_t  cold;               /* waited for a replica's start */
    size_t  operations;         /* changes of the number wanted, */
    size_t  turns;              /* and of their direction */
    double  replica_ms;
    double  added_ms[3];        /* latency over the service: p50, p99, p99.9 */
    double  slowdown;           /* response by service, p99 */
};


/*
 * Runs the trace.  Writes the number of replicas at each second to replicas,
 * where it is not NULL.
 */
void world_run(const struct world_settings *settings,
    const struct trace *trace, const struct rival *rival,
    struct world_result *result, double *replicas, size_t seconds);


#endif /* FAAS_SIM_WORLD_H */

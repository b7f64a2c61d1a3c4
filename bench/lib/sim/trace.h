/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Calls of one function: when they come, and how long they take on a replica
 * that is not busy.
 */

#ifndef FAAS_SIM_TRACE_H
#define FAAS_SIM_TRACE_H

#include <stddef.h>
#include <stdint.h>


#define TRACE_NAME  32


struct trace_call {
    double  at_ms;
    double  service_ms;
};

struct trace {
    char                name[TRACE_NAME];
    struct trace_call  *calls;          /* owned; by at_ms */
    size_t              n;
    size_t              size;
    double              end_ms;         /* replicas are counted until then */
};

/* what a synthetic trace is made for */
struct trace_shape {
    double  capacity;                   /* calls that a replica is good for */
    double  service_ms;                 /* mean */
    double  sigma;                      /* of the service's logarithm */
    double  length_ms;
};


/*
 * Names of the synthetic traces, NULL at the end.
 */
extern const char *const  trace_names[];

/*
 * Makes one of them, another one by each seed.  Ends the program where there
 * is no such name.  trace_done() frees it.
 */
void trace_make(struct trace *trace, const char *name,
    const struct trace_shape *shape, uint64_t seed);

/*
 * Reads a recorded trace: lines "SECONDS SERVICE_MS", in the order of time, as
 * decimal numbers; lines that begin with # are comments.  Ends the program
 * where a line is none.
 */
void trace_read(struct trace *trace, const char *path);

void trace_done(struct trace *trace);

/*
 * The least replica-milliseconds that could serve all calls at once: as many
 * replicas at each moment from warm_ms on as the calls in flight need then, one
 * at least.  The load is written to load, a mean for each second.
 */
double trace_ideal(const struct trace *trace, double capacity,
    double warm_ms, double *load, size_t seconds);


#endif /* FAAS_SIM_TRACE_H */

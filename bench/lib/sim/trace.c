/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Calls of one function: recorded ones, and the fewest replicas for them.
 */

#include "trace.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"


#define LINE_BYTES  128


static int compare(const void *a, const void *b);
static void spread(double *load, size_t seconds, double from_ms, double to_ms,
    double n);


void
trace_read(struct trace *trace, const char *path)
{
    char    line[LINE_BYTES], *end, *rest;
    FILE   *in;
    double  at, service, last;

    memset(trace, 0, sizeof(*trace));
    (void) snprintf(trace->name, sizeof(trace->name), "recorded");
    in = fopen(path, "r");
    last = 0;

    if (in == NULL) {
        sim_fail("cannot read the trace %s", path);
    }

    while (fgets(line, sizeof(line), in) != NULL) {

        if (line[0] == '#' || line[0] == '\n') {
            continue;
        }

        at = strtod(line, &end) * 1000;
        service = strtod(end, &rest);

        if (end == line || rest == end || !(at >= last) || !(service >= 0)
            || !isfinite(at) || !isfinite(service))
        {
            sim_fail("%s: not \"SECONDS SERVICE_MS\", or not in the order of"
                     " time: %s", path, line);
        }

        last = at;
        trace->end_ms = at > trace->end_ms ? at : trace->end_ms;
        sim_grow((void **) &trace->calls, trace->n, &trace->size,
                 sizeof(*trace->calls));
        trace->calls[trace->n].at_ms = at;
        trace->calls[trace->n++].service_ms = service > 0.001 ? service
                                              : 0.001;
    }

    (void) fclose(in);

    if (trace->n == 0) {
        sim_fail("the trace %s has no call", path);
    }
}


void
trace_done(struct trace *trace)
{
    free(trace->calls);
    memset(trace, 0, sizeof(*trace));
}


double
trace_ideal(const struct trace *trace, double capacity, double warm_ms,
    double *load, size_t seconds)
{
    size_t   i, j, n;
    double   sum, now, next, need;
    double  *ends;

    ends = sim_alloc(trace->n * sizeof(*ends));

    for (i = 0; i < trace->n; i++) {
        ends[i] = trace->calls[i].at_ms + trace->calls[i].service_ms;
    }

    qsort(ends, trace->n, sizeof(*ends), compare);

    sum = 0;
    now = 0;
    n = 0;
    i = 0;
    j = 0;

    while (now < trace->end_ms) {
        next = i < trace->n ? trace->calls[i].at_ms : trace->end_ms;
        next = j < trace->n && ends[j] < next ? ends[j] : next;
        next = next > trace->end_ms ? trace->end_ms : next;

        need = ceil((double) n / capacity);
        need = need < 1 ? 1 : need;
        sum += next > warm_ms ? need * (next - fmax(now, warm_ms)) : 0;
        spread(load, seconds, now, next, (double) n / capacity);
        now = next;

        while (j < trace->n && ends[j] <= now) {
            j++;
            n--;
        }

        while (i < trace->n && trace->calls[i].at_ms <= now) {
            i++;
            n++;
        }
    }

    free(ends);

    return sum;
}


static void
spread(double *load, size_t seconds, double from_ms, double to_ms, double n)
{
    size_t  i;
    double  end;

    while (from_ms < to_ms) {
        i = (size_t) (from_ms / 1000);
        end = (double) (i + 1) * 1000;
        end = end > to_ms ? to_ms : end;

        if (i < seconds) {
            load[i] += n * (end - from_ms) / 1000;
        }

        from_ms = end;
    }
}


static int
compare(const void *a, const void *b)
{
    double  x, y;

    x = *(const double *) a;
    y = *(const double *) b;

    return (x > y) - (x < y);
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Synthetic traces: calls come at random (Poisson) at a rate that follows a
 * profile, in replicas' worth of load.
 */

#include "trace.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "random.h"
#include "sim.h"


#define HEAVY   3.0             /* times as wide a spread of the service */
#define ON_MS   20000.0         /* means of the bursts, and between them */
#define OFF_MS  30000.0


/* of the profile on-off */
struct burst {
    double  until_ms;
    int     is_on;
};

struct profile {
    double  (*load)(double part);
    double  peak;
    double  spread;             /* times the shape's sigma */
};


static double step(double part);
static double ramp(double part);
static double spike(double part);
static double diurnal(double part);
static double even(double part);
static double low(double part);
static double bursts(struct burst *burst, struct random *random, double at_ms);


const char *const  trace_names[] = {
    "step", "ramp", "spike", "diurnal", "poisson", "onoff", "heavy", "low",
    NULL
};

static const struct profile  profiles[] = {
    { step, 10, 1 },
    { ramp, 10, 1 },
    { spike, 12, 1 },
    { diurnal, 9, 1 },
    { even, 6, 1 },
    { NULL, 8, 1 },
    { even, 6, HEAVY },
    { low, 0.5, 1 }
};


void
trace_make(struct trace *trace, const char *name,
    const struct trace_shape *shape, uint64_t seed)
{
    size_t                 i;
    double                 at, load, gap;
    struct burst           burst = { 0, 1 };
    struct random          random;
    const struct profile  *profile;

    for (i = 0; trace_names[i] != NULL; i++) {
        if (strcmp(trace_names[i], name) == 0) {
            break;
        }
    }

    if (trace_names[i] == NULL) {
        sim_fail("there is no trace %s", name);
    }

    memset(trace, 0, sizeof(*trace));
    (void) snprintf(trace->name, sizeof(trace->name), "%s", name);
    trace->end_ms = shape->length_ms;
    profile = &profiles[i];
    random_init(&random, seed * 64 + i);

    gap = shape->service_ms / shape->capacity / profile->peak;
    at = random_exponential(&random, gap);

    for ( /* void */ ; at < shape->length_ms;
          at += random_exponential(&random, gap))
    {
        load = profile->load != NULL ? profile->load(at / shape->length_ms)
               : bursts(&burst, &random, at);

        if (random_unit(&random) >= load / profile->peak) {
            continue;
        }

        sim_grow((void **) &trace->calls, trace->n, &trace->size,
                 sizeof(*trace->calls));
        trace->calls[trace->n].at_ms = at;
        trace->calls[trace->n++].service_ms =
            random_lognormal(&random, shape->service_ms,
                             profile->spread * shape->sigma);
    }
}


static double
step(double part)
{
    return part < 0.25 || part >= 0.7 ? 2 : 10;
}


static double
ramp(double part)
{
    return part < 0.1 ? 1 : part < 0.5 ? 1 + 9 * (part - 0.1) / 0.4
           : part < 0.9 ? 10 - 9 * (part - 0.5) / 0.4 : 1;
}


/*
 * Two of a thirtieth of the time.
 */
static double
spike(double part)
{
    return fabs(part - 0.3) < 1.0 / 60 || fabs(part - 0.7) < 1.0 / 60 ? 12 : 1;
}


static double
diurnal(double part)
{
    return 5 - 4 * cos(2 * 3.14159265358979323846 * part);
}


static double
even(double part)
{
    (void) part;

    return 6;
}


static double
low(double part)
{
    (void) part;

    return 0.5;
}


static double
bursts(struct burst *burst, struct random *random, double at_ms)
{
    while (at_ms >= burst->until_ms) {
        burst->is_on = !burst->is_on;
        burst->until_ms += random_exponential(random, burst->is_on ? ON_MS
                                                      : OFF_MS);
    }

    return burst->is_on ? 8 : 0.3;
}

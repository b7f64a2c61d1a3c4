/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * How many replicas a function should have.  Pure: demand and settings in, a
 * number out; the time is a part of the demand.
 *
 * Sources: OpenFaaS' documentation for modes, labels and their defaults;
 * Knative's KPA for the idea of two windows.  docs/autoscaling.md has the
 * formulas, bench/autoscale what the defaults were chosen by.
 */

#ifndef FAAS_SCALER_POLICY_H
#define FAAS_SCALER_POLICY_H

#include <stdint.h>


/* defaults of the settings */
#define POLICY_TARGET       50.0
#define POLICY_PROPORTION   0.90
#define POLICY_HEADROOM     1.0     /* of POLICY_CAPACITY without a label */
#define POLICY_MIN          1
#define POLICY_MAX          20
#define POLICY_STABLE_MS    60000
#define POLICY_PANIC_MS     2000
#define POLICY_DOWN_MS      20000
#define POLICY_UP_RATE      1000.0
#define POLICY_DOWN_RATE    2.0
#define POLICY_ZERO_MS      900000

/* calls that need more than so many times the replicas there are get them at
   once */
#define POLICY_CROWD        2

#define POLICY_DOWN_SLICES  30      /* of the scale-down window */
#define POLICY_RATE_MS      1000    /* rates are by this time */
#define POLICY_COUNT_MAX    1000000 /* replicas, whatever max is */


enum policy_type {
    POLICY_RPS,                 /* calls that begin, a second */
    POLICY_CAPACITY,            /* calls in flight or parked */
    POLICY_CPU,                 /* thousandths of a core in use */
    POLICY_QUEUE,               /* asynchronous calls that wait */
    POLICY_CUSTOM               /* by alerts and by hand only */
};

enum policy_reason {
    POLICY_HOLD,                /* as many as there are */
    POLICY_LOAD,
    POLICY_BURST,               /* the panic window's load */
    POLICY_WAKE,                /* calls wait for the first replica */
    POLICY_IDLE,                /* nothing for zero_ms */
    POLICY_PREWARM,             /* a call is due, by idle.h */
    POLICY_BOUNDS               /* fewer or more than min, max */
};

#define POLICY_REASONS  (POLICY_BOUNDS + 1)

/*
 * What makes no sense is not used: a target or a proportion that is not above
 * zero holds what there is, a rate below 1 is 1, a headroom below 0 is 0, and
 * a max below min is min.
 */
struct policy_settings {
    enum policy_type  type;
    double            target;           /* load a replica is meant for */
    double            proportion;       /* of target, that is aimed at */
    double            headroom;         /* times the square root of the load:
                                           added, as calls come by chance */
    uint64_t          min;              /* replicas; load alone never goes
                                           below one */
    uint64_t          max;
    uint64_t          max_inflight;     /* calls a replica takes; 0: any */
    uint64_t          stable_ms;        /* windows */
    uint64_t          panic_ms;
    uint64_t          down_ms;          /* scale-down window; 0: none */
    double            up_rate;          /* times as many, by POLICY_RATE_MS */
    double            down_rate;        /* a part of them, 1 / down_rate */
    int               is_zero;          /* none, where it is idle */
    uint64_t          zero_ms;          /* for so long */
};

struct policy_demand {
    uint64_t          now_ms;           /* monotonic, not 0 */
    uint64_t          wanted;           /* replicas, ready or not */
    uint64_t          inflight;         /* calls now, of all gateways */
    uint64_t          parked;
    uint64_t          idle_ms;          /* since there was a call */
    double            stable;           /* mean load over stable_ms */
    double            panic;            /* mean load over panic_ms */
    int               is_complete;      /* all gateways were heard of */
};

/* what is remembered of a function; zeros at first */
struct policy_state {
    uint64_t          rate_ms;          /* wanted was rate_base then */
    uint64_t          rate_base;
    uint64_t          down_last;        /* newest slice of the window, from 1 */
    uint32_t          down[POLICY_DOWN_SLICES];     /* most recommended in it */
};


/*
 * The settings of a function without labels.  Where a replica takes
 * max_inflight calls, that is POLICY_CAPACITY with all of them as its target
 * and POLICY_HEADROOM; else, with 0, what policy_set_type() makes of
 * POLICY_RPS.
 */
void policy_defaults(struct policy_settings *settings, uint64_t max_inflight);

/*
 * A type that a label asks for: OpenFaaS' formula, with its target and its
 * proportion, and without headroom.
 */
void policy_set_type(struct policy_settings *settings, enum policy_type type);

/*
 * The number of replicas that a function should have now.  It is
 *
 *   - never less than what calls in flight and parked need, where it is known
 *     what a replica takes, nor less than wanted where the demand is not
 *     complete or not a number;
 *   - 0 only where wanted is 0 and nothing is parked, or with is_zero;
 *   - wanted, if type is POLICY_CUSTOM or min is max, and calls do not wait
 *     for a first one;
 *   - else from min, or one, to max.
 */
uint64_t policy_decide(const struct policy_settings *settings,
    struct policy_state *state, const struct policy_demand *demand,
    enum policy_reason *reason);

/*
 * A word for the log and for metrics.
 */
const char *policy_reason_text(enum policy_reason reason);


#endif /* FAAS_SCALER_POLICY_H */

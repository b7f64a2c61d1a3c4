/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The policies that are compared: ours, as it is linked into the scaler, and
 * what others do, at their defaults.
 */

#ifndef FAAS_SIM_RIVAL_H
#define FAAS_SIM_RIVAL_H

#include <stdint.h>

#include "../../../scaler/policy.h"
#include "../../../scaler/window.h"


#define RIVAL_SAMPLES  10


/* of the function */
struct rival_function {
    uint64_t  max_inflight;     /* 0: none */
    uint64_t  min;
    uint64_t  max;
};

/* what may be known at a moment */
struct rival_view {
    double    now_ms;
    uint64_t  wanted;
    uint64_t  ready;
    uint64_t  inflight;         /* in replicas that are to stay */
    uint64_t  parked;
    double    busy;             /* integral of both, call-milliseconds */
    uint64_t  arrived;          /* calls, since the beginning */
    uint64_t  finished;
};

/* what a policy remembers; zeros at first */
struct rival_state {
    struct window        window;
    double               last_ms;
    double               last_busy;
    double               last_call_ms;
    uint64_t             last_arrived;

    struct policy_state  ours;

    double               panic_ms;      /* KPA's; 0: none */
    uint64_t             panic_most;

    uint64_t             sample[RIVAL_SAMPLES];     /* Prometheus', a ring */
    uint64_t             taken;
    double               fires_ms;      /* CE's alert; 0: it does not */
    double               sent_ms;
    int                  is_sent;
};

struct rival {
    const char  *name;
    double       tick_ms;       /* between decisions */
    double       lag_ms;        /* from what is seen to what is done */
    int          is_waking;     /* asked at once where calls are parked and
                                   there is no replica */
    uint64_t     (*decide)(struct rival_state *state,
                           const struct rival_function *function,
                           const struct rival_view *view);
};


extern const struct rival  rivals[];
extern const int           rivals_n;

/*
 * By name; ends the program where there is none.
 */
const struct rival *rival_find(const char *name);

/*
 * Our settings for a function, as the scaler makes them without labels.
 */
void rival_settings(const struct rival_function *function,
    struct policy_settings *settings);


#endif /* FAAS_SIM_RIVAL_H */

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * How many replicas a function should have.
 */

#include "policy.h"

#include <math.h>
#include <stddef.h>
#include <string.h>


#define COUNT_MAX  1000000      /* replicas, before they are bounded */


static uint64_t replicas_for(double load, double each);
static uint64_t needed_now(const struct policy_settings *settings,
    const struct policy_demand *demand);
static uint64_t for_load(const struct policy_settings *settings,
    struct policy_state *state, const struct policy_demand *demand,
    enum policy_reason *reason);
static uint64_t bound(uint64_t n, const struct policy_settings *settings);
static uint64_t limit_rate(uint64_t n, const struct policy_settings *settings,
    struct policy_state *state, const struct policy_demand *demand);
static uint64_t hold_down(uint64_t n, const struct policy_settings *settings,
    struct policy_state *state, const struct policy_demand *demand);


uint64_t
policy_decide(const struct policy_settings *settings,
    struct policy_state *state, const struct policy_demand *demand,
    enum policy_reason *reason)
{
    uint64_t  n, least;

    *reason = POLICY_HOLD;

    if (demand->wanted == 0) {

        if (demand->parked == 0) {
            return 0;
        }

        *reason = POLICY_WAKE;

        return bound(needed_now(settings, demand), settings);
    }

    if (settings->is_zero && demand->is_complete
        && demand->inflight == 0 && demand->parked == 0
        && demand->idle_ms >= settings->zero_ms)
    {
        *reason = POLICY_IDLE;
        memset(state, 0, sizeof(*state));
        return 0;
    }

    if (settings->type == POLICY_CUSTOM || settings->min == settings->max) {
        return demand->wanted;
    }

    n = for_load(settings, state, demand, reason);
    n = hold_down(n, settings, state, demand);
    n = limit_rate(n, settings, state, demand);

    least = needed_now(settings, demand);

    if (!demand->is_complete && least < demand->wanted) {
        least = demand->wanted;
    }

    if (n < demand->wanted && n < least) {
        n = least < demand->wanted ? least : demand->wanted;
    }

    least = bound(n, settings);

    if (least == demand->wanted) {
        *reason = POLICY_HOLD;

    } else if (least != n) {
        *reason = POLICY_BOUNDS;
    }

    return least;
}


const char *
policy_reason_text(enum policy_reason reason)
{
    static const char *const  texts[] = {
        "hold", "load", "burst", "wake", "idle", "bounds"
    };

    return texts[reason];
}


static uint64_t
replicas_for(double load, double each)
{
    double  n;

    /* the sum of many small parts is not a whole number by itself */

    n = ceil(load / each - 1e-6);

    return n < 0 ? 0 : n < COUNT_MAX ? (uint64_t) n : COUNT_MAX;
}


/*
 * What the calls of this moment need.
 */
static uint64_t
needed_now(const struct policy_settings *settings,
    const struct policy_demand *demand)
{
    double    each;
    uint64_t  calls;

    calls = demand->inflight + demand->parked;
    each = settings->target * settings->proportion;

    if (settings->max_inflight != 0) {
        each = (double) settings->max_inflight;
    }

    if (settings->type != POLICY_CAPACITY && settings->max_inflight == 0) {
        return calls != 0;
    }

    return replicas_for((double) calls, each);
}


static uint64_t
for_load(const struct policy_settings *settings, struct policy_state *state,
    const struct policy_demand *demand, enum policy_reason *reason)
{
    double    each, ready;
    uint64_t  stable, panic;

    each = settings->target * settings->proportion;
    ready = demand->ready != 0 ? (double) demand->ready : 1;

    stable = replicas_for(demand->stable, each);
    panic = replicas_for(demand->panic, each);
    *reason = POLICY_LOAD;

    if ((double) panic >= settings->panic_threshold * ready) {
        state->panic_until_ms = demand->now_ms + settings->stable_ms;

    } else if (demand->now_ms >= state->panic_until_ms) {
        state->panic_until_ms = 0;
    }

    if (state->panic_until_ms == 0) {
        return stable;
    }

    /* a burst never takes away */

    *reason = POLICY_BURST;
    stable = panic > stable ? panic : stable;

    return stable > demand->wanted ? stable : demand->wanted;
}


static uint64_t
bound(uint64_t n, const struct policy_settings *settings)
{
    uint64_t  min;

    min = settings->min != 0 ? settings->min : 1;
    n = n > settings->max ? settings->max : n;

    return n < min ? min : n;
}


/*
 * From what was wanted when this period began.
 */
static uint64_t
limit_rate(uint64_t n, const struct policy_settings *settings,
    struct policy_state *state, const struct policy_demand *demand)
{
    double  most, least;

    if (state->rate_ms == 0
        || demand->now_ms - state->rate_ms >= POLICY_RATE_MS)
    {
        state->rate_ms = demand->now_ms;
        state->rate_base = demand->wanted;
    }

    most = ceil((double) state->rate_base * settings->up_rate);
    least = floor((double) state->rate_base / settings->down_rate);

    if ((double) n > most) {
        return (uint64_t) most;
    }

    return (double) n < least ? (uint64_t) least : n;
}


/*
 * The most that was recommended within the scale-down window.
 */
static uint64_t
hold_down(uint64_t n, const struct policy_settings *settings,
    struct policy_state *state, const struct policy_demand *demand)
{
    size_t    i;
    uint64_t  slice;

    if (settings->down_ms == 0) {
        return n;
    }

    slice = demand->now_ms * POLICY_DOWN_SLICES / settings->down_ms;

    if (state->down_last == 0
        || slice - state->down_last >= POLICY_DOWN_SLICES)
    {
        memset(state->down, 0, sizeof(state->down));
        state->down_last = slice;
    }

    while (state->down_last < slice) {
        state->down_last++;
        state->down[state->down_last % POLICY_DOWN_SLICES] = 0;
    }

    i = slice % POLICY_DOWN_SLICES;
    state->down[i] = n > state->down[i] ? (uint32_t) n : state->down[i];

    for (i = 0; i < POLICY_DOWN_SLICES; i++) {
        n = state->down[i] > n ? state->down[i] : n;
    }

    return n;
}

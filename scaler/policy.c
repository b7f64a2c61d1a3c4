/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * How many replicas a function should have.
 */

#include "policy.h"

#include <math.h>
#include <stddef.h>
#include <string.h>


static uint64_t replicas_for(double load, double each);
static uint64_t needed_now(const struct policy_settings *settings,
    const struct policy_demand *demand);
static uint64_t for_load(const struct policy_settings *settings,
    const struct policy_demand *demand, enum policy_reason *reason);
static uint64_t for_crowd(uint64_t n, uint64_t needed,
    const struct policy_settings *settings, const struct policy_demand *demand,
    enum policy_reason *reason);
static uint64_t bound(uint64_t n, const struct policy_settings *settings);
static uint64_t limit_rate(uint64_t n, const struct policy_settings *settings,
    struct policy_state *state, const struct policy_demand *demand);
static uint64_t hold_down(uint64_t n, const struct policy_settings *settings,
    struct policy_state *state, const struct policy_demand *demand);


void
policy_defaults(struct policy_settings *settings, uint64_t max_inflight)
{
    memset(settings, 0, sizeof(*settings));

    settings->min = POLICY_MIN;
    settings->max = POLICY_MAX;
    settings->max_inflight = max_inflight;
    settings->stable_ms = POLICY_STABLE_MS;
    settings->panic_ms = POLICY_PANIC_MS;
    settings->down_ms = POLICY_DOWN_MS;
    settings->up_rate = POLICY_UP_RATE;
    settings->down_rate = POLICY_DOWN_RATE;
    settings->zero_ms = POLICY_ZERO_MS;

    policy_set_type(settings, POLICY_RPS);

    if (max_inflight != 0) {
        settings->type = POLICY_CAPACITY;
        settings->target = (double) max_inflight;
        settings->proportion = 1;
        settings->headroom = POLICY_HEADROOM;
    }
}


void
policy_set_type(struct policy_settings *settings, enum policy_type type)
{
    settings->type = type;
    settings->target = POLICY_TARGET;
    settings->proportion = POLICY_PROPORTION;
    settings->headroom = 0;
}


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
        n = bound(needed_now(settings, demand), settings);

        /* kept, as any: the means know nothing yet of the calls that wait */

        (void) hold_down(n, settings, state, demand);

        return n;
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

    least = needed_now(settings, demand);
    n = for_load(settings, demand, reason);
    n = for_crowd(n, least, settings, demand, reason);
    n = hold_down(n, settings, state, demand);
    n = limit_rate(n, settings, state, demand);

    least = demand->is_complete ? least : demand->wanted;

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
        "hold", "load", "burst", "wake", "idle", "prewarm", "bounds"
    };

    return texts[reason];
}


/*
 * Comparisons are such that what is not a number comes to 0.
 */
static uint64_t
replicas_for(double load, double each)
{
    double  n;

    /* the sum of many small parts is not a whole number by itself */

    n = ceil(load / each - 1e-6);

    return !(n > 0) ? 0
           : n < POLICY_COUNT_MAX ? (uint64_t) n : POLICY_COUNT_MAX;
}


/*
 * What the calls of this moment need, where it is known what a replica takes.
 */
static uint64_t
needed_now(const struct policy_settings *settings,
    const struct policy_demand *demand)
{
    double  calls, each;

    calls = (double) demand->inflight + (double) demand->parked;
    each = settings->max_inflight != 0 ? (double) settings->max_inflight
           : settings->target;

    if (settings->max_inflight == 0
        && (settings->type != POLICY_CAPACITY || !(each > 0)))
    {
        return calls > 0;
    }

    return replicas_for(calls, each);
}


/*
 * Two windows, of which the one that asks for more counts.  The stable one's
 * load is aimed at a part of what a replica is meant for.  The panic
 * window is too short for a mean: with headroom as well, chance alone would
 * start replicas.
 */
static uint64_t
for_load(const struct policy_settings *settings,
    const struct policy_demand *demand, enum policy_reason *reason)
{
    double    each, headroom;
    uint64_t  stable, panic;

    each = settings->target * settings->proportion;

    if (!(each > 0) || isnan(demand->stable) || isnan(demand->panic)) {
        return demand->wanted;
    }

    headroom = settings->headroom > 0 && demand->stable > 0
               ? settings->headroom * sqrt(demand->stable) : 0;

    stable = replicas_for(demand->stable + headroom, each);
    panic = replicas_for(demand->panic, fmax(each, settings->target));

    *reason = panic > stable ? POLICY_BURST : POLICY_LOAD;

    return panic > stable ? panic : stable;
}


/*
 * Where calls need more than twice the replicas that there are, most of them
 * wait for longer than a call takes: they get what they need.  Fewer wait by
 * chance, as where two calls meet at the only replica.
 */
static uint64_t
for_crowd(uint64_t n, uint64_t needed, const struct policy_settings *settings,
    const struct policy_demand *demand, enum policy_reason *reason)
{
    if (settings->max_inflight == 0 || needed <= n
        || (needed - 1) / POLICY_CROWD < demand->wanted)
    {
        return n;
    }

    *reason = POLICY_BURST;

    return needed;
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
    double  up_rate, down_rate, most, least;

    if (state->rate_ms == 0
        || demand->now_ms - state->rate_ms >= POLICY_RATE_MS)
    {
        state->rate_ms = demand->now_ms;
        state->rate_base = demand->wanted;
    }

    up_rate = settings->up_rate >= 1 ? settings->up_rate : 1;
    down_rate = settings->down_rate >= 1 ? settings->down_rate : 1;

    most = ceil((double) state->rate_base * up_rate);
    least = floor((double) state->rate_base / down_rate);

    /* within uint64_t, as n is no more than it */

    if ((double) n > most) {
        return (uint64_t) most;
    }

    return (double) n < least && least < POLICY_COUNT_MAX ? (uint64_t) least
           : n;
}


/*
 * The most that was recommended within the scale-down window.
 */
static uint64_t
hold_down(uint64_t n, const struct policy_settings *settings,
    struct policy_state *state, const struct policy_demand *demand)
{
    size_t    i;
    uint64_t  slice, length;

    if (settings->down_ms == 0) {
        return n;
    }

    length = settings->down_ms / POLICY_DOWN_SLICES;
    slice = demand->now_ms / (length != 0 ? length : 1) + 1;

    if (slice - state->down_last >= POLICY_DOWN_SLICES) {
        memset(state->down, 0, sizeof(state->down));
        state->down_last = slice;
    }

    while (state->down_last < slice) {
        state->down_last++;
        state->down[state->down_last % POLICY_DOWN_SLICES] = 0;
    }

    i = slice % POLICY_DOWN_SLICES;
    n = n < POLICY_COUNT_MAX ? n : POLICY_COUNT_MAX;
    state->down[i] = n > state->down[i] ? (uint32_t) n : state->down[i];

    for (i = 0; i < POLICY_DOWN_SLICES; i++) {
        n = state->down[i] > n ? state->down[i] : n;
    }

    return n;
}

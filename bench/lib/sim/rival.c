/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The policies that are compared.
 *
 *   fixed   the least number, all the time: here as many as the trace's peak
 *           needs
 *   ce      OpenFaaS' alert rule: more than 5 calls/s that ended, over 10 s,
 *           for 5 s, is an alert, sent after 5 s more and then each 30 s; each
 *           adds a fifth of the most; its end, at most 10 s late, is back to
 *           the least
 *   kpa     Knative: each 2 s, windows of 60 s and 6 s, 70 % of the limit, or
 *           70 calls, panic at twice of what is ready
 *   pro     OpenFaaS Pro: without a limit type rps, target 50, the rate of
 *           30 s; with one type capacity, its target the limit, the most of
 *           nine looks in 45 s; proportion 0.90.  How often it decides is
 *           not documented: it does here as often as its data changes, 5 s
 *
 * What others see is exact and not late.  What ours sees is late by half of the
 * time between two reports of a gateway.
 */

#include "rival.h"

#include <math.h>
#include <string.h>

#include "sim.h"


#define SCRAPE_MS      5000.0
#define KPA_TICK_MS    2000.0
#define KPA_STABLE_MS  60000
#define KPA_PANIC_MS   6000
#define OUR_TICK_MS    250.0
#define OUR_LAG_MS     125.0


static uint64_t fixed(struct rival_state *state,
    const struct rival_function *function, const struct rival_view *view);
static uint64_t ce(struct rival_state *state,
    const struct rival_function *function, const struct rival_view *view);
static uint64_t kpa(struct rival_state *state,
    const struct rival_function *function, const struct rival_view *view);
static uint64_t pro(struct rival_state *state,
    const struct rival_function *function, const struct rival_view *view);
static uint64_t ours(struct rival_state *state,
    const struct rival_function *function, const struct rival_view *view);
static void see(struct rival_state *state, const struct rival_view *view,
    double amount, uint64_t length_ms);
static double sampled_rate(struct rival_state *state, uint64_t n,
    uint64_t span);
static uint64_t bound(double n, const struct rival_function *function);


const struct rival  rivals[] = {
    { "fixed", SCRAPE_MS, 0, 0, fixed },
    { "ce", SCRAPE_MS, 0, 0, ce },
    { "kpa", KPA_TICK_MS, 0, 1, kpa },
    { "pro", SCRAPE_MS, 0, 1, pro },
    { "ours", OUR_TICK_MS, OUR_LAG_MS, 1, ours }
};

const int  rivals_n = sizeof(rivals) / sizeof(rivals[0]);


const struct rival *
rival_find(const char *name)
{
    int  i;

    for (i = 0; i < rivals_n; i++) {
        if (strcmp(rivals[i].name, name) == 0) {
            return &rivals[i];
        }
    }

    sim_fail("there is no policy %s", name);
}


void
rival_settings(const struct rival_function *function,
    struct policy_settings *settings)
{
    policy_defaults(settings, function->max_inflight);
    settings->min = function->min;
    settings->max = function->max;
}


static uint64_t
fixed(struct rival_state *state, const struct rival_function *function,
    const struct rival_view *view)
{
    (void) state;
    (void) view;

    return function->min;
}


static uint64_t
ce(struct rival_state *state, const struct rival_function *function,
    const struct rival_view *view)
{
    double  now, rate;

    now = view->now_ms;
    rate = sampled_rate(state, view->finished, 2);

    if (rate > 5) {
        state->fires_ms = state->fires_ms == 0 ? now : state->fires_ms;

        if (now - state->fires_ms < 10000
            || (state->is_sent && now - state->sent_ms < 30000))
        {
            return view->wanted;
        }

        state->is_sent = 1;
        state->sent_ms = now;

        return bound((double) view->wanted + ceil((double) function->max / 5),
                     function);
    }

    state->fires_ms = 0;

    if (state->is_sent && now - state->sent_ms < 10000) {
        return view->wanted;
    }

    state->is_sent = 0;

    return function->min;
}


static uint64_t
kpa(struct rival_state *state, const struct rival_function *function,
    const struct rival_view *view)
{
    double    target, ready, stable, panic, least;
    uint64_t  now;

    now = (uint64_t) view->now_ms;
    target = function->max_inflight != 0
             ? 0.7 * (double) function->max_inflight : 70;
    ready = view->ready != 0 ? (double) view->ready : 1;

    see(state, view, view->busy - state->last_busy, KPA_STABLE_MS);
    state->last_busy = view->busy;

    if (view->wanted == 0) {
        return view->parked != 0;
    }

    stable = ceil(window_mean(&state->window, now, KPA_STABLE_MS) / target);
    panic = ceil(window_mean(&state->window, now, KPA_PANIC_MS) / target);

    if (panic / ready >= 2) {
        state->panic_ms = view->now_ms;

    } else if (view->now_ms > state->panic_ms + KPA_STABLE_MS) {
        state->panic_ms = 0;
        state->panic_most = 0;
    }

    least = floor(ready / 2);
    stable = stable < least ? least : stable;
    panic = panic < least ? least : panic;

    if (state->panic_ms == 0) {
        return bound(stable, function);
    }

    stable = panic > stable ? panic : stable;

    if (stable > (double) state->panic_most) {
        state->panic_most = (uint64_t) stable;
    }

    return bound((double) state->panic_most, function);
}


static uint64_t
pro(struct rival_state *state, const struct rival_function *function,
    const struct rival_view *view)
{
    uint64_t  i, load;

    if (view->wanted == 0) {
        return view->parked != 0;
    }

    if (function->max_inflight == 0) {
        return bound(ceil(ceil(sampled_rate(state, view->arrived, 6))
                          / (0.9 * 50)), function);
    }

    state->sample[state->taken++ % 9] = view->inflight + view->parked;
    load = 0;

    for (i = 0; i < 9; i++) {
        load = state->sample[i] > load ? state->sample[i] : load;
    }

    return bound(ceil((double) load
                      / (0.9 * (double) function->max_inflight)), function);
}


static uint64_t
ours(struct rival_state *state, const struct rival_function *function,
    const struct rival_view *view)
{
    double                  amount;
    uint64_t                now;
    enum policy_reason      reason;
    struct policy_demand    demand;
    struct policy_settings  settings;

    rival_settings(function, &settings);
    now = (uint64_t) view->now_ms + 1;

    amount = settings.type == POLICY_RPS
             ? 1000.0 * (double) (view->arrived - state->last_arrived)
             : view->busy - state->last_busy;

    if (view->inflight + view->parked != 0
        || view->arrived != state->last_arrived)
    {
        state->last_call_ms = view->now_ms;
    }

    see(state, view, amount, settings.stable_ms);
    state->last_busy = view->busy;
    state->last_arrived = view->arrived;

    memset(&demand, 0, sizeof(demand));
    demand.now_ms = now;
    demand.wanted = view->wanted;
    demand.inflight = view->inflight;
    demand.parked = view->parked;
    demand.idle_ms = (uint64_t) (view->now_ms - state->last_call_ms);
    demand.stable = window_mean(&state->window, now, settings.stable_ms);
    demand.panic = window_mean(&state->window, now, settings.panic_ms);
    demand.is_complete = 1;

    return policy_decide(&settings, &state->ours, &demand, &reason);
}


/*
 * The window is of one millisecond later, as 0 is no time.
 */
static void
see(struct rival_state *state, const struct rival_view *view, double amount,
    uint64_t length_ms)
{
    uint64_t  from;

    if (state->window.slice_ms == 0) {
        window_init(&state->window, length_ms, 1);
    }

    from = (uint64_t) state->last_ms + 1;
    window_add(&state->window, from, (uint64_t) view->now_ms + 1, amount);
    state->last_ms = view->now_ms;
}


/*
 * Of a counter, a second, over so many looks before this one.
 */
static double
sampled_rate(struct rival_state *state, uint64_t n, uint64_t span)
{
    uint64_t  before;

    state->sample[state->taken % RIVAL_SAMPLES] = n;
    span = span > state->taken ? state->taken : span;
    before = state->sample[(state->taken - span) % RIVAL_SAMPLES];
    state->taken++;

    return span != 0 ? (double) (n - before)
                       / ((double) span * SCRAPE_MS / 1000) : 0;
}


static uint64_t
bound(double n, const struct rival_function *function)
{
    n = n > (double) function->max ? (double) function->max : n;

    return n < (double) function->min ? function->min : (uint64_t) n;
}

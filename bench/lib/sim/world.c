/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * One function, its replicas, the calls that wait, and a policy that decides.
 */

#include "world.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "quantile.h"
#include "random.h"
#include "replica.h"
#include "sim.h"


#define REPLICAS_MAX  1024


struct world {
    const struct world_settings  *settings;
    const struct trace           *trace;
    const struct rival           *rival;
    struct world_result          *result;
    struct random                 random;
    struct rival_state            state;
    struct replica               *replicas;     /* REPLICAS_MAX of them */
    size_t                        n;
    size_t                       *parked;       /* calls, a queue */
    size_t                        first;
    size_t                        last;
    size_t                        inflight;     /* in those that stay */
    uint64_t                      wanted;
    double                        now_ms;
    double                        tick_ms;      /* the next decision */
    double                        change_ms;    /* the next change, and */
    uint64_t                      change;       /* to how many */
    int                           was_up;       /* the last one was */
    double                        busy;
    uint64_t                      arrived;
    uint64_t                      finished;
    float                        *added;        /* a call each */
    float                        *slowdown;
};


static void open_world(struct world *world);
static void close_world(struct world *world);
static double next_event(const struct world *world, size_t *which);
static void pass(struct world *world, double to_ms);
static void on_arrival(struct world *world);
static void on_replica(struct world *world, size_t which);
static void measure(struct world *world, const struct trace_call *call);
static void place(struct world *world, size_t call, int is_cold);
static struct replica *free_replica(struct world *world);
static void take_parked(struct world *world, int is_cold);
static void decide(struct world *world);
static void change(struct world *world);
static void start(struct world *world);
static void retire(struct world *world);
static void drop(struct world *world, size_t which);
static void sum_up(struct world *world);


void
world_run(const struct world_settings *settings, const struct trace *trace,
    const struct rival *rival, struct world_result *result, double *replicas,
    size_t seconds)
{
    size_t        which, second;
    double        at;
    struct world  world;

    memset(&world, 0, sizeof(world));
    memset(result, 0, sizeof(*result));
    world.settings = settings;
    world.trace = trace;
    world.rival = rival;
    world.result = result;
    open_world(&world);
    second = 0;

    while (world.arrived < trace->n || world.n != 0) {
        at = next_event(&world, &which);

        if (at >= trace->end_ms && world.arrived == trace->n
            && world.first == world.last && world.inflight == 0)
        {
            break;
        }

        while (replicas != NULL && second < seconds
               && (double) second * 1000 <= at)
        {
            replicas[second++] = (double) world.n;
        }

        pass(&world, at);

        if (which < world.n) {
            on_replica(&world, which);

        } else if (at == world.change_ms) {
            change(&world);

        } else if (at == world.tick_ms) {
            decide(&world);

        } else {
            on_arrival(&world);
        }
    }

    pass(&world, trace->end_ms);
    sum_up(&world);
    close_world(&world);
}


static void
open_world(struct world *world)
{
    size_t  i;

    random_init(&world->random, world->settings->seed);
    world->replicas = sim_alloc(REPLICAS_MAX * sizeof(*world->replicas));
    world->parked = sim_alloc(world->trace->n * sizeof(*world->parked));
    world->added = sim_alloc(world->trace->n * sizeof(*world->added));
    world->slowdown = sim_alloc(world->trace->n * sizeof(*world->slowdown));
    world->change_ms = INFINITY;
    world->tick_ms = world->rival->tick_ms;
    world->wanted = world->settings->function.min;

    /* what there is at first has been there */

    for (i = 0; i < world->wanted; i++) {
        world->replicas[i].state = REPLICA_READY;
        world->replicas[i].next_ms = INFINITY;
    }

    world->n = world->wanted;
}


static void
close_world(struct world *world)
{
    size_t  i;

    for (i = 0; i < REPLICAS_MAX; i++) {
        free(world->replicas[i].calls);
    }

    free(world->replicas);
    free(world->parked);
    free(world->added);
    free(world->slowdown);
}


/*
 * When it is; which replica's it is, or none.
 */
static double
next_event(const struct world *world, size_t *which)
{
    size_t  i;
    double  at;

    at = world->tick_ms < world->change_ms ? world->tick_ms
         : world->change_ms;
    *which = world->n;

    if (world->arrived < world->trace->n
        && world->trace->calls[world->arrived].at_ms < at)
    {
        at = world->trace->calls[world->arrived].at_ms;
    }

    for (i = 0; i < world->n; i++) {
        if (world->replicas[i].next_ms < at) {
            at = world->replicas[i].next_ms;
            *which = i;
        }
    }

    return at;
}


static void
pass(struct world *world, double to_ms)
{
    double  from, until;

    from = world->now_ms > world->settings->warm_ms ? world->now_ms
           : world->settings->warm_ms;
    until = to_ms < world->trace->end_ms ? to_ms : world->trace->end_ms;

    if (until > from) {
        world->result->replica_ms += (double) world->n * (until - from);
    }

    world->busy += (double) (world->inflight + world->last - world->first)
                   * (to_ms - world->now_ms);
    world->now_ms = to_ms;
}


static void
on_arrival(struct world *world)
{
    size_t  call;

    call = world->arrived++;

    if (free_replica(world) != NULL) {
        place(world, call, 0);
        return;
    }

    if (world->last - world->first >= world->settings->parked_max) {
        world->result->rejected++;
        return;
    }

    world->parked[world->last++] = call;

    if (world->wanted == 0 && world->rival->is_waking) {
        decide(world);
    }
}


static void
on_replica(struct world *world, size_t which)
{
    size_t           call;
    struct replica  *replica;

    replica = &world->replicas[which];

    if (replica->state == REPLICA_STARTING) {
        replica->state = REPLICA_READY;
        replica->next_ms = INFINITY;
        take_parked(world, 1);
        return;
    }

    call = replica_end(replica, world->settings->width);
    measure(world, &world->trace->calls[call]);
    world->finished++;

    if (replica->state == REPLICA_READY) {
        world->inflight--;
        take_parked(world, 0);

    } else if (replica->n == 0) {
        drop(world, which);
    }
}


static void
measure(struct world *world, const struct trace_call *call)
{
    double  took;

    if (call->at_ms < world->settings->warm_ms) {
        return;
    }

    took = world->now_ms - call->at_ms;

    world->slowdown[world->result->calls] =
        (float) (took / call->service_ms);
    world->added[world->result->calls++] = (float) (took - call->service_ms);
}


static void
place(struct world *world, size_t call, int is_cold)
{
    struct replica  *replica;

    replica = free_replica(world);
    replica_take(replica, world->now_ms, world->settings->width, call,
                 world->trace->calls[call].service_ms);
    world->inflight++;
    world->result->cold += is_cold != 0
                           && world->now_ms >= world->settings->warm_ms;
}


static struct replica *
free_replica(struct world *world)
{
    size_t           i, limit;
    struct replica  *replica, *best;

    limit = world->settings->function.max_inflight;
    best = NULL;

    for (i = 0; i < world->n; i++) {
        replica = &world->replicas[i];

        if (replica->state == REPLICA_READY
            && (limit == 0 || replica->n < limit)
            && (best == NULL || replica->n < best->n))
        {
            best = replica;
        }
    }

    return best;
}


static void
take_parked(struct world *world, int is_cold)
{
    size_t  call;

    while (world->first < world->last && free_replica(world) != NULL) {
        call = world->parked[world->first++];

        if (world->now_ms - world->trace->calls[call].at_ms
            > world->settings->parked_ms)
        {
            world->result->rejected++;
            continue;
        }

        place(world, call, is_cold);
    }
}


static void
decide(struct world *world)
{
    size_t             i;
    uint64_t           n;
    struct rival_view  view;

    memset(&view, 0, sizeof(view));
    view.now_ms = world->now_ms;
    view.wanted = world->wanted;
    view.inflight = world->inflight;
    view.parked = world->last - world->first;
    view.busy = world->busy;
    view.arrived = world->arrived;
    view.finished = world->finished;

    for (i = 0; i < world->n; i++) {
        view.ready += world->replicas[i].state == REPLICA_READY;
    }

    n = world->rival->decide(&world->state, &world->settings->function, &view);

    if (world->now_ms >= world->tick_ms) {
        world->tick_ms += world->rival->tick_ms;
    }

    world->change = n < REPLICAS_MAX / 2 ? n : REPLICAS_MAX / 2;
    world->change_ms = world->now_ms + world->rival->lag_ms;

    if (world->rival->lag_ms <= 0) {
        change(world);
    }
}


static void
change(struct world *world)
{
    world->change_ms = INFINITY;

    if (world->change == world->wanted) {
        return;
    }

    if (world->now_ms >= world->settings->warm_ms) {
        world->result->operations++;
        world->result->turns += world->was_up
                                != (world->change > world->wanted);
    }

    world->was_up = world->change > world->wanted;

    while (world->wanted < world->change && world->n < REPLICAS_MAX) {
        start(world);
        world->wanted++;
    }

    while (world->wanted > world->change) {
        retire(world);
        world->wanted--;
    }
}


static void
start(struct world *world)
{
    struct replica  *replica;

    replica = &world->replicas[world->n++];
    replica->state = REPLICA_STARTING;
    replica->n = 0;
    replica->at_ms = world->now_ms;
    replica->next_ms = world->now_ms
                       + random_lognormal(&world->random,
                                          world->settings->start_ms,
                                          world->settings->start_sigma);
}


static void
retire(struct world *world)
{
    size_t           i, best;
    struct replica  *replica;

    best = world->n;

    for (i = 0; i < world->n; i++) {
        replica = &world->replicas[i];

        if (replica->state == REPLICA_DRAINING) {
            continue;
        }

        if (best == world->n
            || replica->state < world->replicas[best].state
            || (replica->state == world->replicas[best].state
                && replica->n <= world->replicas[best].n))
        {
            best = i;
        }
    }

    if (best == world->n) {
        return;
    }

    if (world->replicas[best].n == 0) {
        drop(world, best);
        return;
    }

    world->replicas[best].state = REPLICA_DRAINING;
    world->inflight -= world->replicas[best].n;
}


static void
drop(struct world *world, size_t which)
{
    struct replica  gone;

    gone = world->replicas[which];
    world->n--;
    world->replicas[which] = world->replicas[world->n];
    world->replicas[world->n] = gone;
}


static void
sum_up(struct world *world)
{
    size_t                n;
    struct world_result  *result;

    result = world->result;
    n = result->calls;

    result->slowdown = quantile(world->slowdown, n, 0.99);
    result->added_ms[0] = quantile(world->added, n, 0.5);
    result->added_ms[1] = quantile(world->added, n, 0.99);
    result->added_ms[2] = quantile(world->added, n, 0.999);
}

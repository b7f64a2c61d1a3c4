/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A replica.
 */

#include "replica.h"

#include <math.h>

#include "sim.h"


static void pass(struct replica *replica, double now_ms, double width);
static double pace(const struct replica *replica, double width);
static void plan(struct replica *replica, double width);
static void sink(struct replica *replica);


void
replica_take(struct replica *replica, double now_ms, double width,
    size_t call, double service_ms)
{
    size_t               i, up;
    struct replica_call  added;

    pass(replica, now_ms, width);
    sim_grow((void **) &replica->calls, replica->n, &replica->size,
             sizeof(*replica->calls));

    added.call = call;
    added.ends = replica->own + service_ms;

    for (i = replica->n++; i > 0; i = up) {
        up = (i - 1) / 2;

        if (replica->calls[up].ends <= added.ends) {
            break;
        }

        replica->calls[i] = replica->calls[up];
    }

    replica->calls[i] = added;
    plan(replica, width);
}


size_t
replica_end(struct replica *replica, double width)
{
    size_t  call;

    pass(replica, replica->next_ms, width);

    call = replica->calls[0].call;
    replica->own = replica->calls[0].ends;
    replica->calls[0] = replica->calls[--replica->n];
    sink(replica);
    plan(replica, width);

    return call;
}


static void
pass(struct replica *replica, double now_ms, double width)
{
    replica->own += (now_ms - replica->at_ms) * pace(replica, width);
    replica->at_ms = now_ms;
}


static double
pace(const struct replica *replica, double width)
{
    return (double) replica->n > width ? width / (double) replica->n : 1;
}


static void
plan(struct replica *replica, double width)
{
    double  left;

    if (replica->n == 0) {
        replica->next_ms = INFINITY;
        return;
    }

    left = replica->calls[0].ends - replica->own;
    replica->next_ms = replica->at_ms
                       + (left > 0 ? left / pace(replica, width) : 0);
}


static void
sink(struct replica *replica)
{
    size_t               i, down;
    struct replica_call  moved;

    moved = replica->calls[0];

    for (i = 0; 2 * i + 1 < replica->n; i = down) {
        down = 2 * i + 1;

        if (down + 1 < replica->n
            && replica->calls[down + 1].ends < replica->calls[down].ends)
        {
            down++;
        }

        if (moved.ends <= replica->calls[down].ends) {
            break;
        }

        replica->calls[i] = replica->calls[down];
    }

    replica->calls[i] = moved;
}

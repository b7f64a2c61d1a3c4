/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The route of a function that was published last.
 */

#include "route_kept.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>


static size_t size_of(const struct faas_route *route);


void
route_of_spec(struct faas_route *route, const struct spec *spec)
{
    /* compared byte by byte */
    memset(route, 0, sizeof(*route));

    route->replicas = (uint32_t) spec->replicas;
    route->max_inflight = spec->limits.max_inflight;
    route->queue = spec->limits.queue;
    route->park_ms = spec->limits.park_ms;
    route->timeout_ms = spec->limits.timeout_ms;
    route->is_private = spec->limits.is_private;
}


int
route_keep(struct faas_route **kept, const struct faas_route *route)
{
    size_t  size;

    size = size_of(route);

    if (*kept != NULL && (*kept)->n == route->n
        && (*kept)->n_lost == route->n_lost
        && memcmp(*kept, route, size) == 0)
    {
        return 0;
    }

    free(*kept);
    *kept = malloc(size);

    if (*kept != NULL) {
        memcpy(*kept, route, size);
    }

    return 1;
}


/*
 * Only what is used of it: most functions have few replicas.
 */
static size_t
size_of(const struct faas_route *route)
{
    return offsetof(struct faas_route, endpoints)
           + (route->n + route->n_lost) * sizeof(struct faas_endpoint);
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A bound on the replicas that start at a time, --max-starts: a Swarm that is
 * to start a thousand at once gets stuck ("preparing").  Those beyond it are
 * pending, a label of their service; it is scaled up when others have started.
 */

#include "daemon/clock.h"

#include "swarm.h"


#define LOOK_AGAIN  1000        /* msec: starts may have lasted too long */


static uint64_t room(const struct swarm *swarm);
static void on_turn(evutil_socket_t fd, short what, void *arg);


int
swarm_starts_open(struct swarm *swarm, struct faas_err *err)
{
    swarm->starts = evtimer_new(swarm->base, on_turn, swarm);

    return swarm->starts != NULL ? 0 : faas_err_set(err, 500, "no memory");
}


void
swarm_starts_close(struct swarm *swarm)
{
    if (swarm->starts != NULL) {
        event_free(swarm->starts);
        swarm->starts = NULL;
    }
}


uint64_t
swarm_starts_grant(struct swarm *swarm, const struct swarm_service *service,
    uint64_t wanted)
{
    uint64_t  most;

    most = room(swarm) + (service != NULL ? service->replicas : 0);

    return wanted < most ? wanted : most;
}


void
swarm_starts_wake(struct swarm *swarm)
{
    if (swarm->starts != NULL && !evtimer_pending(swarm->starts, NULL)) {
        clock_timer(swarm->starts, 0);
    }
}


/*
 * What may start now, beside all that start already.
 */
static uint64_t
room(const struct swarm *swarm)
{
    uint64_t                     max, n;
    const struct swarm_service  *service;

    n = swarm->granted;
    max = swarm->options->max_starts;

    TAILQ_FOREACH(service, &swarm->services, link) {
        n += swarm_service_starting(service);
    }

    return n < max ? max - n : 0;
}


static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
    int                    is_left;
    uint64_t               free_starts, wanted;
    struct swarm          *swarm;
    struct swarm_service  *service;

    (void) fd;
    (void) what;

    swarm = arg;
    is_left = 0;
    free_starts = room(swarm);

    TAILQ_FOREACH(service, &swarm->services, link) {

        if (service->spec->replicas <= service->replicas
            || service->is_resuming)
        {
            continue;
        }

        if (free_starts == 0 || !swarm->sync.is_up) {
            is_left = 1;
            break;
        }

        wanted = service->spec->replicas - service->replicas;
        free_starts -= wanted < free_starts ? wanted : free_starts;
        swarm_start_pending(service);
    }

    if (is_left) {
        clock_timer(swarm->starts, LOOK_AGAIN);
    }
}

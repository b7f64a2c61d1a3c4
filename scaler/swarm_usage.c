/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What containers use, by Docker's statistics, one after another, while there
 * is somebody who asks.
 *
 * An engine knows those of its own containers: of a function with a replica on
 * another node nothing is known.
 */

#include <stdio.h>
#include <string.h>

#include "daemon/clock.h"

#include "swarm.h"


#define NSEC     1000000        /* in a msec */
#define SESSION  1              /* of all: a task has one container */


static void on_timer(evutil_socket_t fd, short what, void *arg);
static void ask_next(struct swarm *swarm);
static struct swarm_task *next_of(struct swarm *swarm);
static void on_stats(void *arg, json_t *answer, const struct faas_err *err);
static void take(struct swarm_task *task, const json_t *stats);


int
swarm_usage_open(struct swarm *swarm, struct faas_err *err)
{
    swarm->usage.timer = evtimer_new(swarm->base, on_timer, swarm);

    return swarm->usage.timer != NULL ? 0
           : faas_err_set(err, 500, "no memory");
}


void
swarm_usage_close(struct swarm *swarm)
{
    if (swarm->usage.timer != NULL) {
        event_free(swarm->usage.timer);
        swarm->usage.timer = NULL;
    }
}


void
swarm_usage_want(struct swarm *swarm)
{
    struct swarm_usage  *usage;

    usage = &swarm->usage;
    usage->asked_ms = clock_now_ms();

    if (usage->timer != NULL && !usage->is_busy
        && !evtimer_pending(usage->timer, NULL))
    {
        clock_timer(usage->timer, 0);
    }
}


void
swarm_usage_give(const struct swarm_service *service,
    struct provider_function *view)
{
    int                       is_running;
    const struct swarm_task  *task;

    view->cpu_ms = service->cpu_ms;
    is_running = 0;

    TAILQ_FOREACH(task, &service->tasks, link) {

        if (task->state != SWARM_TASK_RUNNING) {
            continue;
        }

        if (task->rate.at_ms == 0) {
            return;
        }

        is_running = 1;
        view->cpu_milli += task->rate.milli;
        view->memory += task->spent.memory;
    }

    /* one that starts, and may take calls already, is not said to use
       nothing */

    view->has_usage = is_running || service->replicas == 0;
}


void
swarm_usage_begin(struct swarm_task *task)
{
    task->spent.session = SESSION;
    task->spent.cpu_ms = UINT64_MAX;
}


static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct swarm  *swarm;

    (void) fd;
    (void) what;

    swarm = arg;

    if (clock_now_ms() - swarm->usage.asked_ms <= SWARM_USAGE_ASKED) {
        swarm->usage.round++;
        ask_next(swarm);
    }
}


static void
ask_next(struct swarm *swarm)
{
    struct swarm_task   *task;
    struct swarm_usage  *usage;

    usage = &swarm->usage;
    task = next_of(swarm);

    if (task == NULL) {
        clock_timer(usage->timer, SWARM_USAGE_PERIOD);
        return;
    }

    /* it may have gone when the answer comes */

    memcpy(usage->service, task->service->id, sizeof(usage->service));
    memcpy(usage->task, task->id, sizeof(usage->task));
    task->usage_round = usage->round;
    usage->is_busy = 1;

    docker_call(&swarm->docker, "GET", NULL, on_stats, swarm,
                "/containers/%s/stats?stream=false&one-shot=true",
                task->container);
}


static struct swarm_task *
next_of(struct swarm *swarm)
{
    struct swarm_task     *task;
    struct swarm_service  *service;

    TAILQ_FOREACH(service, &swarm->services, link) {
        TAILQ_FOREACH(task, &service->tasks, link) {

            if (task->state == SWARM_TASK_RUNNING && !task->is_elsewhere
                && task->container[0] != '\0'
                && task->usage_round != swarm->usage.round)
            {
                return task;
            }
        }
    }

    return NULL;
}


static void
on_stats(void *arg, json_t *answer, const struct faas_err *err)
{
    struct swarm          *swarm;
    struct swarm_task     *task;
    struct swarm_service  *service;

    swarm = arg;
    swarm->usage.is_busy = 0;

    if (swarm->usage.timer == NULL) {
        return;
    }

    /* Docker is away: later */

    if (err->code == 503) {
        clock_timer(swarm->usage.timer, SWARM_USAGE_PERIOD);
        return;
    }

    service = swarm_find_id(swarm, swarm->usage.service);
    task = service != NULL ? swarm_task_find(service, swarm->usage.task)
           : NULL;

    if (task != NULL && err->code == 0) {
        take(task, answer);

    } else if (task != NULL && (err->code == 404 || err->code == 403)) {
        task->is_elsewhere = 1;     /* or a proxy does not let us ask */
    }

    ask_next(swarm);
}


/*
 * Memory as "docker stats" counts it: without files that are only kept because
 * there is room for them.
 */
static void
take(struct swarm_task *task, const json_t *stats)
{
    uint64_t      kept, now;
    struct usage  usage;

    /* of one that runs no more Docker says nothing but zeros */

    if (swarm_uint(stats, "memory_stats.usage") == 0) {
        return;
    }

    now = clock_now_ms();
    kept = swarm_uint(stats, "memory_stats.stats.inactive_file");

    if (kept == 0) {
        kept = swarm_uint(stats, "memory_stats.stats.total_inactive_file");
    }

    memset(&usage, 0, sizeof(usage));
    usage.session = SESSION;
    usage.cpu_ms = swarm_uint(stats, "cpu_stats.cpu_usage.total_usage") / NSEC;
    usage.memory = swarm_uint(stats, "memory_stats.usage");
    usage.memory -= kept < usage.memory ? kept : 0;

    if (task->rate.at_ms == 0) {
        task->rate.at_ms = now;
        task->rate.cpu_ms = usage.cpu_ms;

    } else {
        (void) usage_rate(&task->rate, &usage, 0, now);
    }

    task->service->cpu_ms += usage_gain(&task->spent, &usage);
}

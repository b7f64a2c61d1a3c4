/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Which replicas take requests.
 *
 * DESIGN
 *
 * One that has begun is asked at once, and again after pauses that grow, until
 * it takes requests: by /_/health while Docker says it is starting (something
 * else may have the port for a moment), by a connection once it is running.
 *
 * Those that do are looked at in turns, each SWARM_CHECK_PERIOD at least one of
 * each node.  One that refuses leaves the route; what it works on it may still
 * answer.  Where one is silent, all of its node are asked at once, it too, and
 * those that are silent then are lost: gateways are told not to wait for them.
 * While nobody answers the scaler is cut off itself, and silence counts for
 * nothing.
 */

#include <stdlib.h>
#include <string.h>

#include "daemon/clock.h"
#include "lib/faas_log.h"

#include "swarm.h"


static void on_retry(evutil_socket_t fd, short what, void *arg);
static void ask(struct swarm_task *task);
static int is_beginning(const struct swarm_task *task);
static void on_tried(void *arg, enum probe_result result);
static void accepted(struct swarm_task *task);
static void not_yet(struct swarm_task *task);
static void try_again(struct swarm_task *task, uint64_t pause);
static void on_check(evutil_socket_t fd, short what, void *arg);
static int check_next(struct swarm_node *node);
static void on_checked(struct swarm_task *task, enum probe_result result);
static void suspect(struct swarm_node *node);
static void leave(struct swarm_task *task, const char *why, int is_lost);
static struct swarm_node *node_of(struct swarm *swarm, const char *id);
static void leave_node(struct swarm_task *task);


int
swarm_health_open(struct swarm *swarm, struct faas_err *err)
{
    swarm->retry = evtimer_new(swarm->base, on_retry, swarm);
    swarm->check = evtimer_new(swarm->base, on_check, swarm);

    if (swarm->retry == NULL || swarm->check == NULL) {
        return faas_err_set(err, 500, "no memory");
    }

    clock_timer(swarm->check, SWARM_CHECK_PERIOD);

    return probes_init(&swarm->probes, swarm->base, err);
}


void
swarm_health_close(struct swarm *swarm)
{
    if (swarm->retry != NULL) {
        event_free(swarm->retry);
    }

    if (swarm->check != NULL) {
        event_free(swarm->check);
    }

    swarm->retry = NULL;
    swarm->check = NULL;
    probes_done(&swarm->probes);
}


void
swarm_health_try(struct swarm_task *task, uint64_t pause)
{
    if (!task->is_accepting && task->probe.probes == NULL) {
        task->probe.done = on_tried;
        task->probe.arg = task;
        task->addr = 0;
        try_again(task, pause);
        task->pause_ms = 0;
    }
}


void
swarm_health_forget(struct swarm_task *task)
{
    probe_cancel(&task->probe);

    if (task->is_trying) {
        task->is_trying = 0;
        TAILQ_REMOVE(&task->service->swarm->trying, task, turn);
    }

    leave_node(task);

    task->is_accepting = 0;
    task->is_suspect = 0;
    task->is_lost = 0;
    task->pause_ms = 0;
}


int
swarm_health_is_known(const struct swarm *swarm)
{
    const struct swarm_task     *task;

    TAILQ_FOREACH(task, &swarm->trying, turn) {
        if (!task->is_tried) {
            return 0;
        }
    }

    return 1;
}


/*
 * Puts it on the list of those that are asked after a pause.
 */
static void
try_again(struct swarm_task *task, uint64_t pause)
{
    struct swarm  *swarm;

    swarm = task->service->swarm;

    if (!task->is_trying) {
        task->is_trying = 1;
        TAILQ_INSERT_TAIL(&swarm->trying, task, turn);
    }

    task->pause_ms = pause;
    task->retry_at = clock_now_ms() + pause;

    if (!evtimer_pending(swarm->retry, NULL)
        || task->retry_at < swarm->retry_at)
    {
        swarm->retry_at = task->retry_at;
        clock_timer(swarm->retry, pause);
    }
}


static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
    uint64_t            now, next;
    struct swarm       *swarm;
    struct swarm_task  *task;

    (void) fd;
    (void) what;

    swarm = arg;
    now = clock_now_ms();
    next = UINT64_MAX;

    TAILQ_FOREACH(task, &swarm->trying, turn) {

        if (task->probe.probes != NULL) {
            continue;
        }

        if (task->retry_at <= now) {
            ask(task);

        } else if (task->retry_at < next) {
            next = task->retry_at;
        }
    }

    if (next != UINT64_MAX) {
        swarm->retry_at = next;
        clock_timer(swarm->retry, next - now);
    }
}


static void
ask(struct swarm_task *task)
{
    struct faas_addr  addr;
    const char       *text;

    text = task->addrs[task->addr];

    if (faas_addr_parse(text, strlen(text), &addr) == 0) {
        probe_start(&task->service->swarm->probes, &task->probe, &addr,
                    !task->is_accepting && task->state == SWARM_TASK_STARTING,
                    is_beginning(task) ? SWARM_PROBE_CONNECT
                                       : SWARM_PROBE_TIMEOUT,
                    SWARM_PROBE_TIMEOUT);
    }
}


/*
 * What is sent before a container's network is up is lost, and the kernel
 * sends it again after a second only: it is better to ask anew.
 */
static int
is_beginning(const struct swarm_task *task)
{
    return !task->is_accepting
           && clock_now_ms() - task->service->changed_ms < SWARM_POLL_QUICK;
}


static void
on_tried(void *arg, enum probe_result result)
{
    struct swarm_task  *task;

    task = arg;

    if (task->is_accepting) {
        on_checked(task, result);

    } else if (result == PROBE_OK) {
        accepted(task);

    } else {
        not_yet(task);
    }
}


static void
accepted(struct swarm_task *task)
{
    struct swarm       *swarm;
    struct swarm_node  *node;

    swarm = task->service->swarm;
    node = node_of(swarm, task->node_id);

    if (node == NULL) {
        try_again(task, SWARM_RETRY_MAX);       /* no memory */
        return;
    }

    faas_log(FAAS_LOG_INFO, "replica is ready function=%s replica=%s "
             "address=%s", task->service->spec->key, task->id,
             task->addrs[task->addr]);

    task->is_trying = 0;
    task->is_accepting = 1;
    task->is_lost = 0;
    task->is_tried = 1;
    task->pause_ms = 0;
    TAILQ_REMOVE(&swarm->trying, task, turn);

    task->node = node;
    TAILQ_INSERT_TAIL(&node->tasks, task, turn);

    swarm_changing(task->service);
    swarm_service_publish(task->service);
    swarm_starts_wake(swarm);
}


/*
 * Of several addresses the next one.
 */
static void
not_yet(struct swarm_task *task)
{
    uint64_t  pause;

    task->is_tried = 1;
    task->addr = (task->addr + 1) % task->n_addrs;

    if (task->addr != 0) {
        try_again(task, 0);
        return;
    }

    pause = task->pause_ms < SWARM_RETRY_MIN ? SWARM_RETRY_MIN
                                             : 2 * task->pause_ms;

    if (task->state == SWARM_TASK_STARTING && is_beginning(task)) {
        pause = SWARM_RETRY_MIN;        /* it is about to listen */
    }

    try_again(task, pause < SWARM_RETRY_MAX ? pause : SWARM_RETRY_MAX);
}


static void
on_check(evutil_socket_t fd, short what, void *arg)
{
    unsigned            left, found;
    struct swarm       *swarm;
    struct swarm_node  *node;

    (void) fd;
    (void) what;

    swarm = arg;
    left = SWARM_CHECKS;

    /* one of each node, then another one, as far as they go */

    do {
        found = 0;

        TAILQ_FOREACH(node, &swarm->nodes, link) {
            found += (unsigned) check_next(node);
        }

        left = left > found ? left - found : 0;

    } while (found != 0 && left != 0);

    clock_timer(swarm->check, SWARM_CHECK_PERIOD);
}


/*
 * Returns 1, or 0 where all of the node are being asked.
 */
static int
check_next(struct swarm_node *node)
{
    struct swarm_task  *task;

    task = TAILQ_FIRST(&node->tasks);

    if (task == NULL || task->probe.probes != NULL) {
        return 0;
    }

    TAILQ_REMOVE(&node->tasks, task, turn);
    TAILQ_INSERT_TAIL(&node->tasks, task, turn);
    ask(task);

    return 1;
}


/*
 * Of one that takes requests.
 */
static void
on_checked(struct swarm_task *task, enum probe_result result)
{
    int            is_suspect;
    struct swarm  *swarm;

    swarm = task->service->swarm;
    is_suspect = task->is_suspect;
    task->is_suspect = 0;

    switch (result) {

    case PROBE_OK:
        break;

    case PROBE_BAD:
        leave(task, "it refuses connections", 0);
        break;

    case PROBE_SILENT:
        if (swarm->probes.answered_ms < task->probe.began_ms) {
            break;
        }

        if (is_suspect) {
            leave(task, "it is silent", 1);

        } else {
            suspect(task->node);
        }

        break;
    }
}


static void
suspect(struct swarm_node *node)
{
    struct swarm_task  *task;

    TAILQ_FOREACH(task, &node->tasks, turn) {
        task->is_suspect = 1;

        if (task->probe.probes == NULL) {
            ask(task);
        }
    }
}


static void
leave(struct swarm_task *task, const char *why, int is_lost)
{
    struct swarm_service  *service;

    service = task->service;

    faas_log(FAAS_LOG_NOTICE, "replica leaves the route, %s function=%s "
             "replica=%s node=%s", why, service->spec->key, task->id,
             task->node_id);

    swarm_health_forget(task);
    task->is_lost = is_lost;
    swarm_service_publish(service);
    swarm_changing(service);
    try_again(task, SWARM_RETRY_MIN);
}


/*
 * NULL where there is no memory.
 */
static struct swarm_node *
node_of(struct swarm *swarm, const char *id)
{
    struct swarm_node  *node;

    TAILQ_FOREACH(node, &swarm->nodes, link) {
        if (strcmp(node->id, id) == 0) {
            return node;
        }
    }

    node = calloc(1, sizeof(*node));

    if (node != NULL) {
        memcpy(node->id, id, sizeof(node->id));
        TAILQ_INIT(&node->tasks);
        TAILQ_INSERT_TAIL(&swarm->nodes, node, link);
    }

    return node;
}


static void
leave_node(struct swarm_task *task)
{
    struct swarm_node  *node;

    node = task->node;

    if (node == NULL) {
        return;
    }

    task->node = NULL;
    TAILQ_REMOVE(&node->tasks, task, turn);

    if (TAILQ_EMPTY(&node->tasks)) {
        TAILQ_REMOVE(&task->service->swarm->nodes, node, link);
        free(node);
    }
}

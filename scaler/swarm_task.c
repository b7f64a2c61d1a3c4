/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A task of a function: what Docker says of it.
 *
 * It says "starting" before the container's network is up.  Who looks for an
 * address that is not there yet finds it a second later only, as the kernel
 * (ARP) asks for it once a second.  So a container of this engine is asked
 * when an event tells that it runs, those of others after SWARM_BEGIN_REMOTE:
 * by then the Swarm has told this node of their addresses, and answers for
 * them.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/clock.h"

#include "log_line.h"
#include "swarm.h"
#include "text.h"


#define NO_IMAGE  "No such image"        /* Docker's text */


static struct swarm_task *add(struct swarm_service *service,
    const char *id);
static uint64_t first_pause(const struct swarm_task *task);
static enum swarm_task_state read_state(const json_t *value);
static void note_error(struct swarm_service *service, const json_t *value);
static int read_addrs(struct swarm_task *task, const json_t *value);
static unsigned add_addrs(struct swarm_task *task, const json_t *attached,
    unsigned n, int is_v6);
static int is_function_network(const struct swarm *swarm,
    const json_t *attached);
static int is_ingress(const json_t *attached);
static void changed(struct swarm_service *service);


void
swarm_task_read(struct swarm *swarm, const json_t *value)
{
    int                     is_new;
    const char             *id, *container;
    struct swarm_task      *task;
    struct swarm_service   *service;
    enum swarm_task_state   state;

    id = swarm_text(value, "ID");
    service = swarm_find_id(swarm, swarm_text(value, "ServiceID"));

    if (service == NULL || id[0] == '\0' || strlen(id) > SWARM_ID_MAX) {
        return;
    }

    state = read_state(value);
    task = swarm_task_find(service, id);
    note_error(service, value);

    if (state == SWARM_TASK_OVER) {
        return;                 /* who is not listed is taken off */
    }

    task = task != NULL ? task : add(service, id);

    if (task == NULL) {
        return;                 /* the next poll finds it */
    }

    task->is_listed = 1;
    (void) snprintf(task->node_id, sizeof(task->node_id), "%.*s",
                    SWARM_ID_MAX, swarm_text(value, "NodeID"));

    container = swarm_text(swarm_get(value, "Status.ContainerStatus"),
                           "ContainerID");

    if (strlen(container) <= DOCKER_ID_MAX
        && strspn(container, "0123456789abcdef") == strlen(container))
    {
        memcpy(task->container, container, strlen(container) + 1);
    }

    is_new = task->state != state;
    task->state = state;

    if (read_addrs(task, value)) {
        is_new = 1;
        swarm_health_forget(task);
    }

    if (is_new) {
        changed(service);

        if (state >= SWARM_TASK_STARTING && task->n_addrs != 0) {
            swarm_health_try(task, first_pause(task));
        }
    }
}


void
swarm_task_began(struct swarm_service *service, const char *id)
{
    struct swarm_task  *task;

    if (id[0] == '\0' || strlen(id) > SWARM_ID_MAX) {
        return;
    }

    task = swarm_task_find(service, id);
    task = task != NULL ? task : add(service, id);

    if (task == NULL) {
        return;
    }

    task->has_begun = 1;
    changed(service);

    if (task->n_addrs != 0) {
        swarm_health_try(task, 0);
    }
}


void
swarm_task_free(struct swarm_task *task)
{
    changed(task->service);
    task->service->has_lost = 1;
    swarm_health_forget(task);
    TAILQ_REMOVE(&task->service->tasks, task, link);
    free(task);
}


struct swarm_task *
swarm_task_find(const struct swarm_service *service, const char *id)
{
    struct swarm_task  *task;

    TAILQ_FOREACH(task, &service->tasks, link) {
        if (strcmp(task->id, id) == 0) {
            return task;
        }
    }

    return NULL;
}


/*
 * NULL where there is no memory.
 */
static struct swarm_task *
add(struct swarm_service *service, const char *id)
{
    struct swarm_task  *task;

    task = calloc(1, sizeof(*task));

    if (task != NULL) {
        (void) snprintf(task->id, sizeof(task->id), "%s", id);
        task->service = service;
        TAILQ_INSERT_TAIL(&service->tasks, task, link);
        changed(service);

        if (!service->swarm->is_read) {
            swarm_usage_begin(task);
        }
    }

    return task;
}


static uint64_t
first_pause(const struct swarm_task *task)
{
    if (task->state == SWARM_TASK_RUNNING || task->has_begun) {
        return 0;
    }

    return strcmp(task->node_id, task->service->swarm->node_id) == 0
           ? SWARM_BEGIN_LOCAL : SWARM_BEGIN_REMOTE;
}


/*
 * https://docs.docker.com/engine/swarm/how-swarm-mode-works/swarm-task-states/
 *
 * One that is to end is over at once, whatever it does until then.
 */
static enum swarm_task_state
read_state(const json_t *value)
{
    size_t       i;
    const char  *text;

    static const char *const  coming[] = {
        "new", "allocated", "pending", "assigned", "accepted", "preparing",
        "ready",
    };

    if (strcmp(swarm_text(value, "DesiredState"), "running") != 0) {
        return SWARM_TASK_OVER;
    }

    text = swarm_text(swarm_get(value, "Status"), "State");

    if (strcmp(text, "running") == 0) {
        return SWARM_TASK_RUNNING;
    }

    if (strcmp(text, "starting") == 0) {
        return SWARM_TASK_STARTING;
    }

    for (i = 0; i < sizeof(coming) / sizeof(coming[0]); i++) {
        if (strcmp(text, coming[i]) == 0) {
            return SWARM_TASK_COMING;
        }
    }

    return SWARM_TASK_OVER;
}


/*
 * Why a task is not running, the last one since the service was changed.
 */
static void
note_error(struct swarm_service *service, const json_t *value)
{
    size_t         len;
    uint64_t       when;
    const char    *text, *stamp;
    const json_t  *status;

    status = swarm_get(value, "Status");
    text = swarm_text(status, "Err");
    stamp = swarm_text(status, "Timestamp");

    if (text[0] != '\0'
        && log_time_parse(stamp, strlen(stamp), &when) == 0
        && when >= service->updated && when >= service->error_time)
    {
        service->error_time = when;
        (void) snprintf(service->error, sizeof(service->error), "%s", text);
        len = strlen(service->error);

        if (strncmp(text, NO_IMAGE, strlen(NO_IMAGE)) == 0
            && service->pull_error[0] != '\0')
        {
            (void) snprintf(service->error + len, sizeof(service->error) - len,
                            ": %.120s", service->pull_error);
        }

        text_clean(service->error, 0);
    }
}


/*
 * Those on the functions' network first, IPv4 before IPv6: which of them a
 * gateway can use the scaler finds by trying.  Returns 1 where they are others
 * than before.
 */
static int
read_addrs(struct swarm_task *task, const json_t *value)
{
    int            is_v6, is_ours;
    size_t         i;
    unsigned       n, before;
    char           old[sizeof(task->addrs)];
    const json_t  *list, *attached;

    memcpy(old, task->addrs, sizeof(old));
    before = task->n_addrs;
    memset(task->addrs, 0, sizeof(task->addrs));
    list = json_object_get(value, "NetworksAttachments");
    n = 0;

    for (is_ours = 1; is_ours >= 0; is_ours--) {
        for (is_v6 = 0; is_v6 <= 1; is_v6++) {
            for (i = 0; i < json_array_size(list); i++) {
                attached = json_array_get(list, i);

                if (!is_ingress(attached)
                    && is_function_network(task->service->swarm, attached)
                       == is_ours)
                {
                    n = add_addrs(task, attached, n, is_v6);
                }
            }
        }
    }

    task->n_addrs = n;

    return n != before || memcmp(old, task->addrs, sizeof(old)) != 0;
}


/*
 * Each is IP/BITS.
 */
static unsigned
add_addrs(struct swarm_task *task, const json_t *attached, unsigned n,
    int is_v6)
{
    int               len;
    char              text[FAAS_ADDR_INET_MAX + 1];
    size_t            i, ip_len;
    const char       *ip;
    const json_t     *list;
    struct faas_addr  addr;

    list = json_object_get(attached, "Addresses");

    for (i = 0; i < json_array_size(list) && n < SWARM_ADDRS_MAX; i++) {
        ip = json_string_value(json_array_get(list, i));

        if (ip == NULL || (strchr(ip, ':') != NULL) != is_v6) {
            continue;
        }

        ip_len = strcspn(ip, "/");
        len = snprintf(text, sizeof(text), is_v6 ? "[%.*s]:%s" : "%.*s:%s",
                       (int) (ip_len < sizeof(text) ? ip_len : sizeof(text)),
                       ip, SWARM_PORT);

        if (len > 0 && len < (int) sizeof(text)
            && faas_addr_parse(text, (size_t) len, &addr) == 0)
        {
            memcpy(task->addrs[n++], text, (size_t) len + 1);
        }
    }

    return n;
}


static int
is_function_network(const struct swarm *swarm, const json_t *attached)
{
    return strcmp(swarm_text(swarm_get(attached, "Network"), "ID"),
                  swarm->network)
           == 0;
}


static int
is_ingress(const json_t *attached)
{
    return json_is_true(swarm_get(attached, "Network.Spec.Ingress"));
}


static void
changed(struct swarm_service *service)
{
    service->changed_ms = clock_now_ms();
    service->poll_pause = SWARM_POLL_MIN;
}

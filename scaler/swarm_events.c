/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Docker's events: what has changed is read again.
 *
 * https://docs.docker.com/engine/api/v1.41/#tag/System/operation/SystemEvents
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/faas_log.h"

#include "swarm.h"


#define EVENT_MAX      65536    /* bytes */
#define SINCE          2        /* seconds back: what is told twice does no
                                   harm */
#define ATTR_SERVICE   "com.docker.swarm.service.id"
#define ATTR_TASK      "com.docker.swarm.task.id"
#define ATTR_NODE      "com.docker.swarm.node.id"


static void on_data(void *arg, struct evbuffer *in);
static void on_event(struct swarm *swarm, const json_t *event);
static void on_service(struct swarm *swarm, const char *action,
    const char *id);
static void on_node(struct swarm *swarm, const char *id);
static void on_container(struct swarm *swarm, const char *action,
    const json_t *attributes);


struct docker_stream *
swarm_events_open(struct swarm *swarm,
    void (*end)(void *arg, const struct faas_err *err), struct faas_err *err)
{
    char                  *path, *filters;
    struct docker_stream  *stream;

    filters = docker_escape_json(json_pack(
        "{s:[s,s,s,s,s], s:[s,s,s,s,s,s,s]}",
        "type", "service", "node", "container", "network", "config",
        "event", "create", "update", "remove", "start", "die", "kill",
        "health_status"));

    if (filters == NULL
        || asprintf(&path, "/events?since=%" PRId64 "&filters=%s",
                    (int64_t) time(NULL) - SINCE, filters)
           < 0)
    {
        free(filters);
        (void) faas_err_set(err, 500, "no memory");
        return NULL;
    }

    stream = docker_stream_new(&swarm->docker, path, on_data, end, swarm,
                               err);
    free(filters);
    free(path);

    return stream;
}


/*
 * One in a line.
 */
static void
on_data(void *arg, struct evbuffer *in)
{
    char          *line;
    size_t         len;
    json_t        *event;
    struct swarm  *swarm;

    swarm = arg;

    while ((line = evbuffer_readln(in, &len, EVBUFFER_EOL_LF)) != NULL) {
        event = json_loadb(line, len, 0, NULL);

        if (event != NULL) {
            on_event(swarm, event);
            json_decref(event);
        }

        free(line);
    }

    if (evbuffer_get_length(in) > EVENT_MAX) {
        (void) evbuffer_drain(in, evbuffer_get_length(in));
    }
}


static void
on_event(struct swarm *swarm, const json_t *event)
{
    const char    *type, *action, *id;
    const json_t  *actor;

    type = swarm_text(event, "Type");
    action = swarm_text(event, "Action");
    actor = swarm_get(event, "Actor");
    id = swarm_text(actor, "ID");

    faas_log(FAAS_LOG_DEBUG, "docker event type=%.20s action=%.40s id=%.64s",
             type, action, id);

    if (strcmp(type, "service") == 0) {
        on_service(swarm, action, id);

    } else if (strcmp(type, "node") == 0) {
        on_node(swarm, id);

    } else if (strcmp(type, "container") == 0) {
        on_container(swarm, action, swarm_get(actor, "Attributes"));

    } else if (strcmp(type, "network") == 0) {
        swarm_want(swarm, SWARM_READ_NETWORKS);

    } else if (strcmp(type, "config") == 0) {
        swarm_want(swarm, SWARM_READ_NAMESPACES);
    }
}


static void
on_service(struct swarm *swarm, const char *action, const char *id)
{
    struct swarm_service  *service;

    if (strcmp(action, "remove") != 0) {
        swarm_want_service(swarm, id);
        return;
    }

    swarm_gone(swarm, id);
    service = swarm_find_id(swarm, id);

    if (service != NULL) {
        swarm_service_remove(service);
    }
}


/*
 * The Swarm is about to move what runs there.
 */
static void
on_node(struct swarm *swarm, const char *id)
{
    struct swarm_task     *task;
    struct swarm_service  *service;

    TAILQ_FOREACH(service, &swarm->services, link) {
        TAILQ_FOREACH(task, &service->tasks, link) {
            if (strcmp(task->node_id, id) == 0) {
                swarm_changing(service);
                break;
            }
        }
    }

    swarm_want(swarm, SWARM_READ_TASKS);
}


/*
 * Of containers of this engine only.
 */
static void
on_container(struct swarm *swarm, const char *action,
    const json_t *attributes)
{
    const char            *id;
    struct swarm_task     *task;
    struct swarm_service  *service;

    id = swarm_text(attributes, ATTR_TASK);
    service = swarm_find_id(swarm, swarm_text(attributes, ATTR_SERVICE));

    if (service == NULL) {
        return;
    }

    (void) snprintf(swarm->node_id, sizeof(swarm->node_id), "%s",
                    swarm_text(attributes, ATTR_NODE));

    if (strcmp(action, "start") == 0) {
        swarm_task_began(service, id);

    } else if (strcmp(action, "die") == 0) {
        task = swarm_task_find(service, id);

        if (task != NULL) {
            swarm_task_free(task);
            swarm_service_publish(service);
        }
    }

    swarm_changing(service);
}

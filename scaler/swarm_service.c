/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A function's service, its tasks and its route.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/clock.h"
#include "lib/faas_log.h"

#include "log_line.h"
#include "route_kept.h"
#include "swarm.h"
#include "text.h"


static struct swarm_bucket *bucket_of(const struct swarm *swarm,
    const char *id);
static struct spec *decode(struct swarm *swarm, const json_t *value,
    int is_new);
static struct swarm_service *add(struct swarm *swarm, const char *id,
    struct spec *spec);
static void set_spec(struct swarm_service *service, struct spec *spec);
static void read_rest(struct swarm_service *service, const json_t *value);
static void withdraw(struct swarm_service *service);
static uint32_t add_endpoint(struct faas_route *route,
    const struct swarm_task *task, const char *addr);


struct swarm_service *
swarm_find(const struct swarm *swarm, const char *key)
{
    struct swarm_service  *service;

    TAILQ_FOREACH(service, &swarm->services, link) {
        if (strcmp(service->spec->key, key) == 0) {
            return service;
        }
    }

    return NULL;
}


struct swarm_service *
swarm_find_id(const struct swarm *swarm, const char *id)
{
    struct swarm_service  *service;

    LIST_FOREACH(service, bucket_of(swarm, id), bucket) {
        if (strcmp(service->id, id) == 0) {
            return service;
        }
    }

    return NULL;
}


/*
 * FNV-1a
 */
static struct swarm_bucket *
bucket_of(const struct swarm *swarm, const char *id)
{
    uint32_t  hash;

    for (hash = 2166136261U; *id != '\0'; id++) {
        hash = (hash ^ (unsigned char) *id) * 16777619U;
    }

    return (struct swarm_bucket *) &swarm->buckets[hash % SWARM_BUCKETS];
}


struct swarm_service *
swarm_service_read(struct swarm *swarm, const json_t *value)
{
    uint64_t               version;
    const char            *id;
    struct spec           *spec;
    struct swarm_service  *service;

    id = swarm_text(value, "ID");
    version = swarm_uint(value, "Version.Index");

    if (id[0] == '\0' || strlen(id) > SWARM_ID_MAX) {
        return NULL;
    }

    service = swarm_find_id(swarm, id);

    /* answers may overtake one another */

    if (service != NULL && service->version >= version) {
        service->is_listed = 1;
        return service;
    }

    spec = decode(swarm, value, service == NULL);

    if (spec == NULL) {
        if (service != NULL) {
            swarm_service_remove(service);
        }

        return NULL;
    }

    if (service == NULL) {
        service = add(swarm, id, spec);

        if (service == NULL) {
            return NULL;
        }

    } else {
        set_spec(service, spec);
    }

    service->version = version;
    read_rest(service, value);
    swarm_service_publish(service);
    swarm_changing(service);
    swarm_starts_wake(swarm);

    return service;
}


/*
 * NULL where it is no function that can be called.
 */
static struct spec *
decode(struct swarm *swarm, const json_t *value, int is_new)
{
    const char             *name;
    struct spec            *spec;
    struct faas_err         odd, err;
    struct swarm_service   *other;

    name = swarm_text(swarm_get(value, "Spec"), "Name");
    spec = swarm_spec_decode(value, &swarm->options->scale, &odd, &err);

    if (spec == NULL) {
        if (err.code != 0) {
            faas_log(FAAS_LOG_WARN, "service is no function that can be "
                     "called service=%.80s error=\"%s\"", name, err.text);
        }

        return NULL;
    }

    if (odd.code != 0) {
        faas_log(FAAS_LOG_WARN, "service is odd service=%.80s error=\"%s\"",
                 name, odd.text);
    }

    other = swarm_find(swarm, spec->key);

    if (other != NULL && strcmp(other->id, swarm_text(value, "ID")) != 0) {

        if (is_new && other->version > swarm_uint(value, "Version.Index")) {
            faas_log(FAAS_LOG_WARN, "two services are the same function, the "
                     "newer one is called service=%.80s function=%s", name,
                     spec->key);
            spec_free(spec);
            return NULL;
        }

        /* it was made anew, and nobody has told yet that it was removed */

        swarm_service_remove(other);
    }

    return spec;
}


static struct swarm_service *
add(struct swarm *swarm, const char *id, struct spec *spec)
{
    struct swarm_service  *service, *before;

    service = calloc(1, sizeof(*service));

    if (service == NULL) {
        spec_free(spec);
        faas_log(FAAS_LOG_ERROR, "no memory for a function, it cannot be "
                 "called");
        return NULL;
    }

    service->swarm = swarm;
    service->spec = spec;
    service->made_ms = clock_now_ms();
    (void) snprintf(service->id, sizeof(service->id), "%s", id);
    TAILQ_INIT(&service->tasks);

    /* lists are in the order of deployment; most are new */

    before = TAILQ_LAST(&swarm->services, swarm_service_list);

    while (before != NULL && before->spec->created > spec->created) {
        before = TAILQ_PREV(before, swarm_service_list, link);
    }

    if (before != NULL) {
        TAILQ_INSERT_AFTER(&swarm->services, before, service, link);

    } else {
        TAILQ_INSERT_HEAD(&swarm->services, service, link);
    }

    LIST_INSERT_HEAD(bucket_of(swarm, id), service, bucket);
    swarm->n_services++;

    return service;
}


/*
 * It may be another function by now: somebody has renamed it.
 */
static void
set_spec(struct swarm_service *service, struct spec *spec)
{
    if (strcmp(service->spec->key, spec->key) != 0) {
        withdraw(service);
    }

    spec_free(service->spec);
    service->spec = spec;
}


static void
read_rest(struct swarm_service *service, const json_t *value)
{
    const char  *stamp, *state;

    stamp = swarm_text(value, "UpdatedAt");
    state = swarm_text(swarm_get(value, "UpdateStatus"), "State");

    if (log_time_parse(stamp, strlen(stamp), &service->updated) != 0) {
        service->updated = 0;
    }

    service->is_listed = 1;
    service->replicas = swarm_uint(value, "Spec.Mode.Replicated.Replicas");
    service->is_updating = strcmp(state, "updating") == 0
                           || strcmp(state, "rollback_started") == 0;
    service->is_rolled_back = strncmp(state, "rollback", 8) == 0;

    if (service->is_rolled_back && service->error[0] == '\0') {
        (void) snprintf(service->error, sizeof(service->error), "%s",
                        swarm_text(swarm_get(value, "UpdateStatus"),
                                   "Message"));
        text_clean(service->error, 0);
    }
}


void
swarm_service_remove(struct swarm_service *service)
{
    struct swarm  *swarm;

    swarm = service->swarm;

    withdraw(service);
    swarm_logs_end(swarm, service->id);
    swarm_service_free(service);
    swarm_starts_wake(swarm);
}


static void
withdraw(struct swarm_service *service)
{
    const struct provider_hooks  *hooks;

    hooks = service->swarm->hooks;

    if (service->route != NULL) {
        (void) hooks->publish(hooks->arg, service->spec->key, NULL);
        free(service->route);
        service->route = NULL;
    }
}


void
swarm_service_free(struct swarm_service *service)
{
    struct swarm_task  *task, *next;

    for (task = TAILQ_FIRST(&service->tasks); task != NULL; task = next) {
        next = TAILQ_NEXT(task, link);
        swarm_task_free(task);
    }

    TAILQ_REMOVE(&service->swarm->services, service, link);
    LIST_REMOVE(service, bucket);
    service->swarm->n_services--;

    spec_free(service->spec);
    free(service->route);
    free(service);
}


void
swarm_service_publish(struct swarm_service *service)
{
    struct swarm_task            *task;
    struct faas_route             route;
    const struct provider_hooks  *hooks;

    hooks = service->swarm->hooks;
    route_of_spec(&route, service->spec);

    TAILQ_FOREACH(task, &service->tasks, link) {
        if (task->is_accepting && service->spec->replicas != 0) {
            route.n += add_endpoint(&route, task, task->addrs[task->addr]);
        }
    }

    TAILQ_FOREACH(task, &service->tasks, link) {
        if (task->is_lost) {
            route.n_lost += add_endpoint(&route, task, "");
        }
    }

    if (route_keep(&service->route, &route)) {
        (void) hooks->publish(hooks->arg, service->spec->key, &route);
    }
}


/*
 * Returns how many it was.
 */
static uint32_t
add_endpoint(struct faas_route *route, const struct swarm_task *task,
    const char *addr)
{
    struct faas_endpoint  *endpoint;

    if (route->n + route->n_lost == FAAS_REPLICAS_MAX) {
        return 0;
    }

    endpoint = &route->endpoints[route->n + route->n_lost];

    (void) snprintf(endpoint->id, sizeof(endpoint->id), "%s", task->id);
    (void) snprintf(endpoint->addr, sizeof(endpoint->addr), "%s", addr);

    return 1;
}


uint64_t
swarm_service_available(const struct swarm_service *service)
{
    uint64_t                  n;
    const struct swarm_task  *task;

    n = 0;

    TAILQ_FOREACH(task, &service->tasks, link) {
        n += task->is_accepting != 0;
    }

    return n;
}


uint64_t
swarm_service_starting(const struct swarm_service *service)
{
    uint64_t  available;

    available = swarm_service_available(service);

    return service->replicas > available
           && clock_now_ms() - service->changed_ms < SWARM_START_MAX
           ? service->replicas - available : 0;
}


int
swarm_service_is_settled(const struct swarm_service *service)
{
    uint64_t                  n;
    const struct swarm_task  *task;

    n = 0;

    TAILQ_FOREACH(task, &service->tasks, link) {
        if (!task->is_accepting || task->state != SWARM_TASK_RUNNING) {
            return 0;
        }

        n++;
    }

    return !service->is_updating && n == service->replicas;
}

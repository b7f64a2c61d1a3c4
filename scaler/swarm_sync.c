/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Keeps what is known of the Swarm as it is.
 *
 *     away --(version, then events)--> up: one question after another
 *       ^                               |
 *       +------- anything fails --------+
 *
 * The order of questions: what is wanted whole, services that have changed,
 * tasks of services that are changing.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/clock.h"
#include "lib/faas_log.h"

#include "swarm.h"


#define BATCH       32          /* services in one question */
#define POLL_SLOW   800         /* msec: why a task ended is asked as well */
#define SETTLED     1000        /* msec without a change, then it is believed */
#define ALL         ((1U << SWARM_READS) - 1)
#define GONE_MAX    4096        /* services */


/* a question */
struct sync_call {
    struct swarm  *swarm;
    unsigned       connection;
    void         (*take)(struct swarm *swarm, json_t *answer);
};


static void schedule(struct swarm *swarm);
static uint64_t next_poll(const struct swarm *swarm);
static void on_timer(evutil_socket_t fd, short what, void *arg);
static void on_version(void *arg, json_t *answer, const struct faas_err *err);
static void on_events_end(void *arg, const struct faas_err *err);
static void go_down(struct swarm *swarm, const char *what,
    const struct faas_err *err);
static void ask_next(struct swarm *swarm);
static void ask(struct swarm *swarm, const char *path, json_t *filters,
    void (*take)(struct swarm *swarm, json_t *answer));
static void on_answer(void *arg, json_t *answer, const struct faas_err *err);
static void ask_networks(struct swarm *swarm);
static void take_networks(struct swarm *swarm, json_t *answer);
static void take_namespaces(struct swarm *swarm, json_t *answer);
static void take_services(struct swarm *swarm, json_t *answer);
static void ask_dirty(struct swarm *swarm);
static void take_dirty(struct swarm *swarm, json_t *answer);
static int ask_tasks_due(struct swarm *swarm);
static int wants_reason(const struct swarm_service *service);
static void ask_all_tasks(struct swarm *swarm);
static void take_tasks(struct swarm *swarm, json_t *answer);
static void end_poll(struct swarm_service *service);
static void check_known(struct swarm *swarm);


int
swarm_sync_open(struct swarm *swarm, struct faas_err *err)
{
    struct swarm_sync  *sync;

    sync = &swarm->sync;
    sync->timer = evtimer_new(swarm->base, on_timer, swarm);
    sync->dirty = json_object();
    sync->gone = json_object();
    sync->pause_ms = SWARM_PAUSE_MIN;

    if (sync->timer == NULL || sync->dirty == NULL || sync->gone == NULL) {
        return faas_err_set(err, 500, "no memory");
    }

    clock_timer(sync->timer, 0);

    return 0;
}


void
swarm_sync_close(struct swarm *swarm)
{
    struct swarm_sync  *sync;

    sync = &swarm->sync;
    sync->connection++;
    sync->is_up = 0;

    if (sync->events != NULL) {
        docker_stream_cancel(sync->events);
        sync->events = NULL;
    }

    if (sync->timer != NULL) {
        event_free(sync->timer);
        sync->timer = NULL;
    }

    json_decref(sync->dirty);
    json_decref(sync->gone);
    sync->dirty = NULL;
    sync->gone = NULL;
}


void
swarm_want(struct swarm *swarm, enum swarm_read what)
{
    swarm->sync.wanted |= 1U << what;
    schedule(swarm);
}


void
swarm_want_service(struct swarm *swarm, const char *id)
{
    (void) json_object_set_new(swarm->sync.dirty, id, json_true());
    schedule(swarm);
}


void
swarm_gone(struct swarm *swarm, const char *id)
{
    json_t  *gone;

    gone = swarm->sync.gone;

    if (json_object_size(gone) >= GONE_MAX) {
        (void) json_object_clear(gone);
    }

    (void) json_object_set_new(gone, id, json_true());
}


struct swarm_service *
swarm_service_take(struct swarm *swarm, const json_t *value)
{
    if (json_object_get(swarm->sync.gone, swarm_text(value, "ID")) != NULL) {
        return NULL;
    }

    return swarm_service_read(swarm, value);
}


void
swarm_changing(struct swarm_service *service)
{
    service->changed_ms = clock_now_ms();
    service->poll_pause = SWARM_POLL_MIN;
    service->poll_at = service->changed_ms;

    schedule(service->swarm);
}


int
swarm_check_up(const struct swarm *swarm, struct faas_err *err)
{
    if (swarm->sync.is_up && swarm->is_read) {
        return 0;
    }

    return faas_err_set(err, 503, "Docker does not answer at %.120s, see the "
                        "scaler's log", swarm->options->docker);
}


/*
 * When there is something to ask; nothing while an answer is awaited.
 */
static void
schedule(struct swarm *swarm)
{
    uint64_t            now, next, earliest;
    struct swarm_sync  *sync;

    sync = &swarm->sync;

    if (!sync->is_up || sync->is_busy || sync->timer == NULL) {
        return;
    }

    now = clock_now_ms();
    next = sync->tasks_at < sync->services_at ? sync->tasks_at
                                              : sync->services_at;

    if (sync->wanted != 0 || json_object_size(sync->dirty) != 0) {
        next = now;

    } else if (next_poll(swarm) < next) {

        /* polls take a part of Docker's time, not all of it */

        earliest = sync->began_ms + SWARM_POLL_MIN;

        if (earliest < sync->began_ms + 3 * sync->took_ms) {
            earliest = sync->began_ms + 3 * sync->took_ms;
        }

        next = next_poll(swarm);
        next = next > earliest ? next : earliest;
    }

    if (!swarm->is_known && next > now + SWARM_RETRY_MIN) {
        next = now + SWARM_RETRY_MIN;
    }

    clock_timer(sync->timer, next > now ? next - now : 0);
}


static uint64_t
next_poll(const struct swarm *swarm)
{
    uint64_t                     next;
    const struct swarm_service  *service;

    next = UINT64_MAX;

    TAILQ_FOREACH(service, &swarm->services, link) {
        if (service->poll_at != 0 && service->poll_at < next) {
            next = service->poll_at;
        }
    }

    return next;
}


static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct swarm  *swarm;

    (void) fd;
    (void) what;

    swarm = arg;

    if (!swarm->sync.is_up) {
        swarm->sync.connection++;
        docker_ping(&swarm->docker, on_version, swarm);
        return;
    }

    check_known(swarm);
    ask_next(swarm);
}


/*
 * The events first: what changes while the rest is read is not missed.
 */
static void
on_version(void *arg, json_t *answer, const struct faas_err *err)
{
    struct swarm       *swarm;
    struct faas_err     failed;
    struct swarm_sync  *sync;

    (void) answer;

    swarm = arg;
    sync = &swarm->sync;

    if (sync->timer == NULL) {
        return;                 /* the end */
    }

    if (err->code != 0) {
        go_down(swarm, "asked for its version", err);
        return;
    }

    sync->events = swarm_events_open(swarm, on_events_end, &failed);

    if (sync->events == NULL) {
        go_down(swarm, "asked for events", &failed);
        return;
    }

    sync->is_up = 1;
    sync->wanted = 0;
    sync->services_at = 0;              /* all of it is read again */
    schedule(swarm);
}


static void
on_events_end(void *arg, const struct faas_err *err)
{
    struct swarm     *swarm;
    struct faas_err   end;

    swarm = arg;
    swarm->sync.events = NULL;
    end = *err;

    if (end.code == 0) {
        (void) faas_err_set(&end, 503, "it has ended the connection");
    }

    go_down(swarm, "listened to for events", &end);
}


static void
go_down(struct swarm *swarm, const char *what, const struct faas_err *err)
{
    struct swarm_sync  *sync;

    sync = &swarm->sync;

    if (sync->timer == NULL) {
        return;                 /* the end */
    }

    if (!sync->is_reported) {
        faas_log(FAAS_LOG_ERROR, "docker fails, %s; functions are served as "
                 "they are, and not changed, trying again docker=%s "
                 "error=\"%s\"", what, swarm->options->docker, err->text);
        sync->is_reported = 1;
    }

    if (sync->events != NULL) {
        docker_stream_cancel(sync->events);
        sync->events = NULL;
    }

    sync->connection++;
    sync->is_up = 0;
    sync->is_busy = 0;

    clock_timer(sync->timer, sync->pause_ms);
    sync->pause_ms = sync->pause_ms * 2 < SWARM_PAUSE_MAX
                     ? sync->pause_ms * 2 : SWARM_PAUSE_MAX;
}


static void
ask_next(struct swarm *swarm)
{
    uint64_t            now;
    struct swarm_sync  *sync;

    sync = &swarm->sync;
    now = clock_now_ms();

    if (sync->is_busy) {
        return;
    }

    if (now >= sync->services_at) {
        sync->services_at = now + SWARM_SERVICES_PERIOD;
        sync->wanted |= ALL;
    }

    if (now >= sync->tasks_at) {
        sync->tasks_at = now + SWARM_TASKS_PERIOD;
        sync->wanted |= 1U << SWARM_READ_TASKS;
    }

    if (sync->wanted & 1U << SWARM_READ_NETWORKS) {
        ask_networks(swarm);

    } else if (sync->wanted & 1U << SWARM_READ_NAMESPACES) {
        sync->namespaces_seen = swarm->namespaces_changed;
        ask(swarm, "/configs", json_pack("{s:[s]}", "label", SWARM_LABEL_NS),
            take_namespaces);

    } else if (sync->wanted & 1U << SWARM_READ_SERVICES) {
        ask(swarm, "/services", NULL, take_services);

    } else if (sync->wanted & 1U << SWARM_READ_TASKS) {
        ask_all_tasks(swarm);

    } else if (json_object_size(sync->dirty) != 0) {
        ask_dirty(swarm);

    } else if (!ask_tasks_due(swarm)) {
        schedule(swarm);
    }
}


/*
 * Takes filters.
 */
static void
ask(struct swarm *swarm, const char *path, json_t *filters,
    void (*take)(struct swarm *swarm, json_t *answer))
{
    char              *text;
    struct faas_err    err;
    struct sync_call  *call;

    call = malloc(sizeof(*call));
    text = filters != NULL ? docker_escape_json(filters) : NULL;

    if (call == NULL || (filters != NULL && text == NULL)) {
        free(call);
        free(text);
        (void) faas_err_set(&err, 500, "no memory");
        go_down(swarm, "asked", &err);
        return;
    }

    call->swarm = swarm;
    call->connection = swarm->sync.connection;
    call->take = take;
    swarm->sync.is_busy = 1;
    swarm->sync.began_ms = clock_now_ms();

    docker_call(&swarm->docker, "GET", NULL, on_answer, call, "%s%s%s", path,
                text != NULL ? "?filters=" : "", text != NULL ? text : "");
    free(text);
}


static void
on_answer(void *arg, json_t *answer, const struct faas_err *err)
{
    struct faas_err    odd;
    struct swarm      *swarm;
    struct sync_call  *call;

    call = arg;
    swarm = call->swarm;

    if (call->connection != swarm->sync.connection) {
        free(call);
        return;
    }

    swarm->sync.is_busy = 0;
    swarm->sync.took_ms = clock_now_ms() - swarm->sync.began_ms;

    if (err->code == 404) {

        /* tasks of a service that is gone by now */

        swarm->sync.wanted |= 1U << SWARM_READ_SERVICES
                              | 1U << SWARM_READ_TASKS;
        schedule(swarm);

    } else if (err->code != 0) {
        go_down(swarm, "asked", err);

    } else if (!json_is_array(answer)) {
        (void) faas_err_set(&odd, 503, "its answer is no list");
        go_down(swarm, "asked", &odd);

    } else {
        call->take(swarm, answer);
        check_known(swarm);
        schedule(swarm);
    }

    free(call);
}


static void
ask_networks(struct swarm *swarm)
{
    const char  *name;

    name = swarm->options->docker_network;

    ask(swarm, "/networks",
        name[0] != '\0' ? json_pack("{s:[s]}", "name", name)
                        : json_pack("{s:[s]}", "label", "openfaas=true"),
        take_networks);
}


/*
 * A name is looked for as a part of names.
 */
static void
take_networks(struct swarm *swarm, json_t *answer)
{
    size_t       i;
    json_t      *network;
    const char  *name, *id;

    swarm->sync.wanted &= ~(1U << SWARM_READ_NETWORKS);
    name = swarm->options->docker_network;
    swarm->network[0] = '\0';

    json_array_foreach(answer, i, network) {
        id = swarm_text(network, "Id");

        if (swarm->network[0] == '\0' && strlen(id) <= SWARM_ID_MAX
            && strcmp(swarm_text(network, "Scope"), "swarm") == 0
            && (name[0] == '\0'
                || strcmp(swarm_text(network, "Name"), name) == 0))
        {
            (void) snprintf(swarm->network, sizeof(swarm->network), "%s", id);
        }
    }
}


/*
 * One that was made or removed meanwhile may be in the answer or not: they are
 * asked for again.
 */
static void
take_namespaces(struct swarm *swarm, json_t *answer)
{
    if (swarm->sync.namespaces_seen != swarm->namespaces_changed) {
        return;
    }

    swarm->sync.wanted &= ~(1U << SWARM_READ_NAMESPACES);
    swarm_namespaces_read(swarm, answer);
}


static void
take_services(struct swarm *swarm, json_t *answer)
{
    size_t                 i;
    json_t                *value;
    struct swarm_service  *service, *next;

    swarm->sync.wanted &= ~(1U << SWARM_READ_SERVICES);

    TAILQ_FOREACH(service, &swarm->services, link) {

        /* one that was made after the question is in no answer to it */
        service->is_listed = service->made_ms >= swarm->sync.began_ms;
    }

    json_array_foreach(answer, i, value) {
        (void) swarm_service_take(swarm, value);
    }

    for (service = TAILQ_FIRST(&swarm->services); service != NULL;
         service = next)
    {
        next = TAILQ_NEXT(service, link);

        if (!service->is_listed) {
            swarm_service_remove(service);
        }
    }
}


static void
ask_dirty(struct swarm *swarm)
{
    json_t      *ids, *value;
    void        *next;
    const char  *id;

    ids = json_array();

    json_object_foreach_safe(swarm->sync.dirty, next, id, value) {
        if (json_array_size(ids) == BATCH) {
            break;
        }

        (void) json_array_append_new(ids, json_string(id));
        (void) json_object_del(swarm->sync.dirty, id);
    }

    ask(swarm, "/services", json_pack("{s:o}", "id", ids), take_dirty);
}


/*
 * Of one that is gone an event tells as well.
 */
static void
take_dirty(struct swarm *swarm, json_t *answer)
{
    size_t   i;
    json_t  *value;

    json_array_foreach(answer, i, value) {
        (void) swarm_service_take(swarm, value);
    }
}


/*
 * Of services that have changed lately, what runs; of those that have lost a
 * replica, and others that are not as they should be, what has run too: it says
 * why.  Returns 0 where none is due.
 */
static int
ask_tasks_due(struct swarm *swarm)
{
    int                    is_slow;
    json_t                *ids;
    uint64_t               now;
    struct swarm_service  *service;

    ids = NULL;
    is_slow = 0;
    now = clock_now_ms();

    TAILQ_FOREACH(service, &swarm->services, link) {

        if (service->poll_at == 0 || service->poll_at > now) {
            continue;
        }

        if (ids == NULL) {
            ids = json_array();
            is_slow = wants_reason(service);
        }

        if (wants_reason(service) != is_slow) {
            continue;
        }

        if (json_array_size(ids) == SWARM_POLL_SERVICES) {

            if (!is_slow) {
                json_decref(ids);
                ask_all_tasks(swarm);
                return 1;
            }

            break;
        }

        service->is_asked = 1;
        service->has_lost &= !is_slow;
        (void) json_array_append_new(ids, json_string(service->id));
    }

    if (ids == NULL) {
        return 0;
    }

    ask(swarm, "/tasks",
        is_slow ? json_pack("{s:o}", "service", ids)
                : json_pack("{s:o, s:[s]}", "service", ids, "desired-state",
                            "running"),
        take_tasks);

    return 1;
}


static int
wants_reason(const struct swarm_service *service)
{
    return service->poll_pause >= POLL_SLOW
           || (service->has_lost
               && swarm_service_available(service) < service->spec->replicas);
}


static void
ask_all_tasks(struct swarm *swarm)
{
    struct swarm_service  *service;

    swarm->sync.wanted &= ~(1U << SWARM_READ_TASKS);

    TAILQ_FOREACH(service, &swarm->services, link) {
        service->is_asked = 1;
    }

    ask(swarm, "/tasks", json_pack("{s:[s]}", "desired-state", "running"),
        take_tasks);
}


static void
take_tasks(struct swarm *swarm, json_t *answer)
{
    size_t                 i;
    json_t                *value;
    struct swarm_task     *task, *next;
    struct swarm_service  *service;

    TAILQ_FOREACH(service, &swarm->services, link) {
        TAILQ_FOREACH(task, &service->tasks, link) {
            task->is_listed = !service->is_asked;
        }
    }

    json_array_foreach(answer, i, value) {
        swarm_task_read(swarm, value);
    }

    TAILQ_FOREACH(service, &swarm->services, link) {

        if (!service->is_asked) {
            continue;
        }

        for (task = TAILQ_FIRST(&service->tasks); task != NULL; task = next) {
            next = TAILQ_NEXT(task, link);

            if (!task->is_listed) {
                swarm_task_free(task);
            }
        }

        end_poll(service);
    }

    if (!swarm->is_read) {
        swarm->is_read = 1;
        swarm->read_ms = clock_now_ms();
    }

    if (swarm->sync.is_reported) {
        faas_log(FAAS_LOG_NOTICE, "docker is back docker=%s",
                 swarm->options->docker);
    }

    swarm->sync.is_reported = 0;
    swarm->sync.pause_ms = SWARM_PAUSE_MIN;
}


/*
 * Quick while it changes, slower while it should, and not once it has settled.
 */
static void
end_poll(struct swarm_service *service)
{
    uint64_t  now, quiet;

    now = clock_now_ms();
    quiet = now - service->changed_ms;
    service->is_asked = 0;

    swarm_service_publish(service);

    if (swarm_service_is_settled(service)) {

        if (!service->is_rolled_back) {
            service->error[0] = '\0';
        }

        if (quiet >= SETTLED) {
            service->poll_at = 0;
            return;
        }
    }

    if (quiet < SWARM_POLL_QUICK) {
        service->poll_pause = SWARM_POLL_MIN;

    } else {
        service->poll_pause = 2 * service->poll_pause < SWARM_POLL_MAX
                              ? 2 * service->poll_pause : SWARM_POLL_MAX;
    }

    service->poll_at = now + service->poll_pause;
}


/*
 * A scaler that was started again knows of no replica at first: gateways keep
 * the routes that they have until it does.
 */
static void
check_known(struct swarm *swarm)
{
    if (swarm->is_read && !swarm->is_known
        && (swarm_health_is_known(swarm)
            || clock_now_ms() - swarm->read_ms >= SWARM_KNOWN_MAX))
    {
        swarm->is_known = 1;
        swarm->hooks->known(swarm->hooks->arg);
    }
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * faas-scaler: runs functions and tells the gateways where they are.
 */

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/daemon.h"
#include "daemon/health.h"
#include "lib/faas_log.h"

#include "api.h"
#include "metrics.h"
#include "provider_process.h"
#include "provider_swarm.h"
#include "scaler.h"


#define EXIT_USAGE  2


static int scaler_open(struct scaler *s, struct faas_err *err);
static int open_users(struct scaler *s, struct faas_err *err);
static struct provider *make_provider(struct scaler *s,
    struct faas_err *err);
static int find_watchdog(struct scaler *s, struct faas_err *err);
static int open_signals(struct scaler *s, struct faas_err *err);
static void scaler_close(struct scaler *s);
static void on_signal(evutil_socket_t fd, short what, void *arg);
static void on_stopped(void *arg);
static void on_accept_error(struct evconnlistener *listener, void *arg);
static void on_metrics_error(struct evconnlistener *listener, void *arg);
static void on_redis_ready(void *arg);
static void on_redis_lost(void *arg);
static void on_leader_changed(void *arg);
static uint64_t hook_publish(void *arg, const char *key,
    const struct faas_route *route);
static void hook_known(void *arg);
static void try_to_lead(struct scaler *s);
static void on_waiting(void *arg, const char *key, uint64_t parked);
static int hook_drain(void *arg, const char *key, uint64_t rev,
    uint64_t timeout_ms, void (*drained)(void *data), void *data);


static struct scaler  scaler;
static char           watchdog[PATH_MAX];


int
main(int argc, char **argv)
{
    int                  rc;
    struct faas_err      err;
    enum faas_log_level  level;

    err.text[0] = '\0';
    faas_log_init("faas-scaler", FAAS_LOG_NOTICE);

    if (daemon_prepare() != 0) {
        return EXIT_FAILURE;
    }

    switch (options_parse(argc, argv, &scaler.options, &err)) {

    case OPTIONS_EXIT:
        return 0;

    case OPTIONS_BAD:
        (void) fprintf(stderr, "faas-scaler: %s\n", err.text);
        return scaler.options.is_health ? EXIT_FAILURE : EXIT_USAGE;

    case OPTIONS_HEALTH:
        if (health_check("--listen", scaler.options.listen, &err) != 0) {
            (void) fprintf(stderr, "faas-scaler: %s\n", err.text);
            return EXIT_FAILURE;
        }

        return 0;

    case OPTIONS_RUN:
        break;
    }

    if (faas_log_level_parse(scaler.options.log_level, &level) != 0) {
        (void) fprintf(stderr, "faas-scaler: --log-level: \"%s\" is none of "
                       "error, warn, notice, info, debug\n",
                       scaler.options.log_level);
        return EXIT_USAGE;
    }

    faas_log_init("faas-scaler", level);

    rc = scaler_open(&scaler, &err);

    if (rc == 0) {
        faas_log(FAAS_LOG_NOTICE, "ready listen=%s", scaler.options.listen);
        rc = event_base_dispatch(scaler.base) < 0;

    } else {
        (void) fprintf(stderr, "faas-scaler: %s\n", err.text);
    }

    scaler_close(&scaler);

    return rc == 0 ? 0 : EXIT_FAILURE;
}


static int
scaler_open(struct scaler *s, struct faas_err *err)
{
    s->base = event_base_new();

    if (s->base == NULL) {
        return faas_err_set(err, 0, "cannot make an event loop");
    }

    s->hooks.arg = s;
    s->hooks.publish = hook_publish;
    s->hooks.drain = hook_drain;

    s->redis.names = &s->names;
    s->redis.ready = on_redis_ready;
    s->redis.lost = on_redis_lost;
    s->redis.arg = s;

    s->wake.redis.names = &s->names;

    s->leader.changed = on_leader_changed;
    s->leader.arg = s;

    s->hooks.known = hook_known;

    if (open_signals(s, err) != 0
        || auth_open(&s->auth, s->options.credentials_dir, err) != 0
        || names_init(&s->names, s->options.resolver, s->base, err) != 0
        || redis_open(&s->redis, &s->options.redis, s->base, err) != 0
        || leader_init(&s->leader, &s->redis, s->base, err) != 0
        || publisher_init(&s->publisher, &s->redis, &s->leader, s->base, err)
           != 0
        || load_init(&s->load, &s->options, &s->redis, s->base, err) != 0
        || drains_init(&s->drains, &s->load, s->base, err) != 0)
    {
        return -1;
    }

    s->provider = make_provider(s, err);

    if (s->provider == NULL || open_users(s, err) != 0) {
        return -1;
    }

    if (s->is_known) {
        try_to_lead(s);
    }

    return metrics_open(s, on_metrics_error, err) == 0
           ? api_open(s, on_accept_error, err) : -1;
}


/*
 * What asks the provider.
 */
static int
open_users(struct scaler *s, struct faas_err *err)
{
    s->wake.waiting = on_waiting;
    s->wake.arg = s;

    s->autoscale.options = &s->options;
    s->autoscale.load = &s->load;
    s->autoscale.leader = &s->leader;
    s->autoscale.provider = s->provider;

    s->async.redis = &s->redis;
    s->async.leader = &s->leader;
    s->async.provider = s->provider;
    s->async.prefix = s->options.redis.prefix;

    return autoscale_open(&s->autoscale, s->base, err) != 0
           || async_open(&s->async, s->base, err) != 0
           || wake_open(&s->wake, &s->options, s->base, err) != 0 ? -1 : 0;
}


static struct provider *
make_provider(struct scaler *s, struct faas_err *err)
{
    if (strcmp(s->options.provider, "swarm") == 0) {
        return provider_swarm_new(&s->options, &s->hooks, s->base, err);
    }

    return find_watchdog(s, err) == 0
           ? provider_process_new(&s->options, &s->hooks, s->base, err)
           : NULL;
}


/*
 * Replicas start in their functions' folders, and see others: a relative path
 * would lead elsewhere.  A name is looked for in PATH.
 */
static int
find_watchdog(struct scaler *s, struct faas_err *err)
{
    char         path[PATH_MAX];
    size_t       len;
    const char  *name, *folder;

    name = s->options.watchdog;
    folder = getenv("PATH");

    if (folder == NULL || strchr(name, '/') != NULL) {
        folder = "";
    }

    for ( ;; ) {
        len = strcspn(folder, ":");
        (void) snprintf(path, sizeof(path), "%.*s%s%s", (int) len, folder,
                        len != 0 ? "/" : "", name);

        if (realpath(path, watchdog) != NULL && access(watchdog, X_OK) == 0) {
            s->options.watchdog = watchdog;
            return 0;
        }

        if (folder[len] == '\0') {
            return faas_err_set(err, errno, "--watchdog: cannot use %.120s: "
                                "%s", name, strerror(errno));
        }

        folder += len + 1;
    }
}


static int
open_signals(struct scaler *s, struct faas_err *err)
{
    s->sigterm = evsignal_new(s->base, SIGTERM, on_signal, s);
    s->sigint = evsignal_new(s->base, SIGINT, on_signal, s);

    if (s->sigterm == NULL || s->sigint == NULL
        || evsignal_add(s->sigterm, NULL) != 0
        || evsignal_add(s->sigint, NULL) != 0)
    {
        return faas_err_set(err, 0, "no memory");
    }

    return 0;
}


static void
scaler_close(struct scaler *s)
{
    metrics_close(s);
    api_close(s);
    wake_close(&s->wake);
    autoscale_close(&s->autoscale);
    async_close(&s->async);

    if (s->drains.load != NULL) {
        drains_end(&s->drains);
    }

    if (s->provider != NULL) {
        s->provider->ops->free(s->provider);
    }

    if (s->redis.timer != NULL) {
        redis_close(&s->redis);
    }

    drains_done(&s->drains);

    if (s->load.redis != NULL) {
        load_done(&s->load);
    }

    if (s->publisher.redis != NULL) {
        publisher_done(&s->publisher);
    }

    leader_done(&s->leader);

    if (s->sigterm != NULL) {
        event_free(s->sigterm);
    }

    if (s->sigint != NULL) {
        event_free(s->sigint);
    }

    names_done(&s->names);

    if (s->base != NULL) {
        event_base_free(s->base);
    }
}


static void
on_signal(evutil_socket_t fd, short what, void *arg)
{
    struct scaler  *s;

    (void) what;

    s = arg;

    if (s->is_stopping) {
        return;
    }

    faas_log(FAAS_LOG_NOTICE, "stopping signal=%d", (int) fd);

    s->is_stopping = 1;

    metrics_close(s);
    api_close(s);
    wake_close(&s->wake);
    autoscale_close(&s->autoscale);
    async_close(&s->async);
    drains_end(&s->drains);

    s->n_stopping = 2;
    leader_stop(&s->leader, on_stopped, s);
    s->provider->ops->stop(s->provider, on_stopped, s);
}


static void
on_stopped(void *arg)
{
    struct scaler  *s;

    s = arg;

    if (--s->n_stopping == 0) {
        (void) event_base_loopbreak(s->base);
    }
}


/*
 * arg is evhttp's.
 */
static void
on_accept_error(struct evconnlistener *listener, void *arg)
{
    (void) listener;
    (void) arg;

    listener_pause(&scaler.listener);
}


static void
on_metrics_error(struct evconnlistener *listener, void *arg)
{
    (void) listener;
    (void) arg;

    listener_pause(&scaler.exporter.listener);
}


static void
on_redis_ready(void *arg)
{
    struct scaler  *s;

    s = arg;

    leader_ready(&s->leader);
    publisher_ready(&s->publisher);
}


static void
on_redis_lost(void *arg)
{
    struct scaler  *s;

    s = arg;

    leader_lost(&s->leader);
    publisher_lost(&s->publisher);
}


static void
on_leader_changed(void *arg)
{
    struct scaler  *s;

    s = arg;

    publisher_led(&s->publisher);
}


static uint64_t
hook_publish(void *arg, const char *key, const struct faas_route *route)
{
    struct scaler  *s;

    s = arg;

    return publisher_set(&s->publisher, key, route);
}


static void
hook_known(void *arg)
{
    struct scaler  *s;

    s = arg;
    s->is_known = 1;

    /* else the provider is still being made */

    if (s->provider != NULL) {
        try_to_lead(s);
    }
}


/*
 * Who does not know what runs would publish less than there is.
 */
static void
try_to_lead(struct scaler *s)
{
    const char  *identity;

    identity = s->provider->identity;

    leader_start(&s->leader, identity, identity != NULL);
}


static void
on_waiting(void *arg, const char *key, uint64_t parked)
{
    struct scaler  *s;

    s = arg;

    autoscale_wake(&s->autoscale, key, parked);
}


static int
hook_drain(void *arg, const char *key, uint64_t rev, uint64_t timeout_ms,
    void (*drained)(void *data), void *data)
{
    struct scaler  *s;

    s = arg;

    return drains_add(&s->drains, key, rev, timeout_ms, drained, data);
}

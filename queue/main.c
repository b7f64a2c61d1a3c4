/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * faas-queue: delivers asynchronous calls.
 */

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/clock.h"
#include "daemon/daemon.h"
#include "daemon/health.h"
#include "lib/faas_log.h"

#include "call.h"
#include "keep.h"
#include "queue.h"


#define EXIT_USAGE  2


static int start(enum faas_log_level level);
static int queue_open(struct queue *q, struct faas_err *err);
static int open_events(struct queue *q, struct faas_err *err);
static int open_redis(struct queue *q, struct faas_err *err);
static void queue_close(struct queue *q);
static void free_call(void *arg, struct key_node *node);
static void on_signal(evutil_socket_t fd, short what, void *arg);
static void on_drain(evutil_socket_t fd, short what, void *arg);
static void give_back(void *arg, struct key_node *node);
static void stop_if_idle(struct queue *q);
static void on_keep(evutil_socket_t fd, short what, void *arg);
static void on_accept_error(struct evconnlistener *listener, void *arg);
static void on_redis_ready(void *arg);
static void on_redis_lost(void *arg);
static void on_scripts_ready(void *arg);
static void on_bell_ready(void *arg);
static void on_bell_lost(void *arg);
static void on_bell(void *arg, const char *text);


static struct queue  queue;


int
main(int argc, char **argv)
{
    struct faas_err      err;
    enum faas_log_level  level;

    err.text[0] = '\0';
    faas_log_init("faas-queue", FAAS_LOG_NOTICE);

    if (daemon_prepare() != 0) {
        return EXIT_FAILURE;
    }

    switch (options_parse(argc, argv, &queue.options, &err)) {

    case OPTIONS_EXIT:
        return 0;

    case OPTIONS_BAD:
        (void) fprintf(stderr, "faas-queue: %s\n", err.text);
        return queue.options.is_health ? EXIT_FAILURE : EXIT_USAGE;

    case OPTIONS_HEALTH:
        if (health_check("--metrics-listen", queue.options.metrics_listen,
                         &err)
            != 0)
        {
            (void) fprintf(stderr, "faas-queue: %s\n", err.text);
            return EXIT_FAILURE;
        }

        return 0;

    case OPTIONS_RUN:
        break;
    }

    if (faas_log_level_parse(queue.options.log_level, &level) != 0) {
        (void) fprintf(stderr, "faas-queue: --log-level: \"%s\" is none of "
                       "error, warn, notice, info, debug\n",
                       queue.options.log_level);
        return EXIT_USAGE;
    }

    return start(level) == 0 ? 0 : EXIT_FAILURE;
}


void
queue_has_room(struct queue *q, struct function *fn)
{
    function_turn(&q->functions, fn);
    stop_if_idle(q);
    take_some(&q->take);
}


static int
start(enum faas_log_level level)
{
    int              rc;
    struct faas_err  err;

    faas_log_init("faas-queue", level);
    rc = queue_open(&queue, &err);

    if (rc == 0) {
        faas_log(FAAS_LOG_NOTICE, "ready gateway=%s worker=%s",
                 queue.options.gateway, queue.worker);
        rc = event_base_dispatch(queue.base) < 0;

    } else {
        (void) fprintf(stderr, "faas-queue: %s\n", err.text);
    }

    queue_close(&queue);

    return rc;
}


static int
queue_open(struct queue *q, struct faas_err *err)
{
    unsigned  max;
    uint64_t  high, low;

    TAILQ_INIT(&q->endings);
    max = (unsigned) q->options.max_inflight;
    functions_init(&q->functions, q->options.max_functions,
                   q->options.max_series);

    if (faas_random_seed(&q->random) != 0
        || curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK)
    {
        return faas_err_set(err, 0, "the kernel gives no random numbers, or "
                            "libcurl no memory");
    }

    high = faas_random_next(&q->random);
    low = faas_random_next(&q->random);
    faas_uuid_encode(high, low, q->worker);

    q->base = event_base_new();

    if (q->base == NULL) {
        return faas_err_set(err, 0, "cannot make an event loop");
    }

    q->calls.connect_ms = q->options.connect_timeout_ms;
    q->callbacks.connect_ms = q->options.connect_timeout_ms;
    q->callbacks.rules = &q->options.callback_rules;

    return open_events(q, err) == 0
           && requests_init(&q->calls, q->base, max, err) == 0
           && requests_init(&q->callbacks, q->base, max, err) == 0
           && take_open(&q->take, q, err) == 0
           && schedule_open(&q->schedule, q, err) == 0
           && metrics_open(&q->metrics, q, on_accept_error, err) == 0
           && open_redis(q, err) == 0 ? 0 : -1;
}


static int
open_events(struct queue *q, struct faas_err *err)
{
    q->sigterm = evsignal_new(q->base, SIGTERM, on_signal, q);
    q->sigint = evsignal_new(q->base, SIGINT, on_signal, q);
    q->drain = evtimer_new(q->base, on_drain, q);
    q->keep = evtimer_new(q->base, on_keep, q);

    if (q->sigterm == NULL || q->sigint == NULL || q->drain == NULL
        || q->keep == NULL || evsignal_add(q->sigterm, NULL) != 0
        || evsignal_add(q->sigint, NULL) != 0)
    {
        return faas_err_set(err, 0, "no memory");
    }

    return 0;
}


static int
open_redis(struct queue *q, struct faas_err *err)
{
    q->scripts.redis = &q->redis;
    q->scripts.ready = on_scripts_ready;
    q->scripts.arg = q;

    q->redis.names = &q->names;
    q->redis.ready = on_redis_ready;
    q->redis.lost = on_redis_lost;
    q->redis.arg = q;

    q->bell.names = &q->names;
    q->bell.ready = on_bell_ready;
    q->bell.lost = on_bell_lost;
    q->bell.arg = q;
    q->bell.is_second = 1;

    return names_init(&q->names, q->options.resolver, q->base, err) == 0
           && redis_open(&q->redis, &q->options.redis, q->base, err) == 0
           && redis_open(&q->bell, &q->options.redis, q->base, err) == 0
           ? 0 : -1;
}


static void
queue_close(struct queue *q)
{
    struct call  *call;

    q->is_stopping = 1;

    if (q->metrics.queue != NULL) {
        metrics_close(&q->metrics);
    }

    schedule_close(&q->schedule);
    take_close(&q->take);

    if (q->bell.timer != NULL) {
        redis_close(&q->bell);
    }

    if (q->redis.timer != NULL) {
        redis_close(&q->redis);
    }

    while ((call = TAILQ_FIRST(&q->endings)) != NULL) {
        TAILQ_REMOVE(&q->endings, call, link);
        call_free(call);
    }

    key_map_walk(&q->functions.map, free_call, q);
    functions_done(&q->functions);
    requests_done(&q->calls);
    requests_done(&q->callbacks);

    if (q->sigterm != NULL) {
        event_free(q->sigterm);
    }

    if (q->sigint != NULL) {
        event_free(q->sigint);
    }

    if (q->drain != NULL) {
        event_free(q->drain);
    }

    if (q->keep != NULL) {
        event_free(q->keep);
    }

    names_done(&q->names);

    if (q->base != NULL) {
        event_base_free(q->base);
    }

    curl_global_cleanup();
}


static void
free_call(void *arg, struct key_node *node)
{
    struct call      *call;
    struct function  *fn;

    (void) arg;

    fn = (struct function *) node;

    while ((call = TAILQ_FIRST(&fn->calls)) != NULL) {
        TAILQ_REMOVE(&fn->calls, call, link);
        call_free(call);
    }
}


static void
on_signal(evutil_socket_t fd, short what, void *arg)
{
    struct queue  *q;

    (void) what;

    q = arg;

    if (q->is_stopping) {
        faas_log(FAAS_LOG_NOTICE, "stopping at once, running calls are for "
                 "other workers signal=%d calls=%u", (int) fd, q->n_calls);
        (void) event_base_loopbreak(q->base);
        return;
    }

    q->is_stopping = 1;

    faas_log(FAAS_LOG_NOTICE, "stopping when running calls are over signal=%d "
             "calls=%u", (int) fd, q->n_calls);

    clock_timer(q->drain, q->options.drain_timeout_ms);
    stop_if_idle(q);
}


/*
 * First what runs is given back; then Redis has had its time to answer.
 */
static void
on_drain(evutil_socket_t fd, short what, void *arg)
{
    struct queue  *q;

    (void) fd;
    (void) what;

    q = arg;

    if (q->is_given_up) {
        faas_log(FAAS_LOG_WARN, "stopping although redis does not answer, "
                 "running calls are for other workers calls=%u", q->n_calls);
        (void) event_base_loopbreak(q->base);
        return;
    }

    q->is_given_up = 1;
    clock_timer(q->drain, q->options.redis.timeout_ms);

    key_map_walk(&q->functions.map, give_back, q);
    stop_if_idle(q);
}


static void
give_back(void *arg, struct key_node *node)
{
    struct call      *call;
    struct function  *fn;

    (void) arg;

    fn = (struct function *) node;

    while ((call = TAILQ_FIRST(&fn->calls)) != NULL) {
        call_give_back(call);
    }
}


/*
 * What is taken just now comes as well, and is put back.
 */
static void
stop_if_idle(struct queue *q)
{
    if (q->is_stopping && q->n_calls == 0 && q->take.n_asked == 0) {
        (void) event_base_loopbreak(q->base);
    }
}


static void
on_keep(evutil_socket_t fd, short what, void *arg)
{
    struct queue  *q;

    (void) fd;
    (void) what;

    q = arg;

    clock_timer(q->keep, q->options.lease_ms / 3);
    keep_calls(q);
}


/*
 * arg is evhttp's.
 */
static void
on_accept_error(struct evconnlistener *listener, void *arg)
{
    (void) listener;
    (void) arg;

    listener_pause(&queue.metrics.exporter.listener);
}


static void
on_redis_ready(void *arg)
{
    struct queue  *q;

    q = arg;

    scripts_load(&q->scripts);
}


static void
on_redis_lost(void *arg)
{
    struct queue  *q;

    q = arg;

    scripts_lost(&q->scripts);
    take_lost(&q->take);
    schedule_lost(&q->schedule);
    metrics_lost(&q->metrics);
    (void) evtimer_del(q->keep);
}


/*
 * First what has ended meanwhile, before anybody takes it for lost.
 */
static void
on_scripts_ready(void *arg)
{
    struct queue  *q;

    q = arg;

    call_send_endings(q);
    clock_timer(q->keep, 0);
    take_ready(&q->take);
    schedule_ready(&q->schedule);
    metrics_ready(&q->metrics);
}


static void
on_bell_ready(void *arg)
{
    char           channel[FAAS_REDIS_KEY_MAX + 1];
    struct queue  *q;

    q = arg;

    if (faas_proto_key(channel, q->options.redis.prefix, FAAS_ASYNC_BELL, NULL)
        == 0)
    {
        redis_subscribe(&q->bell, channel, on_bell, q);
    }
}


/*
 * Until it is back there is the look at all depths.
 */
static void
on_bell_lost(void *arg)
{
    (void) arg;
}


static void
on_bell(void *arg, const char *text)
{
    struct queue  *q;

    q = arg;

    take_rung(&q->take, text);
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What /metrics and /healthz say.
 */

#include "metrics.h"

#include <event2/buffer.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "daemon/clock.h"
#include "lib/faas_expo.h"

#include "queue.h"


#define LINE_MAX_LEN  1024          /* bytes of a line, and of a family's two */
#define TIMEOUT       10            /* seconds for a client */
#define NUMBER_MAX    24
#define QUEUE_NAME    "faas-request"    /* as OpenFaaS calls its only queue */
#define CONTENT_TYPE  "text/plain; version=0.0.4; charset=utf-8"

/* a counter of the stats */
#define STAT(field)  (offsetof(struct function_stats, field) + 1)


struct family {
    const char  *name;
    const char  *help;
    const char  *type;
    size_t       stat;              /* STAT(), or 0 */
    uint64_t   (*value)(const struct function *fn);
    int          is_seconds;        /* value is in msec */
};

struct page {
    struct evbuffer      *out;
    const struct family  *family;
    uint64_t              others;   /* functions without a line of their own */
};


static void on_request(struct evhttp_request *req, void *arg);
static void send_metrics(struct metrics *metrics, struct evhttp_request *req);
static void put_family(struct page *page, struct queue *queue,
    const struct family *family);
static void put_function(void *arg, struct key_node *node);
static void put_value(struct page *page, const char *function,
    uint64_t value);
static void put_total(struct evbuffer *out, const char *name,
    const char *help, uint64_t value);
static void put_line(struct evbuffer *out, const char *line, size_t len);
static uint64_t stat_of(const struct function_stats *stats, size_t stat);
static uint64_t inflight_of(const struct function *fn);
static uint64_t depth_of(const struct function *fn);
static uint64_t age_of(const struct function *fn);
static void on_timer(evutil_socket_t fd, short what, void *arg);
static void on_depths(void *arg, const redisReply *reply);
static void read_depth(struct metrics *metrics, const redisReply *item);
static void set_old(void *arg, struct key_node *node);


static const struct family  families[] = {
    { "queue_worker_pending_messages",
      "Calls of a function that wait or run, as Redis had them last.", "gauge",
      0, depth_of, 0 },
    { "queue_worker_oldest_message_seconds",
      "Time for which the first of these has been in the queue.", "gauge", 0,
      age_of, 1 },
    { "queue_worker_function_invocation_inflight",
      "Calls that this worker has taken.", "gauge", 0, inflight_of, 0 },
    { "queue_worker_messages_processed_total",
      "Calls with a last answer of their function.", "counter",
      STAT(delivered), NULL, 0 },
    { "queue_worker_messages_retried_total",
      "Attempts, of calls or callbacks, that are made again.", "counter",
      STAT(retried), NULL, 0 },
    { "queue_worker_messages_dead_total",
      "Calls that were given up.", "counter", STAT(dead), NULL, 0 },
    { "queue_worker_messages_duplicate_total",
      "Calls that another worker had ended when this one did.", "counter",
      STAT(duplicates), NULL, 0 },
    { "queue_worker_callbacks_total",
      "Callbacks that were answered.", "counter", STAT(callbacks), NULL, 0 },
    { "queue_worker_callbacks_failed_total",
      "Attempts of callbacks that failed.", "counter",
      STAT(callbacks_failed), NULL, 0 },
    { "queue_worker_scheduled_total",
      "Calls that this worker has made by schedule.", "counter",
      STAT(scheduled), NULL, 0 },
};


int
metrics_open(struct metrics *metrics, struct queue *queue,
    evconnlistener_errorcb on_error, struct faas_err *err)
{
    int               fd;
    struct listener  *listener;

    listener = &metrics->listener;
    metrics->queue = queue;
    metrics->http = evhttp_new(queue->base);
    metrics->timer = evtimer_new(queue->base, on_timer, metrics);

    if (metrics->http == NULL || metrics->timer == NULL) {
        return faas_err_set(err, 0, "no memory");
    }

    evhttp_set_allowed_methods(metrics->http, EVHTTP_REQ_GET
                                              | EVHTTP_REQ_HEAD);
    evhttp_set_max_body_size(metrics->http, 0);
    evhttp_set_max_headers_size(metrics->http, 8192);
    evhttp_set_timeout(metrics->http, TIMEOUT);
    evhttp_set_gencb(metrics->http, on_request, metrics);

    listener->option = "--metrics-listen";
    listener->what = "/metrics";
    fd = listener_bind(listener, queue->options.metrics_listen, err);

    return fd != -1 ? listener_open(listener, metrics->http, fd, on_error, err)
           : -1;
}


void
metrics_close(struct metrics *metrics)
{
    if (metrics->http != NULL) {
        evhttp_free(metrics->http);
        metrics->http = NULL;
    }

    if (metrics->timer != NULL) {
        event_free(metrics->timer);
        metrics->timer = NULL;
    }

    listener_close(&metrics->listener);
}


void
metrics_ready(struct metrics *metrics)
{
    if (metrics->timer != NULL) {
        clock_timer(metrics->timer, 0);
    }
}


void
metrics_lost(struct metrics *metrics)
{
    if (metrics->timer != NULL) {
        (void) evtimer_del(metrics->timer);
    }
}


static void
on_request(struct evhttp_request *req, void *arg)
{
    const char      *path;
    struct metrics  *metrics;

    metrics = arg;
    metrics->listener.is_reported = 0;
    path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(req));

    if (strcmp(path, "/metrics") == 0) {
        send_metrics(metrics, req);

    } else if (strcmp(path, "/healthz") != 0) {
        evhttp_send_reply(req, HTTP_NOTFOUND, "Not Found", NULL);

    } else if (!metrics->queue->scripts.is_ready) {
        evhttp_send_reply(req, HTTP_SERVUNAVAIL, "Service Unavailable", NULL);

    } else {
        evhttp_send_reply(req, HTTP_OK, "OK", NULL);
    }
}


static void
send_metrics(struct metrics *metrics, struct evhttp_request *req)
{
    size_t         i;
    struct page    page;
    struct queue  *queue;

    queue = metrics->queue;
    memset(&page, 0, sizeof(page));
    page.out = evbuffer_new();

    if (page.out == NULL) {
        evhttp_send_reply(req, HTTP_INTERNAL, "Internal Server Error", NULL);
        return;
    }

    for (i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        put_family(&page, queue, &families[i]);
    }

    put_total(page.out, "queue_worker_calls", "Calls that were accepted and "
              "are neither over nor dead.", metrics->calls);
    put_total(page.out, "queue_worker_calls_bytes", "Their bodies and "
              "headers.", metrics->bytes);
    put_total(page.out, "queue_worker_delayed_messages", "Calls that wait for "
              "their time.", metrics->delayed);
    put_total(page.out, "queue_worker_dead_messages", "Calls that were given "
              "up and are kept.", metrics->dead);

    (void) evhttp_add_header(evhttp_request_get_output_headers(req),
                             "Content-Type", CONTENT_TYPE);
    evhttp_send_reply(req, HTTP_OK, "OK", page.out);
    evbuffer_free(page.out);
}


static void
put_family(struct page *page, struct queue *queue,
    const struct family *family)
{
    char    line[LINE_MAX_LEN];
    size_t  len;

    page->family = family;
    page->others = family->stat != 0
                   ? stat_of(&queue->functions.gone, family->stat) : 0;

    len = faas_expo_family(line, sizeof(line), family->name, family->help,
                           family->type);
    put_line(page->out, line, len);

    key_map_walk(&queue->functions.map, put_function, page);

    if (page->others != 0) {
        put_value(page, "", page->others);
    }
}


static void
put_function(void *arg, struct key_node *node)
{
    uint64_t          value;
    struct page      *page;
    struct function  *fn;

    page = arg;
    fn = (struct function *) node;
    value = page->family->stat != 0
            ? stat_of(&fn->stats, page->family->stat)
            : page->family->value(fn);

    if (fn->has_series) {
        put_value(page, node->key, value);

    } else if (!page->family->is_seconds) {
        page->others += value;

    } else if (value > page->others) {
        page->others = value;
    }
}


static void
put_value(struct page *page, const char *function, uint64_t value)
{
    char                line[LINE_MAX_LEN];
    size_t              len;
    struct faas_label   labels[2];
    struct faas_sample  sample;

    labels[0].name = "queue_name";
    labels[0].value = QUEUE_NAME;
    labels[0].len = sizeof(QUEUE_NAME) - 1;
    labels[1].name = "function_name";
    labels[1].value = function;
    labels[1].len = strlen(function);

    sample.name = page->family->name;
    sample.suffix = "";
    sample.labels = labels;
    sample.n = 2;

    len = page->family->is_seconds
          ? faas_expo_seconds(line, sizeof(line), &sample, value * 1000)
          : faas_expo_uint(line, sizeof(line), &sample, value);

    put_line(page->out, line, len);
}


static void
put_total(struct evbuffer *out, const char *name, const char *help,
    uint64_t value)
{
    char                line[LINE_MAX_LEN];
    size_t              len;
    struct faas_sample  sample;

    memset(&sample, 0, sizeof(sample));
    sample.name = name;
    sample.suffix = "";

    len = faas_expo_family(line, sizeof(line), name, help, "gauge");
    put_line(out, line, len);

    len = faas_expo_uint(line, sizeof(line), &sample, value);
    put_line(out, line, len);
}


static void
put_line(struct evbuffer *out, const char *line, size_t len)
{
    /* without memory the page ends early */

    (void) evbuffer_add(out, line, len);
}


static uint64_t
stat_of(const struct function_stats *stats, size_t stat)
{
    uint64_t  value;

    memcpy(&value, (const char *) stats + stat - 1, sizeof(value));

    return value;
}


static uint64_t
inflight_of(const struct function *fn)
{
    return fn->n_calls;
}


static uint64_t
depth_of(const struct function *fn)
{
    return fn->depth;
}


static uint64_t
age_of(const struct function *fn)
{
    return fn->oldest_ms;
}


static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
    char                    most[NUMBER_MAX];
    struct queue           *queue;
    struct metrics         *metrics;
    struct scripts_arg      args[1];
    struct scripts_handler  handler;

    (void) fd;
    (void) what;

    metrics = arg;
    queue = metrics->queue;
    clock_timer(metrics->timer, METRICS_READ);

    if (metrics->is_reading || !redis_has_room(&queue->redis, 1)) {
        return;
    }

    (void) snprintf(most, sizeof(most), "%" PRIu64,
                    queue->options.max_functions);
    args[0] = SCRIPTS_TEXT(most);
    handler.fn = on_depths;
    handler.arg = metrics;

    metrics->is_reading = scripts_run(&queue->scripts, &faas_async_depths,
                                      handler, 1, args) == 0;
}


static void
on_depths(void *arg, const redisReply *reply)
{
    size_t           i;
    uint64_t        *totals[4];
    struct metrics  *metrics;

    metrics = arg;
    metrics->is_reading = 0;
    totals[0] = &metrics->calls;
    totals[1] = &metrics->bytes;
    totals[2] = &metrics->delayed;
    totals[3] = &metrics->dead;

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY
        || reply->elements < 4)
    {
        return;
    }

    metrics->round++;

    for (i = 0; i < 4; i++) {
        *totals[i] = reply->element[i]->integer > 0
                     ? (uint64_t) reply->element[i]->integer : 0;
    }

    for (i = 4; i < reply->elements; i++) {
        read_depth(metrics, reply->element[i]);
    }

    key_map_walk(&metrics->queue->functions.map, set_old, metrics);
}


static void
read_depth(struct metrics *metrics, const redisReply *item)
{
    struct function  *fn;

    if (item->type != REDIS_REPLY_ARRAY || item->elements != 3
        || item->element[0]->type != REDIS_REPLY_STRING
        || item->element[1]->type != REDIS_REPLY_INTEGER
        || item->element[2]->type != REDIS_REPLY_INTEGER)
    {
        return;
    }

    fn = functions_get(&metrics->queue->functions, item->element[0]->str);

    if (fn != NULL) {
        fn->round = metrics->round;
        fn->depth = (uint64_t) item->element[1]->integer;
        fn->oldest_ms = (uint64_t) item->element[2]->integer;
    }
}


static void
set_old(void *arg, struct key_node *node)
{
    struct function  *fn;

    fn = (struct function *) node;

    if (fn->round != ((struct metrics *) arg)->round) {
        fn->depth = 0;
        fn->oldest_ms = 0;
    }
}

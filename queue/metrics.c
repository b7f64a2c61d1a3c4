/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What /metrics and /healthz say.
 */

#include "metrics.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "daemon/clock.h"
#include "lib/faas_async.h"
#include "lib/faas_expo.h"

#include "queue.h"


#define NUMBER_MAX  24

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

/* what is not of a function */
struct total {
    const char  *name;
    const char  *help;
    size_t       offset;            /* in struct metrics */
};

struct page {
    struct evbuffer      *out;
    const struct family  *family;
    uint64_t              others;   /* functions without a line of their own */
};


static int put_part(void *arg, unsigned i, struct evbuffer *out);
static int is_healthy(void *arg);
static void put_family(struct page *page, struct queue *queue,
    const struct family *family);
static void put_function(void *arg, struct key_node *node);
static void put_value(struct page *page, const char *function,
    uint64_t value);
static void put_total(struct evbuffer *out, const struct total *total,
    uint64_t value);
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


#define N_FAMILIES  (sizeof(families) / sizeof(families[0]))

static const struct total  totals[] = {
    { "queue_worker_calls",
      "Calls that were accepted and are neither over nor dead.",
      offsetof(struct metrics, calls) },
    { "queue_worker_calls_bytes", "Their bodies and headers.",
      offsetof(struct metrics, bytes) },
    { "queue_worker_delayed_messages", "Calls that wait for their time.",
      offsetof(struct metrics, delayed) },
    { "queue_worker_dead_messages", "Calls that were given up and are kept.",
      offsetof(struct metrics, dead) },
};

#define N_TOTALS  (sizeof(totals) / sizeof(totals[0]))

static const struct total  redis_up = {
    "queue_worker_redis_up", "1 while calls can be taken out of Redis.", 0
};


int
metrics_open(struct metrics *metrics, struct queue *queue,
    evconnlistener_errorcb on_error, struct faas_err *err)
{
    metrics->queue = queue;
    metrics->exporter.put = put_part;
    metrics->exporter.is_healthy = is_healthy;
    metrics->exporter.arg = metrics;
    metrics->timer = evtimer_new(queue->base, on_timer, metrics);

    if (metrics->timer == NULL) {
        return faas_err_set(err, 0, "no memory");
    }

    return exporter_open(&metrics->exporter, queue->base, "--metrics-listen",
                         queue->options.metrics_listen, on_error, err);
}


void
metrics_close(struct metrics *metrics)
{
    exporter_close(&metrics->exporter);

    if (metrics->timer != NULL) {
        event_free(metrics->timer);
        metrics->timer = NULL;
    }
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


static int
put_part(void *arg, unsigned i, struct evbuffer *out)
{
    uint64_t         value;
    struct page      page;
    struct metrics  *metrics;

    metrics = arg;

    if (i < N_FAMILIES) {
        memset(&page, 0, sizeof(page));
        page.out = out;
        put_family(&page, metrics->queue, &families[i]);
        return 1;
    }

    i -= N_FAMILIES;

    if (i < N_TOTALS) {
        memcpy(&value, (const char *) metrics + totals[i].offset,
               sizeof(value));
        put_total(out, &totals[i], value);
        return 1;
    }

    if (i == N_TOTALS) {
        put_total(out, &redis_up, (uint64_t) is_healthy(metrics));
        return 1;
    }

    return 0;
}


static int
is_healthy(void *arg)
{
    const struct metrics  *metrics;

    metrics = arg;

    return metrics->queue->scripts.is_ready;
}


static void
put_family(struct page *page, struct queue *queue,
    const struct family *family)
{
    page->family = family;
    page->others = family->stat != 0
                   ? stat_of(&queue->functions.gone, family->stat) : 0;

    exporter_family(page->out, family->name, family->help, family->type);
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
    struct faas_label   labels[2];
    struct faas_sample  sample;

    labels[0].name = "queue_name";
    labels[0].value = FAAS_ASYNC_QUEUE_NAME;
    labels[0].len = sizeof(FAAS_ASYNC_QUEUE_NAME) - 1;
    labels[1].name = "function_name";
    labels[1].value = function;
    labels[1].len = strlen(function);

    sample.name = page->family->name;
    sample.suffix = "";
    sample.labels = labels;
    sample.n = 2;

    (page->family->is_seconds ? exporter_msec : exporter_uint)(page->out,
                                                               &sample,
                                                               value);
}


static void
put_total(struct evbuffer *out, const struct total *total, uint64_t value)
{
    struct faas_sample  sample;

    memset(&sample, 0, sizeof(sample));
    sample.name = total->name;
    sample.suffix = "";

    exporter_family(out, total->name, total->help, "gauge");
    exporter_uint(out, &sample, value);
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
    uint64_t        *read[4];
    struct metrics  *metrics;

    metrics = arg;
    metrics->is_reading = 0;
    read[0] = &metrics->calls;
    read[1] = &metrics->bytes;
    read[2] = &metrics->delayed;
    read[3] = &metrics->dead;

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY
        || reply->elements < 4)
    {
        return;
    }

    metrics->round++;

    for (i = 0; i < 4; i++) {
        *read[i] = reply->element[i]->integer > 0
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

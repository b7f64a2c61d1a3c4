/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Calls by clock.
 */

#include "schedule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "daemon/clock.h"
#include "lib/faas_cron.h"
#include "lib/faas_log.h"
#include "lib/faas_num.h"
#include "lib/faas_uuid.h"

#include "queue.h"


#define MINUTE      60
#define NUMBER_MAX  24
#define ZONE_MAX    128
#define HEADERS     "X-Topic: cron-function\r\nX-Connector: cron-connector\r\n"


struct schedule_item {
    struct key_node   node;         /* first */
    struct schedule  *schedule;
    char              text[FAAS_ASYNC_SCHEDULE_MAX + 1];
    struct faas_cron  cron;
    time_t            last;         /* minute that was looked at last */
    time_t            due;          /* of the call that is asked for */
    unsigned          round;        /* that it was read in */
    int               is_good;      /* the schedule is one */
    int               is_known;     /* last is */
    int               is_busy;      /* an answer is on its way to us */
    int               is_gone;      /* freed with that */
};


static void on_timer(evutil_socket_t fd, short what, void *arg);
static void start_timer(struct schedule *schedule);
static void scan(struct schedule *schedule, const char *cursor);
static void on_scanned(void *arg, const redisReply *reply);
static void read_settings(struct schedule *schedule, const redisReply *key,
    const redisReply *text);
static struct schedule_item *item_of(struct schedule *schedule,
    const char *key);
static void set_text(struct schedule_item *item, const char *text);
static void ask_last(struct schedule_item *item);
static void on_last(void *arg, const redisReply *reply);
static void drop_old(void *arg, struct key_node *node);
static void drop(void *arg, struct key_node *node);
static void run_due(struct schedule *schedule);
static void run_item(void *arg, struct key_node *node);
static void make_call(struct schedule_item *item, time_t due);
static void on_made(void *arg, const redisReply *reply);
static int is_freed(struct schedule_item *item);


int
schedule_open(struct schedule *schedule, struct queue *queue,
    struct faas_err *err)
{
    const char  *prefix;

    prefix = queue->options.redis.prefix;
    schedule->queue = queue;
    schedule->timer = evtimer_new(queue->base, on_timer, schedule);

    if (schedule->timer == NULL) {
        return faas_err_set(err, 0, "no memory");
    }

    if (faas_proto_key(schedule->settings, prefix, FAAS_ASYNC_SETTINGS, NULL)
        != 0
        || faas_proto_key(schedule->ticks, prefix, FAAS_ASYNC_TICKS, NULL)
           != 0)
    {
        return faas_err_set(err, 0, "--redis-prefix is too long");
    }

    return 0;
}


void
schedule_close(struct schedule *schedule)
{
    if (schedule->timer != NULL) {
        event_free(schedule->timer);
        schedule->timer = NULL;
    }

    key_map_walk(&schedule->items, drop, schedule);
    key_map_done(&schedule->items);
}


void
schedule_ready(struct schedule *schedule)
{
    if (schedule->timer != NULL) {
        clock_timer(schedule->timer, 0);
    }
}


void
schedule_lost(struct schedule *schedule)
{
    if (schedule->timer != NULL) {
        (void) evtimer_del(schedule->timer);
    }
}


static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct schedule  *schedule;

    (void) fd;
    (void) what;

    schedule = arg;

    run_due(schedule);

    if (!schedule->is_reading) {
        schedule->round++;
        scan(schedule, "0");
    }

    start_timer(schedule);
}


/*
 * At the next minute, or earlier.
 */
static void
start_timer(struct schedule *schedule)
{
    uint64_t         wait;
    struct timespec  ts;

    (void) clock_gettime(CLOCK_REALTIME, &ts);

    wait = (uint64_t) (MINUTE - ts.tv_sec % MINUTE) * 1000
           - (uint64_t) ts.tv_nsec / 1000000 + 1;

    clock_timer(schedule->timer, wait < SCHEDULE_READ ? wait : SCHEDULE_READ);
}


static void
scan(struct schedule *schedule, const char *cursor)
{
    const char  *argv[5];

    argv[0] = "HSCAN";
    argv[1] = schedule->settings;
    argv[2] = cursor;
    argv[3] = "COUNT";
    argv[4] = SCHEDULE_SCAN;

    schedule->is_reading = redis_has_room(&schedule->queue->redis, 1)
                           && redis_send(&schedule->queue->redis, on_scanned,
                                         schedule, 5, argv, NULL) == 0;
}


static void
on_scanned(void *arg, const redisReply *reply)
{
    size_t             i;
    struct schedule   *schedule;
    const redisReply  *list;

    schedule = arg;
    schedule->is_reading = 0;

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY
        || reply->elements != 2
        || reply->element[0]->type != REDIS_REPLY_STRING
        || reply->element[1]->type != REDIS_REPLY_ARRAY
        || schedule->timer == NULL)
    {
        return;
    }

    list = reply->element[1];

    for (i = 0; i + 1 < list->elements; i += 2) {
        read_settings(schedule, list->element[i], list->element[i + 1]);
    }

    if (strcmp(reply->element[0]->str, "0") != 0) {
        scan(schedule, reply->element[0]->str);
        return;
    }

    key_map_walk(&schedule->items, drop_old, schedule);
    run_due(schedule);
}


static void
read_settings(struct schedule *schedule, const redisReply *key,
    const redisReply *text)
{
    struct schedule_item        *item;
    struct faas_async_settings   settings;

    /* what is wrong with others than the schedule is said by who takes */

    if (key->type != REDIS_REPLY_STRING || text->type != REDIS_REPLY_STRING
        || key->len > FAAS_KEY_MAX || strlen(key->str) != key->len
        || faas_async_settings_parse(text->str, text->len, &settings, NULL)
           != 0
        || settings.schedule[0] == '\0')
    {
        return;
    }

    item = item_of(schedule, key->str);

    if (item == NULL) {
        return;
    }

    item->round = schedule->round;

    if (strcmp(item->text, settings.schedule) != 0) {
        set_text(item, settings.schedule);
    }

    if (!item->is_known && !item->is_busy) {
        ask_last(item);
    }
}


static struct schedule_item *
item_of(struct schedule *schedule, const char *key)
{
    struct schedule_item  *item;

    item = (struct schedule_item *) key_map_find(&schedule->items, key);

    if (item != NULL
        || schedule->items.n >= schedule->queue->options.max_functions)
    {
        return item;
    }

    item = calloc(1, sizeof(*item));

    if (item == NULL || key_map_add(&schedule->items, &item->node, key) != 0) {
        free(item);
        return NULL;
    }

    item->schedule = schedule;

    return item;
}


/*
 * A schedule that is new is not for the time before.
 */
static void
set_text(struct schedule_item *item, const char *text)
{
    struct faas_err  err;

    if (item->text[0] != '\0') {
        item->last = time(NULL);
    }

    (void) snprintf(item->text, sizeof(item->text), "%s", text);
    item->is_good = faas_cron_parse(text, &item->cron, &err) == 0;

    if (!item->is_good) {
        faas_log(FAAS_LOG_ERROR, "a function's schedule is of no use, it is "
                 "not called function=%s error=\"%s\"", item->node.key,
                 err.text);
    }
}


static void
ask_last(struct schedule_item *item)
{
    const char  *argv[3];

    argv[0] = "HGET";
    argv[1] = item->schedule->ticks;
    argv[2] = item->node.key;

    item->is_busy = redis_has_room(&item->schedule->queue->redis, 1)
                    && redis_send(&item->schedule->queue->redis, on_last,
                                  item, 3, argv, NULL) == 0;
}


static void
on_last(void *arg, const redisReply *reply)
{
    uint64_t               last;
    struct schedule_item  *item;

    item = arg;
    item->is_busy = 0;

    if (is_freed(item) || reply == NULL) {
        return;
    }

    item->is_known = 1;
    item->last = time(NULL);

    if (reply->type == REDIS_REPLY_STRING
        && faas_parse_uint(reply->str, reply->len, 0,
                           (uint64_t) item->last, &last) == 0)
    {
        item->last = (time_t) last;
    }

    run_due(item->schedule);
}


static void
drop_old(void *arg, struct key_node *node)
{
    struct schedule       *schedule;
    struct schedule_item  *item;

    schedule = arg;
    item = (struct schedule_item *) node;

    if (item->round != schedule->round) {
        drop(schedule, node);
    }
}


static void
drop(void *arg, struct key_node *node)
{
    struct schedule       *schedule;
    struct schedule_item  *item;

    schedule = arg;
    item = (struct schedule_item *) node;
    key_map_remove(&schedule->items, node);

    if (item->is_busy) {
        item->is_gone = 1;

    } else {
        free(item);
    }
}


/*
 * The C library knows one time zone at a time, and that of the log is another
 * one.
 */
static void
run_due(struct schedule *schedule)
{
    char         zone[ZONE_MAX];
    const char  *was;

    if (schedule->items.n == 0 || schedule->queue->is_stopping) {
        return;
    }

    was = getenv("TZ");
    (void) snprintf(zone, sizeof(zone), "%s", was != NULL ? was : "");
    (void) setenv("TZ", schedule->queue->options.cron_timezone, 1);
    tzset();

    key_map_walk(&schedule->items, run_item, schedule);

    if (was != NULL) {
        (void) setenv("TZ", zone, 1);

    } else {
        (void) unsetenv("TZ");
    }

    tzset();
}


static void
run_item(void *arg, struct key_node *node)
{
    time_t                 now, minute, since;
    struct schedule       *schedule;
    struct schedule_item  *item;

    schedule = arg;
    item = (struct schedule_item *) node;
    now = time(NULL);

    if (!item->is_good || !item->is_known || item->is_busy) {
        return;
    }

    /* the clock was put back */

    if (item->last > now + MINUTE) {
        item->last = now;
    }

    since = now - (time_t) (schedule->queue->options.cron_catch_up_ms / 1000);
    since = since > item->last ? since : item->last;

    for (minute = now - now % MINUTE; minute > since; minute -= MINUTE) {

        if (faas_cron_is_due(&item->cron, minute)) {
            make_call(item, minute);
            return;
        }
    }

    item->last = now;
}


static void
make_call(struct schedule_item *item, time_t due)
{
    char                        tick[NUMBER_MAX], id[FAAS_UUID_LEN + 1];
    char                        text[FAAS_ASYNC_HEAD_MAX + sizeof(HEADERS)];
    size_t                      len;
    uint64_t                    high, low;
    struct queue               *queue;
    struct scripts_arg          args[4];
    struct scripts_handler      handler;
    struct faas_async_request   request;

    queue = item->schedule->queue;
    high = faas_random_next(&queue->random);
    low = faas_random_next(&queue->random);
    faas_uuid_encode(high, low, id);
    (void) snprintf(tick, sizeof(tick), "%lld", (long long) due);

    memset(&request, 0, sizeof(request));
    request.key = item->node.key;
    request.key_len = strlen(item->node.key);
    request.accepted = (uint64_t) time(NULL) * 1000;
    request.method = "POST";
    request.method_len = 4;
    request.headers_len = sizeof(HEADERS) - 1;

    len = faas_async_request_head(&request, text);
    memcpy(text + len, HEADERS, request.headers_len);

    args[0] = SCRIPTS_TEXT(item->node.key);
    args[1] = SCRIPTS_TEXT(tick);
    args[2] = SCRIPTS_TEXT(id);
    args[3].data = text;
    args[3].len = len + request.headers_len;
    handler.fn = on_made;
    handler.arg = item;

    item->due = due;
    item->is_busy = scripts_run(&queue->scripts, &faas_async_tick, handler, 4,
                                args) == 0;
}


static void
on_made(void *arg, const redisReply *reply)
{
    struct function       *fn;
    struct schedule_item  *item;

    item = arg;
    item->is_busy = 0;

    if (is_freed(item) || reply == NULL
        || reply->type != REDIS_REPLY_INTEGER)
    {
        return;
    }

    item->last = item->due;

    if (reply->integer == 1) {
        fn = functions_get(&item->schedule->queue->functions, item->node.key);

        if (fn != NULL) {
            fn->stats.scheduled++;
        }

        faas_log(FAAS_LOG_INFO, "called by schedule function=%s due=%lld",
                 item->node.key, (long long) item->due);
    }
}


static int
is_freed(struct schedule_item *item)
{
    if (!item->is_gone) {
        return 0;
    }

    free(item);

    return 1;
}

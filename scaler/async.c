/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Settings of asynchronous calls, from annotations into Redis.
 *
 * DESIGN
 *
 * Each look writes what has changed since the last one.  Now and then all is
 * written anew, and what is nobody's is removed, so that nothing has to know
 * when Redis has lost it, or who wrote there before.  What there is no room
 * for is left for the next look.
 *
 * The connection is the publisher's as well, which watches a key there: no
 * MULTI.
 */

#include "async.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/clock.h"
#include "lib/faas_log.h"
#include "lib/faas_num.h"


#define BAD_REQUEST  400
#define TOPIC        "cron-function"


/* what Redis has of a function */
struct written {
    struct key_node  node;              /* must be first */
    unsigned         round;             /* of the last look that saw it */
    char            *json;              /* owned */
};

static int read_number(const json_t *annotations, const char *name,
    uint64_t max, uint32_t *value, struct faas_err *err);
static int read_duration(const json_t *annotations, const char *name,
    uint32_t *msec, struct faas_err *err);
static int read_codes(const json_t *annotations,
    struct faas_async_settings *settings, struct faas_err *err);
static int read_schedule(const json_t *annotations,
    struct faas_async_settings *settings, struct faas_err *err);
static int has_topic(const char *topics);
static void on_timer(evutil_socket_t fd, short what, void *arg);
static void on_keys(void *arg, const redisReply *reply);
static void forget(void *arg, struct key_node *node);
static void on_walk(void *arg, const struct provider_function *function);
static void write_one(struct async *async, const char *key, const char *json);
static void drop_old(void *arg, struct key_node *node);
static void send_command(struct async *async, redis_reply_fn handler,
    int argc, const char **argv);
static void on_reply(void *arg, const redisReply *reply);


int
async_read(struct faas_async_settings **settings, const json_t *annotations,
    struct faas_err *err)
{
    char                        json[FAAS_ASYNC_SETTINGS_MAX];
    struct faas_async_settings  s;

    *settings = NULL;

    faas_async_settings_init(&s);

    if (read_number(annotations, "com.openfaas.retry.attempts",
                    FAAS_ASYNC_ATTEMPTS_MAX, &s.attempts, err) != 0
        || read_number(annotations, "com.openfaas.queue.max_inflight",
                       FAAS_INFLIGHT_MAX, &s.max_inflight, err) != 0
        || read_duration(annotations, "com.openfaas.retry.min_wait",
                         &s.min_wait_ms, err) != 0
        || read_duration(annotations, "com.openfaas.retry.max_wait",
                         &s.max_wait_ms, err) != 0
        || read_codes(annotations, &s, err) != 0
        || read_schedule(annotations, &s, err) != 0)
    {
        return -1;
    }

    if (faas_async_settings_encode(&s, json) == 0) {
        return 0;
    }

    *settings = malloc(sizeof(s));

    if (*settings == NULL) {
        return faas_err_set(err, 500, "no memory");
    }

    **settings = s;

    return 0;
}


static int
read_number(const json_t *annotations, const char *name, uint64_t max,
    uint32_t *value, struct faas_err *err)
{
    uint64_t     n;
    const char  *text;

    text = json_string_value(json_object_get(annotations, name));

    if (text == NULL) {
        return 0;
    }

    if (faas_parse_uint(text, strlen(text), 1, max, &n) != 0) {
        return faas_err_set(err, BAD_REQUEST, "annotation %s: \"%.40s\" is no "
                            "number from 1 to %llu", name, text,
                            (unsigned long long) max);
    }

    *value = (uint32_t) n;

    return 0;
}


static int
read_duration(const json_t *annotations, const char *name, uint32_t *msec,
    struct faas_err *err)
{
    uint64_t     n;
    const char  *text;

    text = json_string_value(json_object_get(annotations, name));

    if (text == NULL) {
        return 0;
    }

    if (faas_parse_duration(text, strlen(text), FAAS_MSEC_MAX, &n) != 0) {
        return faas_err_set(err, BAD_REQUEST, "annotation %s: \"%.40s\" is no "
                            "duration from 0s to 24h, as \"10s\"", name, text);
    }

    *msec = (uint32_t) n;

    return 0;
}


static int
read_codes(const json_t *annotations, struct faas_async_settings *settings,
    struct faas_err *err)
{
    size_t       len;
    uint64_t     code;
    const char  *p, *text;

    text = json_string_value(json_object_get(annotations,
                                             "com.openfaas.retry.codes"));

    if (text == NULL) {
        return 0;
    }

    settings->n_codes = 0;

    for (p = text; *p != '\0'; p += len + (p[len] == ',')) {
        len = strcspn(p, ",");

        if (settings->n_codes == FAAS_ASYNC_CODES_MAX
            || faas_parse_uint(p, len, 100, 599, &code) != 0)
        {
            return faas_err_set(err, BAD_REQUEST, "annotation "
                                "com.openfaas.retry.codes: \"%.40s\" is no "
                                "list of at most %d statuses, as \"429,503\"",
                                text, FAAS_ASYNC_CODES_MAX);
        }

        settings->codes[settings->n_codes++] = (uint16_t) code;
    }

    return 0;
}


static int
read_schedule(const json_t *annotations,
    struct faas_async_settings *settings, struct faas_err *err)
{
    const char  *topic, *schedule;

    topic = json_string_value(json_object_get(annotations, "topic"));
    schedule = json_string_value(json_object_get(annotations, "schedule"));

    if (topic == NULL || schedule == NULL || !has_topic(topic)) {
        return 0;
    }

    if (strlen(schedule) > FAAS_ASYNC_SCHEDULE_MAX) {
        return faas_err_set(err, BAD_REQUEST, "annotation schedule is over %d "
                            "bytes", FAAS_ASYNC_SCHEDULE_MAX);
    }

    (void) snprintf(settings->schedule, sizeof(settings->schedule), "%s",
                    schedule);

    return 0;
}


/*
 * Topics are a list with commas.
 */
static int
has_topic(const char *topics)
{
    size_t  len;

    for ( ;; ) {
        topics += strspn(topics, ", ");
        len = strcspn(topics, ", ");

        if (len == 0) {
            return 0;
        }

        if (len == strlen(TOPIC) && strncmp(topics, TOPIC, len) == 0) {
            return 1;
        }

        topics += len;
    }
}


int
async_open(struct async *async, struct event_base *base, struct faas_err *err)
{
    (void) snprintf(async->key, sizeof(async->key), "%s%s", async->prefix,
                    FAAS_ASYNC_SETTINGS);

    async->timer = evtimer_new(base, on_timer, async);

    if (async->timer == NULL) {
        return faas_err_set(err, 0, "no memory");
    }

    clock_timer(async->timer, ASYNC_LOOK);

    return 0;
}


void
async_close(struct async *async)
{
    if (async->timer == NULL) {
        return;
    }

    event_free(async->timer);
    async->timer = NULL;

    key_map_walk(&async->written, forget, async);
    key_map_done(&async->written);
}


static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
    int            is_whole;
    const char    *argv[2];
    struct async  *async;

    (void) fd;
    (void) what;

    async = arg;
    clock_timer(async->timer, ASYNC_LOOK);

    if (!async->redis->is_ready || !leader_is_valid(async->leader)) {
        async->until_whole = 0;
        return;
    }

    is_whole = (async->until_whole == 0 || async->is_failed);
    async->until_whole = is_whole ? ASYNC_WHOLE : async->until_whole - 1;
    async->is_failed = 0;
    async->round++;

    if (is_whole) {
        key_map_walk(&async->written, forget, async);
    }

    async->provider->ops->walk(async->provider, 0, on_walk, async);
    key_map_walk(&async->written, drop_old, async);

    if (is_whole) {
        argv[0] = "HKEYS";
        argv[1] = async->key;
        send_command(async, on_keys, 2, argv);
    }
}


/*
 * Functions that are not there any more, of another scaler's time.
 */
static void
on_keys(void *arg, const redisReply *reply)
{
    size_t             i;
    struct async      *async;
    const redisReply  *key;

    async = arg;

    if (async->timer == NULL || reply == NULL
        || reply->type != REDIS_REPLY_ARRAY)
    {
        async->is_failed = 1;
        return;
    }

    for (i = 0; i < reply->elements; i++) {
        key = reply->element[i];

        if (key->type == REDIS_REPLY_STRING
            && key_map_find(&async->written, key->str) == NULL
            && redis_has_room(async->redis, 1))
        {
            write_one(async, key->str, NULL);
        }
    }
}


static void
forget(void *arg, struct key_node *node)
{
    struct async    *async;
    struct written  *written;

    async = arg;
    written = (struct written *) node;

    key_map_remove(&async->written, node);
    free(written->json);
    free(written);
}


static void
on_walk(void *arg, const struct provider_function *function)
{
    char             json[FAAS_ASYNC_SETTINGS_MAX];
    struct async    *async;
    struct written  *written;

    async = arg;

    if (function->spec->async == NULL
        || faas_async_settings_encode(function->spec->async, json) == 0)
    {
        return;
    }

    written = (struct written *) key_map_find(&async->written,
                                              function->spec->key);

    if (written == NULL) {
        written = calloc(1, sizeof(*written));

        if (written == NULL
            || key_map_add(&async->written, &written->node,
                           function->spec->key) != 0)
        {
            free(written);
            async->is_failed = 1;
            return;
        }
    }

    written->round = async->round;

    if ((written->json != NULL && strcmp(written->json, json) == 0)
        || !redis_has_room(async->redis, 1))
    {
        return;
    }

    free(written->json);
    written->json = strdup(json);

    write_one(async, function->spec->key, json);
}


static void
write_one(struct async *async, const char *key, const char *json)
{
    const char  *argv[4];

    argv[0] = json != NULL ? "HSET" : "HDEL";
    argv[1] = async->key;
    argv[2] = key;
    argv[3] = json;

    send_command(async, on_reply, json != NULL ? 4 : 3, argv);
}


/*
 * A function that is gone, or has no such annotation any more.
 */
static void
drop_old(void *arg, struct key_node *node)
{
    struct async  *async;

    async = arg;

    if (((struct written *) node)->round != async->round
        && redis_has_room(async->redis, 1))
    {
        write_one(async, node->key, NULL);
        forget(arg, node);
    }
}


/*
 * What is not sent is sent with all the rest, at the next look.
 */
static void
send_command(struct async *async, redis_reply_fn handler, int argc,
    const char **argv)
{
    if (redis_send(async->redis, handler, async, argc, argv, NULL) != 0) {
        async->is_failed = 1;
    }
}


static void
on_reply(void *arg, const redisReply *reply)
{
    struct async  *async;

    async = arg;

    if (reply == NULL || reply->type == REDIS_REPLY_ERROR) {
        async->is_failed = 1;
    }

    if (reply != NULL && reply->type == REDIS_REPLY_ERROR) {
        faas_log(FAAS_LOG_WARN, "redis refuses settings of asynchronous "
                 "calls, trying again error=\"%s\"", reply->str);
    }
}

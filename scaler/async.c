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


/* what Redis has of a function */
struct written {
    struct key_node  node;              /* must be first */
    unsigned         round;             /* of the last look that saw it */
    char            *json;              /* owned */
};

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

    if (!async->is_failed) {
        async->is_reported = 0;
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

    /* a line an outage, not one a function */

    if (reply != NULL && reply->type == REDIS_REPLY_ERROR
        && !async->is_reported)
    {
        async->is_reported = 1;
        faas_log(FAAS_LOG_WARN, "redis refuses settings of asynchronous "
                 "calls, trying again error=\"%s\"", reply->str);
    }
}

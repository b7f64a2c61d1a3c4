/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Functions without a replica of which requests wait.
 */

#include "wake.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/faas_log.h"


/* a function that is woken */
struct sleeper {
    char      key[FAAS_KEY_MAX + 1];
    uint64_t  replicas;                 /* it is to have; 0: it has some */
};


static void on_ready(void *arg);
static void on_lost(void *arg);
static void read_next(struct wake *wake);
static void on_entries(void *arg, const redisReply *reply);
static const redisReply *entries_of(const redisReply *reply);
static int keep_id(struct wake *wake, const redisReply *entry);
static const char *name_of(const redisReply *entry);
static void wake_up(struct wake *wake, const char *name);
static void look(void *arg, const struct provider_function *function);
static void on_looked(void *arg, const struct faas_err *err);
static void on_scaled(void *arg, const struct faas_err *err);


int
wake_open(struct wake *wake, const struct scaler_options *options,
    struct provider *provider, struct event_base *base, struct faas_err *err)
{
    uint64_t  block;

    block = options->redis_timeout_ms / 2;
    block = block < WAKE_BLOCK ? block : WAKE_BLOCK;
    (void) snprintf(wake->block, sizeof(wake->block), "%" PRIu64, block);
    (void) snprintf(wake->last, sizeof(wake->last), "$");

    wake->provider = provider;
    wake->redis.ready = on_ready;
    wake->redis.lost = on_lost;
    wake->redis.arg = wake;
    wake->redis.is_second = 1;

    return redis_open(&wake->redis, options, base, err);
}


void
wake_close(struct wake *wake)
{
    wake->provider = NULL;

    if (wake->redis.timer != NULL) {
        redis_close(&wake->redis);
    }
}


static void
on_ready(void *arg)
{
    read_next(arg);
}


static void
on_lost(void *arg)
{
    (void) arg;
}


static void
read_next(struct wake *wake)
{
    const char  *argv[8];

    argv[0] = "XREAD";
    argv[1] = "COUNT";
    argv[2] = WAKE_ENTRIES;
    argv[3] = "BLOCK";
    argv[4] = wake->block;
    argv[5] = "STREAMS";
    argv[6] = wake->redis.keys.wake;
    argv[7] = wake->last;

    if (redis_send(&wake->redis, on_entries, wake, 8, argv, NULL) != 0) {
        redis_reset(&wake->redis);
    }
}


/*
 * [[stream, [[id, [field, value, ...]], ...]]]; nil: there was none.
 */
static void
on_entries(void *arg, const redisReply *reply)
{
    size_t             i;
    const char        *name;
    struct wake       *wake;
    const redisReply  *entries;

    wake = arg;

    if (reply == NULL || wake->provider == NULL) {
        return;
    }

    if (reply->type == REDIS_REPLY_ERROR) {
        faas_log(FAAS_LOG_ERROR, "redis refuses to say which functions are "
                 "waited for, trying again error=\"%s\"", reply->str);
        redis_reset(&wake->redis);
        return;
    }

    entries = entries_of(reply);

    for (i = 0; entries != NULL && i < entries->elements; i++) {

        if (keep_id(wake, entries->element[i]) != 0) {
            continue;
        }

        name = name_of(entries->element[i]);

        if (name != NULL && leader_is_valid(wake->leader)) {
            wake_up(wake, name);
        }
    }

    read_next(wake);
}


static const redisReply *
entries_of(const redisReply *reply)
{
    const redisReply  *stream;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 1) {
        return NULL;
    }

    stream = reply->element[0];

    return stream->type == REDIS_REPLY_ARRAY && stream->elements == 2
           && stream->element[1]->type == REDIS_REPLY_ARRAY
           ? stream->element[1] : NULL;
}


static int
keep_id(struct wake *wake, const redisReply *entry)
{
    if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2
        || entry->element[0]->type != REDIS_REPLY_STRING
        || entry->element[0]->len > WAKE_ID_MAX)
    {
        return -1;
    }

    (void) snprintf(wake->last, sizeof(wake->last), "%s",
                    entry->element[0]->str);

    return 0;
}


static const char *
name_of(const redisReply *entry)
{
    size_t             i;
    const redisReply  *fields;

    fields = entry->element[1];

    if (fields->type != REDIS_REPLY_ARRAY) {
        return NULL;
    }

    for (i = 0; i + 1 < fields->elements; i += 2) {
        if (fields->element[i]->type == REDIS_REPLY_STRING
            && fields->element[i + 1]->type == REDIS_REPLY_STRING
            && strcmp(fields->element[i]->str, FAAS_WAKE_NAME) == 0)
        {
            return fields->element[i + 1]->len <= FAAS_KEY_MAX
                   ? fields->element[i + 1]->str : NULL;
        }
    }

    return NULL;
}


static void
wake_up(struct wake *wake, const char *name)
{
    struct sleeper             sleeper;
    const struct provider_ops *ops;

    ops = wake->provider->ops;
    memset(&sleeper, 0, sizeof(sleeper));

    /* each provider answers from what it knows, at once */

    ops->get(wake->provider, name, 0, look, on_looked, &sleeper);

    if (sleeper.replicas != 0) {
        faas_log(FAAS_LOG_INFO, "requests wait for a function, it is started "
                 "function=%s replicas=%" PRIu64, sleeper.key,
                 sleeper.replicas);
        ops->scale(wake->provider, sleeper.key, sleeper.replicas, on_scaled,
                   NULL);
    }
}


static void
look(void *arg, const struct provider_function *function)
{
    struct sleeper  *sleeper;

    sleeper = arg;

    if (function->spec->replicas == 0) {
        memcpy(sleeper->key, function->spec->key, sizeof(sleeper->key));
        sleeper->replicas = function->spec->min != 0 ? function->spec->min
                                                     : 1;
    }
}


static void
on_looked(void *arg, const struct faas_err *err)
{
    (void) arg;
    (void) err;
}


/*
 * Gateways say it again, as long as requests wait.
 */
static void
on_scaled(void *arg, const struct faas_err *err)
{
    (void) arg;

    if (err->code != 0) {
        faas_log(FAAS_LOG_ERROR, "cannot start a function that is waited for "
                 "error=\"%s\"", err->text);
    }
}

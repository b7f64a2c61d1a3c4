/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Functions of which calls wait.
 */

#include "wake.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/faas_log.h"
#include "lib/faas_num.h"


static void on_ready(void *arg);
static void on_lost(void *arg);
static void read_next(struct wake *wake);
static void on_entries(void *arg, const redisReply *reply);
static const redisReply *entries_of(const redisReply *reply);
static int keep_id(struct wake *wake, const redisReply *entry);
static void take_entry(struct wake *wake, const redisReply *entry);
static const redisReply *field_of(const redisReply *fields, const char *name);


int
wake_open(struct wake *wake, const struct scaler_options *options,
    struct event_base *base, struct faas_err *err)
{
    uint64_t  block;

    block = options->redis.timeout_ms / 2;
    block = block < WAKE_BLOCK ? block : WAKE_BLOCK;
    (void) snprintf(wake->block, sizeof(wake->block), "%" PRIu64, block);
    (void) snprintf(wake->last, sizeof(wake->last), "$");

    wake->redis.ready = on_ready;
    wake->redis.lost = on_lost;
    wake->redis.arg = wake;
    wake->redis.is_second = 1;

    return redis_open(&wake->redis, &options->redis, base, err);
}


void
wake_close(struct wake *wake)
{
    wake->waiting = NULL;

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
    struct wake       *wake;
    const redisReply  *entries;

    wake = arg;

    if (reply == NULL || wake->waiting == NULL) {
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

        if (keep_id(wake, entries->element[i]) == 0) {
            take_entry(wake, entries->element[i]);
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


static void
take_entry(struct wake *wake, const redisReply *entry)
{
    uint64_t           n;
    const redisReply  *name, *parked;

    name = field_of(entry->element[1], FAAS_WAKE_NAME);
    parked = field_of(entry->element[1], FAAS_WAKE_PARKED);

    if (name == NULL || name->len > FAAS_KEY_MAX) {
        return;
    }

    /* they may have gone on since: one waited in any case */

    if (parked == NULL
        || faas_parse_uint(parked->str, parked->len, 1, UINT32_MAX, &n) != 0)
    {
        n = 1;
    }

    wake->waiting(wake->arg, name->str, n);
}


static const redisReply *
field_of(const redisReply *fields, const char *name)
{
    size_t  i;

    if (fields->type != REDIS_REPLY_ARRAY) {
        return NULL;
    }

    for (i = 0; i + 1 < fields->elements; i += 2) {
        if (fields->element[i]->type == REDIS_REPLY_STRING
            && fields->element[i + 1]->type == REDIS_REPLY_STRING
            && strcmp(fields->element[i]->str, name) == 0)
        {
            return fields->element[i + 1];
        }
    }

    return NULL;
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Routes, to Redis.
 *
 *     ready and leading, or the epoch is not ours
 *        |
 *        v
 *     floor (what revision Redis has seen) -> whole (everything, one MULTI)
 *                                               |
 *                                               v
 *                        changes (what is dirty, one MULTI after another)
 *
 * Anything unexpected leads back to the beginning, at the next second.
 *
 * Each MULTI is fenced: before it the counter of terms is watched, and then the
 * lock was looked at and found ours.  So EXEC does nothing once another scaler
 * leads, whenever that began.  The fence for the next one is asked for right
 * behind each EXEC: a change that comes later does not wait for it.
 */

#include "publish.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/faas_log.h"
#include "lib/faas_num.h"


#define FIELDS_MAX  2048    /* keys and values in one HSET */


static int may_send(const struct publisher *publisher);
static void ask_floor(struct publisher *publisher);
static void on_floor(void *arg, const redisReply *reply);
static uint64_t last_rev(const redisReply *reply);
static void send_whole(struct publisher *publisher);
static int send_routes(struct publisher *publisher);
static int send_marker(struct publisher *publisher);
static void on_whole(void *arg, const redisReply *reply);
static void send_changes(struct publisher *publisher);
static int send_change(struct publisher *publisher, struct published *item);
static int send_entry(struct publisher *publisher, const char *key,
    uint64_t rev, uint64_t prev);
static void on_changes(void *arg, const redisReply *reply);
static void settle(struct publisher *publisher);
static int begin(struct publisher *publisher);
static int commit(struct publisher *publisher, redis_reply_fn handler);
static int queue(struct publisher *publisher, int argc, const char **argv);
static void on_queued(void *arg, const redisReply *reply);
static void refused(struct publisher *publisher, const char *text);
static int is_executed(struct publisher *publisher, const redisReply *reply);
static void log_refusal(struct publisher *publisher);
static int send_fence(struct publisher *publisher, redis_reply_fn handler);
static void on_watched(void *arg, const redisReply *reply);
static void on_fence(void *arg, const redisReply *reply);
static void on_next_fence(void *arg, const redisReply *reply);
static int send_word(struct publisher *publisher, redis_reply_fn handler,
    const char *word);
static void on_timer(evutil_socket_t fd, short what, void *arg);
static void on_epoch(void *arg, const redisReply *reply);


int
publisher_init(struct publisher *publisher, struct redis *redis,
    struct leader *leader, struct event_base *base, struct faas_err *err)
{
    struct timeval  tv;

    publisher->redis = redis;
    publisher->leader = leader;
    route_table_init(&publisher->table);

    if (faas_random_seed(&publisher->random) != 0) {
        return faas_err_set(err, 0, "getrandom() fails");
    }

    publisher->timer = event_new(base, -1, EV_PERSIST, on_timer, publisher);

    tv.tv_sec = PUBLISH_CHECK / 1000;
    tv.tv_usec = PUBLISH_CHECK % 1000 * 1000;

    if (publisher->timer == NULL || event_add(publisher->timer, &tv) != 0) {
        return faas_err_set(err, 0, "no memory");
    }

    return 0;
}


void
publisher_done(struct publisher *publisher)
{
    route_table_done(&publisher->table);

    if (publisher->timer != NULL) {
        event_free(publisher->timer);
        publisher->timer = NULL;
    }
}


void
publisher_led(struct publisher *publisher)
{
    publisher->is_whole = 0;

    if (!publisher->is_busy && may_send(publisher)) {
        ask_floor(publisher);
    }
}


uint64_t
publisher_set(struct publisher *publisher, const char *key,
    const struct faas_route *route)
{
    uint64_t           rev;
    struct published  *item;

    item = route_table_set(&publisher->table, key, route);

    if (item == NULL) {
        faas_log(FAAS_LOG_ERROR, "no memory to publish a route, gateways keep "
                 "the old one function=%s", key);
        return publisher->table.rev;
    }

    if (publisher->redis->is_reported) {
        faas_log(FAAS_LOG_WARN, "redis is away, gateways get the route when it "
                 "is back function=%s", key);
    }

    rev = item->rev;
    send_changes(publisher);

    /* of what is next nothing is left: it is the whole */

    if (route == NULL && !publisher->is_whole && !publisher->is_busy) {
        route_table_forget(&publisher->table, item);
    }

    return rev;
}


void
publisher_ready(struct publisher *publisher)
{
    publisher->is_busy = 0;
    publisher->is_whole = 0;

    if (may_send(publisher)) {
        ask_floor(publisher);
    }
}


void
publisher_lost(struct publisher *publisher)
{
    publisher->is_busy = 0;
    publisher->is_whole = 0;
}


static int
may_send(const struct publisher *publisher)
{
    return publisher->redis->is_ready && leader_is_valid(publisher->leader);
}


/*
 * A fence that was broken meanwhile is taken down: it would stop the next.
 */
static void
ask_floor(struct publisher *publisher)
{
    const char  *argv[6];

    argv[0] = "XREVRANGE";
    argv[1] = publisher->redis->keys.changes;
    argv[2] = "+";
    argv[3] = "-";
    argv[4] = "COUNT";
    argv[5] = "1";

    publisher->refusal[0] = '\0';
    publisher->is_busy = send_word(publisher, NULL, "UNWATCH") == 0
                         && send_fence(publisher, on_fence) == 0
                         && redis_send(publisher->redis, on_floor, publisher,
                                       6, argv, NULL)
                            == 0;

    if (!publisher->is_busy) {
        redis_reset(publisher->redis);
    }
}


static void
on_floor(void *arg, const redisReply *reply)
{
    uint64_t            floor;
    struct publisher   *publisher;

    publisher = arg;
    publisher->is_busy = 0;

    if (reply == NULL || !publisher->is_fenced) {
        return;
    }

    floor = last_rev(reply);

    if (floor > publisher->table.rev) {
        publisher->table.rev = floor;
    }

    send_whole(publisher);
}


/*
 * Of an answer to XREVRANGE: [[id, [field, value, ...]]].
 */
static uint64_t
last_rev(const redisReply *reply)
{
    size_t             i;
    uint64_t           rev;
    const redisReply  *entry, *fields;

    rev = 0;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 1) {
        return 0;
    }

    entry = reply->element[0];

    if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2
        || entry->element[1]->type != REDIS_REPLY_ARRAY)
    {
        return 0;
    }

    fields = entry->element[1];

    for (i = 0; i + 1 < fields->elements; i += 2) {
        if (fields->element[i]->type == REDIS_REPLY_STRING
            && fields->element[i + 1]->type == REDIS_REPLY_STRING
            && strcmp(fields->element[i]->str, FAAS_CHANGE_REV) == 0)
        {
            (void) faas_parse_uint(fields->element[i + 1]->str,
                                   strlen(fields->element[i + 1]->str), 0,
                                   INT64_MAX, &rev);
        }
    }

    return rev;
}


/*
 * All routes under one new epoch.  The entry in the stream follows none, so
 * every gateway reads everything.
 */
static void
send_whole(struct publisher *publisher)
{
    const char        *argv[3];
    struct published  *item, *next;

    for (item = TAILQ_FIRST(&publisher->table.all); item != NULL; item = next) {
        next = TAILQ_NEXT(item, link);

        if (item->json == NULL) {
            route_table_forget(&publisher->table, item);

        } else if (route_table_renew(&publisher->table, item) != 0) {
            faas_log(FAAS_LOG_ERROR, "no memory to publish, trying again");
            return;
        }
    }

    faas_uuid_encode(faas_random_next(&publisher->random),
                     faas_random_next(&publisher->random), publisher->epoch);

    argv[0] = "DEL";
    argv[1] = publisher->redis->keys.routes;

    if (begin(publisher) != 0
        || queue(publisher, 2, argv) != 0
        || send_routes(publisher) != 0
        || send_marker(publisher) != 0
        || commit(publisher, on_whole) != 0)
    {
        faas_log(FAAS_LOG_ERROR, "cannot send all routes, trying again");
        redis_reset(publisher->redis);
    }
}


static int
send_routes(struct publisher *publisher)
{
    int                n;
    const char        *argv[2 + FIELDS_MAX];
    struct published  *item;

    argv[0] = "HSET";
    argv[1] = publisher->redis->keys.routes;
    n = 2;

    TAILQ_FOREACH(item, &publisher->table.all, link) {
        item->sending = item->rev;
        argv[n++] = item->key;
        argv[n++] = item->json;

        if (n == 2 + FIELDS_MAX) {
            if (queue(publisher, n, argv) != 0) {
                return -1;
            }

            n = 2;
        }
    }

    return n == 2 ? 0 : queue(publisher, n, argv);
}


static int
send_marker(struct publisher *publisher)
{
    const char  *argv[3];

    publisher->last = route_table_rev(&publisher->table);

    if (send_entry(publisher, FAAS_LOAD_APPLIED, publisher->last, 0) != 0) {
        return -1;
    }

    argv[0] = "SET";
    argv[1] = publisher->redis->keys.epoch;
    argv[2] = publisher->epoch;

    return queue(publisher, 3, argv);
}


static void
on_whole(void *arg, const redisReply *reply)
{
    unsigned            n;
    struct published   *item;
    struct publisher   *publisher;

    publisher = arg;

    if (!is_executed(publisher, reply)) {
        return;
    }

    n = 0;

    TAILQ_FOREACH(item, &publisher->table.all, link) {
        n += (item->json != NULL);
    }

    faas_log(FAAS_LOG_NOTICE, "published all routes functions=%u epoch=%s", n,
             publisher->epoch);

    publisher->is_whole = 1;
    settle(publisher);
}


static void
send_changes(struct publisher *publisher)
{
    unsigned           n;
    struct published  *item;

    if (publisher->is_busy || !publisher->is_whole
        || TAILQ_EMPTY(&publisher->table.dirty) || !may_send(publisher))
    {
        return;
    }

    if (begin(publisher) != 0) {
        return;
    }

    n = 0;

    TAILQ_FOREACH(item, &publisher->table.dirty, dirty) {
        if (n++ == PUBLISH_BATCH) {
            break;
        }

        if (send_change(publisher, item) != 0) {
            redis_reset(publisher->redis);
            return;
        }
    }

    if (commit(publisher, on_changes) != 0) {
        redis_reset(publisher->redis);
    }
}


static int
send_change(struct publisher *publisher, struct published *item)
{
    int          rc;
    uint64_t     prev;
    const char  *argv[4];

    argv[0] = item->json != NULL ? "HSET" : "HDEL";
    argv[1] = publisher->redis->keys.routes;
    argv[2] = item->key;
    argv[3] = item->json;

    rc = queue(publisher, item->json != NULL ? 4 : 3, argv);

    prev = publisher->last;
    publisher->last = item->rev;
    item->sending = item->rev;

    return rc == 0 ? send_entry(publisher, item->key, item->rev, prev) : -1;
}


static int
send_entry(struct publisher *publisher, const char *key, uint64_t rev,
    uint64_t prev)
{
    char         rev_text[24], prev_text[24], max_text[24];
    const char  *argv[12];

    (void) snprintf(rev_text, sizeof(rev_text), "%" PRIu64, rev);
    (void) snprintf(prev_text, sizeof(prev_text), "%" PRIu64, prev);
    (void) snprintf(max_text, sizeof(max_text), "%d", FAAS_CHANGES_MAX);

    argv[0] = "XADD";
    argv[1] = publisher->redis->keys.changes;
    argv[2] = "MAXLEN";
    argv[3] = "~";
    argv[4] = max_text;
    argv[5] = "*";
    argv[6] = FAAS_CHANGE_NAME;
    argv[7] = key;
    argv[8] = FAAS_CHANGE_REV;
    argv[9] = rev_text;
    argv[10] = FAAS_CHANGE_PREV;
    argv[11] = prev_text;

    return queue(publisher, 12, argv);
}


static void
on_changes(void *arg, const redisReply *reply)
{
    struct publisher  *publisher;

    publisher = arg;

    if (is_executed(publisher, reply)) {
        settle(publisher);

    } else {
        publisher->is_whole = 0;
    }
}


/*
 * What was sent is in Redis.
 */
static void
settle(struct publisher *publisher)
{
    struct published  *item, *next;

    for (item = TAILQ_FIRST(&publisher->table.dirty); item != NULL;
         item = next)
    {
        next = TAILQ_NEXT(item, dirty);

        if (item->sending != item->rev) {
            continue;
        }

        item->sending = 0;
        item->is_dirty = 0;
        TAILQ_REMOVE(&publisher->table.dirty, item, dirty);

        if (item->json == NULL) {
            route_table_forget(&publisher->table, item);
        }
    }
}


/*
 * A transaction.
 */
static int
begin(struct publisher *publisher)
{
    publisher->refusal[0] = '\0';

    return send_word(publisher, NULL, "MULTI");
}


/*
 * Its end, and the fence of the next one, until whose answer no other begins.
 */
static int
commit(struct publisher *publisher, redis_reply_fn handler)
{
    publisher->is_busy = send_word(publisher, handler, "EXEC") == 0
                         && send_fence(publisher, on_next_fence) == 0;

    return publisher->is_busy ? 0 : -1;
}


/*
 * A command in it.
 */
static int
queue(struct publisher *publisher, int argc, const char **argv)
{
    return redis_send(publisher->redis, on_queued, publisher, argc, argv,
                      NULL);
}


/*
 * A command that is refused says why; EXEC then says only that one was.
 */
static void
on_queued(void *arg, const redisReply *reply)
{
    struct publisher  *publisher;

    publisher = arg;

    if (reply != NULL && reply->type == REDIS_REPLY_ERROR) {
        refused(publisher, reply->str);
    }
}


static void
refused(struct publisher *publisher, const char *text)
{
    if (publisher->refusal[0] == '\0') {
        (void) snprintf(publisher->refusal, sizeof(publisher->refusal), "%s",
                        text);
    }
}


/*
 * The answer to EXEC, each command's included.
 */
static int
is_executed(struct publisher *publisher, const redisReply *reply)
{
    size_t  i;

    if (reply == NULL) {
        return 0;
    }

    if (reply->type == REDIS_REPLY_NIL) {
        faas_log(FAAS_LOG_WARN, "redis refuses routes of a term that has "
                 "ended, looking who leads");
        leader_check(publisher->leader);
        return 0;
    }

    if (reply->type != REDIS_REPLY_ARRAY) {
        refused(publisher, reply->type == REDIS_REPLY_ERROR ? reply->str
                                                            : "odd answer");
    }

    for (i = 0; reply->type == REDIS_REPLY_ARRAY && i < reply->elements; i++) {
        if (reply->element[i]->type == REDIS_REPLY_ERROR) {
            refused(publisher, reply->element[i]->str);
        }
    }

    log_refusal(publisher);

    return publisher->refusal[0] == '\0';
}


static void
log_refusal(struct publisher *publisher)
{
    if (publisher->refusal[0] != '\0' && !publisher->is_refused) {
        publisher->is_refused = 1;
        faas_log(FAAS_LOG_ERROR, "redis refuses routes, gateways keep those "
                 "that they have, trying again each second error=\"%s\"",
                 publisher->refusal);

    } else if (publisher->refusal[0] == '\0' && publisher->is_refused) {
        publisher->is_refused = 0;
        faas_log(FAAS_LOG_NOTICE, "redis takes routes again");
    }
}


static int
send_fence(struct publisher *publisher, redis_reply_fn handler)
{
    const char  *argv[2];

    argv[0] = "WATCH";
    argv[1] = publisher->redis->keys.leader_token;

    if (redis_send(publisher->redis, on_watched, publisher, 2, argv, NULL)
        != 0)
    {
        return -1;
    }

    argv[0] = "GET";
    argv[1] = publisher->redis->keys.leader;

    return redis_send(publisher->redis, handler, publisher, 2, argv, NULL);
}


static void
on_watched(void *arg, const redisReply *reply)
{
    struct publisher  *publisher;

    publisher = arg;
    publisher->is_fenced = reply != NULL && reply->type == REDIS_REPLY_STATUS;

    if (reply != NULL && reply->type == REDIS_REPLY_ERROR) {
        refused(publisher, reply->str);
        log_refusal(publisher);
    }
}


/*
 * Of a lock that is not ours nothing is published; that it may be ours again
 * is for the leader to find out.
 */
static void
on_fence(void *arg, const redisReply *reply)
{
    struct publisher  *publisher;

    publisher = arg;

    if (reply == NULL || reply->type != REDIS_REPLY_STRING
        || leader_term(publisher->leader) == 0
        || strcmp(reply->str, leader_value(publisher->leader)) != 0)
    {
        publisher->is_fenced = 0;
        publisher->is_whole = 0;
        leader_check(publisher->leader);
    }
}


static void
on_next_fence(void *arg, const redisReply *reply)
{
    struct publisher  *publisher;

    publisher = arg;
    publisher->is_busy = 0;

    on_fence(publisher, reply);
    send_changes(publisher);
}


static int
send_word(struct publisher *publisher, redis_reply_fn handler,
    const char *word)
{
    return redis_send(publisher->redis, handler, publisher, 1, &word, NULL);
}


static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
    const char         *argv[2];
    struct publisher   *publisher;

    (void) fd;
    (void) what;

    publisher = arg;

    if (publisher->is_busy || !may_send(publisher)) {
        return;
    }

    if (!publisher->is_whole) {
        ask_floor(publisher);
        return;
    }

    /* what could not be sent when it changed */
    send_changes(publisher);

    argv[0] = "GET";
    argv[1] = publisher->redis->keys.epoch;

    (void) redis_send(publisher->redis, on_epoch, publisher, 2, argv, NULL);
}


static void
on_epoch(void *arg, const redisReply *reply)
{
    struct publisher  *publisher;

    publisher = arg;

    if (reply == NULL || publisher->is_busy || !publisher->is_whole) {
        return;
    }

    if (reply->type == REDIS_REPLY_STRING
        && strcmp(reply->str, publisher->epoch) == 0)
    {
        return;
    }

    faas_log(FAAS_LOG_WARN, "redis has lost our routes, publishing all of "
             "them again");

    publisher->is_whole = 0;
    ask_floor(publisher);
}

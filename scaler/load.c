/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the gateways report.
 *
 * A gateway lives as long as its load does not expire: what the set of
 * gateways says is only whom to ask.
 */

#include "load.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/clock.h"
#include "lib/faas_num.h"


/* a question that a gateway's answer belongs to */
struct load_read {
    struct load  *load;
    char          id[FAAS_GATEWAY_MAX + 1];
    size_t        n;                    /* of names */
    char        (*names)[FAAS_KEY_MAX + 1];     /* owned; of an HMGET */
};


static void on_timer(evutil_socket_t fd, short what, void *arg);
static void on_gateways(void *arg, const redisReply *reply);
static void add_gateway(struct load *load, const char *id);
static void keep_gateways(struct load *load, const redisReply *reply);
static struct load_gateway *find_gateway(struct load *load, const char *id);
static void drop_gateway(struct load *load, const char *id);
static void read_gateway(struct load *load, struct load_gateway *gateway);
static void read_whole(struct load *load, struct load_gateway *gateway);
static void read_active(struct load *load, struct load_gateway *gateway);
static void ask(struct load *load, struct load_gateway *gateway,
    redis_reply_fn handler, const char *name, int argc, const char **argv);
static struct load_gateway *answered(struct load_read *read);
static void free_read(struct load_read *read);
static void on_report(void *arg, const redisReply *reply);
static void on_whole(void *arg, const redisReply *reply);
static void on_active(void *arg, const redisReply *reply);
static void read_functions(struct load *load, struct load_gateway *gateway,
    const redisReply *reply);
static void read_some(struct load *load, struct load_gateway *gateway,
    struct load_read *read);
static void on_functions(void *arg, const redisReply *reply);
static void expired(struct load *load, struct load_gateway *gateway);
static void take(struct load *load, struct load_gateway *gateway,
    const char *key, const redisReply *value);
static void report_change(struct load *load,
    const struct load_gateway *gateway, const struct load_item *item,
    const struct faas_load *before);
static void drop_old(void *arg, struct key_node *node);
static void drop_item(void *arg, struct key_node *node);


int
load_init(struct load *load, const struct scaler_options *options,
    struct redis *redis, struct event_base *base, struct faas_err *err)
{
    struct timeval  tv = { LOAD_INTERVAL / 1000, LOAD_INTERVAL % 1000 * 1000 };

    load->options = options;
    load->redis = redis;

    load->gateways = calloc(options->max_gateways, sizeof(*load->gateways));
    load->timer = event_new(base, -1, EV_PERSIST, on_timer, load);

    if (load->gateways == NULL || load->timer == NULL
        || event_add(load->timer, &tv) != 0)
    {
        return faas_err_set(err, 0, "no memory");
    }

    return 0;
}


void
load_done(struct load *load)
{
    while (load->n != 0) {
        drop_gateway(load, load->gateways[load->n - 1].id);
    }

    free(load->gateways);
    load->gateways = NULL;

    if (load->timer != NULL) {
        event_free(load->timer);
    }
}


void
load_sum(const struct load *load, const char *key, struct faas_load *sum)
{
    size_t                   i;
    const struct load_item  *item;

    memset(sum, 0, sizeof(*sum));

    for (i = 0; i < load->n; i++) {
        item = (struct load_item *) key_map_find(&load->gateways[i].items,
                                                 key);

        if (item != NULL) {
            sum->inflight += item->load.inflight;
            sum->draining += item->load.draining;
            sum->parked += item->load.parked;
            sum->started += item->load.started;
            sum->finished += item->load.finished;
            sum->failed += item->load.failed;
        }
    }
}


int
load_is_complete(const struct load *load, uint64_t now_ms)
{
    size_t  i;

    if (load->n == 0 || !load->redis->is_ready || load->listed_ms == 0
        || now_ms - load->listed_ms > LOAD_SILENCE)
    {
        return 0;
    }

    for (i = 0; i < load->n; i++) {
        if (!load->gateways[i].is_whole
            || now_ms - load->gateways[i].heard_ms > LOAD_SILENCE)
        {
            return 0;
        }
    }

    return 1;
}


void
load_list(struct load *load)
{
    char         last[24];
    const char  *argv[4];

    if (!load->redis->is_ready) {
        return;
    }

    (void) snprintf(last, sizeof(last), "%" PRIu64,
                    load->options->max_gateways - 1);

    argv[0] = "ZREVRANGE";
    argv[1] = load->redis->keys.gateways;
    argv[2] = "0";
    argv[3] = last;

    load->asked_ms = clock_now_ms();
    (void) redis_send(load->redis, on_gateways, load, 4, argv, NULL);
}


int
load_key(const struct load *load, const char *id, char *key)
{
    return faas_proto_key(key, load->redis->config->prefix, FAAS_LOAD,
                          id);
}


static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
    size_t        i;
    struct load  *load;

    (void) fd;
    (void) what;

    load = arg;

    if (!load->redis->is_ready) {
        return;
    }

    if (clock_now_ms() - load->asked_ms >= LOAD_LIST) {
        load_list(load);
        return;                 /* and reads them all */
    }

    for (i = 0; i < load->n; i++) {
        read_gateway(load, &load->gateways[i]);
    }
}


static void
on_gateways(void *arg, const redisReply *reply)
{
    size_t        i;
    struct load  *load;

    load = arg;

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY) {
        return;
    }

    keep_gateways(load, reply);
    load->listed_ms = clock_now_ms();

    for (i = 0; i < reply->elements; i++) {
        if (reply->element[i]->type == REDIS_REPLY_STRING
            && strlen(reply->element[i]->str) <= FAAS_GATEWAY_MAX)
        {
            add_gateway(load, reply->element[i]->str);
        }
    }

    for (i = 0; i < load->n; i++) {
        read_gateway(load, &load->gateways[i]);
    }
}


/*
 * Known from now on, also before its load is read: a drain asks it.
 */
static void
add_gateway(struct load *load, const char *id)
{
    struct load_gateway  *gateway;

    if (find_gateway(load, id) == NULL
        && load->n < load->options->max_gateways)
    {
        gateway = &load->gateways[load->n++];
        memset(gateway, 0, sizeof(*gateway));
        (void) snprintf(gateway->id, sizeof(gateway->id), "%s", id);
        gateway->heard_ms = clock_now_ms();
    }
}


/*
 * Drops those that are no longer on the list.
 */
static void
keep_gateways(struct load *load, const redisReply *reply)
{
    size_t  i, j;

    for (i = load->n; i > 0; i--) {

        for (j = 0; j < reply->elements; j++) {
            if (reply->element[j]->type == REDIS_REPLY_STRING
                && strcmp(reply->element[j]->str, load->gateways[i - 1].id)
                   == 0)
            {
                break;
            }
        }

        if (j == reply->elements) {
            drop_gateway(load, load->gateways[i - 1].id);
        }
    }
}


static struct load_gateway *
find_gateway(struct load *load, const char *id)
{
    size_t  i;

    for (i = 0; i < load->n; i++) {
        if (strcmp(load->gateways[i].id, id) == 0) {
            return &load->gateways[i];
        }
    }

    return NULL;
}


/*
 * Answers that are on their way find it gone.
 */
static void
drop_gateway(struct load *load, const char *id)
{
    struct load_gateway  *gateway;

    gateway = find_gateway(load, id);

    if (gateway != NULL) {
        key_map_walk(&gateway->items, drop_item, gateway);
        key_map_done(&gateway->items);
        load->n--;
        *gateway = load->gateways[load->n];
    }
}


/*
 * One that is silent may have begun its numbers anew.
 */
static void
read_gateway(struct load *load, struct load_gateway *gateway)
{
    uint64_t  now;

    now = clock_now_ms();

    if (gateway->busy != 0) {
        return;
    }

    if (!gateway->is_whole || now - gateway->heard_ms > LOAD_SILENCE) {

        if (now - gateway->asked_ms >= LOAD_LIST) {
            read_whole(load, gateway);
        }

        return;
    }

    read_active(load, gateway);
}


/*
 * The number of the report comes first: what is reported between the two
 * answers is read again.
 */
static void
read_whole(struct load *load, struct load_gateway *gateway)
{
    const char  *argv[3];

    gateway->asked_ms = clock_now_ms();
    gateway->round++;

    argv[0] = "ZSCORE";
    argv[2] = FAAS_LOAD_APPLIED;
    ask(load, gateway, on_report, FAAS_ACTIVE, 3, argv);

    argv[0] = "HGETALL";
    ask(load, gateway, on_whole, FAAS_LOAD, 2, argv);
}


static void
read_active(struct load *load, struct load_gateway *gateway)
{
    char         after[24];
    const char  *argv[5];

    (void) snprintf(after, sizeof(after), "(%" PRIu64, gateway->report);

    argv[0] = "ZRANGEBYSCORE";
    argv[2] = after;
    argv[3] = "+inf";
    argv[4] = "WITHSCORES";
    ask(load, gateway, on_active, FAAS_ACTIVE, 5, argv);
}


/*
 * argv[1] is the gateway's key of that name.
 */
static void
ask(struct load *load, struct load_gateway *gateway, redis_reply_fn handler,
    const char *name, int argc, const char **argv)
{
    char               key[FAAS_REDIS_KEY_MAX + 1];
    struct load_read  *read;

    read = calloc(1, sizeof(*read));

    if (read == NULL
        || faas_proto_key(key, load->redis->config->prefix, name,
                          gateway->id)
           != 0)
    {
        free(read);
        return;
    }

    read->load = load;
    (void) snprintf(read->id, sizeof(read->id), "%s", gateway->id);
    argv[1] = key;

    if (redis_send(load->redis, handler, read, argc, argv, NULL) != 0) {
        free(read);
        return;
    }

    gateway->busy++;
}


/*
 * Returns the gateway that has answered, if it is still known.
 */
static struct load_gateway *
answered(struct load_read *read)
{
    struct load_gateway  *gateway;

    gateway = find_gateway(read->load, read->id);

    if (gateway != NULL && gateway->busy != 0) {
        gateway->busy--;
    }

    return gateway;
}


static void
free_read(struct load_read *read)
{
    free(read->names);
    free(read);
}


static void
on_report(void *arg, const redisReply *reply)
{
    uint64_t              report;
    struct load_gateway  *gateway;

    gateway = answered(arg);

    if (gateway != NULL && reply != NULL && reply->type == REDIS_REPLY_STRING
        && faas_parse_uint(reply->str, strlen(reply->str), 1, INT64_MAX,
                           &report)
           == 0
        && report != gateway->report)
    {
        gateway->report = report;
        gateway->heard_ms = clock_now_ms();
    }

    free_read(arg);
}


static void
on_whole(void *arg, const redisReply *reply)
{
    size_t                i;
    struct load          *load;
    struct load_gateway  *gateway;

    load = ((struct load_read *) arg)->load;
    gateway = answered(arg);
    free_read(arg);

    if (gateway == NULL || reply == NULL || reply->type != REDIS_REPLY_ARRAY) {
        return;
    }

    if (reply->elements == 0) {
        expired(load, gateway);
        return;
    }

    for (i = 0; i + 1 < reply->elements; i += 2) {
        if (reply->element[i]->type == REDIS_REPLY_STRING) {
            take(load, gateway, reply->element[i]->str,
                 reply->element[i + 1]);
        }
    }

    key_map_walk(&gateway->items, drop_old, gateway);
    gateway->is_whole = 1;
}


/*
 * Its load has expired: it is dead; a live one comes back by itself.
 */
static void
expired(struct load *load, struct load_gateway *gateway)
{
    const char  *argv[3];

    argv[0] = "ZREM";
    argv[1] = load->redis->keys.gateways;
    argv[2] = gateway->id;
    (void) redis_send(load->redis, NULL, NULL, 3, argv, NULL);

    drop_gateway(load, gateway->id);
}


/*
 * [name, number, ...], by number.
 */
static void
on_active(void *arg, const redisReply *reply)
{
    uint64_t              report;
    const redisReply     *last;
    struct load          *load;
    struct load_gateway  *gateway;

    load = ((struct load_read *) arg)->load;
    gateway = answered(arg);
    free_read(arg);

    if (gateway == NULL || reply == NULL || reply->type != REDIS_REPLY_ARRAY
        || reply->elements < 2)
    {
        return;
    }

    last = reply->element[reply->elements - 1];

    if (last->type != REDIS_REPLY_STRING
        || faas_parse_uint(last->str, strlen(last->str), 1, INT64_MAX,
                           &report)
           != 0)
    {
        return;
    }

    gateway->report = report;
    gateway->heard_ms = clock_now_ms();

    read_functions(load, gateway, reply);
}


static void
read_functions(struct load *load, struct load_gateway *gateway,
    const redisReply *reply)
{
    size_t             i;
    const redisReply  *name;
    struct load_read  *read;

    read = NULL;

    for (i = 0; i < reply->elements; i += 2) {
        name = reply->element[i];

        if (name->type != REDIS_REPLY_STRING || name->len > FAAS_KEY_MAX
            || strcmp(name->str, FAAS_LOAD_APPLIED) == 0)
        {
            continue;
        }

        if (read == NULL) {
            read = calloc(1, sizeof(*read));

            if (read == NULL) {
                return;
            }

            read->load = load;
            read->names = calloc(LOAD_FIELDS, sizeof(*read->names));
            (void) snprintf(read->id, sizeof(read->id), "%s", gateway->id);

            if (read->names == NULL) {
                free(read);
                return;
            }
        }

        memcpy(read->names[read->n++], name->str, name->len + 1);

        if (read->n == LOAD_FIELDS) {
            read_some(load, gateway, read);
            read = NULL;
        }
    }

    if (read != NULL) {
        read_some(load, gateway, read);
    }
}


/*
 * Takes read.
 */
static void
read_some(struct load *load, struct load_gateway *gateway,
    struct load_read *read)
{
    char         key[FAAS_REDIS_KEY_MAX + 1];
    size_t       i;
    const char  *argv[2 + LOAD_FIELDS];

    argv[0] = "HMGET";
    argv[1] = key;

    for (i = 0; i < read->n; i++) {
        argv[2 + i] = read->names[i];
    }

    if (load_key(load, gateway->id, key) != 0
        || redis_send(load->redis, on_functions, read, (int) (2 + read->n),
                      argv, NULL)
           != 0)
    {
        /* they are read again with all the others */

        gateway->is_whole = 0;
        free_read(read);
        return;
    }

    gateway->busy++;
}


static void
on_functions(void *arg, const redisReply *reply)
{
    size_t                i;
    struct load_read     *read;
    struct load_gateway  *gateway;

    read = arg;
    gateway = answered(read);

    if (gateway != NULL) {

        if (reply == NULL || reply->type != REDIS_REPLY_ARRAY
            || reply->elements != read->n)
        {
            gateway->is_whole = 0;

        } else {
            for (i = 0; i < read->n; i++) {
                take(read->load, gateway, read->names[i], reply->element[i]);
            }
        }
    }

    free_read(read);
}


/*
 * One function's load; nil: the gateway no longer has it.
 */
static void
take(struct load *load, struct load_gateway *gateway, const char *key,
    const redisReply *value)
{
    struct faas_load   now, before;
    struct load_item  *item;

    item = (struct load_item *) key_map_find(&gateway->items, key);

    if (value->type != REDIS_REPLY_STRING
        || faas_load_parse(value->str, value->len, &now) != 0)
    {
        if (item != NULL && value->type == REDIS_REPLY_NIL) {
            drop_item(gateway, &item->node);
        }

        return;
    }

    if (item == NULL) {
        /* some that were removed may still have calls */

        if (gateway->items.n >= LOAD_ITEMS * load->options->max_functions
            || strlen(key) > FAAS_KEY_MAX)
        {
            return;
        }

        item = calloc(1, sizeof(*item));

        if (item == NULL
            || key_map_add(&gateway->items, &item->node, key) != 0)
        {
            free(item);
            return;
        }

        /* what it had before it was known was not seen to come */

        if (!gateway->is_whole) {
            item->load = now;
        }
    }

    before = item->load;
    item->load = now;
    item->round = gateway->round;

    report_change(load, gateway, item, &before);
}


static void
report_change(struct load *load, const struct load_gateway *gateway,
    const struct load_item *item, const struct faas_load *before)
{
    uint64_t                 took;
    struct load_change       change;
    const struct faas_load  *now;

    static const struct faas_load  zero;

    now = &item->load;

    if (now->clock_ms < before->clock_ms || now->started < before->started
        || now->inflight_ms < before->inflight_ms
        || now->parked_ms < before->parked_ms)
    {
        before = &zero;         /* it has begun anew */
    }

    change.key = item->node.key;
    change.to_ms = gateway->heard_ms;
    change.started = now->started - before->started;
    change.busy_ms = (double) (now->inflight_ms - before->inflight_ms)
                     + (double) (now->parked_ms - before->parked_ms);

    /* its first calls came since the last report, whenever that was */

    took = before->clock_ms != 0 ? now->clock_ms - before->clock_ms
                                 : LOAD_INTERVAL;
    change.from_ms = took < change.to_ms ? change.to_ms - took : 0;

    if (load->changed != NULL
        && (change.started != 0 || change.busy_ms > 0 || now->inflight != 0
            || now->parked != 0 || before->inflight != 0
            || before->parked != 0))
    {
        load->changed(load->arg, &change);
    }
}


/*
 * What the last whole reading did not have.
 */
static void
drop_old(void *arg, struct key_node *node)
{
    const struct load_gateway  *gateway;

    gateway = arg;

    if (((struct load_item *) node)->round != gateway->round) {
        drop_item(arg, node);
    }
}


static void
drop_item(void *arg, struct key_node *node)
{
    struct load_gateway  *gateway;

    gateway = arg;
    key_map_remove(&gateway->items, node);
    free(node);
}

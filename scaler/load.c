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

#include "clock.h"


struct load_read {
    struct load  *load;
    char          id[FAAS_GATEWAY_MAX + 1];
};


static void on_timer(evutil_socket_t fd, short what, void *arg);
static void on_gateways(void *arg, const redisReply *reply);
static void add_gateway(struct load *load, const char *id);
static void keep_gateways(struct load *load, const redisReply *reply);
static struct load_gateway *find_gateway(struct load *load, const char *id);
static void read_gateway(struct load *load, const char *id);
static void on_load(void *arg, const redisReply *reply);
static void take_items(struct load_gateway *gateway,
    const redisReply *reply);
static void drop_gateway(struct load *load, const char *id);
static int compare_items(const void *a, const void *b);


int
load_init(struct load *load, struct redis *redis, struct event_base *base,
    struct faas_err *err)
{
    struct timeval  tv = { LOAD_INTERVAL / 1000, LOAD_INTERVAL % 1000 * 1000 };

    load->redis = redis;

    load->gateways = calloc(redis->options->max_gateways,
                            sizeof(*load->gateways));
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
    size_t  i;

    for (i = 0; i < load->n; i++) {
        free(load->gateways[i].items);
    }

    free(load->gateways);
    load->gateways = NULL;
    load->n = 0;

    if (load->timer != NULL) {
        event_free(load->timer);
    }
}


void
load_sum(const struct load *load, const char *key, struct faas_load *sum)
{
    size_t                    i;
    struct load_item          wanted;
    const struct load_item   *item;

    memset(sum, 0, sizeof(*sum));
    (void) snprintf(wanted.key, sizeof(wanted.key), "%s", key);

    for (i = 0; i < load->n; i++) {

        if (load->gateways[i].n == 0) {
            continue;
        }

        item = bsearch(&wanted, load->gateways[i].items, load->gateways[i].n,
                       sizeof(wanted), compare_items);

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


void
load_list(struct load *load)
{
    char         last[24];
    const char  *argv[4];

    if (!load->redis->is_ready) {
        return;
    }

    (void) snprintf(last, sizeof(last), "%" PRIu64,
                    load->redis->options->max_gateways - 1);

    argv[0] = "ZREVRANGE";
    argv[1] = load->redis->keys.gateways;
    argv[2] = "0";
    argv[3] = last;

    (void) redis_send(load->redis, on_gateways, load, 4, argv, NULL);
}


int
load_key(const struct load *load, const char *id, char *key)
{
    return faas_proto_key(key, load->redis->options->redis_prefix, FAAS_LOAD,
                          id);
}


static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void) fd;
    (void) what;

    load_list(arg);
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
            read_gateway(load, reply->element[i]->str);
        }
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
        && load->n < load->redis->options->max_gateways)
    {
        gateway = &load->gateways[load->n++];
        memset(gateway, 0, sizeof(*gateway));
        (void) snprintf(gateway->id, sizeof(gateway->id), "%s", id);
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


static void
read_gateway(struct load *load, const char *id)
{
    char               key[FAAS_REDIS_KEY_MAX + 1];
    const char        *argv[2];
    struct load_read  *read;

    read = calloc(1, sizeof(*read));

    if (read == NULL || load_key(load, id, key) != 0) {
        free(read);
        return;
    }

    read->load = load;
    (void) snprintf(read->id, sizeof(read->id), "%s", id);

    argv[0] = "HGETALL";
    argv[1] = key;

    if (redis_send(load->redis, on_load, read, 2, argv, NULL) != 0) {
        free(read);
    }
}


static void
on_load(void *arg, const redisReply *reply)
{
    const char           *argv[3];
    struct load          *load;
    struct load_read     *read;
    struct load_gateway  *gateway;

    read = arg;
    load = read->load;

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY) {
        free(read);
        return;
    }

    if (reply->elements == 0) {

        /* its load has expired: it is dead; a live one comes back by itself */

        drop_gateway(load, read->id);

        argv[0] = "ZREM";
        argv[1] = load->redis->keys.gateways;
        argv[2] = read->id;
        (void) redis_send(load->redis, NULL, NULL, 3, argv, NULL);

        free(read);
        return;
    }

    gateway = find_gateway(load, read->id);

    if (gateway != NULL) {
        take_items(gateway, reply);
    }

    free(read);
}


static void
take_items(struct load_gateway *gateway, const redisReply *reply)
{
    size_t             i, n;
    const redisReply  *name, *value;
    struct load_item  *items;

    items = calloc(reply->elements / 2 + 1, sizeof(*items));

    if (items == NULL) {
        return;
    }

    n = 0;

    for (i = 0; i + 1 < reply->elements; i += 2) {
        name = reply->element[i];
        value = reply->element[i + 1];

        if (name->type != REDIS_REPLY_STRING
            || value->type != REDIS_REPLY_STRING
            || strlen(name->str) > FAAS_KEY_MAX
            || faas_load_parse(value->str, strlen(value->str),
                               &items[n].load)
               != 0)
        {
            continue;
        }

        (void) snprintf(items[n].key, sizeof(items[n].key), "%s", name->str);
        n++;
    }

    qsort(items, n, sizeof(*items), compare_items);

    free(gateway->items);
    gateway->items = items;
    gateway->n = n;
}


static void
drop_gateway(struct load *load, const char *id)
{
    struct load_gateway  *gateway;

    gateway = find_gateway(load, id);

    if (gateway != NULL) {
        free(gateway->items);
        load->n--;
        *gateway = load->gateways[load->n];
    }
}


static int
compare_items(const void *a, const void *b)
{
    return strcmp(((const struct load_item *) a)->key,
                  ((const struct load_item *) b)->key);
}

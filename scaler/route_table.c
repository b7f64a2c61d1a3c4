/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What is to be in Redis.
 */

#include "route_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/faas_hash.h"


static struct published *find(struct route_table *table, const char *key);
static struct published *find_or_new(struct route_table *table,
    const char *key);
static int encode(struct route_table *table, struct published *item,
    const struct faas_route *route);


void
route_table_init(struct route_table *table)
{
    size_t  i;

    TAILQ_INIT(&table->all);
    TAILQ_INIT(&table->dirty);

    for (i = 0; i < ROUTE_BUCKETS; i++) {
        LIST_INIT(&table->buckets[i]);
    }
}


void
route_table_done(struct route_table *table)
{
    struct published  *item, *next;

    for (item = TAILQ_FIRST(&table->all); item != NULL; item = next) {
        next = TAILQ_NEXT(item, link);
        free(item->json);
        free(item);
    }

    route_table_init(table);
}


struct published *
route_table_set(struct route_table *table, const char *key,
    const struct faas_route *route)
{
    struct published  *item;

    item = find_or_new(table, key);

    return item != NULL && encode(table, item, route) == 0 ? item : NULL;
}


int
route_table_renew(struct route_table *table, struct published *item)
{
    struct faas_err     err;
    struct faas_route  *route;

    route = &table->route;

    if (faas_route_parse(item->json, strlen(item->json), route, &err) != 0) {
        return -1;
    }

    return encode(table, item, route);
}


void
route_table_forget(struct route_table *table, struct published *item)
{
    if (item->is_dirty) {
        TAILQ_REMOVE(&table->dirty, item, dirty);
    }

    TAILQ_REMOVE(&table->all, item, link);
    LIST_REMOVE(item, bucket);
    free(item->json);
    free(item);
}


uint64_t
route_table_rev(struct route_table *table)
{
    uint64_t         now;
    struct timespec  ts;

    (void) clock_gettime(CLOCK_REALTIME, &ts);
    now = (uint64_t) ts.tv_sec * 1000000 + (uint64_t) ts.tv_nsec / 1000;

    table->rev = now > table->rev ? now : table->rev + 1;

    return table->rev;
}


static struct published *
find(struct route_table *table, const char *key)
{
    uint32_t           hash;
    struct published  *item;

    hash = faas_hash(key, strlen(key)) % ROUTE_BUCKETS;

    LIST_FOREACH(item, &table->buckets[hash], bucket) {
        if (strcmp(item->key, key) == 0) {
            return item;
        }
    }

    return NULL;
}


static struct published *
find_or_new(struct route_table *table, const char *key)
{
    uint32_t           hash;
    struct published  *item;

    item = find(table, key);

    if (item != NULL) {
        return item;
    }

    item = calloc(1, sizeof(*item));

    if (item == NULL) {
        return NULL;
    }

    (void) snprintf(item->key, sizeof(item->key), "%s", key);

    hash = faas_hash(key, strlen(key)) % ROUTE_BUCKETS;
    LIST_INSERT_HEAD(&table->buckets[hash], item, bucket);
    TAILQ_INSERT_TAIL(&table->all, item, link);

    return item;
}


/*
 * The dirty ones are kept by revision: gateways take the last one that they
 * have read to mean that they know all before it.
 */
static int
encode(struct route_table *table, struct published *item,
    const struct faas_route *route)
{
    int    len;
    char  *json;

    json = NULL;
    item->rev = route_table_rev(table);

    if (route != NULL) {
        table->route = *route;
        table->route.rev = item->rev;

        len = faas_route_encode(&table->route, table->text,
                                sizeof(table->text));
        json = len > 0 ? strdup(table->text) : NULL;

        if (json == NULL) {
            return -1;
        }
    }

    free(item->json);
    item->json = json;

    if (item->is_dirty) {
        TAILQ_REMOVE(&table->dirty, item, dirty);
    }

    item->is_dirty = 1;
    TAILQ_INSERT_TAIL(&table->dirty, item, dirty);

    return 0;
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What is found by a function's key.
 */

#include "key_map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/faas_hash.h"


#define SIZE_FIRST  64


static int grow(struct key_map *map);
static struct key_node **bucket_of(const struct key_map *map, uint32_t hash);


struct key_node *
key_map_find(const struct key_map *map, const char *key)
{
    uint32_t          hash;
    struct key_node  *node;

    if (map->n == 0) {
        return NULL;
    }

    hash = faas_hash(key, strlen(key));

    for (node = *bucket_of(map, hash); node != NULL; node = node->next) {
        if (node->hash == hash && strcmp(node->key, key) == 0) {
            return node;
        }
    }

    return NULL;
}


int
key_map_add(struct key_map *map, struct key_node *node, const char *key)
{
    struct key_node  **bucket;

    if (map->n == map->size && grow(map) != 0) {
        return -1;
    }

    (void) snprintf(node->key, sizeof(node->key), "%s", key);
    node->hash = faas_hash(node->key, strlen(node->key));

    bucket = bucket_of(map, node->hash);
    node->next = *bucket;
    *bucket = node;
    map->n++;

    return 0;
}


void
key_map_remove(struct key_map *map, struct key_node *node)
{
    struct key_node  **link;

    link = bucket_of(map, node->hash);

    while (*link != node) {
        link = &(*link)->next;
    }

    *link = node->next;
    map->n--;
}


void
key_map_walk(struct key_map *map,
    void (*each)(void *arg, struct key_node *node), void *arg)
{
    size_t            i;
    struct key_node  *node, *next;

    for (i = 0; i < map->size; i++) {
        for (node = map->buckets[i]; node != NULL; node = next) {
            next = node->next;
            each(arg, node);
        }
    }
}


void
key_map_done(struct key_map *map)
{
    free(map->buckets);
    memset(map, 0, sizeof(*map));
}


static int
grow(struct key_map *map)
{
    size_t              i, size;
    struct key_map      old;
    struct key_node    *node, *next, **bucket;

    size = map->size != 0 ? 2 * map->size : SIZE_FIRST;
    bucket = calloc(size, sizeof(*bucket));

    if (bucket == NULL) {
        return -1;
    }

    old = *map;
    map->buckets = bucket;
    map->size = size;

    for (i = 0; i < old.size; i++) {
        for (node = old.buckets[i]; node != NULL; node = next) {
            next = node->next;
            bucket = bucket_of(map, node->hash);
            node->next = *bucket;
            *bucket = node;
        }
    }

    free(old.buckets);

    return 0;
}


static struct key_node **
bucket_of(const struct key_map *map, uint32_t hash)
{
    return &map->buckets[hash & (map->size - 1)];
}

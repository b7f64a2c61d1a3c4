/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What is found by a function's key, NAME.NAMESPACE: a hash table that grows
 * with what is in it.  Its nodes are the first member of what they are of, and
 * belong to whoever has added them.
 */

#ifndef FAAS_DAEMON_KEY_MAP_H
#define FAAS_DAEMON_KEY_MAP_H

#include <stddef.h>
#include <stdint.h>

#include "lib/faas_proto.h"


struct key_node {
    struct key_node  *next;             /* of its bucket */
    uint32_t          hash;
    char              key[FAAS_KEY_MAX + 1];
};

/* zeros: an empty map */
struct key_map {
    struct key_node **buckets;          /* owned */
    size_t            size;             /* a power of two, or 0 */
    size_t            n;
};


/*
 * Returns the node of this key, or NULL.
 */
struct key_node *key_map_find(const struct key_map *map, const char *key);

/*
 * Adds a node under a key that is not there yet.  Returns 0, or -1 where there
 * is no memory.
 */
int key_map_add(struct key_map *map, struct key_node *node, const char *key);

/*
 * Takes a node off the map.
 */
void key_map_remove(struct key_map *map, struct key_node *node);

/*
 * Calls each() for each node, which it may take off the map and free.
 */
void key_map_walk(struct key_map *map,
    void (*each)(void *arg, struct key_node *node), void *arg);

/*
 * Frees the map, which is empty afterwards; no node.
 */
void key_map_done(struct key_map *map);


#endif /* FAAS_DAEMON_KEY_MAP_H */

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What is to be in Redis: every function's route, with its revision, and
 * which of them have not been sent yet.
 *
 * A function that was removed stays, without a route, until Redis knows.
 */

#ifndef FAAS_SCALER_ROUTE_TABLE_H
#define FAAS_SCALER_ROUTE_TABLE_H

#include <stdint.h>
#include <sys/queue.h>

#include "lib/faas_proto.h"


#define ROUTE_BUCKETS  4096


struct published {
    LIST_ENTRY(published)    bucket;
    TAILQ_ENTRY(published)   link;          /* of all */
    TAILQ_ENTRY(published)   dirty;         /* by rev */
    char                     key[FAAS_KEY_MAX + 1];
    char                    *json;          /* owned; NULL: removed */
    uint64_t                 rev;
    uint64_t                 sending;       /* rev on its way, 0: none */
    int                      is_dirty;
};

TAILQ_HEAD(published_list, published);
LIST_HEAD(published_bucket, published);

struct route_table {
    struct published_bucket   buckets[ROUTE_BUCKETS];
    struct published_list     all;
    struct published_list     dirty;        /* is_dirty, by rev */
    uint64_t                  rev;          /* the last one given */
    struct faas_route         route;        /* while one is encoded */
    char                      text[FAAS_ROUTE_MAX];
};


/*
 * table has to be zeroed.
 */
void route_table_init(struct route_table *table);

void route_table_done(struct route_table *table);

/*
 * Sets a function's route under a new revision, or, with NULL, that it has
 * none any more; it is dirty then.  Returns it, or NULL where there is no
 * memory.
 */
struct published *route_table_set(struct route_table *table, const char *key,
    const struct faas_route *route);

/*
 * Gives a route a new revision.  Returns 0, or -1 where there is no memory.
 */
int route_table_renew(struct route_table *table, struct published *item);

/*
 * Takes one off the table and frees it.
 */
void route_table_forget(struct route_table *table, struct published *item);

/*
 * Gives a revision: microseconds since 1970, but always more than before.
 */
uint64_t route_table_rev(struct route_table *table);


#endif /* FAAS_SCALER_ROUTE_TABLE_H */

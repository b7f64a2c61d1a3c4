/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Routes, to Redis.  What is to be there is kept here, so that nothing is
 * lost while Redis is away: when it comes back the newest state goes out.
 */

#ifndef FAAS_SCALER_PUBLISH_H
#define FAAS_SCALER_PUBLISH_H

#include <event2/event.h>
#include <stdint.h>
#include <sys/queue.h>

#include "lib/faas_proto.h"
#include "lib/faas_uuid.h"

#include "redis.h"


#define PUBLISH_BUCKETS     4096
#define PUBLISH_BATCH       256     /* changes in one MULTI */
#define PUBLISH_CHECK       1000    /* msec between looks at the epoch */


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

struct publisher {
    struct redis             *redis;
    struct event             *timer;
    struct published_bucket   buckets[PUBLISH_BUCKETS];
    struct published_list     all;
    struct published_list     dirty;
    struct faas_random        random;
    uint64_t                  rev;          /* the last one given */
    uint64_t                  last;         /* the last one in the stream */
    int                       is_whole;     /* Redis has what we have */
    int                       is_busy;      /* an EXEC is on its way */
    char                      epoch[FAAS_UUID_LEN + 1];
    struct faas_route         route;        /* while one is encoded */
    char                      text[FAAS_ROUTE_MAX];
};


/*
 * Returns 0 or -1.  redis must live as long as the publisher.
 */
int publisher_init(struct publisher *publisher, struct redis *redis,
    struct event_base *base, struct faas_err *err);

void publisher_done(struct publisher *publisher);

/*
 * Takes a function's route, or, with NULL, that it has none any more.
 * Returns the revision of the change.
 */
uint64_t publisher_set(struct publisher *publisher, const char *key,
    const struct faas_route *route);

/*
 * To be called when Redis can be spoken to, and when it no longer can.
 */
void publisher_ready(struct publisher *publisher);
void publisher_lost(struct publisher *publisher);


#endif /* FAAS_SCALER_PUBLISH_H */

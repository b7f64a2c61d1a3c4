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

#include "lib/faas_proto.h"
#include "lib/faas_uuid.h"

#include "redis.h"
#include "route_table.h"


#define PUBLISH_BATCH  256     /* changes in one MULTI */
#define PUBLISH_CHECK  1000    /* msec between looks at the epoch */
#define PUBLISH_ERROR  128     /* bytes of what Redis says, with the zero */


struct publisher {
    struct redis             *redis;
    struct event             *timer;
    struct route_table        table;
    struct faas_random        random;
    uint64_t                  last;         /* the last one in the stream */
    int                       is_whole;     /* Redis has what we have */
    int                       is_busy;      /* an EXEC is on its way */
    int                       is_released;  /* what it has may be sent */
    int                       is_refused;   /* and that was logged */
    char                      refusal[PUBLISH_ERROR];   /* of the first command
                                               of a transaction; "": none */
    char                      epoch[FAAS_UUID_LEN + 1];
};


/*
 * Returns 0 or -1.  redis must live as long as the publisher.
 */
int publisher_init(struct publisher *publisher, struct redis *redis,
    struct event_base *base, struct faas_err *err);

void publisher_done(struct publisher *publisher);

/*
 * Nothing is sent before: gateways would lose the routes that they have.
 */
void publisher_release(struct publisher *publisher);

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

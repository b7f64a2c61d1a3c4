/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Routes, to Redis, as long as this scaler leads.  What is to be there is kept
 * here, so that nothing is lost while Redis is away or another one leads: the
 * newest state goes out when that has ended.
 */

#ifndef FAAS_SCALER_PUBLISH_H
#define FAAS_SCALER_PUBLISH_H

#include <event2/event.h>
#include <stdint.h>

#include "daemon/redis.h"
#include "lib/faas_proto.h"
#include "lib/faas_uuid.h"

#include "leader.h"
#include "route_table.h"


#define PUBLISH_BATCH  256     /* changes in one MULTI */
#define PUBLISH_CHECK  1000    /* msec between looks at the epoch */
#define PUBLISH_ERROR  128     /* bytes of what Redis says, with the zero */


struct publisher {
    struct redis             *redis;
    struct leader            *leader;
    struct event             *timer;
    struct route_table        table;
    struct faas_random        random;
    uint64_t                  last;         /* the last one in the stream */
    int                       is_whole;     /* Redis has what we have */
    int                       is_busy;      /* answers are on their way */
    int                       is_fenced;    /* the next EXEC is refused once
                                               another scaler leads */
    int                       is_refused;   /* and that was logged */
    char                      refusal[PUBLISH_ERROR];   /* of the first command
                                               of a transaction; "": none */
    char                      epoch[FAAS_UUID_LEN + 1];
};


/*
 * Returns 0 or -1.  redis and leader must live as long as the publisher.
 */
int publisher_init(struct publisher *publisher, struct redis *redis,
    struct leader *leader, struct event_base *base, struct faas_err *err);

void publisher_done(struct publisher *publisher);

/*
 * To be called when this scaler begins to lead, or another term, or no longer
 * does.  Nothing is sent before: gateways would lose the routes that they have.
 */
void publisher_led(struct publisher *publisher);

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

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What functions' annotations say of their asynchronous calls, for those who
 * deliver them: read at the door, and kept in Redis as async:settings by the
 * scaler that leads.
 *
 *   com.openfaas.retry.attempts      tries of a call, 1 to 1000
 *   com.openfaas.retry.codes         statuses to try again, "429,503"
 *   com.openfaas.retry.min_wait      before the second try, "10s"
 *   com.openfaas.retry.max_wait      before a later one, "2m"
 *   com.openfaas.queue.max_inflight  calls at a time that a worker makes
 *   topic, schedule                  with "cron-function" among the topics:
 *                                    called by this schedule
 */

#ifndef FAAS_SCALER_ASYNC_H
#define FAAS_SCALER_ASYNC_H

#include <event2/event.h>
#include <jansson.h>
#include <stdint.h>

#include "daemon/key_map.h"
#include "daemon/redis.h"
#include "lib/faas_async.h"
#include "lib/faas_err.h"

#include "leader.h"
#include "provider.h"


#define ASYNC_LOOK   1000       /* msec between two looks at all functions */
#define ASYNC_WHOLE  60         /* looks after which all is written anew */


/* zeros but for what its owner sets before async_open() */
struct async {
    struct redis         *redis;
    const struct leader  *leader;
    struct provider      *provider;
    const char           *prefix;
    struct event         *timer;
    struct key_map        written;      /* of struct written */
    char                  key[FAAS_PREFIX_MAX + sizeof(FAAS_ASYNC_SETTINGS)];
    unsigned              round;
    unsigned              until_whole;  /* looks */
    int                   is_failed;    /* a command was not sent, or refused */
    int                   is_reported;  /* which was logged */
};


/*
 * Reads a function's annotations.  Returns 0, with settings to be freed with
 * free(), or NULL where they say nothing; or -1 with code 400 in err.
 */
int async_read(struct faas_async_settings **settings,
    const json_t *annotations, struct faas_err *err);

/*
 * Begins to write.  Returns 0 or -1.
 */
int async_open(struct async *async, struct event_base *base,
    struct faas_err *err);

/*
 * Ends; without async_open() nothing happens.
 */
void async_close(struct async *async);


#endif /* FAAS_SCALER_ASYNC_H */

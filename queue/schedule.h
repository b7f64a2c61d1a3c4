/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Calls by clock.  Each worker looks at all schedules each minute; of those
 * that find the same call due, Redis lets one make it.
 *
 * A call that was missed, as no worker was there or Redis was away, is made
 * later, once, and only the last one: where it was due within the catch-up
 * time, and after the last that was made.
 */

#ifndef FAAS_QUEUE_SCHEDULE_H
#define FAAS_QUEUE_SCHEDULE_H

#include <event2/event.h>
#include <stddef.h>

#include "daemon/key_map.h"
#include "lib/faas_async.h"
#include "lib/faas_err.h"


#define SCHEDULE_READ  5000         /* msec between two readings */
#define SCHEDULE_SCAN  "200"        /* functions of a step of one */


struct queue;

struct schedule {
    struct queue    *queue;
    struct event    *timer;
    struct key_map   items;         /* struct schedule_item */
    char             settings[FAAS_REDIS_KEY_MAX + 1];
    char             ticks[FAAS_REDIS_KEY_MAX + 1];
    unsigned         round;         /* of reading */
    int              is_reading;
};


/*
 * Returns 0 or -1; schedule_close() in either case.
 */
int schedule_open(struct schedule *schedule, struct queue *queue,
    struct faas_err *err);

void schedule_close(struct schedule *schedule);

/*
 * Redis is there; is no longer.
 */
void schedule_ready(struct schedule *schedule);
void schedule_lost(struct schedule *schedule);


#endif /* FAAS_QUEUE_SCHEDULE_H */

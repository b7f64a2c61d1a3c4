/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The waiting until no gateway uses what a change of a route has taken away.
 */

#ifndef FAAS_SCALER_DRAIN_H
#define FAAS_SCALER_DRAIN_H

#include <event2/event.h>
#include <stdint.h>
#include <sys/queue.h>

#include "lib/faas_proto.h"

#include "load.h"


#define DRAIN_TICK      50      /* msec between two looks */
#define DRAIN_AWAY_MAX  2000    /* msec that a drain waits for Redis */


struct drains;

struct drain {
    TAILQ_ENTRY(drain)   link;
    struct drains       *drains;
    char                 key[FAAS_KEY_MAX + 1];
    uint64_t             rev;
    uint64_t             since_ms;      /* monotonic */
    uint64_t             until_ms;
    uint64_t             away_ms;       /* Redis is away since; 0 */
    unsigned             asked;         /* gateways, not answered yet */
    unsigned             busy;          /* of them, of this round */
    int                  is_done;
    void               (*drained)(void *data);
    void                *data;
};

TAILQ_HEAD(drain_list, drain);

struct drains {
    struct load        *load;           /* NULL: not initialised */
    struct event       *timer;
    struct drain_list   list;
};


/*
 * Returns 0 or -1.  load must live as long as drains.
 */
int drains_init(struct drains *drains, struct load *load,
    struct event_base *base, struct faas_err *err);

/*
 * Ends every drain that is waited for, as if it had come to its time.
 */
void drains_end(struct drains *drains);

/*
 * After drains_end(), and after Redis was closed: answers may come until
 * then.
 */
void drains_done(struct drains *drains);

/*
 * Calls drained(data), not from within, once every live gateway has applied
 * rev and has nothing in flight on what it took away of the function; or
 * after timeout_ms; or where Redis stays away.  Returns 0, or -1 where there
 * is no memory: drained is not called then.
 */
int drains_add(struct drains *drains, const char *key, uint64_t rev,
    uint64_t timeout_ms, void (*drained)(void *data), void *data);


#endif /* FAAS_SCALER_DRAIN_H */

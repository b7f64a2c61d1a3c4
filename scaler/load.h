/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the gateways report: read each second, summed over all of them; and
 * the waiting for replicas to drain.
 */

#ifndef FAAS_SCALER_LOAD_H
#define FAAS_SCALER_LOAD_H

#include <event2/event.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "lib/faas_proto.h"

#include "redis.h"


#define LOAD_INTERVAL       1000    /* msec between two reads */
#define LOAD_DRAIN_TICK     50      /* msec, while something drains */
#define LOAD_AWAY_MAX       2000    /* msec that a drain waits for Redis */


struct load_item {
    char              key[FAAS_KEY_MAX + 1];
    struct faas_load  load;
};

struct load_gateway {
    char               id[FAAS_GATEWAY_MAX + 1];
    struct load_item  *items;           /* owned; by key */
    size_t             n;
};

struct load_drain {
    TAILQ_ENTRY(load_drain)   link;
    struct load              *load;
    char                      key[FAAS_KEY_MAX + 1];
    uint64_t                  rev;
    uint64_t                  since_ms;     /* monotonic */
    uint64_t                  until_ms;
    uint64_t                  away_ms;      /* Redis is away since; 0 */
    unsigned                  asked;        /* gateways, not answered yet */
    unsigned                  busy;         /* of them, of this round */
    int                       is_done;
    void                    (*drained)(void *data);
    void                     *data;
};

TAILQ_HEAD(load_drains, load_drain);

struct load {
    struct redis         *redis;
    struct event         *timer;
    struct event         *drain_timer;
    struct load_gateway  *gateways;     /* owned; max_gateways of them */
    size_t                n;
    uint64_t              listed_ms;    /* when they were listed; 0: never */
    struct load_drains    drains;
};


/*
 * Returns 0 or -1.  redis must live as long as load.
 */
int load_init(struct load *load, struct redis *redis,
    struct event_base *base, struct faas_err *err);

/*
 * Ends every drain that is waited for, as if it had come to its time.
 */
void load_end_drains(struct load *load);

void load_done(struct load *load);

/*
 * Sums what all gateways report of a function; zeros where none does.
 */
void load_sum(const struct load *load, const char *key,
    struct faas_load *sum);

/*
 * Calls drained(data), not from within, once every live gateway has applied
 * rev and has nothing in flight on what it took away of the function; or
 * after timeout_ms; or where Redis stays away.  Returns 0, or -1 where there
 * is no memory: drained is not called then.
 */
int load_drain(struct load *load, const char *key, uint64_t rev,
    uint64_t timeout_ms, void (*drained)(void *data), void *data);


#endif /* FAAS_SCALER_LOAD_H */

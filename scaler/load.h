/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the gateways report: read each second, summed over all of them.
 */

#ifndef FAAS_SCALER_LOAD_H
#define FAAS_SCALER_LOAD_H

#include <event2/event.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/faas_proto.h"

#include "redis.h"


#define LOAD_INTERVAL       1000    /* msec between two reads */


struct load_item {
    char              key[FAAS_KEY_MAX + 1];
    struct faas_load  load;
};

struct load_gateway {
    char               id[FAAS_GATEWAY_MAX + 1];
    struct load_item  *items;           /* owned; by key */
    size_t             n;
};

struct load {
    struct redis         *redis;
    struct event         *timer;
    struct load_gateway  *gateways;     /* owned; max_gateways of them */
    size_t                n;
    uint64_t              listed_ms;    /* when they were listed; 0: never */
};


/*
 * Returns 0 or -1.  redis must live as long as load.
 */
int load_init(struct load *load, struct redis *redis,
    struct event_base *base, struct faas_err *err);

void load_done(struct load *load);

/*
 * Sums what all gateways report of a function; zeros where none does.
 */
void load_sum(const struct load *load, const char *key,
    struct faas_load *sum);

/*
 * Lists the gateways and reads their load now: listed_ms is set when the list
 * has come.
 */
void load_list(struct load *load);

/*
 * Writes the key of a gateway's load to key, which has FAAS_REDIS_KEY_MAX + 1
 * bytes.  Returns 0, or -1 where it does not fit.
 */
int load_key(const struct load *load, const char *id, char *key);


#endif /* FAAS_SCALER_LOAD_H */

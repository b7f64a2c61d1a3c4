/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the gateways report, of all of them.
 *
 * DESIGN
 *
 * A gateway that is new is read as a whole, and from then on only what it has
 * reported since the last reading: many functions that nobody calls cost
 * nothing.  Counters are absolute, and of one gateway; what has come between
 * two readings of one goes to changed().  A gateway that starts anew begins at
 * zero, one that comes back after it was given up at what it says then: so
 * nothing is counted twice, and what nobody saw is not made up.
 *
 * Calls of a gateway that is gone are gone: it has none in flight or parked.
 */

#ifndef FAAS_SCALER_LOAD_H
#define FAAS_SCALER_LOAD_H

#include <event2/event.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/key_map.h"
#include "daemon/redis.h"
#include "lib/faas_proto.h"

#include "options.h"


#define LOAD_INTERVAL       250     /* msec between two readings */
#define LOAD_LIST           1000    /* msec between two lists of gateways */
#define LOAD_SILENCE        (FAAS_REPORT_MAX + 500)     /* msec until a
                                       gateway is not heard */
#define LOAD_FIELDS         512     /* functions that are asked for at once */
#define LOAD_ITEMS          2       /* of a gateway, times --max-functions */


struct load_item {
    struct key_node   node;             /* must be first */
    struct faas_load  load;
    uint64_t          round;            /* whole reading it was in */
};

struct load_gateway {
    char            id[FAAS_GATEWAY_MAX + 1];
    struct key_map  items;              /* struct load_item, owned */
    uint64_t        report;             /* the last one that was read; 0 */
    uint64_t        heard_ms;           /* when a new one was found */
    uint64_t        asked_ms;           /* when it was read as a whole */
    uint64_t        round;              /* number of whole readings */
    unsigned        busy;               /* answers that are waited for */
    int             is_whole;           /* all of it was read once */
};

/* what has come of a function at one gateway between two readings */
struct load_change {
    const char  *key;
    uint64_t     from_ms;               /* monotonic */
    uint64_t     to_ms;
    double       busy_ms;               /* calls in flight or parked, by time */
    uint64_t     started;
};

struct load {
    const struct scaler_options  *options;
    struct redis                 *redis;
    struct event                 *timer;
    struct load_gateway          *gateways;     /* owned; max_gateways */
    size_t                        n;
    uint64_t                      listed_ms;    /* when they were listed; 0:
                                                   never */
    uint64_t                      asked_ms;     /* for the list */

    /* may be NULL */
    void                        (*changed)(void *arg,
        const struct load_change *change);
    void                         *arg;
};


/*
 * Returns 0 or -1.  options and redis must live as long as load.
 */
int load_init(struct load *load, const struct scaler_options *options,
    struct redis *redis, struct event_base *base, struct faas_err *err);

void load_done(struct load *load);

/*
 * Sums what all gateways report of a function; zeros where none does.
 */
void load_sum(const struct load *load, const char *key,
    struct faas_load *sum);

/*
 * True where there is a gateway, and all that are known were heard of within
 * LOAD_SILENCE: there are no calls but those that load_sum() tells of.
 */
int load_is_complete(const struct load *load, uint64_t now_ms);

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

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The number of replicas of each function, by its load.
 *
 * DESIGN
 *
 * A function is looked at when gateways report something of it, when calls
 * wait for it, and each second.  What is known of it is its entry here: the
 * load over the last while, what the policy remembers, when it was called
 * last.  policy.c says how many replicas it should have; the provider makes it
 * so.  One change of a function at a time.  Only the leader changes any; the
 * others know as much.
 *
 * A number that somebody else has set, by the admin API or by an alert, is kept
 * for a while, unless the load needs more.
 */

#ifndef FAAS_SCALER_AUTOSCALE_H
#define FAAS_SCALER_AUTOSCALE_H

#include <event2/event.h>
#include <stdint.h>
#include <sys/queue.h>

#include "daemon/key_map.h"
#include "lib/faas_err.h"

#include "idle.h"
#include "leader.h"
#include "load.h"
#include "options.h"
#include "policy.h"
#include "provider.h"
#include "window.h"


#define AUTOSCALE_LOOK  1000        /* msec between two looks at all */
#define AUTOSCALE_HINT  1000        /* msec that a wake-up's number is good
                                       for: by then it is in the load */
#define AUTOSCALE_RETRY  1000       /* msec until what failed is tried again */


/* what is known of a function */
struct scaled {
    struct key_node          node;          /* must be first */
    TAILQ_ENTRY(scaled)      due;           /* to be changed after a walk */
    struct autoscale        *autoscale;
    struct window           *window;        /* owned; NULL: there is no load */
    enum policy_type         type;          /* of the load in it */
    struct policy_state      state;
    enum policy_reason       reason;        /* of the change that is due */
    uint64_t                 from;          /* the same: as many there are, */
    uint64_t                 replicas;      /* and shall be */
    uint64_t                 decided;       /* the last number known */
    uint64_t                 hold_until_ms; /* another has set it */
    struct idle              idle;
    uint64_t                 gauge_ms;      /* when gauge was read last */
    double                   gauge;         /* cores in use, waiting calls */
    uint64_t                 parked;        /* by a wake-up, */
    uint64_t                 parked_ms;     /* at that time */
    uint64_t                 retry_ms;      /* changing it failed: not before */
    uint64_t                 round;         /* of looks it was seen in */
    int                      is_due;
    int                      is_busy;       /* it is being changed */
    int                      is_gone;       /* it is freed after that */
    int                      is_reported;   /* that changing it fails */
};

struct autoscale {
    const struct scaler_options  *options;
    struct load                  *load;
    const struct leader          *leader;
    struct provider              *provider; /* NULL: nothing is done */
    struct event                 *timer;
    struct key_map                functions;    /* struct scaled, owned */
    TAILQ_HEAD(scaled_list, scaled)  due;
    uint64_t                      round;    /* looks at all */
    int                           has_cpu;  /* a function goes by it */
    int                           has_queue;
    int                           wants_usage;  /* has_cpu of the last look */
    uint64_t                      decisions[POLICY_REASONS][2];     /* changes
                                                   made: fewer, more */
    uint64_t                      failures;     /* of these */
};


/*
 * options, load, leader and provider are set by the caller before, and have to
 * live as long.  Returns 0 or -1; autoscale_close() in either case.
 */
int autoscale_open(struct autoscale *autoscale, struct event_base *base,
    struct faas_err *err);

/*
 * Changes nothing any more.  Before the provider is freed.
 */
void autoscale_close(struct autoscale *autoscale);

/*
 * So many calls wait for a place at a replica, at one gateway.  key may be of
 * no function.
 */
void autoscale_wake(struct autoscale *autoscale, const char *key,
    uint64_t parked);


#endif /* FAAS_SCALER_AUTOSCALE_H */

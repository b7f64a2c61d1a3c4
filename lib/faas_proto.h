/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the parts say to one another through Redis: keys, and the values in
 * them.  Nothing else knows them.  What is read was written by somebody else:
 * each parser bounds and checks all of it.
 *
 * Every key is PREFIX followed by one of the names below.
 *
 *   routes         hash KEY -> route (JSON); KEY is NAME.NAMESPACE
 *   changes        stream, trimmed to about FAAS_CHANGES_MAX entries: one
 *                  entry a changed route, fields name, rev, prev, where prev
 *                  is the rev of the entry before: a reader that misses one
 *                  sees it by that, and reads routes whole
 *   epoch          string, set by the scaler with its whole publication;
 *                  where it is missing Redis has lost what it held, and
 *                  gateways keep what they have
 *   load:GATEWAY   hash KEY -> load, only of functions that the gateway has
 *                  or still has requests of; and FAAS_LOAD_APPLIED -> the
 *                  rev of the last change that this gateway has applied, so
 *                  that "applied >= rev, and no load or draining 0" means
 *                  that nothing of it uses what that rev took away; expires
 *                  after FAAS_LOAD_TTL
 *   active:GATEWAY sorted set KEY -> number of the report, which grows, that
 *                  this function's load was in last, and FAAS_LOAD_APPLIED
 *                  -> that of the last report; what is older than
 *                  FAAS_ACTIVE_KEPT is gone.  So who knows the load up to a
 *                  report reads what has changed since, and nothing else.
 *                  Expires as the load
 *   gateways       sorted set of GATEWAY, by Unix time (seconds) of its last
 *                  report; an older one than FAAS_LOAD_TTL is gone
 *   wake           stream, trimmed to about FAAS_WAKES_MAX entries: requests
 *                  wait for a place at a replica of a function; fields name,
 *                  gateway, and parked, how many wait there.  Of each gateway
 *                  one entry a function when they begin to wait, one whenever
 *                  twice as many wait as it has said, and one each
 *                  FAAS_WAKE_INTERVAL as long as there is no replica
 *   depth          hash KEY -> asynchronous calls of it that wait
 *   leader         string "ID TERM" of the one scaler that decides: that
 *                  publishes routes, answers wake-ups and scales; it expires
 *                  after FAAS_LEADER_TTL unless that one renews it
 *   leader:token   string, the last TERM given: each is greater than those
 *                  before.  It changes with each term and at no other time,
 *                  so what is written under a WATCH of it is refused once
 *                  somebody else has begun to lead
 *
 * Revisions: microseconds since 1970 at the time of the change, made strictly
 * growing by the scaler.  So they never go back, not even where the scaler
 * and Redis both lost their memory.
 */

#ifndef FAAS_PROTO_H
#define FAAS_PROTO_H

#include <stddef.h>
#include <stdint.h>

#include "faas_addr.h"
#include "faas_err.h"
#include "faas_name.h"


#define FAAS_PREFIX_DEFAULT   "faas:"
#define FAAS_PREFIX_MAX       64            /* bytes */
#define FAAS_GATEWAY_MAX      63            /* bytes of a gateway's id */
#define FAAS_REDIS_KEY_MAX    (FAAS_PREFIX_MAX + 7 + FAAS_GATEWAY_MAX)

#define FAAS_ROUTES           "routes"
#define FAAS_CHANGES          "changes"
#define FAAS_EPOCH            "epoch"
#define FAAS_GATEWAYS         "gateways"
#define FAAS_WAKE             "wake"
#define FAAS_LOAD             "load:"       /* followed by a gateway's id */
#define FAAS_LEADER           "leader"
#define FAAS_LEADER_TOKEN     "leader:token"
#define FAAS_ACTIVE           "active:"     /* the same */
#define FAAS_DEPTH            "depth"

#define FAAS_LOAD_APPLIED     "*"           /* no function has this name */

#define FAAS_CHANGE_NAME      "name"
#define FAAS_CHANGE_REV       "rev"
#define FAAS_CHANGE_PREV      "prev"

#define FAAS_WAKE_NAME        "name"
#define FAAS_WAKE_GATEWAY     "gateway"
#define FAAS_WAKE_PARKED      "parked"

#define FAAS_CHANGES_MAX      10000         /* entries kept in the stream */
#define FAAS_WAKES_MAX        10000         /* entries kept in the stream */
#define FAAS_WAKE_INTERVAL    1000          /* msec */
#define FAAS_LOAD_TTL         10            /* seconds */
#define FAAS_REPORT_MAX       2000          /* msec between two reports */
#define FAAS_LEADER_TTL       4000          /* msec */
#define FAAS_LEADER_ID_MAX    63            /* bytes of a scaler's id */
#define FAAS_LEADER_MAX       81            /* bytes of a leader, with zero */
#define FAAS_ACTIVE_KEPT      60000         /* of the numbers, which are at
                                               least msec of the gateway */
#define FAAS_EPOCH_MAX        63            /* bytes */
#define FAAS_REPLICAS_MAX     256           /* endpoints of a route */
#define FAAS_REPLICA_ID_MAX   63            /* bytes */
#define FAAS_ROUTE_MAX        131072        /* bytes of a route's JSON */
#define FAAS_LOAD_MAX         240           /* bytes of a load, with zero */

#define FAAS_INFLIGHT_MAX     65535         /* of max_inflight */
#define FAAS_QUEUE_MAX        1000000       /* of queue */
#define FAAS_TERM_MAX         9007199254740991ULL   /* exact in Redis' Lua */
#define FAAS_MSEC_MAX         86400000      /* of park_ms, timeout_ms: a day */
#define FAAS_UNSET            UINT32_MAX    /* the gateway's own setting */


struct faas_endpoint {
    char  id[FAAS_REPLICA_ID_MAX + 1];
    char  addr[FAAS_ADDR_MAX + 1];      /* as faas_addr_parse() takes it */
};

struct faas_route {
    uint64_t               rev;
    uint32_t               replicas;    /* wanted, started or not */
    uint32_t               max_inflight;/* requests at a replica at a time;
                                           0: no bound */
    uint32_t               queue;       /* requests parked in a gateway, or
                                           FAAS_UNSET */
    uint32_t               park_ms;     /* how long, at most; FAAS_UNSET */
    uint32_t               timeout_ms;  /* of a whole call; 0: none */
    uint32_t               is_private;  /* for other functions only */
    uint32_t               n;           /* endpoints */
    uint32_t               n_lost;      /* behind them, with an id and no
                                           address: replicas that will never
                                           answer what they were sent, as
                                           their node is gone */
    struct faas_endpoint   endpoints[FAAS_REPLICAS_MAX];
};

/*
 * What one gateway knows of one function.  Absolute values: written twice
 * they do no harm.  The mean in-flight over a window is the difference of
 * inflight_ms over the difference of clock_ms.
 */
struct faas_load {
    uint64_t  rev;              /* of the route in use */
    uint64_t  inflight;         /* requests now at replicas, or on the way */
    uint64_t  draining;         /* those of them at replicas that the route
                                   no longer has */
    uint64_t  parked;           /* requests now waiting for a replica */
    uint64_t  started;          /* requests, total */
    uint64_t  finished;         /* answers, total, of any status */
    uint64_t  failed;           /* answers with status 500 and above, total */
    uint64_t  inflight_ms;      /* integral of inflight over time */
    uint64_t  parked_ms;        /* integral of parked over time */
    uint64_t  clock_ms;         /* the gateway's monotonic clock */
};

struct faas_leader {
    char      id[FAAS_LEADER_ID_MAX + 1];
    uint64_t  term;             /* from 1 */
};


/*
 * A route with nothing in it: all that may be left out has its default.
 */
void faas_route_init(struct faas_route *route);

/*
 * Writes PREFIX, name and (unless NULL) id to dst, which has
 * FAAS_REDIS_KEY_MAX + 1 bytes.  Returns 0, or -1 where it does not fit.
 */
int faas_proto_key(char *dst, const char *prefix, const char *name,
    const char *id);

/*
 * Writes the route as JSON and a zero to dst.  Returns the length without the
 * zero, or -1 where it does not fit into size or the route is not valid.
 */
int faas_route_encode(const struct faas_route *route, char *dst, size_t size);

/*
 * Reads a route from LEN bytes of JSON; members that are unknown are passed
 * over.  Returns 0, or -1 with what is wrong in err.
 */
int faas_route_parse(const char *s, size_t len, struct faas_route *route,
    struct faas_err *err);

/*
 * Writes a load and a zero to dst, which has FAAS_LOAD_MAX bytes.  Returns
 * the length without the zero.
 */
size_t faas_load_encode(const struct faas_load *load, char *dst);

/*
 * Reads a load.  Returns 0 or -1.
 */
int faas_load_parse(const char *s, size_t len, struct faas_load *load);

/*
 * Writes a leader and a zero to dst, which has FAAS_LEADER_MAX bytes.
 */
void faas_leader_encode(const struct faas_leader *leader, char *dst);

/*
 * Reads a leader: an id of printable ASCII without blanks, and a term from 1
 * to FAAS_TERM_MAX.  Returns 0 or -1.
 */
int faas_leader_parse(const char *s, size_t len, struct faas_leader *leader);


#endif /* FAAS_PROTO_H */

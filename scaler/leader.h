/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Several scalers, one decides: the leader publishes routes, answers wake-ups
 * and scales; the admin API is everybody's.
 *
 * The lock is the key "leader" in Redis (lib/faas_proto.h).  Whoever holds it
 * renews it each second; whoever does not tries each half of one.  Taking it
 * is to see who has it, to count the term and to set it, as one: a script does
 * that.  SET NX would do without, but could neither give the term in the same
 * step nor take over what a scaler of the same id, which was killed, has left.
 *
 * That a scaler takes itself for the leader is for saving work, and for what
 * does no harm when two do it for a moment: it may be stopped between a look
 * at leader_is_valid() and what it does then.  What must not be done by two is
 * done under a WATCH of the key "leader:token", with a look at "leader" behind
 * it that found leader_value(): Redis refuses it from the moment another term
 * begins.  A renewal does not touch that key.
 */

#ifndef FAAS_SCALER_LEADER_H
#define FAAS_SCALER_LEADER_H

#include <event2/event.h>
#include <stdint.h>

#include "daemon/redis.h"
#include "lib/faas_proto.h"

#include "lease.h"


#define LEADER_STOP_MAX  500    /* msec for giving the lock up */


struct leader {
    struct redis  *redis;
    struct event  *timer;
    struct lease   lease;
    char           id[FAAS_LEADER_ID_MAX + 1];
    char           value[FAAS_LEADER_MAX];      /* what the lock has held when
                                                   it was ours; "": it is not */
    char           other[FAAS_LEADER_MAX];      /* who else leads, as logged */
    uint64_t       seen;            /* the greatest term */
    uint64_t       asked_ms;        /* clock_boot_ms(), of what is_asking */
    int            has_own;         /* functions that no other scaler has */
    int            is_started;
    int            is_asking;       /* a script is on its way */
    int            is_asked;        /* one has been answered once */
    int            is_refused;      /* and that was logged */
    int            is_stopping;

    /* called, never from within a function of this header but leader_stop(),
       when a term has begun or ended: leader_term() says which */
    void         (*changed)(void *arg);
    void          *arg;

    void         (*stopped)(void *arg);         /* NULL: none, or called */
    void          *stopped_arg;
};


/*
 * Does nothing yet.  changed and arg are set by the caller before; redis must
 * live as long.  Returns 0 or -1.
 */
int leader_init(struct leader *leader, struct redis *redis,
    struct event_base *base, struct faas_err *err);

/*
 * After Redis was closed.
 */
void leader_done(struct leader *leader);

/*
 * Begins to try: this scaler knows what runs.  Of a scaler with an id of its
 * own (at most FAAS_LEADER_ID_MAX bytes; nobody else may have it, but who was
 * killed before) the first try takes over what that has left; with NULL it
 * gets a new one.  has_own: it runs functions that others do not know.
 */
void leader_start(struct leader *leader, const char *id, int has_own);

/*
 * Gives the lock up, so that another one can take it at once, and calls
 * stopped, which may be from within, when that is done or cannot be.
 */
void leader_stop(struct leader *leader, void (*stopped)(void *arg),
    void *arg);

/*
 * To be called when Redis can be spoken to, and when it no longer can.
 */
void leader_ready(struct leader *leader);
void leader_lost(struct leader *leader);

/*
 * Something says that the lock is not what it was: has Redis asked now.
 */
void leader_check(struct leader *leader);

/*
 * True while no other scaler can lead.  Looks at the clock: it is to be
 * called right before what only the leader may do.
 */
int leader_is_valid(const struct leader *leader);

/*
 * The term that this scaler leads in, or 0.  It may be over without a call of
 * changed() yet: that is for leader_is_valid() to say.
 */
uint64_t leader_term(const struct leader *leader);

/*
 * What the lock holds as long as it is ours; "" where it is not.
 */
const char *leader_value(const struct leader *leader);


#endif /* FAAS_SCALER_LEADER_H */

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * How long a scaler may take itself for the leader.  Redis drops the lock
 * FAAS_LEADER_TTL after it has carried out a renewal, so not before that time
 * after the renewal was sent.  Counting from there, and ending LEASE_MARGIN
 * earlier, this scaler stops before another one can begin, whatever the way
 * took and however the two clocks drift within reason.
 *
 * Times are milliseconds of a clock that also goes on while the process is
 * stopped and the machine sleeps: clock_boot_ms().  Nothing here reads it.
 */

#ifndef FAAS_SCALER_LEASE_H
#define FAAS_SCALER_LEASE_H

#include <stdint.h>

#include "lib/faas_proto.h"


#define LEASE_MARGIN  1000      /* msec */
#define LEASE_RENEW   1000      /* msec between two renewals */
#define LEASE_TRY     500       /* msec between two tries of a follower */


struct lease {
    uint64_t  term;             /* 0: there is none */
    uint64_t  until_ms;
};


/*
 * The answer to what was sent at sent_ms has come: the lock is ours, for term.
 * Returns 0, or -1 where that was too long ago to be of use: lease is as it
 * was then.
 */
int lease_take(struct lease *lease, uint64_t term, uint64_t sent_ms,
    uint64_t now_ms);

/*
 * There is none any more.
 */
void lease_drop(struct lease *lease);

/*
 * True as long as nobody else can have the lock.
 */
int lease_holds(const struct lease *lease, uint64_t now_ms);

/*
 * How long to wait until Redis has to be asked again, or until the lease is
 * over: msec, 0 where it is over already.
 */
uint64_t lease_wait(const struct lease *lease, uint64_t now_ms);


#endif /* FAAS_SCALER_LEASE_H */

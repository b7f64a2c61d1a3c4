/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * How long a scaler may take itself for the leader.
 */

#include "lease.h"


int
lease_take(struct lease *lease, uint64_t term, uint64_t sent_ms,
    uint64_t now_ms)
{
    uint64_t  until;

    until = sent_ms + FAAS_LEADER_TTL - LEASE_MARGIN;

    if (now_ms >= until) {
        return -1;
    }

    lease->term = term;
    lease->until_ms = until;

    return 0;
}


void
lease_drop(struct lease *lease)
{
    lease->term = 0;
    lease->until_ms = 0;
}


int
lease_holds(const struct lease *lease, uint64_t now_ms)
{
    return lease->term != 0 && now_ms < lease->until_ms;
}


uint64_t
lease_wait(const struct lease *lease, uint64_t now_ms)
{
    uint64_t  left;

    if (lease->term == 0) {
        return LEASE_TRY;
    }

    left = now_ms < lease->until_ms ? lease->until_ms - now_ms : 0;

    return left < LEASE_RENEW ? left : LEASE_RENEW;
}

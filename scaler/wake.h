/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Functions that have no replica, and of which a gateway says that requests
 * wait: the leader scales them up, to their least number of replicas or one.
 *
 * Gateways' entries are waited for on a connection of its own: what else is
 * asked of Redis does not wait behind them.
 */

#ifndef FAAS_SCALER_WAKE_H
#define FAAS_SCALER_WAKE_H

#include <event2/event.h>

#include "leader.h"
#include "options.h"
#include "provider.h"
#include "redis.h"


#define WAKE_ENTRIES   "256"        /* that are read at a time */
#define WAKE_BLOCK     1000         /* msec that Redis waits for one */
#define WAKE_ID_MAX    47           /* bytes of an entry's id */


struct wake {
    struct redis          redis;
    const struct leader  *leader;
    struct provider      *provider;                 /* NULL: nothing is done */
    char                  block[16];                /* msec */
    char                  last[WAKE_ID_MAX + 1];    /* the entry read last */
};


/*
 * leader is set by the caller before; it and provider have to live as long.
 * Others than the leader read what is asked for as well, so that they go on
 * from there when they lead.  Returns 0 or -1; wake_close() in either case.
 */
int wake_open(struct wake *wake, const struct scaler_options *options,
    struct provider *provider, struct event_base *base, struct faas_err *err);

void wake_close(struct wake *wake);


#endif /* FAAS_SCALER_WAKE_H */

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Functions of which a gateway says that calls wait for a place at a replica.
 *
 * Gateways' entries are waited for on a connection of its own: what else is
 * asked of Redis does not wait behind them.
 */

#ifndef FAAS_SCALER_WAKE_H
#define FAAS_SCALER_WAKE_H

#include <event2/event.h>

#include "daemon/redis.h"

#include "options.h"


#define WAKE_ENTRIES   "256"        /* that are read at a time */
#define WAKE_BLOCK     1000         /* msec that Redis waits for one */
#define WAKE_ID_MAX    47           /* bytes of an entry's id */


struct wake {
    struct redis      redis;
    char              block[16];                /* msec */
    char              last[WAKE_ID_MAX + 1];    /* the entry read last */

    /* so many calls wait; NULL: nobody is told */
    void            (*waiting)(void *arg, const char *key, uint64_t parked);
    void             *arg;
};


/*
 * waiting and arg are set by the caller before.  Returns 0 or -1; wake_close()
 * in either case.
 */
int wake_open(struct wake *wake, const struct scaler_options *options,
    struct event_base *base, struct faas_err *err);

void wake_close(struct wake *wake);


#endif /* FAAS_SCALER_WAKE_H */

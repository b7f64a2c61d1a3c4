/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A daemon's --health: a container's health check.
 */

#ifndef FAAS_DAEMON_HEALTH_H
#define FAAS_DAEMON_HEALTH_H

#include "lib/faas_err.h"


#define HEALTH_TIMEOUT  3           /* seconds, for all of it */


/*
 * Asks the daemon that listens there for /healthz; where it listens on all
 * addresses, it is asked at loopback.  option, with its dashes, is where the
 * address comes from.  Blocks, and ends the program with status 1 where the
 * answer does not come in time.  Returns 0 where it is 200, else -1.
 */
int health_check(const char *option, const char *listen,
    struct faas_err *err);


#endif /* FAAS_DAEMON_HEALTH_H */

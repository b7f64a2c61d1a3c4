/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The admin API, OpenFaaS' /system/ routes.  With --credentials-dir it asks
 * for a password; else nobody but nginx, which does, may reach the address it
 * listens on.
 */

#ifndef FAAS_SCALER_API_H
#define FAAS_SCALER_API_H

#include <stdint.h>

#include "lib/faas_err.h"

#include "scaler.h"


/* how often a route was answered with a status, of the first ones; the last
   one has all others, as 0 */
#define API_STATUSES  8

struct api_counts {
    unsigned  status[API_STATUSES];
    uint64_t  n[API_STATUSES];
};


/*
 * Listens on options.listen.  on_error is to call listener_pause(): libevent
 * does not hand it the scaler.  Returns 0 or -1; api_close() in either case.
 */
int api_open(struct scaler *scaler, evconnlistener_errorcb on_error,
    struct faas_err *err);

/*
 * Stops listening and ends connections.
 */
void api_close(struct scaler *scaler);

/*
 * Calls each() for each route and status that was answered; for the metrics.
 */
void api_walk_counts(const struct scaler *scaler, void (*each)(void *arg,
    const char *method, const char *path, unsigned status, uint64_t n),
    void *arg);


#endif /* FAAS_SCALER_API_H */

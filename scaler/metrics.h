/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the scaler's /metrics says: docs/metrics.md lists it.
 */

#ifndef FAAS_SCALER_METRICS_H
#define FAAS_SCALER_METRICS_H

#include <event2/listener.h>

#include "lib/faas_err.h"


struct scaler;

/*
 * Listens, where --metrics-listen is given.  on_error is to call
 * listener_pause().  Returns 0 or -1; metrics_close() in either case.
 */
int metrics_open(struct scaler *scaler, evconnlistener_errorcb on_error,
    struct faas_err *err);

void metrics_close(struct scaler *scaler);


#endif /* FAAS_SCALER_METRICS_H */

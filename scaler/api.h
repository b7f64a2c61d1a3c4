/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The admin API, OpenFaaS' /system/ routes.  With --credentials-dir it asks
 * for a password; else nobody but nginx, which does, may reach the address it
 * listens on.
 */

#ifndef FAAS_SCALER_API_H
#define FAAS_SCALER_API_H

#include "lib/faas_err.h"

#include "scaler.h"


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


#endif /* FAAS_SCALER_API_H */

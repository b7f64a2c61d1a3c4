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
 * Listens on options.listen; a socket that nobody listens on any more is
 * replaced.  on_error is to call api_pause(): libevent does not hand it the
 * scaler.  Returns 0 or -1.
 */
int api_open(struct scaler *scaler, evconnlistener_errorcb on_error,
    struct faas_err *err);

/*
 * No connection can be accepted, for want of descriptors as a rule: to be
 * called then, for what waits would be reported again at once, for ever.
 * Accepts again after a pause.
 */
void api_pause(struct scaler *scaler);

/*
 * Stops listening and ends connections.
 */
void api_close(struct scaler *scaler);


#endif /* FAAS_SCALER_API_H */

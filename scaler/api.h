/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The admin API, OpenFaaS' /system/ routes.  It does not authenticate: nginx
 * does, and nobody else may reach the address it listens on.
 */

#ifndef FAAS_SCALER_API_H
#define FAAS_SCALER_API_H

#include "lib/faas_err.h"

#include "scaler.h"


/*
 * Listens on options.listen; a socket that nobody listens on any more is
 * replaced.  Returns 0 or -1.
 */
int api_open(struct scaler *scaler, struct faas_err *err);

/*
 * Stops listening and ends connections.
 */
void api_close(struct scaler *scaler);


#endif /* FAAS_SCALER_API_H */

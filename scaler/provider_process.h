/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The provider of one machine: a replica is a watchdog process.
 */

#ifndef FAAS_SCALER_PROVIDER_PROCESS_H
#define FAAS_SCALER_PROVIDER_PROCESS_H

#include <event2/event.h>

#include "options.h"
#include "provider.h"


/*
 * Opens the state folder, and starts what it says is deployed.  options and
 * hooks must live as long as the provider.  Returns NULL with err.
 */
struct provider *provider_process_new(const struct scaler_options *options,
    const struct provider_hooks *hooks, struct event_base *base,
    struct faas_err *err);


#endif /* FAAS_SCALER_PROVIDER_PROCESS_H */

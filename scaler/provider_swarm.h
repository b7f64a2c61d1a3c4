/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Functions as services of Docker Swarm.
 */

#ifndef FAAS_SCALER_PROVIDER_SWARM_H
#define FAAS_SCALER_PROVIDER_SWARM_H

#include <event2/event.h>

#include "options.h"
#include "provider.h"


/*
 * options and hooks must live as long.  Docker is asked from the loop on; it
 * need not be there yet.  Returns NULL with err.
 */
struct provider *provider_swarm_new(const struct scaler_options *options,
    const struct provider_hooks *hooks, struct event_base *base,
    struct faas_err *err);


#endif /* FAAS_SCALER_PROVIDER_SWARM_H */

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Limits of a function that the gateway keeps, from its deployment.
 *
 *   environment   max_inflight    requests at a replica at a time (number)
 *                 exec_timeout    of a whole call (duration)
 *   labels        com.ngx-faas.queue       requests that may wait (number)
 *                 com.ngx-faas.park        how long they may (duration)
 *                 com.ngx-faas.visibility  public, private
 *
 * The two of the environment are the watchdog's own settings: so gateway and
 * watchdog always agree.
 */

#ifndef FAAS_SCALER_LIMITS_H
#define FAAS_SCALER_LIMITS_H

#include <jansson.h>
#include <stdint.h>

#include "lib/faas_err.h"


#define LIMITS_ENV_INFLIGHT      "max_inflight"
#define LIMITS_ENV_TIMEOUT       "exec_timeout"
#define LIMITS_LABEL_QUEUE       "com.ngx-faas.queue"
#define LIMITS_LABEL_PARK        "com.ngx-faas.park"
#define LIMITS_LABEL_VISIBILITY  "com.ngx-faas.visibility"


/* as in struct faas_route */
struct limits {
    uint32_t  max_inflight;
    uint32_t  queue;
    uint32_t  park_ms;
    uint32_t  timeout_ms;
    uint32_t  is_private;
};


/*
 * Reads them from an environment and labels, maps of strings or NULL.  Returns
 * 0, or -1 with code 400 in err.
 */
int limits_read(struct limits *limits, const json_t *env,
    const json_t *labels, struct faas_err *err);


#endif /* FAAS_SCALER_LIMITS_H */

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * GET /system/logs: lines of a function's log as JSON, one object a line,
 * until all were sent or, with follow, until somebody goes.
 */

#ifndef FAAS_SCALER_API_LOGS_H
#define FAAS_SCALER_API_LOGS_H

#include <event2/http.h>

#include "scaler.h"


void api_logs(struct scaler *scaler, struct evhttp_request *req,
    const char *name);


#endif /* FAAS_SCALER_API_LOGS_H */

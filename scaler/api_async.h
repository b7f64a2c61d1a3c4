/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The handlers of the admin API for asynchronous calls; see api_functions.h.
 */

#ifndef FAAS_SCALER_API_ASYNC_H
#define FAAS_SCALER_API_ASYNC_H

#include <event2/http.h>

#include "scaler.h"


/* GET /system/async: how much waits */
void api_async_depths(struct scaler *scaler, struct evhttp_request *req,
    const char *name);

/* GET and DELETE /system/async/dead, POST /system/async/dead/retry: calls that
   were given up */
void api_async_dead(struct scaler *scaler, struct evhttp_request *req,
    const char *name);
void api_async_purge_all(struct scaler *scaler, struct evhttp_request *req,
    const char *name);
void api_async_retry_all(struct scaler *scaler, struct evhttp_request *req,
    const char *name);

/* GET and DELETE /system/async/calls/ID, POST /system/async/calls/ID/retry */
void api_async_get(struct scaler *scaler, struct evhttp_request *req,
    const char *name);
void api_async_remove(struct scaler *scaler, struct evhttp_request *req,
    const char *name);
void api_async_retry(struct scaler *scaler, struct evhttp_request *req,
    const char *name);


#endif /* FAAS_SCALER_API_ASYNC_H */

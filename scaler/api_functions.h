/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The handlers of the admin API.  Each answers, at once or later.  name is
 * what follows the route's path, where it has a name in it; else NULL.
 */

#ifndef FAAS_SCALER_API_FUNCTIONS_H
#define FAAS_SCALER_API_FUNCTIONS_H

#include <event2/http.h>

#include "scaler.h"


typedef void (*api_handler_fn)(struct scaler *scaler,
    struct evhttp_request *req, const char *name);


/* api_functions.c */
void api_list(struct scaler *scaler, struct evhttp_request *req,
    const char *name);
void api_get(struct scaler *scaler, struct evhttp_request *req,
    const char *name);
void api_deploy(struct scaler *scaler, struct evhttp_request *req,
    const char *name);
void api_update(struct scaler *scaler, struct evhttp_request *req,
    const char *name);
void api_remove(struct scaler *scaler, struct evhttp_request *req,
    const char *name);
void api_scale(struct scaler *scaler, struct evhttp_request *req,
    const char *name);
void api_health(struct scaler *scaler, struct evhttp_request *req,
    const char *name);

/* api_info.c */
void api_info(struct scaler *scaler, struct evhttp_request *req,
    const char *name);

/* api_alert.c */
void api_alert(struct scaler *scaler, struct evhttp_request *req,
    const char *name);

/* api_secrets.c */
void api_list_secrets(struct scaler *scaler, struct evhttp_request *req,
    const char *name);
void api_make_secret(struct scaler *scaler, struct evhttp_request *req,
    const char *name);
void api_update_secret(struct scaler *scaler, struct evhttp_request *req,
    const char *name);
void api_remove_secret(struct scaler *scaler, struct evhttp_request *req,
    const char *name);

/* api_namespaces.c */
void api_list_namespaces(struct scaler *scaler, struct evhttp_request *req,
    const char *name);
void api_get_namespace(struct scaler *scaler, struct evhttp_request *req,
    const char *name);
void api_make_namespace(struct scaler *scaler, struct evhttp_request *req,
    const char *name);
void api_update_namespace(struct scaler *scaler, struct evhttp_request *req,
    const char *name);
void api_remove_namespace(struct scaler *scaler, struct evhttp_request *req,
    const char *name);


#endif /* FAAS_SCALER_API_FUNCTIONS_H */

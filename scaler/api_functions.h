/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The handlers of the admin API, and how they answer.
 */

#ifndef FAAS_SCALER_API_FUNCTIONS_H
#define FAAS_SCALER_API_FUNCTIONS_H

#include <event2/http.h>

#include "scaler.h"


/* key is NAME.NAMESPACE where the route has a name in it, else NULL */
typedef void (*api_handler_fn)(struct scaler *scaler,
    struct evhttp_request *req, const char *key);


void api_list(struct scaler *scaler, struct evhttp_request *req,
    const char *key);
void api_get(struct scaler *scaler, struct evhttp_request *req,
    const char *key);
void api_deploy(struct scaler *scaler, struct evhttp_request *req,
    const char *key);
void api_update(struct scaler *scaler, struct evhttp_request *req,
    const char *key);
void api_remove(struct scaler *scaler, struct evhttp_request *req,
    const char *key);
void api_scale(struct scaler *scaler, struct evhttp_request *req,
    const char *key);
void api_info(struct scaler *scaler, struct evhttp_request *req,
    const char *key);
void api_health(struct scaler *scaler, struct evhttp_request *req,
    const char *key);

/*
 * Sends a whole answer.  type NULL: text; text NULL: no body.
 */
void api_answer(struct evhttp_request *req, int status, const char *type,
    const char *text);

/*
 * Checks the namespace in the query and, unless NULL, the one that the body
 * names.  Returns 0, or -1 after it has answered 400.
 */
int api_check_namespace(struct evhttp_request *req, const char *ns);


#endif /* FAAS_SCALER_API_FUNCTIONS_H */

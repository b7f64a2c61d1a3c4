/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The admin API's namespaces.
 */

#include <stdio.h>
#include <string.h>

#include "api_call.h"
#include "api_functions.h"
#include "namespace.h"


static void on_name(void *arg, const struct namespace *ns);
static void on_namespace(void *arg, const struct namespace *ns);
static void save(struct scaler *scaler, struct evhttp_request *req,
    const char *name, int is_new);
static int check_name(struct evhttp_request *req, const char *name);


void
api_list_namespaces(struct scaler *scaler, struct evhttp_request *req,
    const char *name)
{
    struct call  *call;

    (void) name;

    call = call_new(scaler, req, 200);

    if (call != NULL) {
        call->is_asked = 1;
        call->result = json_array();
        scaler->provider->ops->list_namespaces(scaler->provider, NULL,
                                               on_name, call_done, call);
    }
}


void
api_get_namespace(struct scaler *scaler, struct evhttp_request *req,
    const char *name)
{
    struct call  *call;

    if (check_name(req, name) != 0) {
        return;
    }

    call = call_new(scaler, req, 200);

    if (call != NULL) {
        call->is_asked = 1;
        scaler->provider->ops->list_namespaces(scaler->provider, name,
                                               on_namespace, call_done, call);
    }
}


void
api_make_namespace(struct scaler *scaler, struct evhttp_request *req,
    const char *name)
{
    save(scaler, req, name, 1);
}


void
api_update_namespace(struct scaler *scaler, struct evhttp_request *req,
    const char *name)
{
    save(scaler, req, name, 0);
}


void
api_remove_namespace(struct scaler *scaler, struct evhttp_request *req,
    const char *name)
{
    struct call  *call;

    if (check_name(req, name) != 0) {
        return;
    }

    call = call_new(scaler, req, 202);

    if (call != NULL) {
        scaler->provider->ops->remove_namespace(scaler->provider, name,
                                                call_done, call);
    }
}


static void
on_name(void *arg, const struct namespace *ns)
{
    struct call  *call;

    call = arg;
    (void) json_array_append_new(call->result, json_string(ns->name));
}


static void
on_namespace(void *arg, const struct namespace *ns)
{
    struct call  *call;

    call = arg;
    json_decref(call->result);
    call->result = json_incref(ns->body);
}


static void
save(struct scaler *scaler, struct evhttp_request *req, const char *name,
    int is_new)
{
    size_t              len;
    const char         *body;
    struct call        *call;
    struct faas_err     err;
    struct namespace   *ns;

    body = call_body(req, &len);
    ns = namespace_parse(name, body, len, &err);

    if (ns == NULL) {
        call_answer_error(req, err.code, err.text);
        return;
    }

    call = call_new(scaler, req, is_new ? 201 : 202);

    if (call == NULL) {
        namespace_free(ns);
        return;
    }

    scaler->provider->ops->save_namespace(scaler->provider, ns, is_new,
                                          call_done, call);
}


/*
 * What cannot be a name is none that is there.
 */
static int
check_name(struct evhttp_request *req, const char *name)
{
    char  text[FAAS_NAME_MAX + 64];

    if (faas_name_is_dns_label(name, strlen(name))) {
        return 0;
    }

    (void) snprintf(text, sizeof(text), "namespace %.63s not found", name);
    call_answer_error(req, 404, text);

    return -1;
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The admin API's secrets.
 */

#include "api_call.h"
#include "api_functions.h"
#include "secret.h"


static void on_secret(void *arg, const char *ns, const char *name);
static void save(struct scaler *scaler, struct evhttp_request *req,
    int is_new);
static struct secret *read_secret(struct evhttp_request *req, int has_value);


void
api_list_secrets(struct scaler *scaler, struct evhttp_request *req,
    const char *name)
{
    char          ns[FAAS_NAME_MAX + 1];
    struct call  *call;

    (void) name;

    if (call_namespace(req, NULL, ns) != 0) {
        return;
    }

    call = call_new(scaler, req, 200);

    if (call != NULL) {
        call->is_asked = 1;
        call->result = json_array();
        scaler->provider->ops->list_secrets(scaler->provider, ns, on_secret,
                                            call_done, call);
    }
}


void
api_make_secret(struct scaler *scaler, struct evhttp_request *req,
    const char *name)
{
    (void) name;

    save(scaler, req, 1);
}


void
api_update_secret(struct scaler *scaler, struct evhttp_request *req,
    const char *name)
{
    (void) name;

    save(scaler, req, 0);
}


/*
 * The namespace may stand in the query, as older clients have it.
 */
void
api_remove_secret(struct scaler *scaler, struct evhttp_request *req,
    const char *name)
{
    char            ns[FAAS_NAME_MAX + 1];
    json_t         *body;
    struct call    *call;
    struct secret  *secret;

    (void) name;

    secret = read_secret(req, 0);

    if (secret == NULL) {
        return;
    }

    body = call_read_body(req, "{\"name\": \"NAME\"}");

    if (body != NULL && call_namespace(req, body, ns) == 0) {
        call = call_new(scaler, req, 202);

        if (call != NULL) {
            scaler->provider->ops->remove_secret(scaler->provider, ns,
                                                 secret->name, call_done,
                                                 call);
        }
    }

    json_decref(body);
    secret_free(secret);
}


static void
on_secret(void *arg, const char *ns, const char *name)
{
    struct call  *call;

    call = arg;
    (void) json_array_append_new(call->result,
                                 json_pack("{s:s, s:s}", "name", name,
                                           "namespace", ns));
}


static void
save(struct scaler *scaler, struct evhttp_request *req, int is_new)
{
    struct call    *call;
    struct secret  *secret;

    secret = read_secret(req, 1);
    call = secret != NULL ? call_new(scaler, req, 202) : NULL;

    if (call == NULL) {
        secret_free(secret);
        return;
    }

    scaler->provider->ops->save_secret(scaler->provider, secret, is_new,
                                       call_done, call);
}


static struct secret *
read_secret(struct evhttp_request *req, int has_value)
{
    size_t           len;
    const char      *body;
    struct secret   *secret;
    struct faas_err  err;

    body = call_body(req, &len);
    secret = secret_parse(body, len, has_value, &err);

    if (secret == NULL) {
        call_answer_error(req, err.code, err.text);
    }

    return secret;
}

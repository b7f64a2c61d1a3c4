/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The handlers of the admin API.
 */

#include "api_functions.h"

#include <event2/buffer.h>
#include <event2/keyvalq_struct.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "lib/faas_log.h"
#include "lib/faas_num.h"


#ifndef FAAS_VERSION
#define FAAS_VERSION  "0.1.0"
#endif


/* a request while its provider is at work */
struct call {
    struct scaler          *scaler;
    struct evhttp_request  *req;
    json_t                 *result;         /* owned; NULL: no body */
    int                     is_list;
    int                     is_asked;       /* without a result it failed */
    int                     status;         /* where it went well */
};


static int check_body_namespace(struct evhttp_request *req,
    const json_t *body);
static struct call *call_new(struct scaler *scaler,
    struct evhttp_request *req, int status);
static void on_function(void *arg, const struct provider_function *function);
static void on_done(void *arg, const struct faas_err *err);
static json_t *status_of(const struct scaler *scaler,
    const struct provider_function *function);
static void copy_member(json_t *to, const json_t *from, const char *name,
    const char *as);
static void pass_spec(struct scaler *scaler, struct evhttp_request *req,
    void (*op)(struct provider *provider, struct spec *spec,
               provider_done_fn done, void *arg));
static struct spec *read_spec(struct scaler *scaler,
    struct evhttp_request *req);
static json_t *read_object(struct evhttp_request *req, const char *what);
static int name_to_key(const json_t *body, const char *member, char *key);
static void answer_json(struct evhttp_request *req, int status,
    const json_t *value);
static void answer_error(struct evhttp_request *req, int status,
    const char *text);


void
api_list(struct scaler *scaler, struct evhttp_request *req, const char *key)
{
    struct call  *call;

    (void) key;

    if (api_check_namespace(req, NULL) != 0) {
        return;
    }

    call = call_new(scaler, req, 200);

    if (call != NULL) {
        call->is_list = 1;
        call->is_asked = 1;
        call->result = json_array();
        scaler->provider->ops->list(scaler->provider, on_function, on_done,
                                    call);
    }
}


void
api_get(struct scaler *scaler, struct evhttp_request *req, const char *key)
{
    struct call  *call;

    call = call_new(scaler, req, 200);

    if (call != NULL) {
        call->is_asked = 1;
        scaler->provider->ops->get(scaler->provider, key, on_function,
                                   on_done, call);
    }
}


void
api_deploy(struct scaler *scaler, struct evhttp_request *req, const char *key)
{
    (void) key;

    pass_spec(scaler, req, scaler->provider->ops->deploy);
}


void
api_update(struct scaler *scaler, struct evhttp_request *req, const char *key)
{
    (void) key;

    pass_spec(scaler, req, scaler->provider->ops->update);
}


void
api_remove(struct scaler *scaler, struct evhttp_request *req, const char *key)
{
    char          name[FAAS_KEY_MAX + 1];
    json_t       *body;
    struct call  *call;

    (void) key;

    body = read_object(req, "{\"functionName\": \"NAME\"}");

    if (body == NULL) {
        return;
    }

    if (check_body_namespace(req, body) == 0) {
        if (name_to_key(body, "functionName", name) != 0) {
            answer_error(req, 400, "\"functionName\" is missing or no name");

        } else {
            call = call_new(scaler, req, 202);

            if (call != NULL) {
                scaler->provider->ops->remove(scaler->provider, name, on_done,
                                              call);
            }
        }
    }

    json_decref(body);
}


void
api_scale(struct scaler *scaler, struct evhttp_request *req, const char *key)
{
    json_t       *body, *replicas;
    struct call  *call;

    body = read_object(req, "{\"replicas\": N}");

    if (body == NULL) {
        return;
    }

    replicas = json_object_get(body, "replicas");

    if (!json_is_integer(replicas) || json_integer_value(replicas) < 0) {
        answer_error(req, 400, "\"replicas\" is no number, 0 or more");

    } else if (check_body_namespace(req, body) == 0) {
        call = call_new(scaler, req, 202);

        if (call != NULL) {
            scaler->provider->ops->scale(scaler->provider, key, (uint64_t)
                                         json_integer_value(replicas),
                                         on_done, call);
        }
    }

    json_decref(body);
}


void
api_info(struct scaler *scaler, struct evhttp_request *req, const char *key)
{
    json_t          *info;
    const char      *arch;
    struct utsname   host;

    (void) key;

    arch = uname(&host) == 0 ? host.machine : "unknown";

    info = json_pack("{s:{s:s, s:{s:s, s:s}, s:s}, s:{s:s, s:s}, s:s}",
                     "provider",
                         "provider", scaler->provider->ops->name,
                         "version", "sha", "", "release", FAAS_VERSION,
                         "orchestration",
                         scaler->provider->ops->orchestration,
                     "version", "sha", "", "release", FAAS_VERSION,
                     "arch", arch);

    answer_json(req, 200, info);
    json_decref(info);
}


void
api_health(struct scaler *scaler, struct evhttp_request *req, const char *key)
{
    (void) scaler;
    (void) key;

    api_answer(req, 200, NULL, "OK");
}


void
api_answer(struct evhttp_request *req, int status, const char *type,
    const char *text)
{
    struct evbuffer     *body;
    struct evkeyvalq    *headers;

    headers = evhttp_request_get_output_headers(req);
    body = evbuffer_new();

    if (body == NULL) {
        evhttp_send_error(req, 500, NULL);
        return;
    }

    (void) evhttp_add_header(headers, "Content-Type",
                             type != NULL ? type
                                          : "text/plain; charset=utf-8");

    if (text != NULL) {
        (void) evbuffer_add(body, text, strlen(text));
    }

    evhttp_send_reply(req, status, NULL, body);
    evbuffer_free(body);
}


int
api_check_namespace(struct evhttp_request *req, const char *ns)
{
    char               text[256];
    const char        *query;
    struct evkeyvalq   params;

    TAILQ_INIT(&params);
    query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(req));

    if (query != NULL && evhttp_parse_query_str(query, &params) != 0) {
        answer_error(req, 400, "the query cannot be read");
        return -1;
    }

    /* the body has the last word */

    if (ns == NULL) {
        ns = evhttp_find_header(&params, "namespace");
    }

    text[0] = '\0';

    if (ns != NULL && ns[0] != '\0'
        && strcmp(ns, FAAS_DEFAULT_NAMESPACE) != 0)
    {
        (void) snprintf(text, sizeof(text), "namespace \"%.80s\" does not "
                        "exist, the only one is \"%s\"", ns,
                        FAAS_DEFAULT_NAMESPACE);
    }

    evhttp_clear_headers(&params);

    if (text[0] != '\0') {
        answer_error(req, 400, text);
        return -1;
    }

    return 0;
}


/*
 * Returns 0, or -1 after it has answered.
 */
static int
check_body_namespace(struct evhttp_request *req, const json_t *body)
{
    const json_t  *ns;

    ns = json_object_get(body, "namespace");

    if (ns != NULL && !json_is_string(ns) && !json_is_null(ns)) {
        answer_error(req, 400, "\"namespace\" is no string");
        return -1;
    }

    return api_check_namespace(req, json_string_value(ns));
}


/*
 * Answers 500 itself where there is no memory.
 */
static struct call *
call_new(struct scaler *scaler, struct evhttp_request *req, int status)
{
    struct call  *call;

    call = calloc(1, sizeof(*call));

    if (call == NULL) {
        answer_error(req, 500, "no memory");
        return NULL;
    }

    call->scaler = scaler;
    call->req = req;
    call->status = status;

    return call;
}


static void
on_function(void *arg, const struct provider_function *function)
{
    json_t       *status;
    struct call  *call;

    call = arg;
    status = status_of(call->scaler, function);

    if (call->is_list) {
        (void) json_array_append_new(call->result, status);

    } else {
        json_decref(call->result);
        call->result = status;
    }
}


static void
on_done(void *arg, const struct faas_err *err)
{
    struct call  *call;

    call = arg;

    if (err->code != 0) {
        faas_log(err->code >= 500 ? FAAS_LOG_ERROR : FAAS_LOG_INFO,
                 "request refused uri=%s error=\"%s\"",
                 evhttp_request_get_uri(call->req), err->text);
        answer_error(call->req, err->code >= 400 ? err->code : 500,
                     err->text);

    } else if (call->is_asked) {
        answer_json(call->req, call->status, call->result);

    } else {
        api_answer(call->req, call->status, NULL, NULL);
    }

    json_decref(call->result);
    free(call);
}


/*
 * FunctionStatus, its members in the order in which OpenFaaS gives them.
 */
static json_t *
status_of(const struct scaler *scaler,
    const struct provider_function *function)
{
    char                 created[32];
    json_t              *status;
    const json_t        *from;
    struct tm            tm;
    const struct spec   *spec;
    struct faas_load     load;

    spec = function->spec;
    from = spec->deployment;
    status = json_object();

    load_sum(&scaler->load, spec->key, &load);

    (void) json_object_set_new(status, "name", json_string(spec->name));
    copy_member(status, from, "image", "image");
    (void) json_object_set_new(status, "namespace", json_string(spec->ns));
    copy_member(status, from, "envProcess", "envProcess");
    copy_member(status, from, "envVars", "envVars");
    copy_member(status, from, "constraints", "constraints");
    copy_member(status, from, "labels", "labels");
    copy_member(status, from, "annotations", "annotations");
    copy_member(status, from, "limits", "limits");
    copy_member(status, from, "requests", "requests");
    copy_member(status, from, "readOnlyRootFilesystem",
                "readOnlyRootFilesystem");

    (void) json_object_set_new(status, "invocationCount",
                               json_integer((json_int_t) load.finished));
    (void) json_object_set_new(status, "replicas",
                               json_integer((json_int_t) spec->replicas));
    (void) json_object_set_new(status, "availableReplicas",
                               json_integer((json_int_t)
                                            function->available));

    (void) gmtime_r(&spec->created, &tm);
    (void) strftime(created, sizeof(created), "%Y-%m-%dT%H:%M:%SZ", &tm);
    (void) json_object_set_new(status, "createdAt", json_string(created));

    return status;
}


/*
 * As it was given; not where it is absent, null or an empty object, but for
 * labels and annotations, which clients expect to be there.
 */
static void
copy_member(json_t *to, const json_t *from, const char *name, const char *as)
{
    json_t  *value;

    value = json_object_get(from, name);

    if (value == NULL || json_is_null(value) || json_is_false(value)) {
        return;
    }

    if ((json_is_object(value) && json_object_size(value) == 0
         && strcmp(name, "labels") != 0 && strcmp(name, "annotations") != 0)
        || (json_is_array(value) && json_array_size(value) == 0))
    {
        return;
    }

    (void) json_object_set(to, as, value);
}


/*
 * Gives the deployment in the body to one of the provider's operations.
 */
static void
pass_spec(struct scaler *scaler, struct evhttp_request *req,
    void (*op)(struct provider *provider, struct spec *spec,
               provider_done_fn done, void *arg))
{
    struct call  *call;
    struct spec  *spec;

    spec = read_spec(scaler, req);
    call = spec != NULL ? call_new(scaler, req, 202) : NULL;

    if (call == NULL) {
        spec_free(spec);
        return;
    }

    op(scaler->provider, spec, on_done, call);
}


static struct spec *
read_spec(struct scaler *scaler, struct evhttp_request *req)
{
    size_t            len;
    struct spec      *spec;
    struct evbuffer  *body;
    struct faas_err   err;

    body = evhttp_request_get_input_buffer(req);
    len = evbuffer_get_length(body);

    spec = spec_parse((const char *) evbuffer_pullup(body, -1), len,
                      scaler->options.max_replicas, &err);

    if (spec == NULL) {
        answer_error(req, err.code, err.text);
    }

    return spec;
}


/*
 * Answers 400 itself where the body is no object.  Duplicates are refused.
 */
static json_t *
read_object(struct evhttp_request *req, const char *what)
{
    size_t            len;
    json_t           *root;
    struct evbuffer  *body;
    struct faas_err   err;

    body = evhttp_request_get_input_buffer(req);
    len = evbuffer_get_length(body);

    root = spec_read_object((const char *) evbuffer_pullup(body, -1), len,
                            what, &err);

    if (root == NULL) {
        answer_error(req, err.code, err.text);
    }

    return root;
}


static int
name_to_key(const json_t *body, const char *member, char *key)
{
    const char        *name;
    struct faas_name   parsed;

    name = json_string_value(json_object_get(body, member));

    if (name == NULL || faas_name_parse(name, strlen(name), &parsed) != 0) {
        return -1;
    }

    (void) faas_name_key(&parsed, key);

    return 0;
}


static void
answer_json(struct evhttp_request *req, int status, const json_t *value)
{
    char  *text;

    text = value != NULL ? json_dumps(value, JSON_COMPACT) : NULL;

    if (text == NULL) {
        answer_error(req, 500, "no memory");
        return;
    }

    api_answer(req, status, "application/json", text);
    free(text);
}


/*
 * The text and a newline, as Go's http.Error() has it.
 */
static void
answer_error(struct evhttp_request *req, int status, const char *text)
{
    char  line[FAAS_ERR_TEXT_MAX + 2];

    (void) evhttp_add_header(evhttp_request_get_output_headers(req),
                             "X-Content-Type-Options", "nosniff");
    (void) snprintf(line, sizeof(line), "%s\n", text);

    api_answer(req, status, NULL, line);
}

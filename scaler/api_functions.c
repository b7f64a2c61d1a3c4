/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The handlers of the admin API.
 */

#include "api_functions.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "api_call.h"
#include "body.h"


#define USAGE_VALUE_MAX   64            /* bytes of it in a query */
#define ANNOTATION_ERROR  "com.ngx-faas.last-error"


static int read_usage(struct evhttp_request *req, int *has_usage);
static void on_function(void *arg, const struct provider_function *function);
static json_t *status_of(const struct scaler *scaler,
    const struct provider_function *function);
static json_t *annotations_of(const struct provider_function *function);
static void copy_member(json_t *to, const json_t *from, const char *name);
static json_t *without_null(json_t *map);
static void pass_spec(struct scaler *scaler, struct evhttp_request *req,
    void (*op)(struct provider *provider, struct spec *spec,
               provider_done_fn done, void *arg));
static struct spec *read_spec(struct scaler *scaler,
    struct evhttp_request *req);


void
api_list(struct scaler *scaler, struct evhttp_request *req, const char *name)
{
    int           has_usage;
    char          ns[FAAS_NAME_MAX + 1];
    struct call  *call;

    (void) name;

    if (call_namespace(req, NULL, ns) != 0 || read_usage(req, &has_usage) != 0)
    {
        return;
    }

    call = call_new(scaler, req, 200);

    if (call != NULL) {
        call->is_list = 1;
        call->is_asked = 1;
        call->result = json_array();
        scaler->provider->ops->list(scaler->provider, ns, has_usage,
                                    on_function, call_done, call);
    }
}


void
api_get(struct scaler *scaler, struct evhttp_request *req, const char *name)
{
    int           has_usage;
    char          key[FAAS_KEY_MAX + 1];
    struct call  *call;

    if (call_key(req, name, NULL, key) != 0
        || read_usage(req, &has_usage) != 0)
    {
        return;
    }

    call = call_new(scaler, req, 200);

    if (call != NULL) {
        call->is_asked = 1;
        scaler->provider->ops->get(scaler->provider, key, has_usage,
                                   on_function, call_done, call);
    }
}


void
api_deploy(struct scaler *scaler, struct evhttp_request *req,
    const char *name)
{
    (void) name;

    pass_spec(scaler, req, scaler->provider->ops->deploy);
}


void
api_update(struct scaler *scaler, struct evhttp_request *req,
    const char *name)
{
    (void) name;

    pass_spec(scaler, req, scaler->provider->ops->update);
}


void
api_remove(struct scaler *scaler, struct evhttp_request *req,
    const char *name)
{
    char             key[FAAS_KEY_MAX + 1];
    json_t          *body;
    struct call     *call;
    struct faas_err  err;

    body = call_read_body(req, "{\"functionName\": \"NAME\"}");

    if (body == NULL) {
        return;
    }

    name = json_string_value(json_object_get(body, "functionName"));

    if (body_check_text(body, "functionName", 1, &err) != 0) {
        call_answer_error(req, err.code, err.text);

    } else if (call_key(req, name, body, key) == 0) {
        call = call_new(scaler, req, 202);

        if (call != NULL) {
            scaler->provider->ops->remove(scaler->provider, key, call_done,
                                          call);
        }
    }

    json_decref(body);
}


void
api_scale(struct scaler *scaler, struct evhttp_request *req, const char *name)
{
    char          key[FAAS_KEY_MAX + 1];
    json_t       *body, *replicas;
    struct call  *call;

    body = call_read_body(req, "{\"replicas\": N}");

    if (body == NULL) {
        return;
    }

    replicas = json_object_get(body, "replicas");

    if (!json_is_integer(replicas) || json_integer_value(replicas) < 0) {
        call_answer_error(req, 400, "\"replicas\" is no number, 0 or more");

    } else if (call_key(req, name, body, key) == 0) {
        call = call_new(scaler, req, 202);

        if (call != NULL) {
            scaler->provider->ops->scale(scaler->provider, key, (uint64_t)
                                         json_integer_value(replicas),
                                         call_done, call);
        }
    }

    json_decref(body);
}


void
api_health(struct scaler *scaler, struct evhttp_request *req, const char *name)
{
    (void) scaler;
    (void) name;

    call_answer(req, 200, NULL, "OK");
}


/*
 * Returns 0, or -1 after it has answered.
 */
static int
read_usage(struct evhttp_request *req, int *has_usage)
{
    char  value[USAGE_VALUE_MAX];

    if (call_query(req, "usage", value, sizeof(value)) != 0) {
        return -1;
    }

    *has_usage = strcmp(value, "1") == 0 || strcmp(value, "true") == 0;

    return 0;
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
    copy_member(status, from, "image");
    (void) json_object_set_new(status, "namespace", json_string(spec->ns));
    copy_member(status, from, "envProcess");
    copy_member(status, from, "envVars");
    copy_member(status, from, "constraints");
    copy_member(status, from, "secrets");
    copy_member(status, from, "labels");
    (void) json_object_set_new(status, "annotations",
                               annotations_of(function));
    copy_member(status, from, "limits");
    copy_member(status, from, "requests");
    copy_member(status, from, "readOnlyRootFilesystem");

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

    if (function->has_usage) {
        (void) json_object_set_new(status, "usage", json_pack("{s:f, s:f}",
            "cpu", (double) function->cpu_milli,
            "totalMemoryBytes", (double) function->memory));
    }

    return status;
}


/*
 * What was given, and what went wrong.
 */
static json_t *
annotations_of(const struct provider_function *function)
{
    json_t  *annotations;

    annotations = json_object_get(function->spec->deployment, "annotations");

    if (function->error == NULL) {
        return json_incref(annotations);
    }

    annotations = json_copy(annotations);
    (void) json_object_set_new(annotations, ANNOTATION_ERROR,
                               json_string(function->error));

    return annotations;
}


/*
 * As it was given; not where it is absent, null or empty, but for labels,
 * which clients expect to be there.
 */
static void
copy_member(json_t *to, const json_t *from, const char *name)
{
    json_t  *value;

    value = json_object_get(from, name);

    if (value == NULL || json_is_null(value) || json_is_false(value)) {
        return;
    }

    if ((json_is_object(value) && json_object_size(value) == 0
         && strcmp(name, "labels") != 0)
        || (json_is_array(value) && json_array_size(value) == 0)
        || (json_is_string(value) && json_string_length(value) == 0))
    {
        return;
    }

    (void) json_object_set_new(to, name, json_is_object(value)
                                         ? without_null(value)
                                         : json_incref(value));
}


/*
 * A new reference to the map, or to a copy with "" for each null, which is
 * what it means, and clients expect texts.
 */
static json_t *
without_null(json_t *map)
{
    json_t      *copy, *value;
    const char  *name;

    copy = NULL;

    json_object_foreach(map, name, value) {
        if (json_is_null(value)) {
            copy = copy != NULL ? copy : json_copy(map);
            (void) json_object_set_new(copy, name, json_string(""));
        }
    }

    return copy != NULL ? copy : json_incref(map);
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

    op(scaler->provider, spec, call_done, call);
}


static struct spec *
read_spec(struct scaler *scaler, struct evhttp_request *req)
{
    size_t            len;
    const char       *body;
    struct spec      *spec;
    struct faas_err   err;

    body = call_body(req, &len);
    spec = spec_parse(body, len, &scaler->options.scale, &err);

    if (spec == NULL) {
        call_answer_error(req, err.code, err.text);
    }

    return spec;
}

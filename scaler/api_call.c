/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A request to the admin API.
 */

#include "api_call.h"

#include <event2/buffer.h>
#include <event2/keyvalq_struct.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/faas_log.h"

#include "body.h"
#include "text.h"


#define TEXT_TYPE  "text/plain; charset=utf-8"
#define QUERY_MAX  256          /* bytes of a namespace in a query */


static void on_close(struct evhttp_connection *conn, void *arg);
static void answer_text(struct evhttp_request *req, int status,
    const char *text, int has_lines);
static void answer(struct evhttp_request *req, int status, const char *type,
    const char *text, const char *end);


struct call *
call_new(struct scaler *scaler, struct evhttp_request *req, int status)
{
    struct call  *call;

    call = calloc(1, sizeof(*call));

    if (call == NULL) {
        call_answer_error(req, 500, "no memory");
        return NULL;
    }

    call->scaler = scaler;
    call->req = req;
    call->status = status;

    evhttp_connection_set_closecb(evhttp_request_get_connection(req),
                                  on_close, call);

    return call;
}


void
call_done(void *arg, const struct faas_err *err)
{
    struct call            *call;
    struct evhttp_request  *req;

    call = arg;
    req = call->req;

    if (req != NULL) {
        evhttp_connection_set_closecb(evhttp_request_get_connection(req),
                                      NULL, NULL);
    }

    if (req == NULL) {
        faas_log(FAAS_LOG_INFO, "client left before its answer");

    } else if (err->code != 0) {
        faas_log(err->code >= 500 ? FAAS_LOG_ERROR : FAAS_LOG_INFO,
                 "request refused uri=%s error=\"%s\"",
                 evhttp_request_get_uri(req), err->text);
        answer_text(req, err->code >= 400 ? err->code : 500,
                    call->text != NULL ? call->text : err->text,
                    call->text != NULL);

    } else if (call->is_asked) {
        call_answer_json(req, call->status, call->result);

    } else {
        call_answer(req, call->status, NULL, NULL);
    }

    json_decref(call->result);
    free(call);
}


/*
 * The request is freed with its connection.
 */
static void
on_close(struct evhttp_connection *conn, void *arg)
{
    struct call  *call;

    (void) conn;

    call = arg;
    call->req = NULL;
}


const char *
call_body(struct evhttp_request *req, size_t *len)
{
    struct evbuffer  *body;

    body = evhttp_request_get_input_buffer(req);
    *len = evbuffer_get_length(body);

    return (const char *) evbuffer_pullup(body, -1);
}


json_t *
call_read_body(struct evhttp_request *req, const char *what)
{
    size_t            len;
    json_t           *root;
    const char       *body;
    struct faas_err   err;

    body = call_body(req, &len);
    root = body_read(body, len, what, &err);

    if (root == NULL) {
        call_answer_error(req, err.code, err.text);
    }

    return root;
}


int
call_query(struct evhttp_request *req, const char *name, char *value,
    size_t size)
{
    int                 rc;
    const char         *query;
    struct evkeyval    *param;
    struct evkeyvalq    params;
    struct faas_err     err;

    TAILQ_INIT(&params);
    value[0] = '\0';
    rc = 0;
    query = evhttp_uri_get_query(evhttp_request_get_evhttp_uri(req));

    if (query == NULL || query[0] == '\0') {
        return 0;
    }

    if (evhttp_parse_query_str(query, &params) != 0) {
        call_answer_error(req, 400, "the query cannot be read, expected "
                          "NAME=VALUE&...");
        return -1;
    }

    TAILQ_FOREACH(param, &params, next) {

        if (strcmp(param->key, name) != 0) {
            continue;
        }

        rc = snprintf(value, size, "%s", param->value) < (int) size ? 0 : -1;
    }

    evhttp_clear_headers(&params);

    if (rc != 0) {
        (void) faas_err_set(&err, 400, "\"%s\": more than %zu bytes in the "
                            "query", name, size - 1);
        call_answer_error(req, err.code, err.text);
    }

    return rc;
}


int
call_namespace(struct evhttp_request *req, const json_t *body, char *ns)
{
    char              text[QUERY_MAX];
    const char       *given;
    struct faas_err   err;

    if (call_query(req, "namespace", text, sizeof(text)) != 0) {
        return -1;
    }

    if (body_check_text(body, "namespace", 0, &err) != 0) {
        call_answer_error(req, err.code, err.text);
        return -1;
    }

    /* the body has the last word */

    given = json_string_value(json_object_get(body, "namespace"));

    if (given == NULL || given[0] == '\0') {
        given = text[0] != '\0' ? text : FAAS_DEFAULT_NAMESPACE;
    }

    if (!faas_name_is_dns_label(given, strlen(given))) {
        (void) faas_err_set(&err, 400, "\"namespace\": \"%.80s\" is no name, "
                            "expected 1 to %d of a-z, 0-9 and -, beginning "
                            "and ending with a letter or a digit", given,
                            FAAS_NAME_MAX);
        call_answer_error(req, 400, err.text);
        return -1;
    }

    (void) snprintf(ns, FAAS_NAME_MAX + 1, "%.*s", FAAS_NAME_MAX, given);

    return 0;
}


int
call_key(struct evhttp_request *req, const char *name, const json_t *body,
    char *key)
{
    char               ns[FAAS_NAME_MAX + 1];
    struct faas_err    err;
    struct faas_name   parsed;

    if (call_namespace(req, body, ns) != 0) {
        return -1;
    }

    if (faas_name_parse(name, strlen(name), &parsed) != 0) {

        /* one in a path would have made no path */

        (void) faas_err_set(&err, 400, "\"functionName\": \"%.80s\" is no "
                            "name of a function, expected NAME or "
                            "NAME.NAMESPACE", name);
        call_answer_error(req, 400, err.text);
        return -1;
    }

    /* what stands in the name goes before what stands beside it */

    if (parsed.name_len == strlen(name)) {
        parsed.ns = ns;
        parsed.ns_len = strlen(ns);
    }

    (void) faas_name_key(&parsed, key);

    return 0;
}


void
call_answer(struct evhttp_request *req, int status, const char *type,
    const char *text)
{
    answer(req, status, type, text, "");
}


void
call_answer_json(struct evhttp_request *req, int status, const json_t *value)
{
    char  *text;

    text = value != NULL ? json_dumps(value, JSON_COMPACT) : NULL;

    if (text == NULL) {
        call_answer_error(req, 500, "no memory");
        return;
    }

    call_answer(req, status, "application/json", text);
    free(text);
}


void
call_answer_error(struct evhttp_request *req, int status, const char *text)
{
    answer_text(req, status, text, 0);
}


/*
 * Some of it is what a client sent.
 */
static void
answer_text(struct evhttp_request *req, int status, const char *text,
    int has_lines)
{
    char  *clean;

    clean = strdup(text);

    if (clean != NULL) {
        text_clean(clean, has_lines);
    }

    (void) evhttp_add_header(evhttp_request_get_output_headers(req),
                             "X-Content-Type-Options", "nosniff");

    answer(req, status, NULL, clean != NULL ? clean : "no memory", "\n");
    free(clean);
}


static void
answer(struct evhttp_request *req, int status, const char *type,
    const char *text, const char *end)
{
    struct evbuffer    *body;
    struct evkeyvalq   *headers;

    headers = evhttp_request_get_output_headers(req);
    body = evbuffer_new();

    if (body == NULL) {
        evhttp_send_error(req, 500, NULL);
        return;
    }

    (void) evhttp_add_header(headers, "Content-Type",
                             type != NULL ? type : TEXT_TYPE);

    if (text != NULL) {
        (void) evbuffer_add(body, text, strlen(text));
        (void) evbuffer_add(body, end, strlen(end));
    }

    evhttp_send_reply(req, status, NULL, body);
    evbuffer_free(body);
}

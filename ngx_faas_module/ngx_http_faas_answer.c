
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the gateway answers in a function's stead: a small JSON object that
 * says what happened, where (hop), and which setting to look at; and the same
 * in the error log.  Texts of 404 and 503 are those that clients of OpenFaaS
 * know.  X-OpenFaaS-Internal marks it, so that nobody takes it for the
 * function's own.
 */


#include "ngx_http_faas.h"


#define NGX_HTTP_FAAS_TEXT_MAX  512     /* bytes of an error's text */


/* what is wrong; log is the level at which it is logged */

typedef struct {
    ngx_uint_t             status;
    ngx_uint_t             log;
    const char            *hop;
    const char            *setting;
    ngx_str_t              error;
    unsigned               is_temporary:1;  /* Retry-After */
} ngx_http_faas_fault_t;


/* statuses that nginx comes to by itself, see faas_error */

typedef struct {
    ngx_uint_t             status;
    const char            *hop;
    const char            *error;
    const char            *setting;
} ngx_http_faas_known_t;


static ngx_int_t ngx_http_faas_answer(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx, ngx_http_faas_fault_t *fault);
static void ngx_http_faas_not_loaded(ngx_http_faas_fault_t *fault);
static void ngx_http_faas_fault_init(ngx_http_faas_fault_t *fault,
    ngx_uint_t status, ngx_uint_t log, const char *hop, const char *setting);
static void ngx_http_faas_log_fault(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx, ngx_http_faas_fault_t *fault);
static ngx_int_t ngx_http_faas_send_fault(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx, ngx_http_faas_fault_t *fault);
static u_char *ngx_http_faas_member(u_char *p, const char *name,
    ngx_str_t *value);
static void ngx_http_faas_fault_name(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx, ngx_str_t *name);
static ngx_http_faas_prefix_t *ngx_http_faas_find_prefix(
    ngx_http_request_t *r);
static void ngx_http_faas_fault_of(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx, ngx_uint_t status,
    ngx_http_faas_fault_t *fault);
static ngx_int_t ngx_http_faas_mark(ngx_http_request_t *r);


static ngx_str_t  ngx_http_faas_text_plain =
    ngx_string("text/plain; charset=utf-8");
static ngx_str_t  ngx_http_faas_json = ngx_string("application/json");

static ngx_str_t  ngx_http_faas_gateway_value = ngx_string("gateway");
static ngx_str_t  ngx_http_faas_nosniff_value = ngx_string("nosniff");
static ngx_str_t  ngx_http_faas_retry_value = ngx_string("1");
static ngx_str_t  ngx_http_faas_no_page =
    ngx_string("404 page not found\n");
static ngx_str_t  ngx_http_faas_ok = ngx_string("OK");


static ngx_http_faas_known_t  ngx_http_faas_known[] = {

    { NGX_HTTP_REQUEST_ENTITY_TOO_LARGE, "gateway",
      "the body of the request is too large", "client_max_body_size" },

    { NGX_HTTP_TOO_MANY_REQUESTS, "gateway",
      "too many requests", "limit_req, limit_conn" },

    { NGX_HTTP_INTERNAL_SERVER_ERROR, "gateway",
      "the gateway has failed, its error log says why", "error_log" },

    { NGX_HTTP_BAD_GATEWAY, "replica",
      "the replica closed or refused the connection before it answered",
      "proxy_next_upstream_tries" },

    { NGX_HTTP_SERVICE_UNAVAILABLE, "gateway",
      "too many requests", "limit_req, limit_conn" },

    { NGX_HTTP_GATEWAY_TIME_OUT, "replica",
      "the function gave no answer in time", "proxy_read_timeout" },

    { 0, "gateway", "the gateway refuses the request", "error_log" }
};


ngx_int_t
ngx_http_faas_answer_unknown(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx)
{
    u_char                 text[NGX_HTTP_FAAS_TEXT_MAX];
    ngx_http_faas_fault_t  fault;

    if (ctx == NULL) {

        /* as for any other path that nobody serves */

        if (ngx_http_faas_mark(r) != NGX_OK) {
            return NGX_HTTP_INTERNAL_SERVER_ERROR;
        }

        ngx_http_finalize_request(r, ngx_http_faas_answer_text(r,
                                         NGX_HTTP_NOT_FOUND,
                                         &ngx_http_faas_no_page));
        return NGX_DONE;
    }

    ngx_http_faas_fault_init(&fault, NGX_HTTP_NOT_FOUND, NGX_LOG_INFO,
                             "gateway", "");

    fault.error.data = text;
    fault.error.len = ngx_snprintf(text, sizeof(text), "error finding function "
                                   "%V: server returned non-200 status code "
                                   "(404) for function, %V, body: not found",
                                   &ctx->key, &ctx->function)
                      - text;

    return ngx_http_faas_answer(r, ctx, &fault);
}


ngx_int_t
ngx_http_faas_answer_no_replica(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx)
{
    u_char                 text[NGX_HTTP_FAAS_TEXT_MAX];
    ngx_http_faas_fn_t    *f;
    ngx_http_faas_fault_t  fault;

    f = &ctx->conf->zone->sh->fn[ctx->fn];

    ngx_http_faas_fault_init(&fault, NGX_HTTP_SERVICE_UNAVAILABLE,
                             NGX_LOG_ERR, "gateway", ctx->setting);
    fault.error.data = text;

    if (ctx->parked == 0) {
        fault.error.len = ngx_snprintf(text, sizeof(text),
                                       "No endpoints available for: %V.",
                                       &ctx->function)
                          - text;
    } else {
        fault.error.len = ngx_snprintf(text, sizeof(text),
                                       "No endpoints available for: %V. "
                                       "(waited %uLms for %s)",
                                       &ctx->function, ctx->parked / 1000,
                                       f->n == 0 ? "a replica"
                                       : "one below its max_inflight")
                          - text;
    }

    return ngx_http_faas_answer(r, ctx, &fault);
}


ngx_int_t
ngx_http_faas_answer_not_loaded(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx)
{
    ngx_http_faas_fault_t  fault;

    ngx_http_faas_not_loaded(&fault);

    return ngx_http_faas_answer(r, ctx, &fault);
}


ngx_int_t
ngx_http_faas_answer_full(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx)
{
    ngx_http_faas_fault_t  fault;

    ngx_http_faas_fault_init(&fault, NGX_HTTP_TOO_MANY_REQUESTS,
                             NGX_LOG_WARN, "gateway", ctx->setting);
    ngx_str_set(&fault.error, "too many requests wait for the function");

    return ngx_http_faas_answer(r, ctx, &fault);
}


ngx_int_t
ngx_http_faas_answer_busy(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx)
{
    ngx_http_faas_fault_t  fault;

    ngx_http_faas_fault_init(&fault, NGX_HTTP_TOO_MANY_REQUESTS,
                             NGX_LOG_WARN, "gateway", "max_inflight");
    ngx_str_set(&fault.error, "all replicas of the function are busy, and no "
                              "request may wait");

    return ngx_http_faas_answer(r, ctx, &fault);
}


ngx_int_t
ngx_http_faas_answer_refused(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx)
{
    ngx_http_faas_fault_t  fault;

    ngx_http_faas_fault_of(r, ctx, NGX_HTTP_BAD_GATEWAY, &fault);

    return ngx_http_faas_answer(r, ctx, &fault);
}


ngx_int_t
ngx_http_faas_answer_error(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx,
    ngx_uint_t status, const char *hop, const char *setting, ngx_str_t *error)
{
    ngx_http_faas_fault_t  fault;

    ngx_http_faas_fault_init(&fault, status,
                             status >= NGX_HTTP_INTERNAL_SERVER_ERROR
                             ? NGX_LOG_ERR : NGX_LOG_INFO, hop, setting);
    fault.error = *error;

    ngx_http_faas_log_fault(r, ctx, &fault);

    return ngx_http_faas_send_fault(r, ctx, &fault);
}


ngx_int_t
ngx_http_faas_answer_text(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *text)
{
    ngx_http_complex_value_t  cv;

    ngx_memzero(&cv, sizeof(ngx_http_complex_value_t));

    if (text != NULL) {
        cv.value = *text;
    }

    return ngx_http_send_response(r, status, &ngx_http_faas_text_plain, &cv);
}


ngx_int_t
ngx_http_faas_health_handler(ngx_http_request_t *r)
{
    ngx_http_faas_fault_t       fault;
    ngx_http_faas_main_conf_t  *fmcf;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_http_faas_answer_text(r, NGX_HTTP_NOT_ALLOWED, NULL);
    }

    fmcf = ngx_http_get_module_main_conf(r, ngx_http_faas_module);

    /* with its routes in memory it serves, whatever Redis does */

    if (!ngx_http_faas_load(&fmcf->zone->sh->h->is_loaded)) {
        ngx_http_faas_not_loaded(&fault);
        return ngx_http_faas_send_fault(r, NULL, &fault);
    }

    return ngx_http_faas_answer_text(r, NGX_HTTP_OK, &ngx_http_faas_ok);
}


/*
 * For "error_page 502 ... = @name": says who failed, and what to look at.
 */

ngx_int_t
ngx_http_faas_error_handler(ngx_http_request_t *r)
{
    ngx_int_t              rc;
    ngx_uint_t             status;
    ngx_http_faas_ctx_t   *ctx;
    ngx_http_faas_fault_t  fault;

    ctx = ngx_http_faas_get_ctx(r);
    status = r->err_status;

    if (status < NGX_HTTP_BAD_REQUEST) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "faas_error is only for the error_page of a location "
                      "with faas_function");
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (ctx != NULL && ctx->is_counted && status == NGX_HTTP_BAD_GATEWAY) {
        rc = ngx_http_faas_admit_again(r, ctx);

        if (rc != NGX_DECLINED) {
            return rc;
        }
    }

    ngx_http_faas_fault_of(r, ctx, status, &fault);
    ngx_http_faas_log_fault(r, ctx, &fault);

    return ngx_http_faas_send_fault(r, ctx, &fault);
}


/*
 * A phase handler ends the request itself; the engine is told to stop.
 */

static ngx_int_t
ngx_http_faas_answer(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx,
    ngx_http_faas_fault_t *fault)
{
    ngx_http_faas_log_fault(r, ctx, fault);

    ngx_http_finalize_request(r, ngx_http_faas_send_fault(r, ctx, fault));

    return NGX_DONE;
}


static void
ngx_http_faas_not_loaded(ngx_http_faas_fault_t *fault)
{
    ngx_http_faas_fault_init(fault, NGX_HTTP_SERVICE_UNAVAILABLE, NGX_LOG_ERR,
                             "redis", "faas_redis");
    ngx_str_set(&fault->error, "the gateway has not read its routes from "
                               "Redis yet");
}


static void
ngx_http_faas_fault_init(ngx_http_faas_fault_t *fault, ngx_uint_t status,
    ngx_uint_t log, const char *hop, const char *setting)
{
    ngx_memzero(fault, sizeof(ngx_http_faas_fault_t));

    fault->status = status;
    fault->log = log;
    fault->hop = hop;
    fault->setting = setting;
    fault->is_temporary = (status == NGX_HTTP_TOO_MANY_REQUESTS
                           || status == NGX_HTTP_SERVICE_UNAVAILABLE);
}


static void
ngx_http_faas_log_fault(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx,
    ngx_http_faas_fault_t *fault)
{
    ngx_str_t  function, replica;

    ngx_str_set(&replica, "");

    ngx_http_faas_fault_name(r, ctx, &function);

    if (ctx != NULL) {
        replica = ctx->replica;
    }

    ngx_log_error(fault->log, r->connection->log, 0,
                  "faas: %ui, %V; hop: %s, function: \"%V\", replica: \"%V\", "
                  "setting: %s", fault->status, &fault->error, fault->hop,
                  &function, &replica, fault->setting);
}


static ngx_int_t
ngx_http_faas_send_fault(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx,
    ngx_http_faas_fault_t *fault)
{
    u_char                    *p;
    size_t                     size;
    ngx_str_t                  function, replica, hop, setting, call_id;
    ngx_http_complex_value_t   cv;

    ngx_str_null(&replica);
    ngx_str_null(&call_id);

    ngx_http_faas_fault_name(r, ctx, &function);

    if (ctx != NULL) {
        replica = ctx->replica;
        call_id = ctx->call_id;
    }

    hop.data = (u_char *) fault->hop;
    hop.len = ngx_strlen(fault->hop);
    setting.data = (u_char *) fault->setting;
    setting.len = ngx_strlen(fault->setting);

    /* each byte may become \u00XX */

    size = sizeof("{\"error\":\"\",\"hop\":\"\",\"function\":\"\","
                  "\"replica\":\"\",\"setting\":\"\",\"call_id\":\"\"}\n")
           + 6 * (fault->error.len + hop.len + function.len + replica.len
                  + setting.len + call_id.len);

    p = ngx_pnalloc(r->pool, size);

    if (p == NULL || ngx_http_faas_mark(r) != NGX_OK
        || (fault->is_temporary
            && ngx_http_faas_add_header(r, "Retry-After",
                                        &ngx_http_faas_retry_value)
               != NGX_OK))
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_memzero(&cv, sizeof(ngx_http_complex_value_t));
    cv.value.data = p;

    p = ngx_http_faas_member(p, "{\"error\":\"", &fault->error);
    p = ngx_http_faas_member(p, "\",\"hop\":\"", &hop);
    p = ngx_http_faas_member(p, "\",\"function\":\"", &function);

    if (replica.len != 0) {
        p = ngx_http_faas_member(p, "\",\"replica\":\"", &replica);
    }

    p = ngx_http_faas_member(p, "\",\"setting\":\"", &setting);
    p = ngx_http_faas_member(p, "\",\"call_id\":\"", &call_id);
    p = ngx_cpymem(p, "\"}\n", 3);

    cv.value.len = p - cv.value.data;

    return ngx_http_send_response(r, fault->status, &ngx_http_faas_json, &cv);
}


static u_char *
ngx_http_faas_member(u_char *p, const char *name, ngx_str_t *value)
{
    p = ngx_cpymem(p, name, ngx_strlen(name));

    return (u_char *) ngx_escape_json(p, value->data, value->len);
}


/*
 * An error before admission (413 and the like) is still an error of the
 * function whose name is in the path.
 */

static void
ngx_http_faas_fault_name(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx,
    ngx_str_t *name)
{
    u_char                  *p, *last;
    ngx_http_faas_prefix_t  *prefix;

    if (ctx != NULL) {
        *name = ctx->key;
        return;
    }

    ngx_str_set(name, "");

    prefix = ngx_http_faas_find_prefix(r);

    if (prefix == NULL) {
        return;
    }

    p = r->uri.data + prefix->name.len;
    last = r->uri.data + r->uri.len;

    name->data = p;

    while (p < last && *p != '/' && p - name->data < FAAS_KEY_MAX) {
        p++;
    }

    name->len = p - name->data;
}


static ngx_http_faas_prefix_t *
ngx_http_faas_find_prefix(ngx_http_request_t *r)
{
    ngx_uint_t                  i;
    ngx_http_faas_prefix_t     *prefix;
    ngx_http_faas_main_conf_t  *fmcf;

    fmcf = ngx_http_get_module_main_conf(r, ngx_http_faas_module);

    if (fmcf->prefixes == NULL) {
        return NULL;
    }

    prefix = fmcf->prefixes->elts;

    for (i = 0; i < fmcf->prefixes->nelts; i++) {
        if (r->uri.len > prefix[i].name.len
            && ngx_memcmp(r->uri.data, prefix[i].name.data,
                          prefix[i].name.len) == 0)
        {
            return &prefix[i];
        }
    }

    return NULL;
}


static void
ngx_http_faas_fault_of(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx,
    ngx_uint_t status, ngx_http_faas_fault_t *fault)
{
    ngx_http_faas_known_t   *known;
    ngx_http_faas_prefix_t  *prefix;

    for (known = ngx_http_faas_known; known->status != 0; known++) {
        if (known->status == status) {
            break;
        }
    }

    ngx_http_faas_fault_init(fault, status,
                             status >= NGX_HTTP_INTERNAL_SERVER_ERROR
                             ? NGX_LOG_ERR : NGX_LOG_INFO,
                             known->hop, known->setting);
    fault->error.data = (u_char *) known->error;
    fault->error.len = ngx_strlen(known->error);

    if (status == NGX_HTTP_REQUEST_ENTITY_TOO_LARGE) {
        prefix = ngx_http_faas_find_prefix(r);

        if (prefix != NULL && prefix->is_async) {
            fault->setting = "faas_async_max_body";
        }
    }

    if (ctx != NULL && ctx->is_late) {
        ngx_str_set(&fault->error, "the call took longer than the function's "
                                   "exec_timeout allows");
        fault->setting = "exec_timeout";

    } else if (ctx != NULL && ctx->is_lost && status == NGX_HTTP_BAD_GATEWAY) {
        ngx_str_set(&fault->error, "the replica was lost before it answered, "
                                   "and the request is none that may be sent "
                                   "twice");
    }
}


static ngx_int_t
ngx_http_faas_mark(ngx_http_request_t *r)
{
    if (ngx_http_faas_add_header(r, "X-OpenFaaS-Internal",
                                 &ngx_http_faas_gateway_value)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_faas_add_header(r, "X-Content-Type-Options",
                                    &ngx_http_faas_nosniff_value);
}

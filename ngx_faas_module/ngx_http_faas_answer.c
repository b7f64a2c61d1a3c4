
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the gateway answers in a function's stead.  The texts of 404 and 503
 * are those that clients of OpenFaaS know.  All of it is marked by
 * X-OpenFaaS-Internal, so that nobody takes it for the function's own.
 */


#include "ngx_http_faas.h"


static ngx_int_t ngx_http_faas_answer(ngx_http_request_t *r,
    ngx_uint_t status, ngx_str_t *text);
static ngx_int_t ngx_http_faas_send(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *type, ngx_str_t *body);
static ngx_int_t ngx_http_faas_mark(ngx_http_request_t *r);


static ngx_str_t  ngx_http_faas_text_plain =
    ngx_string("text/plain; charset=utf-8");
static ngx_str_t  ngx_http_faas_json = ngx_string("application/json");

static ngx_str_t  ngx_http_faas_gateway_value = ngx_string("gateway");
static ngx_str_t  ngx_http_faas_nosniff_value = ngx_string("nosniff");
static ngx_str_t  ngx_http_faas_retry_value = ngx_string("1");

static ngx_str_t  ngx_http_faas_no_page =
    ngx_string("404 page not found\n");
static ngx_str_t  ngx_http_faas_not_loaded =
    ngx_string("The gateway has not read its routes from Redis yet; "
               "see faas_redis and nginx's error log.\n");
static ngx_str_t  ngx_http_faas_ok = ngx_string("OK");
static ngx_str_t  ngx_http_faas_empty = ngx_string("");


ngx_int_t
ngx_http_faas_answer_unknown(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx)
{
    u_char     *p;
    ngx_str_t   text;

    static const char  format[] = "error finding function %V: server returned "
        "non-200 status code (404) for function, %V, body: not found";

    if (ctx == NULL) {
        return ngx_http_faas_answer(r, NGX_HTTP_NOT_FOUND,
                                    &ngx_http_faas_no_page);
    }

    p = ngx_pnalloc(r->pool, sizeof(format) + 2 * ctx->key.len);
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    text.data = p;
    text.len = ngx_sprintf(p, format, &ctx->key, &ctx->function) - p;

    ngx_log_error(NGX_LOG_INFO, r->connection->log, 0,
                  "faas: no function \"%V\" is deployed", &ctx->key);

    return ngx_http_faas_answer(r, NGX_HTTP_NOT_FOUND, &text);
}


ngx_int_t
ngx_http_faas_answer_no_replica(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx)
{
    u_char     *p;
    ngx_str_t   text;

    static const char  format[] = "No endpoints available for: %V.\n";

    p = ngx_pnalloc(r->pool, sizeof(format) + ctx->function.len);
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    text.data = p;
    text.len = ngx_sprintf(p, format, &ctx->function) - p;

    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "faas: function \"%V\" has no replica", &ctx->key);

    return ngx_http_faas_answer(r, NGX_HTTP_SERVICE_UNAVAILABLE, &text);
}


ngx_int_t
ngx_http_faas_answer_not_loaded(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx)
{
    ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                  "faas: function \"%V\" was called before the routes were "
                  "read from Redis at \"%V\"",
                  &ctx->key, &ctx->conf->redis.addr);

    if (ngx_http_faas_add_header(r, "Retry-After",
                                 &ngx_http_faas_retry_value)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_faas_answer(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                &ngx_http_faas_not_loaded);
}


ngx_int_t
ngx_http_faas_health_handler(ngx_http_request_t *r)
{
    ngx_http_faas_main_conf_t  *fmcf;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return NGX_HTTP_NOT_ALLOWED;
    }

    fmcf = ngx_http_get_module_main_conf(r, ngx_http_faas_module);

    /* with its routes in memory it serves, whatever Redis does */

    if (!ngx_http_faas_load(&fmcf->zone->sh->is_loaded)) {
        return ngx_http_faas_send(r, NGX_HTTP_SERVICE_UNAVAILABLE,
                                  &ngx_http_faas_text_plain,
                                  &ngx_http_faas_not_loaded);
    }

    return ngx_http_faas_send(r, NGX_HTTP_OK, &ngx_http_faas_text_plain,
                              &ngx_http_faas_ok);
}


/*
 * For "error_page 502 504 = @name": says who failed, and what to look at.
 */

ngx_int_t
ngx_http_faas_error_handler(ngx_http_request_t *r)
{
    u_char               *p;
    ngx_str_t             body;
    ngx_uint_t            status;
    const char           *what, *setting;
    ngx_http_faas_ctx_t  *ctx;

    static const char  format[] = "{\"error\":\"%s\",\"hop\":\"replica\","
        "\"function\":\"%V\",\"replica\":\"%V\",\"setting\":\"%s\","
        "\"call_id\":\"%V\"}\n";

    ctx = ngx_http_faas_get_ctx(r);
    status = r->err_status;

    if (ctx == NULL || status < NGX_HTTP_SPECIAL_RESPONSE) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "faas_error is only for the error_page of a location "
                      "with faas_function");
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (status == NGX_HTTP_GATEWAY_TIME_OUT) {
        what = "the function gave no answer in time";
        setting = "proxy_read_timeout";

    } else {
        what = "the replica closed or refused the connection before it "
               "answered";
        setting = "proxy_next_upstream_tries";
    }

    p = ngx_pnalloc(r->pool, sizeof(format) + ngx_strlen(what)
                             + ngx_strlen(setting) + ctx->key.len
                             + ctx->replica.len + FAAS_UUID_LEN);
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    body.data = p;

    /* a client's own call id may hold anything: only ours is repeated */

    body.len = ngx_sprintf(p, format, what, &ctx->key, &ctx->replica, setting,
                           ctx->is_new_call_id ? &ctx->call_id
                                               : &ngx_http_faas_empty)
               - p;

    return ngx_http_faas_send(r, status, &ngx_http_faas_json, &body);
}


/*
 * A phase handler ends the request itself; the engine is told to stop.
 */

static ngx_int_t
ngx_http_faas_answer(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *text)
{
    ngx_http_finalize_request(r, ngx_http_faas_send(r, status,
                                                &ngx_http_faas_text_plain,
                                                text));
    return NGX_DONE;
}


static ngx_int_t
ngx_http_faas_send(ngx_http_request_t *r, ngx_uint_t status, ngx_str_t *type,
    ngx_str_t *body)
{
    ngx_http_complex_value_t  cv;

    if (status >= NGX_HTTP_SPECIAL_RESPONSE
        && ngx_http_faas_mark(r) != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_memzero(&cv, sizeof(ngx_http_complex_value_t));
    cv.value = *body;

    return ngx_http_send_response(r, status, type, &cv);
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

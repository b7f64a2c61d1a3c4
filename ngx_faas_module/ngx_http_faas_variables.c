
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Variables: $faas_function, $faas_namespace, $faas_host (both, with a dot
 * between), $faas_uri, $faas_replica, $faas_call_id, $faas_start_time,
 * $faas_traceparent, $faas_trace_id, $faas_parked_ms, $faas_tries.
 */


#include "ngx_http_faas.h"


static ngx_int_t ngx_http_faas_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static void ngx_http_faas_variable_set(ngx_http_variable_value_t *v,
    u_char *data, size_t len);
static ngx_int_t ngx_http_faas_trace_id_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);
static ngx_int_t ngx_http_faas_number_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data);


/*
 * What does not change while a request is a call of one function is kept by
 * nginx, which is cheaper; ngx_http_faas_forget_variables() when it becomes
 * another's.
 */

static ngx_http_variable_t  ngx_http_faas_vars[] = {

    { ngx_string("faas_function"), NULL, ngx_http_faas_variable,
      offsetof(ngx_http_faas_ctx_t, function), 0, 0 },

    { ngx_string("faas_namespace"), NULL, ngx_http_faas_variable,
      offsetof(ngx_http_faas_ctx_t, ns), 0, 0 },

    { ngx_string("faas_uri"), NULL, ngx_http_faas_variable,
      offsetof(ngx_http_faas_ctx_t, uri), 0, 0 },

    { ngx_string("faas_replica"), NULL, ngx_http_faas_variable,
      offsetof(ngx_http_faas_ctx_t, replica), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("faas_call_id"), NULL, ngx_http_faas_variable,
      offsetof(ngx_http_faas_ctx_t, call_id), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("faas_start_time"), NULL, ngx_http_faas_variable,
      offsetof(ngx_http_faas_ctx_t, start_time), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("faas_traceparent"), NULL, ngx_http_faas_variable,
      offsetof(ngx_http_faas_ctx_t, trace), NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("faas_trace_id"), NULL, ngx_http_faas_trace_id_variable,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("faas_parked_ms"), NULL, ngx_http_faas_number_variable,
      0, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("faas_tries"), NULL, ngx_http_faas_number_variable,
      1, NGX_HTTP_VAR_NOCACHEABLE, 0 },

    { ngx_string("faas_host"), NULL, ngx_http_faas_variable,
      offsetof(ngx_http_faas_ctx_t, key), 0, 0 },

      ngx_http_null_variable
};


/* those without NGX_HTTP_VAR_NOCACHEABLE, and where nginx keeps them */

#define NGX_HTTP_FAAS_KEPT  4

static ngx_uint_t  ngx_http_faas_kept[NGX_HTTP_FAAS_KEPT];


ngx_int_t
ngx_http_faas_add_variables(ngx_conf_t *cf)
{
    ngx_int_t             index;
    ngx_uint_t            n;
    ngx_http_variable_t  *var, *v;

    n = 0;

    for (v = ngx_http_faas_vars; v->name.len; v++) {
        var = ngx_http_add_variable(cf, &v->name, v->flags);
        if (var == NULL) {
            return NGX_ERROR;
        }

        var->get_handler = v->get_handler;
        var->data = v->data;

        if (v->flags & NGX_HTTP_VAR_NOCACHEABLE) {
            continue;
        }

        index = ngx_http_get_variable_index(cf, &v->name);

        if (index == NGX_ERROR) {
            return NGX_ERROR;
        }

        ngx_http_faas_kept[n++] = (ngx_uint_t) index;
    }

    return NGX_OK;
}


void
ngx_http_faas_forget_variables(ngx_http_request_t *r)
{
    ngx_uint_t                  i;
    ngx_http_variable_value_t  *v;

    for (i = 0; i < NGX_HTTP_FAAS_KEPT; i++) {
        v = &r->variables[ngx_http_faas_kept[i]];

        v->valid = 0;
        v->not_found = 0;
    }
}


static ngx_int_t
ngx_http_faas_variable(ngx_http_request_t *r, ngx_http_variable_value_t *v,
    uintptr_t data)
{
    ngx_str_t            *value;
    ngx_http_faas_ctx_t  *ctx;

    ctx = ngx_http_faas_get_ctx(r);

    if (ctx == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    value = (ngx_str_t *) ((char *) ctx + data);

    if (value->len == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    ngx_http_faas_variable_set(v, value->data, value->len);

    return NGX_OK;
}


static void
ngx_http_faas_variable_set(ngx_http_variable_value_t *v, u_char *data,
    size_t len)
{
    v->data = data;
    v->len = len;
    v->valid = 1;
    v->no_cacheable = 0;
    v->not_found = 0;
}


static ngx_int_t
ngx_http_faas_trace_id_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    ngx_http_faas_ctx_t  *ctx;

    ctx = ngx_http_faas_get_ctx(r);

    if (ctx == NULL || ctx->trace.len == 0) {
        v->not_found = 1;
        return NGX_OK;
    }

    ngx_http_faas_variable_set(v, ctx->trace.data + FAAS_TRACE_ID,
                               FAAS_TRACE_ID_LEN);

    return NGX_OK;
}


/*
 * data: 0, milliseconds parked; 1, tries.
 */

static ngx_int_t
ngx_http_faas_number_variable(ngx_http_request_t *r,
    ngx_http_variable_value_t *v, uintptr_t data)
{
    u_char               *p;
    uint64_t              n;
    ngx_http_faas_ctx_t  *ctx;

    ctx = ngx_http_faas_get_ctx(r);

    if (ctx == NULL) {
        v->not_found = 1;
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, NGX_INT64_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    n = (data == 0) ? ctx->parked / 1000 : ctx->tries;

    ngx_http_faas_variable_set(v, p, ngx_sprintf(p, "%uL", n) - p);

    return NGX_OK;
}

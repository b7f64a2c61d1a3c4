
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The header filter: each answer to a function call carries X-Call-Id and
 * X-Start-Time, unless the function has set its own.
 */


#include "ngx_http_faas.h"


static ngx_int_t ngx_http_faas_header_filter(ngx_http_request_t *r);
static ngx_int_t ngx_http_faas_has_header(ngx_http_request_t *r,
    ngx_str_t *name);


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;

static ngx_str_t  ngx_http_faas_call_id_header = ngx_string("X-Call-Id");
static ngx_str_t  ngx_http_faas_start_header = ngx_string("X-Start-Time");


void
ngx_http_faas_headers_init(void)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_faas_header_filter;
}


ngx_int_t
ngx_http_faas_add_header(ngx_http_request_t *r, const char *name,
    ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);
    h->value = *value;
    h->lowcase_key = NULL;
    ngx_http_faas_header_init(h);

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_header_filter(ngx_http_request_t *r)
{
    ngx_http_faas_ctx_t  *ctx;

    if (r != r->main) {
        return ngx_http_next_header_filter(r);
    }

    ctx = ngx_http_faas_get_ctx(r);

    if (ctx == NULL || ctx->call_id.len == 0) {
        return ngx_http_next_header_filter(r);
    }

    if (!ngx_http_faas_has_header(r, &ngx_http_faas_call_id_header)
        && ngx_http_faas_add_header(r, "X-Call-Id", &ctx->call_id) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!ngx_http_faas_has_header(r, &ngx_http_faas_start_header)
        && ngx_http_faas_add_header(r, "X-Start-Time", &ctx->start_time)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_next_header_filter(r);
}


static ngx_int_t
ngx_http_faas_has_header(ngx_http_request_t *r, ngx_str_t *name)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &r->headers_out.headers.part; part != NULL; part = part->next)
    {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].hash != 0 && h[i].key.len == name->len
                && ngx_strncasecmp(h[i].key.data, name->data, name->len) == 0)
            {
                return 1;
            }
        }
    }

    return 0;
}

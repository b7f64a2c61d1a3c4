
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Which function a request means, and the URI that the function sees.
 *
 *   /function/NAME[.NAMESPACE][/REST][?QUERY]  ->  /REST[?QUERY]
 *
 * The name is taken from the normalised URI, by which nginx chose the
 * location.  The rest is taken from the URI as the client sent it, so that
 * "%2F" and the like survive; unless that one has to be normalised before it
 * says the same ("//", "/./", "/../", an escaped prefix or name): then the
 * normalised one is sent on, escaped anew.
 */


#include "ngx_http_faas.h"


static ngx_int_t ngx_http_faas_route_name(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx, ngx_str_t *addressed);
static ngx_int_t ngx_http_faas_route_uri(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx, size_t skip);
static ngx_int_t ngx_http_faas_route_escape(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx, size_t skip);


ngx_int_t
ngx_http_faas_route(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx)
{
    u_char                    *p, *last;
    size_t                     skip;
    ngx_str_t                  addressed;
    ngx_http_core_loc_conf_t  *clcf;
    ngx_http_faas_loc_conf_t  *flcf;

    flcf = ngx_http_get_module_loc_conf(r, ngx_http_faas_module);

    if (flcf->name != NULL) {

        if (ngx_http_complex_value(r, flcf->name, &addressed) != NGX_OK) {
            return NGX_ERROR;
        }

        skip = 0;

    } else {
        clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

        /* a location "/function/" ends in the slash before the name */

        if (r->uri.len < clcf->name.len) {
            return NGX_DECLINED;
        }

        p = r->uri.data + clcf->name.len;
        last = r->uri.data + r->uri.len;

        addressed.data = p;

        while (p < last && *p != '/') {
            p++;
        }

        addressed.len = p - addressed.data;
        skip = clcf->name.len + addressed.len;
    }

    if (ngx_http_faas_route_name(r, ctx, &addressed) != NGX_OK) {
        return NGX_DECLINED;
    }

    return ngx_http_faas_route_uri(r, ctx, skip);
}


static ngx_int_t
ngx_http_faas_route_name(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx,
    ngx_str_t *addressed)
{
    struct faas_name  name;

    if (faas_name_parse((char *) addressed->data, addressed->len, &name)
        != 0)
    {
        return NGX_DECLINED;
    }

    ctx->key.data = ngx_pnalloc(r->pool, FAAS_KEY_MAX + 1);
    if (ctx->key.data == NULL) {
        return NGX_ERROR;
    }

    ctx->key.len = faas_name_key(&name, (char *) ctx->key.data);

    ctx->function.data = ctx->key.data;
    ctx->function.len = name.name_len;
    ctx->ns.data = ctx->key.data + name.name_len + 1;
    ctx->ns.len = name.ns_len;

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_route_uri(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx,
    size_t skip)
{
    u_char  *p;
    size_t   len;

    if (!r->valid_unparsed_uri || r->complex_uri
        || r->unparsed_uri.len < skip
        || ngx_memcmp(r->unparsed_uri.data, r->uri.data, skip) != 0)
    {
        return ngx_http_faas_route_escape(r, ctx, skip);
    }

    p = r->unparsed_uri.data + skip;
    len = r->unparsed_uri.len - skip;

    if (len != 0 && *p == '/') {
        ctx->uri.data = p;
        ctx->uri.len = len;
        return NGX_OK;
    }

    if (len != 0 && *p != '?') {
        return ngx_http_faas_route_escape(r, ctx, skip);
    }

    ctx->uri.data = ngx_pnalloc(r->pool, len + 1);
    if (ctx->uri.data == NULL) {
        return NGX_ERROR;
    }

    ctx->uri.len = len + 1;
    ctx->uri.data[0] = '/';
    ngx_memcpy(ctx->uri.data + 1, p, len);

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_route_escape(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx,
    size_t skip)
{
    u_char  *p, *rest;
    size_t   len, escaped;

    rest = r->uri.data + skip;
    len = r->uri.len - skip;

    escaped = 2 * ngx_escape_uri(NULL, rest, len, NGX_ESCAPE_URI);

    p = ngx_pnalloc(r->pool, 1 + len + escaped + 1 + r->args.len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ctx->uri.data = p;

    if (len == 0) {
        *p++ = '/';
    }

    p = (u_char *) ngx_escape_uri(p, rest, len, NGX_ESCAPE_URI);

    if (r->args.len != 0) {
        *p++ = '?';
        p = ngx_cpymem(p, r->args.data, r->args.len);
    }

    ctx->uri.len = p - ctx->uri.data;

    return NGX_OK;
}

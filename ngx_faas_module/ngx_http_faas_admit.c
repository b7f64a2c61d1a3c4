
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Admission: the precontent phase handler.  It comes after access control
 * and rate limits, and before the content handler reads anything.
 */


#include "ngx_http_faas.h"


static ngx_http_faas_ctx_t *ngx_http_faas_create_ctx(ngx_http_request_t *r);
static ngx_int_t ngx_http_faas_stamp(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx);
static ngx_int_t ngx_http_faas_call_id(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx);
static ngx_table_elt_t *ngx_http_faas_find_header(ngx_http_request_t *r,
    ngx_str_t *name);
static ngx_int_t ngx_http_faas_admit(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx);
static void ngx_http_faas_cleanup(void *data);


static ngx_str_t  ngx_http_faas_call_id_name = ngx_string("x-call-id");


ngx_int_t
ngx_http_faas_admit_handler(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_http_faas_ctx_t       *ctx, *before;
    ngx_http_faas_loc_conf_t  *flcf;

    flcf = ngx_http_get_module_loc_conf(r, ngx_http_faas_module);

    if (!flcf->function) {
        return NGX_DECLINED;
    }

    before = ngx_http_faas_get_ctx(r);

    ctx = ngx_http_faas_create_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_faas_route(r, ctx);

    if (rc == NGX_DECLINED) {
        return ngx_http_faas_answer_unknown(r, NULL);
    }

    if (rc != NGX_OK || ngx_http_faas_stamp(r, ctx) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    /* an internal redirect came here from another function, or the same */

    if (before != NULL && before->is_counted) {
        ngx_http_faas_stat_count(r, before);
        ngx_http_faas_cleanup(before);
    }

    return ngx_http_faas_admit(r, ctx);
}


ngx_http_faas_ctx_t *
ngx_http_faas_get_ctx(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t   *cln;
    ngx_http_faas_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faas_module);

    if (ctx != NULL || (!r->internal && !r->filter_finalize)) {
        return ctx;
    }

    /* an internal redirect has cleared the contexts of all modules */

    for (cln = r->pool->cleanup; cln != NULL; cln = cln->next) {

        if (cln->handler == ngx_http_faas_cleanup) {
            ctx = cln->data;

            if (ctx->request == r) {
                return ctx;
            }
        }
    }

    return NULL;
}


static ngx_http_faas_ctx_t *
ngx_http_faas_create_ctx(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t   *cln;
    ngx_http_faas_ctx_t  *ctx;

    cln = ngx_pool_cleanup_add(r->pool, sizeof(ngx_http_faas_ctx_t));
    if (cln == NULL) {
        return NULL;
    }

    ctx = cln->data;
    ngx_memzero(ctx, sizeof(ngx_http_faas_ctx_t));

    ctx->request = r;
    ctx->conf = ngx_http_get_module_main_conf(r, ngx_http_faas_module);
    ctx->fn = NGX_HTTP_FAAS_NONE;
    ngx_str_set(&ctx->replica, "");

    cln->handler = ngx_http_faas_cleanup;

    ngx_http_set_ctx(r, ctx, ngx_http_faas_module);

    return ctx;
}


/*
 * The time and the id of the call, as the function and the client see them.
 */

static ngx_int_t
ngx_http_faas_stamp(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx)
{
    u_char           *p, *last;
    uint64_t          nsec;
    struct timespec   ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);
    ctx->started = (uint64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;

    (void) clock_gettime(CLOCK_REALTIME, &ts);

    p = ngx_pnalloc(r->pool, NGX_INT64_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    /* cheaper than ngx_sprintf(), and each call pays for it */

    nsec = (uint64_t) ts.tv_sec * 1000000000 + (uint64_t) ts.tv_nsec;

    for (last = p + NGX_INT64_LEN, p = last; nsec != 0; nsec /= 10) {
        *--p = (u_char) ('0' + nsec % 10);
    }

    ctx->start_time.data = p;
    ctx->start_time.len = last - p;

    return ngx_http_faas_call_id(r, ctx);
}


static ngx_int_t
ngx_http_faas_call_id(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx)
{
    u_char           *p;
    uint64_t          high, low;
    ngx_table_elt_t  *h;

    h = ngx_http_faas_find_header(r, &ngx_http_faas_call_id_name);

    if (h != NULL && h->value.len != 0) {
        ctx->call_id = h->value;
        return NGX_OK;
    }

    p = ngx_pnalloc(r->pool, FAAS_UUID_LEN + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    high = faas_random_next(&ctx->conf->random);
    low = faas_random_next(&ctx->conf->random);

    faas_uuid_encode(high, low, (char *) p);

    ctx->call_id.data = p;
    ctx->call_id.len = FAAS_UUID_LEN;
    ctx->is_new_call_id = 1;

    return NGX_OK;
}


static ngx_table_elt_t *
ngx_http_faas_find_header(ngx_http_request_t *r, ngx_str_t *name)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &r->headers_in.headers.part; part != NULL; part = part->next)
    {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            if (h[i].key.len == name->len
                && ngx_strncasecmp(h[i].key.data, name->data, name->len) == 0)
            {
                return &h[i];
            }
        }
    }

    return NULL;
}


static ngx_int_t
ngx_http_faas_admit(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx)
{
    uint32_t               fn, n;
    uint64_t               seq;
    ngx_http_faas_zone_t  *zone;

    zone = ctx->conf->zone;

    for ( ;; ) {
        fn = ngx_http_faas_fn_find(zone->sh, ctx->key.data, ctx->key.len,
                                   &seq);

        if (fn == NGX_HTTP_FAAS_NONE) {

            if (!ngx_http_faas_load(&zone->sh->is_loaded)) {
                return ngx_http_faas_answer_not_loaded(r, ctx);
            }

            return ngx_http_faas_answer_unknown(r, ctx);
        }

        n = zone->sh->fn[fn].n;

        ngx_http_faas_stat_start(zone, fn);

        if (ngx_http_faas_load(&zone->sh->fn[fn].seq) == seq) {
            break;
        }

        /* it was changed, maybe removed, before we were counted in */

        ngx_http_faas_stat_undo(zone, fn);
    }

    ctx->fn = fn;
    ctx->is_counted = 1;

    if (n == 0) {
        return ngx_http_faas_answer_no_replica(r, ctx);
    }

    return NGX_DECLINED;
}


/*
 * The pool dies after the log phase: the function's record cannot go before
 * the answer was counted.
 */

static void
ngx_http_faas_cleanup(void *data)
{
    ngx_http_faas_ctx_t  *ctx = data;

    if (ctx->is_counted) {
        ctx->is_counted = 0;
        ngx_http_faas_stat_leave(ctx->conf->zone, ctx->fn);
    }
}

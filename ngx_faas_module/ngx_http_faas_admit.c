
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Admission: the precontent phase handler.  It comes after access control
 * and rate limits, and before the content handler reads anything.
 */


#include "ngx_http_faas.h"

#include "lib/faas_hash.h"


/* before a request that a replica has refused is tried again */
#define NGX_HTTP_FAAS_PAUSE_MIN  10     /* msec */
#define NGX_HTTP_FAAS_PAUSE_MAX  250    /* msec */


static ngx_int_t ngx_http_faas_begin(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *before);
static void ngx_http_faas_copy_stamp(ngx_http_faas_ctx_t *ctx,
    ngx_http_faas_ctx_t *from);
static ngx_int_t ngx_http_faas_admit(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx);
static ngx_int_t ngx_http_faas_early(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx);
static ngx_int_t ngx_http_faas_enter(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx);
static ngx_int_t ngx_http_faas_resume(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx);
static void ngx_http_faas_cleanup(void *data);


ngx_int_t
ngx_http_faas_admit_handler(ngx_http_request_t *r)
{
    ngx_http_faas_ctx_t       *ctx;
    ngx_http_faas_loc_conf_t  *flcf;

    flcf = ngx_http_get_module_loc_conf(r, ngx_http_faas_module);

    if (!flcf->function) {
        return NGX_DECLINED;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_faas_module);

    if (ctx != NULL && ctx->wait != NGX_HTTP_FAAS_NOT_PARKED) {
        return ngx_http_faas_resume(r, ctx);
    }

    return ngx_http_faas_begin(r, ngx_http_faas_get_ctx(r));
}


ngx_http_faas_ctx_t *
ngx_http_faas_get_ctx(ngx_http_request_t *r)
{
    ngx_pool_cleanup_t   *cln;
    ngx_http_request_t   *pr;
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

    /*
     * proxy_cache_background_update and the like clone a request and begin
     * with its content handler: the clone is the same call
     */

    pr = r->parent;

    if (pr != NULL && r->loc_conf == pr->loc_conf) {
        return ngx_http_faas_get_ctx(pr);
    }

    return NULL;
}


ngx_int_t
ngx_http_faas_admit_again(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx)
{
    ngx_uint_t                  i, has_body;
    ngx_http_phase_handler_t   *ph;
    ngx_http_core_main_conf_t  *cmcf;

    has_body = ngx_http_faas_has_body(r);

    /* nothing was sent to a replica, and the whole body, if any, is here */

    if (ctx->is_sent || ctx->is_late || r->header_sent
        || (has_body && r->request_body != NULL
            && r->request_body->rest != 0))
    {
        return NGX_DECLINED;
    }

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_core_module);
    ph = cmcf->phase_engine.handlers;

    for (i = 0; ph[i].handler != ngx_http_faas_admit_handler; i++) {

        /* the content phase comes behind all others */

        if (ph[i].checker == ngx_http_core_content_phase) {
            return NGX_DECLINED;
        }
    }

    ngx_http_set_ctx(r, ctx, ngx_http_faas_module);

    ctx->wait = NGX_HTTP_FAAS_RETRY;

    /* as often as time allows, it is no cycle */

    r->uri_changes = NGX_HTTP_MAX_URI_CHANGES + 1;
    r->err_status = 0;
    r->error_page = 0;
    r->loc_conf = ctx->loc_conf;
    r->content_handler = NULL;

    ngx_http_update_location_config(r);

    /* as ngx_http_named_location() does it */

    r->main->count++;
    r->phase_handler = i;
    r->write_event_handler = ngx_http_core_run_phases;

    ngx_http_core_run_phases(r);

    return NGX_DONE;
}


static ngx_int_t
ngx_http_faas_begin(ngx_http_request_t *r, ngx_http_faas_ctx_t *before)
{
    ngx_int_t             rc;
    ngx_http_faas_ctx_t  *ctx, *same;

    ctx = ngx_http_faas_create_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_faas_route(r, ctx);

    if (rc == NGX_DECLINED) {
        return ngx_http_faas_answer_unknown(r, NULL);
    }

    if (rc != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->hash = faas_hash((char *) ctx->key.data, ctx->key.len);

    ngx_http_faas_fn_prefetch(ctx->conf->zone->sh, ctx->conf->zone->lane,
                              ctx->hash);

    ngx_http_faas_forget_variables(r);

    /*
     * An internal redirect came here from another function, or the same; or
     * a mirror and the like: it is one call to whoever reads the logs
     */

    same = before;

    if (same == NULL && r != r->main) {
        same = ngx_http_faas_get_ctx(r->main);
    }

    if (before != NULL && before->is_counted && before->request == r) {
        ngx_http_faas_cleanup(before);
    }

    if (same != NULL && same->call_id.len != 0) {
        ngx_http_faas_copy_stamp(ctx, same);

    } else if (ngx_http_faas_stamp(r, ctx) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_faas_admit(r, ctx);
}


ngx_http_faas_ctx_t *
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
    ctx->loc_conf = r->loc_conf;
    ctx->fn = NGX_HTTP_FAAS_NONE;
    ctx->rep = NGX_HTTP_FAAS_NONE;
    ngx_str_set(&ctx->replica, "");

    cln->handler = ngx_http_faas_cleanup;

    ngx_http_set_ctx(r, ctx, ngx_http_faas_module);

    return ctx;
}


static void
ngx_http_faas_copy_stamp(ngx_http_faas_ctx_t *ctx, ngx_http_faas_ctx_t *from)
{
    ctx->started = ngx_http_faas_usec();
    ctx->start_time = from->start_time;
    ctx->call_id = from->call_id;
    ctx->trace = from->trace;
}


static ngx_int_t
ngx_http_faas_admit(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx)
{
    uint32_t                   fn;
    uint64_t                   seq;
    ngx_http_faas_zone_t      *zone;
    ngx_http_faas_loc_conf_t  *flcf;

    zone = ctx->conf->zone;

    for ( ;; ) {
        fn = ngx_http_faas_fn_find(zone->sh, ctx->key.data, ctx->key.len,
                                   ctx->hash, &seq);

        if (fn == NGX_HTTP_FAAS_NONE) {

            return ngx_http_faas_load(&zone->sh->h->is_loaded)
                   ? ngx_http_faas_answer_unknown(r, ctx)
                   : ngx_http_faas_early(r, ctx);
        }

        /* needed in a while, and maybe far away */

        __builtin_prefetch(ngx_http_faas_hist(zone->sh,
                                       zone->lane % zone->sh->stripes,
                                       zone->sh->fn[fn].series[0] - 1), 1);

        ngx_http_faas_stat_start(zone, fn);

        if (ngx_http_faas_load(&zone->sh->fn[fn].seq) == seq) {
            break;
        }

        /* it was changed, maybe removed, before we were counted in */

        ngx_http_faas_stat_undo(zone, fn);
    }

    flcf = ngx_http_get_module_loc_conf(r, ngx_http_faas_module);

    if (zone->sh->fn[fn].is_private && !flcf->internal) {
        ngx_http_faas_stat_undo(zone, fn);
        return ngx_http_faas_answer_unknown(r, ctx);
    }

    ctx->fn = fn;
    ctx->is_counted = 1;

    return ngx_http_faas_enter(r, ctx);
}


/*
 * No routes are known yet.
 */

static ngx_int_t
ngx_http_faas_early(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx)
{
    ngx_int_t  rc;

    rc = ngx_http_faas_hold(r, ctx);

    if (rc == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return rc == NGX_AGAIN ? NGX_AGAIN
                           : ngx_http_faas_answer_not_loaded(r, ctx);
}


/*
 * A place at a replica, or a place to wait.
 */

static ngx_int_t
ngx_http_faas_enter(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx)
{
    ngx_int_t              rc, picked;
    ngx_http_faas_fn_t    *f;
    ngx_http_faas_zone_t  *zone;

    zone = ctx->conf->zone;
    f = &zone->sh->fn[ctx->fn];

    /* where places are scarce those who came first go first */

    if (f->max_inflight != 0 && ngx_http_faas_load(&f->waiting) != 0) {
        picked = NGX_BUSY;

    } else {
        picked = ngx_http_faas_pick(zone, ctx->fn, NULL, &ctx->rep);

        if (picked == NGX_OK) {
            return NGX_DECLINED;
        }
    }

    rc = ngx_http_faas_park(r, ctx);

    if (rc == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    if (rc == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (rc == NGX_BUSY) {
        return ngx_http_faas_answer_full(r, ctx);
    }

    return picked == NGX_BUSY ? ngx_http_faas_answer_busy(r, ctx)
                              : ngx_http_faas_answer_no_replica(r, ctx);
}


/*
 * The request was parked, or comes back from a replica that has refused it.
 */

static ngx_int_t
ngx_http_faas_resume(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx)
{
    ngx_int_t  rc;

    switch (ctx->wait) {

    case NGX_HTTP_FAAS_READY:
        ctx->wait = NGX_HTTP_FAAS_NOT_PARKED;

        if (ctx->rep != NGX_HTTP_FAAS_NONE) {
            return NGX_DECLINED;
        }

        /* it has paused after a replica refused it */

        return ngx_http_faas_enter(r, ctx);

    case NGX_HTTP_FAAS_GONE:
        ctx->wait = NGX_HTTP_FAAS_NOT_PARKED;
        return ngx_http_faas_answer_unknown(r, ctx);

    case NGX_HTTP_FAAS_EXPIRED:
        ctx->wait = NGX_HTTP_FAAS_NOT_PARKED;
        (void) ngx_http_faas_patience(ctx);
        return ngx_http_faas_answer_no_replica(r, ctx);

    case NGX_HTTP_FAAS_HELD:
        ctx->wait = NGX_HTTP_FAAS_NOT_PARKED;
        return ngx_http_faas_admit(r, ctx);

    case NGX_HTTP_FAAS_RETRY:
        break;

    default: /* NGX_HTTP_FAAS_PARKED */
        return NGX_AGAIN;
    }

    ctx->wait = NGX_HTTP_FAAS_NOT_PARKED;

    if (ctx->wait_until == 0) {
        ctx->wait_until = ngx_current_msec + ngx_http_faas_patience(ctx);
        ctx->pause = NGX_HTTP_FAAS_PAUSE_MIN;
    }

    if ((ngx_msec_int_t) (ctx->wait_until - ngx_current_msec - ctx->pause)
        <= 0)
    {
        return ngx_http_faas_answer_refused(r, ctx);
    }

    rc = ngx_http_faas_pause(r, ctx, ctx->pause);

    ctx->pause = ngx_min(ctx->pause * 2, NGX_HTTP_FAAS_PAUSE_MAX);

    if (rc == NGX_AGAIN) {
        return NGX_AGAIN;
    }

    return rc == NGX_ERROR ? NGX_HTTP_INTERNAL_SERVER_ERROR
                           : ngx_http_faas_answer_refused(r, ctx);
}


/*
 * The pool dies after the log phase: the function's record cannot go before
 * the answer was counted.  A subrequest has no log phase.
 */

static void
ngx_http_faas_cleanup(void *data)
{
    ngx_http_faas_ctx_t  *ctx = data;

    if (ctx->deadline != NULL) {
        ngx_http_faas_deadline_clear(ctx);
    }

    if (!ctx->is_counted) {
        return;
    }

    ngx_http_faas_stat_count(ctx->request, ctx);

    if (ctx->rep != NGX_HTTP_FAAS_NONE) {
        ngx_http_faas_leave(ctx->conf->zone, ctx->fn, ctx->rep);
        ctx->rep = NGX_HTTP_FAAS_NONE;
    }

    ctx->is_counted = 0;
    ngx_http_faas_stat_leave(ctx->conf->zone, ctx->fn);
}

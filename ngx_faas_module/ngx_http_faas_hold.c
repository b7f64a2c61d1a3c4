
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Requests that come before the gateway has read any route: for a moment after
 * its start.  They are held, for as long as Redis may take to answer, in place
 * of being refused: so a gateway that is replaced by a new one costs no call.
 */


#include "ngx_http_faas.h"


/* between two looks whether routes are known */
#define NGX_HTTP_FAAS_HOLD_LOOK  10     /* msec */


typedef struct {
    ngx_http_request_t   *request;
    ngx_http_faas_ctx_t  *ctx;
    ngx_socket_t          fd;           /* debug logs read it here, see
                                           ngx_event_ident() */
    ngx_event_t           event;
    unsigned              is_held:1;
} ngx_http_faas_held_t;


static void ngx_http_faas_hold_handler(ngx_event_t *ev);
static void ngx_http_faas_hold_cleanup(void *data);


/* this process' */
static ngx_msec_t  ngx_http_faas_hold_until;
static ngx_uint_t  ngx_http_faas_holds;


void
ngx_http_faas_hold_init(ngx_http_faas_main_conf_t *fmcf)
{
    ngx_http_faas_holds = 0;
    ngx_http_faas_hold_until = ngx_current_msec + fmcf->redis.timeout;
}


ngx_int_t
ngx_http_faas_hold(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx)
{
    ngx_http_cleanup_t    *cln;
    ngx_http_faas_held_t  *held;

    if ((ngx_msec_int_t) (ngx_http_faas_hold_until - ngx_current_msec) <= 0
        || ngx_http_faas_holds >= ctx->conf->queue_total)
    {
        return NGX_DECLINED;
    }

    held = ngx_pcalloc(r->pool, sizeof(ngx_http_faas_held_t));
    cln = ngx_http_cleanup_add(r, 0);

    if (held == NULL || cln == NULL) {
        return NGX_ERROR;
    }

    cln->handler = ngx_http_faas_hold_cleanup;
    cln->data = held;

    held->request = r;
    held->ctx = ctx;
    held->fd = (ngx_socket_t) -1;
    held->event.handler = ngx_http_faas_hold_handler;
    held->event.data = held;
    held->event.log = r->connection->log;
    held->is_held = 1;

    ngx_http_faas_holds++;
    ctx->wait = NGX_HTTP_FAAS_HELD;

    ngx_add_timer(&held->event, NGX_HTTP_FAAS_HOLD_LOOK);

    return ngx_http_faas_listen(r) == NGX_OK ? NGX_AGAIN : NGX_ERROR;
}


static void
ngx_http_faas_hold_handler(ngx_event_t *ev)
{
    ngx_http_request_t    *r;
    ngx_http_faas_held_t  *held;

    held = ev->data;
    r = held->request;

    if (!ngx_http_faas_load(&held->ctx->conf->zone->sh->h->is_loaded)
        && (ngx_msec_int_t) (ngx_http_faas_hold_until - ngx_current_msec) > 0)
    {
        ngx_add_timer(ev, NGX_HTTP_FAAS_HOLD_LOOK);
        return;
    }

    held->is_held = 0;
    ngx_http_faas_holds--;

    ngx_http_faas_go_on(r);
}


/*
 * The client has gone.
 */

static void
ngx_http_faas_hold_cleanup(void *data)
{
    ngx_http_faas_held_t *held = data;

    if (!held->is_held) {
        return;
    }

    held->is_held = 0;
    ngx_http_faas_holds--;

    ngx_del_timer(&held->event);
}

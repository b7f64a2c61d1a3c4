
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The time that a whole call may take, by the function's route.  nginx itself
 * has limits between two reads or writes only.
 */


#include "ngx_http_faas.h"


/* what nginx may wait beyond it, so that ours is the limit that is met */
#define NGX_HTTP_FAAS_GRACE  1000   /* msec */


struct ngx_http_faas_deadline_s {
    ngx_http_request_t   *request;
    ngx_http_faas_ctx_t  *ctx;
    uint64_t              msec;
    ngx_socket_t          fd;        /* debug logs read it here, see
                                        ngx_event_ident() */
    ngx_event_t           event;
};


static void ngx_http_faas_deadline_handler(ngx_event_t *ev);


ngx_int_t
ngx_http_faas_deadline_set(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx,
    ngx_msec_t msec)
{
    ngx_http_upstream_t       *u;
    ngx_http_upstream_conf_t  *conf;
    ngx_http_faas_deadline_t  *deadline;

    deadline = ngx_pcalloc(r->pool, sizeof(ngx_http_faas_deadline_t));
    if (deadline == NULL) {
        return NGX_ERROR;
    }

    deadline->request = r;
    deadline->ctx = ctx;
    deadline->msec = msec;
    deadline->fd = (ngx_socket_t) -1;
    deadline->event.handler = ngx_http_faas_deadline_handler;
    deadline->event.data = deadline;
    deadline->event.log = r->connection->log;

    if (ctx->deadline != NULL) {
        ngx_http_faas_deadline_clear(ctx);
    }

    ctx->deadline = deadline;
    ngx_add_timer(&deadline->event, msec);

    /* the route alone says how long: proxy_read_timeout does not cut it */

    u = r->upstream;

    if (u->conf->read_timeout >= msec + NGX_HTTP_FAAS_GRACE
        && u->conf->send_timeout >= msec + NGX_HTTP_FAAS_GRACE)
    {
        return NGX_OK;
    }

    conf = ngx_palloc(r->pool, sizeof(ngx_http_upstream_conf_t));
    if (conf == NULL) {
        return NGX_ERROR;
    }

    *conf = *u->conf;
    conf->read_timeout = ngx_max(conf->read_timeout,
                                 msec + NGX_HTTP_FAAS_GRACE);
    conf->send_timeout = ngx_max(conf->send_timeout,
                                 msec + NGX_HTTP_FAAS_GRACE);
    u->conf = conf;

    return NGX_OK;
}


void
ngx_http_faas_deadline_clear(ngx_http_faas_ctx_t *ctx)
{
    if (ctx->deadline->event.timer_set) {
        ngx_del_timer(&ctx->deadline->event);
    }
}


/*
 * To nginx it is a read from the replica that timed out: it knows what to do
 * in each state of the request.
 */

static void
ngx_http_faas_deadline_handler(ngx_event_t *ev)
{
    ngx_connection_t          *c;
    ngx_http_upstream_t       *u;
    ngx_http_faas_deadline_t  *deadline;

    deadline = ev->data;
    u = deadline->request->upstream;

    c = (u != NULL) ? u->peer.connection : NULL;

    if (c == NULL) {
        return;
    }

    ngx_log_error(NGX_LOG_ERR, ev->log, 0,
                  "faas: the call of function \"%V\" took longer than %uLms, "
                  "the function's exec_timeout",
                  &deadline->ctx->key, deadline->msec);

    deadline->ctx->is_late = 1;
    u->peer.tries = 0;

    c->read->timedout = 1;
    c->read->handler(c->read);
}


/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The location of metrics: how the page is sent.
 *
 * With many functions the page is large.  It is made piece by piece, in two
 * buffers that are used again, and other requests get their turn between
 * two pieces.
 */


#include "ngx_http_faas.h"


#define NGX_HTTP_FAAS_METRICS_BUF    32768   /* bytes */

/* marks our buffers in a chain */
#define ngx_http_faas_metrics_tag    ((ngx_buf_tag_t) &ngx_http_faas_module)


struct ngx_http_faas_cursor_s {
    ngx_http_faas_page_t     page;
    ngx_chain_t             *free;
    ngx_chain_t             *busy;
};


static void ngx_http_faas_metrics_writer(ngx_http_request_t *r);
static ngx_int_t ngx_http_faas_metrics_send(ngx_http_request_t *r,
    ngx_http_faas_cursor_t *cursor);
static ngx_chain_t *ngx_http_faas_metrics_buf(ngx_http_request_t *r,
    ngx_http_faas_cursor_t *cursor);


ngx_int_t
ngx_http_faas_metrics_handler(ngx_http_request_t *r)
{
    ngx_int_t                   rc;
    ngx_http_faas_ctx_t        *ctx;
    ngx_http_faas_main_conf_t  *fmcf;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_http_faas_answer_text(r, NGX_HTTP_NOT_ALLOWED, NULL);
    }

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    fmcf = ngx_http_get_module_main_conf(r, ngx_http_faas_module);

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_faas_ctx_t));
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->cursor = ngx_pcalloc(r->pool, sizeof(ngx_http_faas_cursor_t));
    if (ctx->cursor == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->request = r;
    ctx->conf = fmcf;
    ctx->cursor->page.sh = fmcf->zone->sh;

    ngx_http_set_ctx(r, ctx, ngx_http_faas_module);

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = -1;
    ngx_str_set(&r->headers_out.content_type,
                "text/plain; version=0.0.4; charset=utf-8");
    r->headers_out.content_type_len = sizeof("text/plain") - 1;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    r->main->count++;
    r->write_event_handler = ngx_http_faas_metrics_writer;

    ngx_http_faas_metrics_writer(r);

    return NGX_DONE;
}


static void
ngx_http_faas_metrics_writer(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_event_t               *wev;
    ngx_connection_t          *c;
    ngx_http_faas_ctx_t       *ctx;
    ngx_http_core_loc_conf_t  *clcf;

    c = r->connection;
    wev = c->write;

    if (wev->timedout) {
        ngx_log_error(NGX_LOG_INFO, c->log, NGX_ETIMEDOUT,
                      "client timed out while reading metrics");
        c->timedout = 1;
        ngx_http_finalize_request(r, NGX_HTTP_REQUEST_TIME_OUT);
        return;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_faas_module);

    rc = ngx_http_faas_metrics_send(r, ctx->cursor);

    if (rc != NGX_AGAIN && rc != NGX_BUSY) {

        /* all is made; nginx's own writer sends what is left */

        if (wev->timer_set) {
            ngx_del_timer(wev);
        }

        ngx_http_finalize_request(r, rc);
        return;
    }

    if (rc == NGX_BUSY) {

        /* the client reads fast: others first */

        ngx_post_event(wev, &ngx_posted_next_events);
        return;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (!wev->delayed) {
        ngx_add_timer(wev, clcf->send_timeout);
    }

    if (ngx_handle_write_event(wev, clcf->send_lowat) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_ERROR);
    }
}


/*
 * NGX_BUSY: go on at once, after others; NGX_AGAIN: the client has to read
 * first; else the end.
 */

static ngx_int_t
ngx_http_faas_metrics_send(ngx_http_request_t *r,
    ngx_http_faas_cursor_t *cursor)
{
    ngx_int_t     rc;
    ngx_uint_t    more;
    ngx_chain_t  *cl;

    if (cursor->busy != NULL) {

        if (ngx_http_output_filter(r, NULL) == NGX_ERROR) {
            return NGX_ERROR;
        }

        cl = NULL;
        ngx_chain_update_chains(r->pool, &cursor->free, &cursor->busy, &cl,
                                ngx_http_faas_metrics_tag);
    }

    if (cursor->busy != NULL && cursor->busy->next != NULL) {
        return NGX_AGAIN;
    }

    cl = ngx_http_faas_metrics_buf(r, cursor);
    if (cl == NULL) {
        return NGX_ERROR;
    }

    more = ngx_http_faas_page_fill(&cursor->page, cl->buf);

    if (more && cl->buf->last == cl->buf->pos) {

        /* nothing to say of so many: no empty buffer may go out */

        cl->next = cursor->free;
        cursor->free = cl;
        return NGX_BUSY;
    }

    /* what nginx would keep for more to come never becomes writable */

    cl->buf->flush = more;
    cl->buf->last_buf = !more && r == r->main;
    cl->buf->last_in_chain = !more;

    rc = ngx_http_output_filter(r, cl);

    if (rc == NGX_ERROR || !more) {
        return rc;
    }

    ngx_chain_update_chains(r->pool, &cursor->free, &cursor->busy, &cl,
                            ngx_http_faas_metrics_tag);

    return cursor->busy != NULL ? NGX_AGAIN : NGX_BUSY;
}


static ngx_chain_t *
ngx_http_faas_metrics_buf(ngx_http_request_t *r,
    ngx_http_faas_cursor_t *cursor)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    cl = ngx_chain_get_free_buf(r->pool, &cursor->free);
    if (cl == NULL) {
        return NULL;
    }

    b = cl->buf;

    if (b->start == NULL) {
        b->start = ngx_palloc(r->pool, NGX_HTTP_FAAS_METRICS_BUF);
        if (b->start == NULL) {
            return NULL;
        }

        b->end = b->start + NGX_HTTP_FAAS_METRICS_BUF;
        b->tag = ngx_http_faas_metrics_tag;
        b->temporary = 1;
    }

    b->pos = b->start;
    b->last = b->start;
    cl->next = NULL;

    return cl;
}


/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The live feed, faas_feed: each second an event with what has changed, to
 * whoever looks.
 *
 * DESIGN
 *
 * The first viewer of a worker starts a timer, the last one that goes stops it
 * and frees all there is.  Each tick makes one event for all viewers, reading
 * the zone piece by piece, so that calls get their turn.  Who comes between two
 * ticks gets what was read for the last event, which is what the next one is
 * relative to; who comes while one is being made gets the whole after it.
 *
 * A viewer holds the events that it has not written: one, or two as long as
 * its first, which is the large one, is among them.  So what a viewer costs is
 * bounded, however slow it is.
 */


#include "ngx_http_faas_feed.h"


/* between two looks whether this worker is leaving: viewers never end */
#define NGX_HTTP_FAAS_FEED_LOOK    100   /* msec */

#define NGX_HTTP_FAAS_FEED_BEHIND  2     /* events that a viewer may hold */


struct ngx_http_faas_viewer_s {
    ngx_queue_t                 queue;   /* of the feed's viewers */
    ngx_http_faas_feed_t       *feed;    /* NULL: it is none any more */
    ngx_http_request_t         *request;
    ngx_uint_t                  held;    /* events */
    ngx_uint_t                  given;   /* of these, to nginx */
    ngx_http_faas_feed_text_t  *text[NGX_HTTP_FAAS_FEED_BEHIND];
    ngx_buf_t                   buf[NGX_HTTP_FAAS_FEED_BEHIND];
    unsigned                    has_first:1;   /* was given an event */
    unsigned                    has_next:1;    /* and another one */
    unsigned                    is_slow:1;     /* is to be cut off */
    unsigned                    is_over:1;     /* its answer is to end */
};


static ngx_int_t ngx_http_faas_feed_refuse(ngx_http_request_t *r);
static ngx_int_t ngx_http_faas_feed_send_header(ngx_http_request_t *r);
static ngx_int_t ngx_http_faas_feed_join(ngx_http_faas_main_conf_t *fmcf,
    ngx_http_faas_viewer_t *viewer);
static ngx_http_faas_feed_t *ngx_http_faas_feed_start(
    ngx_http_faas_main_conf_t *fmcf);
static void ngx_http_faas_feed_stop(ngx_http_faas_feed_t *feed);
static void ngx_http_faas_feed_tick(ngx_event_t *ev);
static void ngx_http_faas_feed_tell(ngx_http_faas_feed_t *feed);
static void ngx_http_faas_feed_wait(ngx_http_faas_feed_t *feed);
static void ngx_http_faas_feed_end(ngx_http_faas_feed_t *feed);
static ngx_int_t ngx_http_faas_feed_give_full(ngx_http_faas_viewer_t *viewer);
static void ngx_http_faas_feed_give(ngx_http_faas_viewer_t *viewer,
    ngx_http_faas_feed_text_t *text);
static void ngx_http_faas_feed_writer(ngx_http_request_t *r);
static ngx_int_t ngx_http_faas_feed_write(ngx_http_faas_viewer_t *viewer);
static void ngx_http_faas_feed_leave(void *data);
static void ngx_http_faas_feed_forget(void *data);


ngx_int_t
ngx_http_faas_feed_handler(ngx_http_request_t *r)
{
    ngx_int_t                   rc;
    ngx_http_faas_ctx_t        *ctx;
    ngx_http_faas_viewer_t     *viewer;
    ngx_http_faas_main_conf_t  *fmcf;

    if (r->method != NGX_HTTP_GET) {
        return ngx_http_faas_answer_text(r, NGX_HTTP_NOT_ALLOWED, NULL);
    }

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    fmcf = ngx_http_get_module_main_conf(r, ngx_http_faas_module);

    if (fmcf->feed != NULL && fmcf->feed->n >= fmcf->feed_viewers) {
        return ngx_http_faas_feed_refuse(r);
    }

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_faas_ctx_t));
    viewer = ngx_pcalloc(r->pool, sizeof(ngx_http_faas_viewer_t));

    if (ctx == NULL || viewer == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->request = r;
    ctx->conf = fmcf;
    ctx->viewer = viewer;
    viewer->request = r;

    ngx_http_set_ctx(r, ctx, ngx_http_faas_module);

    rc = ngx_http_faas_feed_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK) {
        return rc;
    }

    if (ngx_exiting) {

        /* it comes again, to another worker */

        return ngx_http_send_special(r, NGX_HTTP_LAST);
    }

    if (ngx_http_faas_feed_join(fmcf, viewer) != NGX_OK
        || ngx_http_faas_listen(r) != NGX_OK)
    {
        return NGX_ERROR;
    }

    r->main->count++;
    r->write_event_handler = ngx_http_faas_feed_writer;

    ngx_http_faas_feed_writer(r);

    return NGX_DONE;
}


static ngx_int_t
ngx_http_faas_feed_refuse(ngx_http_request_t *r)
{
    static ngx_str_t  nosniff = ngx_string("nosniff");
    static ngx_str_t  text = ngx_string("the feed has as many viewers as "
                                        "faas_feed_viewers\n");

    ngx_log_error(NGX_LOG_WARN, r->connection->log, 0,
                  "faas: the feed has as many viewers as faas_feed_viewers, "
                  "another one is refused");

    if (ngx_http_faas_add_header(r, "X-Content-Type-Options", &nosniff)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_faas_answer_text(r, NGX_HTTP_SERVICE_UNAVAILABLE, &text);
}


static ngx_int_t
ngx_http_faas_feed_send_header(ngx_http_request_t *r)
{
    static ngx_str_t  no_store = ngx_string("no-store");
    static ngx_str_t  no = ngx_string("no");

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = -1;
    ngx_str_set(&r->headers_out.content_type, "text/event-stream");
    r->headers_out.content_type_len = r->headers_out.content_type.len;

    /* another nginx in front is not to wait until its buffer is full */

    if (ngx_http_faas_add_header(r, "Cache-Control", &no_store) != NGX_OK
        || ngx_http_faas_add_header(r, "X-Accel-Buffering", &no) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_send_header(r);
}


static ngx_int_t
ngx_http_faas_feed_join(ngx_http_faas_main_conf_t *fmcf,
    ngx_http_faas_viewer_t *viewer)
{
    ngx_http_cleanup_t    *leave;
    ngx_pool_cleanup_t    *forget;
    ngx_http_request_t    *r;
    ngx_http_faas_feed_t  *feed;

    r = viewer->request;

    leave = ngx_http_cleanup_add(r, 0);
    forget = ngx_pool_cleanup_add(r->pool, 0);

    if (leave == NULL || forget == NULL) {
        return NGX_ERROR;
    }

    leave->handler = ngx_http_faas_feed_leave;
    leave->data = viewer;

    /* HTTP/2 may read what it has begun to send until the pool goes */

    forget->handler = ngx_http_faas_feed_forget;
    forget->data = viewer;

    feed = (fmcf->feed != NULL) ? fmcf->feed : ngx_http_faas_feed_start(fmcf);
    if (feed == NULL) {
        return NGX_ERROR;
    }

    feed->n++;
    viewer->feed = feed;
    ngx_queue_insert_tail(&feed->viewers, &viewer->queue);

    return feed->is_reading ? NGX_OK : ngx_http_faas_feed_give_full(viewer);
}


static ngx_http_faas_feed_t *
ngx_http_faas_feed_start(ngx_http_faas_main_conf_t *fmcf)
{
    ngx_http_faas_feed_t  *feed;

    feed = ngx_calloc(sizeof(ngx_http_faas_feed_t), ngx_cycle->log);
    if (feed == NULL) {
        return NULL;
    }

    ngx_queue_init(&feed->viewers);

    feed->conf = fmcf;
    feed->fd = (ngx_socket_t) -1;
    feed->tick.handler = ngx_http_faas_feed_tick;
    feed->tick.data = feed;
    feed->tick.log = ngx_cycle->log;
    feed->is_reading = 1;

    ngx_http_faas_feed_wait(feed);

    fmcf->feed = feed;

    return feed;
}


static void
ngx_http_faas_feed_stop(ngx_http_faas_feed_t *feed)
{
    feed->conf->feed = NULL;

    if (feed->tick.timer_set) {
        ngx_del_timer(&feed->tick);
    }

    if (feed->tick.posted) {
        ngx_delete_posted_event(&feed->tick);
    }

    ngx_http_faas_feed_drop(feed->delta);
    ngx_http_faas_feed_drop(feed->full);

    if (feed->fn != NULL) {
        ngx_free(feed->fn);
    }

    ngx_free(feed);
}


static void
ngx_http_faas_feed_tick(ngx_event_t *ev)
{
    ngx_int_t              rc;
    ngx_http_faas_feed_t  *feed;

    feed = ev->data;

    if (ngx_exiting) {
        ngx_http_faas_feed_end(feed);
        return;
    }

    if (!feed->is_reading
        && (ngx_msec_int_t) (feed->due - ngx_current_msec) > 0)
    {
        ngx_http_faas_feed_wait(feed);
        return;
    }

    rc = ngx_http_faas_feed_read(feed);

    feed->is_reading = (rc == NGX_AGAIN);

    if (!feed->is_reading) {
        feed->due = ngx_current_msec + NGX_HTTP_FAAS_FEED_EVERY;
    }

    ngx_http_faas_feed_wait(feed);

    if (rc == NGX_OK) {
        ngx_http_faas_feed_tell(feed);

    } else if (rc == NGX_ERROR) {

        /* who missed a change has to begin anew, and not with the old full */

        ngx_http_faas_feed_drop(feed->delta);
        feed->delta = NULL;

        ngx_http_faas_feed_drop(feed->full);
        feed->full = NULL;

        ngx_http_faas_feed_end(feed);
    }
}


/*
 * The event is complete.  Writing it may end a viewer, and the last one the
 * feed: not in here.
 */

static void
ngx_http_faas_feed_tell(ngx_http_faas_feed_t *feed)
{
    ngx_queue_t                *q;
    ngx_http_faas_viewer_t     *viewer;
    ngx_http_faas_feed_text_t  *text;

    text = feed->delta;
    feed->delta = NULL;

    ngx_http_faas_feed_drop(feed->full);
    feed->full = NULL;

    for (q = ngx_queue_head(&feed->viewers);
         q != ngx_queue_sentinel(&feed->viewers);
         q = ngx_queue_next(q))
    {
        viewer = ngx_queue_data(q, ngx_http_faas_viewer_t, queue);

        if (!viewer->has_first) {
            if (ngx_http_faas_feed_give_full(viewer) != NGX_OK) {
                viewer->is_over = 1;
            }

        } else if (viewer->held == 0 || !viewer->has_next) {
            ngx_http_faas_feed_give(viewer, text);
            viewer->has_next = 1;

        } else {
            viewer->is_slow = 1;
        }

        ngx_post_event(viewer->request->connection->write,
                       &ngx_posted_events);
    }

    ngx_http_faas_feed_drop(text);
}


static void
ngx_http_faas_feed_wait(ngx_http_faas_feed_t *feed)
{
    ngx_msec_t  timer;

    timer = NGX_HTTP_FAAS_FEED_LOOK;

    if (feed->is_reading) {

        /* others first; the timer is what keeps a worker that is to leave */

        ngx_post_event(&feed->tick, &ngx_posted_next_events);

    } else {
        timer = ngx_min(timer, feed->due - ngx_current_msec);
    }

    ngx_add_timer(&feed->tick, timer);
}


static void
ngx_http_faas_feed_end(ngx_http_faas_feed_t *feed)
{
    ngx_queue_t             *q;
    ngx_http_faas_viewer_t  *viewer;

    for (q = ngx_queue_head(&feed->viewers);
         q != ngx_queue_sentinel(&feed->viewers);
         q = ngx_queue_next(q))
    {
        viewer = ngx_queue_data(q, ngx_http_faas_viewer_t, queue);
        viewer->is_over = 1;

        ngx_post_event(viewer->request->connection->write,
                       &ngx_posted_events);
    }
}


static ngx_int_t
ngx_http_faas_feed_give_full(ngx_http_faas_viewer_t *viewer)
{
    ngx_http_faas_feed_t  *feed;

    feed = viewer->feed;

    if (feed->full == NULL && ngx_http_faas_feed_fill(feed) != NGX_OK) {
        ngx_http_faas_feed_drop(feed->full);
        feed->full = NULL;
        return NGX_ERROR;
    }

    ngx_http_faas_feed_give(viewer, feed->full);
    viewer->has_first = 1;

    return NGX_OK;
}


static void
ngx_http_faas_feed_give(ngx_http_faas_viewer_t *viewer,
    ngx_http_faas_feed_text_t *text)
{
    ngx_buf_t  *b;

    b = &viewer->buf[viewer->held];

    ngx_memzero(b, sizeof(ngx_buf_t));

    b->start = text->start;
    b->pos = text->start;
    b->last = text->last;
    b->end = text->last;
    b->memory = 1;
    b->flush = 1;

    viewer->text[viewer->held++] = text;
    text->refs++;
}


static void
ngx_http_faas_feed_writer(ngx_http_request_t *r)
{
    ngx_int_t                rc;
    ngx_connection_t        *c;
    ngx_http_faas_ctx_t     *ctx;
    ngx_http_faas_viewer_t  *viewer;

    c = r->connection;
    ctx = ngx_http_get_module_ctx(r, ngx_http_faas_module);
    viewer = ctx->viewer;

    if (viewer->is_slow) {
        ngx_log_error(NGX_LOG_INFO, c->log, 0,
                      "faas: a viewer of the feed has not taken an event when "
                      "the next one is due, it is cut off");
        c->timedout = 1;
        ngx_http_finalize_request(r, NGX_HTTP_REQUEST_TIME_OUT);
        return;
    }

    if (viewer->is_over) {

        /* nobody waits for who has not taken all, or has a body to send */

        rc = (viewer->held == 0) ? ngx_http_send_special(r, NGX_HTTP_LAST)
             : NGX_ERROR;

        ngx_http_finalize_request(r, rc == NGX_OK && !r->discard_body
                                     ? NGX_OK : NGX_ERROR);
        return;
    }

    if (ngx_http_faas_feed_write(viewer) == NGX_ERROR
        || ngx_handle_write_event(c->write, 0) != NGX_OK)
    {
        ngx_http_finalize_request(r, NGX_ERROR);
    }
}


static ngx_int_t
ngx_http_faas_feed_write(ngx_http_faas_viewer_t *viewer)
{
    ngx_chain_t          out, *cl;
    ngx_http_request_t  *r;

    if (viewer->held == 0) {
        return NGX_OK;
    }

    r = viewer->request;
    cl = NULL;

    if (viewer->given < viewer->held) {
        out.buf = &viewer->buf[viewer->given++];
        out.next = NULL;
        cl = &out;
    }

    if (ngx_http_output_filter(r, cl) == NGX_ERROR) {
        return NGX_ERROR;
    }

    if (!r->buffered && !r->connection->buffered) {
        ngx_http_faas_feed_forget(viewer);
    }

    return NGX_OK;
}


static void
ngx_http_faas_feed_leave(void *data)
{
    ngx_http_faas_viewer_t *viewer = data;

    ngx_http_faas_feed_t  *feed;

    feed = viewer->feed;

    if (feed == NULL) {
        return;
    }

    viewer->feed = NULL;
    ngx_queue_remove(&viewer->queue);

    if (--feed->n == 0) {
        ngx_http_faas_feed_stop(feed);
    }
}


/*
 * The events that a viewer holds are written, or never will be.
 */

static void
ngx_http_faas_feed_forget(void *data)
{
    ngx_http_faas_viewer_t *viewer = data;

    ngx_uint_t  i;

    for (i = 0; i < viewer->held; i++) {
        ngx_http_faas_feed_drop(viewer->text[i]);
    }

    viewer->held = 0;
    viewer->given = 0;
}

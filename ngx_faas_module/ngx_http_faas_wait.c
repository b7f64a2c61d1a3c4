
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Parked requests: those of a function that has no replica, or whose replicas
 * are all at max_inflight.
 *
 * DESIGN
 *
 * A request waits in the worker that has accepted it, in a queue of its
 * function, and needs nothing but its connection.  It ends to wait when
 *
 *   - there is a place at a replica: it takes it, and goes on,
 *   - the function was deleted: 404,
 *   - its time is over: 503,
 *   - its client has gone.
 *
 * Places come when a route is changed and when a request leaves a replica.
 * Both tell the workers that have requests waiting (ngx_http_faas_signal.c).
 *
 * ORDER
 *
 * Each request draws a ticket of its function, over all workers; and each
 * worker shows, in its lane, the ticket of the one that waits longest there.
 * Where places are scarce (max_inflight) a worker lets its first request go
 * only if no other worker has an older one, else it tells that worker; and
 * requests that arrive meanwhile queue up behind.
 *
 * NO LOST WAKE-UP
 *
 * A request first counts itself as waiting, and then looks for a place once
 * more; who makes a place first makes it, and then looks whether anybody
 * waits.  So one of them sees the other.  A timer looks again all the same,
 * for workers that share a lane and for those that were killed in between.
 */


#include "ngx_http_faas.h"


/* requests let go before others get their turn in the event loop */
#define NGX_HTTP_FAAS_BURST      32

/* between two looks without a reason */
#define NGX_HTTP_FAAS_LOOK       100    /* msec */

/* a worker that has left a place for so long has lost its turn */
#define NGX_HTTP_FAAS_TURN       500    /* msec */


typedef struct {
    ngx_queue_t               waiters;
    ngx_queue_t               link;         /* of queues with waiters */
    uint32_t                  fn;
    uint64_t                  turn;         /* ticket whose turn it is, in
                                               another worker */
    ngx_msec_t                since;        /* it has left a place since */
} ngx_http_faas_queue_t;


struct ngx_http_faas_waiter_s {
    ngx_http_request_t       *request;
    ngx_http_faas_ctx_t      *ctx;
    ngx_http_faas_queue_t    *in;           /* NULL: in none */
    ngx_socket_t              fd;           /* debug logs read it here, see
                                               ngx_event_ident() */
    ngx_queue_t               queue;
    ngx_event_t               event;        /* deadline; posted to go on */
    uint64_t                  ticket;
    uint64_t                  since;        /* usec, monotonic */
    unsigned                  is_paused:1;  /* parked in no queue */
};


typedef struct {
    ngx_http_faas_main_conf_t *conf;
    ngx_http_faas_queue_t    **queue;       /* by function */
    ngx_queue_t                busy;        /* queues with waiters */
    ngx_event_t                timer;       /* the next look */
    ngx_event_t                turn;        /* more may go */
} ngx_http_faas_waits_t;


static ngx_int_t ngx_http_faas_await(ngx_http_request_t *r,
    ngx_http_faas_waiter_t *waiter, ngx_msec_t msec);
static ngx_int_t ngx_http_faas_has_room(ngx_http_faas_ctx_t *ctx);
static ngx_http_faas_waiter_t *ngx_http_faas_waiter(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx);
static ngx_http_faas_queue_t *ngx_http_faas_queue(uint32_t fn,
    ngx_log_t *log);
static void ngx_http_faas_enqueue(ngx_http_faas_queue_t *queue,
    ngx_http_faas_waiter_t *waiter);
static void ngx_http_faas_unpark(ngx_http_faas_waiter_t *waiter,
    ngx_http_faas_wait_e state);
static void ngx_http_faas_dequeue(ngx_http_faas_waiter_t *waiter);
static void ngx_http_faas_show_head(ngx_http_faas_queue_t *queue);
static void ngx_http_faas_release(ngx_http_faas_queue_t *queue);
static ngx_uint_t ngx_http_faas_has_lost_turn(ngx_http_faas_queue_t *queue,
    ngx_uint_t lane);
static void ngx_http_faas_go(ngx_http_faas_waiter_t *waiter,
    ngx_http_faas_wait_e state);
static void ngx_http_faas_wait_handler(ngx_event_t *ev);
static void ngx_http_faas_wait_cleanup(void *data);
static void ngx_http_faas_wait_timer(ngx_event_t *ev);
static void ngx_http_faas_wait_turn(ngx_event_t *ev);
static void ngx_http_faas_release_all(void);


/* this process' */
static ngx_http_faas_waits_t  ngx_http_faas_waits;


ngx_int_t
ngx_http_faas_wait_init(ngx_cycle_t *cycle, ngx_http_faas_main_conf_t *fmcf)
{
    ngx_http_faas_waits_t  *waits;

    waits = &ngx_http_faas_waits;

    ngx_memzero(waits, sizeof(ngx_http_faas_waits_t));

    waits->conf = fmcf;
    ngx_queue_init(&waits->busy);

    waits->timer.handler = ngx_http_faas_wait_timer;
    waits->timer.data = waits;
    waits->timer.log = cycle->log;
    waits->timer.cancelable = 1;

    waits->turn.handler = ngx_http_faas_wait_turn;
    waits->turn.data = waits;
    waits->turn.log = cycle->log;

    return NGX_OK;
}


ngx_int_t
ngx_http_faas_park(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx)
{
    ngx_int_t                rc;
    uint64_t                 ticket;
    ngx_msec_t               left;
    ngx_http_faas_queue_t   *queue;
    ngx_http_faas_waiter_t  *waiter;

    left = ngx_http_faas_patience(ctx);

    if (ctx->wait_until != 0) {

        /* it has waited before, in between a replica refused it */

        left = ngx_max((ngx_msec_int_t) (ctx->wait_until - ngx_current_msec),
                       0);
    }

    if (left == 0) {
        return NGX_DECLINED;
    }

    /* before it counts as parked: who sees that comes after it */

    ticket = ngx_http_faas_add(&ctx->conf->zone->sh->fn[ctx->fn].tickets, 1);
    rc = ngx_http_faas_has_room(ctx);

    if (rc != NGX_OK) {
        return rc;
    }

    queue = ngx_http_faas_queue(ctx->fn, r->connection->log);
    waiter = queue != NULL ? ngx_http_faas_waiter(r, ctx) : NULL;

    if (waiter == NULL) {
        ngx_http_faas_stat_unpark(ctx->conf->zone, ctx->fn);
        return NGX_ERROR;
    }

    /* parked instead of in flight: the record stays ours all the time */

    ngx_http_faas_stat_leave(ctx->conf->zone, ctx->fn);
    waiter->ticket = ticket;
    ngx_http_faas_enqueue(queue, waiter);

    if (ngx_http_faas_await(r, waiter, left) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, r->connection->log, 0,
                   "faas parked \"%V\", ticket %uL", &ctx->key,
                   waiter->ticket);

    /* what became free before we counted as waiting was told to nobody */

    ngx_http_faas_release(queue);

    if (waiter->in != NULL) {
        ngx_http_faas_want(ctx->conf->zone, ctx->fn);
    }

    return NGX_AGAIN;
}


ngx_int_t
ngx_http_faas_pause(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx,
    ngx_msec_t msec)
{
    ngx_int_t                rc;
    ngx_http_faas_waiter_t  *waiter;

    rc = ngx_http_faas_has_room(ctx);

    if (rc != NGX_OK) {
        return rc;
    }

    waiter = ngx_http_faas_waiter(r, ctx);

    if (waiter == NULL) {
        ngx_http_faas_stat_unpark(ctx->conf->zone, ctx->fn);
        return NGX_ERROR;
    }

    ngx_http_faas_stat_leave(ctx->conf->zone, ctx->fn);

    waiter->since = ngx_http_faas_usec();
    waiter->is_paused = 1;
    ctx->wait = NGX_HTTP_FAAS_PARKED;
    ngx_http_faas_add(&ctx->conf->zone->sh->fn[ctx->fn].waiting, 1);

    return ngx_http_faas_await(r, waiter, msec) == NGX_OK ? NGX_AGAIN
                                                          : NGX_ERROR;
}


ngx_msec_t
ngx_http_faas_patience(ngx_http_faas_ctx_t *ctx)
{
    uint32_t  park;

    park = ctx->conf->zone->sh->fn[ctx->fn].park;

    if (park != FAAS_UNSET) {
        ctx->setting = "com.ngx-faas.park";
        return park;
    }

    ctx->setting = "faas_park_timeout";
    return ctx->conf->park;
}


void
ngx_http_faas_leave(ngx_http_faas_zone_t *zone, uint32_t fn, uint32_t rep)
{
    ngx_http_faas_drop(zone, rep);

    if (ngx_http_faas_load(&zone->sh->fn[fn].waiting) != 0) {
        ngx_http_faas_next(zone, fn);
    }
}


void
ngx_http_faas_next(ngx_http_faas_zone_t *zone, uint32_t fn)
{
    ngx_uint_t               lane;
    ngx_http_faas_queue_t   *queue;

    queue = ngx_http_faas_waits.queue != NULL ? ngx_http_faas_waits.queue[fn]
                                              : NULL;

    lane = ngx_http_faas_oldest(zone->sh, fn);

    if (lane == zone->lane || lane == NGX_HTTP_FAAS_NONE) {

        /* those that share the last lane show no ticket */

        if (queue != NULL && !ngx_queue_empty(&queue->waiters)) {
            ngx_http_faas_release(queue);
            return;
        }

        lane = zone->sh->lanes - 1;
    }

    ngx_http_faas_signal(zone->sh, lane);
}


void
ngx_http_faas_look(void)
{
    ngx_http_faas_release_all();
}


ngx_int_t
ngx_http_faas_listen(ngx_http_request_t *r)
{
    ngx_connection_t  *c;

    c = r->connection;

    if (c->read->ready) {
        ngx_post_event(c->read, &ngx_posted_events);

    } else if (ngx_handle_read_event(c->read, 0) != NGX_OK) {
        return NGX_ERROR;
    }

    r->read_event_handler = ngx_http_test_reading;
    r->write_event_handler = ngx_http_request_empty_handler;

    return NGX_OK;
}


void
ngx_http_faas_go_on(ngx_http_request_t *r)
{
    ngx_connection_t  *c;

    c = r->connection;

    ngx_http_set_log_request(c->log, r);

    r->read_event_handler = ngx_http_block_reading;
    r->write_event_handler = ngx_http_core_run_phases;

    ngx_http_core_run_phases(r);
    ngx_http_run_posted_requests(c);
}


/*
 * Listens for the client going away, and for the end of the time.
 */

static ngx_int_t
ngx_http_faas_await(ngx_http_request_t *r, ngx_http_faas_waiter_t *waiter,
    ngx_msec_t msec)
{
    ngx_add_timer(&waiter->event, msec);

    if (ngx_http_faas_listen(r) != NGX_OK) {
        ngx_http_faas_unpark(waiter, NGX_HTTP_FAAS_NOT_PARKED);
        return NGX_ERROR;
    }

    return NGX_OK;
}


/*
 * Counts the request as parked, unless there are too many.
 */

static ngx_int_t
ngx_http_faas_has_room(ngx_http_faas_ctx_t *ctx)
{
    uint32_t                    max;
    ngx_http_faas_fn_t         *f;
    ngx_http_faas_zone_t       *zone;
    ngx_http_faas_main_conf_t  *fmcf;

    fmcf = ctx->conf;
    zone = fmcf->zone;
    f = &zone->sh->fn[ctx->fn];

    if (f->queue != FAAS_UNSET) {
        max = f->queue;
        ctx->setting = "com.ngx-faas.queue";

    } else {
        max = (uint32_t) fmcf->queue;
        ctx->setting = "faas_queue";
    }

    if (max == 0) {
        return NGX_DECLINED;
    }

    ngx_http_faas_stat_park(zone, ctx->fn);

    if (ngx_http_faas_stat_parked(zone->sh, ctx->fn) <= max) {

        if (ngx_http_faas_stat_parked_all(zone->sh) <= fmcf->queue_total) {
            return NGX_OK;
        }

        ctx->setting = "faas_queue total=";
    }

    ngx_http_faas_stat_unpark(zone, ctx->fn);

    return NGX_BUSY;
}


static ngx_http_faas_waiter_t *
ngx_http_faas_waiter(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx)
{
    ngx_http_cleanup_t      *cln;
    ngx_http_faas_waiter_t  *waiter;

    waiter = ngx_pcalloc(r->pool, sizeof(ngx_http_faas_waiter_t));
    if (waiter == NULL) {
        return NULL;
    }

    /* it runs when the client goes, and before the pool is gone */

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NULL;
    }

    cln->handler = ngx_http_faas_wait_cleanup;
    cln->data = waiter;

    waiter->request = r;
    waiter->ctx = ctx;
    waiter->fd = (ngx_socket_t) -1;
    waiter->event.handler = ngx_http_faas_wait_handler;
    waiter->event.data = waiter;
    waiter->event.log = r->connection->log;

    return waiter;
}


static ngx_http_faas_queue_t *
ngx_http_faas_queue(uint32_t fn, ngx_log_t *log)
{
    ngx_http_faas_queue_t  *queue;
    ngx_http_faas_waits_t  *waits;

    waits = &ngx_http_faas_waits;

    if (waits->queue == NULL) {

        /* not ngx_calloc(), which touches all of it: most is never used */

        waits->queue = calloc(waits->conf->zone->sh->fns,
                              sizeof(ngx_http_faas_queue_t *));
        if (waits->queue == NULL) {
            return NULL;
        }
    }

    queue = waits->queue[fn];

    if (queue == NULL) {
        queue = ngx_alloc(sizeof(ngx_http_faas_queue_t), log);
        if (queue == NULL) {
            return NULL;
        }

        queue->fn = fn;
        queue->turn = 0;
        queue->since = 0;
        ngx_queue_init(&queue->waiters);

        waits->queue[fn] = queue;
    }

    return queue;
}


static void
ngx_http_faas_enqueue(ngx_http_faas_queue_t *queue,
    ngx_http_faas_waiter_t *waiter)
{
    ngx_http_faas_fn_t     *f;
    ngx_http_faas_waits_t  *waits;

    waits = &ngx_http_faas_waits;
    f = &waits->conf->zone->sh->fn[queue->fn];

    if (ngx_queue_empty(&queue->waiters)) {
        ngx_queue_insert_tail(&waits->busy, &queue->link);
    }

    waiter->ctx->wait = NGX_HTTP_FAAS_PARKED;
    waiter->since = ngx_http_faas_usec();
    waiter->in = queue;
    ngx_queue_insert_tail(&queue->waiters, &waiter->queue);

    ngx_http_faas_show_head(queue);
    ngx_http_faas_add(&f->waiting, 1);

    if (!waits->timer.timer_set) {
        ngx_add_timer(&waits->timer, NGX_HTTP_FAAS_LOOK);
    }
}


/*
 * No longer parked but in flight; the time that it has waited is counted.
 */

static void
ngx_http_faas_unpark(ngx_http_faas_waiter_t *waiter,
    ngx_http_faas_wait_e state)
{
    uint64_t               usec;
    ngx_http_faas_ctx_t   *ctx;
    ngx_http_faas_zone_t  *zone;

    ctx = waiter->ctx;
    zone = ctx->conf->zone;

    if (waiter->in != NULL) {
        ngx_http_faas_dequeue(waiter);
    }

    waiter->is_paused = 0;
    ctx->wait = state;
    ngx_http_faas_add(&zone->sh->fn[ctx->fn].waiting, -1);

    if (waiter->event.timer_set) {
        ngx_del_timer(&waiter->event);
    }

    usec = ngx_http_faas_usec() - waiter->since;
    ctx->parked += usec;

    ngx_http_faas_hist_add(zone, ngx_http_faas_fn_park_series(zone, ctx->fn),
                           usec);

    ngx_http_faas_stat_enter(zone, ctx->fn);
    ngx_http_faas_stat_unpark(zone, ctx->fn);
}


static void
ngx_http_faas_dequeue(ngx_http_faas_waiter_t *waiter)
{
    ngx_http_faas_queue_t  *queue;

    queue = waiter->in;
    waiter->in = NULL;

    ngx_queue_remove(&waiter->queue);

    if (ngx_queue_empty(&queue->waiters)) {
        ngx_queue_remove(&queue->link);
    }

    ngx_http_faas_show_head(queue);
}


static void
ngx_http_faas_show_head(ngx_http_faas_queue_t *queue)
{
    uint64_t                 ticket;
    ngx_http_faas_zone_t    *zone;
    ngx_http_faas_waiter_t  *waiter;

    zone = ngx_http_faas_waits.conf->zone;

    if (zone->lane == zone->sh->lanes - 1) {
        return;
    }

    ticket = 0;

    if (!ngx_queue_empty(&queue->waiters)) {
        waiter = ngx_queue_data(ngx_queue_head(&queue->waiters),
                                ngx_http_faas_waiter_t, queue);
        ticket = waiter->ticket;
    }

    __atomic_store_n(&ngx_http_faas_stat(zone->sh, zone->lane,
                                         queue->fn)->head,
                     ticket, __ATOMIC_SEQ_CST);
}


/*
 * Lets requests go while there are places for them.  Out of turn only if the
 * worker whose turn it is does not take a place that it could have.
 */

static void
ngx_http_faas_release(ngx_http_faas_queue_t *queue)
{
    uint32_t                 rep;
    ngx_uint_t               lane, n;
    ngx_http_faas_fn_t      *f;
    ngx_http_faas_zone_t    *zone;
    ngx_http_faas_waiter_t  *waiter;

    zone = ngx_http_faas_waits.conf->zone;
    f = &zone->sh->fn[queue->fn];

    for (n = 0; !ngx_queue_empty(&queue->waiters); n++) {

        waiter = ngx_queue_data(ngx_queue_head(&queue->waiters),
                                ngx_http_faas_waiter_t, queue);

        if (f->state != NGX_HTTP_FAAS_FN_LIVE && (f->seq & 1) == 0) {
            ngx_http_faas_go(waiter, NGX_HTTP_FAAS_GONE);
            continue;
        }

        if (n >= NGX_HTTP_FAAS_BURST) {
            ngx_post_event(&ngx_http_faas_waits.turn, &ngx_posted_next_events);
            return;
        }

        if (ngx_http_faas_pick(zone, queue->fn, NULL, &rep) != NGX_OK) {
            queue->turn = 0;
            return;
        }

        lane = (f->max_inflight != 0)
               ? ngx_http_faas_oldest(zone->sh, queue->fn) : zone->lane;

        if (lane != zone->lane && lane != NGX_HTTP_FAAS_NONE
            && !ngx_http_faas_has_lost_turn(queue, lane))
        {
            ngx_http_faas_drop(zone, rep);
            ngx_http_faas_signal(zone->sh, lane);
            return;
        }

        waiter->ctx->rep = rep;
        ngx_http_faas_go(waiter, NGX_HTTP_FAAS_READY);
    }

    /* places may be left for those that wait elsewhere */

    if (f->max_inflight != 0 && ngx_http_faas_load(&f->waiting) != 0) {
        lane = ngx_http_faas_oldest(zone->sh, queue->fn);

        if (lane != zone->lane && lane != NGX_HTTP_FAAS_NONE) {
            ngx_http_faas_signal(zone->sh, lane);
        }
    }
}


static ngx_uint_t
ngx_http_faas_has_lost_turn(ngx_http_faas_queue_t *queue, ngx_uint_t lane)
{
    uint64_t  head;

    head = __atomic_load_n(
                   &ngx_http_faas_stat(ngx_http_faas_waits.conf->zone->sh,
                                       lane, queue->fn)->head,
                   __ATOMIC_SEQ_CST);

    if (queue->turn != head) {
        queue->turn = head;
        queue->since = ngx_current_msec;
        return 0;
    }

    return ngx_current_msec - queue->since >= NGX_HTTP_FAAS_TURN;
}


/*
 * It goes on at the loop's next turn: its neighbours in the queue may be gone
 * by then.
 */

static void
ngx_http_faas_go(ngx_http_faas_waiter_t *waiter, ngx_http_faas_wait_e state)
{
    ngx_http_faas_unpark(waiter, state);

    ngx_post_event(&waiter->event, &ngx_posted_events);
}


static void
ngx_http_faas_wait_handler(ngx_event_t *ev)
{
    ngx_http_faas_ctx_t     *ctx;
    ngx_http_faas_waiter_t  *waiter;

    waiter = ev->data;
    ctx = waiter->ctx;

    if (ev->timedout) {
        ev->timedout = 0;

        if (waiter->is_paused) {
            ngx_http_faas_unpark(waiter, NGX_HTTP_FAAS_READY);

        } else {
            ngx_http_faas_unpark(waiter, NGX_HTTP_FAAS_EXPIRED);

            /* it may have been the one that all others waited for */

            ngx_http_faas_next(ctx->conf->zone, ctx->fn);
        }
    }

    ngx_http_faas_go_on(waiter->request);
}


/*
 * The client has gone, or the request has ended in another way.
 */

static void
ngx_http_faas_wait_cleanup(void *data)
{
    ngx_http_faas_ctx_t     *ctx;
    ngx_http_faas_zone_t    *zone;
    ngx_http_faas_waiter_t  *waiter = data;

    ctx = waiter->ctx;
    zone = ctx->conf->zone;

    if (waiter->event.posted) {
        ngx_delete_posted_event(&waiter->event);
    }

    if (waiter->in == NULL && !waiter->is_paused) {
        return;
    }

    ngx_http_faas_unpark(waiter, NGX_HTTP_FAAS_EXPIRED);

    if (ngx_http_faas_load(&zone->sh->fn[ctx->fn].waiting) != 0) {
        ngx_http_faas_next(zone, ctx->fn);
    }
}


static void
ngx_http_faas_wait_timer(ngx_event_t *ev)
{
    ngx_http_faas_release_all();

    if (!ngx_queue_empty(&ngx_http_faas_waits.busy)) {
        ngx_add_timer(ev, NGX_HTTP_FAAS_LOOK);
    }
}


static void
ngx_http_faas_wait_turn(ngx_event_t *ev)
{
    ngx_http_faas_release_all();
}


static void
ngx_http_faas_release_all(void)
{
    ngx_queue_t            *q, *next;
    ngx_http_faas_zone_t   *zone;
    ngx_http_faas_queue_t  *queue;
    ngx_http_faas_waits_t  *waits;

    waits = &ngx_http_faas_waits;
    zone = waits->conf->zone;

    for (q = ngx_queue_head(&waits->busy);
         q != ngx_queue_sentinel(&waits->busy);
         q = next)
    {
        next = ngx_queue_next(q);
        queue = ngx_queue_data(q, ngx_http_faas_queue_t, link);

        ngx_http_faas_release(queue);

        if (!ngx_queue_empty(&queue->waiters)
            && zone->sh->fn[queue->fn].n == 0)
        {
            ngx_http_faas_want(zone, queue->fn);
        }
    }
}

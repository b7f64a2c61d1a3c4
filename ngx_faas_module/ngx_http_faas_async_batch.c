
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Calls that are put into the queue together.
 *
 * A transaction costs Redis more than a call in it does.  So a worker has one
 * under way, and the calls that come meanwhile are the next: the busier Redis
 * is, the more of them share one.  A call that finds none under way goes at
 * the end of this turn of the event loop.
 */


#include "ngx_http_faas_async.h"


static void ngx_http_faas_batch_go(ngx_event_t *ev);
static ngx_uint_t ngx_http_faas_batch_collect(
    ngx_http_faas_async_ask_t **ask);
static ngx_int_t ngx_http_faas_batch_send(ngx_http_faas_async_ask_t **ask,
    ngx_uint_t n);
static void ngx_http_faas_batch_refused(ngx_http_faas_conn_t *conn,
    redisReply *reply);
static void ngx_http_faas_batch_done(ngx_http_faas_conn_t *conn,
    redisReply *reply);
static ngx_uint_t ngx_http_faas_batch_is_valid(redisReply *reply);


/* this process' */
static ngx_http_faas_conn_t  *ngx_http_faas_batch_conn;
static ngx_event_t            ngx_http_faas_batch_event;
static ngx_queue_t            ngx_http_faas_batch_next;
static ngx_queue_t            ngx_http_faas_batch_sent;
static ngx_uint_t             ngx_http_faas_batch_n;             /* sent */
static ngx_uint_t             ngx_http_faas_batch_is_refused;    /* logged */


void
ngx_http_faas_batch_init(ngx_http_faas_conn_t *conn)
{
    ngx_http_faas_batch_conn = conn;

    ngx_queue_init(&ngx_http_faas_batch_next);
    ngx_queue_init(&ngx_http_faas_batch_sent);

    ngx_http_faas_batch_event.handler = ngx_http_faas_batch_go;
    ngx_http_faas_batch_event.log = ngx_cycle->log;
}


void
ngx_http_faas_batch_add(ngx_http_faas_async_wait_t *wait)
{
    ngx_queue_insert_tail(&ngx_http_faas_batch_next, &wait->queue);

    ngx_http_faas_batch_post();
}


void
ngx_http_faas_batch_post(void)
{
    if (!ngx_queue_empty(&ngx_http_faas_batch_next)
        && ngx_queue_empty(&ngx_http_faas_batch_sent))
    {
        ngx_post_event(&ngx_http_faas_batch_event, &ngx_posted_events);
    }
}


void
ngx_http_faas_batch_lost(void)
{
    ngx_http_faas_async_fail(&ngx_http_faas_batch_sent);
    ngx_http_faas_async_fail(&ngx_http_faas_batch_next);
}


static void
ngx_http_faas_batch_go(ngx_event_t *ev)
{
    ngx_uint_t                  n;
    ngx_http_faas_async_ask_t  *ask[NGX_HTTP_FAAS_BATCH_CALLS];

    if (!ngx_queue_empty(&ngx_http_faas_batch_sent)) {
        return;
    }

    n = ngx_http_faas_batch_collect(ask);

    if (n == 0 || ngx_http_faas_batch_send(ask, n) == NGX_OK) {
        return;
    }

    /* no memory, or nobody there: who comes later may have more luck */

    ngx_http_faas_async_fail(&ngx_http_faas_batch_sent);

    ngx_http_faas_batch_post();
}


/*
 * From the next ones to those that are sent, in their order.
 */

static ngx_uint_t
ngx_http_faas_batch_collect(ngx_http_faas_async_ask_t **ask)
{
    size_t                       bytes;
    ngx_uint_t                   n;
    ngx_queue_t                 *q;
    ngx_http_faas_async_wait_t  *wait;

    n = 0;
    bytes = 0;

    while (!ngx_queue_empty(&ngx_http_faas_batch_next)
           && n < NGX_HTTP_FAAS_BATCH_CALLS
           && bytes < NGX_HTTP_FAAS_BATCH_BYTES)
    {
        q = ngx_queue_head(&ngx_http_faas_batch_next);
        wait = ngx_queue_data(q, ngx_http_faas_async_wait_t, queue);

        ask[n++] = wait->ask;
        bytes += wait->ask->size;

        wait->is_sent = 1;

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&ngx_http_faas_batch_sent, q);
    }

    ngx_http_faas_batch_n = n;

    return n;
}


static ngx_int_t
ngx_http_faas_batch_send(ngx_http_faas_async_ask_t **ask, ngx_uint_t n)
{
    ngx_int_t              rc;
    ngx_str_t              raw;
    ngx_uint_t             commands;
    ngx_http_faas_conn_t  *conn;

    conn = ngx_http_faas_batch_conn;

    if (ngx_http_faas_async_encode(ask, n, &raw, &commands) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_http_faas_conn_send_raw(conn, ngx_http_faas_batch_refused,
                                     ngx_http_faas_batch_done, &raw, commands);

    ngx_free(raw.data);

    if (rc == NGX_OK) {

        /* a worker that leaves waits for the answer */

        conn->timer.cancelable = 0;
    }

    return rc;
}


/*
 * The answer of a command: EXEC only says that one was refused, not why.
 */

static void
ngx_http_faas_batch_refused(ngx_http_faas_conn_t *conn, redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ERROR || ngx_http_faas_batch_is_refused) {
        return;
    }

    ngx_http_faas_batch_is_refused = 1;

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "faas: Redis at \"%V\" refuses asynchronous calls (\"%s\")",
                  &conn->conf->addr, reply->str);
}


/*
 * The answer of EXEC.  The next ones are on their way before these clients
 * hear of it.
 */

static void
ngx_http_faas_batch_done(ngx_http_faas_conn_t *conn, redisReply *reply)
{
    ngx_queue_t                  done, *q;
    ngx_uint_t                   i, is_valid, is_done;
    ngx_http_faas_async_wait_t  *wait;

    if (ngx_queue_empty(&ngx_http_faas_batch_sent)) {
        return;
    }

    is_valid = ngx_http_faas_batch_is_valid(reply);

    ngx_queue_init(&done);
    ngx_queue_add(&done, &ngx_http_faas_batch_sent);
    ngx_queue_init(&ngx_http_faas_batch_sent);

    ngx_http_faas_batch_post();

    for (i = 0; !ngx_queue_empty(&done); i++) {
        q = ngx_queue_head(&done);
        wait = ngx_queue_data(q, ngx_http_faas_async_wait_t, queue);

        ngx_queue_remove(q);

        is_done = is_valid
                  && reply->element[1 + i]->type == REDIS_REPLY_STRING;

        if (is_valid) {
            ngx_http_faas_batch_refused(conn, reply->element[1 + i]);
        }

        ngx_http_faas_async_end(wait, is_done ? reply : NULL);
    }
}


/*
 * Learns from an answer that has the shape of what was sent.
 */

static ngx_uint_t
ngx_http_faas_batch_is_valid(redisReply *reply)
{
    ngx_uint_t    n;
    redisReply  **sum;

    n = ngx_http_faas_batch_n;

    if (reply->type != REDIS_REPLY_ARRAY
        || reply->elements < ngx_http_faas_async_answers(n, 1)
        || reply->element[0]->type != REDIS_REPLY_STATUS)
    {
        return 0;
    }

    sum = &reply->element[1 + n];

    if (sum[0]->type != REDIS_REPLY_INTEGER
        || sum[1]->type != REDIS_REPLY_INTEGER)
    {
        return 0;
    }

    ngx_http_faas_batch_is_refused = 0;

    ngx_http_faas_async_learn(sum[0], sum[1]);

    return 1;
}

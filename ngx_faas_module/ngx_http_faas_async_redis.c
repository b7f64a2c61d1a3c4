
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Scripts that Redis runs for requests of this worker, on a connection of its
 * own, pipelined: no request waits for another's answer.
 *
 * A request may go while Redis is at its script; what was sent is done anyway.
 * So what waits for an answer is no part of the request's memory.
 */


#include "ngx_http_faas_async.h"


#define NGX_HTTP_FAAS_ASYNC_SHA1  40    /* hexadecimal digits */


typedef struct {
    const struct faas_script   *script;
    u_char                      sha1[NGX_HTTP_FAAS_ASYNC_SHA1 + 1];
                                             /* empty: not loaded */
} ngx_http_faas_async_script_t;


static ngx_http_faas_async_wait_t *ngx_http_faas_async_create_wait(
    ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx,
    ngx_http_faas_async_ask_t *ask);
static ngx_int_t ngx_http_faas_async_send(ngx_http_faas_async_wait_t *wait,
    ngx_uint_t is_whole);
static ngx_http_faas_async_script_t *ngx_http_faas_async_find(
    const struct faas_script *script);
static void ngx_http_faas_async_ready(ngx_http_faas_conn_t *conn);
static void ngx_http_faas_async_late(ngx_event_t *ev);
static void ngx_http_faas_async_loaded(ngx_http_faas_conn_t *conn,
    redisReply *reply);
static void ngx_http_faas_async_lost(ngx_http_faas_conn_t *conn);
static void ngx_http_faas_async_reply(ngx_http_faas_conn_t *conn,
    redisReply *reply);
static void ngx_http_faas_async_go(void);
static void ngx_http_faas_async_cleanup(void *data);


static ngx_http_faas_async_script_t  ngx_http_faas_async_scripts[] = {
    { &faas_async_enqueue, "" },
    { &faas_async_state, "" },
    { &faas_async_cancel, "" }
};

#define NGX_HTTP_FAAS_ASYNC_SCRIPTS                                          \
    (sizeof(ngx_http_faas_async_scripts)                                     \
     / sizeof(ngx_http_faas_async_scripts[0]))


/* this process' */
static ngx_http_faas_conn_t  ngx_http_faas_async_conn;
static ngx_queue_t           ngx_http_faas_async_sent;
static ngx_queue_t           ngx_http_faas_async_unsent;
static ngx_event_t           ngx_http_faas_async_timer;   /* until connected */
static ngx_uint_t            ngx_http_faas_async_loads;


void
ngx_http_faas_async_init(ngx_http_faas_main_conf_t *fmcf)
{
    ngx_http_faas_conn_t  *conn;

    if (!fmcf->async.is_used) {
        return;
    }

    ngx_queue_init(&ngx_http_faas_async_sent);
    ngx_queue_init(&ngx_http_faas_async_unsent);

    conn = &ngx_http_faas_async_conn;

    conn->conf = &fmcf->redis;
    conn->ready = ngx_http_faas_async_ready;
    conn->lost = ngx_http_faas_async_lost;
    conn->is_lasting = 1;
    conn->is_quiet = 1;

    ngx_http_faas_batch_init(conn);

    ngx_http_faas_async_timer.handler = ngx_http_faas_async_late;
    ngx_http_faas_async_timer.data = conn;
    ngx_http_faas_async_timer.log = ngx_cycle->log;

    ngx_http_faas_conn_open(conn);
}


void
ngx_http_faas_async_exit(void)
{
    if (ngx_http_faas_async_conn.is_open) {
        ngx_http_faas_conn_close(&ngx_http_faas_async_conn);
    }
}


ngx_int_t
ngx_http_faas_async_ask(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx,
    ngx_http_faas_async_ask_t *ask)
{
    ngx_http_faas_conn_t        *conn;
    ngx_http_faas_async_wait_t  *wait;

    conn = &ngx_http_faas_async_conn;

    /* a worker that has just begun is not connected yet */

    if (!conn->is_ready && conn->is_reported) {
        return NGX_DECLINED;
    }

    wait = ngx_http_faas_async_create_wait(r, ctx, ask);
    if (wait == NULL) {
        return NGX_ERROR;
    }

    if (ask->is_plain) {
        ngx_http_faas_batch_add(wait);
        goto done;
    }

    ngx_queue_insert_tail(&ngx_http_faas_async_unsent, &wait->queue);

    if (conn->is_ready) {
        ngx_http_faas_async_go();

    } else if (!ngx_http_faas_async_timer.timer_set) {
        ngx_add_timer(&ngx_http_faas_async_timer, conn->conf->timeout);
    }

    if (!wait->is_sent && conn->is_ready && conn->n == 0) {

        /* no memory, and no answer to come that it could follow */

        ngx_queue_remove(&wait->queue);
        wait->cleanup->handler = NULL;
        ngx_free(wait);

        return NGX_ERROR;
    }

done:

    /* it is as good as done: the client's going away is of no interest */

    r->read_event_handler = ngx_http_block_reading;
    r->write_event_handler = ngx_http_request_empty_handler;
    r->main->count++;

    return NGX_DONE;
}


static ngx_http_faas_async_wait_t *
ngx_http_faas_async_create_wait(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx, ngx_http_faas_async_ask_t *ask)
{
    ngx_http_cleanup_t          *cln;
    ngx_http_faas_async_wait_t  *wait;

    cln = ngx_http_cleanup_add(r, 0);
    if (cln == NULL) {
        return NULL;
    }

    wait = ngx_alloc(sizeof(ngx_http_faas_async_wait_t), r->connection->log);
    if (wait == NULL) {
        return NULL;
    }

    wait->request = r;
    wait->ctx = ctx;
    wait->ask = ask;
    wait->cleanup = cln;
    wait->is_sent = 0;

    cln->handler = ngx_http_faas_async_cleanup;
    cln->data = wait;

    return wait;
}


/*
 * As many are on their way as the connection takes beside a batch of calls.
 */

static void
ngx_http_faas_async_go(void)
{
    ngx_queue_t                 *q;
    ngx_http_faas_async_wait_t  *wait;

    while (!ngx_queue_empty(&ngx_http_faas_async_unsent)
           && ngx_http_faas_async_conn.n + NGX_HTTP_FAAS_BATCH_COMMANDS
              < NGX_HTTP_FAAS_PENDING)
    {
        q = ngx_queue_head(&ngx_http_faas_async_unsent);
        wait = ngx_queue_data(q, ngx_http_faas_async_wait_t, queue);

        if (ngx_http_faas_async_send(wait, 0) != NGX_OK) {
            return;
        }

        wait->is_sent = 1;

        ngx_queue_remove(q);
        ngx_queue_insert_tail(&ngx_http_faas_async_sent, q);
    }
}


/*
 * The whole script is sent where Redis may not know its digest.
 */

static ngx_int_t
ngx_http_faas_async_send(ngx_http_faas_async_wait_t *wait,
    ngx_uint_t is_whole)
{
    size_t                         len[NGX_HTTP_FAAS_ASYNC_ARGS + 3];
    ngx_int_t                      rc;
    ngx_uint_t                     i;
    const char                    *argv[NGX_HTTP_FAAS_ASYNC_ARGS + 3];
    ngx_http_faas_conn_t          *conn;
    ngx_http_faas_async_ask_t     *ask;
    ngx_http_faas_async_script_t  *script;

    ask = wait->ask;
    conn = &ngx_http_faas_async_conn;

    script = ngx_http_faas_async_find(ask->script);

    is_whole |= (script->sha1[0] == '\0');

    argv[0] = is_whole ? "EVAL" : "EVALSHA";
    argv[1] = is_whole ? ask->script->text : (char *) script->sha1;
    argv[2] = "0";

    for (i = 0; i < 3; i++) {
        len[i] = ngx_strlen(argv[i]);
    }

    for (i = 0; i < ask->n; i++) {
        argv[i + 3] = (char *) ask->arg[i].data;
        len[i + 3] = ask->arg[i].len;
    }

    rc = ngx_http_faas_conn_send(conn, ngx_http_faas_async_reply, 0,
                                 ask->n + 3, argv, len);

    if (rc == NGX_OK) {

        /* a worker that leaves waits for the answer */

        conn->timer.cancelable = 0;
    }

    return rc;
}


static ngx_http_faas_async_script_t *
ngx_http_faas_async_find(const struct faas_script *script)
{
    ngx_uint_t  i;

    for (i = 0; ngx_http_faas_async_scripts[i].script != script; i++) {
        /* void */
    }

    return &ngx_http_faas_async_scripts[i];
}


static void
ngx_http_faas_async_ready(ngx_http_faas_conn_t *conn)
{
    size_t       len[3];
    ngx_uint_t   i;
    const char  *argv[3];

    conn->timer.cancelable = 1;
    ngx_http_faas_async_loads = 0;

    for (i = 0; i < NGX_HTTP_FAAS_ASYNC_SCRIPTS; i++) {
        ngx_http_faas_async_scripts[i].sha1[0] = '\0';

        argv[0] = "SCRIPT";
        len[0] = 6;
        argv[1] = "LOAD";
        len[1] = 4;
        argv[2] = ngx_http_faas_async_scripts[i].script->text;
        len[2] = ngx_strlen(argv[2]);

        (void) ngx_http_faas_conn_send(conn, ngx_http_faas_async_loaded, 0, 3,
                                       argv, len);
    }

    if (ngx_http_faas_async_timer.timer_set) {
        ngx_del_timer(&ngx_http_faas_async_timer);
    }

    ngx_http_faas_async_go();
}


/*
 * Requests have waited for the first connection as long as for an answer.
 */

static void
ngx_http_faas_async_late(ngx_event_t *ev)
{
    ngx_http_faas_async_lost(ev->data);
}


static void
ngx_http_faas_async_loaded(ngx_http_faas_conn_t *conn, redisReply *reply)
{
    ngx_http_faas_async_script_t  *script;

    script = &ngx_http_faas_async_scripts[ngx_http_faas_async_loads++];

    if (reply->type == REDIS_REPLY_STRING
        && reply->len == NGX_HTTP_FAAS_ASYNC_SHA1)
    {
        ngx_memcpy(script->sha1, reply->str, NGX_HTTP_FAAS_ASYNC_SHA1 + 1);
        return;
    }

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "faas: Redis at \"%V\" does not load script \"%s\" (\"%s\"); "
                  "asynchronous calls need Redis 7 or later",
                  &conn->conf->addr, script->script->name,
                  reply->type == REDIS_REPLY_ERROR ? reply->str : "no error");
}


/*
 * Nobody knows whether what was sent was done.
 */

static void
ngx_http_faas_async_lost(ngx_http_faas_conn_t *conn)
{
    conn->timer.cancelable = 1;

    ngx_http_faas_async_fail(&ngx_http_faas_async_sent);
    ngx_http_faas_async_fail(&ngx_http_faas_async_unsent);

    ngx_http_faas_batch_lost();
}


void
ngx_http_faas_async_fail(ngx_queue_t *waits)
{
    ngx_queue_t                  failed, *q;
    ngx_http_faas_async_wait_t  *wait;

    if (ngx_queue_empty(waits)) {
        return;
    }

    /* a request that is finalized may be followed by another at once */

    ngx_queue_init(&failed);
    ngx_queue_add(&failed, waits);
    ngx_queue_init(waits);

    while (!ngx_queue_empty(&failed)) {
        q = ngx_queue_head(&failed);
        wait = ngx_queue_data(q, ngx_http_faas_async_wait_t, queue);

        ngx_queue_remove(q);
        ngx_http_faas_async_end(wait, NULL);
    }
}


static void
ngx_http_faas_async_reply(ngx_http_faas_conn_t *conn, redisReply *reply)
{
    ngx_queue_t                 *q;
    ngx_http_faas_async_wait_t  *wait;

    if (ngx_queue_empty(&ngx_http_faas_async_sent)) {
        return;
    }

    q = ngx_queue_head(&ngx_http_faas_async_sent);
    wait = ngx_queue_data(q, ngx_http_faas_async_wait_t, queue);

    ngx_queue_remove(q);

    if (wait->request != NULL && reply->type == REDIS_REPLY_ERROR
        && ngx_strncmp(reply->str, "NOSCRIPT", 8) == 0
        && ngx_http_faas_async_send(wait, 1) == NGX_OK)
    {
        /* somebody has flushed the scripts; it is known again by this */

        ngx_queue_insert_tail(&ngx_http_faas_async_sent, q);
        return;
    }

    ngx_http_faas_async_go();
    ngx_http_faas_async_end(wait, reply);
}


void
ngx_http_faas_async_end(ngx_http_faas_async_wait_t *wait, redisReply *reply)
{
    ngx_connection_t           *c;
    ngx_http_request_t         *r;
    ngx_http_faas_ctx_t        *ctx;
    ngx_http_faas_async_ask_t  *ask;

    r = wait->request;
    ctx = wait->ctx;
    ask = wait->ask;

    if (r == NULL) {
        ngx_free(wait);
        return;
    }

    wait->cleanup->handler = NULL;
    ngx_free(wait);

    c = r->connection;

    if (reply != NULL && reply->type == REDIS_REPLY_ERROR) {
        ngx_log_error(NGX_LOG_ERR, c->log, 0,
                      "faas: Redis refuses script \"%s\": \"%s\"",
                      ask->script->name, reply->str);
        reply = NULL;
    }

    ask->handler(r, ctx, reply);

    ngx_http_run_posted_requests(c);
}


/*
 * The request goes: what was sent still gets its answer.
 */

static void
ngx_http_faas_async_cleanup(void *data)
{
    ngx_http_faas_async_wait_t  *wait = data;

    wait->request = NULL;

    if (!wait->is_sent) {
        ngx_queue_remove(&wait->queue);
        ngx_free(wait);
    }
}


/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A connection to Redis: hiredis on nginx's event loop.
 *
 * hiredis frees its context in its own time, and closes the descriptor then.
 * So nothing here connects or frees from within one of its callbacks: what
 * has to be done later is left to the timer.
 */


#include "ngx_http_faas.h"


static void ngx_http_faas_conn_expect(ngx_http_faas_conn_t *conn,
    ngx_http_faas_reply_pt handler, ngx_msec_t wait);
static void ngx_http_faas_conn_connect(ngx_http_faas_conn_t *conn);
static ngx_int_t ngx_http_faas_conn_attach(ngx_http_faas_conn_t *conn);
static void ngx_http_faas_conn_timer(ngx_event_t *ev);
static void ngx_http_faas_conn_read(ngx_event_t *ev);
static void ngx_http_faas_conn_write(ngx_event_t *ev);

static void ngx_http_faas_conn_add_read(void *data);
static void ngx_http_faas_conn_del_read(void *data);
static void ngx_http_faas_conn_add_write(void *data);
static void ngx_http_faas_conn_del_write(void *data);
static void ngx_http_faas_conn_cleanup(void *data);
static void ngx_http_faas_conn_on_connect(const redisAsyncContext *ac,
    int status);
static void ngx_http_faas_conn_on_disconnect(const redisAsyncContext *ac,
    int status);
static void *ngx_http_faas_conn_array(const redisReadTask *task,
    ngx_http_faas_elements_t elements);
static void ngx_http_faas_conn_replies(ngx_http_faas_conn_t *conn);
static void ngx_http_faas_conn_on_reply(ngx_http_faas_conn_t *conn,
    redisReply *reply);

static void ngx_http_faas_conn_greet(ngx_http_faas_conn_t *conn);
static void ngx_http_faas_conn_greeted(ngx_http_faas_conn_t *conn,
    redisReply *reply);
static void ngx_http_faas_conn_up(ngx_http_faas_conn_t *conn,
    redisReply *reply);
static void ngx_http_faas_conn_refused(ngx_http_faas_conn_t *conn,
    redisReply *reply);


/* hiredis' own, but for the one that makes arrays */

static struct {
    redisReplyObjectFunctions   all;
    void                     *(*array)(const redisReadTask *task,
                                   ngx_http_faas_elements_t elements);
} ngx_http_faas_conn_functions;


void
ngx_http_faas_conn_open(ngx_http_faas_conn_t *conn)
{
    conn->timer.handler = ngx_http_faas_conn_timer;
    conn->timer.data = conn;
    conn->timer.log = ngx_cycle->log;
    conn->timer.cancelable = 1;

    conn->delay = NGX_HTTP_FAAS_RECONNECT_MIN;
    conn->peer.data = conn->text;
    conn->is_open = 1;

    ngx_http_faas_conn_connect(conn);
}


void
ngx_http_faas_conn_close(ngx_http_faas_conn_t *conn)
{
    redisAsyncContext  *ac;

    ac = conn->ac;

    conn->ac = NULL;
    conn->is_open = 0;
    conn->is_ready = 0;

    if (conn->timer.timer_set) {
        ngx_del_timer(&conn->timer);
    }

    ngx_http_faas_name_cancel(conn);

    if (ac != NULL) {
        redisAsyncFree(ac);
    }
}


void
ngx_http_faas_conn_reset(ngx_http_faas_conn_t *conn, const char *why)
{
    redisAsyncContext  *ac;

    ac = conn->ac;

    if (ac == NULL) {
        return;
    }

    ngx_http_faas_conn_down(conn, why);

    redisAsyncFree(ac);
}


ngx_int_t
ngx_http_faas_conn_send(ngx_http_faas_conn_t *conn,
    ngx_http_faas_reply_pt handler, ngx_msec_t wait, int argc,
    const char **argv, const size_t *argvlen)
{
    if (conn->ac == NULL || conn->n == NGX_HTTP_FAAS_PENDING
        || redisAppendCommandArgv(&conn->ac->c, argc, argv, argvlen)
           != REDIS_OK)
    {
        return NGX_ERROR;
    }

    ngx_http_faas_conn_expect(conn, handler, wait);

    return NGX_OK;
}


ngx_int_t
ngx_http_faas_conn_send_raw(ngx_http_faas_conn_t *conn,
    ngx_http_faas_reply_pt each, ngx_http_faas_reply_pt last, ngx_str_t *raw,
    ngx_uint_t n)
{
    if (conn->ac == NULL || conn->n + n > NGX_HTTP_FAAS_PENDING
        || redisAppendFormattedCommand(&conn->ac->c, (char *) raw->data,
                                       raw->len)
           != REDIS_OK)
    {
        return NGX_ERROR;
    }

    while (n-- > 1) {
        ngx_http_faas_conn_expect(conn, each, 0);
    }

    ngx_http_faas_conn_expect(conn, last, 0);

    return NGX_OK;
}


/*
 * A command was appended, and will be answered.  What comes in one turn of the
 * event loop goes out in one piece at its end.
 */

static void
ngx_http_faas_conn_expect(ngx_http_faas_conn_t *conn,
    ngx_http_faas_reply_pt handler, ngx_msec_t wait)
{
    if (conn->connection != NULL) {

        if (conn->ac->c.flags & REDIS_CONNECTED) {
            ngx_post_event(conn->connection->write, &ngx_posted_events);

        } else {
            ngx_http_faas_conn_add_write(conn);
        }
    }

    conn->pending[(conn->first + conn->n) % NGX_HTTP_FAAS_PENDING] = handler;
    conn->n++;

    ngx_add_timer(&conn->timer, conn->conf->timeout + wait);
}


static void
ngx_http_faas_conn_connect(ngx_http_faas_conn_t *conn)
{
    conn->first = 0;
    conn->n = 0;

    if (conn->conf->host.len != 0) {
        ngx_http_faas_name_resolve(conn);
        return;
    }

    ngx_http_faas_conn_connect_to(conn, &conn->conf->parsed);
}


void
ngx_http_faas_conn_connect_to(ngx_http_faas_conn_t *conn,
    struct faas_addr *addr)
{
    char                host[NGX_SOCKADDR_STRLEN + 1];
    u_char             *p;
    struct sockaddr    *sa;
    redisAsyncContext  *ac;

    sa = (struct sockaddr *) &addr->sa;

    if (sa->sa_family == AF_UNIX) {
        ac = redisAsyncConnectUnix(((struct sockaddr_un *) sa)->sun_path);

    } else {
        p = (u_char *) host;
        p += ngx_sock_ntop(sa, addr->len, p, NGX_SOCKADDR_STRLEN, 0);
        *p = '\0';

        /* hiredis wants an IPv6 address without its brackets */

        if (host[0] == '[') {
            p[-1] = '\0';
        }

        ac = redisAsyncConnect(host[0] == '[' ? host + 1 : host,
                               ngx_inet_get_port(sa));
    }

    if (ac == NULL) {
        ngx_http_faas_conn_down(conn, "no memory");
        return;
    }

    if (ac->err) {
        ngx_http_faas_conn_down(conn, ac->errstr);
        redisAsyncFree(ac);
        return;
    }

    conn->ac = ac;

    if (ngx_http_faas_conn_attach(conn) != NGX_OK) {
        ngx_http_faas_conn_reset(conn, "no free connection of nginx");
        return;
    }

    ngx_http_faas_conn_greet(conn);
}


static ngx_int_t
ngx_http_faas_conn_attach(ngx_http_faas_conn_t *conn)
{
    ngx_connection_t   *c;
    redisAsyncContext  *ac;

    ac = conn->ac;

    c = ngx_get_connection(ac->c.fd, ngx_cycle->log);
    if (c == NULL) {
        return NGX_ERROR;
    }

    c->data = conn;
    c->idle = !conn->is_lasting;
    c->log = ngx_cycle->log;
    c->read->log = c->log;
    c->write->log = c->log;
    c->read->handler = ngx_http_faas_conn_read;
    c->write->handler = ngx_http_faas_conn_write;

    conn->connection = c;
    conn->owner = ac;

    ngx_http_faas_conn_functions.all = *ac->c.reader->fn;
    ngx_http_faas_conn_functions.array =
                                  ngx_http_faas_conn_functions.all.createArray;
    ngx_http_faas_conn_functions.all.createArray = ngx_http_faas_conn_array;
    ac->c.reader->fn = &ngx_http_faas_conn_functions.all;

    ac->ev.data = conn;
    ac->ev.addRead = ngx_http_faas_conn_add_read;
    ac->ev.delRead = ngx_http_faas_conn_del_read;
    ac->ev.addWrite = ngx_http_faas_conn_add_write;
    ac->ev.delWrite = ngx_http_faas_conn_del_write;
    ac->ev.cleanup = ngx_http_faas_conn_cleanup;

    (void) redisAsyncSetConnectCallback(ac, ngx_http_faas_conn_on_connect);
    (void) redisAsyncSetDisconnectCallback(ac,
                                           ngx_http_faas_conn_on_disconnect);

    return NGX_OK;
}


/*
 * The context is gone or about to go: tells the owner, and tries again later.
 */

void
ngx_http_faas_conn_down(ngx_http_faas_conn_t *conn, const char *why)
{
    unsigned    was_ready;
    ngx_uint_t  level;

    was_ready = conn->is_ready;

    conn->ac = NULL;
    conn->is_ready = 0;

    if (!conn->is_open) {
        return;
    }

    /* one line an outage */

    level = conn->is_reported || conn->is_quiet ? NGX_LOG_INFO : NGX_LOG_ERR;
    conn->is_reported = 1;

    ngx_log_error(level, ngx_cycle->log, 0,
                  "faas: no connection to Redis at \"%V\"%V (%s), trying "
                  "again in %Mms; calls go on with the routes that are known",
                  &conn->conf->addr, &conn->peer, why, conn->delay);

    ngx_add_timer(&conn->timer, conn->delay / 2
                                + ngx_random() % (conn->delay / 2 + 1));

    conn->delay = ngx_min(conn->delay * 2, NGX_HTTP_FAAS_RECONNECT_MAX);

    if (was_ready) {
        conn->lost(conn);
    }
}


static void
ngx_http_faas_conn_timer(ngx_event_t *ev)
{
    ngx_http_faas_conn_t  *conn = ev->data;

    if (conn->ac != NULL) {
        ngx_http_faas_conn_reset(conn, conn->is_ready ? "no answer in time"
                                       : conn->is_refused ? "refused"
                                       : "connect timed out");
        return;
    }

    ngx_http_faas_conn_connect(conn);
}


static void
ngx_http_faas_conn_read(ngx_event_t *ev)
{
    ngx_connection_t      *c;
    ngx_http_faas_conn_t  *conn;

    c = ev->data;
    conn = c->data;

    if (c->close) {

        /* nginx closes what is idle: this worker is leaving */

        ngx_http_faas_leader_resign();
        return;
    }

    if (conn->ac != NULL && !(conn->ac->c.flags & REDIS_CONNECTED)) {

        /* the end of connect is seen by either event */

        redisAsyncHandleWrite(conn->ac);
    }

    if (conn->ac != NULL && (conn->ac->c.flags & REDIS_CONNECTED)) {
        ngx_http_faas_conn_replies(conn);
    }
}


/*
 * Answers are given out here and not by hiredis: that ends the process by an
 * assertion where Redis sends what nobody has asked for.
 */

static void
ngx_http_faas_conn_replies(ngx_http_faas_conn_t *conn)
{
    void               *reply;
    redisAsyncContext  *ac;

    ac = conn->ac;

    if (redisBufferRead(&ac->c) != REDIS_OK) {
        ngx_http_faas_conn_reset(conn, ac->c.errstr);
        return;
    }

    if (ac->c.reader->len > NGX_HTTP_FAAS_REPLY_MAX) {
        ngx_http_faas_conn_reset(conn, "an answer that is too long");
        return;
    }

    /* a handler may give the connection up */

    while (conn->ac == ac) {

        if (redisReaderGetReply(ac->c.reader, &reply) != REDIS_OK) {
            ngx_http_faas_conn_reset(conn, ac->c.reader->errstr);
            return;
        }

        if (reply == NULL) {
            return;
        }

        if (conn->n == 0) {
            freeReplyObject(reply);
            ngx_http_faas_conn_reset(conn, "an answer to no question");
            return;
        }

        ngx_http_faas_conn_on_reply(conn, reply);
        freeReplyObject(reply);
    }
}


/*
 * hiredis would allocate whatever length Redis announces.
 */

static void *
ngx_http_faas_conn_array(const redisReadTask *task,
    ngx_http_faas_elements_t elements)
{
    if (elements > NGX_HTTP_FAAS_ELEMENTS_MAX) {
        return NULL;
    }

    return ngx_http_faas_conn_functions.array(task, elements);
}


static void
ngx_http_faas_conn_write(ngx_event_t *ev)
{
    ngx_connection_t      *c;
    ngx_http_faas_conn_t  *conn;

    c = ev->data;
    conn = c->data;

    if (conn->ac != NULL) {
        redisAsyncHandleWrite(conn->ac);
    }
}


/*
 * Level triggered: hiredis reads 16K at most and does not come back for the
 * rest by itself.
 */

static void
ngx_http_faas_conn_add_read(void *data)
{
    ngx_http_faas_conn_t  *conn = data;

    if (!conn->connection->read->active) {
        (void) ngx_add_event(conn->connection->read, NGX_READ_EVENT,
                             NGX_LEVEL_EVENT);
    }
}


static void
ngx_http_faas_conn_del_read(void *data)
{
    ngx_http_faas_conn_t  *conn = data;

    if (conn->connection->read->active) {
        (void) ngx_del_event(conn->connection->read, NGX_READ_EVENT, 0);
    }
}


static void
ngx_http_faas_conn_add_write(void *data)
{
    ngx_http_faas_conn_t  *conn = data;

    if (!conn->connection->write->active) {
        (void) ngx_add_event(conn->connection->write, NGX_WRITE_EVENT,
                             NGX_LEVEL_EVENT);
    }
}


static void
ngx_http_faas_conn_del_write(void *data)
{
    ngx_http_faas_conn_t  *conn = data;

    if (conn->connection->write->active) {
        (void) ngx_del_event(conn->connection->write, NGX_WRITE_EVENT, 0);
    }
}


/*
 * The descriptor is closed here, with nginx's connection; hiredis has to
 * forget it, for the number may be another's by the time it closes it.
 */

static void
ngx_http_faas_conn_cleanup(void *data)
{
    ngx_connection_t      *c;
    ngx_http_faas_conn_t  *conn = data;

    c = conn->connection;

    if (c == NULL) {
        return;
    }

    conn->connection = NULL;

    ngx_close_connection(c);

    conn->owner->c.fd = -1;
    conn->owner = NULL;
}


static void
ngx_http_faas_conn_on_connect(const redisAsyncContext *ac, int status)
{
    ngx_http_faas_conn_t  *conn;

    conn = ac->ev.data;

    if (status != REDIS_OK && conn->ac == ac) {
        ngx_http_faas_conn_down(conn, ac->errstr);
    }
}


static void
ngx_http_faas_conn_on_disconnect(const redisAsyncContext *ac, int status)
{
    ngx_http_faas_conn_t  *conn;

    conn = ac->ev.data;

    if (conn->ac == ac) {
        ngx_http_faas_conn_down(conn, status == REDIS_OK ? "closed"
                                                         : ac->errstr);
    }
}


static void
ngx_http_faas_conn_on_reply(ngx_http_faas_conn_t *conn, redisReply *reply)
{
    ngx_http_faas_reply_pt  handler;

    handler = conn->pending[conn->first];
    conn->first = (conn->first + 1) % NGX_HTTP_FAAS_PENDING;
    conn->n--;

    if (conn->n == 0 && conn->timer.timer_set) {
        ngx_del_timer(&conn->timer);
    }

    if (handler != NULL) {
        handler(conn, reply);
    }
}


static void
ngx_http_faas_conn_greet(ngx_http_faas_conn_t *conn)
{
    size_t                       len[2];
    u_char                       db[NGX_INT64_LEN];
    const char                  *argv[2];
    ngx_http_faas_redis_conf_t  *conf;

    conf = conn->conf;

    if (conf->password.len != 0) {
        argv[0] = "AUTH";
        len[0] = 4;
        argv[1] = (char *) conf->password.data;
        len[1] = conf->password.len;

        (void) ngx_http_faas_conn_send(conn, ngx_http_faas_conn_greeted, 0, 2,
                                       argv, len);
    }

    if (conf->db != 0) {
        argv[0] = "SELECT";
        len[0] = 6;
        argv[1] = (char *) db;
        len[1] = ngx_sprintf(db, "%i", conf->db) - db;

        (void) ngx_http_faas_conn_send(conn, ngx_http_faas_conn_greeted, 0, 2,
                                       argv, len);
    }

    /* a server that is still loading refuses this one */

    argv[0] = "EXISTS";
    len[0] = 6;
    argv[1] = (char *) conf->epoch;
    len[1] = ngx_strlen(conf->epoch);

    (void) ngx_http_faas_conn_send(conn, ngx_http_faas_conn_up, 0, 2, argv,
                                   len);
}


static void
ngx_http_faas_conn_greeted(ngx_http_faas_conn_t *conn, redisReply *reply)
{
    if (reply->type == REDIS_REPLY_ERROR) {
        ngx_http_faas_conn_refused(conn, reply);
    }
}


static void
ngx_http_faas_conn_up(ngx_http_faas_conn_t *conn, redisReply *reply)
{
    if (reply->type != REDIS_REPLY_INTEGER) {
        ngx_http_faas_conn_refused(conn, reply);

        /* within hiredis' callback: the timer gives the connection up */

        ngx_add_timer(&conn->timer, 1);
        return;
    }

    if (conn->is_reported && !conn->is_quiet) {
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "faas: connected to Redis at \"%V\"%V again",
                      &conn->conf->addr, &conn->peer);
    }

    conn->delay = NGX_HTTP_FAAS_RECONNECT_MIN;
    conn->is_reported = 0;
    conn->is_refused = 0;
    conn->is_unknown = 0;
    conn->is_ready = 1;

    conn->ready(conn);
}


static void
ngx_http_faas_conn_refused(ngx_http_faas_conn_t *conn, redisReply *reply)
{
    ngx_str_t   text;
    ngx_uint_t  level;

    ngx_str_set(&text, "something else than it should");

    if (reply->type == REDIS_REPLY_ERROR) {
        text.data = (u_char *) reply->str;
        text.len = ngx_min((size_t) reply->len, 200);
    }

    /* one line an outage */

    level = conn->is_refused || conn->is_quiet ? NGX_LOG_INFO : NGX_LOG_ERR;
    conn->is_refused = 1;

    ngx_log_error(level, ngx_cycle->log, 0,
                  "faas: Redis at \"%V\"%V answers \"%V\", trying again; see "
                  "password_file= and db= of faas_redis",
                  &conn->conf->addr, &conn->peer, &text);
}

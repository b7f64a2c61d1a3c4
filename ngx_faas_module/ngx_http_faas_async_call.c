
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A request becomes a call in the queue: its headers are checked, its body is
 * read, all of it is handed to Redis, and only when Redis has it the client
 * gets its 202.
 */


#include "ngx_http_faas_async.h"

#include "lib/faas_num.h"


/* calls that may be on their way to Redis, of all workers and gateways */
#define NGX_HTTP_FAAS_ASYNC_MARGIN  1000


/* headers by which a client says what shall be done with the call */

typedef struct {
    ngx_str_t                   callback;
    ngx_str_t                   delay;       /* seconds, as sent */
    ngx_str_t                   same;        /* idempotency key */
    ngx_uint_t                  msec;        /* delay */
} ngx_http_faas_async_wish_t;


/* what Redis has said last of all that waits */

typedef struct {
    uint64_t                    calls;
    uint64_t                    bytes;
    unsigned                    is_known:1;
} ngx_http_faas_async_known_t;


struct ngx_http_faas_async_call_s {
    ngx_http_faas_async_ask_t   ask;
    ngx_http_faas_async_wish_t  wish;
    ngx_http_faas_ctx_t        *ctx;
    u_char                      id[FAAS_UUID_LEN + 1];
    u_char                      delay[NGX_INT64_LEN + 1];
    u_char                      calls[NGX_INT64_LEN + 1];
    u_char                      bytes[NGX_INT64_LEN + 1];
    u_char                      window[NGX_INT64_LEN + 1];
};


static void ngx_http_faas_async_wishes(ngx_http_request_t *r,
    ngx_http_faas_async_wish_t *wish);
static const char *ngx_http_faas_async_check(
    ngx_http_faas_async_wish_t *wish);
static ngx_uint_t ngx_http_faas_async_is_url(ngx_str_t *url);
static ngx_uint_t ngx_http_faas_async_is_plain(ngx_str_t *s);
static void ngx_http_faas_async_body(ngx_http_request_t *r);
static ngx_int_t ngx_http_faas_async_enqueue(ngx_http_request_t *r,
    ngx_http_faas_async_call_t *call);
static ngx_uint_t ngx_http_faas_async_has_room(
    ngx_http_faas_async_call_t *call);
static ngx_int_t ngx_http_faas_async_head(ngx_http_request_t *r,
    ngx_http_faas_async_call_t *call);
static ngx_int_t ngx_http_faas_async_fill(ngx_http_request_t *r,
    ngx_http_faas_async_call_t *call);
static ngx_int_t ngx_http_faas_async_for_script(ngx_http_request_t *r,
    ngx_http_faas_async_call_t *call);
static ngx_int_t ngx_http_faas_async_headers(ngx_http_request_t *r,
    ngx_str_t *lines);
static ngx_uint_t ngx_http_faas_async_is_dropped(ngx_str_t *name);
static ngx_int_t ngx_http_faas_async_collect(ngx_http_request_t *r,
    ngx_str_t *body);
static ngx_int_t ngx_http_faas_async_copy(ngx_chain_t *cl, u_char *p);
static void ngx_http_faas_async_enqueued(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx, redisReply *reply);
static ngx_int_t ngx_http_faas_async_decided(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx, redisReply *reply);
static ngx_int_t ngx_http_faas_async_accepted(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx);


/*
 * Hop by hop, or made anew for each attempt; and those that are not the
 * function's to see.
 */

static ngx_str_t  ngx_http_faas_async_dropped[] = {
    ngx_string("Connection"),
    ngx_string("Content-Length"),
    ngx_string("Expect"),
    ngx_string("Host"),
    ngx_string("Keep-Alive"),
    ngx_string("Proxy"),
    ngx_string("Proxy-Authorization"),
    ngx_string("Proxy-Connection"),
    ngx_string("TE"),
    ngx_string("Trailer"),
    ngx_string("Transfer-Encoding"),
    ngx_string("Upgrade"),
    ngx_string("X-Call-Id"),
    ngx_string("X-Delay"),
    ngx_string("X-Start-Time"),
    ngx_null_string
};

static ngx_str_t  ngx_http_faas_async_callback_name =
    ngx_string("X-Callback-Url");
static ngx_str_t  ngx_http_faas_async_delay_name = ngx_string("X-Delay");
static ngx_str_t  ngx_http_faas_async_same_name =
    ngx_string("X-Idempotency-Key");


/* this process' */
static ngx_http_faas_async_known_t  ngx_http_faas_async_known;


#define ngx_http_faas_async_is(h, name)                                      \
    ((h)->key.len == (name).len                                              \
     && ngx_strncasecmp((h)->key.data, (name).data, (name).len) == 0)


ngx_int_t
ngx_http_faas_async_accept(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx)
{
    off_t                        max;
    ngx_int_t                    rc;
    const char                  *error;
    ngx_http_faas_loc_conf_t    *flcf;
    ngx_http_faas_async_call_t  *call;

    call = ngx_pcalloc(r->pool, sizeof(ngx_http_faas_async_call_t));
    if (call == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    call->ctx = ctx;
    ctx->async = call;

    ngx_http_faas_async_wishes(r, &call->wish);

    error = ngx_http_faas_async_check(&call->wish);

    if (error != NULL) {
        return ngx_http_faas_async_refuse(r, ctx, NGX_HTTP_BAD_REQUEST, "",
                                          error);
    }

    if (ctx->uri.len > FAAS_ASYNC_PATH_MAX) {
        return ngx_http_faas_async_refuse(r, ctx,
                                          NGX_HTTP_REQUEST_URI_TOO_LARGE, "",
                                          "path and query of an asynchronous "
                                          "call are over 16384 bytes");
    }

    flcf = ngx_http_get_module_loc_conf(r, ngx_http_faas_module);
    max = (off_t) flcf->async_max_body;

    if (r->headers_in.content_length_n > max) {
        return ngx_http_faas_async_refuse(r, ctx,
                                          NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                          "faas_async_max_body",
                                          "the body of the asynchronous call "
                                          "is too large");
    }

    r->request_body_in_single_buf = 1;

    rc = ngx_http_read_client_request_body(r, ngx_http_faas_async_body);

    return rc >= NGX_HTTP_SPECIAL_RESPONSE ? rc : NGX_DONE;
}


static void
ngx_http_faas_async_wishes(ngx_http_request_t *r,
    ngx_http_faas_async_wish_t *wish)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    for (part = &r->headers_in.headers.part; part != NULL; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (ngx_http_faas_async_is(&h[i],
                                       ngx_http_faas_async_callback_name))
            {
                wish->callback = h[i].value;

            } else if (ngx_http_faas_async_is(&h[i],
                                              ngx_http_faas_async_delay_name))
            {
                wish->delay = h[i].value;

            } else if (ngx_http_faas_async_is(&h[i],
                                              ngx_http_faas_async_same_name))
            {
                wish->same = h[i].value;
            }
        }
    }
}


/*
 * Returns NULL, or what is wrong.
 */

static const char *
ngx_http_faas_async_check(ngx_http_faas_async_wish_t *wish)
{
    uint64_t  seconds;

    if (wish->callback.len != 0 && !ngx_http_faas_async_is_url(&wish->callback))
    {
        return "X-Callback-Url is no URL with http:// or https:// and a host, "
               "of at most 2048 bytes";
    }

    if (wish->delay.len != 0) {

        if (faas_parse_uint((char *) wish->delay.data, wish->delay.len, 0,
                            FAAS_ASYNC_DELAY_MAX, &seconds)
            != 0)
        {
            return "X-Delay is no number of seconds from 0 to 604800";
        }

        wish->msec = (ngx_uint_t) seconds * 1000;
    }

    if (wish->same.len > FAAS_ASYNC_KEY_ID_MAX
        || !ngx_http_faas_async_is_plain(&wish->same))
    {
        return "X-Idempotency-Key is not 1 to 128 printable ASCII characters";
    }

    return NULL;
}


/*
 * Where it leads is checked by who goes there, when the name is resolved.
 */

static ngx_uint_t
ngx_http_faas_async_is_url(ngx_str_t *url)
{
    u_char  *p;

    if (url->len > FAAS_ASYNC_URL_MAX || !ngx_http_faas_async_is_plain(url)) {
        return 0;
    }

    if (url->len > 7 && ngx_strncasecmp(url->data, (u_char *) "http://", 7)
                        == 0)
    {
        p = url->data + 7;

    } else if (url->len > 8
               && ngx_strncasecmp(url->data, (u_char *) "https://", 8) == 0)
    {
        p = url->data + 8;

    } else {
        return 0;
    }

    return *p != '/' && *p != '?' && *p != '#' && *p != ':';
}


static ngx_uint_t
ngx_http_faas_async_is_plain(ngx_str_t *s)
{
    size_t  i;

    for (i = 0; i < s->len; i++) {
        if (s->data[i] <= 0x20 || s->data[i] >= 0x7f) {
            return 0;
        }
    }

    return 1;
}


/*
 * The body is here.
 */

static void
ngx_http_faas_async_body(ngx_http_request_t *r)
{
    ngx_int_t             rc;
    ngx_http_faas_ctx_t  *ctx;

    ctx = ngx_http_get_module_ctx(r, ngx_http_faas_module);

    rc = ngx_http_faas_async_enqueue(r, ctx->async);

    if (rc == NGX_DECLINED) {
        rc = ngx_http_faas_async_no_redis(r, ctx);

    } else if (rc == NGX_ERROR) {
        rc = NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_http_finalize_request(r, rc);
}


/*
 * Returns what ngx_http_faas_async_ask() does, or the answer to the client.
 */

static ngx_int_t
ngx_http_faas_async_enqueue(ngx_http_request_t *r,
    ngx_http_faas_async_call_t *call)
{
    ngx_str_t                 *piece;
    ngx_http_faas_ctx_t       *ctx;
    ngx_http_faas_loc_conf_t  *flcf;

    ctx = call->ctx;
    piece = call->ask.piece;
    flcf = ngx_http_get_module_loc_conf(r, ngx_http_faas_module);

    piece[NGX_HTTP_FAAS_REQUEST_PATH] = ctx->uri;

    if (ngx_http_faas_async_headers(r, &piece[NGX_HTTP_FAAS_REQUEST_HEADERS])
        != NGX_OK
        || ngx_http_faas_async_collect(r, &piece[NGX_HTTP_FAAS_REQUEST_BODY])
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (piece[NGX_HTTP_FAAS_REQUEST_HEADERS].len > FAAS_ASYNC_HEADERS_MAX) {
        return ngx_http_faas_async_refuse(r, ctx, 431, "",
                                          "the headers of an asynchronous "
                                          "call are over 65536 bytes");
    }

    /* a body without a length is as long as it is */

    if (piece[NGX_HTTP_FAAS_REQUEST_BODY].len > flcf->async_max_body) {
        return ngx_http_faas_async_refuse(r, ctx,
                                          NGX_HTTP_REQUEST_ENTITY_TOO_LARGE,
                                          "faas_async_max_body",
                                          "the body of the asynchronous call "
                                          "is too large");
    }

    if (ngx_http_faas_async_head(r, call) != NGX_OK
        || ngx_http_faas_async_fill(r, call) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_faas_async_ask(r, ctx, &call->ask);
}


/*
 * The first line of the request, and the length of it all.
 */

static ngx_int_t
ngx_http_faas_async_head(ngx_http_request_t *r,
    ngx_http_faas_async_call_t *call)
{
    u_char                     *head;
    ngx_str_t                  *piece;
    ngx_uint_t                  i;
    ngx_time_t                 *tp;
    struct faas_async_request   request;

    tp = ngx_timeofday();
    piece = call->ask.piece;

    request.key = (char *) call->ctx->key.data;
    request.key_len = call->ctx->key.len;
    request.accepted = (uint64_t) tp->sec * 1000 + tp->msec;
    request.method = (char *) r->method_name.data;
    request.method_len = r->method_name.len;
    request.callback = (char *) call->wish.callback.data;
    request.callback_len = call->wish.callback.len;
    request.path_len = piece[NGX_HTTP_FAAS_REQUEST_PATH].len;
    request.headers_len = piece[NGX_HTTP_FAAS_REQUEST_HEADERS].len;

    head = ngx_pnalloc(r->pool, FAAS_ASYNC_HEAD_OWN + request.key_len
                                + request.method_len + request.callback_len);
    if (head == NULL) {
        return NGX_ERROR;
    }

    piece[NGX_HTTP_FAAS_REQUEST_HEAD].data = head;
    piece[NGX_HTTP_FAAS_REQUEST_HEAD].len =
                             faas_async_request_head(&request, (char *) head);

    for (i = 0; i < NGX_HTTP_FAAS_REQUEST_N; i++) {
        call->ask.size += piece[i].len;
    }

    return NGX_OK;
}


/*
 * The queue is known to be far from full: where it is not, or nobody knows,
 * the script looks.
 */

static ngx_uint_t
ngx_http_faas_async_has_room(ngx_http_faas_async_call_t *call)
{
    uint64_t                    calls, bytes;
    ngx_http_faas_async_conf_t  *conf;

    conf = &call->ctx->conf->async;

    if (!ngx_http_faas_async_known.is_known) {
        return 0;
    }

    calls = ngx_http_faas_async_known.calls + NGX_HTTP_FAAS_ASYNC_MARGIN;
    bytes = ngx_http_faas_async_known.bytes
            + NGX_HTTP_FAAS_ASYNC_MARGIN * call->ask.size;

    return calls < conf->calls && bytes < (uint64_t) conf->bytes;
}


static ngx_int_t
ngx_http_faas_async_fill(ngx_http_request_t *r,
    ngx_http_faas_async_call_t *call)
{
    ngx_str_t            *arg;
    ngx_http_faas_ctx_t  *ctx;

    ctx = call->ctx;
    arg = call->ask.arg;

    call->ask.script = &faas_async_enqueue;
    call->ask.handler = ngx_http_faas_async_enqueued;
    call->ask.n = NGX_HTTP_FAAS_ENQUEUE_N;

    arg[NGX_HTTP_FAAS_ENQUEUE_PREFIX] = ctx->conf->redis.prefix;
    arg[NGX_HTTP_FAAS_ENQUEUE_KEY] = ctx->key;
    arg[NGX_HTTP_FAAS_ENQUEUE_ID] = ctx->call_id;

    call->ask.is_plain = (call->wish.msec == 0 && call->wish.same.len == 0
                          && !ctx->is_id_given
                          && ngx_http_faas_async_has_room(call));

    return call->ask.is_plain ? NGX_OK
           : ngx_http_faas_async_for_script(r, call);
}


/*
 * What the script wants besides: the request in one piece, and what it has to
 * decide by.
 */

static ngx_int_t
ngx_http_faas_async_for_script(ngx_http_request_t *r,
    ngx_http_faas_async_call_t *call)
{
    u_char                     *p;
    ngx_str_t                  *arg;
    ngx_http_faas_ctx_t        *ctx;
    ngx_http_faas_main_conf_t  *conf;

    ctx = call->ctx;
    conf = ctx->conf;
    arg = call->ask.arg;

    p = ngx_pnalloc(r->pool, call->ask.size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    arg[NGX_HTTP_FAAS_ENQUEUE_REQUEST].data = p;
    arg[NGX_HTTP_FAAS_ENQUEUE_REQUEST].len = call->ask.size;

    (void) ngx_http_faas_async_write(p, &call->ask);

#define ngx_http_faas_async_number(i, buf, n)                                \
    arg[i].data = (buf);                                                     \
    arg[i].len = ngx_sprintf((buf), "%uL", (uint64_t) (n)) - (buf)

    ngx_http_faas_async_number(NGX_HTTP_FAAS_ENQUEUE_DELAY, call->delay,
                               call->wish.msec);
    ngx_http_faas_async_number(NGX_HTTP_FAAS_ENQUEUE_CALLS, call->calls,
                               conf->async.calls);
    ngx_http_faas_async_number(NGX_HTTP_FAAS_ENQUEUE_BYTES, call->bytes,
                               conf->async.bytes);
    ngx_http_faas_async_number(NGX_HTTP_FAAS_ENQUEUE_WINDOW, call->window,
                               conf->async.window);

#undef ngx_http_faas_async_number

    arg[NGX_HTTP_FAAS_ENQUEUE_SAME] = call->wish.same;

    faas_uuid_encode(faas_random_next(&conf->random),
                     faas_random_next(&conf->random), (char *) call->id);

    arg[NGX_HTTP_FAAS_ENQUEUE_OTHER_ID].data = call->id;
    arg[NGX_HTTP_FAAS_ENQUEUE_OTHER_ID].len = FAAS_UUID_LEN;

    /* a client's own id has to be fit for a key */

    if (!faas_async_id_is_valid((char *) ctx->call_id.data, ctx->call_id.len))
    {
        arg[NGX_HTTP_FAAS_ENQUEUE_ID] = arg[NGX_HTTP_FAAS_ENQUEUE_OTHER_ID];
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_async_headers(ngx_http_request_t *r, ngx_str_t *lines)
{
    u_char           *p;
    size_t            size;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    size = 0;

    for (part = &r->headers_in.headers.part; part != NULL; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            size += h[i].key.len + h[i].value.len + sizeof(": " CRLF) - 1;
        }
    }

    p = ngx_pnalloc(r->pool, size);
    if (p == NULL) {
        return NGX_ERROR;
    }

    lines->data = p;

    for (part = &r->headers_in.headers.part; part != NULL; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (ngx_http_faas_async_is_dropped(&h[i].key)) {
                continue;
            }

            p = ngx_cpymem(p, h[i].key.data, h[i].key.len);
            *p++ = ':'; *p++ = ' ';
            p = ngx_cpymem(p, h[i].value.data, h[i].value.len);
            *p++ = CR; *p++ = LF;
        }
    }

    lines->len = p - lines->data;

    return NGX_OK;
}


static ngx_uint_t
ngx_http_faas_async_is_dropped(ngx_str_t *name)
{
    ngx_str_t  *dropped;

    for (dropped = ngx_http_faas_async_dropped; dropped->len != 0; dropped++) {
        if (dropped->len == name->len
            && ngx_strncasecmp(dropped->data, name->data, name->len) == 0)
        {
            return 1;
        }
    }

    return 0;
}


/*
 * As a rule it is one buffer; what is larger than nginx was told to hold is
 * in a file.
 */

static ngx_int_t
ngx_http_faas_async_collect(ngx_http_request_t *r, ngx_str_t *body)
{
    size_t        n;
    ngx_buf_t    *first;
    ngx_uint_t    pieces;
    ngx_chain_t  *cl;

    ngx_str_null(body);

    if (r->request_body == NULL) {
        return NGX_OK;
    }

    first = NULL;
    pieces = 0;

    /* a body without a length ends in a buffer with nothing in it */

    for (cl = r->request_body->bufs; cl != NULL; cl = cl->next) {
        n = (size_t) ngx_buf_size(cl->buf);

        if (n != 0) {
            first = (first == NULL) ? cl->buf : first;
            body->len += n;
            pieces++;
        }
    }

    if (pieces == 0) {
        return NGX_OK;
    }

    if (pieces == 1 && ngx_buf_in_memory(first)) {
        body->data = first->pos;
        return NGX_OK;
    }

    body->data = ngx_pnalloc(r->pool, body->len);

    return body->data == NULL ? NGX_ERROR
           : ngx_http_faas_async_copy(r->request_body->bufs, body->data);
}


static ngx_int_t
ngx_http_faas_async_copy(ngx_chain_t *cl, u_char *p)
{
    size_t      n;
    ssize_t     rc;
    ngx_buf_t  *b;

    for ( /* void */ ; cl != NULL; cl = cl->next) {
        b = cl->buf;
        n = (size_t) ngx_buf_size(b);

        if (n == 0) {
            continue;
        }

        if (ngx_buf_in_memory(b)) {
            p = ngx_cpymem(p, b->pos, n);
            continue;
        }

        rc = ngx_read_file(b->file, p, n, b->file_pos);

        if (rc == NGX_ERROR || (size_t) rc != n) {
            return NGX_ERROR;
        }

        p += n;
    }

    return NGX_OK;
}


static void
ngx_http_faas_async_enqueued(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx,
    redisReply *reply)
{
    ngx_int_t                    rc;
    ngx_http_faas_async_call_t  *call;

    call = ctx->async;

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY) {
        rc = ngx_http_faas_async_no_redis(r, ctx);

    } else if (call->ask.is_plain) {
        rc = ngx_http_faas_async_accepted(r, ctx);

    } else {
        rc = ngx_http_faas_async_decided(r, ctx, reply);
    }

    ngx_http_finalize_request(r, rc);
}


void
ngx_http_faas_async_learn(redisReply *calls, redisReply *bytes)
{
    ngx_http_faas_async_known.calls = (uint64_t) ngx_max(calls->integer, 0);
    ngx_http_faas_async_known.bytes = (uint64_t) ngx_max(bytes->integer, 0);
    ngx_http_faas_async_known.is_known = 1;
}


/*
 * The answer of faas_async_enqueue.
 */

static ngx_int_t
ngx_http_faas_async_decided(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx,
    redisReply *reply)
{
    redisReply  **e;

    e = reply->element;

    if (reply->elements == 1) {
        return ngx_http_faas_async_refuse(r, ctx, NGX_HTTP_SERVICE_UNAVAILABLE,
                                          "faas_async_queue",
                                          "the queue of asynchronous calls is "
                                          "full");
    }

    if (reply->elements != 4 || e[1]->type != REDIS_REPLY_STRING
        || e[2]->type != REDIS_REPLY_INTEGER
        || e[3]->type != REDIS_REPLY_INTEGER)
    {
        return ngx_http_faas_async_no_redis(r, ctx);
    }

    ngx_http_faas_async_learn(e[2], e[3]);

    /* another id than was asked for, where that is in use */

    ctx->call_id.data = ngx_pnalloc(r->pool, e[1]->len);
    if (ctx->call_id.data == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_memcpy(ctx->call_id.data, e[1]->str, e[1]->len);
    ctx->call_id.len = e[1]->len;

    return ngx_http_faas_async_accepted(r, ctx);
}


static ngx_int_t
ngx_http_faas_async_accepted(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx)
{
    uint32_t               fn;
    uint64_t               seq;
    ngx_int_t              rc;
    ngx_http_faas_zone_t  *zone;

    zone = ctx->conf->zone;

    fn = ngx_http_faas_fn_find(zone->sh, ctx->key.data, ctx->key.len,
                               ctx->hash, &seq);

    if (fn != NGX_HTTP_FAAS_NONE) {
        ngx_http_faas_add(&ngx_http_faas_stat(zone->sh, zone->lane, fn)
                              ->submitted, 1);
    }

    r->headers_out.status = NGX_HTTP_ACCEPTED;
    r->headers_out.content_length_n = 0;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    return ngx_http_send_special(r, NGX_HTTP_LAST);
}


/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A call in Redis' protocol, all of it in one piece of memory: what the script
 * "enqueue" does in the common case, as one transaction.
 *
 * The entry's id is not known yet when the call is written: it has no field
 * "e" until a worker takes it.
 */


#include "ngx_http_faas_async.h"


#define NGX_HTTP_FAAS_BULK    (sizeof("$" CRLF CRLF) + NGX_INT64_LEN)
#define NGX_HTTP_FAAS_TEXTS   64        /* more than there are */


typedef struct {
    u_char                     *last;
    ngx_str_t                  *prefix;
} ngx_http_faas_encoder_t;


static void ngx_http_faas_encode_command(ngx_http_faas_encoder_t *e,
    ngx_uint_t n, const char *name);
static void ngx_http_faas_encode_text(ngx_http_faas_encoder_t *e,
    const char *text);
static void ngx_http_faas_encode_str(ngx_http_faas_encoder_t *e,
    ngx_str_t *s);
static void ngx_http_faas_encode_key(ngx_http_faas_encoder_t *e,
    const char *name, ngx_str_t *id);
static void ngx_http_faas_encode_number(ngx_http_faas_encoder_t *e,
    uint64_t n);
static void ngx_http_faas_encode_length(ngx_http_faas_encoder_t *e,
    size_t len);
static void ngx_http_faas_encode_call(ngx_http_faas_encoder_t *e,
    ngx_str_t *arg);


ngx_int_t
ngx_http_faas_async_encode(ngx_http_request_t *r,
    ngx_http_faas_async_ask_t *ask)
{
    size_t                    size;
    ngx_str_t                *arg, *key;
    ngx_uint_t                i;
    ngx_http_faas_encoder_t   e;

    arg = ask->arg;
    key = &arg[NGX_HTTP_FAAS_ENQUEUE_KEY];

    /* each text, with what stands around it; the longest is a key's name */

    size = NGX_HTTP_FAAS_TEXTS
           * (NGX_HTTP_FAAS_BULK + FAAS_PREFIX_MAX + FAAS_KEY_MAX + 32);

    for (i = 0; i < ask->n; i++) {
        size += arg[i].len;
    }

    ask->raw.data = ngx_pnalloc(r->pool, size);
    if (ask->raw.data == NULL) {
        return NGX_ERROR;
    }

    e.last = ask->raw.data;
    e.prefix = &arg[NGX_HTTP_FAAS_ENQUEUE_PREFIX];

    ngx_http_faas_encode_command(&e, 1, "MULTI");
    ngx_http_faas_encode_call(&e, arg);

    ngx_http_faas_encode_command(&e, 5, "XADD");
    ngx_http_faas_encode_key(&e, FAAS_ASYNC_QUEUE, key);
    ngx_http_faas_encode_text(&e, "*");
    ngx_http_faas_encode_text(&e, "c");
    ngx_http_faas_encode_str(&e, &arg[NGX_HTTP_FAAS_ENQUEUE_ID]);

    ngx_http_faas_encode_command(&e, 4, "HINCRBY");
    ngx_http_faas_encode_key(&e, FAAS_ASYNC_TOTALS, NULL);
    ngx_http_faas_encode_text(&e, "calls");
    ngx_http_faas_encode_number(&e, 1);

    ngx_http_faas_encode_command(&e, 4, "HINCRBY");
    ngx_http_faas_encode_key(&e, FAAS_ASYNC_TOTALS, NULL);
    ngx_http_faas_encode_text(&e, "bytes");
    ngx_http_faas_encode_number(&e, arg[NGX_HTTP_FAAS_ENQUEUE_BODY].len
                                    + arg[NGX_HTTP_FAAS_ENQUEUE_HEADERS].len);

    ngx_http_faas_encode_command(&e, 4, "HINCRBY");
    ngx_http_faas_encode_key(&e, FAAS_DEPTH, NULL);
    ngx_http_faas_encode_str(&e, key);
    ngx_http_faas_encode_number(&e, 1);

    ngx_http_faas_encode_command(&e, 3, "PUBLISH");
    ngx_http_faas_encode_key(&e, FAAS_ASYNC_BELL, NULL);
    ngx_http_faas_encode_str(&e, key);

    ngx_http_faas_encode_command(&e, 1, "EXEC");

    ask->raw.len = e.last - ask->raw.data;
    ask->commands = NGX_HTTP_FAAS_ENCODED_N + 2;

    return NGX_OK;
}


static void
ngx_http_faas_encode_call(ngx_http_faas_encoder_t *e, ngx_str_t *arg)
{
    ngx_str_t   *callback;
    ngx_time_t  *tp;

    tp = ngx_timeofday();
    callback = &arg[NGX_HTTP_FAAS_ENQUEUE_CALLBACK];

    ngx_http_faas_encode_command(e, callback->len != 0 ? 18 : 16, "HSET");
    ngx_http_faas_encode_key(e, FAAS_ASYNC_CALL,
                             &arg[NGX_HTTP_FAAS_ENQUEUE_ID]);

    ngx_http_faas_encode_text(e, FAAS_CALL_FUNCTION);
    ngx_http_faas_encode_str(e, &arg[NGX_HTTP_FAAS_ENQUEUE_KEY]);
    ngx_http_faas_encode_text(e, FAAS_CALL_METHOD);
    ngx_http_faas_encode_str(e, &arg[NGX_HTTP_FAAS_ENQUEUE_METHOD]);
    ngx_http_faas_encode_text(e, FAAS_CALL_PATH);
    ngx_http_faas_encode_str(e, &arg[NGX_HTTP_FAAS_ENQUEUE_PATH]);
    ngx_http_faas_encode_text(e, FAAS_CALL_HEADERS);
    ngx_http_faas_encode_str(e, &arg[NGX_HTTP_FAAS_ENQUEUE_HEADERS]);
    ngx_http_faas_encode_text(e, FAAS_CALL_BODY);
    ngx_http_faas_encode_str(e, &arg[NGX_HTTP_FAAS_ENQUEUE_BODY]);
    ngx_http_faas_encode_text(e, FAAS_CALL_ACCEPTED);
    ngx_http_faas_encode_number(e, (uint64_t) tp->sec * 1000 + tp->msec);
    ngx_http_faas_encode_text(e, FAAS_CALL_STATE);
    ngx_http_faas_encode_text(e, "queued");

    if (callback->len != 0) {
        ngx_http_faas_encode_text(e, FAAS_CALL_CALLBACK);
        ngx_http_faas_encode_str(e, callback);
    }
}


/*
 * A command of n texts, its name among them.
 */

static void
ngx_http_faas_encode_command(ngx_http_faas_encoder_t *e, ngx_uint_t n,
    const char *name)
{
    *e->last++ = '*';
    e->last = ngx_sprintf(e->last, "%ui" CRLF, n);

    ngx_http_faas_encode_text(e, name);
}


static void
ngx_http_faas_encode_text(ngx_http_faas_encoder_t *e, const char *text)
{
    ngx_str_t  s;

    s.data = (u_char *) text;
    s.len = ngx_strlen(text);

    ngx_http_faas_encode_str(e, &s);
}


static void
ngx_http_faas_encode_str(ngx_http_faas_encoder_t *e, ngx_str_t *s)
{
    ngx_http_faas_encode_length(e, s->len);

    if (s->len != 0) {
        e->last = ngx_cpymem(e->last, s->data, s->len);
    }

    *e->last++ = CR;
    *e->last++ = LF;
}


/*
 * PREFIX, name, and id unless it is NULL.
 */

static void
ngx_http_faas_encode_key(ngx_http_faas_encoder_t *e, const char *name,
    ngx_str_t *id)
{
    size_t  len;

    len = ngx_strlen(name);

    ngx_http_faas_encode_length(e, e->prefix->len + len
                                   + (id != NULL ? id->len : 0));

    e->last = ngx_cpymem(e->last, e->prefix->data, e->prefix->len);
    e->last = ngx_cpymem(e->last, name, len);

    if (id != NULL) {
        e->last = ngx_cpymem(e->last, id->data, id->len);
    }

    *e->last++ = CR;
    *e->last++ = LF;
}


static void
ngx_http_faas_encode_number(ngx_http_faas_encoder_t *e, uint64_t n)
{
    u_char     buf[NGX_INT64_LEN];
    ngx_str_t  s;

    s.data = buf;
    s.len = ngx_sprintf(buf, "%uL", n) - buf;

    ngx_http_faas_encode_str(e, &s);
}


/*
 * There are dozens of them in a call, most of two digits at most:
 * ngx_sprintf() would cost more than all the rest.
 */

static void
ngx_http_faas_encode_length(ngx_http_faas_encoder_t *e, size_t len)
{
    *e->last++ = '$';

    if (len < 10) {
        *e->last++ = (u_char) ('0' + len);

    } else if (len < 100) {
        *e->last++ = (u_char) ('0' + len / 10);
        *e->last++ = (u_char) ('0' + len % 10);

    } else {
        e->last = ngx_sprintf(e->last, "%uz", len);
    }

    *e->last++ = CR;
    *e->last++ = LF;
}

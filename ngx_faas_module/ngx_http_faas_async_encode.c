
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Calls in Redis' protocol, all of them in one piece of memory: what the
 * script "enqueue" does in the common case, as one transaction.
 *
 * Half of what one call costs Redis are the transaction, the sums and the
 * bell.  So calls that go together share them.
 */


#include "ngx_http_faas_async.h"


#define NGX_HTTP_FAAS_BULK    (sizeof("$" CRLF "HINCRBY" CRLF) + NGX_INT64_LEN)
#define NGX_HTTP_FAAS_NAMES   (FAAS_PREFIX_MAX + FAAS_KEY_MAX + 32)

/* more texts than there are, and all names among them */

#define NGX_HTTP_FAAS_OF_CALL                                                \
    (12 * NGX_HTTP_FAAS_BULK + 3 * NGX_HTTP_FAAS_NAMES)
#define NGX_HTTP_FAAS_OF_KEY                                                 \
    (12 * NGX_HTTP_FAAS_BULK + 3 * NGX_HTTP_FAAS_NAMES)
#define NGX_HTTP_FAAS_OF_SUMS                                                \
    (16 * NGX_HTTP_FAAS_BULK + 2 * NGX_HTTP_FAAS_NAMES)


typedef struct {
    u_char                     *last;
    ngx_str_t                  *prefix;
} ngx_http_faas_encoder_t;


static size_t ngx_http_faas_encode_size(ngx_http_faas_async_ask_t **ask,
    ngx_uint_t n);
static void ngx_http_faas_encode_requests(ngx_http_faas_encoder_t *e,
    ngx_http_faas_async_ask_t **ask, ngx_uint_t n);
static void ngx_http_faas_encode_entry(ngx_http_faas_encoder_t *e,
    ngx_http_faas_async_ask_t *ask);
static void ngx_http_faas_encode_sums(ngx_http_faas_encoder_t *e,
    ngx_http_faas_async_ask_t **ask, ngx_uint_t n);
static ngx_uint_t ngx_http_faas_encode_keys(ngx_http_faas_encoder_t *e,
    ngx_http_faas_async_ask_t **ask, ngx_uint_t n);
static ngx_uint_t ngx_http_faas_encode_is_same(ngx_http_faas_async_ask_t *a,
    ngx_http_faas_async_ask_t *b);
static void ngx_http_faas_encode_increment(ngx_http_faas_encoder_t *e,
    const char *name, ngx_str_t *field, uint64_t by);
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


static ngx_str_t  ngx_http_faas_encode_calls = ngx_string("calls");
static ngx_str_t  ngx_http_faas_encode_bytes = ngx_string("bytes");


ngx_int_t
ngx_http_faas_async_encode(ngx_http_faas_async_ask_t **ask, ngx_uint_t n,
    ngx_str_t *raw, ngx_uint_t *commands)
{
    ngx_uint_t                i, keys;
    ngx_http_faas_encoder_t   e;

    raw->data = ngx_alloc(ngx_http_faas_encode_size(ask, n), ngx_cycle->log);
    if (raw->data == NULL) {
        return NGX_ERROR;
    }

    e.last = raw->data;
    e.prefix = &ask[0]->arg[NGX_HTTP_FAAS_ENQUEUE_PREFIX];

    ngx_http_faas_encode_command(&e, 1, "MULTI");

    ngx_http_faas_encode_requests(&e, ask, n);

    for (i = 0; i < n; i++) {
        ngx_http_faas_encode_entry(&e, ask[i]);
    }

    ngx_http_faas_encode_sums(&e, ask, n);

    keys = ngx_http_faas_encode_keys(&e, ask, n);

    ngx_http_faas_encode_command(&e, 1, "EXEC");

    raw->len = e.last - raw->data;
    *commands = 1 + ngx_http_faas_async_answers(n, keys) + 1;

    return NGX_OK;
}


u_char *
ngx_http_faas_async_write(u_char *p, ngx_http_faas_async_ask_t *ask)
{
    ngx_uint_t  i;

    for (i = 0; i < NGX_HTTP_FAAS_REQUEST_N; i++) {

        /* an empty text may have no address */

        if (ask->piece[i].len != 0) {
            p = ngx_cpymem(p, ask->piece[i].data, ask->piece[i].len);
        }
    }

    return p;
}


static size_t
ngx_http_faas_encode_size(ngx_http_faas_async_ask_t **ask, ngx_uint_t n)
{
    size_t      size;
    ngx_uint_t  i;

    size = NGX_HTTP_FAAS_OF_SUMS
           + n * (NGX_HTTP_FAAS_OF_CALL + NGX_HTTP_FAAS_OF_KEY);

    for (i = 0; i < n; i++) {
        size += ask[i]->size;
    }

    return size;
}


static void
ngx_http_faas_encode_requests(ngx_http_faas_encoder_t *e,
    ngx_http_faas_async_ask_t **ask, ngx_uint_t n)
{
    ngx_uint_t  i;

    ngx_http_faas_encode_command(e, 1 + 2 * n, "MSET");

    for (i = 0; i < n; i++) {
        ngx_http_faas_encode_key(e, FAAS_ASYNC_REQUEST,
                                 &ask[i]->arg[NGX_HTTP_FAAS_ENQUEUE_ID]);
        ngx_http_faas_encode_length(e, ask[i]->size);

        e->last = ngx_http_faas_async_write(e->last, ask[i]);
        *e->last++ = CR;
        *e->last++ = LF;
    }
}


static void
ngx_http_faas_encode_entry(ngx_http_faas_encoder_t *e,
    ngx_http_faas_async_ask_t *ask)
{
    ngx_http_faas_encode_command(e, 5, "XADD");
    ngx_http_faas_encode_key(e, FAAS_ASYNC_QUEUE,
                             &ask->arg[NGX_HTTP_FAAS_ENQUEUE_KEY]);
    ngx_http_faas_encode_text(e, "*");
    ngx_http_faas_encode_text(e, "c");
    ngx_http_faas_encode_str(e, &ask->arg[NGX_HTTP_FAAS_ENQUEUE_ID]);
}


static void
ngx_http_faas_encode_sums(ngx_http_faas_encoder_t *e,
    ngx_http_faas_async_ask_t **ask, ngx_uint_t n)
{
    uint64_t    bytes;
    ngx_uint_t  i;

    bytes = 0;

    for (i = 0; i < n; i++) {
        bytes += ask[i]->size;
    }

    ngx_http_faas_encode_increment(e, FAAS_ASYNC_TOTALS,
                                   &ngx_http_faas_encode_calls, n);
    ngx_http_faas_encode_increment(e, FAAS_ASYNC_TOTALS,
                                   &ngx_http_faas_encode_bytes, bytes);
}


/*
 * The depth and the bell of each function.  Returns how many there are.
 */

static ngx_uint_t
ngx_http_faas_encode_keys(ngx_http_faas_encoder_t *e,
    ngx_http_faas_async_ask_t **ask, ngx_uint_t n)
{
    ngx_str_t   *key;
    ngx_uint_t   i, k, keys, calls;

    keys = 0;

    for (i = 0; i < n; i++) {

        for (k = 0; k < i; k++) {
            if (ngx_http_faas_encode_is_same(ask[k], ask[i])) {
                break;
            }
        }

        if (k < i) {
            continue;
        }

        calls = 1;

        for (k = i + 1; k < n; k++) {
            calls += ngx_http_faas_encode_is_same(ask[k], ask[i]);
        }

        key = &ask[i]->arg[NGX_HTTP_FAAS_ENQUEUE_KEY];

        ngx_http_faas_encode_increment(e, FAAS_DEPTH, key, calls);

        ngx_http_faas_encode_command(e, 3, "PUBLISH");
        ngx_http_faas_encode_key(e, FAAS_ASYNC_BELL, NULL);
        ngx_http_faas_encode_str(e, key);

        keys++;
    }

    return keys;
}


static ngx_uint_t
ngx_http_faas_encode_is_same(ngx_http_faas_async_ask_t *a,
    ngx_http_faas_async_ask_t *b)
{
    ngx_str_t  *one, *other;

    one = &a->arg[NGX_HTTP_FAAS_ENQUEUE_KEY];
    other = &b->arg[NGX_HTTP_FAAS_ENQUEUE_KEY];

    return one->len == other->len
           && ngx_memcmp(one->data, other->data, one->len) == 0;
}


static void
ngx_http_faas_encode_increment(ngx_http_faas_encoder_t *e, const char *name,
    ngx_str_t *field, uint64_t by)
{
    ngx_http_faas_encode_command(e, 4, "HINCRBY");
    ngx_http_faas_encode_key(e, name, NULL);
    ngx_http_faas_encode_str(e, field);
    ngx_http_faas_encode_number(e, by);
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

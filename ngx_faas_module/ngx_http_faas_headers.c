
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the gateway adds to a call and to its answer.
 *
 * To the call: X-Call-Id and X-Forwarded-Host, unless the client has set
 * them; X-Start-Time, beside the client's own; X-Forwarded-Proto in place of
 * the client's; the client's address at the end of X-Forwarded-For;
 * traceparent, unless the client's is valid; Upgrade and Connection where the
 * client asks for another protocol.
 *
 * They are put on the list of headers that the client has sent: that costs a
 * fraction of a proxy_set_header each, holds for whatever passes the request
 * on, and a proxy_set_header of the same name still goes first.
 *
 * To the answer: X-Call-Id and X-Start-Time, unless the function has set its
 * own.
 */


#include "ngx_http_faas.h"


/* of the headers that stamping looks for */

typedef struct {
    ngx_table_elt_t   *call_id;
    ngx_table_elt_t   *trace;
    ngx_table_elt_t   *host;        /* X-Forwarded-Host */
    ngx_table_elt_t   *proto;       /* X-Forwarded-Proto */
    ngx_table_elt_t   *via;         /* X-Forwarded-For, the last one */
} ngx_http_faas_given_t;


typedef struct {
    ngx_str_t          name;
    ngx_str_t          lowcase;
    ngx_uint_t         hash;        /* of lowcase */
} ngx_http_faas_added_t;


static ngx_int_t ngx_http_faas_stamp_id(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx, ngx_table_elt_t *given, const char *digits,
    u_char *p);
static ngx_int_t ngx_http_faas_stamp_trace(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx, ngx_table_elt_t *given, const char *digits,
    u_char *p);
static ngx_int_t ngx_http_faas_copy_headers(ngx_http_request_t *r);
static void ngx_http_faas_find_headers(ngx_http_request_t *r,
    ngx_http_faas_given_t *given);
static ngx_inline ngx_table_elt_t *ngx_http_faas_list_push(ngx_list_t *list);
static ngx_inline ngx_int_t ngx_http_faas_push_header(ngx_http_request_t *r,
    ngx_http_faas_added_t *added, ngx_str_t *value);
static ngx_inline ngx_int_t ngx_http_faas_push_out(ngx_http_request_t *r,
    ngx_str_t *name, ngx_str_t *value);
static void ngx_http_faas_start_time(ngx_http_faas_ctx_t *ctx, u_char *p);
static ngx_table_elt_t *ngx_http_faas_find(ngx_table_elt_t *h,
    ngx_http_faas_added_t *added, ngx_table_elt_t *found);
static ngx_int_t ngx_http_faas_push_forwarded(ngx_http_request_t *r,
    ngx_http_faas_given_t *given);
static ngx_int_t ngx_http_faas_append(ngx_http_request_t *r,
    ngx_table_elt_t *h, ngx_str_t *value);
static ngx_int_t ngx_http_faas_push_upgrade(ngx_http_request_t *r);
static ngx_uint_t ngx_http_faas_wants_upgrade(ngx_http_request_t *r);
static ngx_int_t ngx_http_faas_header_filter(ngx_http_request_t *r);
static ngx_uint_t ngx_http_faas_headers_out(ngx_http_request_t *r);


/* digits of a time in nanoseconds since 1970, until 2286 */
#define NGX_HTTP_FAAS_START_LEN    19

#define NGX_HTTP_FAAS_HAS_CALL_ID  1
#define NGX_HTTP_FAAS_HAS_START    2


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;

/*
 * By the name in lower case, cut to the length of the name, proxy_pass looks
 * up whether a header is to be dropped, which the client's own Upgrade and
 * Connection are.
 */

static ngx_http_faas_added_t  ngx_http_faas_call_id =
    { ngx_string("X-Call-Id"), ngx_string("x-call-id"), 0 };
static ngx_http_faas_added_t  ngx_http_faas_start =
    { ngx_string("X-Start-Time"), ngx_string("x-start-time"), 0 };
static ngx_http_faas_added_t  ngx_http_faas_trace =
    { ngx_string("traceparent"), ngx_string("traceparent"), 0 };
static ngx_http_faas_added_t  ngx_http_faas_host =
    { ngx_string("X-Forwarded-Host"), ngx_string("x-forwarded-host"), 0 };
static ngx_http_faas_added_t  ngx_http_faas_proto =
    { ngx_string("X-Forwarded-Proto"), ngx_string("x-forwarded-proto"), 0 };
static ngx_http_faas_added_t  ngx_http_faas_via =
    { ngx_string("X-Forwarded-For"), ngx_string("x-forwarded-for"), 0 };
static ngx_http_faas_added_t  ngx_http_faas_upgrade =
    { ngx_string("Upgrade"), ngx_string("faas-upgrade"), 0 };
static ngx_http_faas_added_t  ngx_http_faas_connection =
    { ngx_string("Connection"), ngx_string("faas-connection"), 0 };

static ngx_http_faas_added_t  *ngx_http_faas_added[] = {
    &ngx_http_faas_call_id, &ngx_http_faas_start, &ngx_http_faas_trace,
    &ngx_http_faas_host, &ngx_http_faas_proto, &ngx_http_faas_via,
    &ngx_http_faas_upgrade, &ngx_http_faas_connection, NULL
};


void
ngx_http_faas_headers_init(void)
{
    ngx_http_faas_added_t  **added;

    for (added = ngx_http_faas_added; *added != NULL; added++) {
        (*added)->hash = ngx_hash_key((*added)->lowcase.data,
                                      (*added)->lowcase.len);
    }

    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_faas_header_filter;
}


ngx_int_t
ngx_http_faas_stamp(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx)
{
    char                    digits[FAAS_UUID_DIGITS];
    u_char                 *p;
    ngx_http_faas_given_t   given;

    /* a subrequest has its parent's list, and must not add to it */

    if (r != r->main && ngx_http_faas_copy_headers(r) != NGX_OK) {
        return NGX_ERROR;
    }

    /* HTTP/0.9 has no headers: nginx makes no list of them */

    if (r->headers_in.headers.part.elts == NULL
        && ngx_list_init(&r->headers_in.headers, r->pool, 8,
                         sizeof(ngx_table_elt_t))
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    p = ngx_pnalloc(r->pool, NGX_HTTP_FAAS_START_LEN + FAAS_UUID_LEN
                             + FAAS_TRACE_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_http_faas_find_headers(r, &given);

    /* a call and the trace that begins with it have the same digits */

    faas_uuid_digits(faas_random_next(&ctx->conf->random),
                     faas_random_next(&ctx->conf->random), digits);

    ngx_http_faas_start_time(ctx, p);
    p += NGX_HTTP_FAAS_START_LEN;

    if (ngx_http_faas_push_header(r, &ngx_http_faas_start, &ctx->start_time)
        != NGX_OK
        || ngx_http_faas_stamp_id(r, ctx, given.call_id, digits, p) != NGX_OK
        || ngx_http_faas_stamp_trace(r, ctx, given.trace, digits,
                                     p + FAAS_UUID_LEN)
           != NGX_OK
        || ngx_http_faas_push_forwarded(r, &given) != NGX_OK)
    {
        return NGX_ERROR;
    }

    return r->headers_in.upgrade != NULL ? ngx_http_faas_push_upgrade(r)
                                         : NGX_OK;
}


static ngx_int_t
ngx_http_faas_stamp_id(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx,
    ngx_table_elt_t *given, const char *digits, u_char *p)
{
    if (given != NULL) {
        ctx->call_id = given->value;
        ctx->is_id_given = 1;
        return NGX_OK;
    }

    faas_uuid_format(digits, (char *) p);

    ctx->call_id.data = p;
    ctx->call_id.len = FAAS_UUID_LEN;

    return ngx_http_faas_push_header(r, &ngx_http_faas_call_id,
                                     &ctx->call_id);
}


static ngx_int_t
ngx_http_faas_stamp_trace(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx,
    ngx_table_elt_t *given, const char *digits, u_char *p)
{
    if (given != NULL && faas_trace_is_valid((char *) given->value.data,
                                             given->value.len))
    {
        ctx->trace = given->value;
        return NGX_OK;
    }

    faas_trace_encode(digits, faas_random_next(&ctx->conf->random) | 1,
                      (char *) p);

    ctx->trace.data = p;
    ctx->trace.len = FAAS_TRACE_LEN;

    if (given != NULL) {
        given->value = ctx->trace;
        return NGX_OK;
    }

    return ngx_http_faas_push_header(r, &ngx_http_faas_trace, &ctx->trace);
}


ngx_int_t
ngx_http_faas_add_header(ngx_http_request_t *r, const char *name,
    ngx_str_t *value)
{
    ngx_str_t  key;

    key.data = (u_char *) name;
    key.len = ngx_strlen(name);

    return ngx_http_faas_push_out(r, &key, value);
}


static ngx_inline ngx_int_t
ngx_http_faas_push_out(ngx_http_request_t *r, ngx_str_t *name,
    ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_http_faas_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
    h->key = *name;
    h->value = *value;
    h->lowcase_key = NULL;
    ngx_http_faas_header_init(h);

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_copy_headers(ngx_http_request_t *r)
{
    ngx_uint_t        i;
    ngx_list_t        list;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *from, *to;

    if (ngx_list_init(&list, r->pool, 20, sizeof(ngx_table_elt_t)) != NGX_OK) {
        return NGX_ERROR;
    }

    for (part = &r->headers_in.headers.part; part != NULL; part = part->next) {
        from = part->elts;

        for (i = 0; i < part->nelts; i++) {
            to = ngx_list_push(&list);
            if (to == NULL) {
                return NGX_ERROR;
            }

            *to = from[i];
        }
    }

    r->headers_in.headers = list;

    /* as long as all fits into the first part, it is what "last" points to */

    if (list.last == &list.part) {
        r->headers_in.headers.last = &r->headers_in.headers.part;
    }

    return NGX_OK;
}


/*
 * The first of each name that has a value.
 */

static void
ngx_http_faas_find_headers(ngx_http_request_t *r,
    ngx_http_faas_given_t *given)
{
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h, *via;

    ngx_memzero(given, sizeof(ngx_http_faas_given_t));

    for (part = &r->headers_in.headers.part; part != NULL; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].hash == ngx_http_faas_call_id.hash) {
                given->call_id = ngx_http_faas_find(&h[i],
                                                    &ngx_http_faas_call_id,
                                                    given->call_id);

            } else if (h[i].hash == ngx_http_faas_trace.hash) {
                given->trace = ngx_http_faas_find(&h[i], &ngx_http_faas_trace,
                                                  given->trace);

            } else if (h[i].hash == ngx_http_faas_host.hash) {
                given->host = ngx_http_faas_find(&h[i], &ngx_http_faas_host,
                                                 given->host);

            } else if (h[i].hash == ngx_http_faas_proto.hash) {
                given->proto = ngx_http_faas_find(&h[i], &ngx_http_faas_proto,
                                                  given->proto);

            } else if (h[i].hash == ngx_http_faas_via.hash) {
                via = ngx_http_faas_find(&h[i], &ngx_http_faas_via, NULL);
                given->via = (via != NULL) ? via : given->via;
            }
        }
    }
}


static ngx_table_elt_t *
ngx_http_faas_find(ngx_table_elt_t *h, ngx_http_faas_added_t *added,
    ngx_table_elt_t *found)
{
    if (found != NULL || h->value.len == 0
        || h->key.len != added->lowcase.len
        || ngx_memcmp(h->lowcase_key, added->lowcase.data, h->key.len) != 0)
    {
        return found;
    }

    return h;
}


/*
 * There is room as a rule, and eight headers are pushed for each call.
 */

static ngx_inline ngx_table_elt_t *
ngx_http_faas_list_push(ngx_list_t *list)
{
    if (list->last->nelts < list->nalloc) {
        return (ngx_table_elt_t *) list->last->elts + list->last->nelts++;
    }

    return ngx_list_push(list);
}


static ngx_inline ngx_int_t
ngx_http_faas_push_header(ngx_http_request_t *r, ngx_http_faas_added_t *added,
    ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_http_faas_list_push(&r->headers_in.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = added->hash;
    h->key = added->name;
    h->lowcase_key = added->lowcase.data;
    h->value = *value;
    ngx_http_faas_header_init(h);

    return NGX_OK;
}


/*
 * Each call pays for it: ngx_sprintf() costs several times as much.
 */

static void
ngx_http_faas_start_time(ngx_http_faas_ctx_t *ctx, u_char *p)
{
    uint32_t          n, high, low;
    struct timespec   ts;

    static time_t     sec;
    static u_char     digits[NGX_TIME_T_LEN + 1];

    static const u_char  pair[] =
        "0001020304050607080910111213141516171819"
        "2021222324252627282930313233343536373839"
        "4041424344454647484950515253545556575859"
        "6061626364656667686970717273747576777879"
        "8081828384858687888990919293949596979899";

    ctx->started = ngx_http_faas_usec();

    (void) clock_gettime(CLOCK_REALTIME, &ts);

    if (ts.tv_sec != sec) {
        sec = ts.tv_sec;
        ngx_sprintf(digits, "%010T", sec);
    }

    ngx_memcpy(p, digits, 10);

    n = (uint32_t) ts.tv_nsec;

    p[18] = (u_char) ('0' + n % 10);

    high = n / 100000;
    low = n / 10 % 10000;

    ngx_memcpy(p + 10, &pair[high / 100 * 2], 2);
    ngx_memcpy(p + 12, &pair[high % 100 * 2], 2);
    ngx_memcpy(p + 14, &pair[low / 100 * 2], 2);
    ngx_memcpy(p + 16, &pair[low % 100 * 2], 2);

    ctx->start_time.data = p;
    ctx->start_time.len = NGX_HTTP_FAAS_START_LEN;
}


/*
 * A proxy before us knows better which host was meant.  Which protocol was
 * used towards us we know ourselves, and a client must not lie about it.
 */

static ngx_int_t
ngx_http_faas_push_forwarded(ngx_http_request_t *r,
    ngx_http_faas_given_t *given)
{
    ngx_str_t  *scheme;

    static ngx_str_t  http = ngx_string("http");
#if (NGX_HTTP_SSL)
    static ngx_str_t  https = ngx_string("https");
#endif

    scheme = &http;

#if (NGX_HTTP_SSL)
    if (r->connection->ssl) {
        scheme = &https;
    }
#endif

    if (given->proto != NULL) {
        given->proto->value = *scheme;

    } else if (ngx_http_faas_push_header(r, &ngx_http_faas_proto, scheme)
               != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (given->host == NULL && r->headers_in.host != NULL
        && ngx_http_faas_push_header(r, &ngx_http_faas_host,
                                     &r->headers_in.host->value)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (given->via != NULL) {
        return ngx_http_faas_append(r, given->via, &r->connection->addr_text);
    }

    return ngx_http_faas_push_header(r, &ngx_http_faas_via,
                                     &r->connection->addr_text);
}


static ngx_int_t
ngx_http_faas_append(ngx_http_request_t *r, ngx_table_elt_t *h,
    ngx_str_t *value)
{
    u_char  *p;
    size_t   len;

    len = h->value.len + 2 + value->len;

    p = ngx_pnalloc(r->pool, len);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_sprintf(p, "%V, %V", &h->value, value);

    h->value.data = p;
    h->value.len = len;

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_push_upgrade(ngx_http_request_t *r)
{
    static ngx_str_t  upgrade = ngx_string("upgrade");

    if (r->http_version != NGX_HTTP_VERSION_11
        || !ngx_http_faas_wants_upgrade(r))
    {
        return NGX_OK;
    }

    if (ngx_http_faas_push_header(r, &ngx_http_faas_upgrade,
                                  &r->headers_in.upgrade->value)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_faas_push_header(r, &ngx_http_faas_connection, &upgrade);
}


/*
 * Upgrade counts only where Connection names it (RFC 9110, 7.8).  nginx keeps
 * no pointer to that header.
 */

static ngx_uint_t
ngx_http_faas_wants_upgrade(ngx_http_request_t *r)
{
    ngx_str_t        *value;
    ngx_uint_t        i;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    static ngx_str_t  name = ngx_string("connection");

    for (part = &r->headers_in.headers.part; part != NULL; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {
            value = &h[i].value;

            if (h[i].key.len == name.len
                && ngx_memcmp(h[i].lowcase_key, name.data, name.len) == 0
                && ngx_strlcasestrn(value->data, value->data + value->len,
                                    (u_char *) "upgrade", 7 - 1)
                   != NULL)
            {
                return 1;
            }
        }
    }

    return 0;
}


static ngx_int_t
ngx_http_faas_header_filter(ngx_http_request_t *r)
{
    ngx_uint_t            has;
    ngx_http_faas_ctx_t  *ctx;

    if (r != r->main) {
        return ngx_http_next_header_filter(r);
    }

    ctx = ngx_http_faas_get_ctx(r);

    if (ctx == NULL || ctx->call_id.len == 0) {
        return ngx_http_next_header_filter(r);
    }

    has = ngx_http_faas_headers_out(r);

    if (!(has & NGX_HTTP_FAAS_HAS_CALL_ID)
        && ngx_http_faas_push_out(r, &ngx_http_faas_call_id.name,
                                  &ctx->call_id)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!(has & NGX_HTTP_FAAS_HAS_START)
        && ngx_http_faas_push_out(r, &ngx_http_faas_start.name,
                                  &ctx->start_time)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_next_header_filter(r);
}


/*
 * Which of ours the function has set.
 */

static ngx_uint_t
ngx_http_faas_headers_out(ngx_http_request_t *r)
{
    ngx_str_t        *name;
    ngx_uint_t        i, bit, has;
    ngx_list_part_t  *part;
    ngx_table_elt_t  *h;

    has = 0;

    for (part = &r->headers_out.headers.part; part != NULL; part = part->next)
    {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].key.len == ngx_http_faas_call_id.name.len) {
                name = &ngx_http_faas_call_id.name;
                bit = NGX_HTTP_FAAS_HAS_CALL_ID;

            } else if (h[i].key.len == ngx_http_faas_start.name.len) {
                name = &ngx_http_faas_start.name;
                bit = NGX_HTTP_FAAS_HAS_START;

            } else {
                continue;
            }

            if (h[i].hash != 0
                && ngx_strncasecmp(h[i].key.data, name->data, name->len) == 0)
            {
                has |= bit;
            }
        }
    }

    return has;
}

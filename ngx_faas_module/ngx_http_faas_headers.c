
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the gateway adds to a call and to its answer.
 *
 * To the call: X-Call-Id, unless the client has set it; X-Start-Time, beside
 * the client's own; traceparent, unless the client's is valid; Upgrade and
 * Connection where the client asks for another protocol.  They are put on the
 * list of headers that the client has sent: that is cheaper than a
 * proxy_set_header each, and holds for whatever passes the request on.
 *
 * To the answer: X-Call-Id and X-Start-Time, unless the function has set its
 * own.
 */


#include "ngx_http_faas.h"


/* of the headers that stamping looks for */

typedef struct {
    ngx_table_elt_t   *call_id;
    ngx_table_elt_t   *trace;
} ngx_http_faas_given_t;


static ngx_int_t ngx_http_faas_copy_headers(ngx_http_request_t *r);
static void ngx_http_faas_find_headers(ngx_http_request_t *r,
    ngx_http_faas_given_t *given);
static ngx_int_t ngx_http_faas_push_header(ngx_http_request_t *r,
    ngx_str_t *name, ngx_str_t *lowcase, ngx_str_t *value);
static void ngx_http_faas_start_time(ngx_http_faas_ctx_t *ctx, u_char *p);
static ngx_int_t ngx_http_faas_push_upgrade(ngx_http_request_t *r);
static ngx_int_t ngx_http_faas_header_filter(ngx_http_request_t *r);
static ngx_uint_t ngx_http_faas_headers_out(ngx_http_request_t *r);


#define NGX_HTTP_FAAS_HAS_CALL_ID  1
#define NGX_HTTP_FAAS_HAS_START    2


static ngx_http_output_header_filter_pt  ngx_http_next_header_filter;

static ngx_str_t  ngx_http_faas_call_id = ngx_string("X-Call-Id");
static ngx_str_t  ngx_http_faas_call_id_low = ngx_string("x-call-id");
static ngx_str_t  ngx_http_faas_start = ngx_string("X-Start-Time");
static ngx_str_t  ngx_http_faas_start_low = ngx_string("x-start-time");
static ngx_str_t  ngx_http_faas_trace = ngx_string("traceparent");
static ngx_str_t  ngx_http_faas_upgrade = ngx_string("Upgrade");
static ngx_str_t  ngx_http_faas_connection = ngx_string("Connection");

/*
 * By this name proxy_pass looks up whether a header is to be dropped, which
 * the client's own Upgrade and Connection are.
 */
static ngx_str_t  ngx_http_faas_hop_low = ngx_string("faas-hop");


void
ngx_http_faas_headers_init(void)
{
    ngx_http_next_header_filter = ngx_http_top_header_filter;
    ngx_http_top_header_filter = ngx_http_faas_header_filter;
}


ngx_int_t
ngx_http_faas_stamp(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx)
{
    u_char                 *p;
    uint64_t                high, low;
    ngx_http_faas_given_t   given;

    /* a subrequest has its parent's list, and must not add to it */

    if (r != r->main && ngx_http_faas_copy_headers(r) != NGX_OK) {
        return NGX_ERROR;
    }

    p = ngx_pnalloc(r->pool, NGX_INT64_LEN + FAAS_UUID_LEN + 1
                             + FAAS_TRACE_LEN);
    if (p == NULL) {
        return NGX_ERROR;
    }

    ngx_http_faas_start_time(ctx, p);

    if (ngx_http_faas_push_header(r, &ngx_http_faas_start,
                                  &ngx_http_faas_start_low, &ctx->start_time)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    p += NGX_INT64_LEN;

    ngx_http_faas_find_headers(r, &given);

    high = faas_random_next(&ctx->conf->random);
    low = faas_random_next(&ctx->conf->random);

    if (given.call_id != NULL) {
        ctx->call_id = given.call_id->value;

    } else {
        faas_uuid_encode(high, low, (char *) p);

        ctx->call_id.data = p;
        ctx->call_id.len = FAAS_UUID_LEN;
        ctx->is_new_call_id = 1;

        if (ngx_http_faas_push_header(r, &ngx_http_faas_call_id,
                                      &ngx_http_faas_call_id_low,
                                      &ctx->call_id)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    p += FAAS_UUID_LEN + 1;

    if (given.trace != NULL
        && faas_trace_is_valid((char *) given.trace->value.data,
                               given.trace->value.len))
    {
        ctx->trace = given.trace->value;

    } else {
        faas_trace_encode(high, low,
                          faas_random_next(&ctx->conf->random) | 1,
                          (char *) p);

        ctx->trace.data = p;
        ctx->trace.len = FAAS_TRACE_LEN;

        if (given.trace != NULL) {
            given.trace->value = ctx->trace;

        } else if (ngx_http_faas_push_header(r, &ngx_http_faas_trace,
                                             &ngx_http_faas_trace,
                                             &ctx->trace)
                   != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return r->headers_in.upgrade != NULL ? ngx_http_faas_push_upgrade(r)
                                         : NGX_OK;
}


ngx_int_t
ngx_http_faas_add_header(ngx_http_request_t *r, const char *name,
    ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_out.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = 1;
    h->key.data = (u_char *) name;
    h->key.len = ngx_strlen(name);
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
    ngx_table_elt_t  *h;

    given->call_id = NULL;
    given->trace = NULL;

    for (part = &r->headers_in.headers.part; part != NULL; part = part->next) {
        h = part->elts;

        for (i = 0; i < part->nelts; i++) {

            if (h[i].key.len == ngx_http_faas_call_id_low.len
                && given->call_id == NULL && h[i].value.len != 0
                && ngx_memcmp(h[i].lowcase_key, ngx_http_faas_call_id_low.data,
                              h[i].key.len)
                   == 0)
            {
                given->call_id = &h[i];

            } else if (h[i].key.len == ngx_http_faas_trace.len
                       && given->trace == NULL
                       && ngx_memcmp(h[i].lowcase_key,
                                     ngx_http_faas_trace.data, h[i].key.len)
                          == 0)
            {
                given->trace = &h[i];
            }
        }
    }
}


static ngx_int_t
ngx_http_faas_push_header(ngx_http_request_t *r, ngx_str_t *name,
    ngx_str_t *lowcase, ngx_str_t *value)
{
    ngx_table_elt_t  *h;

    h = ngx_list_push(&r->headers_in.headers);
    if (h == NULL) {
        return NGX_ERROR;
    }

    h->hash = ngx_hash_key(lowcase->data, lowcase->len);
    h->key = *name;
    h->lowcase_key = lowcase->data;
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
    u_char           *last;
    uint64_t          nsec;
    struct timespec   ts;

    ctx->started = ngx_http_faas_usec();

    (void) clock_gettime(CLOCK_REALTIME, &ts);

    nsec = (uint64_t) ts.tv_sec * 1000000000 + (uint64_t) ts.tv_nsec;

    for (last = p + NGX_INT64_LEN, p = last; nsec != 0; nsec /= 10) {
        *--p = (u_char) ('0' + nsec % 10);
    }

    ctx->start_time.data = p;
    ctx->start_time.len = last - p;
}


static ngx_int_t
ngx_http_faas_push_upgrade(ngx_http_request_t *r)
{
    ngx_table_elt_t  *connection;

    static ngx_str_t  upgrade = ngx_string("upgrade");

    connection = r->headers_in.connection;

    if (r->http_version != NGX_HTTP_VERSION_11 || connection == NULL
        || ngx_strlcasestrn(connection->value.data,
                            connection->value.data + connection->value.len,
                            (u_char *) "upgrade", 7 - 1)
           == NULL)
    {
        return NGX_OK;
    }

    if (ngx_http_faas_push_header(r, &ngx_http_faas_upgrade,
                                  &ngx_http_faas_hop_low,
                                  &r->headers_in.upgrade->value)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return ngx_http_faas_push_header(r, &ngx_http_faas_connection,
                                     &ngx_http_faas_hop_low, &upgrade);
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
        && ngx_http_faas_add_header(r, "X-Call-Id", &ctx->call_id) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (!(has & NGX_HTTP_FAAS_HAS_START)
        && ngx_http_faas_add_header(r, "X-Start-Time", &ctx->start_time)
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

            if (h[i].key.len == ngx_http_faas_call_id.len) {
                name = &ngx_http_faas_call_id;
                bit = NGX_HTTP_FAAS_HAS_CALL_ID;

            } else if (h[i].key.len == ngx_http_faas_start.len) {
                name = &ngx_http_faas_start;
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

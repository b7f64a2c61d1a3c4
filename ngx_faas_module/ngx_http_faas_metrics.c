
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Metrics in Prometheus' text format.
 *
 * With many functions the page is large.  It is made piece by piece, in two
 * buffers that are used again, and other requests get their turn between
 * two pieces.
 */


#include "ngx_http_faas.h"

#include "lib/faas_expo.h"


#define NGX_HTTP_FAAS_METRICS_BUF    32768   /* bytes */
#define NGX_HTTP_FAAS_METRICS_ITEM   8192    /* bytes, at most */
#define NGX_HTTP_FAAS_METRICS_TURN   512     /* items between two turns */

/* marks our buffers in a chain */
#define ngx_http_faas_metrics_tag    ((ngx_buf_tag_t) &ngx_http_faas_module)


typedef struct ngx_http_faas_family_s  ngx_http_faas_family_t;

typedef size_t (*ngx_http_faas_item_pt)(ngx_http_faas_shm_t *sh,
    const ngx_http_faas_family_t *family, uint32_t i, u_char *dst,
    size_t size);


struct ngx_http_faas_family_s {
    const char              *name;
    const char              *help;
    const char              *type;
    ngx_http_faas_item_pt    item;      /* writes the i-th, 0: it has none */
    uint32_t               (*n)(ngx_http_faas_shm_t *sh);
};


struct ngx_http_faas_cursor_s {
    ngx_http_faas_shm_t     *sh;
    ngx_uint_t               family;
    uint32_t                 item;
    unsigned                 is_headed:1;   /* HELP and TYPE are written */
    ngx_chain_t             *free;
    ngx_chain_t             *busy;
};


static void ngx_http_faas_metrics_writer(ngx_http_request_t *r);
static ngx_int_t ngx_http_faas_metrics_send(ngx_http_request_t *r,
    ngx_http_faas_cursor_t *cursor);
static ngx_chain_t *ngx_http_faas_metrics_buf(ngx_http_request_t *r,
    ngx_http_faas_cursor_t *cursor);
static ngx_uint_t ngx_http_faas_metrics_fill(ngx_http_faas_cursor_t *cursor,
    ngx_buf_t *b);
static uint32_t ngx_http_faas_metrics_one(ngx_http_faas_shm_t *sh);
static uint32_t ngx_http_faas_metrics_fns(ngx_http_faas_shm_t *sh);
static uint32_t ngx_http_faas_metrics_serieses(ngx_http_faas_shm_t *sh);
static size_t ngx_http_faas_metrics_seconds(ngx_http_faas_shm_t *sh,
    const ngx_http_faas_family_t *family, uint32_t i, u_char *dst,
    size_t size);
static size_t ngx_http_faas_metrics_waited(ngx_http_faas_shm_t *sh,
    const ngx_http_faas_family_t *family, uint32_t i, u_char *dst,
    size_t size);
static size_t ngx_http_faas_metrics_hist(ngx_http_faas_shm_t *sh,
    uint32_t series, struct faas_sample *sample, struct faas_label *labels,
    u_char *dst, size_t size);
static size_t ngx_http_faas_metrics_total(ngx_http_faas_shm_t *sh,
    const ngx_http_faas_family_t *family, uint32_t i, u_char *dst,
    size_t size);
static size_t ngx_http_faas_metrics_function(ngx_http_faas_shm_t *sh,
    const ngx_http_faas_family_t *family, uint32_t i, u_char *dst,
    size_t size);
static size_t ngx_http_faas_metrics_zone(ngx_http_faas_shm_t *sh,
    const ngx_http_faas_family_t *family, uint32_t i, u_char *dst,
    size_t size);
static uint32_t ngx_http_faas_metrics_labels(ngx_http_faas_shm_t *sh,
    uint32_t i, u_char *key, u_char *code, struct faas_label *labels);
static size_t ngx_http_faas_metrics_key(ngx_http_faas_shm_t *sh, uint32_t fn,
    u_char *key);


/*
 * Two names of OpenFaaS' gateway, _started and gateway_service_count, break
 * Prometheus' rules for a counter and a gauge; "untyped" is what its checks
 * have for names that cannot be changed.
 */

static const char  ngx_http_faas_inflight[] =
    "gateway_function_invocation_inflight";
static const char  ngx_http_faas_started[] =
    "gateway_function_invocation_started";
static const char  ngx_http_faas_replicas[] = "gateway_service_count";
static const char  ngx_http_faas_parked[] = "faas_function_parked";
static const char  ngx_http_faas_redis_up[] = "faas_redis_up";

static const ngx_http_faas_family_t  ngx_http_faas_families[] = {

    { "gateway_functions_seconds", "Function time taken", "histogram",
      ngx_http_faas_metrics_seconds, ngx_http_faas_metrics_serieses },

    { "gateway_function_invocation_total", "Function metrics", "counter",
      ngx_http_faas_metrics_total, ngx_http_faas_metrics_serieses },

    { ngx_http_faas_started, "The total number of function HTTP requests "
      "started", "untyped",
      ngx_http_faas_metrics_function, ngx_http_faas_metrics_fns },

    { ngx_http_faas_inflight, "Requests at replicas or on their way", "gauge",
      ngx_http_faas_metrics_function, ngx_http_faas_metrics_fns },

    { ngx_http_faas_replicas, "Replicas wanted", "untyped",
      ngx_http_faas_metrics_function, ngx_http_faas_metrics_fns },

    { ngx_http_faas_parked, "Requests waiting for a replica", "gauge",
      ngx_http_faas_metrics_function, ngx_http_faas_metrics_fns },

    { "faas_function_parked_seconds", "Time that requests waited for a "
      "replica", "histogram",
      ngx_http_faas_metrics_waited, ngx_http_faas_metrics_fns },

    { ngx_http_faas_redis_up, "1 while routes are followed from Redis",
      "gauge", ngx_http_faas_metrics_zone, ngx_http_faas_metrics_one },

    { "faas_routes_refused_total", "Routes refused because the zone was full",
      "counter", ngx_http_faas_metrics_zone, ngx_http_faas_metrics_one },
};

#define NGX_HTTP_FAAS_FAMILIES                                               \
    (sizeof(ngx_http_faas_families) / sizeof(ngx_http_faas_families[0]))


ngx_int_t
ngx_http_faas_metrics_handler(ngx_http_request_t *r)
{
    ngx_int_t                   rc;
    ngx_http_faas_ctx_t        *ctx;
    ngx_http_faas_main_conf_t  *fmcf;

    if (!(r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD))) {
        return ngx_http_faas_answer_not_allowed(r);
    }

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    fmcf = ngx_http_get_module_main_conf(r, ngx_http_faas_module);

    ctx = ngx_pcalloc(r->pool, sizeof(ngx_http_faas_ctx_t));
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->cursor = ngx_pcalloc(r->pool, sizeof(ngx_http_faas_cursor_t));
    if (ctx->cursor == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ctx->request = r;
    ctx->conf = fmcf;
    ctx->cursor->sh = fmcf->zone->sh;

    ngx_http_set_ctx(r, ctx, ngx_http_faas_module);

    r->headers_out.status = NGX_HTTP_OK;
    r->headers_out.content_length_n = -1;
    ngx_str_set(&r->headers_out.content_type,
                "text/plain; version=0.0.4; charset=utf-8");
    r->headers_out.content_type_len = sizeof("text/plain") - 1;

    rc = ngx_http_send_header(r);

    if (rc == NGX_ERROR || rc > NGX_OK || r->header_only) {
        return rc;
    }

    r->main->count++;
    r->write_event_handler = ngx_http_faas_metrics_writer;

    ngx_http_faas_metrics_writer(r);

    return NGX_DONE;
}


static void
ngx_http_faas_metrics_writer(ngx_http_request_t *r)
{
    ngx_int_t                  rc;
    ngx_event_t               *wev;
    ngx_connection_t          *c;
    ngx_http_faas_ctx_t       *ctx;
    ngx_http_core_loc_conf_t  *clcf;

    c = r->connection;
    wev = c->write;

    if (wev->timedout) {
        ngx_log_error(NGX_LOG_INFO, c->log, NGX_ETIMEDOUT,
                      "client timed out while reading metrics");
        c->timedout = 1;
        ngx_http_finalize_request(r, NGX_HTTP_REQUEST_TIME_OUT);
        return;
    }

    ctx = ngx_http_get_module_ctx(r, ngx_http_faas_module);

    rc = ngx_http_faas_metrics_send(r, ctx->cursor);

    if (rc != NGX_AGAIN && rc != NGX_BUSY) {

        /* all is made; nginx's own writer sends what is left */

        if (wev->timer_set) {
            ngx_del_timer(wev);
        }

        ngx_http_finalize_request(r, rc);
        return;
    }

    if (rc == NGX_BUSY) {

        /* the client reads fast: others first */

        ngx_post_event(wev, &ngx_posted_next_events);
        return;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    if (!wev->delayed) {
        ngx_add_timer(wev, clcf->send_timeout);
    }

    if (ngx_handle_write_event(wev, clcf->send_lowat) != NGX_OK) {
        ngx_http_finalize_request(r, NGX_ERROR);
    }
}


/*
 * NGX_BUSY: go on at once, after others; NGX_AGAIN: the client has to read
 * first; else the end.
 */

static ngx_int_t
ngx_http_faas_metrics_send(ngx_http_request_t *r,
    ngx_http_faas_cursor_t *cursor)
{
    ngx_int_t     rc;
    ngx_uint_t    more;
    ngx_chain_t  *cl;

    if (cursor->busy != NULL) {

        if (ngx_http_output_filter(r, NULL) == NGX_ERROR) {
            return NGX_ERROR;
        }

        cl = NULL;
        ngx_chain_update_chains(r->pool, &cursor->free, &cursor->busy, &cl,
                                ngx_http_faas_metrics_tag);
    }

    if (cursor->busy != NULL && cursor->busy->next != NULL) {
        return NGX_AGAIN;
    }

    cl = ngx_http_faas_metrics_buf(r, cursor);
    if (cl == NULL) {
        return NGX_ERROR;
    }

    more = ngx_http_faas_metrics_fill(cursor, cl->buf);

    if (more && cl->buf->last == cl->buf->pos) {

        /* nothing to say of so many: no empty buffer may go out */

        cl->next = cursor->free;
        cursor->free = cl;
        return NGX_BUSY;
    }

    /* what nginx would keep for more to come never becomes writable */

    cl->buf->flush = more;
    cl->buf->last_buf = !more && r == r->main;
    cl->buf->last_in_chain = !more;

    rc = ngx_http_output_filter(r, cl);

    if (rc == NGX_ERROR || !more) {
        return rc;
    }

    ngx_chain_update_chains(r->pool, &cursor->free, &cursor->busy, &cl,
                            ngx_http_faas_metrics_tag);

    return cursor->busy != NULL ? NGX_AGAIN : NGX_BUSY;
}


static ngx_chain_t *
ngx_http_faas_metrics_buf(ngx_http_request_t *r,
    ngx_http_faas_cursor_t *cursor)
{
    ngx_buf_t    *b;
    ngx_chain_t  *cl;

    cl = ngx_chain_get_free_buf(r->pool, &cursor->free);
    if (cl == NULL) {
        return NULL;
    }

    b = cl->buf;

    if (b->start == NULL) {
        b->start = ngx_palloc(r->pool, NGX_HTTP_FAAS_METRICS_BUF);
        if (b->start == NULL) {
            return NULL;
        }

        b->end = b->start + NGX_HTTP_FAAS_METRICS_BUF;
        b->tag = ngx_http_faas_metrics_tag;
        b->temporary = 1;
    }

    b->pos = b->start;
    b->last = b->start;
    cl->next = NULL;

    return cl;
}


/*
 * Whole items, as many as fit and as a turn may take.  Returns whether there
 * are more.
 */

static ngx_uint_t
ngx_http_faas_metrics_fill(ngx_http_faas_cursor_t *cursor, ngx_buf_t *b)
{
    size_t                         room;
    ngx_uint_t                     turn;
    const ngx_http_faas_family_t  *family;

    for (turn = 0; turn < NGX_HTTP_FAAS_METRICS_TURN; turn++) {

        if (cursor->family == NGX_HTTP_FAAS_FAMILIES) {
            return 0;
        }

        room = b->end - b->last;

        if (room < NGX_HTTP_FAAS_METRICS_ITEM) {
            break;
        }

        family = &ngx_http_faas_families[cursor->family];

        if (!cursor->is_headed) {
            b->last += faas_expo_family((char *) b->last, room, family->name,
                                        family->help, family->type);
            cursor->is_headed = 1;
            cursor->item = 0;
            continue;
        }

        if (cursor->item == family->n(cursor->sh)) {
            cursor->family++;
            cursor->is_headed = 0;
            continue;
        }

        b->last += family->item(cursor->sh, family, cursor->item++, b->last,
                                room);
    }

    return 1;
}


static uint32_t
ngx_http_faas_metrics_one(ngx_http_faas_shm_t *sh)
{
    return 1;
}


static uint32_t
ngx_http_faas_metrics_fns(ngx_http_faas_shm_t *sh)
{
    return sh->fns < sh->h->fn_high ? sh->fns : sh->h->fn_high;
}


static uint32_t
ngx_http_faas_metrics_serieses(ngx_http_faas_shm_t *sh)
{
    return ngx_http_faas_metrics_fns(sh) * NGX_HTTP_FAAS_CODES;
}


static size_t
ngx_http_faas_metrics_seconds(ngx_http_faas_shm_t *sh,
    const ngx_http_faas_family_t *family, uint32_t i, u_char *dst,
    size_t size)
{
    u_char              key[FAAS_KEY_MAX + 1], code[NGX_INT_T_LEN];
    uint32_t            series;
    struct faas_label   labels[3];
    struct faas_sample  sample;

    series = ngx_http_faas_metrics_labels(sh, i, key, code, labels);

    if (series == NGX_HTTP_FAAS_NONE) {
        return 0;
    }

    sample.name = family->name;
    sample.suffix = "";
    sample.labels = labels;
    sample.n = 2;

    return ngx_http_faas_metrics_hist(sh, series, &sample, labels, dst, size);
}


/*
 * Of a function that has parked a request.
 */

static size_t
ngx_http_faas_metrics_waited(ngx_http_faas_shm_t *sh,
    const ngx_http_faas_family_t *family, uint32_t i, u_char *dst,
    size_t size)
{
    u_char              key[FAAS_KEY_MAX + 1];
    uint32_t            link;
    struct faas_label   labels[2];
    struct faas_sample  sample;

    link = ngx_http_faas_load(&sh->fn[i].park_series);

    labels[0].name = "function_name";
    labels[0].value = (char *) key;
    labels[0].len = ngx_http_faas_metrics_key(sh, i, key);

    if (labels[0].len == 0 || link == 0 || link > sh->serieses) {
        return 0;
    }

    sample.name = family->name;
    sample.suffix = "";
    sample.labels = labels;
    sample.n = 1;

    return ngx_http_faas_metrics_hist(sh, link - 1, &sample, labels, dst,
                                      size);
}


/*
 * labels are those of the sample, and have room for one more.
 */

static size_t
ngx_http_faas_metrics_hist(ngx_http_faas_shm_t *sh, uint32_t series,
    struct faas_sample *sample, struct faas_label *labels, u_char *dst,
    size_t size)
{
    char                  *p, *last;
    size_t                 i, le;
    uint64_t               count;
    ngx_http_faas_hist_t   sum;

    ngx_http_faas_hist_sum(sh, series, &sum);

    p = (char *) dst;
    last = p + size;
    count = 0;

    le = sample->n++;
    sample->suffix = "_bucket";

    for (i = 0; i < FAAS_HIST_BUCKETS; i++) {
        count += sum.bucket[i];

        labels[le].name = "le";
        labels[le].value = faas_hist_le[i];
        labels[le].len = ngx_strlen(faas_hist_le[i]);

        p += faas_expo_uint(p, last - p, sample, count);
    }

    sample->n = le;
    sample->suffix = "_sum";
    p += faas_expo_seconds(p, last - p, sample, sum.usec);

    sample->suffix = "_count";
    p += faas_expo_uint(p, last - p, sample, count);

    return p - (char *) dst;
}


static size_t
ngx_http_faas_metrics_total(ngx_http_faas_shm_t *sh,
    const ngx_http_faas_family_t *family, uint32_t i, u_char *dst,
    size_t size)
{
    size_t                 j;
    u_char                 key[FAAS_KEY_MAX + 1], code[NGX_INT_T_LEN];
    uint32_t               series;
    uint64_t               count;
    struct faas_label      labels[2];
    struct faas_sample     sample;
    ngx_http_faas_hist_t   sum;

    series = ngx_http_faas_metrics_labels(sh, i, key, code, labels);

    if (series == NGX_HTTP_FAAS_NONE) {
        return 0;
    }

    ngx_http_faas_hist_sum(sh, series, &sum);
    count = 0;

    for (j = 0; j < FAAS_HIST_BUCKETS; j++) {
        count += sum.bucket[j];
    }

    sample.name = family->name;
    sample.suffix = "";
    sample.labels = labels;
    sample.n = 2;

    return faas_expo_uint((char *) dst, size, &sample, count);
}


static size_t
ngx_http_faas_metrics_function(ngx_http_faas_shm_t *sh,
    const ngx_http_faas_family_t *family, uint32_t i, u_char *dst,
    size_t size)
{
    u_char                 key[FAAS_KEY_MAX + 1];
    uint64_t               value;
    struct faas_label      label;
    struct faas_sample     sample;
    ngx_http_faas_sum_t    sum;

    label.name = "function_name";
    label.value = (char *) key;
    label.len = ngx_http_faas_metrics_key(sh, i, key);

    if (label.len == 0) {
        return 0;
    }

    if (family->name == ngx_http_faas_replicas) {
        value = sh->fn[i].replicas;

    } else {
        ngx_http_faas_stat_sum(sh, i, &sum);

        value = (family->name == ngx_http_faas_started) ? sum.started
                : (family->name == ngx_http_faas_parked) ? sum.parked
                : sum.inflight;
    }

    sample.name = family->name;
    sample.suffix = "";
    sample.labels = &label;
    sample.n = 1;

    return faas_expo_uint((char *) dst, size, &sample, value);
}


static size_t
ngx_http_faas_metrics_zone(ngx_http_faas_shm_t *sh,
    const ngx_http_faas_family_t *family, uint32_t i, u_char *dst,
    size_t size)
{
    uint64_t            value;
    struct faas_sample  sample;

    sample.name = family->name;
    sample.suffix = "";
    sample.labels = NULL;
    sample.n = 0;

    value = (family->name == ngx_http_faas_redis_up)
            ? ngx_http_faas_load(&sh->h->is_redis_up)
            : ngx_http_faas_load(&sh->h->full);

    return faas_expo_uint((char *) dst, size, &sample, value);
}


/*
 * The number and the labels of the i-th series; NONE where there is none.
 */

static uint32_t
ngx_http_faas_metrics_labels(ngx_http_faas_shm_t *sh, uint32_t i, u_char *key,
    u_char *code, struct faas_label *labels)
{
    uint32_t  fn, link, number;

    fn = i / NGX_HTTP_FAAS_CODES;
    link = ngx_http_faas_load(&sh->fn[fn].series[i % NGX_HTTP_FAAS_CODES]);

    if (link == 0 || link > sh->serieses) {
        return NGX_HTTP_FAAS_NONE;
    }

    labels[0].name = "function_name";
    labels[0].value = (char *) key;
    labels[0].len = ngx_http_faas_metrics_key(sh, fn, key);

    if (labels[0].len == 0) {
        return NGX_HTTP_FAAS_NONE;
    }

    labels[1].name = "code";
    labels[1].value = (char *) code;

    number = sh->fn[fn].code[i % NGX_HTTP_FAAS_CODES];

    if (number == 0) {
        labels[1].value = "other";
        labels[1].len = sizeof("other") - 1;

    } else {
        labels[1].len = ngx_sprintf(code, "%uD", number) - code;
    }

    return link - 1;
}


/*
 * Copies the key of a live function; 0 where there is none.
 */

static size_t
ngx_http_faas_metrics_key(ngx_http_faas_shm_t *sh, uint32_t fn, u_char *key)
{
    size_t               len;
    uint64_t             seq;
    ngx_http_faas_fn_t  *f;

    f = &sh->fn[fn];
    seq = ngx_http_faas_load(&f->seq);

    if ((seq & 1) || f->state != NGX_HTTP_FAAS_FN_LIVE) {
        return 0;
    }

    len = ngx_min(f->len, FAAS_KEY_MAX);
    ngx_memcpy(key, f->key, len);

    __atomic_thread_fence(__ATOMIC_ACQUIRE);

    return ngx_http_faas_load(&f->seq) == seq ? len : 0;
}

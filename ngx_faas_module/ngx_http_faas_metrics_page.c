
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The page of metrics, in Prometheus' text format: docs/metrics.md lists what
 * is on it.
 *
 * A family is a name and its items, which are written one at a time: those of
 * a function, of a function and a code, or of the zone.
 */


#include "ngx_http_faas.h"

#include "lib/faas_async.h"
#include "lib/faas_expo.h"


#define NGX_HTTP_FAAS_PAGE_ITEM   8192    /* bytes, at most */
#define NGX_HTTP_FAAS_PAGE_TURN   512     /* items between two turns */
#define NGX_HTTP_FAAS_PAGE_LABELS 3       /* of a line, at most */


typedef struct ngx_http_faas_family_s  ngx_http_faas_family_t;

/* one of a family, and what is written of it */

typedef struct {
    ngx_http_faas_shm_t           *sh;
    const ngx_http_faas_family_t  *family;
    uint32_t                       i;        /* its number in the family */
    char                          *dst;
    size_t                         size;     /* of dst */
    struct faas_sample             sample;
    struct faas_label              labels[NGX_HTTP_FAAS_PAGE_LABELS];
    u_char                         key[FAAS_KEY_MAX];
    u_char                         code[NGX_INT_T_LEN];
} ngx_http_faas_item_t;


struct ngx_http_faas_family_s {
    const char   *name;
    const char   *help;
    const char   *type;
    uint32_t    (*n)(ngx_http_faas_shm_t *sh);

    /* writes its lines, returns their bytes; 0: this one has none */
    size_t      (*item)(ngx_http_faas_item_t *item);

    /* of a line with one number: what it is */
    uint64_t    (*value)(const ngx_http_faas_item_t *item);
    size_t        offset;    /* of page_stat: in ngx_http_faas_sum_t */
};


static uint32_t ngx_http_faas_page_one(ngx_http_faas_shm_t *sh);
static uint32_t ngx_http_faas_page_kinds(ngx_http_faas_shm_t *sh);
static uint32_t ngx_http_faas_page_fns(ngx_http_faas_shm_t *sh);
static uint32_t ngx_http_faas_page_serieses(ngx_http_faas_shm_t *sh);

static size_t ngx_http_faas_page_seconds(ngx_http_faas_item_t *item);
static size_t ngx_http_faas_page_total(ngx_http_faas_item_t *item);
static size_t ngx_http_faas_page_waited(ngx_http_faas_item_t *item);
static size_t ngx_http_faas_page_function(ngx_http_faas_item_t *item);
static size_t ngx_http_faas_page_called(ngx_http_faas_item_t *item);
static size_t ngx_http_faas_page_submitted(ngx_http_faas_item_t *item);
static size_t ngx_http_faas_page_kind(ngx_http_faas_item_t *item);
static size_t ngx_http_faas_page_zone(ngx_http_faas_item_t *item);
static size_t ngx_http_faas_page_age(ngx_http_faas_item_t *item);

static size_t ngx_http_faas_page_hist(ngx_http_faas_item_t *item,
    uint32_t series);
static uint32_t ngx_http_faas_page_series(ngx_http_faas_item_t *item);
static ngx_uint_t ngx_http_faas_page_name(ngx_http_faas_item_t *item,
    uint32_t fn);
static void ngx_http_faas_page_label(ngx_http_faas_item_t *item,
    const char *name, const void *value, size_t len);
static size_t ngx_http_faas_page_put(ngx_http_faas_item_t *item,
    uint64_t value);

static uint64_t ngx_http_faas_page_stat(const ngx_http_faas_item_t *item);
static uint64_t ngx_http_faas_page_replicas(const ngx_http_faas_item_t *item);
static uint64_t ngx_http_faas_page_ready(const ngx_http_faas_item_t *item);
static uint64_t ngx_http_faas_page_failures(const ngx_http_faas_item_t *item);
static uint64_t ngx_http_faas_page_redis_up(const ngx_http_faas_item_t *item);
static uint64_t ngx_http_faas_page_refused(const ngx_http_faas_item_t *item);
static uint64_t ngx_http_faas_page_used(const ngx_http_faas_item_t *item);
static uint64_t ngx_http_faas_page_limit(const ngx_http_faas_item_t *item);


/*
 * Three names of OpenFaaS' gateway, _started and two with _count, break
 * Prometheus' rules for a counter and a gauge; "untyped" is what its checks
 * have for names that cannot be changed.
 */

static const ngx_http_faas_family_t  ngx_http_faas_families[] = {

    { "gateway_functions_seconds", "Function time taken", "histogram",
      ngx_http_faas_page_serieses, ngx_http_faas_page_seconds, NULL, 0 },

    { "gateway_function_invocation_total", "Function metrics", "counter",
      ngx_http_faas_page_serieses, ngx_http_faas_page_total, NULL, 0 },

    { "gateway_function_invocation_started", "The total number of function "
      "HTTP requests started", "untyped",
      ngx_http_faas_page_fns, ngx_http_faas_page_function,
      ngx_http_faas_page_stat, offsetof(ngx_http_faas_sum_t, started) },

    { "gateway_function_invocation_inflight", "Requests at replicas or on "
      "their way", "gauge",
      ngx_http_faas_page_fns, ngx_http_faas_page_function,
      ngx_http_faas_page_stat, offsetof(ngx_http_faas_sum_t, inflight) },

    { "gateway_service_count", "Replicas wanted", "untyped",
      ngx_http_faas_page_fns, ngx_http_faas_page_function,
      ngx_http_faas_page_replicas, 0 },

    { "gateway_service_ready_count", "Replicas that requests are sent to",
      "untyped",
      ngx_http_faas_page_fns, ngx_http_faas_page_function,
      ngx_http_faas_page_ready, 0 },

    { "faas_function_parked", "Requests waiting for a replica", "gauge",
      ngx_http_faas_page_fns, ngx_http_faas_page_function,
      ngx_http_faas_page_stat, offsetof(ngx_http_faas_sum_t, parked) },

    { "faas_function_parked_seconds", "Time that requests waited for a "
      "replica", "histogram",
      ngx_http_faas_page_fns, ngx_http_faas_page_waited, NULL, 0 },

    { "faas_function_replica_failures_total", "Tries at a replica that "
      "failed", "counter",
      ngx_http_faas_page_fns, ngx_http_faas_page_called,
      ngx_http_faas_page_failures, 0 },

    { "faas_function_retries_total", "Tries at a replica but the first of a "
      "request", "counter",
      ngx_http_faas_page_fns, ngx_http_faas_page_called,
      ngx_http_faas_page_stat, offsetof(ngx_http_faas_sum_t, retries) },

    { "queue_worker_messages_submitted_total", "Asynchronous calls accepted",
      "counter",
      ngx_http_faas_page_fns, ngx_http_faas_page_submitted,
      ngx_http_faas_page_stat, offsetof(ngx_http_faas_sum_t, submitted) },

    { "faas_redis_up", "1 while routes are followed from Redis", "gauge",
      ngx_http_faas_page_one, ngx_http_faas_page_zone,
      ngx_http_faas_page_redis_up, 0 },

    { "faas_routes_age_seconds", "Time since routes were known to be those "
      "of Redis", "gauge",
      ngx_http_faas_page_one, ngx_http_faas_page_age, NULL, 0 },

    { "faas_routes_refused_total", "Routes refused because the zone was full",
      "counter",
      ngx_http_faas_page_one, ngx_http_faas_page_zone,
      ngx_http_faas_page_refused, 0 },

    { "faas_zone_records", "Records of the zone that are in use", "gauge",
      ngx_http_faas_page_kinds, ngx_http_faas_page_kind,
      ngx_http_faas_page_used, 0 },

    { "faas_zone_records_limit", "Records that the zone has room for", "gauge",
      ngx_http_faas_page_kinds, ngx_http_faas_page_kind,
      ngx_http_faas_page_limit, 0 },
};

#define NGX_HTTP_FAAS_FAMILIES                                               \
    (sizeof(ngx_http_faas_families) / sizeof(ngx_http_faas_families[0]))


/* of the zone's records */

static const struct {
    const char  *name;
    size_t       used;       /* in the header */
    size_t       limit;      /* in ngx_http_faas_shm_t */
} ngx_http_faas_kinds[] = {

    { "function", offsetof(ngx_http_faas_header_t, fn_used),
      offsetof(ngx_http_faas_shm_t, fns) },

    { "replica", offsetof(ngx_http_faas_header_t, rep_used),
      offsetof(ngx_http_faas_shm_t, reps) },

    { "extent", offsetof(ngx_http_faas_header_t, extent_used),
      offsetof(ngx_http_faas_shm_t, extents) },

    { "series", offsetof(ngx_http_faas_header_t, series_used),
      offsetof(ngx_http_faas_shm_t, serieses) },
};

#define NGX_HTTP_FAAS_KINDS                                                  \
    (sizeof(ngx_http_faas_kinds) / sizeof(ngx_http_faas_kinds[0]))


ngx_uint_t
ngx_http_faas_page_fill(ngx_http_faas_page_t *page, ngx_buf_t *b)
{
    size_t                         room;
    ngx_uint_t                     turn;
    ngx_http_faas_item_t           item;
    const ngx_http_faas_family_t  *family;

    item.sh = page->sh;

    for (turn = 0; turn < NGX_HTTP_FAAS_PAGE_TURN; turn++) {

        if (page->family == NGX_HTTP_FAAS_FAMILIES) {
            return 0;
        }

        room = b->end - b->last;

        if (room < NGX_HTTP_FAAS_PAGE_ITEM) {
            break;
        }

        family = &ngx_http_faas_families[page->family];

        if (!page->is_headed) {
            b->last += faas_expo_family((char *) b->last, room, family->name,
                                        family->help, family->type);
            page->is_headed = 1;
            page->item = 0;
            continue;
        }

        if (page->item == family->n(page->sh)) {
            page->family++;
            page->is_headed = 0;
            continue;
        }

        item.family = family;
        item.i = page->item++;
        item.dst = (char *) b->last;
        item.size = room;

        item.sample.name = family->name;
        item.sample.suffix = "";
        item.sample.labels = item.labels;
        item.sample.n = 0;

        b->last += family->item(&item);
    }

    return 1;
}


static uint32_t
ngx_http_faas_page_one(ngx_http_faas_shm_t *sh)
{
    return 1;
}


static uint32_t
ngx_http_faas_page_kinds(ngx_http_faas_shm_t *sh)
{
    return NGX_HTTP_FAAS_KINDS;
}


static uint32_t
ngx_http_faas_page_fns(ngx_http_faas_shm_t *sh)
{
    return sh->fns < sh->h->fn_high ? sh->fns : sh->h->fn_high;
}


static uint32_t
ngx_http_faas_page_serieses(ngx_http_faas_shm_t *sh)
{
    return ngx_http_faas_page_fns(sh) * NGX_HTTP_FAAS_CODES;
}


static size_t
ngx_http_faas_page_seconds(ngx_http_faas_item_t *item)
{
    uint32_t  series;

    series = ngx_http_faas_page_series(item);

    return (series == NGX_HTTP_FAAS_NONE) ? 0
           : ngx_http_faas_page_hist(item, series);
}


static size_t
ngx_http_faas_page_total(ngx_http_faas_item_t *item)
{
    uint32_t              i, series;
    uint64_t              count;
    ngx_http_faas_hist_t  sum;

    series = ngx_http_faas_page_series(item);

    if (series == NGX_HTTP_FAAS_NONE) {
        return 0;
    }

    ngx_http_faas_hist_sum(item->sh, series, &sum);
    count = 0;

    for (i = 0; i < FAAS_HIST_BUCKETS; i++) {
        count += sum.bucket[i];
    }

    return ngx_http_faas_page_put(item, count);
}


/*
 * Of a function that has parked a request.
 */

static size_t
ngx_http_faas_page_waited(ngx_http_faas_item_t *item)
{
    uint32_t  link;

    link = ngx_http_faas_load(&item->sh->fn[item->i].park_series);

    if (link == 0 || link > item->sh->serieses
        || !ngx_http_faas_page_name(item, item->i))
    {
        return 0;
    }

    return ngx_http_faas_page_hist(item, link - 1);
}


static size_t
ngx_http_faas_page_function(ngx_http_faas_item_t *item)
{
    return ngx_http_faas_page_name(item, item->i)
           ? ngx_http_faas_page_put(item, item->family->value(item)) : 0;
}


/*
 * With many functions the page is long enough: of those that nobody has
 * called it says no more than that they are there.
 */

static size_t
ngx_http_faas_page_called(ngx_http_faas_item_t *item)
{
    if (ngx_http_faas_load(&item->sh->fn[item->i].series[0]) == 0
        && item->family->value(item) == 0)
    {
        return 0;
    }

    return ngx_http_faas_page_function(item);
}


/*
 * Of a function that was called so.
 */

static size_t
ngx_http_faas_page_submitted(ngx_http_faas_item_t *item)
{
    uint64_t  value;

    value = item->family->value(item);

    ngx_http_faas_page_label(item, "queue_name", FAAS_ASYNC_QUEUE_NAME,
                             sizeof(FAAS_ASYNC_QUEUE_NAME) - 1);

    return (value != 0 && ngx_http_faas_page_name(item, item->i))
           ? ngx_http_faas_page_put(item, value) : 0;
}


static size_t
ngx_http_faas_page_kind(ngx_http_faas_item_t *item)
{
    const char  *name;

    name = ngx_http_faas_kinds[item->i].name;

    ngx_http_faas_page_label(item, "kind", name, ngx_strlen(name));

    return ngx_http_faas_page_zone(item);
}


static size_t
ngx_http_faas_page_zone(ngx_http_faas_item_t *item)
{
    return ngx_http_faas_page_put(item, item->family->value(item));
}


static size_t
ngx_http_faas_page_age(ngx_http_faas_item_t *item)
{
    uint64_t  now, confirmed;

    /* the clock of the worker that follows may be ahead of ours */

    now = (uint64_t) ngx_current_msec;
    confirmed = ngx_min(ngx_http_faas_load(&item->sh->h->confirmed), now);

    return faas_expo_seconds(item->dst, item->size, &item->sample,
                             (now - confirmed) * 1000);
}


static size_t
ngx_http_faas_page_hist(ngx_http_faas_item_t *item, uint32_t series)
{
    char                  *p, *last;
    uint32_t               i;
    uint64_t               count;
    struct faas_sample    *sample;
    ngx_http_faas_hist_t   sum;

    ngx_http_faas_hist_sum(item->sh, series, &sum);

    p = item->dst;
    last = p + item->size;
    sample = &item->sample;
    count = 0;

    sample->suffix = "_bucket";

    for (i = 0; i < FAAS_HIST_BUCKETS; i++) {
        count += sum.bucket[i];

        ngx_http_faas_page_label(item, "le", faas_hist_le[i],
                                 ngx_strlen(faas_hist_le[i]));

        p += faas_expo_uint(p, last - p, sample, count);

        sample->n--;
    }

    sample->suffix = "_sum";
    p += faas_expo_seconds(p, last - p, sample, sum.usec);

    sample->suffix = "_count";
    p += faas_expo_uint(p, last - p, sample, count);

    return p - item->dst;
}


/*
 * The number of a function's series of one code, with its labels; NONE where
 * there is none.
 */

static uint32_t
ngx_http_faas_page_series(ngx_http_faas_item_t *item)
{
    u_char              *last;
    uint32_t             fn, i, link, code;
    ngx_http_faas_fn_t  *f;

    fn = item->i / NGX_HTTP_FAAS_CODES;
    i = item->i % NGX_HTTP_FAAS_CODES;
    f = &item->sh->fn[fn];

    link = ngx_http_faas_load(&f->series[i]);

    if (link == 0 || link > item->sh->serieses
        || !ngx_http_faas_page_name(item, fn))
    {
        return NGX_HTTP_FAAS_NONE;
    }

    code = f->code[i];

    last = (code == 0) ? ngx_cpymem(item->code, "other", sizeof("other") - 1)
           : ngx_sprintf(item->code, "%uD", code);

    ngx_http_faas_page_label(item, "code", item->code, last - item->code);

    return link - 1;
}


/*
 * Adds the label of a live function; 0 where there is none.
 */

static ngx_uint_t
ngx_http_faas_page_name(ngx_http_faas_item_t *item, uint32_t fn)
{
    size_t               len;
    uint64_t             seq;
    ngx_http_faas_fn_t  *f;

    f = &item->sh->fn[fn];
    seq = ngx_http_faas_load(&f->seq);

    if ((seq & 1) || f->state != NGX_HTTP_FAAS_FN_LIVE) {
        return 0;
    }

    len = ngx_min(f->len, FAAS_KEY_MAX);
    ngx_memcpy(item->key, f->key, len);

    ngx_http_faas_page_label(item, "function_name", item->key, len);

    __atomic_thread_fence(__ATOMIC_ACQUIRE);

    return len != 0 && ngx_http_faas_load(&f->seq) == seq;
}


static void
ngx_http_faas_page_label(ngx_http_faas_item_t *item, const char *name,
    const void *value, size_t len)
{
    struct faas_label  *label;

    label = &item->labels[item->sample.n++];

    label->name = name;
    label->value = value;
    label->len = len;
}


static size_t
ngx_http_faas_page_put(ngx_http_faas_item_t *item, uint64_t value)
{
    return faas_expo_uint(item->dst, item->size, &item->sample, value);
}


static uint64_t
ngx_http_faas_page_stat(const ngx_http_faas_item_t *item)
{
    ngx_http_faas_sum_t  sum;

    ngx_http_faas_stat_sum(item->sh, item->i, &sum);

    return *(uint64_t *) ((u_char *) &sum + item->family->offset);
}


static uint64_t
ngx_http_faas_page_replicas(const ngx_http_faas_item_t *item)
{
    return item->sh->fn[item->i].replicas;
}


static uint64_t
ngx_http_faas_page_ready(const ngx_http_faas_item_t *item)
{
    return item->sh->fn[item->i].n;
}


static uint64_t
ngx_http_faas_page_failures(const ngx_http_faas_item_t *item)
{
    return ngx_http_faas_load(&item->sh->fn[item->i].failures);
}


static uint64_t
ngx_http_faas_page_redis_up(const ngx_http_faas_item_t *item)
{
    return ngx_http_faas_load(&item->sh->h->is_redis_up);
}


static uint64_t
ngx_http_faas_page_refused(const ngx_http_faas_item_t *item)
{
    return ngx_http_faas_load(&item->sh->h->full);
}


static uint64_t
ngx_http_faas_page_used(const ngx_http_faas_item_t *item)
{
    u_char  *header;

    header = (u_char *) item->sh->h;

    return ngx_http_faas_load((uint32_t *) (header
                                   + ngx_http_faas_kinds[item->i].used));
}


static uint64_t
ngx_http_faas_page_limit(const ngx_http_faas_item_t *item)
{
    return *(uint32_t *) ((u_char *) item->sh
                          + ngx_http_faas_kinds[item->i].limit);
}

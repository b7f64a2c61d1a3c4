
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


typedef struct ngx_http_faas_family_s  ngx_http_faas_family_t;

/* one or more lines; 0: the i-th has none */

typedef size_t (*ngx_http_faas_item_pt)(ngx_http_faas_shm_t *sh,
    const ngx_http_faas_family_t *family, uint32_t i, u_char *dst,
    size_t size);


struct ngx_http_faas_family_s {
    const char              *name;
    const char              *help;
    const char              *type;
    uint32_t               (*n)(ngx_http_faas_shm_t *sh);
    ngx_http_faas_item_pt    item;

    /* of a line with one number: what it is */
    uint64_t               (*value)(ngx_http_faas_shm_t *sh, uint32_t i);
};


static uint32_t ngx_http_faas_page_one(ngx_http_faas_shm_t *sh);
static uint32_t ngx_http_faas_page_kinds(ngx_http_faas_shm_t *sh);
static uint32_t ngx_http_faas_page_fns(ngx_http_faas_shm_t *sh);
static uint32_t ngx_http_faas_page_serieses(ngx_http_faas_shm_t *sh);

static size_t ngx_http_faas_page_seconds(ngx_http_faas_shm_t *sh,
    const ngx_http_faas_family_t *family, uint32_t i, u_char *dst,
    size_t size);
static size_t ngx_http_faas_page_waited(ngx_http_faas_shm_t *sh,
    const ngx_http_faas_family_t *family, uint32_t i, u_char *dst,
    size_t size);
static size_t ngx_http_faas_page_hist(ngx_http_faas_shm_t *sh,
    uint32_t series, struct faas_sample *sample, struct faas_label *labels,
    u_char *dst, size_t size);
static size_t ngx_http_faas_page_total(ngx_http_faas_shm_t *sh,
    const ngx_http_faas_family_t *family, uint32_t i, u_char *dst,
    size_t size);
static size_t ngx_http_faas_page_function(ngx_http_faas_shm_t *sh,
    const ngx_http_faas_family_t *family, uint32_t i, u_char *dst,
    size_t size);
static size_t ngx_http_faas_page_called(ngx_http_faas_shm_t *sh,
    const ngx_http_faas_family_t *family, uint32_t i, u_char *dst,
    size_t size);
static size_t ngx_http_faas_page_submitted(ngx_http_faas_shm_t *sh,
    const ngx_http_faas_family_t *family, uint32_t i, u_char *dst,
    size_t size);
static size_t ngx_http_faas_page_zone(ngx_http_faas_shm_t *sh,
    const ngx_http_faas_family_t *family, uint32_t i, u_char *dst,
    size_t size);
static size_t ngx_http_faas_page_kind(ngx_http_faas_shm_t *sh,
    const ngx_http_faas_family_t *family, uint32_t i, u_char *dst,
    size_t size);
static size_t ngx_http_faas_page_age(ngx_http_faas_shm_t *sh,
    const ngx_http_faas_family_t *family, uint32_t i, u_char *dst,
    size_t size);

static uint32_t ngx_http_faas_page_labels(ngx_http_faas_shm_t *sh,
    uint32_t i, u_char *key, u_char *code, struct faas_label *labels);
static ngx_uint_t ngx_http_faas_page_name(ngx_http_faas_shm_t *sh,
    uint32_t fn, u_char *key, struct faas_label *label);

static uint64_t ngx_http_faas_page_started(ngx_http_faas_shm_t *sh,
    uint32_t i);
static uint64_t ngx_http_faas_page_inflight(ngx_http_faas_shm_t *sh,
    uint32_t i);
static uint64_t ngx_http_faas_page_parked(ngx_http_faas_shm_t *sh,
    uint32_t i);
static uint64_t ngx_http_faas_page_replicas(ngx_http_faas_shm_t *sh,
    uint32_t i);
static uint64_t ngx_http_faas_page_ready(ngx_http_faas_shm_t *sh,
    uint32_t i);
static uint64_t ngx_http_faas_page_failures(ngx_http_faas_shm_t *sh,
    uint32_t i);
static uint64_t ngx_http_faas_page_retries(ngx_http_faas_shm_t *sh,
    uint32_t i);
static uint64_t ngx_http_faas_page_submissions(ngx_http_faas_shm_t *sh,
    uint32_t i);
static uint64_t ngx_http_faas_page_redis_up(ngx_http_faas_shm_t *sh,
    uint32_t i);
static uint64_t ngx_http_faas_page_refused(ngx_http_faas_shm_t *sh,
    uint32_t i);
static uint64_t ngx_http_faas_page_used(ngx_http_faas_shm_t *sh, uint32_t i);
static uint64_t ngx_http_faas_page_limit(ngx_http_faas_shm_t *sh, uint32_t i);


/*
 * Three names of OpenFaaS' gateway, _started and two with _count, break
 * Prometheus' rules for a counter and a gauge; "untyped" is what its checks
 * have for names that cannot be changed.
 */

static const ngx_http_faas_family_t  ngx_http_faas_families[] = {

    { "gateway_functions_seconds", "Function time taken", "histogram",
      ngx_http_faas_page_serieses, ngx_http_faas_page_seconds, NULL },

    { "gateway_function_invocation_total", "Function metrics", "counter",
      ngx_http_faas_page_serieses, ngx_http_faas_page_total, NULL },

    { "gateway_function_invocation_started", "The total number of function "
      "HTTP requests started", "untyped",
      ngx_http_faas_page_fns, ngx_http_faas_page_function,
      ngx_http_faas_page_started },

    { "gateway_function_invocation_inflight", "Requests at replicas or on "
      "their way", "gauge",
      ngx_http_faas_page_fns, ngx_http_faas_page_function,
      ngx_http_faas_page_inflight },

    { "gateway_service_count", "Replicas wanted", "untyped",
      ngx_http_faas_page_fns, ngx_http_faas_page_function,
      ngx_http_faas_page_replicas },

    { "gateway_service_ready_count", "Replicas that requests are sent to",
      "untyped",
      ngx_http_faas_page_fns, ngx_http_faas_page_function,
      ngx_http_faas_page_ready },

    { "faas_function_parked", "Requests waiting for a replica", "gauge",
      ngx_http_faas_page_fns, ngx_http_faas_page_function,
      ngx_http_faas_page_parked },

    { "faas_function_parked_seconds", "Time that requests waited for a "
      "replica", "histogram",
      ngx_http_faas_page_fns, ngx_http_faas_page_waited, NULL },

    { "faas_function_replica_failures_total", "Tries at a replica that "
      "failed", "counter",
      ngx_http_faas_page_fns, ngx_http_faas_page_called,
      ngx_http_faas_page_failures },

    { "faas_function_retries_total", "Tries at a replica but the first of a "
      "request", "counter",
      ngx_http_faas_page_fns, ngx_http_faas_page_called,
      ngx_http_faas_page_retries },

    { "queue_worker_messages_submitted_total", "Asynchronous calls accepted",
      "counter",
      ngx_http_faas_page_fns, ngx_http_faas_page_submitted,
      ngx_http_faas_page_submissions },

    { "faas_redis_up", "1 while routes are followed from Redis", "gauge",
      ngx_http_faas_page_one, ngx_http_faas_page_zone,
      ngx_http_faas_page_redis_up },

    { "faas_routes_age_seconds", "Time since routes were known to be those "
      "of Redis", "gauge",
      ngx_http_faas_page_one, ngx_http_faas_page_age, NULL },

    { "faas_routes_refused_total", "Routes refused because the zone was full",
      "counter",
      ngx_http_faas_page_one, ngx_http_faas_page_zone,
      ngx_http_faas_page_refused },

    { "faas_zone_records", "Records of the zone that are in use", "gauge",
      ngx_http_faas_page_kinds, ngx_http_faas_page_kind,
      ngx_http_faas_page_used },

    { "faas_zone_records_limit", "Records that the zone has room for", "gauge",
      ngx_http_faas_page_kinds, ngx_http_faas_page_kind,
      ngx_http_faas_page_limit },
};

#define NGX_HTTP_FAAS_FAMILIES                                               \
    (sizeof(ngx_http_faas_families) / sizeof(ngx_http_faas_families[0]))


/* of the zone's records */

typedef enum {
    NGX_HTTP_FAAS_KIND_FUNCTION = 0,
    NGX_HTTP_FAAS_KIND_REPLICA,
    NGX_HTTP_FAAS_KIND_EXTENT,
    NGX_HTTP_FAAS_KIND_SERIES,
    NGX_HTTP_FAAS_KINDS
} ngx_http_faas_kind_e;

static const char  *ngx_http_faas_kinds[NGX_HTTP_FAAS_KINDS] = {
    "function", "replica", "extent", "series"
};


ngx_uint_t
ngx_http_faas_page_fill(ngx_http_faas_page_t *page, ngx_buf_t *b)
{
    size_t                         room;
    ngx_uint_t                     turn;
    const ngx_http_faas_family_t  *family;

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

        b->last += family->item(page->sh, family, page->item++, b->last,
                                room);
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
ngx_http_faas_page_seconds(ngx_http_faas_shm_t *sh,
    const ngx_http_faas_family_t *family, uint32_t i, u_char *dst,
    size_t size)
{
    u_char              key[FAAS_KEY_MAX + 1], code[NGX_INT_T_LEN];
    uint32_t            series;
    struct faas_label   labels[3];
    struct faas_sample  sample;

    series = ngx_http_faas_page_labels(sh, i, key, code, labels);

    if (series == NGX_HTTP_FAAS_NONE) {
        return 0;
    }

    sample.name = family->name;
    sample.suffix = "";
    sample.labels = labels;
    sample.n = 2;

    return ngx_http_faas_page_hist(sh, series, &sample, labels, dst, size);
}


/*
 * Of a function that has parked a request.
 */

static size_t
ngx_http_faas_page_waited(ngx_http_faas_shm_t *sh,
    const ngx_http_faas_family_t *family, uint32_t i, u_char *dst,
    size_t size)
{
    u_char              key[FAAS_KEY_MAX + 1];
    uint32_t            link;
    struct faas_label   labels[2];
    struct faas_sample  sample;

    link = ngx_http_faas_load(&sh->fn[i].park_series);

    if (link == 0 || link > sh->serieses
        || !ngx_http_faas_page_name(sh, i, key, &labels[0]))
    {
        return 0;
    }

    sample.name = family->name;
    sample.suffix = "";
    sample.labels = labels;
    sample.n = 1;

    return ngx_http_faas_page_hist(sh, link - 1, &sample, labels, dst, size);
}


/*
 * labels are those of the sample, and have room for one more.
 */

static size_t
ngx_http_faas_page_hist(ngx_http_faas_shm_t *sh, uint32_t series,
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
ngx_http_faas_page_total(ngx_http_faas_shm_t *sh,
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

    series = ngx_http_faas_page_labels(sh, i, key, code, labels);

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
ngx_http_faas_page_function(ngx_http_faas_shm_t *sh,
    const ngx_http_faas_family_t *family, uint32_t i, u_char *dst,
    size_t size)
{
    u_char              key[FAAS_KEY_MAX + 1];
    struct faas_label   label;
    struct faas_sample  sample;

    if (!ngx_http_faas_page_name(sh, i, key, &label)) {
        return 0;
    }

    sample.name = family->name;
    sample.suffix = "";
    sample.labels = &label;
    sample.n = 1;

    return faas_expo_uint((char *) dst, size, &sample, family->value(sh, i));
}


/*
 * With many functions the page is long enough: of those that nobody has
 * called it says no more than that they are there.
 */

static size_t
ngx_http_faas_page_called(ngx_http_faas_shm_t *sh,
    const ngx_http_faas_family_t *family, uint32_t i, u_char *dst,
    size_t size)
{
    if (ngx_http_faas_load(&sh->fn[i].series[0]) == 0
        && family->value(sh, i) == 0)
    {
        return 0;
    }

    return ngx_http_faas_page_function(sh, family, i, dst, size);
}


/*
 * Of a function that was called so.
 */

static size_t
ngx_http_faas_page_submitted(ngx_http_faas_shm_t *sh,
    const ngx_http_faas_family_t *family, uint32_t i, u_char *dst,
    size_t size)
{
    u_char              key[FAAS_KEY_MAX + 1];
    uint64_t            value;
    struct faas_label   labels[2];
    struct faas_sample  sample;

    value = family->value(sh, i);

    if (value == 0 || !ngx_http_faas_page_name(sh, i, key, &labels[1])) {
        return 0;
    }

    labels[0].name = "queue_name";
    labels[0].value = FAAS_ASYNC_QUEUE_NAME;
    labels[0].len = sizeof(FAAS_ASYNC_QUEUE_NAME) - 1;

    sample.name = family->name;
    sample.suffix = "";
    sample.labels = labels;
    sample.n = 2;

    return faas_expo_uint((char *) dst, size, &sample, value);
}


static size_t
ngx_http_faas_page_zone(ngx_http_faas_shm_t *sh,
    const ngx_http_faas_family_t *family, uint32_t i, u_char *dst,
    size_t size)
{
    struct faas_sample  sample;

    sample.name = family->name;
    sample.suffix = "";
    sample.labels = NULL;
    sample.n = 0;

    return faas_expo_uint((char *) dst, size, &sample, family->value(sh, i));
}


static size_t
ngx_http_faas_page_kind(ngx_http_faas_shm_t *sh,
    const ngx_http_faas_family_t *family, uint32_t i, u_char *dst,
    size_t size)
{
    struct faas_label   label;
    struct faas_sample  sample;

    label.name = "kind";
    label.value = ngx_http_faas_kinds[i];
    label.len = ngx_strlen(ngx_http_faas_kinds[i]);

    sample.name = family->name;
    sample.suffix = "";
    sample.labels = &label;
    sample.n = 1;

    return faas_expo_uint((char *) dst, size, &sample, family->value(sh, i));
}


static size_t
ngx_http_faas_page_age(ngx_http_faas_shm_t *sh,
    const ngx_http_faas_family_t *family, uint32_t i, u_char *dst,
    size_t size)
{
    uint64_t            now, confirmed;
    struct faas_sample  sample;

    sample.name = family->name;
    sample.suffix = "";
    sample.labels = NULL;
    sample.n = 0;

    /* the clock of the worker that follows may be ahead of ours */

    now = (uint64_t) ngx_current_msec;
    confirmed = ngx_min(ngx_http_faas_load(&sh->h->confirmed), now);

    return faas_expo_seconds((char *) dst, size, &sample,
                             (now - confirmed) * 1000);
}


/*
 * The number and the labels of the i-th series; NONE where there is none.
 */

static uint32_t
ngx_http_faas_page_labels(ngx_http_faas_shm_t *sh, uint32_t i, u_char *key,
    u_char *code, struct faas_label *labels)
{
    uint32_t  fn, link, number;

    fn = i / NGX_HTTP_FAAS_CODES;
    link = ngx_http_faas_load(&sh->fn[fn].series[i % NGX_HTTP_FAAS_CODES]);

    if (link == 0 || link > sh->serieses
        || !ngx_http_faas_page_name(sh, fn, key, &labels[0]))
    {
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
 * The label of a live function, whose name is copied to key; 0 where there is
 * none.
 */

static ngx_uint_t
ngx_http_faas_page_name(ngx_http_faas_shm_t *sh, uint32_t fn, u_char *key,
    struct faas_label *label)
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

    label->name = "function_name";
    label->value = (char *) key;
    label->len = len;

    __atomic_thread_fence(__ATOMIC_ACQUIRE);

    return len != 0 && ngx_http_faas_load(&f->seq) == seq;
}


static uint64_t
ngx_http_faas_page_started(ngx_http_faas_shm_t *sh, uint32_t i)
{
    ngx_http_faas_sum_t  sum;

    ngx_http_faas_stat_sum(sh, i, &sum);

    return sum.started;
}


static uint64_t
ngx_http_faas_page_inflight(ngx_http_faas_shm_t *sh, uint32_t i)
{
    ngx_http_faas_sum_t  sum;

    ngx_http_faas_stat_sum(sh, i, &sum);

    return sum.inflight;
}


static uint64_t
ngx_http_faas_page_parked(ngx_http_faas_shm_t *sh, uint32_t i)
{
    return ngx_http_faas_stat_parked(sh, i);
}


static uint64_t
ngx_http_faas_page_replicas(ngx_http_faas_shm_t *sh, uint32_t i)
{
    return sh->fn[i].replicas;
}


static uint64_t
ngx_http_faas_page_ready(ngx_http_faas_shm_t *sh, uint32_t i)
{
    return sh->fn[i].n;
}


static uint64_t
ngx_http_faas_page_failures(ngx_http_faas_shm_t *sh, uint32_t i)
{
    return ngx_http_faas_load(&sh->fn[i].failures);
}


static uint64_t
ngx_http_faas_page_retries(ngx_http_faas_shm_t *sh, uint32_t i)
{
    ngx_http_faas_sum_t  sum;

    ngx_http_faas_stat_sum(sh, i, &sum);

    return sum.retries;
}


static uint64_t
ngx_http_faas_page_submissions(ngx_http_faas_shm_t *sh, uint32_t i)
{
    ngx_http_faas_sum_t  sum;

    ngx_http_faas_stat_sum(sh, i, &sum);

    return sum.submitted;
}


static uint64_t
ngx_http_faas_page_redis_up(ngx_http_faas_shm_t *sh, uint32_t i)
{
    return ngx_http_faas_load(&sh->h->is_redis_up);
}


static uint64_t
ngx_http_faas_page_refused(ngx_http_faas_shm_t *sh, uint32_t i)
{
    return ngx_http_faas_load(&sh->h->full);
}


static uint64_t
ngx_http_faas_page_used(ngx_http_faas_shm_t *sh, uint32_t i)
{
    switch ((ngx_http_faas_kind_e) i) {

    case NGX_HTTP_FAAS_KIND_FUNCTION:
        return ngx_http_faas_load(&sh->h->fn_used);

    case NGX_HTTP_FAAS_KIND_REPLICA:
        return ngx_http_faas_load(&sh->h->rep_used);

    case NGX_HTTP_FAAS_KIND_EXTENT:
        return ngx_http_faas_load(&sh->h->extent_used);

    default: /* NGX_HTTP_FAAS_KIND_SERIES */
        return ngx_http_faas_load(&sh->h->series_used);
    }
}


static uint64_t
ngx_http_faas_page_limit(ngx_http_faas_shm_t *sh, uint32_t i)
{
    switch ((ngx_http_faas_kind_e) i) {

    case NGX_HTTP_FAAS_KIND_FUNCTION:
        return sh->fns;

    case NGX_HTTP_FAAS_KIND_REPLICA:
        return sh->reps;

    case NGX_HTTP_FAAS_KIND_EXTENT:
        return sh->extents;

    default: /* NGX_HTTP_FAAS_KIND_SERIES */
        return sh->serieses;
    }
}

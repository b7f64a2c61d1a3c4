
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The events of the live feed: what of the zone has changed since the last
 * one, and all of it for those who have just come.
 *
 * Keys are letters, digits, "-", "_" and "." (lib/faas_name.h), so nothing
 * has to be escaped.
 */


#include "ngx_http_faas_feed.h"

#include "lib/faas_hash.h"


#define NGX_HTTP_FAAS_FEED_TEXT  8192   /* bytes, at first; grows */
#define NGX_HTTP_FAAS_FEED_ITEM  1024   /* bytes of a function, at most; and of
                                           what stands before all of them */
#define NGX_HTTP_FAAS_FEED_FNS   64     /* at first; grows */
#define NGX_HTTP_FAAS_FEED_TURN  512    /* functions between two turns */

#define ngx_http_faas_feed_put(p, s)  ngx_cpymem(p, s, sizeof(s) - 1)


static ngx_int_t ngx_http_faas_feed_grow(ngx_http_faas_feed_t *feed);
static ngx_int_t ngx_http_faas_feed_look(ngx_http_faas_feed_t *feed,
    uint32_t i, ngx_http_faas_feed_text_t *text);
static ngx_int_t ngx_http_faas_feed_record(ngx_http_faas_shm_t *sh,
    uint32_t i, const ngx_http_faas_feed_fn_t *seen,
    ngx_http_faas_feed_fn_t *now);
static void ngx_http_faas_feed_buckets(ngx_http_faas_shm_t *sh,
    ngx_http_faas_fn_t *f, uint64_t *bucket);
static ngx_int_t ngx_http_faas_feed_gone(ngx_http_faas_shm_t *sh,
    const ngx_http_faas_feed_fn_t *seen, ngx_http_faas_feed_text_t *text);
static ngx_int_t ngx_http_faas_feed_changed(
    const ngx_http_faas_feed_fn_t *seen, const ngx_http_faas_feed_fn_t *now,
    ngx_http_faas_feed_text_t *text);

static ngx_http_faas_feed_text_t *ngx_http_faas_feed_begin(
    ngx_http_faas_feed_t *feed);
static ngx_int_t ngx_http_faas_feed_item(ngx_http_faas_feed_text_t *text,
    const ngx_http_faas_feed_fn_t *fn);
static ngx_int_t ngx_http_faas_feed_key(ngx_http_faas_feed_text_t *text,
    const ngx_http_faas_feed_fn_t *fn);
static ngx_inline u_char *ngx_http_faas_feed_number(u_char *p, uint64_t n);
static ngx_int_t ngx_http_faas_feed_room(ngx_http_faas_feed_text_t *text);


ngx_int_t
ngx_http_faas_feed_read(ngx_http_faas_feed_t *feed)
{
    uint32_t                    last;
    ngx_time_t                 *tp;
    ngx_http_faas_feed_text_t  *text;

    if (feed->delta == NULL) {
        tp = ngx_timeofday();

        feed->time = (uint64_t) tp->sec * 1000 + tp->msec;
        feed->next = 0;
        feed->delta = ngx_http_faas_feed_begin(feed);

        if (feed->delta == NULL || ngx_http_faas_feed_grow(feed) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    text = feed->delta;
    last = ngx_min(feed->next + NGX_HTTP_FAAS_FEED_TURN, feed->fns);

    while (feed->next < last) {
        if (ngx_http_faas_feed_look(feed, feed->next++, text) != NGX_OK) {
            return NGX_ERROR;
        }
    }

    if (feed->next < feed->fns) {
        return NGX_AGAIN;
    }

    if (ngx_http_faas_feed_room(text) != NGX_OK) {
        return NGX_ERROR;
    }

    text->last = ngx_sprintf(text->last, "%s}\n\n", text->n != 0 ? "}" : "");
    feed->is_begun = 1;

    return NGX_OK;
}


ngx_int_t
ngx_http_faas_feed_fill(ngx_http_faas_feed_t *feed)
{
    u_char                     *p, *gateway;
    uint32_t                    i;
    ngx_http_faas_feed_text_t  *text;

    text = ngx_http_faas_feed_begin(feed);
    if (text == NULL) {
        return NGX_ERROR;
    }

    feed->full = text;

    /* the host's name is in it, which may be anything */

    gateway = feed->conf->zone->sh->h->gateway;

    p = ngx_sprintf(text->last, ",\"gateway\":\"");
    p = (u_char *) ngx_escape_json(p, gateway, ngx_strlen(gateway));
    p = ngx_sprintf(p, "\",\"every\":%d,\"full\":true,\"bounds\":[",
                    NGX_HTTP_FAAS_FEED_EVERY);

    for (i = 0; i < FAAS_HIST_BOUNDS; i++) {
        p = ngx_sprintf(p, "%s%s", i != 0 ? "," : "", faas_hist_le[i]);
    }

    *p++ = ']';
    text->last = p;

    for (i = 0; i < feed->fns; i++) {

        if (!feed->fn[i].is_live) {
            continue;
        }

        if (ngx_http_faas_feed_item(text, &feed->fn[i]) != NGX_OK) {
            return NGX_ERROR;
        }

        *text->last++ = '}';
    }

    if (ngx_http_faas_feed_room(text) != NGX_OK) {
        return NGX_ERROR;
    }

    text->last = ngx_sprintf(text->last, "%s}}\n\n",
                             text->n != 0 ? "" : ",\"functions\":{");

    return NGX_OK;
}


void
ngx_http_faas_feed_drop(ngx_http_faas_feed_text_t *text)
{
    if (text == NULL || --text->refs != 0) {
        return;
    }

    ngx_free(text->start);
    ngx_free(text);
}


/*
 * Makes room for the functions that there are by now.
 */

static ngx_int_t
ngx_http_faas_feed_grow(ngx_http_faas_feed_t *feed)
{
    uint32_t                  n, high;
    ngx_http_faas_shm_t      *sh;
    ngx_http_faas_feed_fn_t  *fn;

    sh = feed->conf->zone->sh;
    high = ngx_min(ngx_http_faas_load(&sh->h->fn_high), sh->fns);

    if (high <= feed->fns && feed->fn != NULL) {
        return NGX_OK;
    }

    n = ngx_max(high, ngx_max(2 * feed->fns, NGX_HTTP_FAAS_FEED_FNS));
    n = ngx_min(n, sh->fns);

    fn = ngx_calloc(n * sizeof(ngx_http_faas_feed_fn_t), ngx_cycle->log);
    if (fn == NULL) {
        return NGX_ERROR;
    }

    if (feed->fn != NULL) {
        ngx_memcpy(fn, feed->fn, feed->fns * sizeof(ngx_http_faas_feed_fn_t));
        ngx_free(feed->fn);
    }

    feed->fn = fn;
    feed->fns = n;

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_feed_look(ngx_http_faas_feed_t *feed, uint32_t i,
    ngx_http_faas_feed_text_t *text)
{
    ngx_int_t                 rc;
    ngx_http_faas_shm_t      *sh;
    ngx_http_faas_feed_fn_t  *seen, now;

    sh = feed->conf->zone->sh;
    seen = &feed->fn[i];

    rc = ngx_http_faas_feed_record(sh, i, seen, &now);

    if (rc == NGX_BUSY && !feed->is_begun) {
        seen->is_missed = 1;
    }

    if (rc != NGX_OK) {
        return NGX_OK;
    }

    if (seen->is_live && (!now.is_live || now.gen != seen->gen)
        && ngx_http_faas_feed_gone(sh, seen, text) != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (seen->is_missed) {
        *seen = now;

    } else if (now.gen != seen->gen) {

        /* another function, whose counters began at zero */

        ngx_memzero(seen, sizeof(ngx_http_faas_feed_fn_t));
    }

    if (now.is_live
        && ngx_http_faas_feed_changed(seen, &now, text) != NGX_OK)
    {
        return NGX_ERROR;
    }

    *seen = now;

    return NGX_OK;
}


/*
 * Returns NGX_DECLINED where nothing has changed; NGX_BUSY where the record is
 * being written: that is for the next time.
 */

static ngx_int_t
ngx_http_faas_feed_record(ngx_http_faas_shm_t *sh, uint32_t i,
    const ngx_http_faas_feed_fn_t *seen, ngx_http_faas_feed_fn_t *now)
{
    uint64_t              seq;
    ngx_http_faas_fn_t   *f;
    ngx_http_faas_sum_t   sum;

    f = &sh->fn[i];
    seq = ngx_http_faas_load(&f->seq);

    if (seq & 1) {
        return NGX_BUSY;
    }

    now->is_missed = 0;
    now->is_live = (f->state == NGX_HTTP_FAAS_FN_LIVE);
    now->replicas = f->n;
    now->gen = f->gen;

    ngx_http_faas_stat_sum(sh, i, &sum);

    now->finished = sum.finished;
    now->failed = sum.failed;
    now->inflight = (uint32_t) sum.inflight;
    now->parked = (uint32_t) sum.parked;

    if (now->gen == seen->gen && now->is_live == seen->is_live
        && now->replicas == seen->replicas
        && now->inflight == seen->inflight && now->parked == seen->parked
        && now->finished == seen->finished && now->failed == seen->failed)
    {
        return NGX_DECLINED;
    }

    now->len = ngx_min(f->len, FAAS_KEY_MAX);
    ngx_memcpy(now->key, f->key, now->len);

    /* an answer is in its bucket before it is finished */

    ngx_http_faas_feed_buckets(sh, f, now->bucket);

    __atomic_thread_fence(__ATOMIC_ACQUIRE);

    return ngx_http_faas_load(&f->seq) == seq ? NGX_OK : NGX_BUSY;
}


static void
ngx_http_faas_feed_buckets(ngx_http_faas_shm_t *sh, ngx_http_faas_fn_t *f,
    uint64_t *bucket)
{
    uint32_t              i, j, link;
    ngx_http_faas_hist_t  sum;

    ngx_memzero(bucket, FAAS_HIST_BUCKETS * sizeof(uint64_t));

    for (i = 0; i < NGX_HTTP_FAAS_CODES; i++) {
        link = ngx_http_faas_load(&f->series[i]);

        if (link == 0 || link > sh->serieses) {
            continue;
        }

        ngx_http_faas_hist_sum(sh, link - 1, &sum);

        for (j = 0; j < FAAS_HIST_BUCKETS; j++) {
            bucket[j] += sum.bucket[j];
        }
    }
}


/*
 * A function of the same name may have another record by now.
 */

static ngx_int_t
ngx_http_faas_feed_gone(ngx_http_faas_shm_t *sh,
    const ngx_http_faas_feed_fn_t *seen, ngx_http_faas_feed_text_t *text)
{
    uint32_t  hash;
    uint64_t  seq;

    hash = faas_hash((const char *) seen->key, seen->len);

    if (ngx_http_faas_fn_find(sh, seen->key, seen->len, hash, &seq)
        != NGX_HTTP_FAAS_NONE)
    {
        return NGX_OK;
    }

    if (ngx_http_faas_feed_key(text, seen) != NGX_OK) {
        return NGX_ERROR;
    }

    text->last = ngx_http_faas_feed_put(text->last, "null");

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_feed_changed(const ngx_http_faas_feed_fn_t *seen,
    const ngx_http_faas_feed_fn_t *now, ngx_http_faas_feed_text_t *text)
{
    u_char      *p;
    uint32_t     i;
    uint64_t     n;
    const char  *comma;

    if (ngx_http_faas_feed_item(text, now) != NGX_OK) {
        return NGX_ERROR;
    }

    p = ngx_http_faas_feed_put(text->last, ",\"c\":");
    p = ngx_http_faas_feed_number(p, now->finished - seen->finished);
    p = ngx_http_faas_feed_put(p, ",\"e\":");
    p = ngx_http_faas_feed_number(p, now->failed - seen->failed);
    p = ngx_http_faas_feed_put(p, ",\"h\":[");
    comma = "";

    for (i = 0; i < FAAS_HIST_BUCKETS; i++) {
        n = now->bucket[i] - seen->bucket[i];

        if (n != 0) {
            p = ngx_sprintf(p, "%s[%uD,%uL]", comma, i, n);
            comma = ",";
        }
    }

    text->last = ngx_http_faas_feed_put(p, "]}");

    return NGX_OK;
}


/*
 * What both kinds of events begin with.
 */

static ngx_http_faas_feed_text_t *
ngx_http_faas_feed_begin(ngx_http_faas_feed_t *feed)
{
    ngx_http_faas_feed_text_t  *text;

    text = ngx_calloc(sizeof(ngx_http_faas_feed_text_t), ngx_cycle->log);
    if (text == NULL) {
        return NULL;
    }

    text->refs = 1;

    if (ngx_http_faas_feed_room(text) != NGX_OK) {
        ngx_http_faas_feed_drop(text);
        return NULL;
    }

    text->last = ngx_sprintf(text->last, "data: {\"t\":%uL,\"redis\":%s",
                             feed->time,
                             ngx_http_faas_load(
                                 &feed->conf->zone->sh->h->is_redis_up)
                             ? "true" : "false");

    return text;
}


/*
 * A function, up to the brace that ends it.
 */

static ngx_int_t
ngx_http_faas_feed_item(ngx_http_faas_feed_text_t *text,
    const ngx_http_faas_feed_fn_t *fn)
{
    u_char  *p;

    if (ngx_http_faas_feed_key(text, fn) != NGX_OK) {
        return NGX_ERROR;
    }

    p = ngx_http_faas_feed_put(text->last, "{\"i\":");
    p = ngx_http_faas_feed_number(p, fn->inflight);
    p = ngx_http_faas_feed_put(p, ",\"p\":");
    p = ngx_http_faas_feed_number(p, fn->parked);
    p = ngx_http_faas_feed_put(p, ",\"r\":");

    text->last = ngx_http_faas_feed_number(p, fn->replicas);

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_feed_key(ngx_http_faas_feed_text_t *text,
    const ngx_http_faas_feed_fn_t *fn)
{
    u_char  *p;

    if (ngx_http_faas_feed_room(text) != NGX_OK) {
        return NGX_ERROR;
    }

    p = (text->n++ != 0) ? ngx_http_faas_feed_put(text->last, ",\"")
        : ngx_http_faas_feed_put(text->last, ",\"functions\":{\"");
    p = ngx_cpymem(p, fn->key, fn->len);

    text->last = ngx_http_faas_feed_put(p, "\":");

    return NGX_OK;
}


/*
 * Most numbers have one digit.
 */

static ngx_inline u_char *
ngx_http_faas_feed_number(u_char *p, uint64_t n)
{
    if (n < 10) {
        *p++ = (u_char) ('0' + n);
        return p;
    }

    return ngx_sprintf(p, "%uL", n);
}


/*
 * Makes sure that another item fits.
 */

static ngx_int_t
ngx_http_faas_feed_room(ngx_http_faas_feed_text_t *text)
{
    size_t   len, size;
    u_char  *start;

    if (text->end - text->last >= NGX_HTTP_FAAS_FEED_ITEM) {
        return NGX_OK;
    }

    len = text->last - text->start;
    size = (text->start == NULL) ? NGX_HTTP_FAAS_FEED_TEXT
           : 2 * (size_t) (text->end - text->start);

    start = ngx_alloc(size, ngx_cycle->log);
    if (start == NULL) {
        return NGX_ERROR;
    }

    if (text->start != NULL) {
        ngx_memcpy(start, text->start, len);
        ngx_free(text->start);
    }

    text->start = start;
    text->last = start + len;
    text->end = start + size;

    return NGX_OK;
}

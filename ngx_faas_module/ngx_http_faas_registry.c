
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Routes in shared memory: functions come, change and go.  The locking is
 * described in ngx_http_faas_shm.h.
 */


#include "ngx_http_faas.h"

#include "lib/faas_hash.h"


static uint32_t ngx_http_faas_fn_new_locked(ngx_http_faas_shm_t *sh, const
    u_char *key, size_t len, uint32_t hash);
static uint32_t ngx_http_faas_series_new_locked(ngx_http_faas_shm_t *sh,
    uint32_t *link);
static void ngx_http_faas_series_free_locked(ngx_http_faas_shm_t *sh,
    uint32_t *link);
static void ngx_http_faas_fn_free_locked(ngx_http_faas_shm_t *sh, uint32_t fn);
static void ngx_http_faas_fn_write_locked(ngx_http_faas_shm_t *sh, uint32_t fn,
    const struct faas_route *route, const uint32_t *chosen);
static void ngx_http_faas_fn_open_locked(ngx_http_faas_fn_t *f);
static void ngx_http_faas_fn_close_locked(ngx_http_faas_shm_t *sh,
    ngx_http_faas_fn_t *f);
static void ngx_http_faas_fn_take_out_locked(ngx_http_faas_shm_t *sh, uint32_t
    fn, uint64_t rev);


ngx_int_t
ngx_http_faas_fn_apply(ngx_http_faas_shm_t *sh, const u_char *key, size_t len,
    const struct faas_route *route)
{
    uint32_t   fn, hash, chosen[FAAS_REPLICAS_MAX];
    uint64_t   lost;
    ngx_int_t  rc;

    hash = faas_hash((const char *) key, len);

    ngx_http_faas_lock(sh);

    lost = sh->h->lost;

    fn = ngx_http_faas_fn_find_locked(sh, key, len, hash);

    /* an odd seq: a writer was killed half-way, write it anew */

    if (fn != NGX_HTTP_FAAS_NONE && sh->fn[fn].rev >= route->rev
        && (sh->fn[fn].seq & 1) == 0)
    {
        ngx_http_faas_unlock(sh);
        return NGX_DECLINED;
    }

    rc = NGX_BUSY;

    if (fn == NGX_HTTP_FAAS_NONE) {
        fn = ngx_http_faas_fn_new_locked(sh, key, len, hash);
    }

    if (fn != NGX_HTTP_FAAS_NONE
        && ngx_http_faas_reps_choose_locked(sh, fn, route, chosen) == NGX_OK)
    {
        ngx_http_faas_fn_write_locked(sh, fn, route, chosen);
        ngx_http_faas_reps_lost_locked(sh, fn, route);
        rc = NGX_OK;

    } else {
        sh->h->full++;
    }

    lost = sh->h->lost - lost;

    ngx_http_faas_unlock(sh);

    if (rc == NGX_OK) {
        ngx_http_faas_changed(sh, fn);
    }

    if (lost != 0) {
        ngx_http_faas_signal_all(sh);
    }

    return rc;
}


ngx_int_t
ngx_http_faas_fn_remove(ngx_http_faas_zone_t *zone, const u_char *key,
    size_t len, uint64_t rev)
{
    uint32_t              fn;
    ngx_int_t             rc;
    ngx_http_faas_shm_t  *sh;

    sh = zone->sh;
    rc = NGX_DECLINED;

    ngx_http_faas_lock(sh);

    fn = ngx_http_faas_fn_find_locked(sh, key, len,
                                      faas_hash((const char *) key, len));

    if (fn != NGX_HTTP_FAAS_NONE && sh->fn[fn].rev < rev) {
        ngx_http_faas_fn_take_out_locked(sh, fn, rev);
        rc = NGX_OK;
    }

    ngx_http_faas_unlock(sh);

    if (rc == NGX_OK) {
        ngx_http_faas_changed(sh, fn);
    }

    return rc;
}


ngx_uint_t
ngx_http_faas_fn_remove_unseen(ngx_http_faas_zone_t *zone, uint64_t seen)
{
    uint32_t              i;
    ngx_uint_t            n;
    ngx_http_faas_shm_t  *sh;

    sh = zone->sh;
    n = 0;

    ngx_http_faas_lock(sh);

    for (i = 0; i < sh->h->fn_high; i++) {

        if (sh->fn[i].state == NGX_HTTP_FAAS_FN_LIVE
            && sh->fn[i].seen != seen)
        {
            ngx_http_faas_fn_take_out_locked(sh, i, sh->fn[i].rev);
            n++;
        }
    }

    ngx_http_faas_unlock(sh);

    if (n != 0) {
        ngx_http_faas_changed_all(sh);
    }

    return n;
}


void
ngx_http_faas_fn_mark(ngx_http_faas_zone_t *zone, const u_char *key,
    size_t len, uint64_t seen)
{
    uint32_t              fn;
    ngx_http_faas_shm_t  *sh;

    sh = zone->sh;

    ngx_http_faas_lock(zone->sh);

    fn = ngx_http_faas_fn_find_locked(sh, key, len,
                                      faas_hash((const char *) key, len));

    if (fn != NGX_HTTP_FAAS_NONE) {
        sh->fn[fn].seen = seen;
    }

    ngx_http_faas_unlock(zone->sh);
}


ngx_int_t
ngx_http_faas_fn_reap(ngx_http_faas_zone_t *zone, uint32_t fn)
{
    ngx_int_t             rc;
    ngx_http_faas_fn_t   *f;
    ngx_http_faas_shm_t  *sh;
    ngx_http_faas_sum_t   sum;

    sh = zone->sh;
    f = &sh->fn[fn];
    rc = NGX_DECLINED;

    ngx_http_faas_lock(zone->sh);

    ngx_http_faas_stat_sum(sh, fn, &sum);

    if (f->state == NGX_HTTP_FAAS_FN_REMOVED && f->draining == 0
        && sum.inflight == 0 && sum.parked == 0)
    {
        ngx_http_faas_fn_free_locked(sh, fn);
        rc = NGX_OK;
    }

    ngx_http_faas_unlock(zone->sh);

    return rc;
}


uint32_t
ngx_http_faas_fn_series(ngx_http_faas_zone_t *zone, uint32_t fn,
    ngx_uint_t code)
{
    uint32_t              i, link, series;
    ngx_http_faas_fn_t   *f;
    ngx_http_faas_shm_t  *sh;

    sh = zone->sh;
    f = &sh->fn[fn];

    for (i = 0; i < NGX_HTTP_FAAS_CODES; i++) {
        link = ngx_http_faas_load(&f->series[i]);

        if (link == 0) {
            break;
        }

        if (link <= sh->serieses
            && (f->code[i] == code || i == NGX_HTTP_FAAS_CODES - 1))
        {
            return link - 1;
        }
    }

    ngx_http_faas_lock(sh);

    /* another worker may have come first */

    for ( /* void */ ; i < NGX_HTTP_FAAS_CODES && f->series[i] != 0; i++) {
        if (f->code[i] == code || i == NGX_HTTP_FAAS_CODES - 1)
        {
            series = f->series[i] - 1;
            goto done;
        }
    }

    if (i == NGX_HTTP_FAAS_CODES) {
        series = NGX_HTTP_FAAS_NONE;
        goto done;
    }

    /* the last one of a function counts all codes that are left */

    f->code[i] = (i == NGX_HTTP_FAAS_CODES - 1) ? 0 : (uint16_t) code;

    series = ngx_http_faas_series_new_locked(sh, &f->series[i]);

done:

    ngx_http_faas_unlock(sh);

    return series;
}


uint32_t
ngx_http_faas_fn_park_series(ngx_http_faas_zone_t *zone, uint32_t fn)
{
    uint32_t              link, series;
    ngx_http_faas_shm_t  *sh;

    sh = zone->sh;

    link = ngx_http_faas_load(&sh->fn[fn].park_series);

    if (link != 0) {
        return link - 1;
    }

    ngx_http_faas_lock(sh);

    link = sh->fn[fn].park_series;

    series = (link != 0) ? link - 1
             : ngx_http_faas_series_new_locked(sh, &sh->fn[fn].park_series);

    ngx_http_faas_unlock(sh);

    return series;
}


static uint32_t
ngx_http_faas_series_new_locked(ngx_http_faas_shm_t *sh, uint32_t *link)
{
    uint32_t  series;

    if (sh->h->series_free != 0) {
        series = sh->h->series_free - 1;
        sh->h->series_free = sh->series[series].next;

    } else if (sh->h->series_high < sh->serieses) {
        series = sh->h->series_high++;

    } else {
        return NGX_HTTP_FAAS_NONE;
    }

    sh->h->series_used++;
    ngx_http_faas_store(link, series + 1);

    return series;
}


static void
ngx_http_faas_series_free_locked(ngx_http_faas_shm_t *sh, uint32_t *link)
{
    uint32_t  series;

    if (*link == 0) {
        return;
    }

    series = *link - 1;
    *link = 0;

    ngx_http_faas_hist_clear_locked(sh, series);
    sh->series[series].next = sh->h->series_free;
    sh->h->series_free = series + 1;
    sh->h->series_used--;
}


static uint32_t
ngx_http_faas_fn_new_locked(ngx_http_faas_shm_t *sh, const u_char *key,
    size_t len, uint32_t hash)
{
    uint32_t             fn;
    ngx_http_faas_fn_t  *f;

    if (sh->h->fn_free != 0) {
        fn = sh->h->fn_free - 1;
        sh->h->fn_free = sh->fn[fn].next;

    } else if (sh->h->fn_high < sh->fns) {
        fn = sh->h->fn_high;

    } else {
        return NGX_HTTP_FAAS_NONE;
    }

    f = &sh->fn[fn];
    sh->h->fn_used++;

    ngx_http_faas_fn_open_locked(f);

    f->gen++;
    f->rev = 0;
    f->seen = 0;
    f->n = 0;
    f->replicas = 0;
    f->hash = hash;
    f->len = (u_char) len;
    ngx_memcpy(f->key, key, len);

    /* nobody finds it before it has a route */
    f->state = NGX_HTTP_FAAS_FN_REMOVED;

    if (fn >= sh->h->fn_high) {
        ngx_http_faas_store(&sh->h->fn_high, fn + 1);
    }

    ngx_http_faas_index_add_locked(sh, hash, fn);
    ngx_http_faas_fn_close_locked(sh, f);

    return fn;
}


static void
ngx_http_faas_fn_free_locked(ngx_http_faas_shm_t *sh, uint32_t fn)
{
    uint32_t             i, link;
    ngx_http_faas_fn_t  *f;

    f = &sh->fn[fn];

    ngx_http_faas_fn_open_locked(f);

    f->state = NGX_HTTP_FAAS_FN_FREE;
    ngx_http_faas_index_delete_locked(sh, f->hash, fn);

    for (i = 0; i < NGX_HTTP_FAAS_EXTENTS; i++) {
        link = f->extent[i];

        if (link != 0) {
            f->extent[i] = 0;
            sh->extent[link - 1].rep[0] = sh->h->extent_free;
            sh->h->extent_free = link;
            sh->h->extent_used--;
        }
    }

    for (i = 0; i < NGX_HTTP_FAAS_CODES; i++) {
        ngx_http_faas_series_free_locked(sh, &f->series[i]);
    }

    ngx_http_faas_series_free_locked(sh, &f->park_series);

    ngx_http_faas_stat_clear_locked(sh, fn);

    f->busy_seen = 0;
    f->busy_total = 0;
    f->parked_seen = 0;
    f->parked_total = 0;
    f->failures = 0;
    f->waiting = 0;
    f->is_wanted = 0;
    f->wanted = 0;
    f->crowd = 0;
    f->len = 0;
    f->next = sh->h->fn_free;
    sh->h->fn_free = fn + 1;
    sh->h->fn_used--;

    ngx_http_faas_fn_close_locked(sh, f);
}


static void
ngx_http_faas_fn_write_locked(ngx_http_faas_shm_t *sh, uint32_t fn,
    const struct faas_route *route, const uint32_t *chosen)
{
    uint32_t             i, rep;
    ngx_http_faas_fn_t  *f;

    f = &sh->fn[fn];

    ngx_http_faas_fn_open_locked(f);

    for (i = 0; i < f->n; i++) {
        rep = ngx_http_faas_fn_rep(sh, fn, i);

        if (!ngx_http_faas_is_among(rep, chosen, route->n)) {
            ngx_http_faas_rep_drain_locked(sh, fn, rep);
        }
    }

    for (i = 0; i < route->n; i++) {
        *ngx_http_faas_fn_rep_at(sh, f, i) = chosen[i];
    }

    f->n = route->n;
    f->rev = route->rev;
    f->replicas = route->replicas;
    f->max_inflight = route->max_inflight;
    f->queue = route->queue;
    f->park = route->park_ms;
    f->timeout = route->timeout_ms;
    f->is_private = route->is_private;
    f->state = NGX_HTTP_FAAS_FN_LIVE;

    /* who wants more than it has says so anew */

    if (f->n != 0) {
        f->wanted = 0;
        f->crowd = 0;
    }

    ngx_http_faas_fn_close_locked(sh, f);
}


/*
 * Makes seq odd, if a killed writer has not left it so.
 */

static void
ngx_http_faas_fn_open_locked(ngx_http_faas_fn_t *f)
{
    __atomic_store_n(&f->seq, f->seq | 1, __ATOMIC_SEQ_CST);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}


static void
ngx_http_faas_fn_close_locked(ngx_http_faas_shm_t *sh, ngx_http_faas_fn_t *f)
{
    __atomic_store_n(&f->seq, f->seq + 1, __ATOMIC_SEQ_CST);
    ngx_http_faas_add(&sh->h->rev, 1);
}


static void
ngx_http_faas_fn_take_out_locked(ngx_http_faas_shm_t *sh, uint32_t fn,
    uint64_t rev)
{
    uint32_t             i;
    ngx_http_faas_fn_t  *f;

    f = &sh->fn[fn];

    ngx_http_faas_fn_open_locked(f);

    for (i = 0; i < f->n; i++) {
        ngx_http_faas_rep_drain_locked(sh, fn,
                                       ngx_http_faas_fn_rep(sh, fn, i));
    }

    f->n = 0;
    f->rev = rev;
    f->replicas = 0;
    f->state = NGX_HTTP_FAAS_FN_REMOVED;

    ngx_http_faas_fn_close_locked(sh, f);
}

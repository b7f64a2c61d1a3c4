
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Routes in shared memory.  The locking is described in ngx_http_faas_shm.h.
 */


#include "ngx_http_faas.h"

#include "lib/faas_addr.h"
#include "lib/faas_hash.h"


/* how often a reader looks again when a writer is in its way */
#define NGX_HTTP_FAAS_READ_TRIES  64


static ngx_int_t ngx_http_faas_fn_is(ngx_http_faas_fn_t *fn,
    const u_char *key, size_t len, uint64_t *seq);
static uint32_t ngx_http_faas_fn_find_locked(ngx_http_faas_shm_t *sh,
    const u_char *key, size_t len, uint32_t hash);
static uint32_t ngx_http_faas_fn_new_locked(ngx_http_faas_shm_t *sh,
    const u_char *key, size_t len, uint32_t hash);
static void ngx_http_faas_fn_free_locked(ngx_http_faas_shm_t *sh,
    uint32_t fn);
static void ngx_http_faas_index_add_locked(ngx_http_faas_shm_t *sh,
    uint32_t hash, uint32_t fn);
static void ngx_http_faas_index_rebuild_locked(ngx_http_faas_shm_t *sh);
static void ngx_http_faas_index_delete_locked(ngx_http_faas_shm_t *sh,
    uint32_t hash, uint32_t fn);
static ngx_int_t ngx_http_faas_reps_choose_locked(ngx_http_faas_shm_t *sh,
    uint32_t fn, const struct faas_route *route, uint32_t *chosen);
static ngx_int_t ngx_http_faas_extents_locked(ngx_http_faas_shm_t *sh,
    ngx_http_faas_fn_t *f, uint32_t n);
static uint32_t ngx_http_faas_rep_match(ngx_http_faas_shm_t *sh, uint32_t fn,
    const struct faas_endpoint *endpoint, const struct faas_addr *addr);
static ngx_int_t ngx_http_faas_is_among(uint32_t rep, const uint32_t *chosen,
    uint32_t n);
static uint32_t ngx_http_faas_rep_new_locked(ngx_http_faas_shm_t *sh,
    uint32_t fn, const struct faas_endpoint *endpoint,
    const struct faas_addr *addr);
static void ngx_http_faas_rep_drain_locked(ngx_http_faas_shm_t *sh,
    uint32_t fn, uint32_t rep);
static void ngx_http_faas_rep_free_locked(ngx_http_faas_shm_t *sh,
    uint32_t rep);
static void ngx_http_faas_fn_write_locked(ngx_http_faas_shm_t *sh,
    uint32_t fn, const struct faas_route *route, const uint32_t *chosen);
static void ngx_http_faas_fn_open_locked(ngx_http_faas_fn_t *f);
static void ngx_http_faas_fn_close_locked(ngx_http_faas_shm_t *sh,
    ngx_http_faas_fn_t *f);
static void ngx_http_faas_fn_take_out_locked(ngx_http_faas_shm_t *sh,
    uint32_t fn, uint64_t rev);


uint32_t
ngx_http_faas_fn_find(ngx_http_faas_shm_t *sh, const u_char *key, size_t len,
    uint64_t *seq)
{
    uint32_t               i, n, fn, hash, mask;
    uint64_t               rev;
    ngx_uint_t             tries;
    ngx_http_faas_slot_t  *slot;

    hash = faas_hash((const char *) key, len);
    mask = sh->index_size - 1;

    for (tries = 0; tries < NGX_HTTP_FAAS_READ_TRIES; tries++) {

        rev = ngx_http_faas_load(&sh->rev);
        slot = sh->slot[ngx_http_faas_load(&sh->index) & 1];

        for (i = hash & mask, n = 0; n <= mask; i = (i + 1) & mask, n++) {

            if (ngx_http_faas_load(&slot[i].hash) == 0) {
                break;
            }

            if (slot[i].hash != hash) {
                continue;
            }

            fn = ngx_http_faas_load(&slot[i].fn) - 1;

            if (fn < sh->fns
                && ngx_http_faas_fn_is(&sh->fn[fn], key, len, seq))
            {
                return fn;
            }
        }

        /* not there, unless something was changed meanwhile */

        if (ngx_http_faas_load(&sh->rev) == rev) {
            break;
        }

        ngx_cpu_pause();
    }

    return NGX_HTTP_FAAS_NONE;
}


uint32_t
ngx_http_faas_fn_rep(ngx_http_faas_shm_t *sh, uint32_t fn, uint32_t i)
{
    uint32_t  extent, rep;

    extent = sh->fn[fn].extent[i / NGX_HTTP_FAAS_EXTENT_REPS
                               % NGX_HTTP_FAAS_EXTENTS] - 1;

    if (extent >= sh->extents) {
        return NGX_HTTP_FAAS_NONE;
    }

    rep = sh->extent[extent].rep[i % NGX_HTTP_FAAS_EXTENT_REPS];

    return rep < sh->reps ? rep : NGX_HTTP_FAAS_NONE;
}


ngx_int_t
ngx_http_faas_fn_apply(ngx_http_faas_zone_t *zone, const u_char *key,
    size_t len, const struct faas_route *route)
{
    uint32_t              fn, hash, chosen[FAAS_REPLICAS_MAX];
    ngx_int_t             rc;
    ngx_http_faas_shm_t  *sh;

    sh = zone->sh;
    hash = faas_hash((const char *) key, len);

    ngx_shmtx_lock(&zone->shpool->mutex);

    fn = ngx_http_faas_fn_find_locked(sh, key, len, hash);

    /* an odd seq: a writer was killed half-way, write it anew */

    if (fn != NGX_HTTP_FAAS_NONE && sh->fn[fn].rev >= route->rev
        && (sh->fn[fn].seq & 1) == 0)
    {
        ngx_shmtx_unlock(&zone->shpool->mutex);
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
        rc = NGX_OK;

    } else {
        sh->full++;
    }

    ngx_shmtx_unlock(&zone->shpool->mutex);

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

    ngx_shmtx_lock(&zone->shpool->mutex);

    fn = ngx_http_faas_fn_find_locked(sh, key, len,
                                      faas_hash((const char *) key, len));

    if (fn != NGX_HTTP_FAAS_NONE && sh->fn[fn].rev < rev) {
        ngx_http_faas_fn_take_out_locked(sh, fn, rev);
        rc = NGX_OK;
    }

    ngx_shmtx_unlock(&zone->shpool->mutex);

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

    ngx_shmtx_lock(&zone->shpool->mutex);

    for (i = 0; i < sh->fn_high; i++) {

        if (sh->fn[i].state == NGX_HTTP_FAAS_FN_LIVE
            && sh->fn[i].seen != seen)
        {
            ngx_http_faas_fn_take_out_locked(sh, i, sh->fn[i].rev);
            n++;
        }
    }

    ngx_shmtx_unlock(&zone->shpool->mutex);

    return n;
}


void
ngx_http_faas_fn_mark(ngx_http_faas_zone_t *zone, const u_char *key,
    size_t len, uint64_t seen)
{
    uint32_t              fn;
    ngx_http_faas_shm_t  *sh;

    sh = zone->sh;

    ngx_shmtx_lock(&zone->shpool->mutex);

    fn = ngx_http_faas_fn_find_locked(sh, key, len,
                                      faas_hash((const char *) key, len));

    if (fn != NGX_HTTP_FAAS_NONE) {
        sh->fn[fn].seen = seen;
    }

    ngx_shmtx_unlock(&zone->shpool->mutex);
}


uint64_t
ngx_http_faas_fn_drain(ngx_http_faas_zone_t *zone, uint32_t fn)
{
    uint32_t              rep, *link;
    uint64_t              inflight, n;
    ngx_http_faas_shm_t  *sh;

    sh = zone->sh;

    if (ngx_http_faas_load(&sh->fn[fn].draining) == 0) {
        return 0;
    }

    inflight = 0;

    ngx_shmtx_lock(&zone->shpool->mutex);

    link = &sh->fn[fn].draining;

    while (*link != 0) {
        rep = *link - 1;
        n = ngx_http_faas_load(&sh->rep[rep].inflight);

        if (n == 0) {
            *link = sh->rep[rep].next;
            ngx_http_faas_rep_free_locked(sh, rep);
            continue;
        }

        inflight += n;
        link = &sh->rep[rep].next;
    }

    ngx_shmtx_unlock(&zone->shpool->mutex);

    return inflight;
}


ngx_int_t
ngx_http_faas_fn_reap(ngx_http_faas_zone_t *zone, uint32_t fn)
{
    uint64_t               integral, inflight;
    ngx_int_t              rc;
    ngx_http_faas_fn_t    *f;
    ngx_http_faas_shm_t   *sh;
    ngx_http_faas_stat_t   sum;

    sh = zone->sh;
    f = &sh->fn[fn];
    rc = NGX_DECLINED;

    ngx_shmtx_lock(&zone->shpool->mutex);

    ngx_http_faas_stat_sum(sh, fn, &sum, &integral, &inflight);

    if (f->state == NGX_HTTP_FAAS_FN_REMOVED && f->draining == 0
        && inflight == 0)
    {
        ngx_http_faas_fn_free_locked(sh, fn);
        rc = NGX_OK;
    }

    ngx_shmtx_unlock(&zone->shpool->mutex);

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
            && (sh->series[link - 1].code == code
                || i == NGX_HTTP_FAAS_CODES - 1))
        {
            return link - 1;
        }
    }

    series = NGX_HTTP_FAAS_NONE;

    ngx_shmtx_lock(&zone->shpool->mutex);

    /* another worker may have come first */

    for ( /* void */ ; i < NGX_HTTP_FAAS_CODES && f->series[i] != 0; i++) {
        if (sh->series[f->series[i] - 1].code == code
            || i == NGX_HTTP_FAAS_CODES - 1)
        {
            series = f->series[i] - 1;
            goto done;
        }
    }

    if (sh->series_free == 0) {
        goto done;
    }

    /* the last one of a function counts all codes that are left */

    series = sh->series_free - 1;
    sh->series_free = sh->series[series].next;

    sh->series[series].fn = fn;
    sh->series[series].code = (i == NGX_HTTP_FAAS_CODES - 1) ? 0 : code;
    sh->series[series].is_used = 1;

    ngx_http_faas_store(&f->series[i], series + 1);

done:

    ngx_shmtx_unlock(&zone->shpool->mutex);

    return series;
}


/*
 * Whether a record is the live function of this key.
 */

static ngx_int_t
ngx_http_faas_fn_is(ngx_http_faas_fn_t *fn, const u_char *key, size_t len,
    uint64_t *seq)
{
    uint64_t    before;
    ngx_int_t   is;
    ngx_uint_t  tries;

    for (tries = 0; tries < NGX_HTTP_FAAS_READ_TRIES; tries++) {

        before = ngx_http_faas_load(&fn->seq);

        if (before & 1) {
            ngx_cpu_pause();
            continue;
        }

        is = fn->state == NGX_HTTP_FAAS_FN_LIVE && fn->len == len
             && ngx_memcmp(fn->key, key, len) == 0;

        __atomic_thread_fence(__ATOMIC_ACQUIRE);

        if (ngx_http_faas_load(&fn->seq) == before) {
            *seq = before;
            return is;
        }
    }

    return 0;
}


static uint32_t
ngx_http_faas_fn_find_locked(ngx_http_faas_shm_t *sh, const u_char *key,
    size_t len, uint32_t hash)
{
    uint32_t               i, fn, mask;
    ngx_http_faas_slot_t  *slot;

    slot = sh->slot[sh->index];
    mask = sh->index_size - 1;

    for (i = hash & mask; slot[i].hash != 0; i = (i + 1) & mask) {

        fn = slot[i].fn - 1;

        if (slot[i].hash == hash && fn < sh->fns && sh->fn[fn].len == len
            && ngx_memcmp(sh->fn[fn].key, key, len) == 0)
        {
            return fn;
        }
    }

    return NGX_HTTP_FAAS_NONE;
}


static uint32_t
ngx_http_faas_fn_new_locked(ngx_http_faas_shm_t *sh, const u_char *key,
    size_t len, uint32_t hash)
{
    uint32_t             fn;
    ngx_http_faas_fn_t  *f;

    if (sh->fn_free == 0) {
        return NGX_HTTP_FAAS_NONE;
    }

    fn = sh->fn_free - 1;
    f = &sh->fn[fn];

    ngx_http_faas_fn_open_locked(f);

    sh->fn_free = f->next;

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

    if (fn >= sh->fn_high) {
        ngx_http_faas_store(&sh->fn_high, fn + 1);
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
            sh->extent[link - 1].rep[0] = sh->extent_free;
            sh->extent_free = link;
        }
    }

    for (i = 0; i < NGX_HTTP_FAAS_CODES; i++) {
        link = f->series[i];

        if (link != 0) {
            f->series[i] = 0;
            sh->series[link - 1].is_used = 0;
            ngx_http_faas_hist_clear_locked(sh, link - 1);
            sh->series[link - 1].next = sh->series_free;
            sh->series_free = link;
        }
    }

    ngx_http_faas_stat_clear_locked(sh, fn);

    f->busy_seen = 0;
    f->busy_total = 0;
    f->len = 0;
    f->next = sh->fn_free;
    sh->fn_free = fn + 1;

    ngx_http_faas_fn_close_locked(sh, f);
}


static void
ngx_http_faas_index_add_locked(ngx_http_faas_shm_t *sh, uint32_t hash,
    uint32_t fn)
{
    uint32_t               i, mask;
    ngx_http_faas_slot_t  *slot;

    /* what is not used by functions is used by removed ones' marks */

    if (sh->index_used >= sh->index_size / 4 * 3) {
        ngx_http_faas_index_rebuild_locked(sh);
    }

    slot = sh->slot[sh->index];
    mask = sh->index_size - 1;

    for (i = hash & mask; slot[i].hash != 0; i = (i + 1) & mask) {
        /* void */
    }

    /* a slot is never used again before the table is rebuilt */

    ngx_http_faas_store(&slot[i].fn, fn + 1);
    ngx_http_faas_store(&slot[i].hash, hash);
    sh->index_used++;
}


static void
ngx_http_faas_index_rebuild_locked(ngx_http_faas_shm_t *sh)
{
    uint32_t               i, j, mask, used;
    ngx_http_faas_slot_t  *from, *to;

    from = sh->slot[sh->index];
    to = sh->slot[!sh->index];
    mask = sh->index_size - 1;
    used = 0;

    ngx_memzero(to, sh->index_size * sizeof(ngx_http_faas_slot_t));

    for (i = 0; i <= mask; i++) {

        if (from[i].hash == 0 || from[i].fn == NGX_HTTP_FAAS_NONE) {
            continue;
        }

        for (j = from[i].hash & mask; to[j].hash != 0; j = (j + 1) & mask) {
            /* void */
        }

        to[j] = from[i];
        used++;
    }

    sh->index_used = used;
    ngx_http_faas_store(&sh->index, !sh->index);
}


static void
ngx_http_faas_index_delete_locked(ngx_http_faas_shm_t *sh, uint32_t hash,
    uint32_t fn)
{
    uint32_t               i, mask;
    ngx_http_faas_slot_t  *slot;

    slot = sh->slot[sh->index];
    mask = sh->index_size - 1;

    for (i = hash & mask; slot[i].hash != 0; i = (i + 1) & mask) {
        if (slot[i].hash == hash && slot[i].fn == fn + 1) {
            ngx_http_faas_store(&slot[i].fn, NGX_HTTP_FAAS_NONE);
            return;
        }
    }
}


/*
 * Finds a record for each endpoint: the one it has, or a new one.  Takes
 * nothing where there is not enough for all.
 */

static ngx_int_t
ngx_http_faas_reps_choose_locked(ngx_http_faas_shm_t *sh, uint32_t fn,
    const struct faas_route *route, uint32_t *chosen)
{
    uint32_t                     i, rep, n_new, made[FAAS_REPLICAS_MAX];
    struct faas_addr             addr;
    const struct faas_endpoint  *endpoint;

    n_new = 0;

    if (ngx_http_faas_extents_locked(sh, &sh->fn[fn], route->n) != NGX_OK) {
        return NGX_BUSY;
    }

    for (i = 0; i < route->n; i++) {
        endpoint = &route->endpoints[i];

        /* the route was checked when it was parsed */
        (void) faas_addr_parse(endpoint->addr, ngx_strlen(endpoint->addr),
                               &addr);

        rep = ngx_http_faas_rep_match(sh, fn, endpoint, &addr);

        if (rep == NGX_HTTP_FAAS_NONE
            || ngx_http_faas_is_among(rep, chosen, i))
        {
            rep = ngx_http_faas_rep_new_locked(sh, fn, endpoint, &addr);

            if (rep == NGX_HTTP_FAAS_NONE) {
                goto busy;
            }

            made[n_new++] = rep;
        }

        chosen[i] = rep;
    }

    return NGX_OK;

busy:

    while (n_new > 0) {
        ngx_http_faas_rep_free_locked(sh, made[--n_new]);
    }

    return NGX_BUSY;
}


static ngx_int_t
ngx_http_faas_extents_locked(ngx_http_faas_shm_t *sh, ngx_http_faas_fn_t *f,
    uint32_t n)
{
    uint32_t  i, link;

    for (i = 0; i * NGX_HTTP_FAAS_EXTENT_REPS < n; i++) {

        if (f->extent[i] != 0) {
            continue;
        }

        link = sh->extent_free;

        if (link == 0) {
            return NGX_BUSY;
        }

        sh->extent_free = sh->extent[link - 1].rep[0];
        f->extent[i] = link;
    }

    return NGX_OK;
}


static uint32_t
ngx_http_faas_rep_match(ngx_http_faas_shm_t *sh, uint32_t fn,
    const struct faas_endpoint *endpoint, const struct faas_addr *addr)
{
    size_t                len;
    uint32_t              i, rep;
    ngx_http_faas_rep_t  *r;

    len = ngx_strlen(endpoint->id);

    for (i = 0; i < sh->fn[fn].n; i++) {
        rep = ngx_http_faas_fn_rep(sh, fn, i);

        if (rep == NGX_HTTP_FAAS_NONE) {
            continue;
        }

        r = &sh->rep[rep];

        if (r->owner == fn + 1 && !r->is_draining && r->id_len == len && ngx_memcmp(r->id, endpoint->id, len) == 0
            && r->socklen == addr->len
            && ngx_memcmp(&r->addr, &addr->sa, addr->len) == 0)
        {
            return rep;
        }
    }

    return NGX_HTTP_FAAS_NONE;
}


static ngx_int_t
ngx_http_faas_is_among(uint32_t rep, const uint32_t *chosen, uint32_t n)
{
    uint32_t  i;

    for (i = 0; i < n; i++) {
        if (chosen[i] == rep) {
            return 1;
        }
    }

    return 0;
}


static uint32_t
ngx_http_faas_rep_new_locked(ngx_http_faas_shm_t *sh, uint32_t fn,
    const struct faas_endpoint *endpoint, const struct faas_addr *addr)
{
    uint32_t              rep;
    ngx_http_faas_rep_t  *r;

    if (sh->rep_free == 0) {
        return NGX_HTTP_FAAS_NONE;
    }

    rep = sh->rep_free - 1;
    r = &sh->rep[rep];
    sh->rep_free = r->next;

    r->next = 0;
    r->owner = fn + 1;
    r->is_draining = 0;
    r->id_len = (u_char) ngx_strlen(endpoint->id);
    ngx_memcpy(r->id, endpoint->id, r->id_len + 1);
    r->socklen = (uint16_t) addr->len;
    ngx_memcpy(&r->addr, &addr->sa, addr->len);

    return rep;
}


static void
ngx_http_faas_rep_free_locked(ngx_http_faas_shm_t *sh, uint32_t rep)
{
    sh->rep[rep].owner = 0;
    sh->rep[rep].next = sh->rep_free;
    sh->rep_free = rep + 1;
}


/*
 * Puts a replica on its function's draining list; not twice, where a writer
 * was killed after it did so.
 */

static void
ngx_http_faas_rep_drain_locked(ngx_http_faas_shm_t *sh, uint32_t fn,
    uint32_t rep)
{
    if (rep == NGX_HTTP_FAAS_NONE || sh->rep[rep].owner != fn + 1
        || sh->rep[rep].is_draining)
    {
        return;
    }

    sh->rep[rep].is_draining = 1;
    sh->rep[rep].next = sh->fn[fn].draining;
    sh->fn[fn].draining = rep + 1;
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
        sh->extent[f->extent[i / NGX_HTTP_FAAS_EXTENT_REPS] - 1]
            .rep[i % NGX_HTTP_FAAS_EXTENT_REPS] = chosen[i];
    }

    f->n = route->n;
    f->rev = route->rev;
    f->replicas = route->replicas;
    f->state = NGX_HTTP_FAAS_FN_LIVE;

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
    ngx_http_faas_add(&sh->rev, 1);
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

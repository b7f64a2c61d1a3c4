
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Which replica: the one with the fewest requests in flight, counted over all
 * workers, among all of a function with up to NGX_HTTP_FAAS_SCAN replicas,
 * else among two that chance has chosen.
 *
 * Passed over are those that are at max_inflight; and, where there are
 * others, those that this request has tried and those that have failed of
 * late.
 *
 *   healthy --- max_fails in a row ---> out, for fail_timeout, doubled with
 *      ^                                 each further failure
 *      |                                  |
 *      |                                  v
 *      +------- successes ---------- back, with 1 request at a time, then 2,
 *                                    4, ... NGX_HTTP_FAAS_TRUST
 */


#include "ngx_http_faas.h"


/* how often a pick is repeated because something was changed meanwhile */
#define NGX_HTTP_FAAS_PICK_TRIES   16

/* replicas up to which all are looked at */
#define NGX_HTTP_FAAS_SCAN         16

/* requests at a time of a replica that is as good as any other */
#define NGX_HTTP_FAAS_TRUST        64

/* fail_timeout is doubled so many times */
#define NGX_HTTP_FAAS_FAILS_SHIFT  4

/* ranks: requests in flight, and above them what is better avoided */
#define NGX_HTTP_FAAS_TRIED        (1ULL << 62)
#define NGX_HTTP_FAAS_FAILED       (1ULL << 63)
#define NGX_HTTP_FAAS_FULL         UINT64_MAX


static uint32_t ngx_http_faas_choose(ngx_http_faas_shm_t *sh, uint32_t fn,
    const ngx_http_faas_tried_t *tried, uint64_t *rank);
static uint32_t ngx_http_faas_choose_all(ngx_http_faas_shm_t *sh,
    uint32_t fn, uint32_t n, const ngx_http_faas_tried_t *tried,
    uint64_t *rank);
static uint64_t ngx_http_faas_rank(ngx_http_faas_shm_t *sh, uint32_t fn,
    uint32_t rep, const ngx_http_faas_tried_t *tried);
static ngx_int_t ngx_http_faas_was_tried(const ngx_http_faas_tried_t *tried,
    uint32_t rep);


ngx_int_t
ngx_http_faas_pick(ngx_http_faas_zone_t *zone, uint32_t fn,
    const ngx_http_faas_tried_t *tried, uint32_t *picked)
{
    uint32_t              rep, max, *held;
    uint64_t              seq, rank;
    ngx_uint_t            tries;
    ngx_http_faas_fn_t   *f;
    ngx_http_faas_shm_t  *sh;

    sh = zone->sh;
    f = &sh->fn[fn];

    for (tries = 0; tries < NGX_HTTP_FAAS_PICK_TRIES; tries++) {

        seq = ngx_http_faas_load(&f->seq);

        if (seq & 1) {

            /* its writer may be waiting for this processor */

            ngx_sched_yield();
            continue;
        }

        rep = ngx_http_faas_choose(sh, fn, tried, &rank);

        if (rep == NGX_HTTP_FAAS_NONE || rank == NGX_HTTP_FAAS_FULL) {

            if (ngx_http_faas_load(&f->seq) != seq) {
                continue;
            }

            return rep == NGX_HTTP_FAAS_NONE ? NGX_DECLINED : NGX_BUSY;
        }

        max = f->max_inflight;
        held = ngx_http_faas_held(sh, zone->lane, rep);

        ngx_http_faas_add(held, 1);

        if (ngx_http_faas_load(&f->seq) == seq
            && (max == 0 || ngx_http_faas_rep_inflight(sh, rep) <= max))
        {
            *picked = rep;
            return NGX_OK;
        }

        /* the route was changed, or another worker took the last place */

        ngx_http_faas_add(held, -1);
    }

    return NGX_BUSY;
}


void
ngx_http_faas_drop(ngx_http_faas_zone_t *zone, uint32_t rep)
{
    ngx_http_faas_add(ngx_http_faas_held(zone->sh, zone->lane, rep), -1);
}


void
ngx_http_faas_rep_failed(ngx_http_faas_shm_t *sh, uint32_t rep,
    ngx_uint_t max_fails, ngx_msec_t fail_timeout)
{
    uint32_t              fails, shift;
    ngx_http_faas_rep_t  *r;

    r = ngx_http_faas_rep(sh, rep);

    /* it is held, and so has its function */

    ngx_http_faas_add(&sh->fn[r->owner - 1].failures, 1);

    if (max_fails == 0) {
        return;
    }

    fails = __atomic_add_fetch(&r->fails, 1, __ATOMIC_RELAXED);

    if (fails < max_fails) {
        return;
    }

    shift = ngx_min(fails - (uint32_t) max_fails, NGX_HTTP_FAAS_FAILS_SHIFT);

    ngx_http_faas_store(&r->retry, ngx_http_faas_clock(sh)
                                   + ((uint64_t) fail_timeout << shift));
    ngx_http_faas_store(&r->trust, 1);
}


void
ngx_http_faas_rep_succeeded(ngx_http_faas_shm_t *sh, uint32_t rep)
{
    uint32_t              trust;
    ngx_http_faas_rep_t  *r;

    r = ngx_http_faas_rep(sh, rep);

    if (ngx_http_faas_load(&r->fails) == 0
        && ngx_http_faas_load(&r->trust) == 0)
    {
        return;
    }

    trust = ngx_http_faas_load(&r->trust) * 2;

    ngx_http_faas_store(&r->trust, trust < NGX_HTTP_FAAS_TRUST ? trust : 0);
    ngx_http_faas_store(&r->retry, 0);
    ngx_http_faas_store(&r->fails, 0);
}


static uint32_t
ngx_http_faas_choose(ngx_http_faas_shm_t *sh, uint32_t fn,
    const ngx_http_faas_tried_t *tried, uint64_t *rank)
{
    uint32_t  n, i, j, rep, other;
    uint64_t  chance, least;

    n = sh->fn[fn].n;

    if (n == 0 || n > FAAS_REPLICAS_MAX) {
        return NGX_HTTP_FAAS_NONE;
    }

    if (n == 1 && sh->fn[fn].max_inflight == 0) {

        /* there is no choice */

        *rank = 0;
        return ngx_http_faas_fn_rep(sh, fn, 0);
    }

    if (n <= NGX_HTTP_FAAS_SCAN) {
        return ngx_http_faas_choose_all(sh, fn, n, tried, rank);
    }

    chance = (uint64_t) ngx_random();

    i = chance % n;
    j = (i + 1 + (chance >> 12) % (n - 1)) % n;

    rep = ngx_http_faas_fn_rep(sh, fn, i);
    other = ngx_http_faas_fn_rep(sh, fn, j);

    *rank = ngx_http_faas_rank(sh, fn, rep, tried);
    least = ngx_http_faas_rank(sh, fn, other, tried);

    if (least < *rank) {
        rep = other;
        *rank = least;
    }

    if (*rank < NGX_HTTP_FAAS_TRIED) {
        return rep;
    }

    return ngx_http_faas_choose_all(sh, fn, n, tried, rank);
}


/*
 * Starts at a random one, so that equals share.
 */

static uint32_t
ngx_http_faas_choose_all(ngx_http_faas_shm_t *sh, uint32_t fn, uint32_t n,
    const ngx_http_faas_tried_t *tried, uint64_t *rank)
{
    uint32_t  i, k, rep, best;
    uint64_t  least;

    k = n > 1 ? (uint32_t) ngx_random() % n : 0;
    best = NGX_HTTP_FAAS_NONE;
    *rank = NGX_HTTP_FAAS_FULL;

    for (i = 0; i < n; i++) {
        rep = ngx_http_faas_fn_rep(sh, fn, k);

        if (i == 0 && rep != NGX_HTTP_FAAS_NONE) {

            /* most are idle: it is to be this one */

            __builtin_prefetch(ngx_http_faas_held(sh, 0, rep), 1);
            __builtin_prefetch(ngx_http_faas_rep(sh, rep)->data);
        }

        least = ngx_http_faas_rank(sh, fn, rep, tried);

        if (best == NGX_HTTP_FAAS_NONE || least < *rank) {
            best = rep;
            *rank = least;
        }

        if (least == 0) {

            /* there is none better */

            break;
        }

        if (++k == n) {
            k = 0;
        }
    }

    return best;
}


static uint64_t
ngx_http_faas_rank(ngx_http_faas_shm_t *sh, uint32_t fn, uint32_t rep,
    const ngx_http_faas_tried_t *tried)
{
    uint32_t              max, trust;
    uint64_t              rank, retry;
    ngx_http_faas_rep_t  *r;

    if (rep == NGX_HTTP_FAAS_NONE) {
        return NGX_HTTP_FAAS_FULL;
    }

    rank = ngx_http_faas_rep_inflight(sh, rep);
    max = sh->fn[fn].max_inflight;

    if (max != 0 && rank >= max) {
        return NGX_HTTP_FAAS_FULL;
    }

    r = ngx_http_faas_rep(sh, rep);
    trust = ngx_http_faas_load(&r->trust);

    if (trust != 0) {
        retry = ngx_http_faas_load(&r->retry);

        /* of those that are out the one that comes back soonest */

        if (retry > ngx_http_faas_clock(sh) || rank >= trust) {
            rank = NGX_HTTP_FAAS_FAILED | retry;
        }
    }

    if (tried != NULL && ngx_http_faas_was_tried(tried, rep)) {
        rank |= NGX_HTTP_FAAS_TRIED;
    }

    return rank;
}


static ngx_int_t
ngx_http_faas_was_tried(const ngx_http_faas_tried_t *tried, uint32_t rep)
{
    uint32_t  i;

    for (i = 0; i < tried->n; i++) {
        if (tried->rep[i] == rep) {
            return 1;
        }
    }

    return 0;
}

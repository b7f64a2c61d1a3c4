
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Records of replicas: which ones a function has, and which of them are to be
 * freed once nothing is in flight on them.  The locking is described in
 * ngx_http_faas_shm.h.
 */


#include "ngx_http_faas.h"

#include "lib/faas_addr.h"
#include "lib/faas_hash.h"


static ngx_int_t ngx_http_faas_extents_locked(ngx_http_faas_shm_t *sh,
    ngx_http_faas_fn_t *f, uint32_t n);
static uint32_t ngx_http_faas_rep_match(ngx_http_faas_shm_t *sh, uint32_t fn,
    const struct faas_endpoint *endpoint, const struct faas_addr *addr);
static uint32_t ngx_http_faas_rep_new_locked(ngx_http_faas_shm_t *sh,
    uint32_t fn, const struct faas_endpoint *endpoint,
    const struct faas_addr *addr);
static void ngx_http_faas_rep_free_locked(ngx_http_faas_shm_t *sh,
    uint32_t rep);


uint32_t
ngx_http_faas_fn_rep(ngx_http_faas_shm_t *sh, uint32_t fn, uint32_t i)
{
    uint32_t  rep, *p;

    p = ngx_http_faas_fn_rep_at(sh, &sh->fn[fn], i);

    if (p == NULL) {
        return NGX_HTTP_FAAS_NONE;
    }

    rep = *p;

    return rep < sh->reps ? rep : NGX_HTTP_FAAS_NONE;
}


uint32_t *
ngx_http_faas_fn_rep_at(ngx_http_faas_shm_t *sh, ngx_http_faas_fn_t *f,
    uint32_t i)
{
    uint32_t  extent;

    if (i < NGX_HTTP_FAAS_EXTENT_REPS) {
        return &f->rep[i];
    }

    extent = f->extent[(i / NGX_HTTP_FAAS_EXTENT_REPS - 1)
                       % NGX_HTTP_FAAS_EXTENTS] - 1;

    if (extent >= sh->extents) {
        return NULL;
    }

    return &sh->extent[extent].rep[i % NGX_HTTP_FAAS_EXTENT_REPS];
}


uint64_t
ngx_http_faas_rep_inflight(ngx_http_faas_shm_t *sh, uint32_t rep)
{
    uint32_t  *held;
    uint64_t   n;
    ngx_uint_t i;

    held = ngx_http_faas_held(sh, 0, rep);
    n = 0;

    for (i = 0; i < sh->lanes; i++) {
        n += ngx_http_faas_load(&held[i]);
    }

    return n;
}


size_t
ngx_http_faas_rep_addr(ngx_http_faas_rep_t *rep, u_char *dst)
{
    u_char  *p, *text;
    size_t   len;

    p = dst;

    if (rep->text_len != 0) {
        text = rep->data + rep->socklen;
        len = rep->text_len;

    } else {
        p = ngx_cpymem(p, "unix:", sizeof("unix:") - 1);
        text = rep->data + offsetof(struct sockaddr_un, sun_path);
        len = rep->socklen - offsetof(struct sockaddr_un, sun_path) - 1;
    }

    p = ngx_cpymem(p, text, len);
    *p = '\0';

    return p - dst;
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

    ngx_http_faas_lock(sh);

    link = &sh->fn[fn].draining;

    while (*link != 0) {
        rep = *link - 1;
        n = ngx_http_faas_rep_inflight(sh, rep);

        if (n == 0) {
            *link = ngx_http_faas_rep(sh, rep)->next;
            ngx_http_faas_rep_free_locked(sh, rep);
            continue;
        }

        inflight += n;
        link = &ngx_http_faas_rep(sh, rep)->next;
    }

    ngx_http_faas_unlock(sh);

    return inflight;
}


ngx_int_t
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


void
ngx_http_faas_rep_drain_locked(ngx_http_faas_shm_t *sh, uint32_t fn,
    uint32_t rep)
{
    ngx_http_faas_rep_t  *r;

    if (rep == NGX_HTTP_FAAS_NONE) {
        return;
    }

    r = ngx_http_faas_rep(sh, rep);

    if (r->owner != fn + 1 || r->is_draining) {
        return;
    }

    r->is_draining = 1;
    r->next = sh->fn[fn].draining;
    sh->fn[fn].draining = rep + 1;
}


void
ngx_http_faas_reps_lost_locked(ngx_http_faas_shm_t *sh, uint32_t fn,
    const struct faas_route *route)
{
    size_t                       len;
    uint32_t                     i, link;
    ngx_http_faas_rep_t         *r;
    const struct faas_endpoint  *endpoint;

    for (i = 0; i < route->n_lost; i++) {
        endpoint = &route->endpoints[route->n + i];
        len = ngx_strlen(endpoint->id);

        for (link = sh->fn[fn].draining; link != 0; link = r->next) {
            r = ngx_http_faas_rep(sh, link - 1);

            if (!r->is_lost && r->id_len == len
                && ngx_memcmp(ngx_http_faas_rep_id(r), endpoint->id, len) == 0)
            {
                r->is_lost = 1;
                ngx_http_faas_add(&sh->h->lost, 1);
            }
        }
    }
}


ngx_int_t
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


static ngx_int_t
ngx_http_faas_extents_locked(ngx_http_faas_shm_t *sh, ngx_http_faas_fn_t *f,
    uint32_t n)
{
    uint32_t  i, link;

    for (i = 0; (i + 1) * NGX_HTTP_FAAS_EXTENT_REPS < n; i++) {

        if (f->extent[i] != 0) {
            continue;
        }

        link = sh->h->extent_free;

        if (link != 0) {
            sh->h->extent_free = sh->extent[link - 1].rep[0];

        } else if (sh->h->extent_high < sh->extents) {
            link = ++sh->h->extent_high;

        } else {
            return NGX_BUSY;
        }

        f->extent[i] = link;
        sh->h->extent_used++;
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

        r = ngx_http_faas_rep(sh, rep);

        if (r->owner == fn + 1 && !r->is_draining && r->id_len == len
            && ngx_memcmp(ngx_http_faas_rep_id(r), endpoint->id, len) == 0
            && r->socklen == addr->len
            && ngx_memcmp(r->data, &addr->sa, addr->len) == 0)
        {
            return rep;
        }
    }

    return NGX_HTTP_FAAS_NONE;
}


static uint32_t
ngx_http_faas_rep_new_locked(ngx_http_faas_shm_t *sh, uint32_t fn,
    const struct faas_endpoint *endpoint, const struct faas_addr *addr)
{
    u_char               *p;
    uint32_t              rep;
    ngx_http_faas_rep_t  *r;

    if (sh->h->rep_free != 0) {
        rep = sh->h->rep_free - 1;
        sh->h->rep_free = ngx_http_faas_rep(sh, rep)->next;

    } else if (sh->h->rep_high < sh->reps) {
        rep = sh->h->rep_high++;

    } else {
        return NGX_HTTP_FAAS_NONE;
    }

    r = ngx_http_faas_rep(sh, rep);
    sh->h->rep_used++;

    r->next = 0;
    r->fails = 0;
    r->trust = 0;
    r->retry = 0;
    r->owner = fn + 1;
    r->is_draining = 0;
    r->is_lost = 0;
    r->hash = faas_hash((char *) &addr->sa, addr->len);
    r->socklen = (u_char) addr->len;
    r->text_len = 0;
    r->id_len = (u_char) ngx_strlen(endpoint->id);

    p = ngx_cpymem(r->data, &addr->sa, addr->len);

    if (addr->sa.ss_family != AF_UNIX) {
        r->text_len = (u_char) ngx_strlen(endpoint->addr);
        p = ngx_cpymem(p, endpoint->addr, r->text_len);
    }

    ngx_memcpy(p, endpoint->id, r->id_len);

    return rep;
}


static void
ngx_http_faas_rep_free_locked(ngx_http_faas_shm_t *sh, uint32_t rep)
{
    ngx_http_faas_rep_t  *r;

    r = ngx_http_faas_rep(sh, rep);

    r->owner = 0;
    r->next = sh->h->rep_free;
    sh->h->rep_free = rep + 1;
    sh->h->rep_used--;
}

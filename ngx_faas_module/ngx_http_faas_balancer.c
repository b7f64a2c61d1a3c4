
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The balancer: the replica with the fewest requests in flight, counted over
 * all workers.  One upstream block serves all functions.
 */


#include "ngx_http_faas.h"


/* how often a pick is repeated because the route was changed meanwhile */
#define NGX_HTTP_FAAS_PICK_TRIES   16

/* makes a replica seem busier than any that is */
#define NGX_HTTP_FAAS_LAST_CHOICE  (1ULL << 63)


typedef struct {
    ngx_http_request_t    *request;
    ngx_http_faas_ctx_t   *ctx;
    uint32_t               rep;             /* held; NONE */
    uint32_t               n_failed;
    uint32_t               failed[NGX_HTTP_FAAS_TRIES];
} ngx_http_faas_peer_t;


static ngx_int_t ngx_http_faas_init_upstream(ngx_conf_t *cf,
    ngx_http_upstream_srv_conf_t *us);
static ngx_int_t ngx_http_faas_init_peer(ngx_http_request_t *r,
    ngx_http_upstream_srv_conf_t *us);
static ngx_int_t ngx_http_faas_get_peer(ngx_peer_connection_t *pc,
    void *data);
static uint32_t ngx_http_faas_pick(ngx_http_faas_peer_t *peer);
static uint32_t ngx_http_faas_least_busy(ngx_http_faas_peer_t *peer);
static ngx_int_t ngx_http_faas_has_failed(ngx_http_faas_peer_t *peer,
    uint32_t rep);
static ngx_int_t ngx_http_faas_set_peer(ngx_peer_connection_t *pc,
    ngx_http_faas_peer_t *peer);
static void ngx_http_faas_free_peer(ngx_peer_connection_t *pc, void *data,
    ngx_uint_t state);
static void ngx_http_faas_hold(ngx_http_faas_zone_t *zone, uint32_t rep);
static void ngx_http_faas_unhold(ngx_http_faas_zone_t *zone, uint32_t rep);
#if (NGX_HTTP_SSL)
static ngx_int_t ngx_http_faas_set_session(ngx_peer_connection_t *pc,
    void *data);
static void ngx_http_faas_save_session(ngx_peer_connection_t *pc, void *data);
#endif


char *
ngx_http_faas_upstream(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_upstream_server_t    *server;
    ngx_http_faas_main_conf_t     *fmcf;
    ngx_http_upstream_srv_conf_t  *uscf;

    uscf = ngx_http_conf_get_module_srv_conf(cf, ngx_http_upstream_module);

    /* before nginx 1.29.7 "keepalive" wraps what it finds when it is parsed */

    if (uscf->peer.init_upstream != NULL) {
        return "must come before \"keepalive\" and without another "
               "load balancing method";
    }

    fmcf = ngx_http_conf_get_module_main_conf(cf, ngx_http_faas_module);
    fmcf->is_used = 1;

    uscf->peer.init_upstream = ngx_http_faas_init_upstream;
    uscf->flags = NGX_HTTP_UPSTREAM_CREATE;

    /* an upstream block without a server is refused; nothing looks at it */

    if (uscf->servers->nelts != 0) {
        return "takes its servers from Redis: remove the \"server\" lines";
    }

    server = ngx_array_push(uscf->servers);
    if (server == NULL) {
        return NGX_CONF_ERROR;
    }

    ngx_memzero(server, sizeof(ngx_http_upstream_server_t));
    server->down = 1;

    return NGX_CONF_OK;
}


static ngx_int_t
ngx_http_faas_init_upstream(ngx_conf_t *cf, ngx_http_upstream_srv_conf_t *us)
{
    if (us->servers->nelts != 1) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "upstream \"%V\" with \"faas\" takes its servers from "
                      "Redis: remove the \"server\" lines in %s:%ui",
                      &us->host, us->file_name, us->line);
        return NGX_ERROR;
    }

#if (NGX_HTTP_UPSTREAM_ZONE)

    if (us->shm_zone != NULL) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "upstream \"%V\" with \"faas\" keeps its replicas in "
                      "faas_zone: remove \"zone\" in %s:%ui",
                      &us->host, us->file_name, us->line);
        return NGX_ERROR;
    }

#endif

    us->peer.init = ngx_http_faas_init_peer;

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_init_peer(ngx_http_request_t *r,
    ngx_http_upstream_srv_conf_t *us)
{
    uint32_t               n;
    ngx_http_faas_ctx_t   *ctx;
    ngx_http_faas_peer_t  *peer;

    ctx = ngx_http_faas_get_ctx(r);

    if (ctx == NULL || !ctx->is_counted) {
        ngx_log_error(NGX_LOG_ERR, r->connection->log, 0,
                      "upstream \"%V\" with \"faas\" is used by a location "
                      "without \"faas_function\"", &us->host);
        return NGX_ERROR;
    }

    peer = ngx_palloc(r->pool, sizeof(ngx_http_faas_peer_t));
    if (peer == NULL) {
        return NGX_ERROR;
    }

    peer->request = r;
    peer->ctx = ctx;
    peer->rep = NGX_HTTP_FAAS_NONE;
    peer->n_failed = 0;

    /*
     * A single replica is tried twice: its listening socket outlives its
     * process, so the one that follows it answers.
     */

    n = ctx->conf->zone->sh->fn[ctx->fn].n;

    r->upstream->peer.data = peer;
    r->upstream->peer.get = ngx_http_faas_get_peer;
    r->upstream->peer.free = ngx_http_faas_free_peer;
    r->upstream->peer.tries = ngx_min(ngx_max(n, 2), NGX_HTTP_FAAS_TRIES);
#if (NGX_HTTP_SSL)
    r->upstream->peer.set_session = ngx_http_faas_set_session;
    r->upstream->peer.save_session = ngx_http_faas_save_session;
#endif

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_get_peer(ngx_peer_connection_t *pc, void *data)
{
    ngx_http_faas_peer_t  *peer = data;

    pc->cached = 0;
    pc->connection = NULL;

    peer->rep = ngx_http_faas_pick(peer);

    if (peer->rep == NGX_HTTP_FAAS_NONE) {
        pc->name = &peer->ctx->key;
        return NGX_BUSY;
    }

    if (ngx_http_faas_set_peer(pc, peer) != NGX_OK) {
        ngx_http_faas_unhold(peer->ctx->conf->zone, peer->rep);
        peer->rep = NGX_HTTP_FAAS_NONE;
        return NGX_ERROR;
    }

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, pc->log, 0,
                   "faas replica \"%V\" of \"%V\"",
                   &peer->ctx->replica, &peer->ctx->key);

    return NGX_OK;
}


/*
 * Chooses a replica and holds it; NONE where there is none.
 */

static uint32_t
ngx_http_faas_pick(ngx_http_faas_peer_t *peer)
{
    uint32_t               rep;
    uint64_t               seq;
    ngx_uint_t             tries;
    ngx_http_faas_fn_t    *fn;
    ngx_http_faas_zone_t  *zone;

    zone = peer->ctx->conf->zone;
    fn = &zone->sh->fn[peer->ctx->fn];

    for (tries = 0; tries < NGX_HTTP_FAAS_PICK_TRIES; tries++) {

        seq = ngx_http_faas_load(&fn->seq);

        if (seq & 1) {
            ngx_cpu_pause();
            continue;
        }

        rep = ngx_http_faas_least_busy(peer);

        if (rep == NGX_HTTP_FAAS_NONE) {

            if (ngx_http_faas_load(&fn->seq) == seq) {
                break;
            }

            continue;
        }

        ngx_http_faas_hold(zone, rep);

        if (ngx_http_faas_load(&fn->seq) == seq) {
            return rep;
        }

        /* the route was changed: this replica may be another's by now */

        ngx_http_faas_unhold(zone, rep);
    }

    return NGX_HTTP_FAAS_NONE;
}


/*
 * Starts at a random one, so that equals share; replicas that have failed
 * this request are taken only where there is no other.
 */

static uint32_t
ngx_http_faas_least_busy(ngx_http_faas_peer_t *peer)
{
    uint32_t              i, n, fn, start, rep, best;
    uint64_t              inflight, least;
    ngx_http_faas_shm_t  *sh;

    sh = peer->ctx->conf->zone->sh;
    fn = peer->ctx->fn;
    n = sh->fn[fn].n;

    if (n == 0 || n > FAAS_REPLICAS_MAX) {
        return NGX_HTTP_FAAS_NONE;
    }

    start = n > 1 ? (uint32_t) ngx_random() % n : 0;
    best = NGX_HTTP_FAAS_NONE;
    least = 0;

    for (i = 0; i < n; i++) {
        rep = ngx_http_faas_fn_rep(sh, fn, (start + i) % n);

        if (rep == NGX_HTTP_FAAS_NONE) {
            continue;
        }

        inflight = ngx_http_faas_load(&sh->rep[rep].inflight);

        if (peer->n_failed != 0 && ngx_http_faas_has_failed(peer, rep)) {
            inflight |= NGX_HTTP_FAAS_LAST_CHOICE;
        }

        if (best == NGX_HTTP_FAAS_NONE || inflight < least) {
            best = rep;
            least = inflight;
        }
    }

    return best;
}


static ngx_int_t
ngx_http_faas_has_failed(ngx_http_faas_peer_t *peer, uint32_t rep)
{
    uint32_t  i;

    for (i = 0; i < peer->n_failed; i++) {
        if (peer->failed[i] == rep) {
            return 1;
        }
    }

    return 0;
}


/*
 * Address, name and id are copied: they outlive the replica, in logs and
 * variables.
 */

static ngx_int_t
ngx_http_faas_set_peer(ngx_peer_connection_t *pc, ngx_http_faas_peer_t *peer)
{
    u_char               *p;
    ngx_str_t            *name;
    ngx_pool_t           *pool;
    struct sockaddr      *sockaddr;
    ngx_http_faas_rep_t  *rep;

    pool = peer->request->pool;
    rep = &peer->ctx->conf->zone->sh->rep[peer->rep];

    sockaddr = ngx_palloc(pool, rep->socklen);
    name = ngx_palloc(pool, sizeof(ngx_str_t));
    p = ngx_pnalloc(pool, rep->id_len + NGX_SOCKADDR_STRLEN);

    if (sockaddr == NULL || name == NULL || p == NULL) {
        return NGX_ERROR;
    }

    ngx_memcpy(sockaddr, &rep->addr, rep->socklen);

    ngx_memcpy(p, rep->id, rep->id_len);
    peer->ctx->replica.data = p;
    peer->ctx->replica.len = rep->id_len;

    name->data = p + rep->id_len;
    name->len = ngx_sock_ntop(sockaddr, rep->socklen, name->data,
                              NGX_SOCKADDR_STRLEN, 1);

    pc->sockaddr = sockaddr;
    pc->socklen = rep->socklen;
    pc->name = name;

    return NGX_OK;
}


static void
ngx_http_faas_free_peer(ngx_peer_connection_t *pc, void *data,
    ngx_uint_t state)
{
    ngx_http_faas_peer_t  *peer = data;

    if (peer->rep != NGX_HTTP_FAAS_NONE) {
        ngx_http_faas_unhold(peer->ctx->conf->zone, peer->rep);

        if ((state & NGX_PEER_FAILED)
            && peer->n_failed < NGX_HTTP_FAAS_TRIES)
        {
            peer->failed[peer->n_failed++] = peer->rep;
        }

        peer->rep = NGX_HTTP_FAAS_NONE;
    }

    if (pc->tries) {
        pc->tries--;
    }
}


/*
 * Counted twice: for all to see, and in this worker's lane, by which it is
 * taken back if the worker is killed.
 */

static void
ngx_http_faas_hold(ngx_http_faas_zone_t *zone, uint32_t rep)
{
    ngx_http_faas_add(&zone->sh->held[zone->lane][rep], 1);
    ngx_http_faas_add(&zone->sh->rep[rep].inflight, 1);
}


static void
ngx_http_faas_unhold(ngx_http_faas_zone_t *zone, uint32_t rep)
{
    ngx_http_faas_add(&zone->sh->rep[rep].inflight, -1);
    ngx_http_faas_add(&zone->sh->held[zone->lane][rep], -1);
}


#if (NGX_HTTP_SSL)

static ngx_int_t
ngx_http_faas_set_session(ngx_peer_connection_t *pc, void *data)
{
    return NGX_OK;
}


static void
ngx_http_faas_save_session(ngx_peer_connection_t *pc, void *data)
{
    /* no TLS session is kept for a replica */
}

#endif

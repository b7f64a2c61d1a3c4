
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The balancer's place in nginx: the upstream block with "faas" in it, which
 * serves all functions, and the replicas that a request is sent to.  The
 * first one was chosen when the request was admitted.
 */


#include "ngx_http_faas.h"

#include "lib/faas_num.h"


typedef struct {
    ngx_http_faas_attempt_t         attempt;
    ngx_http_faas_upstream_conf_t  *conf;
    ngx_http_faas_tried_t           tried;
} ngx_http_faas_peer_t;


typedef struct {
    ngx_str_t                       name;
    size_t                          offset;  /* in the configuration */
    ngx_uint_t                      is_time;
} ngx_http_faas_param_t;


static char *ngx_http_faas_upstream_param(
    ngx_http_faas_upstream_conf_t *conf, ngx_str_t *param);
static ngx_int_t ngx_http_faas_init_upstream(ngx_conf_t *cf,
    ngx_http_upstream_srv_conf_t *us);
static ngx_int_t ngx_http_faas_init_peer(ngx_http_request_t *r,
    ngx_http_upstream_srv_conf_t *us);
static ngx_int_t ngx_http_faas_get_peer(ngx_peer_connection_t *pc,
    void *data);
static ngx_int_t ngx_http_faas_set_peer(ngx_peer_connection_t *pc,
    ngx_http_faas_peer_t *peer, uint32_t n);
static void ngx_http_faas_free_peer(ngx_peer_connection_t *pc, void *data,
    ngx_uint_t state);
#if (NGX_HTTP_SSL)
static ngx_int_t ngx_http_faas_set_session(ngx_peer_connection_t *pc,
    void *data);
static void ngx_http_faas_save_session(ngx_peer_connection_t *pc, void *data);
#endif


#define ngx_http_faas_param(name, is_time)                                   \
    { ngx_string(#name "="),                                                 \
      offsetof(ngx_http_faas_upstream_conf_t, name), is_time }

static const ngx_http_faas_param_t  ngx_http_faas_params[] = {
    ngx_http_faas_param(max_fails, 0),
    ngx_http_faas_param(fail_timeout, 1),
    ngx_http_faas_param(keepalive, 0),
    ngx_http_faas_param(keepalive_requests, 0),
    ngx_http_faas_param(keepalive_time, 1),
    ngx_http_faas_param(keepalive_timeout, 1),
};

#define NGX_HTTP_FAAS_PARAMS                                                 \
    (sizeof(ngx_http_faas_params) / sizeof(ngx_http_faas_params[0]))


char *
ngx_http_faas_upstream(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
    ngx_http_faas_upstream_conf_t *fucf = conf;

    char                          *rv;
    ngx_str_t                     *value;
    ngx_uint_t                     i;
    ngx_http_upstream_server_t    *server;
    ngx_http_faas_main_conf_t     *fmcf;
    ngx_http_upstream_srv_conf_t  *uscf;

    value = cf->args->elts;

    for (i = 1; i < cf->args->nelts; i++) {
        rv = ngx_http_faas_upstream_param(fucf, &value[i]);

        if (rv != NGX_CONF_OK) {
            ngx_conf_log_error(NGX_LOG_EMERG, cf, 0,
                               "invalid parameter \"%V\": %s", &value[i], rv);
            return NGX_CONF_ERROR;
        }
    }

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


void *
ngx_http_faas_create_upstream_conf(ngx_conf_t *cf)
{
    ngx_http_faas_upstream_conf_t  *fucf;

    /* lists are set by ngx_pcalloc() and ngx_http_faas_keepalive_init() */

    fucf = ngx_pcalloc(cf->pool, sizeof(ngx_http_faas_upstream_conf_t));
    if (fucf == NULL) {
        return NULL;
    }

    fucf->max_fails = 1;
    fucf->fail_timeout = 1000;
    fucf->keepalive = 1024;
    fucf->keepalive_requests = 10000;
    fucf->keepalive_time = 3600000;
    fucf->keepalive_timeout = 60000;

    return fucf;
}


static char *
ngx_http_faas_upstream_param(ngx_http_faas_upstream_conf_t *conf,
    ngx_str_t *param)
{
    uint64_t                      n;
    ngx_int_t                     msec;
    ngx_str_t                     value;
    ngx_uint_t                    i;
    const ngx_http_faas_param_t  *known;

    for (i = 0; i < NGX_HTTP_FAAS_PARAMS; i++) {
        known = &ngx_http_faas_params[i];

        if (param->len <= known->name.len
            || ngx_strncmp(param->data, known->name.data, known->name.len)
               != 0)
        {
            continue;
        }

        value.data = param->data + known->name.len;
        value.len = param->len - known->name.len;

        if (known->is_time) {
            msec = ngx_parse_time(&value, 0);

            if (msec == NGX_ERROR || msec == 0 || msec > FAAS_MSEC_MAX) {
                return "expected a time from 1ms to 1d";
            }

            *(ngx_msec_t *) ((char *) conf + known->offset) = msec;

        } else {
            if (faas_parse_uint((char *) value.data, value.len, 0, 1000000,
                                &n)
                != 0)
            {
                return "expected a number from 0 to 1000000";
            }

            *(ngx_uint_t *) ((char *) conf + known->offset) = (ngx_uint_t) n;
        }

        return NGX_CONF_OK;
    }

    return "expected max_fails=, fail_timeout=, keepalive=, "
           "keepalive_requests=, keepalive_time= or keepalive_timeout=";
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

    return ngx_http_faas_keepalive_init(cf,
               ngx_http_conf_upstream_srv_conf(us, ngx_http_faas_module));
}


static ngx_int_t
ngx_http_faas_init_peer(ngx_http_request_t *r,
    ngx_http_upstream_srv_conf_t *us)
{
    uint32_t               n;
    ngx_http_faas_fn_t    *fn;
    ngx_http_faas_ctx_t   *ctx;
    ngx_http_faas_peer_t  *peer;
    ngx_http_upstream_t   *u;

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

    peer->attempt.request = r;
    peer->attempt.ctx = ctx;
    peer->attempt.rep = NGX_HTTP_FAAS_NONE;
    peer->conf = ngx_http_conf_upstream_srv_conf(us, ngx_http_faas_module);
    peer->tried.n = 0;

    /*
     * A single replica is tried twice: its listening socket outlives its
     * process, so the one that follows it answers.
     */

    u = r->upstream;
    fn = &ctx->conf->zone->sh->fn[ctx->fn];
    n = fn->n;

    /*
     * A function may answer while it still reads: without this nginx sends no
     * more of the body once the answer has begun, and both wait for ever
     */

    u->conf->preserve_output = 1;

    u->peer.data = peer;
    u->peer.get = ngx_http_faas_get_peer;
    u->peer.free = ngx_http_faas_free_peer;
    u->peer.tries = ngx_min(ngx_max(n, 2), NGX_HTTP_FAAS_TRIES);
#if (NGX_HTTP_SSL)
    u->peer.set_session = ngx_http_faas_set_session;
    u->peer.save_session = ngx_http_faas_save_session;
#endif

    return fn->timeout != 0 ? ngx_http_faas_deadline_set(r, ctx, fn->timeout)
                            : NGX_OK;
}


static ngx_int_t
ngx_http_faas_get_peer(ngx_peer_connection_t *pc, void *data)
{
    ngx_http_faas_peer_t *peer = data;

    uint32_t               rep;
    ngx_int_t              rc;
    ngx_http_faas_ctx_t   *ctx;
    ngx_http_faas_zone_t  *zone;

    ctx = peer->attempt.ctx;
    zone = ctx->conf->zone;

    pc->cached = 0;
    pc->connection = NULL;

    if (ctx->rep != NGX_HTTP_FAAS_NONE) {
        rep = ctx->rep;
        ctx->rep = NGX_HTTP_FAAS_NONE;

    } else if (ngx_http_faas_pick(zone, ctx->fn, &peer->tried, &rep)
               != NGX_OK)
    {
        pc->name = &ctx->key;
        return NGX_BUSY;
    }

    if (ngx_http_faas_set_peer(pc, peer, rep) != NGX_OK) {
        ngx_http_faas_leave(zone, ctx->fn, rep);
        pc->sockaddr = NULL;
        return NGX_ERROR;
    }

    if (ctx->tries++ != 0) {
        ngx_http_faas_add(&ngx_http_faas_stat(zone->sh, zone->lane, ctx->fn)
                              ->retries, 1);
    }

    ctx->is_lost = 0;
    ngx_http_faas_attempt_begin(&peer->attempt, rep);

    ngx_log_debug2(NGX_LOG_DEBUG_HTTP, pc->log, 0,
                   "faas replica \"%V\" of \"%V\"",
                   &ctx->replica, &ctx->key);

    rc = ngx_http_faas_keepalive_get(pc, peer->conf,
                                     ngx_http_faas_rep(zone->sh, rep));

    return rc == NGX_OK ? NGX_DONE : NGX_OK;
}


/*
 * Address, name and id are copied: they outlive the replica, in logs and
 * variables.
 */

static ngx_int_t
ngx_http_faas_set_peer(ngx_peer_connection_t *pc, ngx_http_faas_peer_t *peer,
    uint32_t n)
{
    u_char               *p;
    size_t                len;
    ngx_str_t            *name;
    ngx_http_faas_ctx_t  *ctx;
    ngx_http_faas_rep_t  *rep;

    ctx = peer->attempt.ctx;
    rep = ngx_http_faas_rep(ctx->conf->zone->sh, n);

    len = rep->socklen + rep->text_len + rep->id_len;

    p = ngx_palloc(peer->attempt.request->pool, sizeof(ngx_str_t) + len
                                                + FAAS_ADDR_MAX + 1);
    if (p == NULL) {
        return NGX_ERROR;
    }

    name = (ngx_str_t *) p;
    p += sizeof(ngx_str_t);

    pc->sockaddr = (struct sockaddr *) p;
    pc->socklen = rep->socklen;
    pc->name = name;

    ngx_memcpy(p, rep->data, len);

    ctx->replica.data = p + len - rep->id_len;
    ctx->replica.len = rep->id_len;

    name->data = p + len;
    name->len = ngx_http_faas_rep_addr(rep, name->data);

    return NGX_OK;
}


static void
ngx_http_faas_free_peer(ngx_peer_connection_t *pc, void *data,
    ngx_uint_t state)
{
    ngx_http_faas_peer_t *peer = data;

    uint32_t               rep;
    ngx_http_request_t    *r;
    ngx_http_faas_ctx_t   *ctx;
    ngx_http_faas_shm_t   *sh;
    ngx_http_upstream_t   *u;

    ctx = peer->attempt.ctx;
    rep = peer->attempt.rep;

    if (pc->tries) {
        pc->tries--;
    }

    if (rep == NGX_HTTP_FAAS_NONE) {
        return;
    }

    ngx_http_faas_attempt_end(&peer->attempt);

    sh = ctx->conf->zone->sh;
    r = peer->attempt.request;
    u = r->upstream;

    /* what a lost replica was sent may have to be sent again: by us, too */

    if (!ctx->is_lost || !ngx_http_faas_is_repeatable(r)) {
        ctx->is_sent |= u->request_sent;
    }

    ngx_http_faas_keepalive_put(pc, u, peer->conf,
                                ngx_http_faas_rep(sh, rep), state);

    if (ctx->is_late) {

        /* the call's time is over: no fault of the replica's */

    } else if (state & NGX_PEER_FAILED) {

        if (peer->tried.n < NGX_HTTP_FAAS_TRIES) {
            peer->tried.rep[peer->tried.n++] = rep;
        }

        ngx_http_faas_rep_failed(sh, rep, peer->conf->max_fails,
                                 peer->conf->fail_timeout);

    } else if (u->headers_in.status_n != 0) {
        ngx_http_faas_rep_succeeded(sh, rep);
    }

    if (!(state & NGX_PEER_FAILED) && ctx->deadline != NULL) {
        ngx_http_faas_deadline_clear(ctx);
    }

    if (r != r->main) {
        ctx->ended = ngx_http_faas_usec();
    }

    ngx_http_faas_leave(ctx->conf->zone, ctx->fn, rep);
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

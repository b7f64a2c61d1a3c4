
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Redis by name: looked up anew for each connection, by nginx's resolver, so
 * that a Redis that has moved is found.
 *
 * Of several addresses each attempt takes the one after the last, in the
 * order of their bytes and not in the resolver's, which is another each time.
 * So all get their turn, and connections that begin together begin at the
 * same one.
 */


#include "ngx_http_faas.h"


#define NGX_HTTP_FAAS_WHY_MAX  128     /* bytes */


static void ngx_http_faas_name_handler(ngx_resolver_ctx_t *ctx);
static ngx_resolver_addr_t *ngx_http_faas_name_next(ngx_resolver_ctx_t *ctx,
    struct sockaddr *last);
static ngx_int_t ngx_http_faas_name_cmp(struct sockaddr *one,
    struct sockaddr *two);
static void ngx_http_faas_name_take(ngx_http_faas_conn_t *conn,
    ngx_resolver_addr_t *addr);


ngx_int_t
ngx_http_faas_name_init(ngx_conf_t *cf, ngx_http_faas_redis_conf_t *redis)
{
    ngx_http_core_loc_conf_t  *clcf;

    if (redis->host.len == 0) {
        return NGX_OK;
    }

    clcf = ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);

    /* where none is configured there is one without a server */

    if (clcf->resolver == NULL || clcf->resolver->connections.nelts == 0) {
        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                      "\"faas_redis\": \"%V\" is a name, but there is no "
                      "\"resolver\" at level http: add \"resolver 127.0.0.11 "
                      "valid=5s;\" (Docker's, or your own name server) to "
                      "http in %V, or give an IP address",
                      &redis->addr, &cf->cycle->conf_file);
        return NGX_ERROR;
    }

    redis->resolver = clcf->resolver;
    redis->patience = clcf->resolver_timeout;

    /* nginx's default, which is merged into levels below */

    ngx_conf_init_msec_value(redis->patience, 30000);

    return NGX_OK;
}


void
ngx_http_faas_name_resolve(ngx_http_faas_conn_t *conn)
{
    ngx_resolver_ctx_t  *ctx;

    conn->peer.len = 0;

    ctx = ngx_resolve_start(conn->conf->resolver, NULL);

    if (ctx == NULL || ctx == NGX_NO_RESOLVER) {
        ngx_http_faas_conn_down(conn, "no memory to look its name up");
        return;
    }

    ctx->name = conn->conf->host;
    ctx->handler = ngx_http_faas_name_handler;
    ctx->data = conn;
    ctx->timeout = conn->conf->patience;
    ctx->cancelable = 1;

    conn->lookup = ctx;

    /* the cache answers before this returns; an error has freed ctx */

    if (ngx_resolve_name(ctx) != NGX_OK) {
        conn->lookup = NULL;
        ngx_http_faas_conn_down(conn, "no memory to look its name up");
    }
}


void
ngx_http_faas_name_cancel(ngx_http_faas_conn_t *conn)
{
    if (conn->lookup != NULL) {
        ngx_resolve_name_done(conn->lookup);
        conn->lookup = NULL;
    }
}


/*
 * The look-ups of other connections may be answered right after this one, out
 * of a list that is the resolver's: nothing here may cancel one.
 */

static void
ngx_http_faas_name_handler(ngx_resolver_ctx_t *ctx)
{
    u_char                 why[NGX_HTTP_FAAS_WHY_MAX];
    ngx_resolver_addr_t   *addr;
    ngx_http_faas_conn_t  *conn;

    conn = ctx->data;
    conn->lookup = NULL;

    addr = NULL;

    if (ctx->state == NGX_OK) {
        addr = ngx_http_faas_name_next(ctx,
                                       (struct sockaddr *) &conn->addr.sa);
    }

    if (addr == NULL) {
        (void) ngx_snprintf(why, sizeof(why), "look-up of the name: %s%Z",
                            ngx_resolver_strerror(ctx->state));
        why[sizeof(why) - 1] = '\0';

        /* a line of its own in an outage that began otherwise */

        if (!conn->is_unknown) {
            conn->is_unknown = 1;
            conn->is_reported = 0;
        }

        ngx_resolve_name_done(ctx);
        ngx_http_faas_conn_down(conn, (char *) why);
        return;
    }

    ngx_http_faas_name_take(conn, addr);

    ngx_resolve_name_done(ctx);
    ngx_http_faas_conn_connect_to(conn, &conn->addr);
}


/*
 * The first one after the last, or, where there is none, of all.
 */

static ngx_resolver_addr_t *
ngx_http_faas_name_next(ngx_resolver_ctx_t *ctx, struct sockaddr *last)
{
    ngx_uint_t            i;
    ngx_resolver_addr_t  *addr, *first, *next;

    first = NULL;
    next = NULL;

    for (i = 0; i < ctx->naddrs; i++) {
        addr = &ctx->addrs[i];

        if (first == NULL
            || ngx_http_faas_name_cmp(addr->sockaddr, first->sockaddr) < 0)
        {
            first = addr;
        }

        if (ngx_http_faas_name_cmp(addr->sockaddr, last) > 0
            && (next == NULL
                || ngx_http_faas_name_cmp(addr->sockaddr, next->sockaddr) < 0))
        {
            next = addr;
        }
    }

    return (next != NULL) ? next : first;
}


/*
 * IPv4 comes first, and "none yet" before all.
 */

static ngx_int_t
ngx_http_faas_name_cmp(struct sockaddr *one, struct sockaddr *two)
{
    if (one->sa_family != two->sa_family) {
        return (ngx_int_t) one->sa_family - (ngx_int_t) two->sa_family;
    }

    switch (one->sa_family) {

    case AF_INET:
        return ngx_memcmp(&((struct sockaddr_in *) one)->sin_addr,
                          &((struct sockaddr_in *) two)->sin_addr,
                          sizeof(struct in_addr));

#if (NGX_HAVE_INET6)

    case AF_INET6:
        return ngx_memcmp(&((struct sockaddr_in6 *) one)->sin6_addr,
                          &((struct sockaddr_in6 *) two)->sin6_addr,
                          sizeof(struct in6_addr));

#endif

    default: /* AF_UNSPEC */
        return 0;
    }
}


static void
ngx_http_faas_name_take(ngx_http_faas_conn_t *conn, ngx_resolver_addr_t *addr)
{
    u_char           *p;
    struct sockaddr  *sa;

    sa = (struct sockaddr *) &conn->addr.sa;

    ngx_memcpy(sa, addr->sockaddr, addr->socklen);
    ngx_inet_set_port(sa, conn->conf->port);
    conn->addr.len = addr->socklen;

    p = ngx_cpymem(conn->text, ", now ", sizeof(", now ") - 1);
    p += ngx_sock_ntop(sa, addr->socklen, p, NGX_SOCKADDR_STRLEN, 1);

    conn->peer.len = p - conn->text;
}

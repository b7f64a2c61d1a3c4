
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Idle connections to replicas.  nginx's own "keepalive" looks through all of
 * them for each request; here they are found by a hash of the address, so
 * that the number of functions does not matter.  The one that was unused the
 * longest goes when there are too many.
 */


#include "ngx_http_faas.h"


struct ngx_http_faas_idle_s {
    ngx_queue_t                    queue;       /* all, by age; or free */
    ngx_http_faas_idle_t          *next;        /* in the bucket */
    ngx_http_faas_upstream_conf_t *conf;
    ngx_connection_t              *connection;
    uint32_t                       hash;        /* of the address */
    socklen_t                      socklen;
    union {
        struct sockaddr            sa;
        struct sockaddr_in         sin;
        struct sockaddr_in6        sin6;
        struct sockaddr_un         sun;
    } addr;
};


static ngx_http_faas_idle_t *ngx_http_faas_idle_new(
    ngx_http_faas_upstream_conf_t *conf);
static void ngx_http_faas_idle_take(ngx_http_faas_idle_t *idle);
static void ngx_http_faas_idle_drop(ngx_http_faas_idle_t *idle);
static ngx_int_t ngx_http_faas_is_reusable(ngx_peer_connection_t *pc,
    ngx_http_upstream_t *u, ngx_http_faas_upstream_conf_t *conf,
    ngx_uint_t state);
static void ngx_http_faas_idle_empty_handler(ngx_event_t *ev);
static void ngx_http_faas_idle_read_handler(ngx_event_t *ev);
static void ngx_http_faas_idle_close(ngx_connection_t *c);


ngx_int_t
ngx_http_faas_keepalive_init(ngx_conf_t *cf,
    ngx_http_faas_upstream_conf_t *conf)
{
    ngx_uint_t             i, n;
    ngx_http_faas_idle_t  *idle;

    ngx_queue_init(&conf->idle);
    ngx_queue_init(&conf->free);

    idle = ngx_pcalloc(cf->pool,
                       conf->keepalive * sizeof(ngx_http_faas_idle_t));
    if (idle == NULL) {
        return NGX_ERROR;
    }

    /* half as many more buckets as connections, at least: lists are short */

    for (n = 16; n < conf->keepalive + conf->keepalive / 2; n *= 2) {
        /* void */
    }

    conf->mask = (uint32_t) n - 1;
    conf->bucket = ngx_pcalloc(cf->pool, n * sizeof(ngx_http_faas_idle_t *));

    if (conf->bucket == NULL) {
        return NGX_ERROR;
    }

    for (i = 0; i < conf->keepalive; i++) {
        idle[i].conf = conf;
        ngx_queue_insert_tail(&conf->free, &idle[i].queue);
    }

    return NGX_OK;
}


ngx_int_t
ngx_http_faas_keepalive_get(ngx_peer_connection_t *pc,
    ngx_http_faas_upstream_conf_t *conf, ngx_http_faas_rep_t *rep)
{
    ngx_connection_t      *c;
    ngx_http_faas_idle_t  *idle;

    for (idle = conf->bucket[rep->hash & conf->mask];
         idle != NULL;
         idle = idle->next)
    {
        if (idle->hash == rep->hash && idle->socklen == pc->socklen
            && ngx_memcmp(&idle->addr, pc->sockaddr, pc->socklen) == 0)
        {
            break;
        }
    }

    if (idle == NULL) {
        return NGX_DECLINED;
    }

    c = idle->connection;
    ngx_http_faas_idle_take(idle);

    c->idle = 0;
    c->sent = 0;
    c->data = NULL;
    c->log = pc->log;
    c->read->log = pc->log;
    c->write->log = pc->log;
    c->pool->log = pc->log;

    if (c->read->timer_set) {
        ngx_del_timer(c->read);
    }

    pc->connection = c;
    pc->cached = 1;

    return NGX_OK;
}


void
ngx_http_faas_keepalive_put(ngx_peer_connection_t *pc, ngx_http_upstream_t *u,
    ngx_http_faas_upstream_conf_t *conf, ngx_http_faas_rep_t *rep,
    ngx_uint_t state)
{
    ngx_connection_t      *c;
    ngx_http_faas_idle_t  *idle, **bucket;

    if (!ngx_http_faas_is_reusable(pc, u, conf, state)) {
        return;
    }

    c = pc->connection;
    pc->connection = NULL;

    idle = ngx_http_faas_idle_new(conf);
    bucket = &conf->bucket[rep->hash & conf->mask];

    idle->connection = c;
    idle->hash = rep->hash;
    idle->socklen = pc->socklen;
    ngx_memcpy(&idle->addr, pc->sockaddr, pc->socklen);
    idle->next = *bucket;
    *bucket = idle;
    ngx_queue_insert_head(&conf->idle, &idle->queue);

    c->read->delayed = 0;
    ngx_add_timer(c->read, conf->keepalive_timeout);

    if (c->write->timer_set) {
        ngx_del_timer(c->write);
    }

    c->write->handler = ngx_http_faas_idle_empty_handler;
    c->read->handler = ngx_http_faas_idle_read_handler;

    c->data = idle;
    c->idle = 1;
    c->log = ngx_cycle->log;
    c->read->log = ngx_cycle->log;
    c->write->log = ngx_cycle->log;
    c->pool->log = ngx_cycle->log;

    if (c->read->ready) {
        ngx_http_faas_idle_read_handler(c->read);
    }
}


/*
 * A free one, or that of the connection which was unused the longest.
 */

static ngx_http_faas_idle_t *
ngx_http_faas_idle_new(ngx_http_faas_upstream_conf_t *conf)
{
    ngx_queue_t           *q;
    ngx_http_faas_idle_t  *idle;

    if (ngx_queue_empty(&conf->free)) {
        q = ngx_queue_last(&conf->idle);
        ngx_http_faas_idle_drop(ngx_queue_data(q, ngx_http_faas_idle_t,
                                               queue));
    }

    q = ngx_queue_head(&conf->free);
    idle = ngx_queue_data(q, ngx_http_faas_idle_t, queue);
    ngx_queue_remove(q);

    return idle;
}


/*
 * Off all lists.
 */

static void
ngx_http_faas_idle_take(ngx_http_faas_idle_t *idle)
{
    ngx_http_faas_idle_t  **p;

    p = &idle->conf->bucket[idle->hash & idle->conf->mask];

    while (*p != idle) {
        p = &(*p)->next;
    }

    *p = idle->next;

    ngx_queue_remove(&idle->queue);
    ngx_queue_insert_head(&idle->conf->free, &idle->queue);
}


static void
ngx_http_faas_idle_drop(ngx_http_faas_idle_t *idle)
{
    ngx_connection_t  *c;

    c = idle->connection;

    ngx_http_faas_idle_take(idle);
    ngx_http_faas_idle_close(c);
}


static ngx_int_t
ngx_http_faas_is_reusable(ngx_peer_connection_t *pc, ngx_http_upstream_t *u,
    ngx_http_faas_upstream_conf_t *conf, ngx_uint_t state)
{
    ngx_connection_t  *c;

    c = pc->connection;

    return conf->keepalive != 0
           && !(state & NGX_PEER_FAILED)
           && c != NULL
           && !c->read->eof
           && !c->read->error
           && !c->read->timedout
           && !c->write->error
           && !c->write->timedout
           && c->requests < conf->keepalive_requests
           && ngx_current_msec - c->start_time <= conf->keepalive_time
           && u->keepalive
           && u->request_body_sent
           && !ngx_terminate && !ngx_exiting
           && ngx_handle_read_event(c->read, 0) == NGX_OK;
}


static void
ngx_http_faas_idle_empty_handler(ngx_event_t *ev)
{
    ngx_log_debug0(NGX_LOG_DEBUG_HTTP, ev->log, 0,
                   "faas idle connection is writable");
}


/*
 * The replica has closed it, or sent what nobody asked for; or it has been
 * idle for too long, or the worker is leaving.
 */

static void
ngx_http_faas_idle_read_handler(ngx_event_t *ev)
{
    int                n;
    char               buf[1];
    ngx_connection_t  *c;

    c = ev->data;

    if (!c->close && !c->read->timedout) {

        n = recv(c->fd, buf, 1, MSG_PEEK);

        if (n == -1 && ngx_socket_errno == NGX_EAGAIN) {
            ev->ready = 0;

            if (ngx_handle_read_event(c->read, 0) == NGX_OK) {
                return;
            }
        }
    }

    ngx_http_faas_idle_drop(c->data);
}


static void
ngx_http_faas_idle_close(ngx_connection_t *c)
{
#if (NGX_HTTP_SSL)

    if (c->ssl) {
        c->ssl->no_wait_shutdown = 1;
        c->ssl->no_send_shutdown = 1;

        if (ngx_ssl_shutdown(c) == NGX_AGAIN) {
            c->ssl->handler = ngx_http_faas_idle_close;
            return;
        }
    }

#endif

    ngx_destroy_pool(c->pool);
    ngx_close_connection(c);
}

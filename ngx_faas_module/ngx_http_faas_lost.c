
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Requests at replicas that are lost: their node is gone, and nothing of it
 * will ever come, not even the end of a connection.  The scaler says so in
 * the route; each worker then ends its connections there, and nginx does what
 * it does where a replica closes one.
 */


#include "ngx_http_faas.h"


/* this process' */
static ngx_queue_t  ngx_http_faas_attempts;
static uint64_t     ngx_http_faas_lost_seen;


void
ngx_http_faas_lost_init(ngx_http_faas_zone_t *zone)
{
    ngx_queue_init(&ngx_http_faas_attempts);

    ngx_http_faas_lost_seen = ngx_http_faas_load(&zone->sh->h->lost);
}


void
ngx_http_faas_attempt_begin(ngx_http_faas_attempt_t *attempt, uint32_t rep)
{
    attempt->rep = rep;
    ngx_queue_insert_head(&ngx_http_faas_attempts, &attempt->queue);
}


void
ngx_http_faas_attempt_end(ngx_http_faas_attempt_t *attempt)
{
    attempt->rep = NGX_HTTP_FAAS_NONE;
    ngx_queue_remove(&attempt->queue);
}


void
ngx_http_faas_cut_lost(ngx_http_faas_zone_t *zone)
{
    uint64_t                  lost;
    ngx_queue_t              *q;
    ngx_connection_t         *c;
    ngx_http_faas_ctx_t      *ctx;
    ngx_http_faas_attempt_t  *attempt;

    lost = ngx_http_faas_load(&zone->sh->h->lost);

    if (lost == ngx_http_faas_lost_seen) {
        return;
    }

    ngx_http_faas_lost_seen = lost;

    for (q = ngx_queue_head(&ngx_http_faas_attempts);
         q != ngx_queue_sentinel(&ngx_http_faas_attempts);
         q = ngx_queue_next(q))
    {
        attempt = ngx_queue_data(q, ngx_http_faas_attempt_t, queue);
        ctx = attempt->ctx;
        c = attempt->request->upstream->peer.connection;

        if (c == NULL || ctx->is_lost
            || !ngx_http_faas_rep(zone->sh, attempt->rep)->is_lost)
        {
            continue;
        }

        ngx_log_error(NGX_LOG_WARN, attempt->request->connection->log, 0,
                      "faas: the replica \"%V\" of \"%V\" is lost, its "
                      "connection is ended", &ctx->replica, &ctx->key);

        ctx->is_lost = 1;

        /* its end comes as an event: the request knows what to do then */

        if (shutdown(c->fd, SHUT_RDWR) == -1 && ngx_errno != NGX_ENOTCONN) {
            ngx_log_error(NGX_LOG_ALERT, c->log, ngx_errno,
                          "shutdown() failed");
        }
    }
}

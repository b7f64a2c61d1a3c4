
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Functions that requests wait for, and how many of them, to the scaler; done
 * by the leader.  What is not sent, or lost, is wanted again: workers ask anew
 * as long as requests wait.
 */


#include "ngx_http_faas.h"


static void ngx_http_faas_wake_fn(ngx_http_faas_conn_t *conn, uint32_t fn);
static void ngx_http_faas_wake_done(ngx_http_faas_conn_t *conn,
    redisReply *reply);


/* this process' */
static ngx_http_faas_main_conf_t  *ngx_http_faas_wake_conf;
static uint64_t                    ngx_http_faas_wake_seen;


void
ngx_http_faas_wake_start(ngx_http_faas_main_conf_t *fmcf)
{
    /* behind everything: the first look is at all functions */

    ngx_http_faas_wake_conf = fmcf;
    ngx_http_faas_wake_seen = 0;
}


void
ngx_http_faas_wake_stop(void)
{
    ngx_http_faas_wake_conf = NULL;
}


void
ngx_http_faas_wake_send(void)
{
    uint32_t               i;
    uint64_t               wakes, seen;
    ngx_http_faas_shm_t   *sh;
    ngx_http_faas_conn_t  *conn;

    if (ngx_http_faas_wake_conf == NULL) {
        return;
    }

    sh = ngx_http_faas_wake_conf->zone->sh;
    seen = ngx_http_faas_wake_seen;
    wakes = ngx_http_faas_load(&sh->h->wakes);

    if (wakes == seen) {
        return;
    }

    conn = ngx_http_faas_flush_conn();

    if (conn == NULL) {
        return;
    }

    ngx_http_faas_wake_seen = wakes;

    if (seen == 0 || wakes - seen > NGX_HTTP_FAAS_WAKES) {

        for (i = 0; i < sh->h->fn_high; i++) {
            ngx_http_faas_wake_fn(conn, i);
        }

        return;
    }

    for ( /* void */ ; seen != wakes; seen++) {
        i = ngx_http_faas_load(&sh->h->wake[seen % NGX_HTTP_FAAS_WAKES]);

        if (i < sh->fns) {
            ngx_http_faas_wake_fn(conn, i);
        }
    }
}


static void
ngx_http_faas_wake_fn(ngx_http_faas_conn_t *conn, uint32_t fn)
{
    size_t                len[12];
    u_char                max[NGX_INT64_LEN + 1], parked[NGX_INT64_LEN + 1];
    ngx_uint_t            i;
    const char           *argv[12];
    ngx_http_faas_fn_t   *f;
    ngx_http_faas_shm_t  *sh;

    sh = ngx_http_faas_wake_conf->zone->sh;
    f = &sh->fn[fn];

    if (__atomic_exchange_n(&f->is_wanted, 0, __ATOMIC_SEQ_CST) == 0
        || f->state != NGX_HTTP_FAAS_FN_LIVE)
    {
        return;
    }

    ngx_sprintf(max, "%i%Z", (ngx_int_t) FAAS_WAKES_MAX);
    ngx_sprintf(parked, "%uD%Z", ngx_http_faas_load(&f->waiting));

    argv[0] = "XADD";
    argv[1] = (char *) ngx_http_faas_wake_conf->redis.wake;
    argv[2] = "MAXLEN";
    argv[3] = "~";
    argv[4] = (char *) max;
    argv[5] = "*";
    argv[6] = FAAS_WAKE_NAME;
    argv[7] = (char *) f->key;
    argv[8] = FAAS_WAKE_GATEWAY;
    argv[9] = (char *) sh->h->gateway;
    argv[10] = FAAS_WAKE_PARKED;
    argv[11] = (char *) parked;

    for (i = 0; i < 12; i++) {
        len[i] = (i == 7) ? f->len : ngx_strlen(argv[i]);
    }

    (void) ngx_http_faas_conn_send(conn, ngx_http_faas_wake_done, 0, 12, argv,
                                   len);
}


static void
ngx_http_faas_wake_done(ngx_http_faas_conn_t *conn, redisReply *reply)
{
    if (reply->type == REDIS_REPLY_ERROR) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "faas: Redis at \"%V\" refuses the call for a replica "
                      "(\"%s\"), trying again while requests wait",
                      &conn->conf->addr, reply->str);
    }
}

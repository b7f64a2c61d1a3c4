
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * How workers tell one another that there is something to do.  Each lane has
 * an eventfd, made with the zone and inherited by all workers, those of
 * another configuration or binary included.
 *
 * Signals carry nothing: who gets one looks at its parked requests, for
 * replicas that are lost, and, if it is the leader, at the functions that are
 * wanted.
 */


#include "ngx_http_faas.h"

#include <ngx_channel.h>


static void ngx_http_faas_signal_handler(ngx_event_t *ev);


/* this process' */
static ngx_http_faas_main_conf_t  *ngx_http_faas_signal_conf;


ngx_int_t
ngx_http_faas_signal_init(ngx_cycle_t *cycle, ngx_http_faas_main_conf_t *fmcf)
{
    ngx_http_faas_lane_t  *lane;

    ngx_http_faas_signal_conf = fmcf;

    lane = &fmcf->zone->sh->lane[fmcf->zone->lane];

    ngx_http_faas_store(&lane->is_signalled, 0);

    return ngx_add_channel_event(cycle, lane->signal, NGX_READ_EVENT,
                                 ngx_http_faas_signal_handler);
}


void
ngx_http_faas_signal(ngx_http_faas_shm_t *sh, ngx_uint_t i)
{
    uint64_t               one;
    ngx_http_faas_lane_t  *lane;

    lane = &sh->lane[i];

    /* it has a signal that it has not seen yet: one is as good as two */

    if (__atomic_exchange_n(&lane->is_signalled, 1, __ATOMIC_SEQ_CST) != 0) {
        return;
    }

    one = 1;

    if (write(lane->signal, &one, sizeof(uint64_t)) == -1
        && ngx_errno != NGX_EAGAIN)
    {
        ngx_log_error(NGX_LOG_ALERT, ngx_cycle->log, ngx_errno,
                      "faas: write() to eventfd %d failed", lane->signal);
    }
}


ngx_uint_t
ngx_http_faas_oldest(ngx_http_faas_shm_t *sh, uint32_t fn)
{
    uint64_t    head, least;
    ngx_uint_t  i, oldest;

    least = 0;
    oldest = NGX_HTTP_FAAS_NONE;

    for (i = 0; i < sh->lanes - 1; i++) {
        head = __atomic_load_n(&ngx_http_faas_stat(sh, i, fn)->head,
                               __ATOMIC_SEQ_CST);

        if (head == 0 || (least != 0 && head > least)
            || ngx_http_faas_pid_is_dead(sh->lane[i].pid))
        {
            continue;
        }

        least = head;
        oldest = i;
    }

    return oldest;
}


void
ngx_http_faas_changed(ngx_http_faas_shm_t *sh, uint32_t fn)
{
    ngx_uint_t  i;

    if (ngx_http_faas_load(&sh->fn[fn].waiting) == 0) {
        return;
    }

    for (i = 0; i < sh->lanes; i++) {

        if (faas_gauge_count(ngx_http_faas_load(
                                  &ngx_http_faas_stat(sh, i, fn)->parked))
            != 0)
        {
            ngx_http_faas_signal(sh, i);
        }
    }
}


void
ngx_http_faas_changed_all(ngx_http_faas_shm_t *sh)
{
    ngx_uint_t  i;

    for (i = 0; i < sh->lanes; i++) {
        if (ngx_http_faas_load(&sh->lane[i].parked) != 0) {
            ngx_http_faas_signal(sh, i);
        }
    }
}


void
ngx_http_faas_signal_all(ngx_http_faas_shm_t *sh)
{
    ngx_uint_t  i;

    for (i = 0; i < sh->lanes; i++) {
        if (ngx_http_faas_load(&sh->lane[i].pid) != 0) {
            ngx_http_faas_signal(sh, i);
        }
    }
}


void
ngx_http_faas_want(ngx_http_faas_zone_t *zone, uint32_t fn)
{
    uint32_t              waiting;
    uint64_t              i, now, wanted;
    ngx_http_faas_fn_t   *f;
    ngx_http_faas_shm_t  *sh;

    sh = zone->sh;
    f = &sh->fn[fn];

    now = ngx_http_faas_clock(sh) + 1;
    wanted = ngx_http_faas_load(&f->wanted);
    waiting = ngx_http_faas_load(&f->waiting);

    if (wanted != 0 && now - wanted < FAAS_WAKE_INTERVAL
        && waiting < 2 * ngx_http_faas_load(&f->crowd))
    {
        return;
    }

    /* of many workers one asks */

    if (!__atomic_compare_exchange_n(&f->wanted, &wanted, now, 0,
                                     __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
    {
        return;
    }

    ngx_http_faas_store(&f->crowd, ngx_max(waiting, 1));
    ngx_http_faas_store(&f->is_wanted, 1);

    i = ngx_http_faas_add(&sh->h->wakes, 1) - 1;
    ngx_http_faas_store(&sh->h->wake[i % NGX_HTTP_FAAS_WAKES], fn);

    ngx_http_faas_signal(sh, ngx_http_faas_load(&sh->h->leader_lane));
}


static void
ngx_http_faas_signal_handler(ngx_event_t *ev)
{
    uint64_t               n;
    ngx_connection_t      *c;
    ngx_http_faas_lane_t  *lane;
    ngx_http_faas_zone_t  *zone;

    c = ev->data;

    zone = ngx_http_faas_signal_conf->zone;
    lane = &zone->sh->lane[zone->lane];

    if (read(c->fd, &n, sizeof(uint64_t)) == -1 && ngx_errno != NGX_EAGAIN) {
        ngx_log_error(NGX_LOG_ALERT, ev->log, ngx_errno,
                      "faas: read() of eventfd %d failed", c->fd);
        return;
    }

    /* before anything is looked at: what comes later signals again */

    __atomic_store_n(&lane->is_signalled, 0, __ATOMIC_SEQ_CST);

    ngx_http_faas_look();
    ngx_http_faas_cut_lost(zone);
    ngx_http_faas_wake_send();
}

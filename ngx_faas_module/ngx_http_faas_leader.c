
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Which worker talks to Redis: the one that holds the lease in the zone.  It
 * renews it each tick; another takes it when it has run out or its holder is
 * dead.  Two leaders for a moment do no harm: routes carry revisions, and
 * loads are absolute.
 */


#include "ngx_http_faas.h"


static void ngx_http_faas_leader_tick(ngx_event_t *ev);
static ngx_int_t ngx_http_faas_leader_lease(ngx_http_faas_zone_t *zone);


/* this process' */
static ngx_http_faas_leader_t  ngx_http_faas_leader;


ngx_int_t
ngx_http_faas_leader_init(ngx_cycle_t *cycle, ngx_http_faas_main_conf_t *fmcf)
{
    ngx_http_faas_leader_t  *leader;

    leader = &ngx_http_faas_leader;

    ngx_memzero(leader, sizeof(ngx_http_faas_leader_t));

    leader->conf = fmcf;
    leader->timer.handler = ngx_http_faas_leader_tick;
    leader->timer.data = leader;
    leader->timer.log = cycle->log;
    leader->timer.cancelable = 1;

    /* the first turn of the loop is soon enough */

    ngx_add_timer(&leader->timer, 1);

    return NGX_OK;
}


void
ngx_http_faas_leader_resign(void)
{
    ngx_http_faas_zone_t    *zone;
    ngx_http_faas_leader_t  *leader;

    leader = &ngx_http_faas_leader;

    if (leader->timer.timer_set) {
        ngx_del_timer(&leader->timer);
    }

    if (!leader->is_leader) {
        return;
    }

    leader->is_leader = 0;

    ngx_http_faas_sync_stop();
    ngx_http_faas_flush_stop();
    ngx_http_faas_wake_stop();
    ngx_http_faas_state_stop();

    zone = leader->conf->zone;

    ngx_http_faas_lock(zone->sh);

    if (zone->sh->h->leader_pid == (uint64_t) ngx_pid) {
        zone->sh->h->leader_pid = 0;
    }

    ngx_http_faas_unlock(zone->sh);
}


static void
ngx_http_faas_leader_tick(ngx_event_t *ev)
{
    ngx_uint_t               n;
    ngx_http_faas_leader_t  *leader;

    leader = ev->data;

    if (ngx_exiting) {
        ngx_http_faas_leader_resign();
        return;
    }

    if (ngx_http_faas_leader_lease(leader->conf->zone) == NGX_OK) {

        if (!leader->is_leader) {
            leader->is_leader = 1;

            ngx_log_error(NGX_LOG_INFO, ev->log, 0,
                          "faas: this worker follows routes and reports load");

            ngx_http_faas_sync_start(leader->conf);
            ngx_http_faas_flush_start(leader->conf);
            ngx_http_faas_wake_start(leader->conf);
            ngx_http_faas_state_start(leader->conf);
        }

        n = ngx_http_faas_lanes_sweep(leader->conf->zone);

        if (n != 0) {
            ngx_log_error(NGX_LOG_WARN, ev->log, 0,
                          "faas: took back what %ui dead workers had in "
                          "flight", n);

            ngx_http_faas_changed_all(leader->conf->zone->sh);
        }

    } else if (leader->is_leader) {
        ngx_log_error(NGX_LOG_WARN, ev->log, 0,
                      "faas: another worker took the lead");

        ngx_http_faas_leader_resign();
    }

    ngx_add_timer(ev, NGX_HTTP_FAAS_LEADER_TICK);
}


static ngx_int_t
ngx_http_faas_leader_lease(ngx_http_faas_zone_t *zone)
{
    ngx_int_t             rc;
    ngx_http_faas_shm_t  *sh;

    sh = zone->sh;
    rc = NGX_DECLINED;

    ngx_http_faas_lock(zone->sh);

    if (sh->h->leader_pid == 0 || sh->h->leader_pid == (uint64_t) ngx_pid
        || (ngx_msec_int_t) (sh->h->leader_until - ngx_current_msec) < 0
        || ngx_http_faas_pid_is_dead(sh->h->leader_pid))
    {
        sh->h->leader_pid = (uint64_t) ngx_pid;
        sh->h->leader_lane = (uint32_t) zone->lane;
        sh->h->leader_until = (uint64_t) ngx_current_msec + NGX_HTTP_FAAS_LEASE;
        rc = NGX_OK;
    }

    ngx_http_faas_unlock(zone->sh);

    return rc;
}

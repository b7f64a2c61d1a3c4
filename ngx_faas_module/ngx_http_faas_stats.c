
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Counters, in the lane of this process; and the repair of the lanes of
 * processes that were killed.
 *
 * All updates are atomic additions: the last lane may be shared, by workers
 * that found no lane of their own.
 */


#include "ngx_http_faas.h"


static ngx_uint_t ngx_http_faas_status(ngx_http_request_t *r);
static void ngx_http_faas_lane_repair_locked(ngx_http_faas_shm_t *sh,
    ngx_uint_t lane);


void
ngx_http_faas_lane_claim(ngx_http_faas_zone_t *zone, ngx_log_t *log)
{
    ngx_uint_t            i;
    ngx_http_faas_shm_t  *sh;

    sh = zone->sh;

    ngx_http_faas_lock(zone->sh);

    /* the last is nobody's own */

    for (i = 0; i < sh->lanes - 1; i++) {

        if (ngx_http_faas_pid_is_dead(sh->lane[i].pid)) {
            ngx_http_faas_lane_repair_locked(sh, i);
            sh->lane[i].pid = 0;
        }

        if (sh->lane[i].pid == 0) {
            sh->lane[i].pid = (uint64_t) ngx_pid;
            break;
        }
    }

    zone->lane = i;

    ngx_http_faas_unlock(zone->sh);

    if (i == sh->lanes - 1) {
        ngx_log_error(NGX_LOG_WARN, log, 0,
                      "faas: all %uD lanes of the zone are taken by workers "
                      "that are still shutting down; this worker shares the "
                      "last one", sh->lanes - 1);
    }
}


void
ngx_http_faas_lane_release(ngx_http_faas_zone_t *zone)
{
    ngx_http_faas_lock(zone->sh);

    if (zone->sh->lane[zone->lane].pid == (uint64_t) ngx_pid) {
        ngx_http_faas_lane_repair_locked(zone->sh, zone->lane);
        zone->sh->lane[zone->lane].pid = 0;
    }

    ngx_http_faas_unlock(zone->sh);
}


ngx_uint_t
ngx_http_faas_lanes_sweep(ngx_http_faas_zone_t *zone)
{
    ngx_uint_t            i, n;
    ngx_http_faas_shm_t  *sh;

    sh = zone->sh;
    n = 0;

    for (i = 0; i < sh->lanes - 1; i++) {

        if (!ngx_http_faas_pid_is_dead(sh->lane[i].pid)) {
            continue;
        }

        ngx_http_faas_lock(zone->sh);

        if (ngx_http_faas_pid_is_dead(sh->lane[i].pid)) {
            ngx_http_faas_lane_repair_locked(sh, i);
            sh->lane[i].pid = 0;
            n++;
        }

        ngx_http_faas_unlock(zone->sh);
    }

    return n;
}


void
ngx_http_faas_stat_start(ngx_http_faas_zone_t *zone, uint32_t fn)
{
    ngx_http_faas_stat_t  *stat;

    stat = ngx_http_faas_stat(zone->sh, zone->lane, fn);

    ngx_http_faas_add(&stat->busy,
                      faas_gauge_enter(ngx_http_faas_clock(zone->sh)));
    ngx_http_faas_add(&stat->started, 1);
}


void
ngx_http_faas_stat_undo(ngx_http_faas_zone_t *zone, uint32_t fn)
{
    ngx_http_faas_add(&ngx_http_faas_stat(zone->sh, zone->lane, fn)->started,
                      -1);
    ngx_http_faas_stat_leave(zone, fn);
}


void
ngx_http_faas_stat_enter(ngx_http_faas_zone_t *zone, uint32_t fn)
{
    ngx_http_faas_add(&ngx_http_faas_stat(zone->sh, zone->lane, fn)->busy,
                      faas_gauge_enter(ngx_http_faas_clock(zone->sh)));
}


void
ngx_http_faas_stat_leave(ngx_http_faas_zone_t *zone, uint32_t fn)
{
    ngx_http_faas_add(&ngx_http_faas_stat(zone->sh, zone->lane, fn)->busy,
                      faas_gauge_leave(ngx_http_faas_clock(zone->sh)));
}


void
ngx_http_faas_stat_park(ngx_http_faas_zone_t *zone, uint32_t fn)
{
    ngx_http_faas_add(&zone->sh->lane[zone->lane].parked, 1);
    ngx_http_faas_add(&ngx_http_faas_stat(zone->sh, zone->lane, fn)->parked,
                      faas_gauge_enter(ngx_http_faas_clock(zone->sh)));
}


void
ngx_http_faas_stat_unpark(ngx_http_faas_zone_t *zone, uint32_t fn)
{
    ngx_http_faas_add(&ngx_http_faas_stat(zone->sh, zone->lane, fn)->parked,
                      faas_gauge_leave(ngx_http_faas_clock(zone->sh)));
    ngx_http_faas_add(&zone->sh->lane[zone->lane].parked, -1);
}


uint64_t
ngx_http_faas_stat_parked(ngx_http_faas_shm_t *sh, uint32_t fn)
{
    uint64_t    n;
    ngx_uint_t  i;

    n = 0;

    for (i = 0; i < sh->lanes; i++) {
        n += faas_gauge_count(ngx_http_faas_load(
                                  &ngx_http_faas_stat(sh, i, fn)->parked));
    }

    return n;
}


uint64_t
ngx_http_faas_stat_parked_all(ngx_http_faas_shm_t *sh)
{
    uint64_t    n;
    ngx_uint_t  i;

    n = 0;

    for (i = 0; i < sh->lanes; i++) {
        n += ngx_http_faas_load(&sh->lane[i].parked);
    }

    return n;
}


void
ngx_http_faas_stat_finish(ngx_http_faas_zone_t *zone, uint32_t fn,
    ngx_uint_t status, uint64_t usec)
{
    ngx_http_faas_stat_t  *stat;

    stat = ngx_http_faas_stat(zone->sh, zone->lane, fn);

    /* the bucket first: who sees that finished has grown finds it there */

    ngx_http_faas_hist_add(zone, ngx_http_faas_fn_series(zone, fn, status),
                           usec);

    ngx_http_faas_add(&stat->finished, 1);

    if (status >= 500) {
        ngx_http_faas_add(&stat->failed, 1);
    }
}


void
ngx_http_faas_hist_add(ngx_http_faas_zone_t *zone, uint32_t series,
    uint64_t usec)
{
    ngx_http_faas_hist_t  *hist;

    if (series >= zone->sh->serieses) {
        return;
    }

    hist = ngx_http_faas_hist(zone->sh, zone->lane % zone->sh->stripes,
                              series);

    ngx_http_faas_add(&hist->bucket[faas_hist_bucket(usec)], 1);
    ngx_http_faas_add(&hist->usec, usec);
}


void
ngx_http_faas_stat_sum(ngx_http_faas_shm_t *sh, uint32_t fn,
    ngx_http_faas_sum_t *sum)
{
    uint64_t               busy, parked, clock;
    ngx_uint_t             i;
    ngx_http_faas_stat_t  *stat;

    ngx_memzero(sum, sizeof(ngx_http_faas_sum_t));

    clock = ngx_http_faas_clock(sh);

    for (i = 0; i < sh->lanes; i++) {
        stat = ngx_http_faas_stat(sh, i, fn);

        /* finished first: it is never seen above started */

        sum->finished += ngx_http_faas_load(&stat->finished);
        sum->failed += ngx_http_faas_load(&stat->failed);
        sum->started += ngx_http_faas_load(&stat->started);
        sum->retries += ngx_http_faas_load(&stat->retries);
        sum->submitted += ngx_http_faas_load(&stat->submitted);

        busy = ngx_http_faas_load(&stat->busy);
        parked = ngx_http_faas_load(&stat->parked);

        sum->inflight += faas_gauge_count(busy);
        sum->busy += faas_gauge_integral(busy, clock);
        sum->parked += faas_gauge_count(parked);
        sum->waited += faas_gauge_integral(parked, clock);
    }

    sum->busy &= FAAS_GAUGE_TIME;
    sum->waited &= FAAS_GAUGE_TIME;
}


void
ngx_http_faas_hist_sum(ngx_http_faas_shm_t *sh, uint32_t series,
    ngx_http_faas_hist_t *sum)
{
    ngx_uint_t             i, j;
    ngx_http_faas_hist_t  *hist;

    ngx_memzero(sum, sizeof(ngx_http_faas_hist_t));

    for (i = 0; i < sh->stripes; i++) {
        hist = ngx_http_faas_hist(sh, i, series);

        for (j = 0; j < FAAS_HIST_BUCKETS; j++) {
            sum->bucket[j] += ngx_http_faas_load(&hist->bucket[j]);
        }

        sum->usec += ngx_http_faas_load(&hist->usec);
    }
}


void
ngx_http_faas_stat_clear_locked(ngx_http_faas_shm_t *sh, uint32_t fn)
{
    ngx_uint_t  i;

    for (i = 0; i < sh->lanes; i++) {
        ngx_memzero(ngx_http_faas_stat(sh, i, fn),
                    sizeof(ngx_http_faas_stat_t));
    }
}


void
ngx_http_faas_hist_clear_locked(ngx_http_faas_shm_t *sh, uint32_t series)
{
    ngx_uint_t  i;

    for (i = 0; i < sh->stripes; i++) {
        ngx_memzero(ngx_http_faas_hist(sh, i, series),
                    sizeof(ngx_http_faas_hist_t));
    }
}


void
ngx_http_faas_stat_count(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx)
{
    uint64_t  ended;

    if (ctx->is_finished) {
        return;
    }

    ctx->is_finished = 1;

    ended = ctx->ended != 0 ? ctx->ended : ngx_http_faas_usec();

    ngx_http_faas_stat_finish(ctx->conf->zone, ctx->fn,
                              ngx_http_faas_status(r), ended - ctx->started);
}


uint64_t
ngx_http_faas_usec(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}


ngx_int_t
ngx_http_faas_log_handler(ngx_http_request_t *r)
{
    ngx_http_faas_ctx_t  *ctx;

    if (r != r->main) {
        return NGX_OK;
    }

    ctx = ngx_http_faas_get_ctx(r);

    if (ctx != NULL && ctx->is_counted) {
        ngx_http_faas_stat_count(r, ctx);
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_faas_status(ngx_http_request_t *r)
{
    ngx_http_upstream_state_t  *state;

    if (r->err_status) {
        return r->err_status;
    }

    if (r->headers_out.status) {
        return r->headers_out.status;
    }

    /* the function's own, which an error_page has replaced */

    if (r->upstream_states != NULL && r->upstream_states->nelts != 0) {
        state = r->upstream_states->elts;
        state += r->upstream_states->nelts - 1;

        if (state->status) {
            return state->status;
        }
    }

    /* a client that went away before any answer */

    return NGX_HTTP_CLIENT_CLOSED_REQUEST;
}


/*
 * EPERM means that it lives, as another user.
 */

ngx_int_t
ngx_http_faas_pid_is_dead(uint64_t pid)
{
    return pid != 0 && kill((pid_t) pid, 0) == -1 && ngx_errno == NGX_ESRCH;
}


/*
 * What a process that is gone had in flight, or parked, ends now.
 */

static void
ngx_http_faas_lane_repair_locked(ngx_http_faas_shm_t *sh, ngx_uint_t lane)
{
    uint32_t               i, waiting;
    uint64_t               clock;
    ngx_http_faas_stat_t  *stat;

    clock = ngx_http_faas_clock(sh);

    for (i = 0; i < sh->h->fn_high; i++) {
        stat = ngx_http_faas_stat(sh, lane, i);
        waiting = (uint32_t) faas_gauge_count(stat->parked);

        ngx_http_faas_add(&stat->busy, faas_gauge_leave_all(stat->busy,
                                                            clock));

        if (waiting != 0) {
            ngx_http_faas_add(&stat->parked,
                              faas_gauge_leave_all(stat->parked, clock));
            ngx_http_faas_add(&sh->fn[i].waiting, - waiting);
        }

        ngx_http_faas_store(&stat->head, 0);
    }

    for (i = 0; i < sh->h->rep_high; i++) {
        ngx_http_faas_store(ngx_http_faas_held(sh, lane, i), 0);
    }

    ngx_http_faas_store(&sh->lane[lane].parked, 0);
    ngx_http_faas_store(&sh->lane[lane].is_signalled, 0);
}

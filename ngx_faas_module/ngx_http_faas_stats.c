
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
static ngx_int_t ngx_http_faas_pid_is_dead(uint64_t pid);
static void ngx_http_faas_lane_repair_locked(ngx_http_faas_shm_t *sh,
    ngx_uint_t lane);


void
ngx_http_faas_lane_claim(ngx_http_faas_zone_t *zone, ngx_log_t *log)
{
    ngx_uint_t            i;
    ngx_http_faas_shm_t  *sh;

    sh = zone->sh;

    ngx_shmtx_lock(&zone->shpool->mutex);

    /* the last is nobody's own */

    for (i = 0; i < sh->lanes - 1; i++) {

        if (ngx_http_faas_pid_is_dead(sh->lane_pid[i])) {
            ngx_http_faas_lane_repair_locked(sh, i);
            sh->lane_pid[i] = 0;
        }

        if (sh->lane_pid[i] == 0) {
            sh->lane_pid[i] = (uint64_t) ngx_pid;
            break;
        }
    }

    zone->lane = i;

    ngx_shmtx_unlock(&zone->shpool->mutex);

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
    ngx_shmtx_lock(&zone->shpool->mutex);

    if (zone->sh->lane_pid[zone->lane] == (uint64_t) ngx_pid) {
        ngx_http_faas_lane_repair_locked(zone->sh, zone->lane);
        zone->sh->lane_pid[zone->lane] = 0;
    }

    ngx_shmtx_unlock(&zone->shpool->mutex);
}


ngx_uint_t
ngx_http_faas_lanes_sweep(ngx_http_faas_zone_t *zone)
{
    ngx_uint_t            i, n;
    ngx_http_faas_shm_t  *sh;

    sh = zone->sh;
    n = 0;

    for (i = 0; i < sh->lanes - 1; i++) {

        if (!ngx_http_faas_pid_is_dead(sh->lane_pid[i])) {
            continue;
        }

        ngx_shmtx_lock(&zone->shpool->mutex);

        if (ngx_http_faas_pid_is_dead(sh->lane_pid[i])) {
            ngx_http_faas_lane_repair_locked(sh, i);
            sh->lane_pid[i] = 0;
            n++;
        }

        ngx_shmtx_unlock(&zone->shpool->mutex);
    }

    return n;
}


void
ngx_http_faas_stat_start(ngx_http_faas_zone_t *zone, uint32_t fn)
{
    ngx_http_faas_stat_t  *stat;

    stat = &zone->sh->stat[zone->lane][fn];

    ngx_http_faas_add(&stat->busy,
                      faas_gauge_enter(ngx_http_faas_clock(zone->sh)));
    ngx_http_faas_add(&stat->started, 1);
}


void
ngx_http_faas_stat_undo(ngx_http_faas_zone_t *zone, uint32_t fn)
{
    ngx_http_faas_add(&zone->sh->stat[zone->lane][fn].started, -1);
    ngx_http_faas_stat_leave(zone, fn);
}


void
ngx_http_faas_stat_leave(ngx_http_faas_zone_t *zone, uint32_t fn)
{
    ngx_http_faas_add(&zone->sh->stat[zone->lane][fn].busy,
                      faas_gauge_leave(ngx_http_faas_clock(zone->sh)));
}


void
ngx_http_faas_stat_finish(ngx_http_faas_zone_t *zone, uint32_t fn,
    ngx_uint_t status, uint64_t usec)
{
    uint32_t               series;
    ngx_http_faas_hist_t  *hist;
    ngx_http_faas_stat_t  *stat;

    stat = &zone->sh->stat[zone->lane][fn];

    ngx_http_faas_add(&stat->finished, 1);

    if (status >= 500) {
        ngx_http_faas_add(&stat->failed, 1);
    }

    series = ngx_http_faas_fn_series(zone, fn, status);

    if (series != NGX_HTTP_FAAS_NONE) {
        hist = &zone->sh->hist[zone->lane][series];

        ngx_http_faas_add(&hist->bucket[faas_hist_bucket(usec)], 1);
        ngx_http_faas_add(&hist->usec, usec);
    }
}


void
ngx_http_faas_stat_sum(ngx_http_faas_shm_t *sh, uint32_t fn,
    ngx_http_faas_stat_t *sum, uint64_t *integral, uint64_t *inflight)
{
    uint64_t               busy, clock;
    ngx_uint_t             i;
    ngx_http_faas_stat_t  *stat;

    ngx_memzero(sum, sizeof(ngx_http_faas_stat_t));

    *integral = 0;
    *inflight = 0;
    clock = ngx_http_faas_clock(sh);

    for (i = 0; i < sh->lanes; i++) {
        stat = &sh->stat[i][fn];

        /* finished first: it is never seen above started */

        sum->finished += ngx_http_faas_load(&stat->finished);
        sum->failed += ngx_http_faas_load(&stat->failed);
        sum->started += ngx_http_faas_load(&stat->started);

        busy = ngx_http_faas_load(&stat->busy);

        *inflight += faas_gauge_count(busy);
        *integral += faas_gauge_integral(busy, clock);
    }

    *integral &= FAAS_GAUGE_TIME;
}


void
ngx_http_faas_hist_sum(ngx_http_faas_shm_t *sh, uint32_t series,
    ngx_http_faas_hist_t *sum)
{
    ngx_uint_t             i, j;
    ngx_http_faas_hist_t  *hist;

    ngx_memzero(sum, sizeof(ngx_http_faas_hist_t));

    for (i = 0; i < sh->lanes; i++) {
        hist = &sh->hist[i][series];

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
        ngx_memzero(&sh->stat[i][fn], sizeof(ngx_http_faas_stat_t));
    }
}


void
ngx_http_faas_hist_clear_locked(ngx_http_faas_shm_t *sh, uint32_t series)
{
    ngx_uint_t  i;

    for (i = 0; i < sh->lanes; i++) {
        ngx_memzero(&sh->hist[i][series], sizeof(ngx_http_faas_hist_t));
    }
}


void
ngx_http_faas_stat_count(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx)
{
    uint64_t         usec;
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    usec = (uint64_t) ts.tv_sec * 1000000 + ts.tv_nsec / 1000 - ctx->started;

    ngx_http_faas_stat_finish(ctx->conf->zone, ctx->fn,
                              ngx_http_faas_status(r), usec);
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

static ngx_int_t
ngx_http_faas_pid_is_dead(uint64_t pid)
{
    return pid != 0 && kill((pid_t) pid, 0) == -1 && ngx_errno == NGX_ESRCH;
}


/*
 * What a process that is gone had in flight ends now.
 */

static void
ngx_http_faas_lane_repair_locked(ngx_http_faas_shm_t *sh, ngx_uint_t lane)
{
    uint32_t   i;
    uint64_t  *busy;

    for (i = 0; i < sh->fn_high; i++) {
        busy = &sh->stat[lane][i].busy;

        ngx_http_faas_add(busy, faas_gauge_leave_all(*busy,
                                                ngx_http_faas_clock(sh)));
    }

    for (i = 0; i < sh->reps; i++) {
        if (sh->held[lane][i] != 0) {
            ngx_http_faas_add(&sh->rep[i].inflight,
                              - (uint64_t) sh->held[lane][i]);
            sh->held[lane][i] = 0;
        }
    }
}

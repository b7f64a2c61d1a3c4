
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Making the shared memory zone.
 */


#include "ngx_http_faas.h"


#define NGX_HTTP_FAAS_ALIGN         64  /* bytes: a cache line */
#define NGX_HTTP_FAAS_FNS_MIN       16  /* functions, or the zone is refused */

#define ngx_http_faas_round(n)                                               \
    (((n) + NGX_HTTP_FAAS_ALIGN - 1) & ~((size_t) NGX_HTTP_FAAS_ALIGN - 1))


/* the sizes of the arrays, and where they begin behind the header */

typedef struct {
    size_t      fns;
    size_t      reps;
    size_t      extents;
    size_t      serieses;
    size_t      index_size;
    size_t      lanes;

    size_t      fn;
    size_t      rep;
    size_t      extent;
    size_t      series;
    size_t      slot[2];
    size_t      lane_pid;
    size_t      stat;
    size_t      hist;
    size_t      held;
    size_t      lane;
    size_t      lane_size;
    size_t      size;           /* of all */
} ngx_http_faas_layout_t;


static ngx_int_t ngx_http_faas_zone_reuse(ngx_shm_zone_t *shm_zone,
    ngx_http_faas_zone_t *ozone);
static ngx_int_t ngx_http_faas_zone_create(ngx_shm_zone_t *shm_zone);
static ngx_uint_t ngx_http_faas_zone_lanes(ngx_shm_zone_t *shm_zone);
static void ngx_http_faas_layout_fit(ngx_http_faas_layout_t *layout,
    size_t lanes, size_t room);
static void ngx_http_faas_layout(ngx_http_faas_layout_t *layout, size_t fns,
    size_t lanes);
static size_t ngx_http_faas_layout_lane(ngx_http_faas_layout_t *layout,
    size_t *hist, size_t *held);
static void ngx_http_faas_zone_carve(ngx_http_faas_shm_t *sh,
    ngx_http_faas_layout_t *layout);
static void ngx_http_faas_zone_link(ngx_http_faas_shm_t *sh);
static void ngx_http_faas_zone_name(ngx_http_faas_shm_t *sh);


ngx_int_t
ngx_http_faas_zone_init(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_http_faas_zone_t  *ozone = data;

    if (ozone != NULL) {
        return ngx_http_faas_zone_reuse(shm_zone, ozone);
    }

    return ngx_http_faas_zone_create(shm_zone);
}


static ngx_int_t
ngx_http_faas_zone_reuse(ngx_shm_zone_t *shm_zone,
    ngx_http_faas_zone_t *ozone)
{
    ngx_uint_t             lanes;
    ngx_http_faas_zone_t  *zone;

    zone = shm_zone->data;

    if (ozone->sh->magic != NGX_HTTP_FAAS_MAGIC
        || ozone->sh->layout != NGX_HTTP_FAAS_LAYOUT)
    {
        ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                      "faas_zone \"%V\" was made by another version of the "
                      "module: restart nginx instead of reloading it",
                      &shm_zone->shm.name);
        return NGX_ERROR;
    }

    zone->sh = ozone->sh;
    zone->shpool = ozone->shpool;

    lanes = ngx_http_faas_zone_lanes(shm_zone);

    if (lanes > zone->sh->lanes) {
        ngx_log_error(NGX_LOG_WARN, shm_zone->shm.log, 0,
                      "faas_zone \"%V\" was made for fewer workers (%uD lanes, "
                      "%ui wanted): some will share one until nginx is "
                      "restarted",
                      &shm_zone->shm.name, zone->sh->lanes, lanes);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_zone_create(ngx_shm_zone_t *shm_zone)
{
    ngx_slab_pool_t         *shpool;
    ngx_http_faas_shm_t     *sh;
    ngx_http_faas_zone_t    *zone;
    ngx_http_faas_layout_t   layout;

    zone = shm_zone->data;
    shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    /* all but the last page: one block has to fit between others */

    ngx_http_faas_layout_fit(&layout, ngx_http_faas_zone_lanes(shm_zone),
                             shpool->pfree > 1
                             ? (shpool->pfree - 1) * ngx_pagesize : 0);

    if (layout.fns < NGX_HTTP_FAAS_FNS_MIN) {
        ngx_http_faas_layout(&layout, NGX_HTTP_FAAS_FNS_MIN, layout.lanes);

        ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                      "faas_zone \"%V\" is too small for the counters of %uz "
                      "workers: give it at least %uzm",
                      &shm_zone->shm.name, (layout.lanes - 1) / 2,
                      layout.size / (1024 * 1024) + 2);
        return NGX_ERROR;
    }

    sh = ngx_slab_calloc(shpool, layout.size);
    if (sh == NULL) {
        return NGX_ERROR;
    }

    ngx_http_faas_zone_carve(sh, &layout);
    ngx_http_faas_zone_link(sh);
    ngx_http_faas_zone_name(sh);

    sh->clock = (uint64_t) ngx_current_msec;
    sh->layout = NGX_HTTP_FAAS_LAYOUT;
    sh->magic = NGX_HTTP_FAAS_MAGIC;

    zone->sh = sh;
    zone->shpool = shpool;

    ngx_log_error(NGX_LOG_NOTICE, shm_zone->shm.log, 0,
                  "faas_zone \"%V\" has room for %uz functions, "
                  "%uz replicas, %uz series",
                  &shm_zone->shm.name, layout.fns, layout.reps,
                  layout.serieses);

    return NGX_OK;
}


/*
 * Workers of the old and the new configuration live side by side during a
 * reload; and one lane is there for all that come late.
 */

static ngx_uint_t
ngx_http_faas_zone_lanes(ngx_shm_zone_t *shm_zone)
{
    ngx_cycle_t      *cycle;
    ngx_core_conf_t  *ccf;

    cycle = ((ngx_http_faas_zone_t *) shm_zone->data)->cycle;
    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    return 2 * ngx_max(ccf->worker_processes, 1) + 1;
}


/*
 * As many functions as there is room for: sizes are rounded, the index to a
 * power of two, so it is tried until it fits.
 */

static void
ngx_http_faas_layout_fit(ngx_http_faas_layout_t *layout, size_t lanes,
    size_t room)
{
    size_t  fns;

    ngx_http_faas_layout(layout, 1024, lanes);

    fns = room / (layout->size / 1024);

    ngx_http_faas_layout(layout, fns, lanes);

    while (layout->size > room && fns >= NGX_HTTP_FAAS_FNS_MIN) {
        fns -= fns / 64 + 1;
        ngx_http_faas_layout(layout, fns, lanes);
    }
}


static void
ngx_http_faas_layout(ngx_http_faas_layout_t *layout, size_t fns, size_t lanes)
{
    size_t  size, hist, held;

    layout->fns = fns;
    layout->reps = fns * NGX_HTTP_FAAS_REPS_PER_FN;
    layout->extents = fns + layout->reps / NGX_HTTP_FAAS_EXTENT_REPS;
    layout->serieses = fns * NGX_HTTP_FAAS_SERIES_PER_FN;
    layout->lanes = lanes;

    layout->index_size = 1;

    while (layout->index_size < 2 * fns) {
        layout->index_size *= 2;
    }

    size = ngx_http_faas_round(sizeof(ngx_http_faas_shm_t));

#define ngx_http_faas_place(at, n, type)                                     \
    layout->at = size;                                                       \
    size += ngx_http_faas_round((n) * sizeof(type))

    ngx_http_faas_place(fn, fns, ngx_http_faas_fn_t);
    ngx_http_faas_place(rep, layout->reps, ngx_http_faas_rep_t);
    ngx_http_faas_place(extent, layout->extents, ngx_http_faas_extent_t);
    ngx_http_faas_place(series, layout->serieses, ngx_http_faas_series_t);
    ngx_http_faas_place(slot[0], layout->index_size, ngx_http_faas_slot_t);
    ngx_http_faas_place(slot[1], layout->index_size, ngx_http_faas_slot_t);
    ngx_http_faas_place(lane_pid, lanes, uint64_t);
    ngx_http_faas_place(stat, lanes, ngx_http_faas_stat_t *);
    ngx_http_faas_place(hist, lanes, ngx_http_faas_hist_t *);
    ngx_http_faas_place(held, lanes, uint32_t *);

#undef ngx_http_faas_place

    layout->lane = size;
    layout->lane_size = ngx_http_faas_layout_lane(layout, &hist, &held);
    layout->size = size + lanes * layout->lane_size;
}


/*
 * The size of one lane, and where its parts begin in it.
 */

static size_t
ngx_http_faas_layout_lane(ngx_http_faas_layout_t *layout, size_t *hist,
    size_t *held)
{
    *hist = ngx_http_faas_round(layout->fns * sizeof(ngx_http_faas_stat_t));
    *held = *hist + ngx_http_faas_round(layout->serieses
                                        * sizeof(ngx_http_faas_hist_t));

    return *held + ngx_http_faas_round(layout->reps * sizeof(uint32_t));
}


static void
ngx_http_faas_zone_carve(ngx_http_faas_shm_t *sh,
    ngx_http_faas_layout_t *layout)
{
    u_char  *base, *lane;
    size_t   i, hist, held;

    base = (u_char *) sh;

    sh->fns = layout->fns;
    sh->reps = layout->reps;
    sh->extents = layout->extents;
    sh->serieses = layout->serieses;
    sh->index_size = layout->index_size;
    sh->lanes = layout->lanes;

    sh->fn = (ngx_http_faas_fn_t *) (base + layout->fn);
    sh->rep = (ngx_http_faas_rep_t *) (base + layout->rep);
    sh->extent = (ngx_http_faas_extent_t *) (base + layout->extent);
    sh->series = (ngx_http_faas_series_t *) (base + layout->series);
    sh->slot[0] = (ngx_http_faas_slot_t *) (base + layout->slot[0]);
    sh->slot[1] = (ngx_http_faas_slot_t *) (base + layout->slot[1]);
    sh->lane_pid = (uint64_t *) (base + layout->lane_pid);
    sh->stat = (ngx_http_faas_stat_t **) (base + layout->stat);
    sh->hist = (ngx_http_faas_hist_t **) (base + layout->hist);
    sh->held = (uint32_t **) (base + layout->held);

    ngx_http_faas_layout_lane(layout, &hist, &held);

    for (i = 0; i < layout->lanes; i++) {
        lane = base + layout->lane + i * layout->lane_size;

        sh->stat[i] = (ngx_http_faas_stat_t *) lane;
        sh->hist[i] = (ngx_http_faas_hist_t *) (lane + hist);
        sh->held[i] = (uint32_t *) (lane + held);
    }
}


static void
ngx_http_faas_zone_link(ngx_http_faas_shm_t *sh)
{
    uint32_t  i;

    /* from the end, so that low numbers are used first and loops are short */

    for (i = sh->fns; i > 0; i--) {
        sh->fn[i - 1].next = sh->fn_free;
        sh->fn_free = i;
    }

    for (i = sh->reps; i > 0; i--) {
        sh->rep[i - 1].next = sh->rep_free;
        sh->rep_free = i;
    }

    for (i = sh->extents; i > 0; i--) {
        sh->extent[i - 1].rep[0] = sh->extent_free;
        sh->extent_free = i;
    }

    for (i = sh->serieses; i > 0; i--) {
        sh->series[i - 1].next = sh->series_free;
        sh->series_free = i;
    }
}


/*
 * The name by which the scaler knows this gateway: the host, so that people
 * recognise it, and chance, so that each start of nginx is another one.
 */

static void
ngx_http_faas_zone_name(ngx_http_faas_shm_t *sh)
{
    u_char  *p, *last;

    p = sh->gateway;
    last = sh->gateway + FAAS_GATEWAY_MAX;

    p = ngx_cpystrn(p, ngx_cycle->hostname.data,
                    ngx_min(ngx_cycle->hostname.len + 1, 48));

    p = ngx_slprintf(p, last, "-%08xD", (uint32_t) ngx_random()
                                        ^ (uint32_t) ngx_pid << 16
                                        ^ (uint32_t) ngx_cached_time->msec);
    *p = '\0';
}


/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Making the zone, or finding the one that is there.
 *
 *   reload            the last configuration's zone has the same size: it is
 *                     used on; another size: a new one is made, and routes
 *                     and counters are carried over
 *   binary upgrade    the old binary's zone is among the descriptors that the
 *                     new one has inherited
 *   start             a new one; faas_state fills it
 */


#include "ngx_http_faas.h"

#include <sys/eventfd.h>
#include <sys/mman.h>


#define NGX_HTTP_FAAS_ALIGN         64      /* bytes: a cache line */
#define NGX_HTTP_FAAS_FNS_MIN       16      /* functions, or it is refused */
#define NGX_HTTP_FAAS_FD_MAX        1024    /* looked at for an old zone */

#define ngx_http_faas_round(n)                                               \
    (((n) + NGX_HTTP_FAAS_ALIGN - 1) & ~((size_t) NGX_HTTP_FAAS_ALIGN - 1))


/* the sizes of the arrays, and where they begin */

typedef struct {
    size_t      fns;
    size_t      reps;
    size_t      extents;
    size_t      serieses;
    size_t      index_size;
    size_t      lanes;
    size_t      stripes;
    size_t      rep_size;       /* bytes, of which those in front are */
    size_t      held_size;

    size_t      fn;
    size_t      rep;
    size_t      extent;
    size_t      series;
    size_t      slot[2];
    size_t      lane;
    size_t      stat;
    size_t      hist;
    size_t      size;           /* of all */
} ngx_http_faas_layout_t;


static ngx_http_faas_shm_t *ngx_http_faas_zone_find(
    ngx_http_faas_zone_t *zone, ngx_http_faas_zone_t *ozone, ngx_log_t *log);
static ngx_http_faas_shm_t *ngx_http_faas_zone_reuse(
    ngx_http_faas_zone_t *zone, ngx_http_faas_shm_t *old, ngx_log_t *log);
static ngx_http_faas_shm_t *ngx_http_faas_zone_inherit(
    ngx_http_faas_zone_t *zone, ngx_log_t *log);
static ngx_http_faas_shm_t *ngx_http_faas_zone_adopt(
    ngx_http_faas_zone_t *zone, ngx_fd_t fd, ngx_log_t *log);
static ngx_http_faas_shm_t *ngx_http_faas_zone_create(
    ngx_http_faas_zone_t *zone, ngx_log_t *log);
static ngx_int_t ngx_http_faas_zone_file(ngx_http_faas_zone_t *zone,
    ngx_http_faas_shm_t *sh, ngx_log_t *log);
static void *ngx_http_faas_zone_map(ngx_fd_t fd, size_t size, ngx_log_t *log);
static ngx_int_t ngx_http_faas_zone_fill(ngx_http_faas_shm_t *sh,
    ngx_http_faas_layout_t *layout, ngx_log_t *log);
static ngx_int_t ngx_http_faas_zone_mutex(ngx_http_faas_header_t *h);
static void ngx_http_faas_zone_name(ngx_http_faas_header_t *h);
static void ngx_http_faas_zone_cleanup(void *data);
static void ngx_http_faas_zone_free(ngx_http_faas_shm_t *sh);
static ngx_uint_t ngx_http_faas_zone_lanes(ngx_http_faas_zone_t *zone);
static void ngx_http_faas_layout_fit(ngx_http_faas_layout_t *layout,
    size_t lanes, size_t room);
static void ngx_http_faas_layout(ngx_http_faas_layout_t *layout, size_t fns,
    size_t lanes);
static void ngx_http_faas_view(ngx_http_faas_shm_t *sh,
    ngx_http_faas_layout_t *layout);


ngx_int_t
ngx_http_faas_zone_init(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_uint_t             lanes;
    ngx_pool_cleanup_t    *cln;
    ngx_http_faas_shm_t   *sh;
    ngx_http_faas_zone_t  *zone;

    zone = shm_zone->data;

    cln = ngx_pool_cleanup_add(zone->cycle->pool, 0);
    if (cln == NULL) {
        return NGX_ERROR;
    }

    sh = ngx_http_faas_zone_find(zone, data, shm_zone->shm.log);
    if (sh == NULL) {
        return NGX_ERROR;
    }

    sh->refs++;

    zone->sh = sh;
    cln->handler = ngx_http_faas_zone_cleanup;
    cln->data = sh;

    lanes = ngx_http_faas_zone_lanes(zone);

    if (lanes > sh->lanes) {
        ngx_log_error(NGX_LOG_WARN, shm_zone->shm.log, 0,
                      "faas_zone \"%V\" was made for fewer workers (%uD lanes, "
                      "%ui wanted): some will share one until nginx is "
                      "restarted", &zone->name, sh->lanes, lanes);
    }

    return NGX_OK;
}


void
ngx_http_faas_lock(ngx_http_faas_shm_t *sh)
{
    /* its holder was killed: what it left half done is written anew */

    if (pthread_mutex_lock(&sh->h->mutex) == EOWNERDEAD) {
        (void) pthread_mutex_consistent(&sh->h->mutex);
    }
}


void
ngx_http_faas_unlock(ngx_http_faas_shm_t *sh)
{
    (void) pthread_mutex_unlock(&sh->h->mutex);
}


static ngx_http_faas_shm_t *
ngx_http_faas_zone_find(ngx_http_faas_zone_t *zone,
    ngx_http_faas_zone_t *ozone, ngx_log_t *log)
{
    ngx_http_faas_shm_t  *sh;

    if (ozone != NULL) {
        return ngx_http_faas_zone_reuse(zone, ozone->sh, log);
    }

    sh = ngx_http_faas_zone_inherit(zone, log);

    if (sh != NULL) {
        return sh;
    }

    sh = ngx_http_faas_zone_create(zone, log);

    if (sh != NULL && zone->state.len != 0 && !ngx_test_config) {
        ngx_http_faas_state_load(sh, &zone->state, log);
    }

    return sh;
}


static ngx_http_faas_shm_t *
ngx_http_faas_zone_reuse(ngx_http_faas_zone_t *zone, ngx_http_faas_shm_t *old,
    ngx_log_t *log)
{
    ngx_http_faas_shm_t  *sh;

    if (old->h->layout != NGX_HTTP_FAAS_LAYOUT) {
        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "faas_zone \"%V\" was made by another version of the "
                      "module: restart nginx instead of reloading it",
                      &zone->name);
        return NULL;
    }

    if (old->h->size == zone->size) {
        return old;
    }

    sh = ngx_http_faas_zone_create(zone, log);

    if (sh != NULL) {
        ngx_http_faas_state_copy(sh, old, log);
    }

    return sh;
}


/*
 * The zone of the binary that has started this one.
 */

static ngx_http_faas_shm_t *
ngx_http_faas_zone_inherit(ngx_http_faas_zone_t *zone, ngx_log_t *log)
{
    u_char                path[sizeof("/proc/self/fd/") + NGX_INT_T_LEN];
    u_char                name[NGX_MAX_PATH], target[NGX_MAX_PATH];
    size_t                len;
    ssize_t               n;
    ngx_fd_t              fd;
    ngx_http_faas_shm_t  *sh;

    if (!ngx_inherited || ngx_test_config) {
        return NULL;
    }

    len = ngx_snprintf(name, NGX_MAX_PATH, "/memfd:faas_zone:%V", &zone->name)
          - name;

    for (fd = 3; fd < NGX_HTTP_FAAS_FD_MAX; fd++) {
        ngx_sprintf(path, "/proc/self/fd/%d%Z", fd);

        n = readlink((char *) path, (char *) target, sizeof(target));

        /* " (deleted)" follows */

        if (n < (ssize_t) len || ngx_memcmp(target, name, len) != 0
            || (n != (ssize_t) len && target[len] != ' '))
        {
            continue;
        }

        sh = ngx_http_faas_zone_adopt(zone, fd, log);

        if (sh != NULL) {
            ngx_log_error(NGX_LOG_NOTICE, log, 0,
                          "faas_zone \"%V\" is taken over from the old binary",
                          &zone->name);
            return sh;
        }

        (void) close(fd);
    }

    return NULL;
}


static ngx_http_faas_shm_t *
ngx_http_faas_zone_adopt(ngx_http_faas_zone_t *zone, ngx_fd_t fd,
    ngx_log_t *log)
{
    ngx_http_faas_shm_t     *sh;
    ngx_http_faas_header_t  *h;
    ngx_http_faas_layout_t   layout;

    sh = ngx_calloc(sizeof(ngx_http_faas_shm_t), log);
    if (sh == NULL) {
        return NULL;
    }

    h = ngx_http_faas_zone_map(fd, zone->size, log);

    if (h == NULL) {
        goto failed;
    }

    if (h->magic == NGX_HTTP_FAAS_MAGIC && h->layout == NGX_HTTP_FAAS_LAYOUT
        && h->size == zone->size && h->lanes >= 3)
    {
        ngx_http_faas_layout_fit(&layout, h->lanes, zone->size);

        if (layout.fns == h->fns && layout.reps == h->reps) {
            sh->fd = fd;
            sh->h = h;
            ngx_http_faas_view(sh, &layout);

            return sh;
        }
    }

    (void) munmap(h, zone->size);

failed:

    ngx_log_error(NGX_LOG_WARN, log, 0,
                  "faas_zone \"%V\" of the old binary has another layout or "
                  "size: counters begin anew", &zone->name);
    ngx_free(sh);

    return NULL;
}


static ngx_http_faas_shm_t *
ngx_http_faas_zone_create(ngx_http_faas_zone_t *zone, ngx_log_t *log)
{
    ngx_http_faas_shm_t     *sh;
    ngx_http_faas_layout_t   layout;

    ngx_http_faas_layout_fit(&layout, ngx_http_faas_zone_lanes(zone),
                             zone->size);

    if (layout.fns < NGX_HTTP_FAAS_FNS_MIN) {
        ngx_http_faas_layout(&layout, NGX_HTTP_FAAS_FNS_MIN, layout.lanes);

        ngx_log_error(NGX_LOG_EMERG, log, 0,
                      "faas_zone \"%V\" is too small for the counters of %uz "
                      "workers: give it at least %uzm",
                      &zone->name, (layout.lanes - 1) / 2,
                      layout.size / (1024 * 1024) + 1);
        return NULL;
    }

    sh = ngx_calloc(sizeof(ngx_http_faas_shm_t), log);
    if (sh == NULL) {
        return NULL;
    }

    sh->fd = NGX_INVALID_FILE;

    if (ngx_http_faas_zone_file(zone, sh, log) != NGX_OK
        || ngx_http_faas_zone_fill(sh, &layout, log) != NGX_OK)
    {
        ngx_http_faas_zone_free(sh);
        return NULL;
    }

    ngx_log_error(NGX_LOG_NOTICE, log, 0,
                  "faas_zone \"%V\" has room for %uz functions, "
                  "%uz replicas, %uz series; %uz bytes a function",
                  &zone->name, layout.fns, layout.reps, layout.serieses,
                  layout.size / layout.fns);

    return sh;
}


/*
 * Without close-on-exec: a new binary finds it again.
 */

static ngx_int_t
ngx_http_faas_zone_file(ngx_http_faas_zone_t *zone, ngx_http_faas_shm_t *sh,
    ngx_log_t *log)
{
    u_char  name[NGX_MAX_PATH];

    ngx_snprintf(name, sizeof(name), "faas_zone:%V%Z", &zone->name);

    sh->fd = memfd_create((char *) name, 0);

    if (sh->fd == NGX_INVALID_FILE) {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno, "memfd_create() failed");
        return NGX_ERROR;
    }

    if (ftruncate(sh->fd, (off_t) zone->size) == -1) {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno, "ftruncate() failed");
        return NGX_ERROR;
    }

    sh->h = ngx_http_faas_zone_map(sh->fd, zone->size, log);
    if (sh->h == NULL) {
        return NGX_ERROR;
    }

    sh->h->size = zone->size;

    return NGX_OK;
}


static void *
ngx_http_faas_zone_map(ngx_fd_t fd, size_t size, ngx_log_t *log)
{
    void             *p;
    ngx_file_info_t   fi;

    /* what lies behind the end of the file is not there to be read */

    if (ngx_fd_info(fd, &fi) == NGX_FILE_ERROR
        || ngx_file_size(&fi) != (off_t) size)
    {
        return NULL;
    }

    p = mmap(NULL, size, PROT_READ|PROT_WRITE, MAP_SHARED, fd, 0);

    if (p == MAP_FAILED) {
        ngx_log_error(NGX_LOG_EMERG, log, ngx_errno, "mmap(%uz) failed", size);
        return NULL;
    }

    return p;
}


/*
 * All else is zero, and takes no memory before it is used.
 */

static ngx_int_t
ngx_http_faas_zone_fill(ngx_http_faas_shm_t *sh,
    ngx_http_faas_layout_t *layout, ngx_log_t *log)
{
    uint32_t                 i;
    ngx_http_faas_header_t  *h;

    h = sh->h;

    h->fns = layout->fns;
    h->reps = layout->reps;
    h->lanes = layout->lanes;

    ngx_http_faas_view(sh, layout);

    if (ngx_http_faas_zone_mutex(h) != NGX_OK) {
        ngx_log_error(NGX_LOG_EMERG, log, 0, "pthread_mutex_init() failed");
        return NGX_ERROR;
    }

    for (i = 0; i < sh->lanes; i++) {
        sh->lane[i].signal = -1;
    }

    for (i = 0; i < sh->lanes; i++) {
        sh->lane[i].signal = eventfd(0, EFD_NONBLOCK);

        if (sh->lane[i].signal == -1) {
            ngx_log_error(NGX_LOG_EMERG, log, ngx_errno, "eventfd() failed");
            return NGX_ERROR;
        }
    }

    ngx_http_faas_zone_name(h);

    h->index = ngx_http_faas_index_first(sh);
    h->clock = (uint64_t) ngx_current_msec;
    h->confirmed = h->clock;
    h->layout = NGX_HTTP_FAAS_LAYOUT;
    h->magic = NGX_HTTP_FAAS_MAGIC;

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_zone_mutex(ngx_http_faas_header_t *h)
{
    int                  rc;
    pthread_mutexattr_t  attr;

    if (pthread_mutexattr_init(&attr) != 0) {
        return NGX_ERROR;
    }

    (void) pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    (void) pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);

    rc = pthread_mutex_init(&h->mutex, &attr);

    (void) pthread_mutexattr_destroy(&attr);

    return rc == 0 ? NGX_OK : NGX_ERROR;
}


/*
 * The name by which the scaler knows this gateway: the host, so that people
 * recognise it, and chance, so that each start of nginx is another one.
 */

static void
ngx_http_faas_zone_name(ngx_http_faas_header_t *h)
{
    u_char  *p, *last;

    p = h->gateway;
    last = h->gateway + FAAS_GATEWAY_MAX;

    p = ngx_cpystrn(p, ngx_cycle->hostname.data,
                    ngx_min(ngx_cycle->hostname.len + 1, 48));

    p = ngx_slprintf(p, last, "-%08xD", (uint32_t) ngx_random()
                                        ^ (uint32_t) ngx_pid << 16
                                        ^ (uint32_t) ngx_cached_time->msec);
    *p = '\0';
}


/*
 * A configuration is gone; with the last one that uses it, so is the zone.
 */

static void
ngx_http_faas_zone_cleanup(void *data)
{
    ngx_http_faas_shm_t  *sh = data;

    if (--sh->refs == 0) {
        ngx_http_faas_zone_free(sh);
    }
}


static void
ngx_http_faas_zone_free(ngx_http_faas_shm_t *sh)
{
    uint32_t  i;

    if (sh->h != NULL) {

        for (i = 0; i < sh->lanes; i++) {
            if (sh->lane[i].signal != -1) {
                (void) close(sh->lane[i].signal);
            }
        }

        (void) munmap(sh->h, sh->h->size);
    }

    if (sh->fd != NGX_INVALID_FILE) {
        (void) close(sh->fd);
    }

    ngx_free(sh);
}


/*
 * Workers of the old and the new configuration live side by side during a
 * reload; and one lane is there for all that come late.
 */

static ngx_uint_t
ngx_http_faas_zone_lanes(ngx_http_faas_zone_t *zone)
{
    ngx_core_conf_t  *ccf;

    ccf = (ngx_core_conf_t *) ngx_get_conf(zone->cycle->conf_ctx,
                                           ngx_core_module);

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
    size_t  size;

    layout->fns = fns;
    layout->reps = fns * NGX_HTTP_FAAS_REPS_PER_FN;
    layout->extents = layout->reps / NGX_HTTP_FAAS_EXTENT_REPS;
    layout->serieses = fns * NGX_HTTP_FAAS_SERIES_PER_FN;
    layout->lanes = lanes;
    layout->stripes = ngx_min(lanes / 2, NGX_HTTP_FAAS_STRIPES);

    /* up to 8 lanes share a cache line with what is read beside them */

    layout->held_size = ngx_align(lanes * sizeof(uint32_t), 32);
    layout->rep_size = ngx_http_faas_round(layout->held_size
                                           + sizeof(ngx_http_faas_rep_t));

    layout->index_size = 1;

    while (layout->index_size < 2 * fns) {
        layout->index_size *= 2;
    }

    size = ngx_http_faas_round(sizeof(ngx_http_faas_header_t));

#define ngx_http_faas_place(at, n, type)                                     \
    layout->at = size;                                                       \
    size += ngx_http_faas_round((n) * sizeof(type))

    ngx_http_faas_place(fn, fns, ngx_http_faas_fn_t);
    ngx_http_faas_place(rep, layout->reps * layout->rep_size, u_char);
    ngx_http_faas_place(extent, layout->extents, ngx_http_faas_extent_t);
    ngx_http_faas_place(series, layout->serieses, ngx_http_faas_series_t);
    ngx_http_faas_place(slot[0], layout->index_size, ngx_http_faas_slot_t);
    ngx_http_faas_place(slot[1], layout->index_size, ngx_http_faas_slot_t);
    ngx_http_faas_place(lane, lanes, ngx_http_faas_lane_t);
    ngx_http_faas_place(stat, lanes * fns, ngx_http_faas_stat_t);
    ngx_http_faas_place(hist, layout->stripes * layout->serieses,
                        ngx_http_faas_hist_t);

#undef ngx_http_faas_place

    layout->size = size;
}


static void
ngx_http_faas_view(ngx_http_faas_shm_t *sh, ngx_http_faas_layout_t *layout)
{
    u_char  *base;

    base = (u_char *) sh->h;

    sh->fns = layout->fns;
    sh->reps = layout->reps;
    sh->extents = layout->extents;
    sh->serieses = layout->serieses;
    sh->index_size = layout->index_size;
    sh->lanes = layout->lanes;
    sh->stripes = layout->stripes;
    sh->rep_size = layout->rep_size;
    sh->held_size = layout->held_size;

    sh->fn = (ngx_http_faas_fn_t *) (base + layout->fn);
    sh->rep = base + layout->rep;
    sh->extent = (ngx_http_faas_extent_t *) (base + layout->extent);
    sh->series = (ngx_http_faas_series_t *) (base + layout->series);
    sh->slot[0] = (ngx_http_faas_slot_t *) (base + layout->slot[0]);
    sh->slot[1] = (ngx_http_faas_slot_t *) (base + layout->slot[1]);
    sh->lane = (ngx_http_faas_lane_t *) (base + layout->lane);
    sh->stat = (ngx_http_faas_stat_t *) (base + layout->stat);
    sh->hist = (ngx_http_faas_hist_t *) (base + layout->hist);
}

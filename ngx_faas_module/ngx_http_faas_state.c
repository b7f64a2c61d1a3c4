
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Routes in a file, so that nginx serves when it is started while Redis is
 * away.  The leader writes it some time after routes have changed, a few
 * functions at a time:
 *
 *   ngx_faas state 1
 *   NAME.NAMESPACE {"rev":...}        a line a route, as in Redis
 *   ...
 *   end 2 5d1f0a22                    routes, CRC-32 of all lines before
 *
 * The same routes, with the counters, are carried from one zone to another
 * when a reload changes the zone's size.
 */


#include "ngx_http_faas.h"

#include "lib/faas_hash.h"
#include "lib/faas_num.h"


#define NGX_HTTP_FAAS_STATE_HEAD   "ngx_faas state 1\n"
#define NGX_HTTP_FAAS_STATE_MAX    (1024 * 1024 * 1024)   /* bytes of a file */
#define NGX_HTTP_FAAS_STATE_TICK   1000     /* msec, between two looks */
#define NGX_HTTP_FAAS_STATE_PAUSE  5000     /* msec, between two files */
#define NGX_HTTP_FAAS_STATE_TURN   32       /* functions at a time */

/* a line: key, space, route, line feed, zero */
#define NGX_HTTP_FAAS_STATE_LINE   (FAAS_KEY_MAX + FAAS_ROUTE_MAX + 3)


typedef struct {
    ngx_http_faas_main_conf_t  *conf;
    ngx_event_t                 timer;
    u_char                     *name;       /* while the file is written */
    u_char                     *line;
    ngx_fd_t                    fd;         /* INVALID: nothing is written */
    uint32_t                    next;       /* fn */
    uint32_t                    n;          /* routes */
    uint32_t                    crc;
    uint64_t                    rev;        /* of what is being written */
    uint64_t                    written;    /* rev of the file that is there */
    ngx_msec_t                  last;       /* when it was written */
    struct faas_route           route;
    unsigned                    is_running:1;
    unsigned                    is_reported:1;
} ngx_http_faas_state_t;


static ngx_int_t ngx_http_faas_state_read(ngx_str_t *file, u_char **p,
    size_t *len, ngx_log_t *log);
static ngx_int_t ngx_http_faas_state_check(u_char *p, size_t len,
    u_char **end, uint32_t *n);
static ngx_uint_t ngx_http_faas_state_lines(ngx_http_faas_shm_t *sh,
    u_char *p, u_char *end);
static ngx_int_t ngx_http_faas_state_route(ngx_http_faas_shm_t *sh,
    uint32_t fn, struct faas_route *route, u_char *key, size_t *len);
static void ngx_http_faas_state_counters(ngx_http_faas_shm_t *to,
    uint32_t fn, ngx_http_faas_shm_t *from, uint32_t i);
static void ngx_http_faas_state_tick(ngx_event_t *ev);
static ngx_int_t ngx_http_faas_state_open(ngx_http_faas_state_t *state);
static ngx_int_t ngx_http_faas_state_turn(ngx_http_faas_state_t *state,
    ngx_uint_t n);
static ngx_int_t ngx_http_faas_state_end(ngx_http_faas_state_t *state);
static ngx_int_t ngx_http_faas_state_write(ngx_http_faas_state_t *state,
    u_char *p, size_t len);
static void ngx_http_faas_state_close(ngx_http_faas_state_t *state);


/* this process' */
static ngx_http_faas_state_t  ngx_http_faas_state;


void
ngx_http_faas_state_load(ngx_http_faas_shm_t *sh, ngx_str_t *file,
    ngx_log_t *log)
{
    u_char      *p, *end;
    size_t       len;
    uint32_t     routes;
    ngx_int_t    rc;
    ngx_uint_t   loaded, level;

    rc = ngx_http_faas_state_read(file, &p, &len, log);

    if (rc == NGX_DECLINED) {
        return;
    }

    if (rc != NGX_OK
        || ngx_http_faas_state_check(p, len, &end, &routes) != NGX_OK)
    {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "faas: faas_state \"%V\" is no file of routes, or was "
                      "cut off: starting without it", file);

    } else {
        loaded = ngx_http_faas_state_lines(sh, p, end);

        ngx_http_faas_store(&sh->h->is_loaded, 1);

        level = (loaded == routes) ? NGX_LOG_NOTICE : NGX_LOG_ERR;

        ngx_log_error(level, log, 0,
                      "faas: read %ui of %uD routes from faas_state \"%V\"",
                      loaded, routes, file);
    }

    ngx_free(p);
}


/*
 * The whole file, to be freed.  NGX_DECLINED: there is none, or it cannot be
 * opened; NGX_ERROR: it is no good.
 */

static ngx_int_t
ngx_http_faas_state_read(ngx_str_t *file, u_char **p, size_t *len,
    ngx_log_t *log)
{
    ngx_fd_t         fd;
    ngx_int_t        rc;
    ngx_file_info_t  fi;

    *p = NULL;

    fd = ngx_open_file(file->data, NGX_FILE_RDONLY, NGX_FILE_OPEN, 0);

    if (fd == NGX_INVALID_FILE) {

        if (ngx_errno != NGX_ENOENT) {
            ngx_log_error(NGX_LOG_ERR, log, ngx_errno,
                          ngx_open_file_n " \"%V\" failed", file);
        }

        return NGX_DECLINED;
    }

    rc = NGX_ERROR;

    if (ngx_fd_info(fd, &fi) != NGX_FILE_ERROR && ngx_is_file(&fi)
        && ngx_file_size(&fi) > 0
        && ngx_file_size(&fi) <= NGX_HTTP_FAAS_STATE_MAX)
    {
        *len = (size_t) ngx_file_size(&fi);
        *p = ngx_alloc(*len, log);

        if (*p != NULL && ngx_read_fd(fd, *p, *len) == (ssize_t) *len) {
            rc = NGX_OK;
        }
    }

    (void) ngx_close_file(fd);

    return rc;
}


void
ngx_http_faas_state_copy(ngx_http_faas_shm_t *to, ngx_http_faas_shm_t *from,
    ngx_log_t *log)
{
    size_t              len;
    u_char              key[FAAS_KEY_MAX];
    uint32_t            i, fn;
    uint64_t            seq;
    ngx_uint_t          refused;
    struct faas_route  *route;

    route = ngx_alloc(sizeof(struct faas_route), log);
    if (route == NULL) {
        return;
    }

    refused = 0;

    for (i = 0; i < from->h->fn_high; i++) {

        if (ngx_http_faas_state_route(from, i, route, key, &len) != NGX_OK) {
            continue;
        }

        if (ngx_http_faas_fn_apply(to, key, len, route) != NGX_OK) {
            refused++;
            continue;
        }

        fn = ngx_http_faas_fn_find(to, key, len,
                                   faas_hash((char *) key, len), &seq);

        if (fn != NGX_HTTP_FAAS_NONE) {
            ngx_http_faas_state_counters(to, fn, from, i);
        }
    }

    ngx_free(route);

    ngx_memcpy(to->h->gateway, from->h->gateway, sizeof(to->h->gateway));
    to->h->applied = from->h->applied;
    to->h->confirmed = from->h->confirmed;
    to->h->is_loaded = from->h->is_loaded;

    if (refused != 0) {
        ngx_log_error(NGX_LOG_CRIT, log, 0,
                      "faas: the new size of faas_zone has no room for %ui of "
                      "the routes that are in use", refused);
    }
}


void
ngx_http_faas_state_start(ngx_http_faas_main_conf_t *fmcf)
{
    ngx_http_faas_state_t  *state;

    if (fmcf->state.len == 0) {
        return;
    }

    state = &ngx_http_faas_state;

    ngx_memzero(state, sizeof(ngx_http_faas_state_t));

    state->conf = fmcf;
    state->fd = NGX_INVALID_FILE;
    state->is_running = 1;
    state->last = ngx_current_msec - NGX_HTTP_FAAS_STATE_PAUSE;

    state->timer.handler = ngx_http_faas_state_tick;
    state->timer.data = state;
    state->timer.log = ngx_cycle->log;
    state->timer.cancelable = 1;

    ngx_add_timer(&state->timer, NGX_HTTP_FAAS_STATE_TICK);
}


void
ngx_http_faas_state_stop(void)
{
    ngx_http_faas_shm_t    *sh;
    ngx_http_faas_state_t  *state;

    state = &ngx_http_faas_state;

    if (!state->is_running) {
        return;
    }

    state->is_running = 0;

    if (state->timer.timer_set) {
        ngx_del_timer(&state->timer);
    }

    /* what is left of it, now: nobody may be there to do it later */

    sh = state->conf->zone->sh;

    if (sh->h->is_loaded && sh->h->rev != state->written
        && (state->fd != NGX_INVALID_FILE
            || ngx_http_faas_state_open(state) == NGX_OK)
        && ngx_http_faas_state_turn(state, sh->fns) == NGX_OK)
    {
        (void) ngx_http_faas_state_end(state);
    }

    ngx_http_faas_state_close(state);
}


/*
 * Finds the last line, and checks what it says of those before.
 */

static ngx_int_t
ngx_http_faas_state_check(u_char *p, size_t len, u_char **end, uint32_t *n)
{
    u_char     *last, *line, *space;
    uint64_t    count;
    ngx_int_t   crc;

    last = p + len - 1;

    if (len < sizeof(NGX_HTTP_FAAS_STATE_HEAD) || *last != LF
        || ngx_memcmp(p, NGX_HTTP_FAAS_STATE_HEAD,
                      sizeof(NGX_HTTP_FAAS_STATE_HEAD) - 1)
           != 0)
    {
        return NGX_ERROR;
    }

    for (line = last; line[-1] != LF; line--) {
        /* the first line ends in one */
    }

    if (last - line < 4 || ngx_memcmp(line, "end ", 4) != 0) {
        return NGX_ERROR;
    }

    space = ngx_strlchr(line + 4, last, ' ');

    if (space == NULL
        || faas_parse_uint((char *) line + 4, space - line - 4, 0, UINT32_MAX,
                           &count)
           != 0)
    {
        return NGX_ERROR;
    }

    crc = ngx_hextoi(space + 1, last - space - 1);

    if (crc == NGX_ERROR
        || (uint32_t) crc != ngx_crc32_long(p, line - p))
    {
        return NGX_ERROR;
    }

    *end = line;
    *n = (uint32_t) count;

    return NGX_OK;
}


static ngx_uint_t
ngx_http_faas_state_lines(ngx_http_faas_shm_t *sh, u_char *p, u_char *end)
{
    u_char                    *space, *last;
    ngx_uint_t                 n;
    struct faas_name           name;
    static struct faas_route   route;

    n = 0;
    p += sizeof(NGX_HTTP_FAAS_STATE_HEAD) - 1;

    for ( /* void */ ; p < end; p = last + 1) {

        last = ngx_strlchr(p, end, LF);
        space = ngx_strlchr(p, last, ' ');

        if (space != NULL
            && faas_name_parse((char *) p, space - p, &name) == 0
            && name.name_len + 1 + name.ns_len == (size_t) (space - p)
            && faas_route_parse((char *) space + 1, last - space - 1, &route,
                                NULL)
               == 0
            && ngx_http_faas_fn_apply(sh, p, space - p, &route) == NGX_OK)
        {
            n++;
        }
    }

    return n;
}


/*
 * A live function's route, as it was published.
 */

static ngx_int_t
ngx_http_faas_state_route(ngx_http_faas_shm_t *sh, uint32_t fn,
    struct faas_route *route, u_char *key, size_t *len)
{
    uint32_t              i, rep;
    ngx_int_t             rc;
    ngx_http_faas_fn_t   *f;
    ngx_http_faas_rep_t  *r;

    f = &sh->fn[fn];
    rc = NGX_DECLINED;

    ngx_http_faas_lock(sh);

    if (f->state != NGX_HTTP_FAAS_FN_LIVE || (f->seq & 1)) {
        goto done;
    }

    faas_route_init(route);

    route->rev = f->rev;
    route->replicas = f->replicas;
    route->max_inflight = f->max_inflight;
    route->queue = f->queue;
    route->park_ms = f->park;
    route->timeout_ms = f->timeout;
    route->is_private = f->is_private;

    for (i = 0; i < f->n; i++) {
        rep = ngx_http_faas_fn_rep(sh, fn, i);

        if (rep == NGX_HTTP_FAAS_NONE) {
            goto done;
        }

        r = ngx_http_faas_rep(sh, rep);

        ngx_memcpy(route->endpoints[i].id, ngx_http_faas_rep_id(r), r->id_len);
        route->endpoints[i].id[r->id_len] = '\0';
        ngx_http_faas_rep_addr(r, (u_char *) route->endpoints[i].addr);
    }

    route->n = f->n;

    *len = f->len;
    ngx_memcpy(key, f->key, f->len);
    rc = NGX_OK;

done:

    ngx_http_faas_unlock(sh);

    return rc;
}


static void
ngx_http_faas_state_counters(ngx_http_faas_shm_t *to, uint32_t fn,
    ngx_http_faas_shm_t *from, uint32_t i)
{
    uint32_t               j, k, link, series;
    ngx_http_faas_sum_t    sum;
    ngx_http_faas_hist_t   hist, *dst;
    ngx_http_faas_zone_t   zone;
    ngx_http_faas_stat_t  *stat;

    ngx_memzero(&zone, sizeof(ngx_http_faas_zone_t));
    zone.sh = to;

    ngx_http_faas_stat_sum(from, i, &sum);

    stat = ngx_http_faas_stat(to, to->lanes - 1, fn);
    stat->started = sum.started;
    stat->finished = sum.finished;
    stat->failed = sum.failed;
    stat->retries = sum.retries;
    stat->submitted = sum.submitted;

    to->fn[fn].failures = from->fn[i].failures;

    for (j = 0; j <= NGX_HTTP_FAAS_CODES; j++) {

        link = (j < NGX_HTTP_FAAS_CODES) ? from->fn[i].series[j]
                                         : from->fn[i].park_series;

        if (link == 0) {
            continue;
        }

        series = (j < NGX_HTTP_FAAS_CODES)
                 ? ngx_http_faas_fn_series(&zone, fn,
                                           from->fn[i].code[j])
                 : ngx_http_faas_fn_park_series(&zone, fn);

        if (series == NGX_HTTP_FAAS_NONE) {
            continue;
        }

        ngx_http_faas_hist_sum(from, link - 1, &hist);
        dst = ngx_http_faas_hist(to, 0, series);

        for (k = 0; k < FAAS_HIST_BUCKETS; k++) {
            dst->bucket[k] += hist.bucket[k];
        }

        dst->usec += hist.usec;
    }
}


static void
ngx_http_faas_state_tick(ngx_event_t *ev)
{
    ngx_int_t               rc;
    ngx_msec_t              wait;
    ngx_http_faas_shm_t    *sh;
    ngx_http_faas_state_t  *state;

    state = ev->data;
    sh = state->conf->zone->sh;
    wait = NGX_HTTP_FAAS_STATE_TICK;

    if (state->fd == NGX_INVALID_FILE) {

        if (!sh->h->is_loaded || sh->h->rev == state->written
            || ngx_current_msec - state->last < NGX_HTTP_FAAS_STATE_PAUSE)
        {
            ngx_add_timer(ev, wait);
            return;
        }

        state->last = ngx_current_msec;
        rc = ngx_http_faas_state_open(state);

    } else {
        rc = ngx_http_faas_state_turn(state, NGX_HTTP_FAAS_STATE_TURN);
    }

    if (rc == NGX_OK && state->next >= sh->h->fn_high) {
        rc = ngx_http_faas_state_end(state);

    } else if (rc == NGX_OK) {
        wait = 1;
    }

    if (rc != NGX_OK) {
        ngx_http_faas_state_close(state);
    }

    ngx_add_timer(ev, wait);
}


static ngx_int_t
ngx_http_faas_state_open(ngx_http_faas_state_t *state)
{
    ngx_str_t  *file;

    file = &state->conf->state;

    state->name = ngx_alloc(file->len + sizeof(".new"), ngx_cycle->log);
    state->line = ngx_alloc(NGX_HTTP_FAAS_STATE_LINE, ngx_cycle->log);

    if (state->name == NULL || state->line == NULL) {
        ngx_http_faas_state_close(state);
        return NGX_ERROR;
    }

    ngx_sprintf(state->name, "%V.new%Z", file);

    state->fd = ngx_open_file(state->name, NGX_FILE_WRONLY,
                              NGX_FILE_TRUNCATE, 0600);

    if (state->fd == NGX_INVALID_FILE) {

        if (!state->is_reported) {
            ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, ngx_errno,
                          "faas: " ngx_open_file_n " \"%s\" failed, faas_state "
                          "needs a folder that workers may write to",
                          state->name);
            state->is_reported = 1;
        }

        ngx_http_faas_state_close(state);
        return NGX_ERROR;
    }

    state->next = 0;
    state->n = 0;
    state->rev = ngx_http_faas_load(&state->conf->zone->sh->h->rev);
    ngx_crc32_init(state->crc);

    return ngx_http_faas_state_write(state,
                                   (u_char *) NGX_HTTP_FAAS_STATE_HEAD,
                                   sizeof(NGX_HTTP_FAAS_STATE_HEAD) - 1);
}


static ngx_int_t
ngx_http_faas_state_turn(ngx_http_faas_state_t *state, ngx_uint_t n)
{
    int                   len;
    size_t                key;
    ngx_http_faas_shm_t  *sh;

    sh = state->conf->zone->sh;

    for ( /* void */ ; n > 0 && state->next < sh->h->fn_high; n--) {

        if (ngx_http_faas_state_route(sh, state->next++, &state->route,
                                      state->line, &key)
            != NGX_OK)
        {
            continue;
        }

        state->line[key++] = ' ';

        len = faas_route_encode(&state->route, (char *) state->line + key,
                                FAAS_ROUTE_MAX + 1);

        if (len < 0) {
            continue;
        }

        state->line[key + len] = LF;
        state->n++;

        if (ngx_http_faas_state_write(state, state->line, key + len + 1)
            != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_state_end(ngx_http_faas_state_t *state)
{
    size_t     len;
    uint32_t   crc;

    crc = state->crc;
    ngx_crc32_final(crc);

    len = ngx_sprintf(state->line, "end %uD %08xD\n", state->n, crc)
          - state->line;

    if (ngx_http_faas_state_write(state, state->line, len) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_rename_file(state->name, state->conf->state.data)
        == NGX_FILE_ERROR)
    {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, ngx_errno,
                      "faas: " ngx_rename_file_n " \"%s\" to \"%V\" failed",
                      state->name, &state->conf->state);
        return NGX_ERROR;
    }

    state->written = state->rev;
    state->is_reported = 0;

    ngx_http_faas_state_close(state);

    return NGX_OK;
}


/*
 * To the page cache; not worth a wait for the disk.
 */

static ngx_int_t
ngx_http_faas_state_write(ngx_http_faas_state_t *state, u_char *p, size_t len)
{
    ngx_crc32_update(&state->crc, p, len);

    if (ngx_write_fd(state->fd, p, len) == (ssize_t) len) {
        return NGX_OK;
    }

    if (!state->is_reported) {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, ngx_errno,
                      "faas: " ngx_write_fd_n " \"%s\" failed, trying again",
                      state->name);
        state->is_reported = 1;
    }

    return NGX_ERROR;
}


static void
ngx_http_faas_state_close(ngx_http_faas_state_t *state)
{
    if (state->fd != NGX_INVALID_FILE) {
        (void) ngx_close_file(state->fd);
        state->fd = NGX_INVALID_FILE;
    }

    if (state->name != NULL) {
        ngx_free(state->name);
        state->name = NULL;
    }

    if (state->line != NULL) {
        ngx_free(state->line);
        state->line = NULL;
    }
}


/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Load, from shared memory to Redis; done by the leader.
 *
 * A report is one MULTI: what has changed since the last one that Redis
 * confirmed, and the names of that; the revision applied, and the sign of
 * life.  With many functions one after the other goes out until all have been
 * looked at.  All values are absolute, so a report that is lost, or arrives
 * twice, does no harm.
 *
 * A function that was removed is reported until nothing of it is in flight;
 * its record is freed once Redis has confirmed that its load is gone.
 */


#include "ngx_http_faas.h"


/* functions in one HSET or HDEL */
#define NGX_HTTP_FAAS_FLUSH_FIELDS  256

/* bytes kept of what Redis says against a report */
#define NGX_HTTP_FAAS_FLUSH_ERROR   128

/* functions in one report, and looked at for it; others get their turn in the
 * event loop before the next report goes on with the rest */
#define NGX_HTTP_FAAS_FLUSH_MAX     512
#define NGX_HTTP_FAAS_FLUSH_LOOK    4096


/* what was last confirmed of a function's record */

typedef struct {
    uint64_t                     started;
    uint64_t                     finished;
    uint64_t                     rev;
    uint32_t                     gen;
    unsigned                     is_known:1;    /* Redis has it */
    unsigned                     is_quiet:1;    /* nothing was in flight */
    unsigned                     is_leaving:1;  /* in this report's HDEL */
} ngx_http_faas_sent_t;


typedef struct {
    ngx_http_faas_conn_t         conn;
    ngx_http_faas_main_conf_t   *conf;
    ngx_event_t                  timer;

    ngx_http_faas_sent_t        *sent;          /* by fn */
    uint32_t                     next;          /* fn to go on with */
    uint32_t                     left;          /* not looked at yet */
    uint64_t                     report;        /* number of the last one */

    u_char                       key[FAAS_REDIS_KEY_MAX + 1];
    u_char                       active[FAAS_REDIS_KEY_MAX + 1];
    u_char                       number[NGX_INT64_LEN + 1];     /* report */
    u_char                       ttl[NGX_INT64_LEN + 1];

    unsigned                     is_running:1;
    unsigned                     is_waiting:1;  /* for EXEC */
    unsigned                     is_wanted:1;   /* soon, again */
    unsigned                     is_first:1;    /* of this connection */
    unsigned                     is_reported:1; /* that Redis refuses it */

    char                         error[NGX_HTTP_FAAS_FLUSH_ERROR];
} ngx_http_faas_flush_t;


/* arguments of one command while it is put together */

typedef struct {
    ngx_pool_t                  *pool;
    const char                 **argv;
    size_t                      *len;
    int                          argc;
    int                          max;
} ngx_http_faas_args_t;


static void ngx_http_faas_flush_ready(ngx_http_faas_conn_t *conn);
static void ngx_http_faas_flush_lost(ngx_http_faas_conn_t *conn);
static void ngx_http_faas_flush_forget(ngx_http_faas_flush_t *flush);
static void ngx_http_faas_flush_tick(ngx_event_t *ev);
static ngx_int_t ngx_http_faas_flush_report(ngx_http_faas_flush_t *flush,
    ngx_pool_t *pool);
static ngx_int_t ngx_http_faas_flush_functions(ngx_http_faas_flush_t *flush,
    ngx_pool_t *pool);
static ngx_int_t ngx_http_faas_flush_function(ngx_http_faas_flush_t *flush,
    uint32_t fn, ngx_http_faas_args_t *set, ngx_http_faas_args_t *active,
    ngx_http_faas_args_t *del);
static ngx_int_t ngx_http_faas_flush_full(ngx_http_faas_flush_t *flush,
    ngx_http_faas_args_t *args);
static ngx_int_t ngx_http_faas_flush_load(ngx_http_faas_flush_t *flush,
    uint32_t fn, struct faas_load *load);
static ngx_int_t ngx_http_faas_flush_alive(ngx_http_faas_flush_t *flush,
    ngx_pool_t *pool);
static ngx_int_t ngx_http_faas_flush_active(ngx_http_faas_flush_t *flush,
    ngx_pool_t *pool);
static ngx_int_t ngx_http_faas_flush_expire(ngx_http_faas_flush_t *flush,
    ngx_http_faas_args_t *args, u_char *key);
static void ngx_http_faas_flush_done(ngx_http_faas_conn_t *conn,
    redisReply *reply);
static void ngx_http_faas_flush_queued(ngx_http_faas_conn_t *conn,
    redisReply *reply);
static ngx_int_t ngx_http_faas_flush_confirmed(redisReply *reply);
static ngx_int_t ngx_http_faas_flush_was_new(redisReply *reply);
static ngx_int_t ngx_http_faas_args_init(ngx_http_faas_args_t *args,
    ngx_pool_t *pool, int max);
static void ngx_http_faas_args_add(ngx_http_faas_args_t *args,
    const void *data, size_t len);
static void ngx_http_faas_args_text(ngx_http_faas_args_t *args,
    const char *text);
static ngx_int_t ngx_http_faas_args_send(ngx_http_faas_flush_t *flush,
    ngx_http_faas_args_t *args);


/* this process' */
static ngx_http_faas_flush_t  ngx_http_faas_flush;


void
ngx_http_faas_flush_start(ngx_http_faas_main_conf_t *fmcf)
{
    ngx_http_faas_flush_t  *flush;

    flush = &ngx_http_faas_flush;

    ngx_memzero(flush, sizeof(ngx_http_faas_flush_t));

    /* not ngx_calloc(), which touches all of it: most is never used */

    flush->sent = calloc(fmcf->zone->sh->fns, sizeof(ngx_http_faas_sent_t));

    if (flush->sent == NULL
        || faas_proto_key((char *) flush->key,
                          (char *) fmcf->redis.load,
                          (char *) fmcf->zone->sh->h->gateway, NULL)
           != 0
        || faas_proto_key((char *) flush->active,
                          (char *) fmcf->redis.active,
                          (char *) fmcf->zone->sh->h->gateway, NULL)
           != 0)
    {
        ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, 0,
                      "faas: no memory to report load");
        return;
    }

    ngx_sprintf(flush->ttl, "%i%Z", (ngx_int_t) FAAS_LOAD_TTL);

    flush->is_running = 1;
    flush->conf = fmcf;
    flush->timer.handler = ngx_http_faas_flush_tick;
    flush->timer.data = flush;
    flush->timer.log = ngx_cycle->log;
    flush->timer.cancelable = 1;

    flush->conn.conf = &fmcf->redis;
    flush->conn.ready = ngx_http_faas_flush_ready;
    flush->conn.lost = ngx_http_faas_flush_lost;
    flush->conn.data = flush;

    ngx_http_faas_conn_open(&flush->conn);
}


void
ngx_http_faas_flush_stop(void)
{
    ngx_http_faas_flush_t  *flush;

    flush = &ngx_http_faas_flush;

    if (!flush->is_running) {
        return;
    }

    flush->is_running = 0;

    if (flush->timer.timer_set) {
        ngx_del_timer(&flush->timer);
    }

    ngx_http_faas_conn_close(&flush->conn);

    free(flush->sent);
    flush->sent = NULL;
}


ngx_http_faas_conn_t *
ngx_http_faas_flush_conn(void)
{
    ngx_http_faas_flush_t  *flush;

    flush = &ngx_http_faas_flush;

    return flush->is_running && flush->conn.is_ready ? &flush->conn : NULL;
}


void
ngx_http_faas_flush_soon(void)
{
    ngx_http_faas_flush_t  *flush;

    flush = &ngx_http_faas_flush;

    if (!flush->is_running || !flush->conn.is_ready) {
        return;
    }

    if (flush->is_waiting) {
        flush->is_wanted = 1;
        return;
    }

    /* the loop's next turn: we may be within hiredis */

    if (flush->timer.timer_set) {
        ngx_del_timer(&flush->timer);
    }

    ngx_add_timer(&flush->timer, 1);
}


static void
ngx_http_faas_flush_ready(ngx_http_faas_conn_t *conn)
{
    ngx_http_faas_flush_t  *flush = conn->data;

    /* Redis may be another one, or have lost all: tell it everything */

    ngx_http_faas_flush_forget(flush);

    flush->is_waiting = 0;
    flush->is_first = 1;

    ngx_add_timer(&flush->timer, 1);

    ngx_http_faas_wake_send();
}


static void
ngx_http_faas_flush_lost(ngx_http_faas_conn_t *conn)
{
    ngx_http_faas_flush_t  *flush = conn->data;

    if (flush->timer.timer_set) {
        ngx_del_timer(&flush->timer);
    }
}


/*
 * Everything is told anew.
 */

static void
ngx_http_faas_flush_forget(ngx_http_faas_flush_t *flush)
{
    ngx_memzero(flush->sent, flush->conf->zone->sh->h->fn_high
                             * sizeof(ngx_http_faas_sent_t));

    flush->left = 0;
}


static void
ngx_http_faas_flush_tick(ngx_event_t *ev)
{
    ngx_int_t               rc;
    ngx_pool_t             *pool;
    ngx_http_faas_flush_t  *flush = ev->data;

    if (!flush->conn.is_ready || flush->is_waiting) {
        return;
    }

    pool = ngx_create_pool(16384, ev->log);

    rc = (pool != NULL) ? ngx_http_faas_flush_report(flush, pool) : NGX_ERROR;

    if (pool != NULL) {
        ngx_destroy_pool(pool);
    }

    if (rc != NGX_OK) {
        ngx_http_faas_conn_reset(&flush->conn, "cannot send a report");
    }
}


static ngx_int_t
ngx_http_faas_flush_report(ngx_http_faas_flush_t *flush, ngx_pool_t *pool)
{
    static const char    *multi = "MULTI";
    static const char    *exec = "EXEC";
    static const size_t   multi_len = 5, exec_len = 4;

    flush->error[0] = '\0';

    flush->report = ngx_max(flush->report + 1,
                            ngx_http_faas_clock(flush->conf->zone->sh));
    ngx_sprintf(flush->number, "%uL%Z", flush->report);

    if (ngx_http_faas_conn_send(&flush->conn, NULL, 0, 1, &multi, &multi_len)
        != NGX_OK
        || ngx_http_faas_flush_alive(flush, pool) != NGX_OK
        || ngx_http_faas_flush_active(flush, pool) != NGX_OK
        || ngx_http_faas_flush_functions(flush, pool) != NGX_OK)
    {
        return NGX_ERROR;
    }

    flush->is_waiting = 1;

    return ngx_http_faas_conn_send(&flush->conn, ngx_http_faas_flush_done, 0,
                                   1, &exec, &exec_len);
}


/*
 * The revision comes first: what is counted after it was read has seen it.
 * Its HSET is the first command, by its answer we see whether Redis still
 * had our load.
 */

static ngx_int_t
ngx_http_faas_flush_alive(ngx_http_faas_flush_t *flush, ngx_pool_t *pool)
{
    u_char                *rev, *now;
    ngx_http_faas_args_t   args;

    rev = ngx_pnalloc(pool, 2 * (NGX_INT64_LEN + 1));
    if (rev == NULL || ngx_http_faas_args_init(&args, pool, 4) != NGX_OK) {
        return NGX_ERROR;
    }

    now = rev + NGX_INT64_LEN + 1;

    ngx_sprintf(rev, "%uL%Z",
                ngx_http_faas_load(&flush->conf->zone->sh->h->applied));
    ngx_sprintf(now, "%T%Z", ngx_time());

    ngx_http_faas_args_text(&args, "HSET");
    ngx_http_faas_args_text(&args, (char *) flush->key);
    ngx_http_faas_args_text(&args, FAAS_LOAD_APPLIED);
    ngx_http_faas_args_text(&args, (char *) rev);

    if (ngx_http_faas_args_send(flush, &args) != NGX_OK) {
        return NGX_ERROR;
    }

    if (ngx_http_faas_flush_expire(flush, &args, flush->key) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_faas_args_text(&args, "ZADD");
    ngx_http_faas_args_text(&args, (char *) flush->conf->redis.gateways);
    ngx_http_faas_args_text(&args, (char *) now);
    ngx_http_faas_args_text(&args,
                            (char *) flush->conf->zone->sh->h->gateway);

    return ngx_http_faas_args_send(flush, &args);
}


/*
 * The number of this report, and the end of those that are old.
 */

static ngx_int_t
ngx_http_faas_flush_active(ngx_http_faas_flush_t *flush, ngx_pool_t *pool)
{
    u_char                *oldest;
    ngx_http_faas_args_t   args;

    oldest = ngx_pnalloc(pool, NGX_INT64_LEN + 1);
    if (oldest == NULL || ngx_http_faas_args_init(&args, pool, 4) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_sprintf(oldest, "%L%Z", (int64_t) flush->report - FAAS_ACTIVE_KEPT);

    ngx_http_faas_args_text(&args, "ZADD");
    ngx_http_faas_args_text(&args, (char *) flush->active);
    ngx_http_faas_args_text(&args, (char *) flush->number);
    ngx_http_faas_args_text(&args, FAAS_LOAD_APPLIED);

    if (ngx_http_faas_args_send(flush, &args) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_http_faas_args_text(&args, "ZREMRANGEBYSCORE");
    ngx_http_faas_args_text(&args, (char *) flush->active);
    ngx_http_faas_args_text(&args, "-inf");
    ngx_http_faas_args_text(&args, (char *) oldest);

    if (ngx_http_faas_args_send(flush, &args) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_faas_flush_expire(flush, &args, flush->active);
}


static ngx_int_t
ngx_http_faas_flush_expire(ngx_http_faas_flush_t *flush,
    ngx_http_faas_args_t *args, u_char *key)
{
    ngx_http_faas_args_text(args, "EXPIRE");
    ngx_http_faas_args_text(args, (char *) key);
    ngx_http_faas_args_text(args, (char *) flush->ttl);

    return ngx_http_faas_args_send(flush, args);
}


static ngx_int_t
ngx_http_faas_flush_functions(ngx_http_faas_flush_t *flush, ngx_pool_t *pool)
{
    uint32_t               i, n, high;
    ngx_int_t              rc;
    ngx_http_faas_args_t   set, active, del;

    high = ngx_http_faas_load(&flush->conf->zone->sh->h->fn_high);
    n = 0;

    if (flush->left == 0) {
        flush->left = high;
        flush->is_wanted = 0;
    }

    if (ngx_http_faas_args_init(&set, pool, 2 + 2 * NGX_HTTP_FAAS_FLUSH_FIELDS)
        != NGX_OK
        || ngx_http_faas_args_init(&active, pool,
                                   2 + 2 * NGX_HTTP_FAAS_FLUSH_FIELDS)
           != NGX_OK
        || ngx_http_faas_args_init(&del, pool, 2 + NGX_HTTP_FAAS_FLUSH_FIELDS)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    for (i = 0;
         i < flush->left && i < NGX_HTTP_FAAS_FLUSH_LOOK
         && n < NGX_HTTP_FAAS_FLUSH_MAX;
         i++)
    {

        rc = ngx_http_faas_flush_function(flush, (flush->next + i) % high,
                                          &set, &active, &del);

        if (rc == NGX_ERROR) {
            return NGX_ERROR;
        }

        n += (rc == NGX_OK);

        if (ngx_http_faas_flush_full(flush, &set) != NGX_OK
            || ngx_http_faas_flush_full(flush, &active) != NGX_OK
            || ngx_http_faas_flush_full(flush, &del) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    flush->next = high != 0 ? (flush->next + i) % high : 0;
    flush->left -= i;

    if ((set.argc != 0 && ngx_http_faas_args_send(flush, &set) != NGX_OK)
        || (active.argc != 0
            && ngx_http_faas_args_send(flush, &active) != NGX_OK)
        || (del.argc != 0 && ngx_http_faas_args_send(flush, &del) != NGX_OK))
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_flush_full(ngx_http_faas_flush_t *flush,
    ngx_http_faas_args_t *args)
{
    return args->argc == args->max ? ngx_http_faas_args_send(flush, args)
                                   : NGX_OK;
}


/*
 * Adds a function to the commands, if there is anything new of it;
 * NGX_DECLINED: there is not.
 */

static ngx_int_t
ngx_http_faas_flush_function(ngx_http_faas_flush_t *flush, uint32_t fn,
    ngx_http_faas_args_t *set, ngx_http_faas_args_t *active,
    ngx_http_faas_args_t *del)
{
    u_char                *text;
    ngx_int_t              rc;
    struct faas_load       load;
    ngx_http_faas_fn_t    *f;
    ngx_http_faas_args_t  *args;

    f = &flush->conf->zone->sh->fn[fn];
    rc = ngx_http_faas_flush_load(flush, fn, &load);

    if (rc == NGX_DECLINED) {
        return NGX_DECLINED;
    }

    args = (rc == NGX_DONE) ? del : set;

    if (args->argc == 0) {
        ngx_http_faas_args_text(args, (rc == NGX_DONE) ? "HDEL" : "HSET");
        ngx_http_faas_args_text(args, (char *) flush->key);
    }

    ngx_http_faas_args_add(args, f->key, f->len);

    if (rc == NGX_DONE) {
        return NGX_OK;
    }

    text = ngx_pnalloc(args->pool, FAAS_LOAD_MAX);
    if (text == NULL) {
        return NGX_ERROR;
    }

    ngx_http_faas_args_add(args, text,
                           faas_load_encode(&load, (char *) text));

    if (active->argc == 0) {
        ngx_http_faas_args_text(active, "ZADD");
        ngx_http_faas_args_text(active, (char *) flush->active);
    }

    ngx_http_faas_args_text(active, (char *) flush->number);
    ngx_http_faas_args_add(active, f->key, f->len);

    return NGX_OK;
}


/*
 * NGX_OK: report this load; NGX_DONE: it is to be deleted; NGX_DECLINED:
 * there is nothing new.
 */

static ngx_int_t
ngx_http_faas_flush_load(ngx_http_faas_flush_t *flush, uint32_t fn,
    struct faas_load *load)
{
    ngx_http_faas_fn_t    *f;
    ngx_http_faas_sum_t    sum;
    ngx_http_faas_shm_t   *sh;
    ngx_http_faas_sent_t  *sent;

    sh = flush->conf->zone->sh;
    f = &sh->fn[fn];
    sent = &flush->sent[fn];

    if (f->state == NGX_HTTP_FAAS_FN_FREE) {
        return NGX_DECLINED;
    }

    /* before the sums: what is freed now has counted itself out before */

    load->draining = ngx_http_faas_fn_drain(flush->conf->zone, fn);

    ngx_http_faas_stat_sum(sh, fn, &sum);
    faas_gauge_follow(sum.busy, &f->busy_seen, &f->busy_total);
    faas_gauge_follow(sum.waited, &f->parked_seen, &f->parked_total);

    if (f->state == NGX_HTTP_FAAS_FN_REMOVED && sum.inflight == 0
        && sum.parked == 0 && load->draining == 0)
    {
        sent->is_leaving = 1;
        return NGX_DONE;
    }

    sent->is_leaving = 0;

    if (sent->is_known && sent->is_quiet && sent->gen == f->gen
        && sent->rev == f->rev && sent->started == sum.started
        && sent->finished == sum.finished && sum.inflight == 0
        && sum.parked == 0 && load->draining == 0)
    {
        return NGX_DECLINED;
    }

    sent->is_known = 1;
    sent->is_quiet = (sum.inflight == 0 && sum.parked == 0
                      && load->draining == 0);
    sent->gen = f->gen;
    sent->rev = f->rev;
    sent->started = sum.started;
    sent->finished = sum.finished;

    load->rev = f->rev;
    load->inflight = sum.inflight;
    load->parked = sum.parked;
    load->started = sum.started;
    load->finished = sum.finished;
    load->failed = sum.failed;
    load->inflight_ms = f->busy_total;
    load->parked_ms = f->parked_total;
    load->clock_ms = ngx_http_faas_clock(sh);

    return NGX_OK;
}


static void
ngx_http_faas_flush_done(ngx_http_faas_conn_t *conn, redisReply *reply)
{
    ngx_http_faas_flush_t  *flush = conn->data;

    uint32_t               i;
    ngx_uint_t             level;
    ngx_http_faas_zone_t  *zone;

    flush->is_waiting = 0;

    if (!ngx_http_faas_flush_confirmed(reply)) {

        /* one line an outage */

        level = flush->is_reported ? NGX_LOG_INFO : NGX_LOG_ERR;
        flush->is_reported = 1;

        ngx_log_error(level, ngx_cycle->log, 0,
                      "faas: Redis at \"%V\" refuses the report of load "
                      "(\"%s\"), trying again each second; calls go on, but "
                      "the scaler does not see them",
                      &flush->conf->redis.addr, flush->error);

        ngx_http_faas_flush_forget(flush);
        ngx_add_timer(&flush->timer, NGX_HTTP_FAAS_RECONNECT_MAX / 5);
        return;
    }

    if (flush->is_reported) {
        flush->is_reported = 0;

        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "faas: Redis at \"%V\" takes reports of load again",
                      &flush->conf->redis.addr);
    }

    zone = flush->conf->zone;

    for (i = 0; i < zone->sh->h->fn_high; i++) {

        if (flush->sent[i].is_leaving) {
            (void) ngx_http_faas_fn_reap(zone, i);
            ngx_memzero(&flush->sent[i], sizeof(ngx_http_faas_sent_t));
        }
    }

    if (ngx_http_faas_flush_was_new(reply) && !flush->is_first) {

        /* our load was gone from Redis: it was emptied */

        ngx_http_faas_flush_forget(flush);
        flush->is_wanted = 1;
    }

    flush->is_first = 0;

    ngx_add_timer(&flush->timer, flush->left != 0 || flush->is_wanted
                                 ? 1 : flush->conf->redis.flush);
}


/*
 * Of a command that is to be executed later; the first one that is refused
 * says why, EXEC does not.
 */

static void
ngx_http_faas_flush_queued(ngx_http_faas_conn_t *conn, redisReply *reply)
{
    ngx_http_faas_flush_t  *flush = conn->data;

    if (reply->type == REDIS_REPLY_ERROR && flush->error[0] == '\0') {
        (void) ngx_cpystrn((u_char *) flush->error, (u_char *) reply->str,
                           NGX_HTTP_FAAS_FLUSH_ERROR);
    }
}


static ngx_int_t
ngx_http_faas_flush_confirmed(redisReply *reply)
{
    size_t  i;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0) {
        return 0;
    }

    for (i = 0; i < reply->elements; i++) {
        if (reply->element[i]->type == REDIS_REPLY_ERROR) {
            return 0;
        }
    }

    return 1;
}


static ngx_int_t
ngx_http_faas_flush_was_new(redisReply *reply)
{
    return reply->element[0]->type == REDIS_REPLY_INTEGER
           && reply->element[0]->integer != 0;
}


static ngx_int_t
ngx_http_faas_args_init(ngx_http_faas_args_t *args, ngx_pool_t *pool, int max)
{
    args->pool = pool;
    args->argc = 0;
    args->max = max;
    args->argv = ngx_palloc(pool, max * sizeof(char *));
    args->len = ngx_palloc(pool, max * sizeof(size_t));

    return args->argv != NULL && args->len != NULL ? NGX_OK : NGX_ERROR;
}


static void
ngx_http_faas_args_add(ngx_http_faas_args_t *args, const void *data,
    size_t len)
{
    args->argv[args->argc] = data;
    args->len[args->argc] = len;
    args->argc++;
}


static void
ngx_http_faas_args_text(ngx_http_faas_args_t *args, const char *text)
{
    ngx_http_faas_args_add(args, text, ngx_strlen(text));
}


/*
 * Sends the command, and begins the next one.
 */

static ngx_int_t
ngx_http_faas_args_send(ngx_http_faas_flush_t *flush,
    ngx_http_faas_args_t *args)
{
    ngx_int_t  rc;

    rc = ngx_http_faas_conn_send(&flush->conn, ngx_http_faas_flush_queued, 0,
                                 args->argc, args->argv, args->len);
    args->argc = 0;

    return rc;
}

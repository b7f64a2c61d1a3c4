
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Routes, from Redis into shared memory; done by the leader.
 *
 *       connected, or a gap
 *              |
 *              v
 *       look (epoch, last change) ---- no epoch ----+
 *              |                                    |
 *              v                                    |
 *       scan (routes, step by step)                 |
 *              |                                    |
 *              v                                    |
 *       check (the epoch is still the same)         |
 *              |                                    |
 *              v                                    v
 *       follow (changes that come) <-- nothing comes: look whether the epoch
 *              |                       or the last change is another one
 *              v
 *       fetch (the routes of these names)
 *
 * Where the epoch is missing Redis has lost what it held: the routes that are
 * known stay.  The scaler publishes all of them again, and that is a change.
 */


#include "ngx_http_faas.h"

#include "lib/faas_num.h"


#define NGX_HTTP_FAAS_STREAM_ID_MAX  41   /* two 64-bit numbers and a dash */


typedef struct {
    ngx_http_faas_conn_t        conn;
    ngx_http_faas_main_conf_t  *conf;

    u_char                      epoch[FAAS_EPOCH_MAX + 1];    /* of the scan */
    size_t                      epoch_len;      /* 0: none */
    u_char                      last[NGX_HTTP_FAAS_STREAM_ID_MAX + 1];
    size_t                      last_len;
    uint64_t                    rev;            /* of the last change */
    uint64_t                    seen;           /* number of the scan */

    struct {
        u_char                  key[FAAS_KEY_MAX];
        size_t                  len;
        uint64_t                rev;
    } changed[NGX_HTTP_FAAS_CHANGES_COUNT];
    ngx_uint_t                  n_changed;

    struct faas_route           route;
} ngx_http_faas_sync_t;


static void ngx_http_faas_sync_ready(ngx_http_faas_conn_t *conn);
static void ngx_http_faas_sync_lost(ngx_http_faas_conn_t *conn);
static void ngx_http_faas_sync_look(ngx_http_faas_sync_t *sync);
static void ngx_http_faas_sync_ask(ngx_http_faas_sync_t *sync,
    ngx_http_faas_reply_pt epoch, ngx_http_faas_reply_pt last);
static void ngx_http_faas_sync_epoch(ngx_http_faas_conn_t *conn,
    redisReply *reply);
static void ngx_http_faas_sync_last(ngx_http_faas_conn_t *conn,
    redisReply *reply);
static void ngx_http_faas_sync_scan(ngx_http_faas_sync_t *sync,
    const char *cursor, size_t len);
static void ngx_http_faas_sync_scanned(ngx_http_faas_conn_t *conn,
    redisReply *reply);
static void ngx_http_faas_sync_checked(ngx_http_faas_conn_t *conn,
    redisReply *reply);
static void ngx_http_faas_sync_follow(ngx_http_faas_sync_t *sync);
static void ngx_http_faas_sync_followed(ngx_http_faas_conn_t *conn,
    redisReply *reply);
static void ngx_http_faas_sync_idle_epoch(ngx_http_faas_conn_t *conn,
    redisReply *reply);
static void ngx_http_faas_sync_idle_last(ngx_http_faas_conn_t *conn,
    redisReply *reply);
static void ngx_http_faas_sync_fetch(ngx_http_faas_sync_t *sync);
static void ngx_http_faas_sync_fetched(ngx_http_faas_conn_t *conn,
    redisReply *reply);
static ngx_int_t ngx_http_faas_sync_entry(ngx_http_faas_sync_t *sync,
    redisReply *entry);
static ngx_int_t ngx_http_faas_sync_fields(redisReply *fields,
    redisReply **name, uint64_t *rev, uint64_t *prev);
static ngx_int_t ngx_http_faas_sync_id(ngx_http_faas_sync_t *sync,
    redisReply *id);
static void ngx_http_faas_sync_apply(ngx_http_faas_sync_t *sync,
    const u_char *key, size_t len, redisReply *value, ngx_uint_t mark);
static void ngx_http_faas_sync_send(ngx_http_faas_sync_t *sync,
    ngx_http_faas_reply_pt handler, ngx_msec_t wait, int argc,
    const char **argv, const size_t *len);
static void ngx_http_faas_sync_odd(ngx_http_faas_sync_t *sync,
    redisReply *reply, const char *command);
static ngx_int_t ngx_http_faas_reply_is(redisReply *reply, const u_char *s,
    size_t len);


/* this process' */
static ngx_http_faas_sync_t  ngx_http_faas_sync;


void
ngx_http_faas_sync_start(ngx_http_faas_main_conf_t *fmcf)
{
    ngx_http_faas_sync_t  *sync;

    sync = &ngx_http_faas_sync;

    ngx_memzero(sync, sizeof(ngx_http_faas_sync_t));

    sync->conf = fmcf;
    sync->conn.conf = &fmcf->redis;
    sync->conn.ready = ngx_http_faas_sync_ready;
    sync->conn.lost = ngx_http_faas_sync_lost;
    sync->conn.data = sync;

    /* an earlier leader may have left it set, and nobody follows yet */

    ngx_http_faas_store(&fmcf->zone->sh->h->is_redis_up, 0);

    ngx_http_faas_conn_open(&sync->conn);
}


void
ngx_http_faas_sync_stop(void)
{
    ngx_http_faas_conn_close(&ngx_http_faas_sync.conn);
}


static void
ngx_http_faas_sync_ready(ngx_http_faas_conn_t *conn)
{
    ngx_http_faas_sync_t  *sync = conn->data;

    ngx_http_faas_store(&sync->conf->zone->sh->h->is_redis_up, 1);

    ngx_http_faas_sync_look(sync);
}


static void
ngx_http_faas_sync_lost(ngx_http_faas_conn_t *conn)
{
    ngx_http_faas_sync_t  *sync = conn->data;

    ngx_http_faas_store(&sync->conf->zone->sh->h->is_redis_up, 0);
}


static void
ngx_http_faas_sync_look(ngx_http_faas_sync_t *sync)
{
    ngx_http_faas_sync_ask(sync, ngx_http_faas_sync_epoch,
                           ngx_http_faas_sync_last);
}


/*
 * For the epoch, and for the last change.
 */

static void
ngx_http_faas_sync_ask(ngx_http_faas_sync_t *sync,
    ngx_http_faas_reply_pt epoch, ngx_http_faas_reply_pt last)
{
    const char  *argv[6];

    argv[0] = "GET";
    argv[1] = (char *) sync->conf->redis.epoch;

    ngx_http_faas_sync_send(sync, epoch, 0, 2, argv, NULL);

    argv[0] = "XREVRANGE";
    argv[1] = (char *) sync->conf->redis.changes;
    argv[2] = "+";
    argv[3] = "-";
    argv[4] = "COUNT";
    argv[5] = "1";

    ngx_http_faas_sync_send(sync, last, 0, 6, argv, NULL);
}


static void
ngx_http_faas_sync_epoch(ngx_http_faas_conn_t *conn, redisReply *reply)
{
    ngx_http_faas_sync_t  *sync = conn->data;

    sync->epoch_len = 0;

    if (reply->type == REDIS_REPLY_STRING && (size_t) reply->len != 0
        && (size_t) reply->len <= FAAS_EPOCH_MAX)
    {
        sync->epoch_len = (size_t) reply->len;
        ngx_memcpy(sync->epoch, reply->str, sync->epoch_len);
    }
}


static void
ngx_http_faas_sync_last(ngx_http_faas_conn_t *conn, redisReply *reply)
{
    ngx_http_faas_sync_t  *sync = conn->data;

    uint64_t     prev;
    redisReply  *entry, *name;

    /* "0": whatever comes first */

    sync->rev = 0;
    sync->last[0] = '0';
    sync->last_len = 1;

    if (reply->type != REDIS_REPLY_ARRAY) {
        ngx_http_faas_sync_odd(sync, reply, "XREVRANGE");
        return;
    }

    if (reply->elements != 0) {
        entry = reply->element[0];

        if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2
            || ngx_http_faas_sync_id(sync, entry->element[0]) != NGX_OK
            || ngx_http_faas_sync_fields(entry->element[1], &name, &sync->rev,
                                         &prev)
               != NGX_OK)
        {
            ngx_http_faas_sync_odd(sync, reply, "XREVRANGE");
            return;
        }
    }

    if (sync->epoch_len == 0) {
        ngx_http_faas_sync_follow(sync);
        return;
    }

    sync->seen++;

    /* marks of an earlier leader are not ours */

    if (sync->seen == 1) {
        sync->seen = (uint64_t) ngx_current_msec << 20 | 1;
    }

    ngx_http_faas_sync_scan(sync, "0", 1);
}


static void
ngx_http_faas_sync_scan(ngx_http_faas_sync_t *sync, const char *cursor,
    size_t len)
{
    u_char       text[NGX_INT64_LEN + 1];
    const char  *argv[5];

    ngx_memcpy(text, cursor, len);
    text[len] = '\0';

    argv[0] = "HSCAN";
    argv[1] = (char *) sync->conf->redis.routes;
    argv[2] = (char *) text;
    argv[3] = "COUNT";
    argv[4] = NGX_HTTP_FAAS_SCAN_COUNT;

    ngx_http_faas_sync_send(sync, ngx_http_faas_sync_scanned, 0, 5, argv,
                            NULL);
}


static void
ngx_http_faas_sync_scanned(ngx_http_faas_conn_t *conn, redisReply *reply)
{
    ngx_http_faas_sync_t  *sync = conn->data;

    size_t        i;
    redisReply   *cursor, *pairs;
    const char   *argv[2];

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2
        || reply->element[0]->type != REDIS_REPLY_STRING
        || (size_t) reply->element[0]->len > NGX_INT64_LEN
        || reply->element[1]->type != REDIS_REPLY_ARRAY)
    {
        ngx_http_faas_sync_odd(sync, reply, "HSCAN");
        return;
    }

    cursor = reply->element[0];
    pairs = reply->element[1];

    for (i = 0; i + 1 < pairs->elements; i += 2) {

        if (pairs->element[i]->type != REDIS_REPLY_STRING) {
            continue;
        }

        ngx_http_faas_sync_apply(sync, (u_char *) pairs->element[i]->str,
                                 (size_t) pairs->element[i]->len,
                                 pairs->element[i + 1], 1);
    }

    if (!ngx_http_faas_reply_is(cursor, (u_char *) "0", 1)) {
        ngx_http_faas_sync_scan(sync, cursor->str, (size_t) cursor->len);
        return;
    }

    /* if Redis was emptied meanwhile, what was not found is no news */

    argv[0] = "GET";
    argv[1] = (char *) sync->conf->redis.epoch;

    ngx_http_faas_sync_send(sync, ngx_http_faas_sync_checked, 0, 2, argv,
                            NULL);
}


static void
ngx_http_faas_sync_checked(ngx_http_faas_conn_t *conn, redisReply *reply)
{
    ngx_http_faas_sync_t  *sync = conn->data;

    ngx_uint_t             removed;
    ngx_http_faas_zone_t  *zone;

    if (!ngx_http_faas_reply_is(reply, sync->epoch, sync->epoch_len)) {
        ngx_http_faas_sync_look(sync);
        return;
    }

    zone = sync->conf->zone;

    removed = ngx_http_faas_fn_remove_unseen(zone, sync->seen);

    ngx_http_faas_store(&zone->sh->h->applied, sync->rev);
    ngx_http_faas_store(&zone->sh->h->is_loaded, 1);

    ngx_log_error(NGX_LOG_INFO, ngx_cycle->log, 0,
                  "faas: read all routes, %ui are gone", removed);

    ngx_http_faas_flush_soon();
    ngx_http_faas_sync_follow(sync);
}


/*
 * With an epoch nothing that Redis has is unknown now.
 */

static void
ngx_http_faas_sync_follow(ngx_http_faas_sync_t *sync)
{
    u_char       block[NGX_INT64_LEN + 1], count[NGX_INT64_LEN + 1];
    const char  *argv[8];

    ngx_sprintf(block, "%i%Z", (ngx_int_t) NGX_HTTP_FAAS_FOLLOW_BLOCK);
    ngx_sprintf(count, "%i%Z", (ngx_int_t) NGX_HTTP_FAAS_CHANGES_COUNT);
    sync->last[sync->last_len] = '\0';

    if (sync->epoch_len != 0) {
        ngx_http_faas_store(&sync->conf->zone->sh->h->confirmed,
                            (uint64_t) ngx_current_msec);
    }

    argv[0] = "XREAD";
    argv[1] = "BLOCK";
    argv[2] = (char *) block;
    argv[3] = "COUNT";
    argv[4] = (char *) count;
    argv[5] = "STREAMS";
    argv[6] = (char *) sync->conf->redis.changes;
    argv[7] = (char *) sync->last;

    ngx_http_faas_sync_send(sync, ngx_http_faas_sync_followed,
                            NGX_HTTP_FAAS_FOLLOW_BLOCK, 8, argv, NULL);
}


static void
ngx_http_faas_sync_followed(ngx_http_faas_conn_t *conn, redisReply *reply)
{
    ngx_http_faas_sync_t  *sync = conn->data;

    size_t       i;
    redisReply  *stream, *entries;

    if (reply->type == REDIS_REPLY_NIL) {
        ngx_http_faas_sync_ask(sync, ngx_http_faas_sync_idle_epoch,
                               ngx_http_faas_sync_idle_last);
        return;
    }

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 1) {
        goto odd;
    }

    /* [[name of the stream, [entry, ...]]] */

    stream = reply->element[0];

    if (stream->type != REDIS_REPLY_ARRAY || stream->elements != 2
        || stream->element[1]->type != REDIS_REPLY_ARRAY)
    {
        goto odd;
    }

    entries = stream->element[1];

    if (sync->epoch_len == 0) {
        ngx_http_faas_sync_look(sync);
        return;
    }

    sync->n_changed = 0;

    for (i = 0; i < entries->elements; i++) {

        if (ngx_http_faas_sync_entry(sync, entries->element[i]) != NGX_OK) {

            /* something between is missing: read everything */

            ngx_http_faas_sync_look(sync);
            return;
        }
    }

    ngx_http_faas_sync_fetch(sync);

    return;

odd:

    ngx_http_faas_sync_odd(sync, reply, "XREAD");
}


static void
ngx_http_faas_sync_idle_epoch(ngx_http_faas_conn_t *conn, redisReply *reply)
{
    ngx_http_faas_sync_t  *sync = conn->data;

    /* none, or another one: what is known comes from a Redis that is gone */

    if (!ngx_http_faas_reply_is(reply, sync->epoch, sync->epoch_len)) {
        sync->epoch_len = 0;
    }
}


static void
ngx_http_faas_sync_idle_last(ngx_http_faas_conn_t *conn, redisReply *reply)
{
    ngx_http_faas_sync_t  *sync = conn->data;

    redisReply  *entry;

    if (reply->type == REDIS_REPLY_ARRAY && sync->epoch_len != 0) {

        if (reply->elements == 0) {
            ngx_http_faas_sync_follow(sync);
            return;
        }

        entry = reply->element[0];

        if (entry->type == REDIS_REPLY_ARRAY && entry->elements == 2
            && ngx_http_faas_reply_is(entry->element[0], sync->last,
                                      sync->last_len))
        {
            ngx_http_faas_sync_follow(sync);
            return;
        }
    }

    ngx_http_faas_sync_look(sync);
}


static void
ngx_http_faas_sync_fetch(ngx_http_faas_sync_t *sync)
{
    size_t       len[2 + NGX_HTTP_FAAS_CHANGES_COUNT];
    ngx_uint_t   i;
    const char  *argv[2 + NGX_HTTP_FAAS_CHANGES_COUNT];

    argv[0] = "HMGET";
    len[0] = 5;
    argv[1] = (char *) sync->conf->redis.routes;
    len[1] = ngx_strlen(sync->conf->redis.routes);

    for (i = 0; i < sync->n_changed; i++) {
        argv[2 + i] = (char *) sync->changed[i].key;
        len[2 + i] = sync->changed[i].len;
    }

    ngx_http_faas_sync_send(sync, ngx_http_faas_sync_fetched, 0,
                            2 + (int) sync->n_changed, argv, len);
}


static void
ngx_http_faas_sync_fetched(ngx_http_faas_conn_t *conn, redisReply *reply)
{
    ngx_http_faas_sync_t  *sync = conn->data;

    ngx_uint_t             i;
    ngx_http_faas_zone_t  *zone;

    if (reply->type != REDIS_REPLY_ARRAY
        || reply->elements != sync->n_changed)
    {
        ngx_http_faas_sync_odd(sync, reply, "HMGET");
        return;
    }

    zone = sync->conf->zone;

    for (i = 0; i < sync->n_changed; i++) {

        if (reply->element[i]->type == REDIS_REPLY_NIL) {
            (void) ngx_http_faas_fn_remove(zone, sync->changed[i].key,
                                           sync->changed[i].len,
                                           sync->changed[i].rev);
            continue;
        }

        ngx_http_faas_sync_apply(sync, sync->changed[i].key,
                                 sync->changed[i].len, reply->element[i], 0);
    }

    ngx_http_faas_store(&zone->sh->h->applied, sync->rev);

    ngx_http_faas_flush_soon();
    ngx_http_faas_sync_follow(sync);
}


/*
 * Takes a change on the list; NGX_DECLINED where it does not follow the last
 * one, or cannot be read.
 */

static ngx_int_t
ngx_http_faas_sync_entry(ngx_http_faas_sync_t *sync, redisReply *entry)
{
    uint64_t     rev, prev;
    redisReply  *name;

    if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2
        || ngx_http_faas_sync_fields(entry->element[1], &name, &rev, &prev)
           != NGX_OK
        || prev != sync->rev
        || sync->n_changed == NGX_HTTP_FAAS_CHANGES_COUNT
        || ngx_http_faas_sync_id(sync, entry->element[0]) != NGX_OK)
    {
        return NGX_DECLINED;
    }

    sync->rev = rev;

    ngx_memcpy(sync->changed[sync->n_changed].key, name->str,
               (size_t) name->len);
    sync->changed[sync->n_changed].len = (size_t) name->len;
    sync->changed[sync->n_changed].rev = rev;
    sync->n_changed++;

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_sync_fields(redisReply *fields, redisReply **name,
    uint64_t *rev, uint64_t *prev)
{
    size_t      i;
    uint64_t   *number;
    redisReply *field, *value;

    *name = NULL;
    *rev = 0;
    *prev = 0;

    if (fields->type != REDIS_REPLY_ARRAY) {
        return NGX_DECLINED;
    }

    for (i = 0; i + 1 < fields->elements; i += 2) {
        field = fields->element[i];
        value = fields->element[i + 1];

        if (field->type != REDIS_REPLY_STRING
            || value->type != REDIS_REPLY_STRING)
        {
            return NGX_DECLINED;
        }

        if (ngx_strcmp(field->str, FAAS_CHANGE_NAME) == 0) {
            *name = value;
            continue;
        }

        if (ngx_strcmp(field->str, FAAS_CHANGE_REV) == 0) {
            number = rev;

        } else if (ngx_strcmp(field->str, FAAS_CHANGE_PREV) == 0) {
            number = prev;

        } else {
            continue;
        }

        if (faas_parse_uint(value->str, (size_t) value->len, 0, INT64_MAX,
                            number)
            != 0)
        {
            return NGX_DECLINED;
        }
    }

    if (*name == NULL || *rev == 0 || (size_t) (*name)->len > FAAS_KEY_MAX) {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_faas_sync_id(ngx_http_faas_sync_t *sync, redisReply *id)
{
    if (id->type != REDIS_REPLY_STRING || (size_t) id->len == 0
        || (size_t) id->len > NGX_HTTP_FAAS_STREAM_ID_MAX)
    {
        return NGX_DECLINED;
    }

    sync->last_len = (size_t) id->len;
    ngx_memcpy(sync->last, id->str, sync->last_len);

    return NGX_OK;
}


/*
 * A route that cannot be read or does not fit is reported, and the function
 * keeps the one it has.
 */

static void
ngx_http_faas_sync_apply(ngx_http_faas_sync_t *sync, const u_char *key,
    size_t len, redisReply *value, ngx_uint_t mark)
{
    ngx_str_t         name, text;
    struct faas_err   err;
    struct faas_name  parsed;

    name.data = (u_char *) key;
    name.len = ngx_min(len, FAAS_KEY_MAX);

    if (faas_name_parse((char *) key, len, &parsed) != 0
        || parsed.name_len + 1 + parsed.ns_len != len
        || value->type != REDIS_REPLY_STRING)
    {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "faas: \"%V\" in Redis is not a function's name, or its "
                      "route no string; passed over", &name);
        return;
    }

    err.text[0] = '\0';

    if (faas_route_parse(value->str, (size_t) value->len, &sync->route, &err)
        != 0)
    {
        text.data = (u_char *) err.text;
        text.len = ngx_strlen(err.text);

        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "faas: %V; \"%V\" keeps the route that is known",
                      &text, &name);

    } else if (ngx_http_faas_fn_apply(sync->conf->zone->sh, key, len,
                                      &sync->route)
               == NGX_BUSY)
    {
        ngx_log_error(NGX_LOG_CRIT, ngx_cycle->log, 0,
                      "faas: the zone is full, \"%V\" keeps the route that is "
                      "known: make faas_zone larger and reload nginx", &name);
    }

    if (mark) {
        ngx_http_faas_fn_mark(sync->conf->zone, key, len, sync->seen);
    }
}


/*
 * len is NULL where all of argv end with a zero.
 */

static void
ngx_http_faas_sync_send(ngx_http_faas_sync_t *sync,
    ngx_http_faas_reply_pt handler, ngx_msec_t wait, int argc,
    const char **argv, const size_t *len)
{
    if (ngx_http_faas_conn_send(&sync->conn, handler, wait, argc, argv, len)
        != NGX_OK)
    {
        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                      "faas: cannot send %s to Redis, trying again", argv[0]);

        /* from within hiredis' callback: the timer gives the connection up */

        ngx_add_timer(&sync->conn.timer, NGX_HTTP_FAAS_RECONNECT_MIN);
    }
}


/*
 * An answer that was not to be expected: tries again from the beginning.
 */

static void
ngx_http_faas_sync_odd(ngx_http_faas_sync_t *sync, redisReply *reply,
    const char *command)
{
    ngx_str_t  text;

    ngx_str_set(&text, "something else than it should");

    if (reply->type == REDIS_REPLY_ERROR) {
        text.data = (u_char *) reply->str;
        text.len = ngx_min((size_t) reply->len, 200);
    }

    ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, 0,
                  "faas: Redis at \"%V\" answers \"%V\" to %s; connecting "
                  "again, calls go on with the routes that are known",
                  &sync->conf->redis.addr, &text, command);

    ngx_add_timer(&sync->conn.timer, NGX_HTTP_FAAS_RECONNECT_MAX / 5);
}


static ngx_int_t
ngx_http_faas_reply_is(redisReply *reply, const u_char *s, size_t len)
{
    return reply->type == REDIS_REPLY_STRING && (size_t) reply->len == len
           && ngx_memcmp(reply->str, s, len) == 0;
}


/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The gateway module: what its files share.  The way of a request reads down
 * the list: route, admit, wait, signal, balancer (with pick, keepalive and
 * deadline), headers, answer, stats, metrics (with metrics_page), feed; with
 * Redis beside it, whose files ngx_http_faas_redis.h lists; and shm, state,
 * registry, index, replicas below.
 */


#ifndef _NGX_HTTP_FAAS_H_INCLUDED_
#define _NGX_HTTP_FAAS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include "lib/faas_name.h"
#include "lib/faas_proto.h"
#include "lib/faas_trace.h"
#include "lib/faas_uuid.h"

#include "ngx_http_faas_compat.h"
#include "ngx_http_faas_redis.h"
#include "ngx_http_faas_registry.h"
#include "ngx_http_faas_shm.h"


#define NGX_HTTP_FAAS_TRIES          5      /* replicas tried for a request */


typedef struct ngx_http_faas_cursor_s  ngx_http_faas_cursor_t;
typedef struct ngx_http_faas_waiter_s  ngx_http_faas_waiter_t;
typedef struct ngx_http_faas_deadline_s  ngx_http_faas_deadline_t;
typedef struct ngx_http_faas_idle_s  ngx_http_faas_idle_t;
typedef struct ngx_http_faas_async_call_s  ngx_http_faas_async_call_t;
typedef struct ngx_http_faas_feed_s  ngx_http_faas_feed_t;
typedef struct ngx_http_faas_viewer_s  ngx_http_faas_viewer_t;


typedef struct {
    ngx_uint_t                  calls;       /* in the queue, in all */
    off_t                       bytes;       /* their bodies and headers */
    ngx_msec_t                  window;      /* of an idempotency key */
    unsigned                    is_used:1;   /* by a location */
} ngx_http_faas_async_conf_t;


/* a location behind whose name that of a function follows */

typedef struct {
    ngx_str_t                   name;
    unsigned                    is_async:1;
} ngx_http_faas_prefix_t;


struct ngx_http_faas_main_conf_s {
    ngx_shm_zone_t             *shm_zone;
    ngx_http_faas_zone_t       *zone;        /* data of shm_zone */
    ngx_http_faas_redis_conf_t  redis;
    struct faas_random          random;      /* of this process */
    ngx_uint_t                  queue;       /* requests parked, a function */
    ngx_uint_t                  queue_total; /* and of all functions */
    ngx_msec_t                  park;        /* how long, at most */
    size_t                      trim;        /* bytes; 0: malloc()'s own */
    ngx_str_t                   state;       /* file; empty: none */
    ngx_array_t                *prefixes;    /* ngx_http_faas_prefix_t */
    ngx_http_faas_async_conf_t  async;
    ngx_uint_t                  feed_viewers;  /* a worker, at most */
    ngx_http_faas_feed_t       *feed;        /* this worker's; NULL: nobody
                                                looks */
    unsigned                    is_used:1;   /* by a location or upstream */
};


typedef struct {
    ngx_flag_t                  function;    /* faas_function is set here */
    ngx_flag_t                  internal;    /* private functions as well */
    ngx_http_complex_value_t   *name;        /* NULL: taken from the URI */
    ngx_flag_t                  async;       /* faas_async is set here */
    size_t                      async_max_body;
} ngx_http_faas_loc_conf_t;


/* of an upstream block; times in msec */

typedef struct {
    ngx_uint_t                  max_fails;   /* in a row; 0: none counts */
    ngx_msec_t                  fail_timeout;

    ngx_uint_t                  keepalive;   /* idle connections, a worker */
    ngx_uint_t                  keepalive_requests;
    ngx_msec_t                  keepalive_time;
    ngx_msec_t                  keepalive_timeout;

    /* this worker's */
    ngx_queue_t                 idle;        /* by age */
    ngx_queue_t                 free;
    ngx_http_faas_idle_t      **bucket;      /* by the address' hash */
    uint32_t                    mask;        /* of the hash */
} ngx_http_faas_upstream_conf_t;


/* replicas that a request has failed at */

typedef struct {
    uint32_t                    n;
    uint32_t                    rep[NGX_HTTP_FAAS_TRIES];
} ngx_http_faas_tried_t;


/*
 *            no place             there is one
 *   NONE ---------------> PARKED ---------------> READY
 *    ^                      | |
 *    | replica refused,     | +--- function deleted ---> GONE
 *    | nothing was sent     +----- time is over -------> EXPIRED
 *   RETRY <--- (after a place was had)
 */

typedef enum {
    NGX_HTTP_FAAS_NOT_PARKED = 0,
    NGX_HTTP_FAAS_PARKED,
    NGX_HTTP_FAAS_READY,
    NGX_HTTP_FAAS_GONE,
    NGX_HTTP_FAAS_EXPIRED,
    NGX_HTTP_FAAS_RETRY,
    NGX_HTTP_FAAS_HELD              /* before any of it: no routes yet */
} ngx_http_faas_wait_e;


/*
 * What the module knows of a request.  It outlives internal redirects: it is
 * found again through the pool's cleanups.
 */

typedef struct {
    ngx_http_request_t         *request;
    ngx_http_faas_main_conf_t  *conf;

    ngx_str_t                   function;    /* name without the namespace */
    ngx_str_t                   ns;
    ngx_str_t                   key;         /* NAME.NAMESPACE */
    ngx_str_t                   uri;         /* what the function sees */
    ngx_str_t                   replica;     /* id of the last one tried */
    ngx_str_t                   call_id;
    ngx_str_t                   start_time;  /* nanoseconds since 1970 */
    ngx_str_t                   trace;       /* traceparent */

    ngx_http_faas_cursor_t     *cursor;      /* of faas_metrics */
    ngx_http_faas_viewer_t     *viewer;      /* of faas_feed */
    ngx_http_faas_deadline_t   *deadline;    /* NULL: none */
    ngx_http_faas_async_call_t *async;       /* of faas_async */
    void                      **loc_conf;    /* of the location */
    const char                 *setting;     /* by which it may not wait, or
                                                no longer */

    uint64_t                    started;     /* usec, monotonic */
    uint64_t                    ended;       /* the same; 0: unknown */
    uint64_t                    parked;      /* usec */
    ngx_msec_t                  wait_until;  /* msec; 0: no retry yet */
    ngx_msec_t                  pause;       /* msec, before the next one */
    uint32_t                    hash;        /* of key */
    uint32_t                    fn;          /* NONE: not admitted */
    uint32_t                    rep;         /* held for it; NONE */
    uint32_t                    tries;       /* at replicas */
    ngx_http_faas_wait_e        wait;
    unsigned                    is_id_given:1;   /* call_id is the client's */
    unsigned                    is_counted:1;
    unsigned                    is_finished:1;   /* its answer is counted */
    unsigned                    is_sent:1;   /* a replica may have seen it */
    unsigned                    is_late:1;   /* timeout_ms is over */
    unsigned                    is_lost:1;   /* the last replica tried is */
} ngx_http_faas_ctx_t;


/* one try of a request at one replica */

typedef struct {
    ngx_queue_t                 queue;       /* of all in this worker */
    ngx_http_request_t         *request;
    ngx_http_faas_ctx_t        *ctx;
    uint32_t                    rep;         /* held; NONE: it is no more */
} ngx_http_faas_attempt_t;


#define ngx_http_faas_has_body(r)                                            \
    ((r)->headers_in.content_length_n > 0 || (r)->headers_in.chunked)

/* what was sent once may be sent once more, as nginx sees it, and can be */

#define ngx_http_faas_is_repeatable(r)                                       \
    (!((r)->method & (NGX_HTTP_POST|NGX_HTTP_LOCK|NGX_HTTP_PATCH))           \
     && !ngx_http_faas_has_body(r))


/* how far a page of metrics is written */

typedef struct {
    ngx_http_faas_shm_t        *sh;
    ngx_uint_t                  family;
    uint32_t                    item;
    unsigned                    is_headed:1;     /* HELP and TYPE are */
} ngx_http_faas_page_t;


/* what is counted of a function, of all lanes */

typedef struct {
    uint64_t                    started;
    uint64_t                    finished;
    uint64_t                    failed;
    uint64_t                    inflight;
    uint64_t                    busy;        /* integral, see faas_gauge.h */
    uint64_t                    parked;
    uint64_t                    waited;      /* integral */
    uint64_t                    retries;
    uint64_t                    submitted;
} ngx_http_faas_sum_t;


extern ngx_module_t  ngx_http_faas_module;


/* ngx_http_faas_module.c */

/*
 * The name of a function is what follows this location: checks that it can
 * be.  Returns what a directive's handler returns.
 */
char *ngx_http_faas_function_prefix(ngx_conf_t *cf,
    ngx_http_faas_main_conf_t *fmcf, ngx_uint_t is_async);


/* ngx_http_faas_route.c */

/*
 * Finds out which function a request means and which URI it shall see, and
 * sets function, ns, key and uri of ctx.  Returns NGX_OK, NGX_DECLINED where
 * the URI names none, or NGX_ERROR.
 */
ngx_int_t ngx_http_faas_route(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx);


/* ngx_http_faas_admit.c */

/*
 * The precontent phase handler: parses, counts, admits.
 */
ngx_int_t ngx_http_faas_admit_handler(ngx_http_request_t *r);

/*
 * Gives a request its context, with nothing in it but where it belongs; NULL:
 * no memory.
 */
ngx_http_faas_ctx_t *ngx_http_faas_create_ctx(ngx_http_request_t *r);

/*
 * The context of a request, also after an internal redirect; NULL where the
 * request never met faas_function.
 */
ngx_http_faas_ctx_t *ngx_http_faas_get_ctx(ngx_http_request_t *r);


/*
 * The location's own handler goes on with a request that was not sent to any
 * replica: it is admitted, or parked, anew.  Returns NGX_DECLINED where that
 * is not possible, else what the content handler is to return.
 */
ngx_int_t ngx_http_faas_admit_again(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx);


/* ngx_http_faas_wait.c: requests that are parked */

ngx_int_t ngx_http_faas_wait_init(ngx_cycle_t *cycle,
    ngx_http_faas_main_conf_t *fmcf);

/*
 * Parks a request that is counted as in flight.  Returns NGX_AGAIN: the phase
 * handler is called again when ctx->wait has changed; NGX_BUSY: too many are
 * parked; NGX_DECLINED: this function's requests are not parked; either by
 * ctx->setting; or NGX_ERROR.
 */
ngx_int_t ngx_http_faas_park(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx);

/*
 * The same for a request that a replica has refused: it waits for msec.
 */
ngx_int_t ngx_http_faas_pause(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx,
    ngx_msec_t msec);

/*
 * How long a request may wait in all; ctx->setting says by what.
 */
ngx_msec_t ngx_http_faas_patience(ngx_http_faas_ctx_t *ctx);

/*
 * Gives a place at a replica back, and to one that waits for it.
 */
void ngx_http_faas_leave(ngx_http_faas_zone_t *zone, uint32_t fn,
    uint32_t rep);

/*
 * There may be a place: whoever waits longest looks.
 */
void ngx_http_faas_next(ngx_http_faas_zone_t *zone, uint32_t fn);

/*
 * All that are parked in this worker look for a place.
 */
void ngx_http_faas_look(void);


/*
 * A request begins to wait: listens for its client going away.  It goes on
 * with the phase that it is in.
 */
ngx_int_t ngx_http_faas_listen(ngx_http_request_t *r);
void ngx_http_faas_go_on(ngx_http_request_t *r);


/* ngx_http_faas_hold.c: requests that come before the routes */

void ngx_http_faas_hold_init(ngx_http_faas_main_conf_t *fmcf);

/*
 * Returns NGX_AGAIN: the phase handler is called again; NGX_DECLINED: it is
 * not held any more, or too many are; or NGX_ERROR.
 */
ngx_int_t ngx_http_faas_hold(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx);


/* ngx_http_faas_signal.c: from worker to worker */

/*
 * Begins to listen; the lane has been claimed.
 */
ngx_int_t ngx_http_faas_signal_init(ngx_cycle_t *cycle,
    ngx_http_faas_main_conf_t *fmcf);

void ngx_http_faas_signal(ngx_http_faas_shm_t *sh, ngx_uint_t lane);
void ngx_http_faas_signal_all(ngx_http_faas_shm_t *sh);

/*
 * The lane in which a function's request has waited longest; NONE.
 */
ngx_uint_t ngx_http_faas_oldest(ngx_http_faas_shm_t *sh, uint32_t fn);

/*
 * A function's route was changed: signals those who have requests waiting;
 * or anything may have changed.
 */
void ngx_http_faas_changed(ngx_http_faas_shm_t *sh, uint32_t fn);
void ngx_http_faas_changed_all(ngx_http_faas_shm_t *sh);

/*
 * Requests wait for a place at a function's replica: asks the leader to tell
 * the scaler, at most once in FAAS_WAKE_INTERVAL, and whenever twice as many
 * wait.
 */
void ngx_http_faas_want(ngx_http_faas_zone_t *zone, uint32_t fn);


/* ngx_http_faas_answer.c: what the gateway answers in a function's stead */

/*
 * Each answers from a phase handler, which returns what they return.
 */

/* 404; ctx is NULL where the URI has no function's name in it */
ngx_int_t ngx_http_faas_answer_unknown(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx);

/* 503: no replica, and not or no longer parked; routes are not known */
ngx_int_t ngx_http_faas_answer_no_replica(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx);
ngx_int_t ngx_http_faas_answer_not_loaded(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx);

/* 429: too many are parked; all replicas are full and none may park */
ngx_int_t ngx_http_faas_answer_full(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx);
ngx_int_t ngx_http_faas_answer_busy(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx);

/* 502: replicas have refused it for as long as it may be parked */
ngx_int_t ngx_http_faas_answer_refused(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx);

/*
 * For a content handler, which returns what this does: an error with these
 * contents.  ctx may be NULL.
 */
ngx_int_t ngx_http_faas_answer_error(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx, ngx_uint_t status, const char *hop,
    const char *setting, ngx_str_t *error);

/*
 * Sends a text, or nothing where that is NULL, as the whole answer: what nginx
 * sends by itself is a page.  Returns what a content handler returns.
 */
ngx_int_t ngx_http_faas_answer_text(ngx_http_request_t *r, ngx_uint_t status,
    ngx_str_t *text);

/* content handlers of faas_health and faas_error */
ngx_int_t ngx_http_faas_health_handler(ngx_http_request_t *r);
ngx_int_t ngx_http_faas_error_handler(ngx_http_request_t *r);


/* ngx_http_faas_balancer.c */

/* the directive "faas" in an upstream block, and its configuration */
char *ngx_http_faas_upstream(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
void *ngx_http_faas_create_upstream_conf(ngx_conf_t *cf);


/* ngx_http_faas_pick.c: which replica */

/*
 * Chooses a replica, not one of those tried if there is another, and takes a
 * place there, which ngx_http_faas_drop() gives back.  tried may be NULL.
 * Returns NGX_OK; NGX_BUSY where all are at max_inflight; NGX_DECLINED where
 * there is none.
 */
ngx_int_t ngx_http_faas_pick(ngx_http_faas_zone_t *zone, uint32_t fn,
    const ngx_http_faas_tried_t *tried, uint32_t *rep);
void ngx_http_faas_drop(ngx_http_faas_zone_t *zone, uint32_t rep);

/*
 * How a request at a replica went.
 */
void ngx_http_faas_rep_failed(ngx_http_faas_shm_t *sh, uint32_t rep,
    ngx_uint_t max_fails, ngx_msec_t fail_timeout);
void ngx_http_faas_rep_succeeded(ngx_http_faas_shm_t *sh, uint32_t rep);


/* ngx_http_faas_keepalive.c: idle connections */

ngx_int_t ngx_http_faas_keepalive_init(ngx_conf_t *cf,
    ngx_http_faas_upstream_conf_t *conf);

/*
 * Puts an idle connection to a replica into pc; NGX_DECLINED: there is none.
 */
ngx_int_t ngx_http_faas_keepalive_get(ngx_peer_connection_t *pc,
    ngx_http_faas_upstream_conf_t *conf, ngx_http_faas_rep_t *rep);

/*
 * Keeps pc's connection, if it can be used again, and clears it there.
 */
void ngx_http_faas_keepalive_put(ngx_peer_connection_t *pc,
    ngx_http_upstream_t *u, ngx_http_faas_upstream_conf_t *conf,
    ngx_http_faas_rep_t *rep, ngx_uint_t state);


/* ngx_http_faas_lost.c: replicas that will never answer */

void ngx_http_faas_lost_init(ngx_http_faas_zone_t *zone);

/*
 * A request is sent to a replica, or no longer.
 */
void ngx_http_faas_attempt_begin(ngx_http_faas_attempt_t *attempt,
    uint32_t rep);
void ngx_http_faas_attempt_end(ngx_http_faas_attempt_t *attempt);

/*
 * Ends this worker's connections to replicas that have been lost since it
 * looked last.
 */
void ngx_http_faas_cut_lost(ngx_http_faas_zone_t *zone);


/* ngx_http_faas_deadline.c: the time of a whole call */

/*
 * From now on; r->upstream is there and has not connected yet.
 */
ngx_int_t ngx_http_faas_deadline_set(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx, ngx_msec_t msec);
void ngx_http_faas_deadline_clear(ngx_http_faas_ctx_t *ctx);


/* ngx_http_faas_headers.c */

/* installs the header filter that adds X-Call-Id and X-Start-Time */
void ngx_http_faas_headers_init(void);

/*
 * Gives a request its time, call id and trace, in ctx and as headers to the
 * function.
 */
ngx_int_t ngx_http_faas_stamp(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx);

/*
 * Adds a response header; name and value must live as long as the request.
 */
ngx_int_t ngx_http_faas_add_header(ngx_http_request_t *r, const char *name,
    ngx_str_t *value);


/* ngx_http_faas_variables.c */

ngx_int_t ngx_http_faas_add_variables(ngx_conf_t *cf);

/*
 * A request has become a call of a function, or of another one: values that
 * were asked for before are out of date.
 */
void ngx_http_faas_forget_variables(ngx_http_request_t *r);


/* ngx_http_faas_stats.c: counters; each process writes its own lane only */

/*
 * Takes a lane for this process: a free one, that of a dead process, or, when
 * there is none, the last, which is shared.
 */
void ngx_http_faas_lane_claim(ngx_http_faas_zone_t *zone, ngx_log_t *log);

/*
 * Gives the lane back.
 */
void ngx_http_faas_lane_release(ngx_http_faas_zone_t *zone);

/*
 * Frees the lanes of dead processes and what they held.  Returns how many.
 */
ngx_uint_t ngx_http_faas_lanes_sweep(ngx_http_faas_zone_t *zone);

/*
 * True where a process of this number is no more.
 */
ngx_int_t ngx_http_faas_pid_is_dead(uint64_t pid);

/*
 * Microseconds, monotonic.
 */
uint64_t ngx_http_faas_usec(void);

/*
 * A request is counted in; it was not one after all.
 */
void ngx_http_faas_stat_start(ngx_http_faas_zone_t *zone, uint32_t fn);
void ngx_http_faas_stat_undo(ngx_http_faas_zone_t *zone, uint32_t fn);

/*
 * A request that is counted is in flight, or no longer; is parked, or no
 * longer.  It is one of the two until it is over.
 */
void ngx_http_faas_stat_enter(ngx_http_faas_zone_t *zone, uint32_t fn);
void ngx_http_faas_stat_leave(ngx_http_faas_zone_t *zone, uint32_t fn);
void ngx_http_faas_stat_park(ngx_http_faas_zone_t *zone, uint32_t fn);
void ngx_http_faas_stat_unpark(ngx_http_faas_zone_t *zone, uint32_t fn);

/*
 * Requests parked now, of a function, of all functions.
 */
uint64_t ngx_http_faas_stat_parked(ngx_http_faas_shm_t *sh, uint32_t fn);
uint64_t ngx_http_faas_stat_parked_all(ngx_http_faas_shm_t *sh);

/*
 * Counts an answer of the function: status, time in microseconds.
 */
void ngx_http_faas_stat_finish(ngx_http_faas_zone_t *zone, uint32_t fn,
    ngx_uint_t status, uint64_t usec);

/*
 * Counts what a request of this context came to.
 */
void ngx_http_faas_stat_count(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx);

/*
 * Sums the lanes of a function.
 */
void ngx_http_faas_stat_sum(ngx_http_faas_shm_t *sh, uint32_t fn,
    ngx_http_faas_sum_t *sum);

/*
 * Adds a time to a series; to none where it is NONE.
 */
void ngx_http_faas_hist_add(ngx_http_faas_zone_t *zone, uint32_t series,
    uint64_t usec);

/*
 * Sums the stripes of a series.
 */
void ngx_http_faas_hist_sum(ngx_http_faas_shm_t *sh, uint32_t series,
    ngx_http_faas_hist_t *sum);

/* zero all of a record that is about to be free */
void ngx_http_faas_stat_clear_locked(ngx_http_faas_shm_t *sh, uint32_t fn);
void ngx_http_faas_hist_clear_locked(ngx_http_faas_shm_t *sh, uint32_t series);

/* the log phase handler */
ngx_int_t ngx_http_faas_log_handler(ngx_http_request_t *r);


/* ngx_http_faas_metrics.c */

/* content handler of faas_metrics */
ngx_int_t ngx_http_faas_metrics_handler(ngx_http_request_t *r);


/* ngx_http_faas_metrics_page.c */

/*
 * Goes on with a page that began as zeros but for sh: writes whole items, as
 * many as fit and as a turn may take.  Returns whether there are more.
 */
ngx_uint_t ngx_http_faas_page_fill(ngx_http_faas_page_t *page, ngx_buf_t *b);


/* ngx_http_faas_feed.c: what changes, as it does */

/* content handler of faas_feed */
ngx_int_t ngx_http_faas_feed_handler(ngx_http_request_t *r);


/* ngx_http_faas_state.c: routes in a file, for a start without Redis */

/*
 * Reads routes from the file into a new zone; logs what is wrong with it.
 */
void ngx_http_faas_state_load(ngx_http_faas_shm_t *sh, ngx_str_t *file,
    ngx_log_t *log);

/*
 * Carries routes and counters from one zone over to another.
 */
void ngx_http_faas_state_copy(ngx_http_faas_shm_t *to,
    ngx_http_faas_shm_t *from, ngx_log_t *log);

/*
 * Writes the file when routes have changed, while this worker is the leader.
 */
void ngx_http_faas_state_start(ngx_http_faas_main_conf_t *fmcf);
void ngx_http_faas_state_stop(void);


#endif /* _NGX_HTTP_FAAS_H_INCLUDED_ */

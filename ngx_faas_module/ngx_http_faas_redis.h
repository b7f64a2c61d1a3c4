
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The gateway module's side of Redis: redis_conf, redis_conn, redis_name,
 * leader, sync, flush, wake.
 */


#ifndef _NGX_HTTP_FAAS_REDIS_H_INCLUDED_
#define _NGX_HTTP_FAAS_REDIS_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_http.h>

#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#include "lib/faas_addr.h"
#include "lib/faas_proto.h"


#define NGX_HTTP_FAAS_LEASE          2000   /* msec without renewal */
#define NGX_HTTP_FAAS_LEADER_TICK    250    /* msec */
#define NGX_HTTP_FAAS_RECONNECT_MIN  100    /* msec */
#define NGX_HTTP_FAAS_RECONNECT_MAX  5000   /* msec */
#define NGX_HTTP_FAAS_PENDING        1024   /* commands without an answer */
#define NGX_HTTP_FAAS_REPLY_MAX      (64 * 1024 * 1024)  /* bytes */
#define NGX_HTTP_FAAS_ELEMENTS_MAX   65536  /* of a list that Redis sends */
#define NGX_HTTP_FAAS_SCAN_COUNT     "64"   /* routes a step of a whole read */
#define NGX_HTTP_FAAS_CHANGES_COUNT  64     /* changes a read */
#define NGX_HTTP_FAAS_PEER_MAX       (sizeof(", now ") + NGX_SOCKADDR_STRLEN)
#define NGX_HTTP_FAAS_FOLLOW_BLOCK   5000   /* msec a read waits for changes */


typedef struct ngx_http_faas_conn_s  ngx_http_faas_conn_t;
typedef struct ngx_http_faas_main_conf_s  ngx_http_faas_main_conf_t;

typedef void (*ngx_http_faas_conn_pt)(ngx_http_faas_conn_t *conn);
typedef void (*ngx_http_faas_reply_pt)(ngx_http_faas_conn_t *conn,
    redisReply *reply);


typedef struct {
    ngx_str_t                   addr;        /* as configured */
    struct faas_addr            parsed;      /* where it is no name */
    ngx_str_t                   host;        /* the name; empty: an address */
    in_port_t                   port;        /* of the name */
    ngx_resolver_t             *resolver;    /* of level http, as is ... */
    ngx_msec_t                  patience;    /* ... for one look-up; 0: none */
    ngx_str_t                   password;
    ngx_str_t                   prefix;
    ngx_int_t                   db;
    ngx_msec_t                  timeout;     /* connect, one answer */
    ngx_msec_t                  flush;       /* between two reports */

    u_char                      routes[FAAS_REDIS_KEY_MAX + 1];
    u_char                      changes[FAAS_REDIS_KEY_MAX + 1];
    u_char                      epoch[FAAS_REDIS_KEY_MAX + 1];
    u_char                      gateways[FAAS_REDIS_KEY_MAX + 1];
    u_char                      wake[FAAS_REDIS_KEY_MAX + 1];
    u_char                      load[FAAS_REDIS_KEY_MAX + 1];
    u_char                      active[FAAS_REDIS_KEY_MAX + 1];
} ngx_http_faas_redis_conf_t;


/*
 * A connection to Redis on nginx's event loop.
 *
 * It connects when it is opened, authenticates, and calls ready(); when it is
 * lost it calls lost() (if ready() was called), and connects again later.  A
 * name is looked up each time before it connects.
 */

struct ngx_http_faas_conn_s {
    ngx_http_faas_redis_conf_t *conf;
    redisAsyncContext          *ac;          /* NULL: not connected */
    ngx_connection_t           *connection;
    redisAsyncContext          *owner;       /* of the descriptor */
    ngx_event_t                 timer;       /* reconnect, or answer overdue */
    ngx_msec_t                  delay;       /* before the next connect */

    ngx_resolver_ctx_t         *lookup;      /* of the name; NULL: none */
    struct faas_addr            addr;        /* of the name, tried last */
    ngx_str_t                   peer;        /* the same, for the log */
    u_char                      text[NGX_HTTP_FAAS_PEER_MAX];

    ngx_http_faas_conn_pt       ready;
    ngx_http_faas_conn_pt       lost;
    void                       *data;

    /* who wants the answers, in the order in which Redis gives them */
    ngx_http_faas_reply_pt      pending[NGX_HTTP_FAAS_PENDING];
    ngx_uint_t                  first;
    ngx_uint_t                  n;

    unsigned                    is_lasting:1;    /* as long as the worker has
                                                    requests; set before */
    unsigned                    is_quiet:1;      /* others log an outage; set
                                                    before */
    unsigned                    is_open:1;
    unsigned                    is_ready:1;
    unsigned                    is_reported:1;   /* the outage was logged */
    unsigned                    is_refused:1;    /* so was what Redis said */
    unsigned                    is_unknown:1;    /* and a failed look-up */
};


typedef struct {
    ngx_event_t                 timer;
    ngx_http_faas_main_conf_t  *conf;
    unsigned                    is_leader:1;
} ngx_http_faas_leader_t;


/* ngx_http_faas_redis_conf.c */

/* the directive "faas_redis" */
char *ngx_http_faas_redis(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);


/* ngx_http_faas_redis_conn.c */

/*
 * Connects now.  conf, ready, lost and data are set by the caller.
 */
void ngx_http_faas_conn_open(ngx_http_faas_conn_t *conn);

/*
 * Closes for good; lost() is not called.
 */
void ngx_http_faas_conn_close(ngx_http_faas_conn_t *conn);

/*
 * Gives the connection up and connects again after a pause.  Not to be
 * called from a reply handler.
 */
void ngx_http_faas_conn_reset(ngx_http_faas_conn_t *conn, const char *why);

/*
 * Sends a command.  handler gets the answer, or NULL when the connection is
 * lost; it may be NULL.  wait is what the answer may take beyond the timeout,
 * in msec.  Returns NGX_OK, or NGX_ERROR where it was not sent.
 */
ngx_int_t ngx_http_faas_conn_send(ngx_http_faas_conn_t *conn,
    ngx_http_faas_reply_pt handler, ngx_msec_t wait, int argc,
    const char **argv, const size_t *argvlen);

/*
 * The same of n commands that are in Redis' protocol already; last gets the
 * answer of the last one, each those of the others.
 */
ngx_int_t ngx_http_faas_conn_send_raw(ngx_http_faas_conn_t *conn,
    ngx_http_faas_reply_pt each, ngx_http_faas_reply_pt last, ngx_str_t *raw,
    ngx_uint_t n);

/*
 * For redis_name: the name was looked up, and this is the address; or it
 * could not be, and why.
 */
void ngx_http_faas_conn_connect_to(ngx_http_faas_conn_t *conn,
    struct faas_addr *addr);
void ngx_http_faas_conn_down(ngx_http_faas_conn_t *conn, const char *why);


/* ngx_http_faas_redis_name.c: Redis by name */

/*
 * The end of configuration: takes the resolver of level http.  Returns
 * NGX_OK, or NGX_ERROR after having said that there is none.
 */
ngx_int_t ngx_http_faas_name_init(ngx_conf_t *cf,
    ngx_http_faas_redis_conf_t *redis);

/*
 * Looks the name up and goes on with ngx_http_faas_conn_connect_to() or
 * ngx_http_faas_conn_down(), maybe before it returns.
 */
void ngx_http_faas_name_resolve(ngx_http_faas_conn_t *conn);

/*
 * Gives up a look-up that is pending, if one is.  Not to be called from where
 * ngx_http_faas_name_resolve() goes on.
 */
void ngx_http_faas_name_cancel(ngx_http_faas_conn_t *conn);


/* ngx_http_faas_leader.c: which worker talks to Redis */

ngx_int_t ngx_http_faas_leader_init(ngx_cycle_t *cycle,
    ngx_http_faas_main_conf_t *fmcf);

/*
 * Gives up the lead at once: this process is leaving.
 */
void ngx_http_faas_leader_resign(void);


/* ngx_http_faas_sync.c: routes, from Redis into shared memory */

void ngx_http_faas_sync_start(ngx_http_faas_main_conf_t *fmcf);
void ngx_http_faas_sync_stop(void);


/* ngx_http_faas_flush.c: load, from shared memory to Redis */

void ngx_http_faas_flush_start(ngx_http_faas_main_conf_t *fmcf);
void ngx_http_faas_flush_stop(void);

/*
 * Reports now rather than at the next tick.
 */
void ngx_http_faas_flush_soon(void);

/*
 * The connection that load is reported on; NULL where there is none.
 */
ngx_http_faas_conn_t *ngx_http_faas_flush_conn(void);


/* ngx_http_faas_wake.c: functions that are wanted, to Redis */

void ngx_http_faas_wake_start(ngx_http_faas_main_conf_t *fmcf);
void ngx_http_faas_wake_stop(void);

/*
 * Tells the scaler of the functions wanted, if this worker is the leader.
 */
void ngx_http_faas_wake_send(void);


#endif /* _NGX_HTTP_FAAS_REDIS_H_INCLUDED_ */

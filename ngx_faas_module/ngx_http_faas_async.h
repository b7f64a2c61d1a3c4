
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Asynchronous calls: async_conf, async, async_call, async_batch,
 * async_encode, async_redis.
 */


#ifndef _NGX_HTTP_FAAS_ASYNC_H_INCLUDED_
#define _NGX_HTTP_FAAS_ASYNC_H_INCLUDED_


#include "ngx_http_faas.h"

#include "lib/faas_async.h"


#define NGX_HTTP_FAAS_ASYNC_ARGS  16    /* of a script, at most */

/* of calls that are put into the queue together, at most */
#define NGX_HTTP_FAAS_BATCH_CALLS  64
#define NGX_HTTP_FAAS_BATCH_BYTES  (256 * 1024)     /* of those before the
                                                       last */


/*
 * reply is NULL where Redis is away, has refused it, or has not answered in
 * time.
 */
typedef void (*ngx_http_faas_async_pt)(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx, redisReply *reply);


/* what a call's request is made of, see struct faas_async_request */

typedef enum {
    NGX_HTTP_FAAS_REQUEST_HEAD = 0,
    NGX_HTTP_FAAS_REQUEST_PATH,
    NGX_HTTP_FAAS_REQUEST_HEADERS,
    NGX_HTTP_FAAS_REQUEST_BODY,
    NGX_HTTP_FAAS_REQUEST_N
} ngx_http_faas_request_e;


/*
 * A script and what it is given, the prefix first.  It has to live as long as
 * the request.
 */

typedef struct {
    const struct faas_script   *script;
    ngx_http_faas_async_pt      handler;
    ngx_uint_t                  n;           /* arguments */
    ngx_str_t                   arg[NGX_HTTP_FAAS_ASYNC_ARGS];

    /* a call that needs no script: its request, in pieces, and the length of
       all; the argument is not set then */
    ngx_str_t                   piece[NGX_HTTP_FAAS_REQUEST_N];
    size_t                      size;
    unsigned                    is_plain:1;
} ngx_http_faas_async_ask_t;


/* a request that waits for Redis' answer */

typedef struct {
    ngx_queue_t                 queue;
    ngx_http_request_t         *request;     /* NULL: gone */
    ngx_http_faas_ctx_t        *ctx;
    ngx_http_faas_async_ask_t  *ask;
    ngx_http_cleanup_t         *cleanup;
    unsigned                    is_sent:1;
} ngx_http_faas_async_wait_t;


/* arguments of faas_async_enqueue behind the prefix */

typedef enum {
    NGX_HTTP_FAAS_ENQUEUE_PREFIX = 0,
    NGX_HTTP_FAAS_ENQUEUE_KEY,
    NGX_HTTP_FAAS_ENQUEUE_ID,
    NGX_HTTP_FAAS_ENQUEUE_OTHER_ID,
    NGX_HTTP_FAAS_ENQUEUE_REQUEST,
    NGX_HTTP_FAAS_ENQUEUE_DELAY,
    NGX_HTTP_FAAS_ENQUEUE_CALLS,
    NGX_HTTP_FAAS_ENQUEUE_BYTES,
    NGX_HTTP_FAAS_ENQUEUE_SAME,
    NGX_HTTP_FAAS_ENQUEUE_WINDOW,
    NGX_HTTP_FAAS_ENQUEUE_N
} ngx_http_faas_enqueue_e;


/*
 * Answers of the commands that do the same for n calls of so many functions:
 * one of all requests; one of each call, its entry; calls and bytes that wait,
 * of all; and two of each function.
 */
#define ngx_http_faas_async_answers(n, functions)                            \
    (1 + (n) + 2 + 2 * (functions))

/* the most commands that calls which go together are */
#define NGX_HTTP_FAAS_BATCH_COMMANDS                                         \
    (1 + ngx_http_faas_async_answers(NGX_HTTP_FAAS_BATCH_CALLS,              \
                                     NGX_HTTP_FAAS_BATCH_CALLS) + 1)


/* ngx_http_faas_async_conf.c */

/* the directives faas_async, faas_async_max_body, faas_async_queue */
char *ngx_http_faas_async(ngx_conf_t *cf, ngx_command_t *cmd, void *conf);
char *ngx_http_faas_async_max_body(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);
char *ngx_http_faas_async_queue(ngx_conf_t *cf, ngx_command_t *cmd,
    void *conf);

/*
 * The end of configuration: defaults and bounds.
 */
ngx_int_t ngx_http_faas_async_init_conf(ngx_conf_t *cf,
    ngx_http_faas_main_conf_t *fmcf);


/* ngx_http_faas_async.c: the location */

/* content handler of faas_async */
ngx_int_t ngx_http_faas_async_handler(ngx_http_request_t *r);

/*
 * Answers an error, from a content handler, which returns what this does.
 */
ngx_int_t ngx_http_faas_async_refuse(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx, ngx_uint_t status, const char *setting,
    const char *error);

/*
 * Redis is away, or refuses it.
 */
ngx_int_t ngx_http_faas_async_no_redis(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx);


/* ngx_http_faas_async_call.c: a request becomes a call in the queue */

/*
 * The function is known, and the call has its id.  Returns what a content
 * handler returns.
 */
ngx_int_t ngx_http_faas_async_accept(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx);


/*
 * Redis has said what all that waits amounts to, by two integers.
 */
void ngx_http_faas_async_learn(redisReply *calls, redisReply *bytes);


/* ngx_http_faas_async_batch.c: calls that are put into the queue together */

/*
 * The connection that they go by, before it is ready.
 */
void ngx_http_faas_batch_init(ngx_http_faas_conn_t *conn);

/*
 * A call that needs no script, while the connection is ready.
 */
void ngx_http_faas_batch_add(ngx_http_faas_async_wait_t *wait);

/*
 * Sends at the end of this turn of the event loop what may go.
 */
void ngx_http_faas_batch_post(void);

/*
 * Nobody knows whether what was sent was done.
 */
void ngx_http_faas_batch_lost(void);


/* ngx_http_faas_async_encode.c */

/*
 * Makes the commands that do what faas_async_enqueue does, for n calls (from 1
 * to NGX_HTTP_FAAS_BATCH_CALLS) that are neither delayed nor have an id or a
 * key of their client's, and does not look whether there is room: for half of
 * what the script costs Redis, or less.  ask has the arguments of the script.
 * Sets raw, which the caller frees by ngx_free(), and the number of commands:
 * MULTI, what ngx_http_faas_async_answers() counts, EXEC.
 */
ngx_int_t ngx_http_faas_async_encode(ngx_http_faas_async_ask_t **ask,
    ngx_uint_t n, ngx_str_t *raw, ngx_uint_t *commands);

/*
 * Writes the request of a call to p of ask->size bytes.  Returns its end.
 */
u_char *ngx_http_faas_async_write(u_char *p, ngx_http_faas_async_ask_t *ask);


/* ngx_http_faas_async_redis.c: scripts that Redis runs for requests */

/*
 * Connects this worker, where faas_async is used.
 */
void ngx_http_faas_async_init(ngx_http_faas_main_conf_t *fmcf);
void ngx_http_faas_async_exit(void);

/*
 * Has a script run; the handler finalizes the request, unless it is gone by
 * then.  Returns NGX_DONE, with the request held; NGX_DECLINED where Redis is
 * away; or NGX_ERROR.
 */
ngx_int_t ngx_http_faas_async_ask(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx, ngx_http_faas_async_ask_t *ask);

/*
 * Gives the answer, or NULL, to who waits for it, and frees the wait, which is
 * in no queue any more.
 */
void ngx_http_faas_async_end(ngx_http_faas_async_wait_t *wait,
    redisReply *reply);

/*
 * Gives NULL to all that wait in a queue, and empties it.
 */
void ngx_http_faas_async_fail(ngx_queue_t *waits);


#endif /* _NGX_HTTP_FAAS_ASYNC_H_INCLUDED_ */

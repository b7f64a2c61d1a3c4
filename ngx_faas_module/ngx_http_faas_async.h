
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Asynchronous calls: async_conf, async, async_call,
 * async_encode, async_redis.
 */


#ifndef _NGX_HTTP_FAAS_ASYNC_H_INCLUDED_
#define _NGX_HTTP_FAAS_ASYNC_H_INCLUDED_


#include "ngx_http_faas.h"

#include "lib/faas_async.h"


#define NGX_HTTP_FAAS_ASYNC_ARGS  16    /* of a script, at most */


/*
 * reply is NULL where Redis is away, has refused it, or has not answered in
 * time.
 */
typedef void (*ngx_http_faas_async_pt)(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx, redisReply *reply);


/*
 * A script and what it is given, the prefix first; or commands in place of it.
 * It has to live as long as the request.
 */

typedef struct {
    const struct faas_script   *script;
    ngx_http_faas_async_pt      handler;
    ngx_uint_t                  n;           /* arguments */
    ngx_str_t                   arg[NGX_HTTP_FAAS_ASYNC_ARGS];
    ngx_str_t                   raw;         /* in Redis' protocol; empty: the
                                                script */
    ngx_uint_t                  commands;    /* in raw */
} ngx_http_faas_async_ask_t;


/* arguments of faas_async_enqueue behind the prefix */

typedef enum {
    NGX_HTTP_FAAS_ENQUEUE_PREFIX = 0,
    NGX_HTTP_FAAS_ENQUEUE_KEY,
    NGX_HTTP_FAAS_ENQUEUE_ID,
    NGX_HTTP_FAAS_ENQUEUE_OTHER_ID,
    NGX_HTTP_FAAS_ENQUEUE_METHOD,
    NGX_HTTP_FAAS_ENQUEUE_PATH,
    NGX_HTTP_FAAS_ENQUEUE_HEADERS,
    NGX_HTTP_FAAS_ENQUEUE_BODY,
    NGX_HTTP_FAAS_ENQUEUE_CALLBACK,
    NGX_HTTP_FAAS_ENQUEUE_DELAY,
    NGX_HTTP_FAAS_ENQUEUE_CALLS,
    NGX_HTTP_FAAS_ENQUEUE_BYTES,
    NGX_HTTP_FAAS_ENQUEUE_SAME,
    NGX_HTTP_FAAS_ENQUEUE_WINDOW,
    NGX_HTTP_FAAS_ENQUEUE_N
} ngx_http_faas_enqueue_e;


/* answers of the commands that do the same */

typedef enum {
    NGX_HTTP_FAAS_ENCODED_CALL = 0,
    NGX_HTTP_FAAS_ENCODED_ENTRY,
    NGX_HTTP_FAAS_ENCODED_CALLS,
    NGX_HTTP_FAAS_ENCODED_BYTES,
    NGX_HTTP_FAAS_ENCODED_DEPTH,
    NGX_HTTP_FAAS_ENCODED_BELL,
    NGX_HTTP_FAAS_ENCODED_N
} ngx_http_faas_encoded_e;


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


/* ngx_http_faas_async_encode.c */

/*
 * Makes the commands that do what faas_async_enqueue does for a call that is
 * neither delayed nor has an id or a key of its client's, and does not look
 * whether there is room: for half of what the script costs Redis.  ask has the
 * arguments of the script; sets raw and commands.
 */
ngx_int_t ngx_http_faas_async_encode(ngx_http_request_t *r,
    ngx_http_faas_async_ask_t *ask);


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


#endif /* _NGX_HTTP_FAAS_ASYNC_H_INCLUDED_ */

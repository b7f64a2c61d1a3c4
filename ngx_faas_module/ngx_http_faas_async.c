
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The location of asynchronous calls.
 *
 *   POST   /async-function/NAME[.NAMESPACE][/REST]   202: it is in the queue
 *   GET    /async-function/CALL-ID                   what has become of it
 *   DELETE /async-function/CALL-ID                   202: it will not run
 *
 * Whoever has a call's id may ask for it: the gateway's own are random.
 */


#include "ngx_http_faas_async.h"

#include "lib/faas_hash.h"
#include "lib/faas_num.h"


/* fields of the answer of faas_async_state */

typedef enum {
    NGX_HTTP_FAAS_CALL_FUNCTION = 0,
    NGX_HTTP_FAAS_CALL_STATE,
    NGX_HTTP_FAAS_CALL_ACCEPTED,
    NGX_HTTP_FAAS_CALL_ATTEMPTS,
    NGX_HTTP_FAAS_CALL_STATUS,
    NGX_HTTP_FAAS_CALL_ERROR,
    NGX_HTTP_FAAS_CALL_DUE,
    NGX_HTTP_FAAS_CALL_OVER,
    NGX_HTTP_FAAS_CALL_CALLBACK,
    NGX_HTTP_FAAS_CALL_CALLBACKS,
    NGX_HTTP_FAAS_CALL_FIELDS
} ngx_http_faas_call_e;


/* what became of the wish to take a call back, by its state before */

typedef struct {
    const char                 *state;       /* NULL: any other */
    ngx_uint_t                  status;
    const char                 *error;       /* NULL: it is taken back */
} ngx_http_faas_async_outcome_t;


typedef struct {
    ngx_uint_t                  field;
    const char                 *name;
    unsigned                    is_number:1;
    unsigned                    is_optional:1;   /* left out where empty */
} ngx_http_faas_call_member_t;


static ngx_int_t ngx_http_faas_async_begin(ngx_http_request_t *r);
static ngx_int_t ngx_http_faas_async_admit(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx);
static ngx_int_t ngx_http_faas_async_unknown(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx);
static ngx_int_t ngx_http_faas_async_not_allowed(ngx_http_request_t *r);
static ngx_int_t ngx_http_faas_async_of_call(ngx_http_request_t *r);
static void ngx_http_faas_async_state(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx, redisReply *reply);
static ngx_int_t ngx_http_faas_async_show(ngx_http_request_t *r,
    ngx_str_t *id, redisReply *reply);
static void ngx_http_faas_async_cancelled(ngx_http_request_t *r,
    ngx_http_faas_ctx_t *ctx, redisReply *reply);


static ngx_str_t  ngx_http_faas_async_json = ngx_string("application/json");
static ngx_str_t  ngx_http_faas_async_methods =
    ngx_string("POST, GET, HEAD, DELETE");


static ngx_http_faas_call_member_t  ngx_http_faas_call_members[] = {
    { NGX_HTTP_FAAS_CALL_FUNCTION, "function", 0, 0 },
    { NGX_HTTP_FAAS_CALL_STATE, "state", 0, 0 },
    { NGX_HTTP_FAAS_CALL_ACCEPTED, "accepted_ms", 1, 0 },
    { NGX_HTTP_FAAS_CALL_ATTEMPTS, "attempts", 1, 0 },
    { NGX_HTTP_FAAS_CALL_STATUS, "status", 1, 1 },
    { NGX_HTTP_FAAS_CALL_ERROR, "error", 0, 1 },
    { NGX_HTTP_FAAS_CALL_DUE, "due_ms", 1, 1 },
    { NGX_HTTP_FAAS_CALL_OVER, "ended_ms", 1, 1 },
    { NGX_HTTP_FAAS_CALL_CALLBACK, "callback_url", 0, 1 },
    { NGX_HTTP_FAAS_CALL_CALLBACKS, "callbacks_failed", 1, 1 },
    { 0, NULL, 0, 0 }
};


static char  ngx_http_faas_async_no_call[] =
    "no such call: it has never been, or has ended too long ago";

static ngx_http_faas_async_outcome_t  ngx_http_faas_async_outcomes[] = {
    { "", NGX_HTTP_NOT_FOUND, ngx_http_faas_async_no_call },
    { "queued", NGX_HTTP_ACCEPTED, NULL },
    { "delayed", NGX_HTTP_ACCEPTED, NULL },
    { "retry", NGX_HTTP_ACCEPTED, NULL },
    { "cancelled", NGX_HTTP_ACCEPTED, NULL },
    { "running", NGX_HTTP_CONFLICT, "the call has begun already" },
    { NULL, NGX_HTTP_CONFLICT, "the call has ended already" }
};


ngx_int_t
ngx_http_faas_async_handler(ngx_http_request_t *r)
{
    if (r->method == NGX_HTTP_POST) {
        return ngx_http_faas_async_begin(r);
    }

    if (r->method & (NGX_HTTP_GET|NGX_HTTP_HEAD|NGX_HTTP_DELETE)) {
        return ngx_http_faas_async_of_call(r);
    }

    return ngx_http_faas_async_not_allowed(r);
}


ngx_int_t
ngx_http_faas_async_refuse(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx,
    ngx_uint_t status, const char *setting, const char *error)
{
    ngx_str_t  text;

    text.data = (u_char *) error;
    text.len = ngx_strlen(error);

    return ngx_http_faas_answer_error(r, ctx, status, "gateway", setting,
                                      &text);
}


ngx_int_t
ngx_http_faas_async_no_redis(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx)
{
    ngx_str_t  text;

    ngx_str_set(&text, "Redis, where the queue of asynchronous calls is, does "
                       "not answer, or refuses it; the gateway's error log "
                       "says why");

    return ngx_http_faas_answer_error(r, ctx, NGX_HTTP_SERVICE_UNAVAILABLE,
                                      "redis", "faas_redis", &text);
}


static ngx_int_t
ngx_http_faas_async_begin(ngx_http_request_t *r)
{
    ngx_int_t             rc;
    ngx_http_faas_ctx_t  *ctx;

    ctx = ngx_http_faas_create_ctx(r);
    if (ctx == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    rc = ngx_http_faas_route(r, ctx);

    if (rc == NGX_ERROR) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    if (rc != NGX_OK) {
        return ngx_http_faas_async_unknown(r, NULL);
    }

    ctx->hash = faas_hash((char *) ctx->key.data, ctx->key.len);

    if (ngx_http_faas_stamp(r, ctx) != NGX_OK) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_faas_async_admit(r, ctx);
}


/*
 * A function that is there now: it may be gone when its turn comes.
 */

static ngx_int_t
ngx_http_faas_async_admit(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx)
{
    uint32_t                   fn;
    uint64_t                   seq;
    ngx_http_faas_shm_t       *sh;
    ngx_http_faas_loc_conf_t  *flcf;

    sh = ctx->conf->zone->sh;
    flcf = ngx_http_get_module_loc_conf(r, ngx_http_faas_module);

    fn = ngx_http_faas_fn_find(sh, ctx->key.data, ctx->key.len, ctx->hash,
                               &seq);

    if (fn == NGX_HTTP_FAAS_NONE || (sh->fn[fn].is_private && !flcf->internal))
    {
        return ngx_http_faas_async_unknown(r, ctx);
    }

    return ngx_http_faas_async_accept(r, ctx);
}


/*
 * The answers of a phase handler, which ends the request itself.
 */

static ngx_int_t
ngx_http_faas_async_unknown(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx)
{
    ngx_http_faas_main_conf_t  *fmcf;

    fmcf = ngx_http_get_module_main_conf(r, ngx_http_faas_module);

    r->main->count++;

    return ctx == NULL || ngx_http_faas_load(&fmcf->zone->sh->h->is_loaded)
           ? ngx_http_faas_answer_unknown(r, ctx)
           : ngx_http_faas_answer_not_loaded(r, ctx);
}


static ngx_int_t
ngx_http_faas_async_not_allowed(ngx_http_request_t *r)
{
    if (ngx_http_faas_add_header(r, "Allow", &ngx_http_faas_async_methods)
        != NGX_OK)
    {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return ngx_http_faas_answer_text(r, NGX_HTTP_NOT_ALLOWED, NULL);
}


/*
 * GET and DELETE.
 */

static ngx_int_t
ngx_http_faas_async_of_call(ngx_http_request_t *r)
{
    ngx_int_t                   rc;
    ngx_str_t                  *id;
    ngx_http_core_loc_conf_t   *clcf;
    ngx_http_faas_main_conf_t  *fmcf;
    ngx_http_faas_async_ask_t  *ask;

    rc = ngx_http_discard_request_body(r);

    if (rc != NGX_OK) {
        return rc;
    }

    ask = ngx_pcalloc(r->pool, sizeof(ngx_http_faas_async_ask_t));
    if (ask == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
    fmcf = ngx_http_get_module_main_conf(r, ngx_http_faas_module);

    ask->arg[0] = fmcf->redis.prefix;

    id = &ask->arg[1];
    id->data = r->uri.data + ngx_min(clcf->name.len, r->uri.len);
    id->len = r->uri.data + r->uri.len - id->data;

    if (!faas_async_id_is_valid((char *) id->data, id->len)) {
        return ngx_http_faas_async_unknown(r, NULL);
    }

    if (r->method == NGX_HTTP_DELETE) {
        ask->script = &faas_async_cancel;
        ask->handler = ngx_http_faas_async_cancelled;
        ngx_str_set(&ask->arg[2], FAAS_ASYNC_CANCELLED_KEPT);
        ask->n = 3;

    } else {
        ask->script = &faas_async_state;
        ask->handler = ngx_http_faas_async_state;
        ask->n = 2;
    }

    rc = ngx_http_faas_async_ask(r, NULL, ask);

    if (rc == NGX_DECLINED) {
        return ngx_http_faas_async_no_redis(r, NULL);
    }

    return rc == NGX_DONE ? NGX_DONE : NGX_HTTP_INTERNAL_SERVER_ERROR;
}


static void
ngx_http_faas_async_state(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx,
    redisReply *reply)
{
    ngx_int_t                  rc;
    ngx_str_t                  id;
    ngx_uint_t                 i;
    ngx_http_core_loc_conf_t  *clcf;

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);

    id.data = r->uri.data + clcf->name.len;
    id.len = r->uri.len - clcf->name.len;

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY) {
        rc = ngx_http_faas_async_no_redis(r, NULL);
        goto done;
    }

    if (reply->elements != NGX_HTTP_FAAS_CALL_FIELDS) {
        rc = ngx_http_faas_async_refuse(r, NULL, NGX_HTTP_NOT_FOUND, "",
                                        ngx_http_faas_async_no_call);
        goto done;
    }

    for (i = 0; i < NGX_HTTP_FAAS_CALL_FIELDS; i++) {
        if (reply->element[i]->type != REDIS_REPLY_STRING) {
            rc = ngx_http_faas_async_no_redis(r, NULL);
            goto done;
        }
    }

    rc = ngx_http_faas_async_show(r, &id, reply);

done:

    ngx_http_finalize_request(r, rc);
}


static ngx_int_t
ngx_http_faas_async_show(ngx_http_request_t *r, ngx_str_t *id,
    redisReply *reply)
{
    u_char                       *p;
    size_t                        size;
    uint64_t                      n;
    redisReply                   *value;
    ngx_uint_t                    i;
    ngx_http_complex_value_t      cv;
    ngx_http_faas_call_member_t  *member;

    size = sizeof("{\"id\":\"\"}\n") + id->len;

    for (i = 0; ngx_http_faas_call_members[i].name != NULL; i++) {
        member = &ngx_http_faas_call_members[i];

        /* each byte may become \u00XX */

        size += sizeof(",\"\":\"\"") + ngx_strlen(member->name)
                + NGX_INT64_LEN + 6 * reply->element[member->field]->len;
    }

    p = ngx_pnalloc(r->pool, size);
    if (p == NULL) {
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    ngx_memzero(&cv, sizeof(ngx_http_complex_value_t));
    cv.value.data = p;

    p = ngx_sprintf(p, "{\"id\":\"%V\"", id);

    for (i = 0; ngx_http_faas_call_members[i].name != NULL; i++) {
        member = &ngx_http_faas_call_members[i];
        value = reply->element[member->field];

        if (member->is_optional && value->len == 0) {
            continue;
        }

        p = ngx_sprintf(p, ",\"%s\":", member->name);

        if (member->is_number) {
            n = 0;
            (void) faas_parse_uint(value->str, value->len, 0, INT64_MAX, &n);
            p = ngx_sprintf(p, "%uL", n);
            continue;
        }

        *p++ = '"';
        p = (u_char *) ngx_escape_json(p, (u_char *) value->str, value->len);
        *p++ = '"';
    }

    *p++ = '}';
    *p++ = LF;

    cv.value.len = p - cv.value.data;

    return ngx_http_send_response(r, NGX_HTTP_OK, &ngx_http_faas_async_json,
                                  &cv);
}


static void
ngx_http_faas_async_cancelled(ngx_http_request_t *r, ngx_http_faas_ctx_t *ctx,
    redisReply *reply)
{
    ngx_int_t   rc;
    ngx_uint_t  i;

    if (reply == NULL || reply->type != REDIS_REPLY_STRING) {
        rc = ngx_http_faas_async_no_redis(r, NULL);
        goto done;
    }

    for (i = 0; ngx_http_faas_async_outcomes[i].state != NULL; i++) {
        if (ngx_strcmp(reply->str, ngx_http_faas_async_outcomes[i].state)
            == 0)
        {
            break;
        }
    }

    rc = ngx_http_faas_async_outcomes[i].error == NULL
         ? ngx_http_faas_answer_text(r, NGX_HTTP_ACCEPTED, NULL)
         : ngx_http_faas_async_refuse(r, NULL,
                                      ngx_http_faas_async_outcomes[i].status,
                                      "",
                                      ngx_http_faas_async_outcomes[i].error);

done:

    ngx_http_finalize_request(r, rc);
}

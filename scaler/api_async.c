/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Asynchronous calls in the admin API: how many wait, and those that were
 * given up.
 *
 * Every answer comes from a script in Redis, and no script looks at more than
 * ASYNC_STEP calls: what is about all of them goes on from where the last one
 * ended, until nothing is left.
 */

#include "api_async.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/faas_async.h"
#include "lib/faas_num.h"

#include "api_call.h"
#include "base64.h"
#include "text.h"


#define ASYNC_STEP       200        /* calls that one script looks at */
#define ASYNC_LIMIT_MAX  1000       /* calls of a page */
#define ASYNC_FUNCTIONS  "10000"    /* of which depths are shown */
#define ASYNC_BODY_MAX   "1048576"  /* bytes of a body that is shown */
#define CURSOR_MAX       64         /* bytes of an entry's id */
#define ARGS_MAX         8

#define DEAD_FIELDS      7          /* of faas_async_deads */
#define SHOW_FIELDS      15         /* of faas_async_show */


/* a request that takes more than one script */
struct ask {
    struct call  *call;
    char          id[FAAS_ASYNC_ID_MAX + 1];
    char          function[FAAS_KEY_MAX + 1];   /* "": all */
    char          cursor[CURSOR_MAX + 1];
    uint64_t      limit;
    uint64_t      n;                /* calls dealt with */
    const char   *mode;             /* of faas_async_sweep */
};


static struct ask *ask_new(struct scaler *scaler, struct evhttp_request *req,
    int status);
static int read_function(struct evhttp_request *req, char *key);
static void ask_fail(struct ask *ask, int code, const char *text);
static void ask_end(struct ask *ask, json_t *result);
static void run(struct ask *ask, const struct faas_script *script,
    redis_reply_fn handler, int argc, const char **args);
static int is_texts(const redisReply *reply, size_t n);
static int is_whole(struct ask *ask, const redisReply *reply, int type);
static json_t *text_of(const redisReply *reply);
static void set_number(json_t *object, const char *name,
    const redisReply *reply);
static void on_depths(void *arg, const redisReply *reply);
static void ask_page(struct ask *ask);
static void on_page(void *arg, const redisReply *reply);
static void add_dead(json_t *list, const redisReply *dead);
static void begin_sweep(struct scaler *scaler, struct evhttp_request *req,
    int status, const char *mode);
static void sweep(struct ask *ask);
static void on_sweep(void *arg, const redisReply *reply);
static void one_call(struct scaler *scaler, struct evhttp_request *req,
    const char *name, const struct faas_script *script,
    redis_reply_fn handler, int status);
static void on_show(void *arg, const redisReply *reply);
static json_t *headers_of(const redisReply *reply);
static void add_header(json_t *headers, const char *line, size_t len);
static void on_purge(void *arg, const redisReply *reply);
static void on_cancel(void *arg, const redisReply *reply);
static void on_revive(void *arg, const redisReply *reply);


void
api_async_depths(struct scaler *scaler, struct evhttp_request *req,
    const char *name)
{
    struct ask  *ask;
    const char  *args[] = { ASYNC_FUNCTIONS };

    (void) name;

    ask = ask_new(scaler, req, 200);

    if (ask != NULL) {
        run(ask, &faas_async_depths, on_depths, 1, args);
    }
}


void
api_async_dead(struct scaler *scaler, struct evhttp_request *req,
    const char *name)
{
    char         limit[32], cursor[CURSOR_MAX + 1], key[FAAS_KEY_MAX + 1];
    uint64_t     n;
    struct ask  *ask;

    (void) name;

    n = 100;

    if (call_query(req, "limit", limit, sizeof(limit)) != 0
        || call_query(req, "after", cursor, sizeof(cursor)) != 0
        || read_function(req, key) != 0)
    {
        return;
    }

    if (limit[0] != '\0'
        && faas_parse_uint(limit, strlen(limit), 1, ASYNC_LIMIT_MAX, &n) != 0)
    {
        call_answer_error(req, 400, "limit is no number from 1 to 1000");
        return;
    }

    if (strspn(cursor, "0123456789-") != strlen(cursor)) {
        call_answer_error(req, 400, "after is no cursor: it is the member "
                          "\"next\" of the answer before");
        return;
    }

    ask = ask_new(scaler, req, 200);

    if (ask == NULL) {
        return;
    }

    ask->limit = n;
    (void) snprintf(ask->function, sizeof(ask->function), "%s", key);
    (void) snprintf(ask->cursor, sizeof(ask->cursor), "%s", cursor);
    ask->call->result = json_pack("{s:[]}", "calls");

    ask_page(ask);
}


void
api_async_purge_all(struct scaler *scaler, struct evhttp_request *req,
    const char *name)
{
    (void) name;

    begin_sweep(scaler, req, 200, "purge");
}


void
api_async_retry_all(struct scaler *scaler, struct evhttp_request *req,
    const char *name)
{
    (void) name;

    begin_sweep(scaler, req, 202, "revive");
}


void
api_async_get(struct scaler *scaler, struct evhttp_request *req,
    const char *name)
{
    one_call(scaler, req, name, &faas_async_show, on_show, 200);
}


void
api_async_remove(struct scaler *scaler, struct evhttp_request *req,
    const char *name)
{
    one_call(scaler, req, name, &faas_async_purge, on_purge, 202);
}


void
api_async_retry(struct scaler *scaler, struct evhttp_request *req,
    const char *name)
{
    one_call(scaler, req, name, &faas_async_revive, on_revive, 202);
}


/*
 * Answers itself where it returns NULL.
 */
static struct ask *
ask_new(struct scaler *scaler, struct evhttp_request *req, int status)
{
    struct ask  *ask;

    ask = calloc(1, sizeof(*ask));

    if (ask == NULL) {
        call_answer_error(req, 500, "no memory");
        return NULL;
    }

    ask->call = call_new(scaler, req, status);

    if (ask->call == NULL) {
        free(ask);
        return NULL;
    }

    return ask;
}


/*
 * The key of the function in the query, or "" for all; key has FAAS_KEY_MAX + 1
 * bytes.  Returns 0, or -1 after it has answered.
 */
static int
read_function(struct evhttp_request *req, char *key)
{
    char              text[FAAS_KEY_MAX + 1];
    struct faas_name  name;

    key[0] = '\0';

    if (call_query(req, "function", text, sizeof(text)) != 0) {
        return -1;
    }

    if (text[0] == '\0') {
        return 0;
    }

    if (faas_name_parse(text, strlen(text), &name) != 0) {
        call_answer_error(req, 400, "function is no name of a function");
        return -1;
    }

    (void) faas_name_key(&name, key);

    return 0;
}


static void
ask_fail(struct ask *ask, int code, const char *text)
{
    struct faas_err  err;

    (void) faas_err_set(&err, code, "%s", text);
    call_done(ask->call, &err);
    free(ask);
}


/*
 * Answers with a result, which it takes; NULL: without one.
 */
static void
ask_end(struct ask *ask, json_t *result)
{
    struct faas_err  err;

    err.code = 0;

    if (result != NULL) {
        ask->call->result = result;
        ask->call->is_asked = 1;
    }

    call_done(ask->call, &err);
    free(ask);
}


/*
 * Has Redis run a script; args are those behind the prefix.
 */
static void
run(struct ask *ask, const struct faas_script *script, redis_reply_fn handler,
    int argc, const char **args)
{
    int             i;
    const char     *argv[ARGS_MAX + 4];
    struct scaler  *scaler;

    scaler = ask->call->scaler;

    argv[0] = "EVAL";
    argv[1] = script->text;
    argv[2] = "0";
    argv[3] = scaler->options.redis.prefix;

    for (i = 0; i < argc; i++) {
        argv[i + 4] = args[i];
    }

    if (!redis_has_room(&scaler->redis, 1)
        || redis_send(&scaler->redis, handler, ask, argc + 4, argv, NULL)
           != 0)
    {
        ask_fail(ask, 503, "Redis does not answer, where the queue is");
    }
}


static int
is_texts(const redisReply *reply, size_t n)
{
    size_t  i;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != n) {
        return 0;
    }

    for (i = 0; i < n; i++) {
        if (reply->element[i]->type != REDIS_REPLY_STRING) {
            return 0;
        }
    }

    return 1;
}


/*
 * Returns whether the answer is one of that type, or 0 after it has failed.
 */
static int
is_whole(struct ask *ask, const redisReply *reply, int type)
{
    char  text[FAAS_ERR_TEXT_MAX];

    if (reply != NULL && reply->type == type) {
        return 1;
    }

    (void) snprintf(text, sizeof(text), "%s: %.150s",
                    "Redis does not answer as it should, where the queue is",
                    reply == NULL ? "the connection was lost"
                    : reply->type == REDIS_REPLY_ERROR ? reply->str
                    : "something else");

    ask_fail(ask, 503, text);

    return 0;
}


/*
 * What clients have sent is no UTF-8 always.
 */
static json_t *
text_of(const redisReply *reply)
{
    char    *copy;
    json_t  *text;

    copy = strndup(reply->str, reply->len);

    if (copy == NULL) {
        return NULL;
    }

    text_clean(copy, 1);
    text = json_string(copy);
    free(copy);

    return text;
}


/*
 * A member that is a number; it is left out where there is none.
 */
static void
set_number(json_t *object, const char *name, const redisReply *reply)
{
    uint64_t  n;

    if (reply->type == REDIS_REPLY_INTEGER) {
        (void) json_object_set_new(object, name, json_integer(reply->integer));

    } else if (faas_parse_uint(reply->str, reply->len, 0, INT64_MAX, &n) == 0)
    {
        (void) json_object_set_new(object, name, json_integer((json_int_t) n));
    }
}


static void
on_depths(void *arg, const redisReply *reply)
{
    size_t             i;
    json_t            *result, *list, *item;
    struct ask        *ask;
    const redisReply  *depth;

    ask = arg;

    if (!is_whole(ask, reply, REDIS_REPLY_ARRAY)) {
        return;
    }

    list = json_array();
    result = json_pack("{s:I, s:I, s:I, s:I, s:o}",
                       "calls", (json_int_t) reply->element[0]->integer,
                       "bytes", (json_int_t) reply->element[1]->integer,
                       "delayed", (json_int_t) reply->element[2]->integer,
                       "dead", (json_int_t) reply->element[3]->integer,
                       "functions", list);

    for (i = 4; i < reply->elements; i++) {
        depth = reply->element[i];

        if (depth->type != REDIS_REPLY_ARRAY || depth->elements != 3
            || depth->element[0]->type != REDIS_REPLY_STRING)
        {
            continue;
        }

        item = json_object();
        (void) json_object_set_new(item, "function",
                                   text_of(depth->element[0]));
        set_number(item, "waiting", depth->element[1]);
        set_number(item, "oldest_ms", depth->element[2]);
        (void) json_array_append_new(list, item);
    }

    ask_end(ask, result);
}


static void
ask_page(struct ask *ask)
{
    char         most[32];
    size_t       n, left;
    const char  *args[3];

    n = json_array_size(json_object_get(ask->call->result, "calls"));
    left = ask->limit - n;

    (void) snprintf(most, sizeof(most), "%zu",
                    left < ASYNC_STEP ? left : (size_t) ASYNC_STEP);

    args[0] = ask->function;
    args[1] = ask->cursor;
    args[2] = most;

    run(ask, &faas_async_deads, on_page, 3, args);
}


static void
on_page(void *arg, const redisReply *reply)
{
    size_t       i;
    json_t      *list, *result;
    struct ask  *ask;

    ask = arg;

    if (!is_whole(ask, reply, REDIS_REPLY_ARRAY)) {
        return;
    }

    list = json_object_get(ask->call->result, "calls");

    for (i = 1; i < reply->elements; i++) {
        if (is_texts(reply->element[i], DEAD_FIELDS)) {
            add_dead(list, reply->element[i]);
        }
    }

    (void) snprintf(ask->cursor, sizeof(ask->cursor), "%s",
                    reply->elements != 0
                    && reply->element[0]->type == REDIS_REPLY_STRING
                    ? reply->element[0]->str : "");

    if (ask->cursor[0] != '\0' && json_array_size(list) < ask->limit
        && ask->call->req != NULL)
    {
        ask_page(ask);
        return;
    }

    result = ask->call->result;

    if (ask->cursor[0] != '\0') {
        (void) json_object_set_new(result, "next", json_string(ask->cursor));
    }

    ask_end(ask, result);
}


static void
add_dead(json_t *list, const redisReply *dead)
{
    json_t  *item;

    item = json_object();

    (void) json_object_set_new(item, "id", text_of(dead->element[0]));
    (void) json_object_set_new(item, "function", text_of(dead->element[1]));
    set_number(item, "accepted_ms", dead->element[2]);
    set_number(item, "died_ms", dead->element[3]);
    set_number(item, "attempts", dead->element[4]);
    set_number(item, "status", dead->element[5]);
    (void) json_object_set_new(item, "error", text_of(dead->element[6]));

    (void) json_array_append_new(list, item);
}


static void
begin_sweep(struct scaler *scaler, struct evhttp_request *req, int status,
    const char *mode)
{
    char         key[FAAS_KEY_MAX + 1];
    struct ask  *ask;

    if (read_function(req, key) != 0) {
        return;
    }

    ask = ask_new(scaler, req, status);

    if (ask != NULL) {
        (void) snprintf(ask->function, sizeof(ask->function), "%s", key);
        ask->mode = mode;
        sweep(ask);
    }
}


static void
sweep(struct ask *ask)
{
    char         most[32];
    const char  *args[4];

    (void) snprintf(most, sizeof(most), "%d", ASYNC_STEP);

    args[0] = ask->function;
    args[1] = ask->cursor;
    args[2] = most;
    args[3] = ask->mode;

    run(ask, &faas_async_sweep, on_sweep, 4, args);
}


static void
on_sweep(void *arg, const redisReply *reply)
{
    struct ask  *ask;

    ask = arg;

    if (!is_whole(ask, reply, REDIS_REPLY_ARRAY)) {
        return;
    }

    if (reply->elements != 2 || reply->element[0]->type != REDIS_REPLY_STRING
        || reply->element[1]->type != REDIS_REPLY_INTEGER)
    {
        ask_fail(ask, 503, "Redis does not answer as it should");
        return;
    }

    ask->n += (uint64_t) reply->element[1]->integer;
    (void) snprintf(ask->cursor, sizeof(ask->cursor), "%s",
                    reply->element[0]->str);

    if (ask->cursor[0] != '\0') {
        sweep(ask);
        return;
    }

    ask_end(ask, json_pack("{s:I}", strcmp(ask->mode, "purge") == 0
                                    ? "purged" : "retried",
                           (json_int_t) ask->n));
}


/*
 * name is an id, or an id and something behind it.
 */
static void
one_call(struct scaler *scaler, struct evhttp_request *req, const char *name,
    const struct faas_script *script, redis_reply_fn handler, int status)
{
    struct ask  *ask;
    const char  *args[2];

    ask = ask_new(scaler, req, status);

    if (ask == NULL) {
        return;
    }

    (void) snprintf(ask->id, sizeof(ask->id), "%.*s",
                    (int) strcspn(name, "/"), name);

    args[0] = ask->id;
    args[1] = ASYNC_BODY_MAX;           /* for who shows it */

    run(ask, script, handler, 2, args);
}


static void
on_show(void *arg, const redisReply *reply)
{
    char               *body;
    json_t             *result;
    struct ask         *ask;
    redisReply *const  *v;

    ask = arg;

    if (!is_whole(ask, reply, REDIS_REPLY_ARRAY)) {
        return;
    }

    if (!is_texts(reply, SHOW_FIELDS)) {
        ask_fail(ask, 404, "no such call");
        return;
    }

    v = reply->element;
    result = json_object();

    (void) json_object_set_new(result, "id", json_string(ask->id));
    (void) json_object_set_new(result, "function", text_of(v[0]));
    (void) json_object_set_new(result, "state", text_of(v[1]));
    set_number(result, "accepted_ms", v[2]);
    set_number(result, "attempts", v[3]);
    set_number(result, "status", v[4]);
    (void) json_object_set_new(result, "error", text_of(v[5]));
    set_number(result, "due_ms", v[6]);
    set_number(result, "ended_ms", v[7]);
    (void) json_object_set_new(result, "callback_url", text_of(v[8]));
    set_number(result, "callbacks_failed", v[9]);
    (void) json_object_set_new(result, "method", text_of(v[10]));
    (void) json_object_set_new(result, "path", text_of(v[11]));
    (void) json_object_set_new(result, "headers", headers_of(v[12]));
    set_number(result, "size", v[13]);

    body = base64_encode(v[14]->str, v[14]->len);
    (void) json_object_set_new(result, "body", json_string(body));
    free(body);

    ask_end(ask, result);
}


/*
 * Lines "Name: value", as {"Name": ["value", ...]}.
 */
static json_t *
headers_of(const redisReply *reply)
{
    size_t       len;
    json_t      *headers;
    const char  *p;

    headers = json_object();

    for (p = reply->str; *p != '\0'; p += len + strspn(p + len, "\r\n")) {
        len = strcspn(p, "\r\n");
        add_header(headers, p, len);
    }

    return headers;
}


static void
add_header(json_t *headers, const char *line, size_t len)
{
    char    *copy, *value;
    json_t  *list;

    copy = strndup(line, len);

    if (copy == NULL) {
        return;
    }

    text_clean(copy, 0);
    value = strstr(copy, ": ");

    if (value != NULL) {
        *value = '\0';
        value += 2;

        list = json_object_get(headers, copy);

        if (list == NULL) {
            list = json_array();
            (void) json_object_set_new(headers, copy, list);
        }

        (void) json_array_append_new(list, json_string(value));
    }

    free(copy);
}


/*
 * A call that is not dead is taken back, if it can be.
 */
static void
on_purge(void *arg, const redisReply *reply)
{
    struct ask  *ask;
    const char  *args[2];

    ask = arg;

    if (!is_whole(ask, reply, REDIS_REPLY_STRING)) {
        return;
    }

    if (strcmp(reply->str, "dead") == 0) {
        ask_end(ask, NULL);
        return;
    }

    args[0] = ask->id;
    args[1] = FAAS_ASYNC_CANCELLED_KEPT;

    run(ask, &faas_async_cancel, on_cancel, 2, args);
}


static void
on_cancel(void *arg, const redisReply *reply)
{
    struct ask  *ask;

    ask = arg;

    if (!is_whole(ask, reply, REDIS_REPLY_STRING)) {
        return;
    }

    if (reply->len == 0) {
        ask_fail(ask, 404, "no such call");

    } else if (strcmp(reply->str, "running") == 0
               || strcmp(reply->str, "done") == 0)
    {
        ask_fail(ask, 409, "the call has begun or ended already");

    } else {
        ask_end(ask, NULL);
    }
}


static void
on_revive(void *arg, const redisReply *reply)
{
    struct ask  *ask;

    ask = arg;

    if (!is_whole(ask, reply, REDIS_REPLY_STRING)) {
        return;
    }

    if (reply->len == 0) {
        ask_fail(ask, 404, "no such call");

    } else if (strcmp(reply->str, "dead") != 0) {
        ask_fail(ask, 409, "the call is not dead: only one that was given up "
                           "can be tried again");

    } else {
        ask_end(ask, NULL);
    }
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A call at this worker.
 */

#include "call.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/clock.h"
#include "lib/faas_log.h"
#include "lib/faas_num.h"

#include "attempt.h"
#include "header.h"
#include "queue.h"


#define OWN_ANSWER_MAX  2048        /* bytes of a result that we write */
#define UNAVAILABLE     503         /* nobody has answered */
#define BAD_GATEWAY     502
#define TIMED_OUT       504
#define TYPE            "Content-Type: application/json\r\n"
#define MARK            "X-OpenFaaS-Internal: queue\r\n" TYPE

/* an answer of ours that is the last; nginx' own begin with other lines */
#define FINAL           "X-OpenFaaS-Internal: queue, final\r\n" TYPE


/* of a call that was taken */
enum field {
    ENTRY,
    ID,
    REQUEST,
    ATTEMPTS,
    CALLBACKS,
    RESULT_CODE,
    RESULT_HEADERS,
    RESULT_BODY,
    RESULT_TIME,
    N_FIELDS
};


static int read_call(struct call *call, const redisReply *reply);
static int is_in(const struct call_list *list, const struct call *call);
static int read_request(struct call *call, const redisReply *reply);
static int read_counts(struct call *call, redisReply *const *item);
static int read_result(struct call *call, redisReply *const *item);
static char *copy_of(const char *s, size_t len);
static void begin(struct call *call);
static void on_answer(void *arg, struct request *request);
static void keep_answer(struct call *call, struct request *request);
static void make_answer(struct call *call, unsigned code, const char *why,
    const char *setting);
static void concluded(struct call *call, uint64_t after_ms);
static int is_failed(const struct call *call);
static void say_status(struct call *call);
static void call_back(struct call *call);
static void on_called_back(void *arg, struct request *request);
static void say_callback(struct call *call, const struct request *request,
    const char *why);
static void callback_failed(struct call *call, int is_again,
    uint64_t after_ms);
static const char *refusal(const struct request *request);
static void finish(struct call *call);
static uint64_t after_of(const struct request *request);
static uint64_t now_us(void);


int
call_take(struct queue *queue, struct function *fn, const redisReply *reply)
{
    struct call  *call;

    call = calloc(1, sizeof(*call));

    if (call == NULL) {
        return -1;
    }

    call->queue = queue;
    call->fn = fn;
    faas_buf_init(&call->lines, FAAS_ASYNC_HEADERS_MAX);
    faas_buf_init(&call->result, queue->options.max_result + OWN_ANSWER_MAX);

    if (read_call(call, reply) != 0) {
        faas_log(FAAS_LOG_ERROR, "a call in redis cannot be read, it is left "
                 "there function=%s id=%s", fn->node.key, call->id);
        call_free(call);
        return -1;
    }

    /* our own, where we were silent for too long: it runs, or ends */

    if (is_in(&fn->calls, call) || is_in(&queue->endings, call)) {
        call_free(call);
        return -1;
    }

    TAILQ_INSERT_TAIL(&fn->calls, call, link);
    fn->n_calls++;
    queue->n_calls++;

    begin(call);

    return 0;
}


void
call_give_back(struct call *call)
{
    if (call->request != NULL) {
        request_free(call->request);
        call->request = NULL;
    }

    call->wait_ms = 0;
    call_end(call, call->code != 0 ? CALL_BACK_CALLBACK : CALL_BACK);
}


void
call_free(struct call *call)
{
    if (call->request != NULL) {
        request_free(call->request);
    }

    free(call->path);
    free(call->headers);
    free(call->body);
    free(call->callback);
    faas_buf_done(&call->lines);
    faas_buf_done(&call->result);
    free(call);
}


static int
read_call(struct call *call, const redisReply *reply)
{
    redisReply *const  *item;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != N_FIELDS) {
        return -1;
    }

    item = reply->element;

    if (item[ENTRY]->type != REDIS_REPLY_STRING
        || item[ID]->type != REDIS_REPLY_STRING)
    {
        return -1;
    }

    if (faas_async_id_is_valid(item[ID]->str, item[ID]->len)) {
        memcpy(call->id, item[ID]->str, item[ID]->len);
    }

    if (call->id[0] == '\0' || item[ENTRY]->len > CALL_ENTRY_MAX) {
        return -1;
    }

    memcpy(call->entry, item[ENTRY]->str, item[ENTRY]->len);

    return read_request(call, item[REQUEST]) == 0
           && read_counts(call, item) == 0
           && read_result(call, item) == 0 ? 0 : -1;
}


static int
is_in(const struct call_list *list, const struct call *call)
{
    const struct call  *other;

    TAILQ_FOREACH(other, list, link) {
        if (other->fn == call->fn && strcmp(other->entry, call->entry) == 0) {
            return 1;
        }
    }

    return 0;
}


static int
read_request(struct call *call, const redisReply *reply)
{
    struct faas_async_request  request;

    if (reply->type != REDIS_REPLY_STRING
        || faas_async_request_parse(reply->str, reply->len, &request) != 0)
    {
        return -1;
    }

    call->path = copy_of(request.path, request.path_len);
    call->callback = copy_of(request.callback, request.callback_len);
    call->headers = copy_of(request.headers, request.headers_len);
    call->headers_len = request.headers_len;
    call->body = copy_of(request.body, request.body_len);
    call->body_len = request.body_len;

    return call->path != NULL && call->callback != NULL
           && call->headers != NULL && call->body != NULL ? 0 : -1;
}


static int
read_counts(struct call *call, redisReply *const *item)
{
    if (item[ATTEMPTS]->type != REDIS_REPLY_INTEGER
        || item[ATTEMPTS]->integer < 0
        || item[CALLBACKS]->type != REDIS_REPLY_STRING)
    {
        return -1;
    }

    call->attempts = (uint64_t) item[ATTEMPTS]->integer;

    return faas_parse_uint(item[CALLBACKS]->str, item[CALLBACKS]->len, 0,
                           UINT32_MAX, &call->callbacks);
}


/*
 * The function has answered before, and only the callback is to be made.
 */
static int
read_result(struct call *call, redisReply *const *item)
{
    size_t    i;
    uint64_t  code;

    for (i = RESULT_CODE; i < N_FIELDS; i++) {
        if (item[i]->type != REDIS_REPLY_STRING) {
            return -1;
        }
    }

    if (item[RESULT_CODE]->len == 0) {
        return 0;
    }

    /* --max-result may have been larger where it was kept */

    faas_buf_init(&call->result, item[RESULT_BODY]->len);

    if (faas_parse_uint(item[RESULT_CODE]->str, item[RESULT_CODE]->len, 100,
                        999, &code) != 0
        || faas_buf_add(&call->lines, item[RESULT_HEADERS]->str,
                        item[RESULT_HEADERS]->len) != 0
        || faas_buf_add(&call->result, item[RESULT_BODY]->str,
                        item[RESULT_BODY]->len) != 0)
    {
        return -1;
    }

    call->code = (unsigned) code;
    call->is_internal = header_has(item[RESULT_HEADERS]->str,
                                   item[RESULT_HEADERS]->len,
                                   "X-OpenFaaS-Internal");
    (void) snprintf(call->time, sizeof(call->time), "%s",
                    item[RESULT_TIME]->str);

    return 0;
}


static char *
copy_of(const char *s, size_t len)
{
    char  *text;

    text = malloc(len + 1);

    if (text != NULL) {
        memcpy(text, s, len);
        text[len] = '\0';
    }

    return text;
}


static void
begin(struct call *call)
{
    if (call->queue->is_stopping) {
        call_give_back(call);
        return;
    }

    call->begun_us = now_us();

    if (call->code != 0) {
        call_back(call);
        return;
    }

    switch (attempt_call(call, on_answer)) {

    case ATTEMPT_BEGUN:
        return;

    case ATTEMPT_FAILED:
        make_answer(call, UNAVAILABLE, call->error, "--max-inflight");
        call->is_internal = 1;
        concluded(call, 0);
        return;

    case ATTEMPT_IMPOSSIBLE:
        call_end(call, CALL_BURY);
        return;
    }
}


static void
on_answer(void *arg, struct request *request)
{
    uint64_t      us, after;
    struct call  *call;

    call = arg;
    us = now_us() - call->begun_us;
    after = after_of(request);

    (void) snprintf(call->time, sizeof(call->time), "%" PRIu64 ".%06" PRIu64,
                    us / 1000000, us % 1000000);

    keep_answer(call, request);

    call->request = NULL;
    request_free(request);

    concluded(call, after);
}


static void
keep_answer(struct call *call, struct request *request)
{
    switch (request->result) {

    case REQUEST_OK:
        call->code = request->status;
        call->is_internal = request->is_internal;

        /* theirs: the buffers are moved, not copied */

        faas_buf_done(&call->lines);
        faas_buf_done(&call->result);
        call->lines = request->lines;
        call->result = request->body;
        faas_buf_init(&request->lines, 0);
        faas_buf_init(&request->body, 0);
        break;

    case REQUEST_TOO_LARGE:
        make_answer(call, BAD_GATEWAY, "the function's answer is larger than "
                    "what is kept for a callback", "--max-result");
        break;

    case REQUEST_TIMED_OUT:
        make_answer(call, TIMED_OUT, "the gateway has not answered in time",
                    "--call-timeout");
        call->is_internal = 1;
        break;

    case REQUEST_REFUSED:
    case REQUEST_BAD_URL:
    case REQUEST_FAILED:
        make_answer(call, UNAVAILABLE, request->error, "--gateway");
        call->is_internal = 1;
        break;
    }
}


/*
 * Nobody has answered: we do.  What libcurl says has no quotes in it, but for
 * what stands in a URL.
 */
static void
make_answer(struct call *call, unsigned code, const char *why,
    const char *setting)
{
    char    text[FAAS_ASYNC_ERROR_MAX + 1];
    size_t  i;

    (void) snprintf(text, sizeof(text), "%s", why);

    for (i = 0; text[i] != '\0'; i++) {
        if (text[i] < ' ' || text[i] == '"' || text[i] == '\\') {
            text[i] = '\'';
        }
    }

    call->code = code;
    (void) snprintf(call->error, sizeof(call->error), "%s", text);

    faas_buf_reset(&call->lines);
    faas_buf_reset(&call->result);

    /* without memory the status has to do */

    (void) faas_buf_puts(&call->lines, code == BAD_GATEWAY ? FINAL : MARK);
    (void) faas_buf_printf(&call->result, "{\"error\":\"%s\",\"hop\":\"queue\""
                           ",\"function\":\"%s\",\"setting\":\"%s\","
                           "\"call_id\":\"%s\"}\n", text, call->fn->node.key,
                           setting, call->id);
}


static void
concluded(struct call *call, uint64_t after_ms)
{
    const struct retry_policy  *policy;

    policy = &call->fn->policy;

    if (is_failed(call)) {
        say_status(call);

        if (call->attempts < policy->attempts) {
            call->wait_ms = retry_wait_ms(policy, call->attempts, after_ms,
                                          faas_random_next(&call->queue
                                                           ->random));
            call_end(call, CALL_RETRY);
            return;
        }
    }

    if (call->callback[0] != '\0') {
        call_back(call);
        return;
    }

    finish(call);
}


/*
 * The last answer is one that would be tried again.
 */
static int
is_failed(const struct call *call)
{
    size_t  len;

    len = sizeof(FINAL) - 1;

    return (call->lines.len < len || memcmp(call->lines.data, FINAL, len) != 0)
           && retry_is_wanted(&call->fn->policy, call->code,
                              call->is_internal);
}


static void
say_status(struct call *call)
{
    if (call->error[0] == '\0') {
        (void) snprintf(call->error, sizeof(call->error), "status %u%s",
                        call->code, call->is_internal
                        ? " on the way to the function" : "");
    }
}


static void
call_back(struct call *call)
{
    switch (attempt_callback(call, on_called_back)) {

    case ATTEMPT_BEGUN:
        return;

    case ATTEMPT_FAILED:
        callback_failed(call, 1, 0);
        return;

    case ATTEMPT_IMPOSSIBLE:
        callback_failed(call, 0, 0);
        return;
    }
}


static void
on_called_back(void *arg, struct request *request)
{
    int           is_again;
    uint64_t      after;
    const char   *why;
    struct call  *call;

    call = arg;
    why = refusal(request);
    after = after_of(request);
    is_again = why == NULL
               && (request->status == 0
                   || retry_is_wanted(&call->fn->policy, request->status,
                                      request->is_internal));

    if (why != NULL || is_again) {
        say_callback(call, request, why);
    }

    call->request = NULL;
    request_free(request);

    if (why == NULL && !is_again) {
        call->fn->stats.callbacks++;
        finish(call);

    } else {
        callback_failed(call, is_again, after);
    }
}


static void
say_callback(struct call *call, const struct request *request,
    const char *why)
{
    if (request->status != 0) {
        (void) snprintf(call->error, sizeof(call->error), "callback: %s%s"
                        "status %u", why != NULL ? why : "", why != NULL
                        ? ", " : "", request->status);
        return;
    }

    (void) snprintf(call->error, sizeof(call->error),
                    "callback: %.80s%s%.100s", why != NULL ? why : "",
                    why != NULL ? ": " : "", request->error);
}


static void
callback_failed(struct call *call, int is_again, uint64_t after_ms)
{
    const struct retry_policy  *policy;

    policy = &call->fn->policy;
    call->fn->stats.callbacks_failed++;
    call->callbacks++;

    if (is_again && call->callbacks < policy->attempts) {
        call->wait_ms = retry_wait_ms(policy, call->callbacks, after_ms,
                                      faas_random_next(&call->queue->random));
        call_end(call, CALL_RETRY_CALLBACK);
        return;
    }

    call->forgets = is_failed(call);
    call_end(call, CALL_BURY);
}


/*
 * Why it is of no use to try again; NULL where it may be.
 */
static const char *
refusal(const struct request *request)
{
    if (request->result == REQUEST_REFUSED) {
        return "its address is not public, see --callback-allow";
    }

    if (request->result == REQUEST_BAD_URL) {
        return "it has no URL of http or https";
    }

    if (request->status / 100 == 3) {
        return "redirects are not followed";
    }

    return NULL;
}


/*
 * Everybody who was to be told has been.
 */
static void
finish(struct call *call)
{
    if (is_failed(call)) {
        say_status(call);
        call->forgets = 1;
        call_end(call, CALL_BURY);
        return;
    }

    call_end(call, CALL_DONE);
}


static uint64_t
after_of(const struct request *request)
{
    return request->status == 429 || request->status == 503
           ? retry_parse_after(request->after, time(NULL)) : 0;
}


static uint64_t
now_us(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000000 + (uint64_t) ts.tv_nsec / 1000;
}

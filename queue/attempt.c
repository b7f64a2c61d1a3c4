/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What is sent for a call.
 */

#include "attempt.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "header.h"
#include "queue.h"


#ifndef FAAS_VERSION
#define FAAS_VERSION  "0.1.0"
#endif

#define AGENT          "faas-queue/" FAAS_VERSION
#define TARGET_MAX     (FAAS_ASYNC_PATH_MAX + FAAS_KEY_MAX + 16)
#define NUMBER_MAX     24
#define CALLBACK_READ  65536        /* bytes of a callback's answer */


static int is_target(const char *s);
static enum attempt begin(struct call *call, struct requests *requests,
    struct header_list *headers, struct request_ask *ask);
static void add_number(struct header_list *headers, const char *name,
    uint64_t number);
static const char *addressed(const struct call *call, char *name);


/* what a call brings along and is said anew */
static const char *const  of_call[] = { "User-Agent", "X-Call-Id",
                                        "X-Attempt", NULL };
static const char *const  of_result[] = {
    "X-Call-Id", "X-Duration-Seconds", "X-Function-Status", "X-Function-Name",
    "X-Retry", "X-Retry-Max", "User-Agent", NULL
};


enum attempt
attempt_call(struct call *call,
    void (*done)(void *arg, struct request *request))
{
    char                 target[TARGET_MAX];
    struct request_ask   ask;
    struct header_list   headers;
    const struct queue  *queue;

    queue = call->queue;
    memset(&ask, 0, sizeof(ask));
    memset(&headers, 0, sizeof(headers));

    if (snprintf(target, sizeof(target), "/function/%s%s%s",
                 call->fn->node.key, call->path[0] == '/' ? "" : "/",
                 call->path) >= (int) sizeof(target)
        || !is_target(target))
    {
        (void) snprintf(call->error, sizeof(call->error), "the call has a path"
                        " that cannot be sent");
        return ATTEMPT_IMPOSSIBLE;
    }

    header_copy(&headers, call->headers, call->headers_len, of_call);
    header_add(&headers, "User-Agent", AGENT);
    header_add(&headers, "X-Call-Id", call->id);
    add_number(&headers, "X-Attempt", call->attempts);
    header_finish(&headers);

    ask.url = queue->options.gateway;
    ask.target = target;
    ask.body = call->body;
    ask.body_len = call->body_len;
    ask.keeps = call->callback[0] != '\0';
    ask.answer_max = ask.keeps ? queue->options.max_result : REQUEST_ANY_SIZE;
    ask.timeout_ms = queue->options.call_timeout_ms;
    ask.done = done;

    return begin(call, &call->queue->calls, &headers, &ask);
}


enum attempt
attempt_callback(struct call *call,
    void (*done)(void *arg, struct request *request))
{
    char                 name[FAAS_KEY_MAX + 1];
    char                 status[NUMBER_MAX];
    struct request_ask   ask;
    struct header_list   headers;
    const struct queue  *queue;

    if (strncasecmp(call->callback, "http://", 7) != 0
        && strncasecmp(call->callback, "https://", 8) != 0)
    {
        (void) snprintf(call->error, sizeof(call->error), "callback: it has no"
                        " URL of http or https");
        return ATTEMPT_IMPOSSIBLE;
    }

    queue = call->queue;
    memset(&ask, 0, sizeof(ask));
    memset(&headers, 0, sizeof(headers));
    (void) snprintf(status, sizeof(status), "%u", call->code);

    header_copy(&headers, call->lines.data, call->lines.len, of_result);
    header_add(&headers, "User-Agent", AGENT);
    header_add(&headers, "X-Call-Id", call->id);
    header_add(&headers, "X-Duration-Seconds", call->time);
    header_add(&headers, "X-Function-Status", status);
    header_add(&headers, "X-Function-Name", addressed(call, name));

    if (call->attempts > 1) {
        add_number(&headers, "X-Retry", call->attempts - 1);
        add_number(&headers, "X-Retry-Max", call->fn->policy.attempts - 1);
    }

    header_finish(&headers);

    ask.url = call->callback;
    ask.body = call->result.data;
    ask.body_len = call->result.len;
    ask.answer_max = CALLBACK_READ;
    ask.timeout_ms = queue->options.callback_timeout_ms;
    ask.done = done;

    return begin(call, &call->queue->callbacks, &headers, &ask);
}


/*
 * What stands in a request's line has no blanks and no line's end.
 */
static int
is_target(const char *s)
{
    for ( ; *s != '\0'; s++) {
        if ((unsigned char) *s <= ' ' || *s == 0x7f) {
            return 0;
        }
    }

    return 1;
}


static enum attempt
begin(struct call *call, struct requests *requests,
    struct header_list *headers, struct request_ask *ask)
{
    ask->headers = headers->list;
    ask->arg = call;

    if (headers->is_failed) {
        curl_slist_free_all(headers->list);

    } else {
        call->request = request_new(requests, ask);
    }

    if (call->request == NULL) {
        (void) snprintf(call->error, sizeof(call->error),
                        "no memory for a request");
        return ATTEMPT_FAILED;
    }

    return ATTEMPT_BEGUN;
}


static void
add_number(struct header_list *headers, const char *name, uint64_t number)
{
    char  text[NUMBER_MAX];

    (void) snprintf(text, sizeof(text), "%" PRIu64, number);
    header_add(headers, name, text);
}


/*
 * Who calls NAME without a namespace gets that back.
 */
static const char *
addressed(const struct call *call, char *name)
{
    size_t       len;
    const char  *dot;

    dot = strrchr(call->fn->node.key, '.');
    len = strlen(call->fn->node.key);

    if (dot != NULL && strcmp(dot + 1, FAAS_DEFAULT_NAMESPACE) == 0) {
        len = (size_t) (dot - call->fn->node.key);
    }

    memcpy(name, call->fn->node.key, len);
    name[len] = '\0';

    return name;
}

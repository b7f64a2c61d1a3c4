/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Redis is told what became of a call, until it has understood.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/faas_log.h"

#include "call.h"
#include "queue.h"


#define ARGS_MAX    12
#define NUMBER_MAX  24


struct ending {
    struct scripts_arg          args[ARGS_MAX];
    size_t                      n;
    const struct faas_script   *script;
    char                        code[NUMBER_MAX];
    char                        number[NUMBER_MAX];
    char                        result[NUMBER_MAX];
    char                        callbacks[NUMBER_MAX];
};


static void count(struct call *call);
static void say(struct call *call);
static void make(struct call *call, struct ending *ending);
static void add(struct ending *ending, const char *data, size_t len);
static void add_text(struct ending *ending, const char *text);
static void add_number(struct ending *ending, char *text, uint64_t number);
static void add_result(struct ending *ending, const struct call *call);
static void on_told(void *arg, const redisReply *reply);


void
call_end(struct call *call, enum call_end end)
{
    call->end = end;
    TAILQ_REMOVE(&call->fn->calls, call, link);
    TAILQ_INSERT_TAIL(&call->queue->endings, call, link);

    say(call);
}


void
call_send_endings(struct queue *queue)
{
    struct call  *call;

    TAILQ_FOREACH(call, &queue->endings, link) {

        if (!queue->scripts.is_ready || !redis_has_room(&queue->redis, 1)) {
            return;
        }

        if (!call->is_sent) {
            say(call);
        }
    }
}


static void
say(struct call *call)
{
    struct ending           ending;
    struct scripts_handler  handler;

    make(call, &ending);
    handler.fn = on_told;
    handler.arg = call;

    call->is_sent = scripts_run(&call->queue->scripts, ending.script, handler,
                                ending.n, ending.args) == 0;
}


static void
make(struct call *call, struct ending *ending)
{
    const struct queue_options  *options;

    options = &call->queue->options;
    ending->n = 0;
    ending->script = &faas_async_back;
    add_text(ending, call->fn->node.key);
    add_text(ending, call->id);
    add_text(ending, call->entry);

    switch (call->end) {

    case CALL_RUNS:
    case CALL_BACK:
        return;

    case CALL_DONE:
        ending->script = &faas_async_done;
        add_number(ending, ending->code, call->code);
        add_text(ending, call->error);
        add_number(ending, ending->number, options->keep_done_ms);
        return;

    case CALL_RETRY:
    case CALL_RETRY_CALLBACK:
    case CALL_BACK_CALLBACK:
        ending->script = &faas_async_retry;
        add_number(ending, ending->code, call->code);
        add_text(ending, call->error);
        add_number(ending, ending->number, call->wait_ms);

        if (call->end != CALL_RETRY) {
            add_result(ending, call);
        }

        return;

    case CALL_BURY:
        ending->script = &faas_async_bury;
        add_number(ending, ending->code, call->code);
        add_text(ending, call->error);
        add_number(ending, ending->number, options->max_dead);
        add_text(ending, call->forgets ? "1" : "");
        return;
    }
}


static void
add(struct ending *ending, const char *data, size_t len)
{
    ending->args[ending->n].data = data != NULL ? data : "";
    ending->args[ending->n].len = len;
    ending->n++;
}


static void
add_text(struct ending *ending, const char *text)
{
    add(ending, text, strlen(text));
}


static void
add_number(struct ending *ending, char *text, uint64_t number)
{
    (void) snprintf(text, NUMBER_MAX, "%" PRIu64, number);
    add_text(ending, text);
}


static void
add_result(struct ending *ending, const struct call *call)
{
    add_number(ending, ending->result, call->code);
    add(ending, call->lines.data, call->lines.len);
    add(ending, call->result.data, call->result.len);
    add_text(ending, call->time);
    add_number(ending, ending->callbacks, call->callbacks);
}


/*
 * Where nobody knows whether it was done it is said again: a script does
 * nothing the second time.
 */
static void
on_told(void *arg, const redisReply *reply)
{
    struct call      *call;
    struct queue     *queue;
    struct function  *fn;

    call = arg;
    queue = call->queue;
    fn = call->fn;

    if (reply == NULL || reply->type != REDIS_REPLY_INTEGER) {
        call->is_sent = 0;
        return;
    }

    if (reply->integer == 1) {
        count(call);

    } else {
        fn->stats.duplicates++;
    }

    TAILQ_REMOVE(&queue->endings, call, link);
    call_free(call);

    fn->n_calls--;
    queue->n_calls--;
    queue_has_room(queue, fn);
}


static void
count(struct call *call)
{
    struct function_stats  *stats;

    stats = &call->fn->stats;

    switch (call->end) {

    case CALL_RUNS:
    case CALL_BACK:
    case CALL_BACK_CALLBACK:
        break;

    case CALL_DONE:
        stats->delivered++;
        break;

    case CALL_RETRY:
    case CALL_RETRY_CALLBACK:
        stats->retried++;

        faas_log(FAAS_LOG_INFO, "call failed, trying again in %" PRIu64 "ms "
                 "function=%s id=%s attempt=%" PRIu64 " error=\"%s\"",
                 call->wait_ms, call->fn->node.key, call->id, call->attempts,
                 call->error);
        break;

    case CALL_BURY:
        stats->dead++;

        faas_log(FAAS_LOG_WARN, "call is given up, it stays with the dead ones"
                 " function=%s id=%s attempts=%" PRIu64 " error=\"%s\"",
                 call->fn->node.key, call->id, call->attempts, call->error);
        break;
    }
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Calls are taken out of Redis.
 */

#include "take.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/clock.h"
#include "lib/faas_log.h"
#include "lib/faas_num.h"

#include "call.h"
#include "queue.h"


#define NUMBER_MAX   24
#define CURSOR_MAX   24


struct asked {
    struct take      *take;
    struct function  *fn;
    unsigned          n;
};


static void on_look(evutil_socket_t fd, short what, void *arg);
static void scan(struct take *take, const char *cursor);
static void on_scanned(void *arg, const redisReply *reply);
static void found(struct take *take, const char *key, uint64_t depth);
static void on_promote(evutil_socket_t fd, short what, void *arg);
static void promote(struct take *take);
static void on_promoted(void *arg, const redisReply *reply);
static unsigned share_of(const struct take *take, const struct function *fn);
static int ask(struct take *take, struct function *fn);
static void on_taken(void *arg, const redisReply *reply);
static size_t take_calls(struct take *take, struct function *fn,
    const redisReply *reply);
static void set_policy(struct take *take, struct function *fn,
    const redisReply *settings);


int
take_open(struct take *take, struct queue *queue, struct faas_err *err)
{
    take->queue = queue;
    take->look = evtimer_new(queue->base, on_look, take);
    take->promote = evtimer_new(queue->base, on_promote, take);

    if (take->look == NULL || take->promote == NULL) {
        return faas_err_set(err, 0, "no memory");
    }

    return 0;
}


void
take_close(struct take *take)
{
    if (take->look != NULL) {
        event_free(take->look);
        take->look = NULL;
    }

    if (take->promote != NULL) {
        event_free(take->promote);
        take->promote = NULL;
    }
}


void
take_ready(struct take *take)
{
    if (take->look != NULL) {
        clock_timer(take->look, 0);
        clock_timer(take->promote, 0);
    }
}


void
take_lost(struct take *take)
{
    if (take->look != NULL) {
        (void) evtimer_del(take->look);
        (void) evtimer_del(take->promote);
    }
}


void
take_rung(struct take *take, const char *key)
{
    struct function  *fn;

    if (take->queue->is_stopping) {
        return;
    }

    if (key[0] == '\0') {
        promote(take);
        return;
    }

    fn = functions_get(&take->queue->functions, key);

    if (fn != NULL) {
        function_waits(&take->queue->functions, fn);
        take_some(take);
    }
}


static void
on_look(evutil_socket_t fd, short what, void *arg)
{
    struct take  *take;

    (void) fd;
    (void) what;

    take = arg;

    clock_timer(take->look, TAKE_LOOK);
    call_send_endings(take->queue);

    if (!take->is_looking && redis_has_room(&take->queue->redis, 1)) {
        scan(take, "0");
    }
}


static void
scan(struct take *take, const char *cursor)
{
    const char  *argv[5];

    argv[0] = "HSCAN";
    argv[1] = take->queue->redis.keys.depth;
    argv[2] = cursor;
    argv[3] = "COUNT";
    argv[4] = TAKE_SCAN;

    take->is_looking = redis_send(&take->queue->redis, on_scanned, take, 5,
                                  argv, NULL) == 0;
}


static void
on_scanned(void *arg, const redisReply *reply)
{
    char               cursor[CURSOR_MAX];
    size_t             i;
    uint64_t           depth;
    struct take       *take;
    const redisReply  *list;

    take = arg;
    take->is_looking = 0;

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY
        || reply->elements != 2
        || reply->element[0]->type != REDIS_REPLY_STRING
        || reply->element[1]->type != REDIS_REPLY_ARRAY
        || take->queue->is_stopping)
    {
        return;
    }

    list = reply->element[1];

    for (i = 0; i + 1 < list->elements; i += 2) {

        if (list->element[i]->type == REDIS_REPLY_STRING
            && list->element[i + 1]->type == REDIS_REPLY_STRING
            && faas_parse_uint(list->element[i + 1]->str,
                               list->element[i + 1]->len, 1, UINT64_MAX,
                               &depth) == 0)
        {
            found(take, list->element[i]->str, depth);
        }
    }

    (void) snprintf(cursor, sizeof(cursor), "%s", reply->element[0]->str);

    if (strcmp(cursor, "0") != 0) {
        scan(take, cursor);
    }

    take_some(take);
}


/*
 * A queue's length counts those that run, our own among them.
 */
static void
found(struct take *take, const char *key, uint64_t depth)
{
    struct function  *fn;

    fn = functions_get(&take->queue->functions, key);

    if (fn != NULL && depth > fn->n_calls) {
        function_waits(&take->queue->functions, fn);
    }
}


static void
on_promote(evutil_socket_t fd, short what, void *arg)
{
    struct take  *take;

    (void) fd;
    (void) what;

    take = arg;

    /* where this one cannot be run, or is not answered, another one is */

    clock_timer(take->promote, TAKE_LOOK);
    promote(take);
}


static void
promote(struct take *take)
{
    struct scripts_arg      args[1];
    struct scripts_handler  handler;

    if (take->is_promoting) {
        take->is_promote_due = 1;
        return;
    }

    args[0] = SCRIPTS_TEXT(TAKE_PROMOTED);
    handler.fn = on_promoted;
    handler.arg = take;

    take->is_promoting = scripts_run(&take->queue->scripts,
                                     &faas_async_promote, handler, 1, args)
                         == 0;
}


static void
on_promoted(void *arg, const redisReply *reply)
{
    long long     wait;
    struct take  *take;

    take = arg;
    take->is_promoting = 0;

    /* the next look sees to it */

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY
        || reply->elements != 2
        || reply->element[1]->type != REDIS_REPLY_INTEGER)
    {
        return;
    }

    wait = take->is_promote_due ? 0 : reply->element[1]->integer;
    take->is_promote_due = 0;

    if (wait >= 0 && wait < TAKE_LOOK) {
        clock_timer(take->promote, (uint64_t) wait);
    }
}


void
take_some(struct take *take)
{
    unsigned          n;
    struct queue     *queue;
    struct function  *fn;

    queue = take->queue;

    if (queue->is_stopping || !queue->scripts.is_ready) {
        return;
    }

    /* each of those in turn once; who is asked leaves the turn */

    for (n = queue->functions.n_turns; n != 0; n--) {
        fn = TAILQ_FIRST(&queue->functions.turns);

        if (fn == NULL || share_of(take, fn) == 0 || ask(take, fn) != 0) {
            return;
        }
    }
}


/*
 * The room there is, divided among those in turn, but one call at least.
 */
static unsigned
share_of(const struct take *take, const struct function *fn)
{
    unsigned  room, share, own;
    uint64_t  used;

    used = (uint64_t) take->queue->n_calls + take->n_asked;

    if (used >= take->queue->options.max_inflight) {
        return 0;
    }

    room = (unsigned) (take->queue->options.max_inflight - used);
    share = room / take->queue->functions.n_turns;
    own = fn->max_calls == 0 ? 1 : fn->max_calls - fn->n_calls;

    share = share == 0 ? 1 : share;
    share = share < own ? share : own;

    return share < FAAS_ASYNC_TAKE_MAX ? share : FAAS_ASYNC_TAKE_MAX;
}


/*
 * Before anything is known of a function's own bound it is asked for one call.
 */
static int
ask(struct take *take, struct function *fn)
{
    int                     is_claim;
    char                    most[NUMBER_MAX], lease[NUMBER_MAX];
    uint64_t                now;
    struct asked           *asked;
    struct queue           *queue;
    struct scripts_arg      args[5];
    struct scripts_handler  handler;

    queue = take->queue;
    now = clock_now_ms();
    is_claim = fn->claimed_ms == 0
               || now - fn->claimed_ms >= queue->options.lease_ms / 3;
    asked = malloc(sizeof(*asked));

    if (asked == NULL) {
        return -1;
    }

    asked->take = take;
    asked->fn = fn;
    asked->n = share_of(take, fn);
    (void) snprintf(most, sizeof(most), "%u", asked->n);
    (void) snprintf(lease, sizeof(lease), "%" PRIu64,
                    queue->options.lease_ms);

    args[0] = SCRIPTS_TEXT(fn->node.key);
    args[1] = SCRIPTS_TEXT(queue->worker);
    args[2] = SCRIPTS_TEXT(most);
    args[3] = SCRIPTS_TEXT(lease);
    args[4] = SCRIPTS_TEXT(is_claim ? "1" : "0");
    handler.fn = on_taken;
    handler.arg = asked;

    if (scripts_run(&queue->scripts, &faas_async_take, handler, 5, args) != 0)
    {
        free(asked);
        return -1;
    }

    if (is_claim) {
        fn->claimed_ms = now;
    }

    take->n_asked += asked->n;
    fn->is_taking = 1;

    /* it may be rung for meanwhile */

    function_rests(&queue->functions, fn);

    return 0;
}


static void
on_taken(void *arg, const redisReply *reply)
{
    size_t            n;
    unsigned          asked;
    struct take      *take;
    struct queue     *queue;
    struct function  *fn;

    take = ((struct asked *) arg)->take;
    fn = ((struct asked *) arg)->fn;
    asked = ((struct asked *) arg)->n;
    free(arg);

    queue = take->queue;
    take->n_asked -= asked;
    fn->is_taking = 0;

    /* where nobody knows what was taken, the next look sees to it */

    if (reply != NULL && reply->type == REDIS_REPLY_ARRAY
        && reply->elements == 3
        && reply->element[2]->type == REDIS_REPLY_ARRAY)
    {
        set_policy(take, fn, reply->element[0]);
        n = take_calls(take, fn, reply->element[2]);

        if (n >= asked) {
            fn->is_waiting = 1;
        }
    }

    queue_has_room(queue, fn);
}


static size_t
take_calls(struct take *take, struct function *fn, const redisReply *reply)
{
    size_t  i;

    for (i = 0; i < reply->elements; i++) {
        (void) call_take(take->queue, fn, reply->element[i]);
    }

    return reply->elements;
}


static void
set_policy(struct take *take, struct function *fn,
    const redisReply *settings)
{
    struct faas_err                   err;
    struct faas_async_settings        own;
    const struct queue_options       *options;

    options = &take->queue->options;
    fn->policy = options->policy;
    fn->max_calls = (unsigned) options->max_inflight_per_function;

    if (settings->type != REDIS_REPLY_STRING || settings->len == 0) {
        return;
    }

    if (faas_async_settings_parse(settings->str, settings->len, &own, &err)
        != 0)
    {
        faas_log(FAAS_LOG_WARN, "settings of a function are of no use, those "
                 "of the worker count function=%s error=\"%s\"",
                 fn->node.key, err.text);
        return;
    }

    retry_override(&fn->policy, &own);

    if (own.max_inflight != FAAS_UNSET) {
        fn->max_calls = own.max_inflight;
    }
}

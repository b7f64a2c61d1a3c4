/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The lease.  A call that was lost nevertheless runs on: when it ends, the
 * script that is told so finds that it is somebody else's.
 */

#include "keep.h"

#include <string.h>

#include "call.h"
#include "queue.h"


#define ENTRIES  64                 /* of one script */


static void keep_function(void *arg, struct key_node *node);
static void on_kept(void *arg, const redisReply *reply);


void
keep_calls(struct queue *queue)
{
    key_map_walk(&queue->functions.map, keep_function, queue);
}


static void
keep_function(void *arg, struct key_node *node)
{
    size_t                  n;
    struct call            *call;
    struct queue           *queue;
    struct function        *fn;
    struct scripts_arg      args[ENTRIES + 2];
    struct scripts_handler  handler;

    queue = arg;
    fn = (struct function *) node;
    handler.fn = on_kept;
    handler.arg = queue;

    args[0] = SCRIPTS_TEXT(node->key);
    args[1] = SCRIPTS_TEXT(queue->worker);
    n = 2;

    TAILQ_FOREACH(call, &fn->calls, link) {
        args[n++] = SCRIPTS_TEXT(call->entry);

        if (n == ENTRIES + 2) {
            (void) scripts_run(&queue->scripts, &faas_async_keep, handler, n,
                               args);
            n = 2;
        }
    }

    /* what could not be said is said the next time */

    if (n > 2) {
        (void) scripts_run(&queue->scripts, &faas_async_keep, handler, n,
                           args);
    }
}


static void
on_kept(void *arg, const redisReply *reply)
{
    (void) arg;
    (void) reply;
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A call at this worker.
 *
 *   taken --> attempt ----------------------------> ending --> gone
 *     |          |  +-- last answer --> callback --^
 *     +----------|--- result is known --^
 *                +-- given back --------^
 *
 * It is in its function's list until it ends, and then in the queue's list of
 * endings until Redis has answered: a result is not lost with a connection.
 */

#ifndef FAAS_QUEUE_CALL_H
#define FAAS_QUEUE_CALL_H

#include <hiredis/hiredis.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "lib/faas_async.h"
#include "lib/faas_buf.h"

#include "function.h"
#include "request.h"


#define CALL_ENTRY_MAX  47          /* bytes of an id in a stream */
#define CALL_TIME_MAX   31


struct queue;

enum call_end {
    CALL_RUNS,
    CALL_DONE,
    CALL_RETRY,                     /* all of it */
    CALL_RETRY_CALLBACK,            /* the result is kept in Redis */
    CALL_BACK,                      /* as it was taken */
    CALL_BACK_CALLBACK,             /* the result is kept in Redis */
    CALL_BURY
};

struct call {
    TAILQ_ENTRY(call)  link;        /* of its function's, or of endings */
    struct queue      *queue;
    struct function   *fn;
    struct request    *request;     /* owned; NULL: none is on its way */
    char               entry[CALL_ENTRY_MAX + 1];
    char               id[FAAS_ASYNC_ID_MAX + 1];
    char              *path;        /* owned; as all texts */
    char              *headers;
    size_t             headers_len;
    char              *body;
    size_t             body_len;
    char              *callback;    /* empty: there is none */
    uint64_t           attempts;    /* with this one */
    uint64_t           callbacks;   /* attempts that have failed */
    uint64_t           begun_us;    /* of the attempt, monotonic */

    /* what the function has answered at last */
    unsigned           code;        /* 0: nothing yet */
    int                is_internal; /* it was not the function */
    char               time[CALL_TIME_MAX + 1];     /* seconds */
    struct faas_buf    lines;
    struct faas_buf    result;

    enum call_end      end;
    uint64_t           wait_ms;
    int                forgets;     /* a dead one's result */
    int                is_sent;     /* to Redis */
    char               error[FAAS_ASYNC_ERROR_MAX + 1];
};


/*
 * Takes over what the script "take" has answered, and begins.  Returns 0, or
 * -1 where it is no call, or there is no memory; its lease will end then.
 */
int call_take(struct queue *queue, struct function *fn,
    const redisReply *reply);

/*
 * The call is to be put back as it was taken, or its callback is to be made
 * later: whatever is on its way is given up.
 */
void call_give_back(struct call *call);

/*
 * It has come to an end here, which Redis is told.  It may be gone when this
 * returns.
 */
void call_end(struct call *call, enum call_end end);

/*
 * Tells Redis of all endings that it was not told of.
 */
void call_send_endings(struct queue *queue);

/*
 * Nobody is told.
 */
void call_free(struct call *call);


#endif /* FAAS_QUEUE_CALL_H */

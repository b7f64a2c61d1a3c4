/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What is sent for a call: to its function, and to its callback.
 */

#ifndef FAAS_QUEUE_ATTEMPT_H
#define FAAS_QUEUE_ATTEMPT_H

#include "call.h"


enum attempt {
    ATTEMPT_BEGUN,
    ATTEMPT_FAILED,                 /* for want of memory */
    ATTEMPT_IMPOSSIBLE              /* at any time */
};


/*
 * Calls the function through the gateway.  done() gets the call and the
 * request, which it frees.  Where it is not begun, done() is not called, and
 * the call's error says why.
 */
enum attempt attempt_call(struct call *call,
    void (*done)(void *arg, struct request *request));

/*
 * Makes the callback.  The same.
 */
enum attempt attempt_callback(struct call *call,
    void (*done)(void *arg, struct request *request));


#endif /* FAAS_QUEUE_ATTEMPT_H */

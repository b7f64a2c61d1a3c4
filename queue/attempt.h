/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What is sent for a call: to its function, and to its callback.
 */

#ifndef FAAS_QUEUE_ATTEMPT_H
#define FAAS_QUEUE_ATTEMPT_H

#include "call.h"


/*
 * Calls the function through the gateway.  done() gets the call and the
 * request, which it frees.  Returns 0 or -1 with the call's error.
 */
int attempt_call(struct call *call,
    void (*done)(void *arg, struct request *request));

/*
 * Makes the callback.  The same.
 */
int attempt_callback(struct call *call,
    void (*done)(void *arg, struct request *request));


#endif /* FAAS_QUEUE_ATTEMPT_H */

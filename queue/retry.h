/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Which answers are tried again, and when.  Pure.
 */

#ifndef FAAS_QUEUE_RETRY_H
#define FAAS_QUEUE_RETRY_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "lib/faas_async.h"
#include "lib/faas_err.h"


enum retry_jitter {
    RETRY_EXPONENTIAL,          /* none: the wait itself */
    RETRY_FULL,                 /* 0 to 100 per cent of it */
    RETRY_EQUAL                 /* 50 to 100 per cent */
};

struct retry_policy {
    uint32_t           attempts;        /* in all, the first one included */
    uint32_t           min_wait_ms;
    uint32_t           max_wait_ms;
    enum retry_jitter  jitter;
    uint32_t           n_codes;
    uint16_t           codes[FAAS_ASYNC_CODES_MAX];
};


/*
 * Reads the name of a jitter.  Returns 0 or -1.
 */
int retry_parse_jitter(const char *s, enum retry_jitter *jitter);

/*
 * Reads statuses with commas between.  Returns 0 or -1.
 */
int retry_parse_codes(const char *s, struct retry_policy *policy,
    struct faas_err *err);

/*
 * What a function's own settings make of the worker's.
 */
void retry_override(struct retry_policy *policy,
    const struct faas_async_settings *settings);

/*
 * True where an answer is tried again: one of the codes, or one that was not
 * made by the function but on the way to it (is_internal) and is an error that
 * may pass.
 */
int retry_is_wanted(const struct retry_policy *policy, unsigned status,
    int is_internal);

/*
 * Milliseconds to wait behind the attempt-th attempt, counted from 1; random
 * is any number.  after_ms is what the answer asks for (0: nothing): it counts
 * where it is between the least and the longest wait, else the nearer of them.
 */
uint64_t retry_wait_ms(const struct retry_policy *policy, uint64_t attempt,
    uint64_t after_ms, uint64_t random);

/*
 * Reads Retry-After, seconds or an HTTP date.  Returns milliseconds from now
 * on; 0 where it says nothing.
 */
uint64_t retry_parse_after(const char *s, time_t now);


#endif /* FAAS_QUEUE_RETRY_H */

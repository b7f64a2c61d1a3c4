/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The settings of the queue worker.
 */

#ifndef FAAS_QUEUE_OPTIONS_H
#define FAAS_QUEUE_OPTIONS_H

#include <stdint.h>

#include "daemon/redis.h"
#include "lib/faas_err.h"

#include "address.h"
#include "retry.h"


struct queue_options {
    /* texts are owned by the caller of options_parse(): argv, environment */
    const char  *gateway;           /* http://HOST:PORT, without a slash */
    const char  *metrics_listen;    /* unix:/path or IP:PORT */
    const char  *resolver;          /* IP:PORT; empty: resolv.conf's */
    const char  *retry_codes;
    const char  *retry_jitter;
    const char  *callback_allow;
    const char  *cron_timezone;
    const char  *log_level;

    struct redis_config  redis;

    uint64_t     max_inflight;      /* calls that run here */
    uint64_t     max_inflight_per_function;
    uint64_t     max_functions;     /* that are known at a time */
    uint64_t     max_series;        /* functions in the metrics */
    uint64_t     max_result;        /* bytes kept for a callback */
    uint64_t     max_dead;
    uint64_t     retry_attempts;
    uint64_t     retry_min_wait_ms;
    uint64_t     retry_max_wait_ms;
    uint64_t     lease_ms;
    uint64_t     keep_done_ms;
    uint64_t     connect_timeout_ms;
    uint64_t     call_timeout_ms;   /* 0: the function's own */
    uint64_t     callback_timeout_ms;
    uint64_t     drain_timeout_ms;
    uint64_t     cron_catch_up_ms;

    /* made of them */
    struct retry_policy   policy;
    struct address_rules  callback_rules;

    int          is_health;         /* --health, also with OPTIONS_BAD */
};


enum options_result {
    OPTIONS_RUN,                    /* go on */
    OPTIONS_HEALTH,                 /* ask the worker how it is */
    OPTIONS_EXIT,                   /* help or version was printed */
    OPTIONS_BAD                     /* err says what */
};


/*
 * Fills options from the defaults, the environment (FAAS_QUEUE_MAX_INFLIGHT
 * for --max-inflight, and so on) and the command line, the later over the
 * earlier.  With OPTIONS_HEALTH nothing but metrics_listen is of use.
 */
enum options_result options_parse(int argc, char **argv,
    struct queue_options *options, struct faas_err *err);


#endif /* FAAS_QUEUE_OPTIONS_H */

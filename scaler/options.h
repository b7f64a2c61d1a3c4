/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The settings of the scaler: one table makes the command line, the
 * environment, the defaults and --help.
 */

#ifndef FAAS_SCALER_OPTIONS_H
#define FAAS_SCALER_OPTIONS_H

#include <stdint.h>

#include "daemon/redis.h"
#include "lib/faas_err.h"

#include "scale.h"


struct scaler_options {
    /* texts are owned by the caller of options_parse(): argv, environment */
    const char  *listen;            /* unix:/path or IP:PORT */
    const char  *metrics_listen;    /* the same; empty: no metrics */
    const char  *credentials_dir;   /* empty: nobody is asked */
    const char  *resolver;          /* IP:PORT; empty: resolv.conf's */
    const char  *state_dir;
    const char  *functions_dir;
    const char  *watchdog;
    const char  *gateway_user;
    const char  *isolation;         /* auto, required or off */
    const char  *log_level;
    const char  *provider;          /* process or swarm */
    const char  *docker;            /* unix:///path or tcp://HOST:PORT */
    const char  *docker_cert_path;  /* folder; empty: no TLS */
    const char  *docker_network;    /* of functions; empty: by label */

    uint64_t     max_functions;
    uint64_t     max_replicas;      /* of one function */
    uint64_t     max_processes;     /* of a replica */
    uint64_t     max_starts;        /* processes starting at a time */
    uint64_t     spares;            /* processes made beforehand */
    uint64_t     max_body;          /* bytes of a request to the API */
    uint64_t     max_log;           /* bytes of a function's logs, all */
    uint64_t     max_followers;     /* of logs */
    uint64_t     max_gateways;
    uint64_t     drain_timeout_ms;
    uint64_t     stop_timeout_ms;
    uint64_t     docker_timeout_ms;

    struct redis_config  redis;

    uint64_t     scale_by_load;     /* 0: by the API and alerts only */
    struct scale_config  scale;     /* what functions' labels are over */

    int          is_health;         /* --health, also with OPTIONS_BAD */
};


enum options_result {
    OPTIONS_RUN,                    /* go on */
    OPTIONS_HEALTH,                 /* ask the scaler at listen how it is */
    OPTIONS_EXIT,                   /* help or version was printed */
    OPTIONS_BAD                     /* err says what */
};


/*
 * Fills options from the defaults, the environment (FAAS_SCALER_STATE_DIR for
 * --state-dir, and so on) and the command line, the later over the earlier.
 * With OPTIONS_HEALTH nothing but listen is of use.
 */
enum options_result options_parse(int argc, char **argv,
    struct scaler_options *options, struct faas_err *err);


#endif /* FAAS_SCALER_OPTIONS_H */

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The watchdog's settings: from the environment to a structure.  Names and
 * defaults are those of OpenFaaS's of-watchdog; the ones it does not have are
 * marked "ours".
 */

#ifndef FAAS_WD_CONFIG_H
#define FAAS_WD_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "lib/faas_addr.h"
#include "lib/faas_err.h"


#define WD_CONTENT_TYPE_MAX  256        /* bytes */
#define WD_ARGS_MAX          256        /* words of fprocess */


enum wd_mode_kind {
    WD_MODE_STREAMING,          /* a process a request */
    WD_MODE_HTTP                /* one long-lived process that serves HTTP */
};


struct wd_config {
    enum wd_mode_kind   mode;
    char               *process;        /* owned; fprocess as given */
    char              **argv;           /* owned; its words; ends in NULL */
    char               *words;          /* owned; what argv points into */
    const char         *content_type;   /* of answers in streaming mode */
    const char         *tmp_dir;        /* where the private socket is made */
    struct faas_addr    upstream;       /* len 0: a private socket */
    uint64_t            read_timeout;   /* msec */
    uint64_t            write_timeout;  /* msec */
    uint64_t            exec_timeout;   /* msec; 0: none */
    uint64_t            idle_timeout;   /* msec; ours */
    uint64_t            kill_grace;     /* msec; ours */
    uint64_t            healthcheck_interval;   /* msec */
    uint64_t            port;
    uint64_t            max_inflight;   /* requests; 0: no limit */
    uint64_t            max_connections;        /* ours */
    uint64_t            max_head_size;  /* bytes; ours */
    uint64_t            max_body_size;  /* bytes; 0: no limit; ours */
    uint64_t            buffer_size;    /* bytes; ours */
    uint64_t            log_buffer_size;        /* bytes */
    int                 is_health_given;        /* healthcheck_interval is */
    int                 has_log_prefix;
    int                 has_access_log; /* ours */
};


/*
 * Reads one variable; the watchdog passes getenv().
 */
typedef char *(*wd_getenv)(const char *name);

/*
 * Fills cfg from the environment.  Texts that are not marked as owned belong
 * to the environment.  Returns 0, or -1 with err naming the variable that is
 * wrong; cfg needs wd_config_done() in either case.
 */
int wd_config_init(struct wd_config *cfg, wd_getenv get,
    struct faas_err *err);
void wd_config_done(struct wd_config *cfg);

/*
 * Parses what upstream_url may be: "http://IP[:PORT]", "http://localhost..."
 * (taken as 127.0.0.1) or "unix:/path".  Returns 0 or -1.
 */
int wd_config_upstream(const char *url, struct faas_addr *addr);


#endif /* FAAS_WD_CONFIG_H */

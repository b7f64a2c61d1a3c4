/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The watchdog's settings: from the environment to a structure.  Names and
 * defaults are those of OpenFaaS's two watchdogs; the ones that neither has
 * are marked "ours".
 *
 * An image made for the classic watchdog says fprocess, and perhaps some of
 * cgi_headers, combine_output, write_debug, marshal_request, debug_headers;
 * one made for the newer of-watchdog says mode, or something else that only
 * that one knows.  So mode tells; without it, a name of the one or the other;
 * and fprocess alone means the classic one.
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
    WD_MODE_CLASSIC,            /* a process a request, as the classic one */
    WD_MODE_SERIALIZING,        /* the same; its output is sent when it has
                                   ended */
    WD_MODE_STREAMING,          /* the same; it is sent as it comes */
    WD_MODE_HTTP,               /* one long-lived process that serves HTTP */
    WD_MODE_STATIC              /* files, and no process */
};


struct wd_config {
    enum wd_mode_kind   mode;
    char               *process;        /* owned; fprocess as given */
    char              **argv;           /* owned; its words; ends in NULL */
    char               *words;          /* owned; what argv points into */
    const char         *content_type;   /* of answers of a process; NULL:
                                           not given */
    const char         *static_path;    /* folder of the files */
    const char         *ready_path;     /* NULL: /_/ready is not passed on */
    const char         *tmp_dir;        /* where the private socket is made */
    struct faas_addr    upstream;       /* len 0: a private socket */
    struct faas_addr    listen;         /* len 0: port */
    uint64_t            read_timeout;   /* msec */
    uint64_t            write_timeout;  /* msec */
    uint64_t            exec_timeout;   /* msec; 0: none */
    uint64_t            idle_timeout;   /* msec; ours */
    uint64_t            kill_grace;     /* msec; ours */
    uint64_t            healthcheck_interval;   /* msec */
    uint64_t            port;
    uint64_t            metrics_port;   /* 0: none; ours */
    uint64_t            max_inflight;   /* requests; 0: no limit */
    uint64_t            max_connections;        /* ours */
    uint64_t            max_head_size;  /* bytes; ours */
    uint64_t            max_body_size;  /* bytes; 0: no limit; ours */
    uint64_t            max_held_output;        /* bytes; ours */
    uint64_t            max_held_body;  /* bytes; ours */
    uint64_t            buffer_size;    /* bytes; ours */
    uint64_t            log_buffer_size;        /* bytes; 0: output is copied
                                                   as it comes */
    int                 is_health_given;        /* healthcheck_interval is */
    int                 is_metrics_given;       /* metrics_port is */
    int                 has_log_prefix;
    int                 has_access_log; /* ours */
    int                 has_call_id;    /* in the access log */
    int                 has_lock;       /* a lock file is made */
    int                 has_cgi;        /* Http_ variables are given */
    int                 is_combined;    /* stderr goes where stdout does */
    int                 is_marshaled;   /* stdin is the request as JSON */
    int                 is_debugged;    /* output goes to the log, too */
    int                 are_headers_logged;
    int                 is_body_buffered;       /* in mode http */
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
 * The folder for the lock file and private sockets: TMPDIR or /tmp.
 */
const char *wd_config_tmp(wd_getenv get);

/*
 * Parses what upstream_url may be: "http://IP[:PORT]", "http://localhost..."
 * (taken as 127.0.0.1) or "unix:/path".  Returns 0 or -1.
 */
int wd_config_upstream(const char *url, struct faas_addr *addr);


#endif /* FAAS_WD_CONFIG_H */

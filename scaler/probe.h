/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Asks whether something takes requests at an address: by a connection, or by
 * a watchdog's /_/health.  So many at a time, others wait.
 */

#ifndef FAAS_SCALER_PROBE_H
#define FAAS_SCALER_PROBE_H

#include <event2/event.h>
#include <stdint.h>
#include <sys/queue.h>

#include "lib/faas_addr.h"
#include "lib/faas_err.h"


#define PROBES_MAX   64         /* at a time */
#define PROBE_PATH   "/_/health"


enum probe_result {
    PROBE_OK,
    PROBE_BAD,                  /* it is refused, or health is bad */
    PROBE_SILENT                /* no answer in time, or no way there */
};

struct probe;

TAILQ_HEAD(probe_list, probe);

struct probes {
    struct event_base  *base;
    struct event       *turn;           /* some may begin */
    struct probe_list   waiting;
    struct probe_list   running;
    unsigned            n;              /* running */
    uint64_t            answered_ms;    /* the last time that one was OK */
};

/* zeroed by its owner, who sets done and arg */
struct probe {
    TAILQ_ENTRY(probe)   link;
    struct probes       *probes;        /* NULL: it does nothing now */
    struct faas_addr     addr;
    struct event        *io;
    int                  fd;
    int                  is_running;    /* else it waits */
    int                  is_http;
    int                  is_sent;
    uint64_t             connect_ms;
    uint64_t             timeout_ms;
    uint64_t             began_ms;

    /* not called from within; it may be started again, or be freed */
    void               (*done)(void *arg, enum probe_result result);
    void                *arg;
};


/*
 * Returns 0 or -1; probes_done() in either case, when none is started.
 */
int probes_init(struct probes *probes, struct event_base *base,
    struct faas_err *err);
void probes_done(struct probes *probes);

/*
 * Starts one that does nothing now, with a time-out for the connection, and
 * one for all of it.  With is_http it is to answer 200.
 */
void probe_start(struct probes *probes, struct probe *probe,
    const struct faas_addr *addr, int is_http, uint64_t connect_ms,
    uint64_t timeout_ms);

/*
 * Ends it without done(), if it does anything.
 */
void probe_cancel(struct probe *probe);


#endif /* FAAS_SCALER_PROBE_H */

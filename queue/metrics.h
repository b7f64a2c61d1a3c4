/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What /metrics and /healthz say.
 */

#ifndef FAAS_QUEUE_METRICS_H
#define FAAS_QUEUE_METRICS_H

#include <event2/event.h>
#include <stdint.h>

#include "daemon/exporter.h"
#include "lib/faas_err.h"


#define METRICS_READ  5000          /* msec between two readings of depths */


struct queue;

struct metrics {
    struct queue    *queue;
    struct exporter  exporter;
    struct event    *timer;
    int              is_reading;
    unsigned         round;         /* of reading */
    uint64_t         calls;         /* accepted, neither over nor dead */
    uint64_t         bytes;
    uint64_t         delayed;
    uint64_t         dead;
};


/*
 * Listens.  on_error is to call listener_pause(): libevent does not hand it the
 * metrics.  Returns 0 or -1; metrics_close() in either case.
 */
int metrics_open(struct metrics *metrics, struct queue *queue,
    evconnlistener_errorcb on_error, struct faas_err *err);

void metrics_close(struct metrics *metrics);

/*
 * Redis is there; is no longer.
 */
void metrics_ready(struct metrics *metrics);
void metrics_lost(struct metrics *metrics);


#endif /* FAAS_QUEUE_METRICS_H */

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A daemon's /metrics, for Prometheus, and /healthz.
 *
 * With many functions the page is large.  It is made part by part, each when
 * the client has taken the one before, and the event loop has its turn between
 * two of them.
 */

#ifndef FAAS_DAEMON_EXPORTER_H
#define FAAS_DAEMON_EXPORTER_H

#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdint.h>

#include "lib/faas_err.h"
#include "lib/faas_expo.h"

#include "listener.h"


#define EXPORTER_PAGES_MAX  8       /* that are being sent; others get 503 */
#define EXPORTER_TIMEOUT    10      /* seconds without a byte that it takes */


struct exporter {
    struct evhttp    *http;
    struct listener   listener;     /* http's */
    unsigned          n_pages;

    /* adds part i of the page, i from 0; returns 0 where there is none */
    int             (*put)(void *arg, unsigned i, struct evbuffer *out);

    int             (*is_healthy)(void *arg);
    void             *arg;
};


/*
 * Listens at a text, which comes from an option and lives as long.  put,
 * is_healthy and arg are set by the caller before.  on_error is to call
 * listener_pause(): libevent does not hand it the exporter.  Returns 0 or -1;
 * exporter_close() in either case.
 */
int exporter_open(struct exporter *exporter, struct event_base *base,
    const char *option, const char *text, evconnlistener_errorcb on_error,
    struct faas_err *err);

void exporter_close(struct exporter *exporter);

/*
 * Lines of a page, as lib/faas_expo.h has them.  Without memory the page ends
 * early.
 */
void exporter_family(struct evbuffer *out, const char *name,
    const char *help, const char *type);
void exporter_uint(struct evbuffer *out, const struct faas_sample *sample,
    uint64_t value);
void exporter_msec(struct evbuffer *out, const struct faas_sample *sample,
    uint64_t msec);


#endif /* FAAS_DAEMON_EXPORTER_H */

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * libcurl's multi interface on libevent.
 *
 * libcurl must not be called from within its own callbacks: those of a
 * transfer only store what has come.  done() is called afterwards, and there
 * transfers may be added and removed.
 */

#ifndef FAAS_DAEMON_MULTI_H
#define FAAS_DAEMON_MULTI_H

#include <curl/curl.h>
#include <event2/event.h>

#include "lib/faas_err.h"


struct multi {
    CURLM              *curlm;          /* NULL: not open */
    struct event_base  *base;
    struct event       *timer;          /* libcurl's */

    /* a transfer has ended; data is its CURLOPT_PRIVATE */
    void              (*done)(void *data, CURLcode result);
};


/*
 * done is set by the caller before; at most max connections are open at a
 * time, further transfers wait.  Returns 0 or -1; multi_done() in either case.
 */
int multi_init(struct multi *multi, struct event_base *base, unsigned max,
    struct faas_err *err);

/*
 * All transfers are to be removed before.  It may be called more than once.
 */
void multi_done(struct multi *multi);

/*
 * Calls done() for each transfer that has ended: for who has called libcurl
 * outside the loop, as curl_easy_pause() wants it.
 */
void multi_collect(struct multi *multi);


#endif /* FAAS_DAEMON_MULTI_H */

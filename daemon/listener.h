/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Where a daemon's HTTP server listens.
 */

#ifndef FAAS_DAEMON_LISTENER_H
#define FAAS_DAEMON_LISTENER_H

#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>

#include "lib/faas_addr.h"
#include "lib/faas_err.h"


#define LISTENER_BACKLOG  128
#define LISTENER_PAUSE    100       /* msec, where nobody can be accepted */


struct listener {
    const char             *option; /* where the address comes from */
    const char             *what;   /* that one connects to, for the log */
    const char             *text;   /* of the address */
    struct faas_addr        addr;
    struct evconnlistener  *conns;  /* the server's; NULL: it does not listen */
    struct event           *timer;  /* ends a pause */
    int                     is_reported;    /* that it pauses; cleared by who
                                               serves somebody */
};


/*
 * Makes a socket at unix:/path, IP:PORT or [IPv6]:PORT, where nobody can
 * connect yet.  One that was left over from a daemon that was killed is
 * replaced; one that answers is somebody's, and so is what is no socket.
 * option and what are set by the caller before, and live as long, as text has
 * to.  Returns the descriptor, or -1.
 */
int listener_bind(struct listener *listener, const char *text,
    struct faas_err *err);

/*
 * Listens, for http, with the descriptor, which is taken, whatever comes of
 * it.  on_error is to call listener_pause(): libevent does not hand it the
 * listener.  Returns 0 or -1; listener_close() in either case.
 */
int listener_open(struct listener *listener, struct evhttp *http, int fd,
    evconnlistener_errorcb on_error, struct faas_err *err);

/*
 * No connection can be accepted, for want of descriptors as a rule: to be
 * called then, for what waits would be reported again at once, for ever.
 * Accepts again after a pause.
 */
void listener_pause(struct listener *listener);

/*
 * Takes the socket's path away.  The server is to be freed before; it may be
 * called where nothing was opened.
 */
void listener_close(struct listener *listener);


#endif /* FAAS_DAEMON_LISTENER_H */

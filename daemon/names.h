/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Names of hosts and their addresses, looked up with libevent's evdns.
 *
 * A name is looked up each time that somebody asks: behind it, something may
 * have moved.  It is asked for as it is written, without a search domain.
 */

#ifndef FAAS_DAEMON_NAMES_H
#define FAAS_DAEMON_NAMES_H

#include <event2/dns.h>
#include <event2/event.h>

#include "lib/faas_addr.h"
#include "lib/faas_err.h"


#define NAMES_HOST_MAX   253        /* bytes of a name */
#define NAMES_LABEL_MAX  63         /* bytes between two dots */
#define NAMES_PORT_MAX   5          /* digits */


struct names_host {
    char  name[NAMES_HOST_MAX + 1];     /* empty: there is none */
    char  port[NAMES_PORT_MAX + 1];
};

struct names {
    struct event_base  *base;
    struct evdns_base  *dns;            /* NULL until a name is asked for */
    struct faas_addr    resolver;       /* len 0: those of the system */
    unsigned            n_lookups;      /* not answered, or cancelled */
};

struct names_lookup;

/*
 * list has at least one address, of IPv4 or IPv6, and is only there during the
 * call; or it is NULL, and why says why.
 */
typedef void (*names_found_fn)(void *arg, const struct evutil_addrinfo *list,
    const char *why);


/*
 * Reads HOST:PORT.  Returns 0, or -1 where it cannot be a host's name.
 */
int names_parse(const char *s, struct names_host *host, struct faas_err *err);

/*
 * resolver is the name server's IP:PORT; empty: those of /etc/resolv.conf.
 * Nothing is opened before the first look-up, nor left open after one.
 * Returns 0 or -1.
 */
int names_init(struct names *names, const char *resolver,
    struct event_base *base, struct faas_err *err);

/*
 * All look-ups are to be cancelled before.  Runs the event loop for a moment,
 * as evdns ends them there.
 */
void names_done(struct names *names);

/*
 * Looks a name up.  found() is called once, unless the look-up is cancelled.
 * Returns the look-up, which is gone when found() is called; or NULL, where it
 * has been called already.  There is no time-out that can be relied on: it is
 * the caller's to cancel.
 */
struct names_lookup *names_ask(struct names *names,
    const struct names_host *host, names_found_fn found, void *arg);

/*
 * found() will not be called.
 */
void names_cancel(struct names_lookup *lookup);

/*
 * Chooses from a list, in an order that does not depend on the list's: addr
 * itself if it is there, else the one that follows it; with is_next always one
 * that follows.  After the last comes the first.
 */
void names_choose(const struct evutil_addrinfo *list, int is_next,
    struct faas_addr *addr);


#endif /* FAAS_DAEMON_NAMES_H */

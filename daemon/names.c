/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Names of hosts and their addresses.
 *
 * evdns marks a name server that does not answer, and asks it for google.com
 * from time to time.  Ours are forgotten when no look-up runs, sockets and
 * all, and read anew for the next one: so none is marked for long, a change of
 * /etc/resolv.conf or /etc/hosts is seen, and who is connected asks nobody.
 */

#include "names.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/faas_log.h"
#include "lib/faas_num.h"


#define RESOLV_CONF  "/etc/resolv.conf"
#define HOSTS        "/etc/hosts"
#define RESEND       "1"        /* seconds until a question is sent again */
#define SKEW         "0.5"      /* seconds for IPv6 once IPv4 is there */
#define PROBE        "3600"     /* seconds: never, as all is forgotten before */
#define END_TURNS    8          /* of the loop, for what was cancelled */


struct names_lookup {
    struct names                      *names;
    struct evdns_getaddrinfo_request  *req;     /* evdns' own */
    names_found_fn                     found;   /* NULL: cancelled */
    void                              *arg;
};


static int check_name(const char *name, size_t len);
static int prepare(struct names *names);
static int open_dns(struct names *names);
static void on_answer(int code, struct evutil_addrinfo *list, void *arg);
static int compare(const struct faas_addr *a, const struct faas_addr *b);
static int compare_numbers(int a, int b);
static void on_dns_log(int is_warning, const char *text);


int
names_parse(const char *s, struct names_host *host, struct faas_err *err)
{
    size_t       len;
    uint64_t     port;
    const char  *colon;

    memset(host, 0, sizeof(*host));
    colon = strrchr(s, ':');

    if (colon == NULL || strlen(colon + 1) > NAMES_PORT_MAX
        || faas_parse_uint(colon + 1, strlen(colon + 1), 1, 65535, &port) != 0)
    {
        return faas_err_set(err, 0, "\"%.80s\" is no address, expected "
                            "HOST:PORT, IP:PORT, [IPv6]:PORT or unix:/path",
                            s);
    }

    len = (size_t) (colon - s);

    if (check_name(s, len) != 0) {
        return faas_err_set(err, 0, "\"%.*s\" is no IP address and no name of "
                            "a host, expected at most %d letters, digits, - "
                            "and _, at most %d between dots, no - beside one, "
                            "no number at the end", len < 64 ? (int) len : 64,
                            s, NAMES_HOST_MAX, NAMES_LABEL_MAX);
    }

    memcpy(host->name, s, len);
    memcpy(host->port, colon + 1, strlen(colon + 1));

    return 0;
}


/*
 * What ends with a number is an address with a slip of the pen.
 */
static int
check_name(const char *name, size_t len)
{
    char    c;
    size_t  i, label;
    int     is_number;

    label = 0;
    is_number = 1;

    if (len == 0 || len > NAMES_HOST_MAX) {
        return -1;
    }

    for (i = 0; i <= len; i++) {
        c = i < len ? name[i] : '.';

        if (c == '.') {
            if (label == 0 || label > NAMES_LABEL_MAX || name[i - 1] == '-'
                || name[i - label] == '-' || (i == len && is_number))
            {
                return -1;
            }

            label = 0;
            is_number = 1;
            continue;
        }

        if ((c < 'a' || c > 'z') && (c < 'A' || c > 'Z')
            && (c < '0' || c > '9') && c != '-' && c != '_')
        {
            return -1;
        }

        is_number = is_number && c >= '0' && c <= '9';
        label++;
    }

    return 0;
}


int
names_init(struct names *names, const char *resolver, struct event_base *base,
    struct faas_err *err)
{
    memset(names, 0, sizeof(*names));
    names->base = base;

    if (resolver[0] != '\0'
        && (faas_addr_parse(resolver, strlen(resolver), &names->resolver) != 0
            || names->resolver.sa.ss_family == AF_UNIX))
    {
        return faas_err_set(err, 0, "--resolver: \"%.80s\" is no address, "
                            "expected IP:PORT or [IPv6]:PORT", resolver);
    }

    return 0;
}


void
names_done(struct names *names)
{
    int  i;

    if (names->dns == NULL) {
        return;
    }

    /* once at least: evdns may have an end of its own to come to */

    i = 0;

    do {
        (void) event_base_loop(names->base, EVLOOP_NONBLOCK);
    } while (names->n_lookups != 0 && ++i < END_TURNS);

    evdns_base_free(names->dns, 0);
    names->dns = NULL;
}


struct names_lookup *
names_ask(struct names *names, const struct names_host *host,
    names_found_fn found, void *arg)
{
    struct names_lookup               *lookup;
    struct evutil_addrinfo             hints;
    struct evdns_getaddrinfo_request  *req;

    lookup = calloc(1, sizeof(*lookup));

    if (lookup == NULL || (names->n_lookups == 0 && prepare(names) != 0)) {
        free(lookup);
        found(arg, NULL, "no memory");
        return NULL;
    }

    memset(&hints, 0, sizeof(hints));
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_protocol = IPPROTO_TCP;

    lookup->names = names;
    lookup->found = found;
    lookup->arg = arg;
    names->n_lookups++;

    req = evdns_getaddrinfo(names->dns, host->name, host->port, &hints,
                            on_answer, lookup);

    if (req == NULL) {
        /* answered, and freed: by /etc/hosts, or for want of memory */
        return NULL;
    }

    lookup->req = req;

    return lookup;
}


void
names_cancel(struct names_lookup *lookup)
{
    /* on_answer() comes nevertheless, from the loop */

    lookup->found = NULL;
    evdns_getaddrinfo_cancel(lookup->req);
}


void
names_choose(const struct evutil_addrinfo *list, int is_next,
    struct faas_addr *addr)
{
    int               order, is_first, is_found;
    struct faas_addr  item, first, found;

    is_first = 1;
    is_found = 0;

    for ( ; list != NULL; list = list->ai_next) {

        memset(&item, 0, sizeof(item));
        item.len = (socklen_t) list->ai_addrlen;
        memcpy(&item.sa, list->ai_addr, list->ai_addrlen);

        if (is_first || compare(&item, &first) < 0) {
            first = item;
            is_first = 0;
        }

        order = compare(&item, addr);

        if ((order > 0 || (order == 0 && !is_next))
            && (!is_found || compare(&item, &found) < 0))
        {
            found = item;
            is_found = 1;
        }
    }

    *addr = is_found ? found : first;
}


/*
 * IPv4 comes before IPv6, and anything after what is all zeros.
 */
static int
compare(const struct faas_addr *a, const struct faas_addr *b)
{
    int                         order;
    const struct sockaddr_in   *sin_a, *sin_b;
    const struct sockaddr_in6  *sin6_a, *sin6_b;

    order = compare_numbers(a->sa.ss_family, b->sa.ss_family);

    if (order != 0) {
        return order;
    }

    if (a->sa.ss_family == AF_INET6) {
        sin6_a = (const struct sockaddr_in6 *) &a->sa;
        sin6_b = (const struct sockaddr_in6 *) &b->sa;

        return memcmp(&sin6_a->sin6_addr, &sin6_b->sin6_addr,
                      sizeof(sin6_a->sin6_addr));
    }

    sin_a = (const struct sockaddr_in *) &a->sa;
    sin_b = (const struct sockaddr_in *) &b->sa;

    return memcmp(&sin_a->sin_addr, &sin_b->sin_addr, sizeof(sin_a->sin_addr));
}


static int
compare_numbers(int a, int b)
{
    return (a > b) - (a < b);
}


/*
 * Everything is read as it is now.
 */
static int
prepare(struct names *names)
{
    if (names->dns == NULL && open_dns(names) != 0) {
        return -1;
    }

    evdns_base_clear_host_addresses(names->dns);

    /* without it, "localhost" is known */

    (void) evdns_base_load_hosts(names->dns, HOSTS);

    /* what fails here ends as a look-up that nobody answers */

    if (names->resolver.len != 0) {
        (void) evdns_base_nameserver_sockaddr_add(names->dns,
                                                  (const struct sockaddr *)
                                                  &names->resolver.sa,
                                                  names->resolver.len, 0);

    } else {
        (void) evdns_base_resolv_conf_parse(names->dns,
                                            DNS_OPTION_NAMESERVERS
                                            | DNS_OPTION_MISC, RESOLV_CONF);
    }

    return 0;
}


static int
open_dns(struct names *names)
{
    size_t  i;

    static const char *const  settings[][2] = {
        { "timeout:", RESEND },
        { "getaddrinfo-allow-skew:", SKEW },
        { "initial-probe-timeout:", PROBE },

        /* "rEDis": not all name servers see that it is "redis" */
        { "randomize-case:", "0" },
    };

    evdns_set_log_fn(on_dns_log);
    names->dns = evdns_base_new(names->base, 0);

    if (names->dns == NULL) {
        return -1;
    }

    for (i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        (void) evdns_base_set_option(names->dns, settings[i][0],
                                     settings[i][1]);
    }

    return 0;
}


/*
 * evdns calls it within names_ask(), or later, and also for what was cancelled.
 */
static void
on_answer(int code, struct evutil_addrinfo *list, void *arg)
{
    const char           *why;
    struct names         *names;
    struct names_lookup  *lookup, was;

    lookup = arg;
    was = *lookup;
    names = was.names;
    free(lookup);

    names->n_lookups--;

    if (names->n_lookups == 0) {
        (void) evdns_base_clear_nameservers_and_suspend(names->dns);
    }

    why = NULL;

    if (code != 0 || list == NULL) {
        why = code == EVUTIL_EAI_NONAME
              ? "there is no host of this name"
              : "the name servers say no address";
    }

    if (was.found != NULL) {
        was.found(was.arg, why == NULL ? list : NULL, why);
    }

    if (list != NULL) {
        evutil_freeaddrinfo(list);
    }
}


/*
 * Who asks is told, and logs it.
 */
static void
on_dns_log(int is_warning, const char *text)
{
    (void) is_warning;

    faas_log(FAAS_LOG_DEBUG, "libevent: %s", text);
}

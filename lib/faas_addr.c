/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Addresses as they stand in settings and routes.
 */

#include "faas_addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stddef.h>
#include <string.h>

#include "faas_num.h"


static int parse_unix(const char *path, size_t len, struct faas_addr *addr);
static int parse_inet(const char *s, size_t len, struct faas_addr *addr);
static int parse_port(const char *s, size_t len, size_t *host_len,
                      uint16_t *port);
static int check_host(const char *s, size_t len);
static int check_label(const char *s, size_t len);
static int is_alnum(char c);


int
faas_addr_parse(const char *s, size_t len, struct faas_addr *addr)
{
    memset(addr, 0, sizeof(*addr));

    if (len > 5 && memcmp(s, "unix:", 5) == 0) {
        return parse_unix(s + 5, len - 5, addr);
    }

    return parse_inet(s, len, addr);
}


int
faas_addr_parse_host(const char *s, size_t len, size_t *host_len,
                     uint16_t *port)
{
    /* a path that is not absolute */
    if (len > 5 && memcmp(s, "unix:", 5) == 0) {
        return -1;
    }

    if (parse_port(s, len, host_len, port) != 0) {
        return -1;
    }

    if (*host_len > 0 && s[*host_len - 1] == '.') {
        (*host_len)--;
    }

    return check_host(s, *host_len);
}


static int
parse_unix(const char *path, size_t len, struct faas_addr *addr)
{
    struct sockaddr_un  *sun;

    sun = (struct sockaddr_un *) &addr->sa;

    if (path[0] != '/' || len >= sizeof(sun->sun_path)
        || memchr(path, '\0', len) != NULL)
    {
        return -1;
    }

    sun->sun_family = AF_UNIX;
    memcpy(sun->sun_path, path, len);
    addr->len = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + len
                             + 1);

    return 0;
}


static int
parse_inet(const char *s, size_t len, struct faas_addr *addr)
{
    char                  host[INET6_ADDRSTRLEN];
    size_t                host_len;
    uint16_t              port;
    struct sockaddr_in   *sin;
    struct sockaddr_in6  *sin6;

    if (parse_port(s, len, &host_len, &port) != 0) {
        return -1;
    }

    if (host_len > 2 && s[0] == '[' && s[host_len - 1] == ']') {
        s++;
        host_len -= 2;
        sin6 = (struct sockaddr_in6 *) &addr->sa;

        if (host_len >= sizeof(host)) {
            return -1;
        }

        memcpy(host, s, host_len);
        host[host_len] = '\0';

        sin6->sin6_family = AF_INET6;
        sin6->sin6_port = htons(port);
        addr->len = sizeof(*sin6);

        return inet_pton(AF_INET6, host, &sin6->sin6_addr) == 1 ? 0 : -1;
    }

    if (host_len >= sizeof(host)) {
        return -1;
    }

    memcpy(host, s, host_len);
    host[host_len] = '\0';

    sin = (struct sockaddr_in *) &addr->sa;
    sin->sin_family = AF_INET;
    sin->sin_port = htons(port);
    addr->len = sizeof(*sin);

    return inet_pton(AF_INET, host, &sin->sin_addr) == 1 ? 0 : -1;
}


/*
 * What follows the last colon, and how much comes before it.
 */
static int
parse_port(const char *s, size_t len, size_t *host_len, uint16_t *port)
{
    size_t    colon;
    uint64_t  number;

    for (colon = len; colon > 0 && s[colon - 1] != ':'; colon--) {
        /* void */
    }

    if (colon == 0
        || faas_parse_uint(s + colon, len - colon, 1, 65535, &number) != 0)
    {
        return -1;
    }

    *host_len = colon - 1;
    *port = (uint16_t) number;

    return 0;
}


static int
check_host(const char *s, size_t len)
{
    size_t  i, start;

    if (len > FAAS_HOST_MAX) {
        return -1;
    }

    start = 0;

    for (i = 0; i < len; i++) {

        if (s[i] != '.') {
            continue;
        }

        if (check_label(s + start, i - start) != 0) {
            return -1;
        }

        start = i + 1;
    }

    if (check_label(s + start, len - start) != 0) {
        return -1;
    }

    for (i = start; i < len; i++) {

        if (s[i] < '0' || s[i] > '9') {
            return 0;
        }
    }

    return -1;
}


static int
check_label(const char *s, size_t len)
{
    size_t  i;

    if (len == 0 || len > FAAS_LABEL_MAX || s[0] == '-' || s[len - 1] == '-') {
        return -1;
    }

    for (i = 0; i < len; i++) {

        if (!is_alnum(s[i]) && s[i] != '-' && s[i] != '_') {
            return -1;
        }
    }

    return 0;
}


/*
 * isalnum() depends on the locale.
 */
static int
is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
           || (c >= 'A' && c <= 'Z');
}

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


int
faas_addr_parse(const char *s, size_t len, struct faas_addr *addr)
{
    memset(addr, 0, sizeof(*addr));

    if (len > 5 && memcmp(s, "unix:", 5) == 0) {
        return parse_unix(s + 5, len - 5, addr);
    }

    return parse_inet(s, len, addr);
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
    size_t                colon, host_len;
    uint64_t              port;
    struct sockaddr_in   *sin;
    struct sockaddr_in6  *sin6;

    for (colon = len; colon > 0 && s[colon - 1] != ':'; colon--) {
        /* void */
    }

    if (colon == 0
        || faas_parse_uint(s + colon, len - colon, 1, 65535, &port) != 0)
    {
        return -1;
    }

    host_len = colon - 1;

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
        sin6->sin6_port = htons((uint16_t) port);
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
    sin->sin_port = htons((uint16_t) port);
    addr->len = sizeof(*sin);

    return inet_pton(AF_INET, host, &sin->sin_addr) == 1 ? 0 : -1;
}

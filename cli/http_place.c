/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a URL names, where nobody has to be asked for it.
 */

#include "http_place.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#include "lib/faas_num.h"


#define DEFAULT_PORT  80


static int read_host(const char *p, size_t len, struct http_place *place);


int
http_place_read(const char *url, struct http_place *place)
{
    size_t  i;

    if (strncmp(url, "http://", 7) != 0) {
        return -1;
    }

    place->authority = url + 7;
    place->authority_len = strcspn(place->authority, "/?#");
    place->target = place->authority + place->authority_len;

    /* a segment that is "." or ".." begins so */

    if ((place->target[0] != '\0' && place->target[0] != '/')
        || strstr(place->target, "/.") != NULL)
    {
        return -1;
    }

    for (i = 0; place->target[i] != '\0'; i++) {
        if (place->target[i] <= ' ' || place->target[i] > '~'
            || place->target[i] == '#')
        {
            return -1;
        }
    }

    return read_host(place->authority, place->authority_len, place);
}


socklen_t
http_place_address(const char *host, uint64_t port,
    struct sockaddr_storage *address)
{
    struct sockaddr_in   *v4;
    struct sockaddr_in6  *v6;

    memset(address, 0, sizeof(*address));
    v4 = (struct sockaddr_in *) address;
    v6 = (struct sockaddr_in6 *) address;

    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t) port);
        return sizeof(*v4);
    }

    if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t) port);
        return sizeof(*v6);
    }

    return 0;
}


static int
read_host(const char *p, size_t len, struct http_place *place)
{
    size_t                    host_len;
    const char               *host, *rest;
    struct sockaddr_storage   address;

    if (len > 0 && p[0] == '[') {
        host = p + 1;
        host_len = strcspn(host, "]");
        rest = host + host_len + 1;

    } else {
        host = p;
        host_len = strcspn(host, ":/");
        rest = host + host_len;
    }

    if (host_len >= HTTP_HOST_MAX || rest > p + len) {
        return -1;
    }

    memcpy(place->host, host, host_len);
    place->host[host_len] = '\0';
    place->port = DEFAULT_PORT;

    if (rest < p + len
        && (rest[0] != ':'
            || faas_parse_uint(rest + 1, (size_t) (p + len - rest - 1), 1,
                               UINT16_MAX, &place->port) != 0))
    {
        return -1;
    }

    /* as libcurl, which leaves the default out */

    if (place->port == DEFAULT_PORT) {
        place->authority_len = (size_t) (rest - p);
    }

    if (p[0] != '[' && strcasecmp(place->host, "localhost") == 0) {
        return 0;
    }

    return http_place_address(place->host, place->port, &address) != 0
           && (address.ss_family == AF_INET6) == (p[0] == '[') ? 0 : -1;
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Addresses as they stand in settings and routes: "IP:PORT", "[IPv6]:PORT" or
 * "unix:/path"; some take "HOST:PORT" as well.  Names are never looked up
 * here: that would block.
 */

#ifndef FAAS_ADDR_H
#define FAAS_ADDR_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>


/* "unix:" and the longest path that a socket can have */
#define FAAS_ADDR_MAX  (5 + sizeof(((struct sockaddr_un *) 0)->sun_path) - 1)

/* "[", the longest IPv6 address, "]:", a port */
#define FAAS_ADDR_INET_MAX  55

/* of a name in the DNS, without the dot at its end; of what is between dots */
#define FAAS_HOST_MAX   253
#define FAAS_LABEL_MAX  63


struct faas_addr {
    struct sockaddr_storage  sa;
    socklen_t                len;
};


/*
 * Parses LEN bytes.  Returns 0, or -1 where they are no address of the three
 * forms (port 1 to 65535, absolute path without a zero byte).
 */
int faas_addr_parse(const char *s, size_t len, struct faas_addr *addr);

/*
 * Parses LEN bytes of "HOST:PORT", which are no address.  The name is the
 * first HOST_LEN of them, without a dot at its end.  Returns 0, or -1 where
 * they are not of that form: labels of letters, digits, "-" and "_", 1 to
 * FAAS_LABEL_MAX each, without "-" at either end, FAAS_HOST_MAX in all; the
 * last one not all digits, which is a mistyped address.
 */
int faas_addr_parse_host(const char *s, size_t len, size_t *host_len,
                         uint16_t *port);


#endif /* FAAS_ADDR_H */

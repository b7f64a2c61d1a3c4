/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Addresses as they stand in settings and routes: "IP:PORT", "[IPv6]:PORT" or
 * "unix:/path".  Names are never looked up: that would block.
 */

#ifndef FAAS_ADDR_H
#define FAAS_ADDR_H

#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>


/* "unix:" and the longest path that a socket can have */
#define FAAS_ADDR_MAX  (5 + sizeof(((struct sockaddr_un *) 0)->sun_path) - 1)

/* "[", the longest IPv6 address, "]:", a port */
#define FAAS_ADDR_INET_MAX  55


struct faas_addr {
    struct sockaddr_storage  sa;
    socklen_t                len;
};


/*
 * Parses LEN bytes.  Returns 0, or -1 where they are no address of the three
 * forms (port 1 to 65535, absolute path without a zero byte).
 */
int faas_addr_parse(const char *s, size_t len, struct faas_addr *addr);


#endif /* FAAS_ADDR_H */

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a URL names, where nobody has to be asked for it.
 */

#ifndef FAAS_CLI_HTTP_PLACE_H
#define FAAS_CLI_HTTP_PLACE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>


#define HTTP_HOST_MAX  64           /* bytes of an address, with the zero */


struct http_place {
    char         host[HTTP_HOST_MAX];   /* "localhost", or an address without
                                         * brackets */
    uint64_t     port;
    const char  *authority;             /* both as they are sent: the port
                                         * where it is not the default one */
    size_t       authority_len;
    const char  *target;                /* path and query; may be "" */
};


/*
 * Reads a URL of plain HTTP.  Returns 0, or -1 where it is none, has a name
 * that has to be looked up, or anything that would have to be made normal.
 */
int http_place_read(const char *url, struct http_place *place);

/*
 * Sets the address of a host that is one.  Returns its length; 0 where it is
 * none.
 */
socklen_t http_place_address(const char *host, uint64_t port,
    struct sockaddr_storage *address);


#endif /* FAAS_CLI_HTTP_PLACE_H */

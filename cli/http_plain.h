/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Requests that need nothing but a socket: plain HTTP to an address, a
 * connection for each.
 */

#ifndef FAAS_CLI_HTTP_PLAIN_H
#define FAAS_CLI_HTTP_PLAIN_H

#include "http_transfer.h"


/*
 * Makes the request.  HTTP_ELSEWHERE, before any of its body was taken, is for
 * what libcurl is there for: other schemes, proxies, names other than
 * localhost (who is asked for them is a matter of the machine's settings),
 * passwords in a URL, headers that change how a body is sent, and redirects
 * that are to be followed.
 */
enum http_outcome http_plain(struct http_transfer *t);


#endif /* FAAS_CLI_HTTP_PLAIN_H */

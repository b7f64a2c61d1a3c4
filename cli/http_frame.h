/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What faas and faas-https say to one another, over a socket.  Both are of the
 * same version, on the same machine: numbers are as they are in memory.
 *
 *     faas                            faas-https
 *     METHOD, URL, HEADER..., SEND
 *                                     READ, when there is room for more
 *     DATA
 *                                     HEAD, for each line; BODY
 *                                     END
 *
 * faas-https waits for DATA after READ, and faas for whatever comes after the
 * rest, so that it never is room in the socket that both wait for.
 */

#ifndef FAAS_CLI_HTTP_FRAME_H
#define FAAS_CLI_HTTP_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "lib/faas_buf.h"
#include "lib/faas_err.h"


#define HTTP_FRAME_MAX  (8 << 20)   /* bytes; no URL is so long */
#define HTTP_DATA_MAX   16384       /* bytes of DATA */


enum http_frame_type {
    HTTP_FRAME_METHOD,
    HTTP_FRAME_URL,
    HTTP_FRAME_HEADER,              /* "Name: value" */
    HTTP_FRAME_SEND,                /* struct http_frame_send */
    HTTP_FRAME_READ,
    HTTP_FRAME_DATA,                /* of the body; none: it has ended */
    HTTP_FRAME_HEAD,
    HTTP_FRAME_BODY,
    HTTP_FRAME_END                  /* struct http_frame_end */
};

struct http_frame {
    uint32_t  type;
    uint32_t  len;                  /* bytes that follow */
};

struct http_frame_send {
    uint64_t  timeout_ms;
    uint64_t  body_len;             /* where it is not chunked */
    uint32_t  has_body;
    uint32_t  is_chunked;
    uint32_t  is_insecure;
    uint32_t  may_redirect;
};

struct http_frame_end {
    uint32_t  outcome;              /* enum http_outcome */
    char      text[FAAS_ERR_TEXT_MAX];
};


/*
 * Returns 0, or -1 where the other one has gone.
 */
int http_frame_put(int fd, enum http_frame_type type, const void *data,
    size_t len);

/*
 * The bytes that follow are set in the place of what data has, with a zero
 * behind them.  Returns the type, or -1 where the other one has gone.
 */
int http_frame_get(int fd, struct faas_buf *data);


#endif /* FAAS_CLI_HTTP_FRAME_H */

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * HTTP requests: those that need nothing but a socket by our own client, the
 * others by libcurl, which is in a program of its own.
 */

#ifndef FAAS_CLI_HTTP_H
#define FAAS_CLI_HTTP_H

#include <stddef.h>
#include <stdint.h>

#include "lib/faas_buf.h"

#include "cli.h"


#define HTTP_BODY_MAX       (64 << 20)  /* bytes of an answer that is kept */
#define HTTP_HEADERS_MAX    65536       /* bytes of an answer's headers, and of
                                         * those before it */
#define HTTP_SENT_HEAD_MAX  (8 << 20)   /* bytes of a request's headers */
#define HTTP_CONNECT_MS     10000       /* for a connection */
#define HTTP_FETCH_MS       30000       /* for a file by URL */
#define HTTP_REDIRECTS      10          /* of such a one */

#define HTTP_NO_SERVER      1           /* cli->err.code: nobody answers */


struct http_request {
    const char     *method;
    const char     *url;
    struct texts    headers;            /* "Name: value" */
    const char     *body;               /* or NULL */
    size_t          body_len;
    int             body_fd;            /* what follows body, or -1 */
    uint64_t        timeout_ms;         /* for all of it; 0: none */
    int             is_insecure;        /* certificates are not checked */
    int             may_redirect;
    int           (*on_data)(void *data, const char *bytes, size_t len);
    void           *data;               /* on_data: takes bodies of 2xx, and
                                         * returns 0, or -1 to stop */
};

struct http_response {
    long             status;
    struct faas_buf  body;              /* what on_data did not take */
    struct faas_buf  headers;           /* of the last answer, with CRLF */
};


/*
 * A request with nothing in it but method and URL.
 */
void http_request_init(struct http_request *req, const char *method,
    const char *url);

/*
 * Whether it has a header with this name.
 */
int http_has_header(const struct http_request *req, const char *name);

/*
 * Sends it.  Returns 0, whatever the status, and the response is to be freed;
 * or -1 with cli->err, and nothing to be freed.
 */
int http_send(struct cli *cli, const struct http_request *req,
    struct http_response *res);

void http_response_done(struct http_response *res);

/*
 * Whether a text is a URL of ours.
 */
int http_is_url(const char *text);

/*
 * What a GET of a file answers, which others than a gateway have: the pool's
 * text, of at most max bytes.  NULL with cli->err where it is no 200.
 */
char *http_fetch(struct cli *cli, const char *url, size_t max, size_t *len);

/*
 * The value of a header, the pool's; NULL where there is none.
 */
char *http_header(struct cli *cli, const struct http_response *res,
    const char *name);

/*
 * A text as a part of a URL: what is no letter, digit or -._~ is escaped.
 */
char *http_escape(struct pool *pool, const char *text);


#endif /* FAAS_CLI_HTTP_H */

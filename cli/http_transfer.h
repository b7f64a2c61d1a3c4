/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What http.c and those who make its requests have in common.
 */

#ifndef FAAS_CLI_HTTP_TRANSFER_H
#define FAAS_CLI_HTTP_TRANSFER_H

#include "lib/faas_err.h"

#include "http.h"


/* how a request has ended; the programs of both sides know these numbers */
enum http_outcome {
    HTTP_DONE,                      /* with any status, or by on_data */
    HTTP_ELSEWHERE,                 /* it is for libcurl, nothing was taken */
    HTTP_UNREACHABLE,               /* there is no such host, or no server */
    HTTP_LATE,
    HTTP_UNTRUSTED,                 /* the server's certificate */
    HTTP_UNREADABLE,                /* the body that was to be sent */
    HTTP_TOO_LARGE,                 /* the answer, or its headers */
    HTTP_BROKEN                     /* anything else */
};

/* a request that is on its way */
struct http_transfer {
    struct cli                 *cli;
    const struct http_request  *req;
    struct http_response       *res;
    char                        text[FAAS_ERR_TEXT_MAX];    /* what went
                                                             * wrong */
};


/*
 * Takes a part of the answer's body, whose status is in res, to where it
 * belongs.  Returns 0, or -1 where no more of it is wanted; then
 * http_stopped() is the outcome.
 */
int http_take(struct http_transfer *t, const char *bytes, size_t len);

enum http_outcome http_stopped(const struct http_transfer *t);

/*
 * Whether something follows the head of a request: a POST says so even of
 * nothing.
 */
int http_has_body(const struct http_request *req);

/*
 * The outcome of one whose text is set, as by printf().
 */
enum http_outcome http_outcome(struct http_transfer *t,
    enum http_outcome outcome, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));


#endif /* FAAS_CLI_HTTP_TRANSFER_H */

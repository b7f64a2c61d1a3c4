/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Reads the answer to one HTTP request, as it comes.
 */

#ifndef FAAS_CLI_HTTP_ANSWER_H
#define FAAS_CLI_HTTP_ANSWER_H

#include <llhttp.h>
#include <stddef.h>

#include "lib/faas_buf.h"


struct http_answer {
    llhttp_t          parser;
    struct faas_buf  *headers;          /* the caller's */
    size_t            head_bytes;       /* with those of answers before it */
    int             (*on_body)(void *data, const char *bytes, size_t len);
    void             *data;             /* of on_body; status is set then */
    long              status;           /* 0: not known yet */
    int               is_to_head;       /* there is no body, whatever it says */
    int               has_begun;        /* a byte has come */
    int               is_whole;
    int               is_too_large;
    int               is_stopped;       /* by on_body */
};


/*
 * What was asked by HEAD has an answer without a body.  headers takes its
 * headers, with CRLF, those at its end included; its maximum bounds the bytes
 * of all heads.  Interim answers (1xx) are passed over.
 */
void http_answer_init(struct http_answer *answer, int is_to_head,
    struct faas_buf *headers);

/*
 * Reads a piece; what follows the end is not looked at.  Returns 0, or -1:
 * by is_too_large or is_stopped, or for the reason that http_answer_error()
 * says.
 */
int http_answer_read(struct http_answer *answer, const char *bytes,
    size_t len);

/*
 * There is no more.  Returns 0 where the answer is whole, or -1.
 */
int http_answer_eof(struct http_answer *answer);

/*
 * Why it cannot be read.
 */
const char *http_answer_error(const struct http_answer *answer);


#endif /* FAAS_CLI_HTTP_ANSWER_H */

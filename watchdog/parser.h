/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * One HTTP message, request or response, by llhttp.
 *
 * The head is parsed in one go (head.h says where it ends); the body comes in
 * pieces, and is decoded in place: chunk sizes and trailers are squeezed out
 * of the caller's buffer, nothing is copied where there are none.
 */

#ifndef FAAS_WD_PARSER_H
#define FAAS_WD_PARSER_H

#include <llhttp.h>
#include <stddef.h>
#include <stdint.h>

#include "head.h"


struct wd_parser {
    llhttp_t         llhttp;
    struct wd_head  *head;      /* while the head is parsed */
    char            *body;      /* while a piece is parsed: what is decoded */
    size_t           body_len;  /* bytes */
    size_t           overhead;  /* bytes since the last one of a body */
    size_t           overhead_max;
    int              is_done;   /* the message has ended */
    int              is_head_done;
    int              is_bodyless;   /* response to HEAD */
    int              is_chunked;        /* the body is */
    char             last;      /* byte before a piece of the body */
};


/*
 * Starts a message.  overhead_max bounds what may come between two bytes of a
 * body: chunk sizes with their extensions, trailers.
 */
void wd_parser_init(struct wd_parser *parser, llhttp_type_t type,
    size_t overhead_max);

/*
 * Parses len bytes that wd_head_scan() found to be a head.  Returns 0 with
 * head filled, pointing into data; or -1 with head->error and error_status.
 * is_done is set where no body follows.
 */
int wd_parser_head(struct wd_parser *parser, const char *data, size_t len,
    struct wd_head *head);

/*
 * Parses a piece of the body.  Returns 0: *used bytes were taken, and the
 * first parser->body_len bytes at data are what they decode to; is_done is
 * set once the message has ended.  Or -1: this is no HTTP.
 */
int wd_parser_body(struct wd_parser *parser, char *data, size_t len,
    size_t *used);

/*
 * The sender has closed.  Returns 0 where that ends the message rightly (and
 * sets is_done), or -1.
 */
int wd_parser_eof(struct wd_parser *parser);

/*
 * Why the last call failed.
 */
const char *wd_parser_error(const struct wd_parser *parser);


#endif /* FAAS_WD_PARSER_H */

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Reads the answer to one HTTP request, by llhttp.
 */

#include "http_answer.h"

#include <string.h>


#define SWITCHED  101               /* the status after an Upgrade */


static int on_begin(llhttp_t *parser);
static int on_status(llhttp_t *parser, const char *at, size_t len);
static int on_header(llhttp_t *parser, const char *at, size_t len);
static int on_name_end(llhttp_t *parser);
static int on_value_end(llhttp_t *parser);
static int on_head_end(llhttp_t *parser);
static int on_body(llhttp_t *parser, const char *at, size_t len);
static int on_end(llhttp_t *parser);
static int count(struct http_answer *answer, size_t len);
static int is_interim(const llhttp_t *parser);
static int has_no_body(const llhttp_t *parser);


static const llhttp_settings_t  settings = {
    .on_message_begin = on_begin,
    .on_status = on_status,
    .on_header_field = on_header,
    .on_header_field_complete = on_name_end,
    .on_header_value = on_header,
    .on_header_value_complete = on_value_end,
    .on_chunk_extension_name = on_status,
    .on_chunk_extension_value = on_status,
    .on_headers_complete = on_head_end,
    .on_body = on_body,
    .on_message_complete = on_end,
};


void
http_answer_init(struct http_answer *answer, int is_to_head,
    struct faas_buf *headers)
{
    memset(answer, 0, sizeof(*answer));
    llhttp_init(&answer->parser, HTTP_RESPONSE, &settings);
    answer->parser.data = answer;
    answer->is_to_head = is_to_head;
    answer->headers = headers;
}


int
http_answer_read(struct http_answer *answer, const char *bytes, size_t len)
{
    llhttp_errno_t  err;

    if (answer->is_whole) {
        return 0;
    }

    answer->has_begun = 1;
    err = llhttp_execute(&answer->parser, bytes, len);

    return err == HPE_OK || answer->is_whole ? 0 : -1;
}


int
http_answer_eof(struct http_answer *answer)
{
    if (!answer->is_whole && answer->status != 0) {
        (void) llhttp_finish(&answer->parser);
    }

    return answer->is_whole ? 0 : -1;
}


const char *
http_answer_error(const struct http_answer *answer)
{
    const char  *reason;

    reason = llhttp_get_error_reason(&answer->parser);

    return reason != NULL && reason[0] != '\0' ? reason
           : "the answer is no HTTP";
}


static int
on_begin(llhttp_t *parser)
{
    struct http_answer  *answer;

    answer = parser->data;
    faas_buf_reset(answer->headers);

    /* its first line counts, so that there is an end to interim ones */

    return count(answer, sizeof("HTTP/1.1 100 \r\n\r\n") - 1);
}


/*
 * Of the reason, and of what may follow a chunk's size, only the size counts.
 */
static int
on_status(llhttp_t *parser, const char *at, size_t len)
{
    (void) at;

    return count(parser->data, len);
}


static int
on_header(llhttp_t *parser, const char *at, size_t len)
{
    struct http_answer  *answer;

    answer = parser->data;

    return count(answer, len) == 0 ? faas_buf_add(answer->headers, at, len)
           : -1;
}


static int
on_name_end(llhttp_t *parser)
{
    return on_header(parser, ": ", 2);
}


static int
on_value_end(llhttp_t *parser)
{
    return on_header(parser, "\r\n", 2);
}


static int
on_head_end(llhttp_t *parser)
{
    struct http_answer  *answer;

    answer = parser->data;

    if (parser->status_code == SWITCHED || parser->http_major != 1) {
        llhttp_set_error_reason(parser, "another protocol than HTTP/1");
        return -1;
    }

    if (!is_interim(parser)) {
        answer->status = parser->status_code;
    }

    return answer->is_to_head || has_no_body(parser) ? 1 : 0;
}


static int
on_body(llhttp_t *parser, const char *at, size_t len)
{
    struct http_answer  *answer;

    answer = parser->data;

    if (answer->on_body(answer->data, at, len) != 0) {
        answer->is_stopped = 1;
        return -1;
    }

    return 0;
}


static int
on_end(llhttp_t *parser)
{
    struct http_answer  *answer;

    if (is_interim(parser)) {
        return 0;
    }

    answer = parser->data;
    answer->is_whole = 1;

    return HPE_PAUSED;
}


static int
count(struct http_answer *answer, size_t len)
{
    answer->head_bytes += len;

    if (answer->head_bytes <= answer->headers->max) {
        return 0;
    }

    answer->is_too_large = 1;

    return -1;
}


static int
is_interim(const llhttp_t *parser)
{
    return parser->status_code < 200;
}


/*
 * A 304 may well have the length of what it does not send.
 */
static int
has_no_body(const llhttp_t *parser)
{
    return is_interim(parser) || parser->status_code == 204
           || parser->status_code == 304;
}

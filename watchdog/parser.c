/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * One HTTP message, by llhttp.
 */

#include "parser.h"

#include <string.h>


static int on_url(llhttp_t *llhttp, const char *at, size_t len);
static int on_status(llhttp_t *llhttp, const char *at, size_t len);
static int on_field(llhttp_t *llhttp, const char *at, size_t len);
static int on_value(llhttp_t *llhttp, const char *at, size_t len);
static int on_value_complete(llhttp_t *llhttp);
static int on_headers_complete(llhttp_t *llhttp);
static int on_body(llhttp_t *llhttp, const char *at, size_t len);
static int on_message_complete(llhttp_t *llhttp);
static void extend(struct wd_str *str, const char *at, size_t len);
static int refuse(struct wd_head *head, int status, const char *error);
static int check_request(struct wd_head *head);
static int check_coding(struct wd_head *head);
static int count_host(struct wd_head *head);


static const llhttp_settings_t  settings = {
    .on_url = on_url,
    .on_status = on_status,
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_complete,
    .on_headers_complete = on_headers_complete,
    .on_body = on_body,
    .on_message_complete = on_message_complete,
};


void
wd_parser_init(struct wd_parser *parser, llhttp_type_t type,
    size_t overhead_max)
{
    memset(parser, 0, sizeof(*parser));
    llhttp_init(&parser->llhttp, type, &settings);
    parser->llhttp.data = parser;
    parser->overhead_max = overhead_max;
}


int
wd_parser_head(struct wd_parser *parser, const char *data, size_t len,
    struct wd_head *head)
{
    llhttp_errno_t  err;

    head->n_headers = 0;
    memset(&head->headers[0], 0, sizeof(head->headers[0]));
    memset(&head->url, 0, sizeof(*head) - offsetof(struct wd_head, url));
    parser->head = head;

    err = llhttp_execute(&parser->llhttp, data, len);
    parser->head = NULL;

    if (err == HPE_PAUSED && parser->is_done
        && llhttp_get_error_pos(&parser->llhttp) == data + len)
    {
        err = HPE_OK;
    }

    if (err != HPE_OK || !parser->is_head_done) {
        if (head->error == NULL) {
            return refuse(head, 400, wd_parser_error(parser));
        }

        return -1;
    }

    head->method = parser->llhttp.method;
    head->status = parser->llhttp.status_code;
    head->minor = parser->llhttp.http_minor;

    if (parser->llhttp.http_major != 1) {
        return refuse(head, 505, "this is not HTTP/1");
    }

    if (parser->llhttp.type == HTTP_RESPONSE
        && (head->status < 100 || head->status > 999))
    {
        return refuse(head, 502, "status without three digits");
    }

    if (check_coding(head) != 0) {
        return -1;
    }

    return parser->llhttp.type == HTTP_REQUEST ? check_request(head) : 0;
}


int
wd_parser_body(struct wd_parser *parser, char *data, size_t len,
    size_t *used)
{
    char            last;
    llhttp_errno_t  err;

    parser->body = data;
    parser->body_len = 0;
    last = parser->last;

    if (len != 0) {
        parser->last = data[len - 1];
    }

    err = llhttp_execute(&parser->llhttp, data, len);
    *used = len;

    if (err == HPE_PAUSED && parser->is_done) {
        *used = (size_t) (llhttp_get_error_pos(&parser->llhttp) - data);

        /* llhttp lets a bare LF end the trailers; no byte of a body is here */

        if (*used > 1) {
            last = data[*used - 2];
        }

        if (parser->is_chunked && last != '\r') {
            llhttp_set_error_reason(&parser->llhttp, "bare LF in trailers");
            return -1;
        }

    } else if (err != HPE_OK) {
        return -1;
    }

    parser->overhead = parser->body_len != 0 ? 0 : parser->overhead + *used;

    if (parser->overhead > parser->overhead_max) {
        llhttp_set_error_reason(&parser->llhttp, "too much between chunks");
        return -1;
    }

    return 0;
}


int
wd_parser_eof(struct wd_parser *parser)
{
    if (parser->is_done) {
        return 0;
    }

    /* a trailer Transfer-Encoding makes llhttp forget that it is chunked */

    if (!parser->is_head_done || parser->is_chunked
        || !llhttp_message_needs_eof(&parser->llhttp))
    {
        llhttp_set_error_reason(&parser->llhttp, "closed in mid message");
        return -1;
    }

    parser->is_done = 1;

    return 0;
}


const char *
wd_parser_error(const struct wd_parser *parser)
{
    const char  *reason;

    reason = llhttp_get_error_reason(&parser->llhttp);

    return reason != NULL && reason[0] != '\0' ? reason : "malformed head";
}


static int
on_url(llhttp_t *llhttp, const char *at, size_t len)
{
    struct wd_parser  *parser;

    parser = llhttp->data;
    extend(&parser->head->url, at, len);

    return 0;
}


static int
on_status(llhttp_t *llhttp, const char *at, size_t len)
{
    struct wd_parser  *parser;

    parser = llhttp->data;
    extend(&parser->head->reason, at, len);

    return 0;
}


static int
on_field(llhttp_t *llhttp, const char *at, size_t len)
{
    struct wd_head    *head;
    struct wd_parser  *parser;

    parser = llhttp->data;

    /* trailers are read and dropped */

    if (parser->is_head_done) {
        return 0;
    }

    head = parser->head;

    if (head->n_headers == WD_HEADERS_MAX) {
        return refuse(head, 431, "too many header lines");
    }

    extend(&head->headers[head->n_headers].name, at, len);

    return 0;
}


static int
on_value(llhttp_t *llhttp, const char *at, size_t len)
{
    struct wd_head    *head;
    struct wd_parser  *parser;

    parser = llhttp->data;

    if (parser->is_head_done) {
        return 0;
    }

    head = parser->head;
    extend(&head->headers[head->n_headers].value, at, len);

    return 0;
}


static int
on_value_complete(llhttp_t *llhttp)
{
    struct wd_head    *head;
    struct wd_header  *header;
    struct wd_parser  *parser;

    parser = llhttp->data;

    if (parser->is_head_done) {
        return 0;
    }

    head = parser->head;
    header = &head->headers[head->n_headers];

    if (header->name.len == 0) {
        return refuse(head, 400, "header line without a name");
    }

    head->n_headers++;

    while (header->value.len > 0
           && (header->value.s[header->value.len - 1] == ' '
               || header->value.s[header->value.len - 1] == '\t'))
    {
        header->value.len--;
    }

    if (head->n_headers < WD_HEADERS_MAX) {
        memset(&head->headers[head->n_headers], 0, sizeof(*header));
    }

    return 0;
}


static int
on_headers_complete(llhttp_t *llhttp)
{
    struct wd_head    *head;
    struct wd_parser  *parser;

    parser = llhttp->data;
    head = parser->head;

    /* an offer to change the protocol may be ignored, and is */
    llhttp->upgrade = 0;

    /* whatever length such an answer names is another one's, RFC 9112 6.3 */

    if (parser->is_bodyless
        || (llhttp->type == HTTP_RESPONSE
            && (llhttp->status_code / 100 == 1 || llhttp->status_code == 204
                || llhttp->status_code == 304)))
    {
        llhttp->flags |= F_SKIPBODY;
    }

    head->has_length = (llhttp->flags & F_CONTENT_LENGTH) != 0;
    head->content_length = head->has_length ? llhttp->content_length : 0;
    head->is_chunked = (llhttp->flags & F_CHUNKED) != 0;
    head->is_keep_alive = llhttp_should_keep_alive(llhttp);
    parser->is_chunked = head->is_chunked;
    parser->is_head_done = 1;

    return 0;
}


static int
on_body(llhttp_t *llhttp, const char *at, size_t len)
{
    struct wd_parser  *parser;

    parser = llhttp->data;

    if (parser->body + parser->body_len != at) {
        memmove(parser->body + parser->body_len, at, len);
    }

    parser->body_len += len;

    return 0;
}


static int
on_message_complete(llhttp_t *llhttp)
{
    struct wd_parser  *parser;

    parser = llhttp->data;
    parser->is_done = 1;

    return HPE_PAUSED;
}


/*
 * The head is one piece of memory, so a text that llhttp hands over in
 * several parts still is one.
 */
static void
extend(struct wd_str *str, const char *at, size_t len)
{
    if (str->s == NULL) {
        str->s = at;
    }

    str->len = (size_t) (at - str->s) + len;
}


static int
refuse(struct wd_head *head, int status, const char *error)
{
    head->error = error;
    head->error_status = status;

    return -1;
}


/*
 * llhttp takes an empty coding for none, even beside a length, and others in
 * front of "chunked", which we would not pass on.
 */
static int
check_coding(struct wd_head *head)
{
    size_t  i, n;

    n = 0;

    for (i = 0; i < head->n_headers; i++) {
        if (wd_str_is(head->headers[i].name, "Transfer-Encoding")
            && (++n > 1 || !wd_str_is(head->headers[i].value, "chunked")))
        {
            return refuse(head, 400, "transfer coding is not just chunked");
        }
    }

    return 0;
}


static int
check_request(struct wd_head *head)
{
    int                      n_hosts;
    const struct wd_header  *header;

    if (head->method == HTTP_CONNECT) {
        return refuse(head, 405, "CONNECT is for proxies");
    }

    if (head->is_chunked && head->minor == 0) {
        return refuse(head, 400, "HTTP/1.0 has no chunks");
    }

    n_hosts = count_host(head);

    if (n_hosts > 1 || (n_hosts == 0 && head->minor > 0)) {
        return refuse(head, 400, "there is not one Host header");
    }

    header = wd_head_find(head, "Expect");

    if (header != NULL && head->minor > 0) {
        if (!wd_str_is(header->value, "100-continue")) {
            return refuse(head, 417, "unknown expectation");
        }

        head->is_expecting = head->is_chunked || head->content_length > 0;
    }

    return 0;
}


static int
count_host(struct wd_head *head)
{
    int     n;
    size_t  i;

    n = 0;

    for (i = 0; i < head->n_headers; i++) {
        if (wd_str_is(head->headers[i].name, "Host")) {
            head->host = head->headers[i].value;
            n++;
        }
    }

    return n;
}

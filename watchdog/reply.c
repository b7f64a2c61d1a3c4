/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Answers: their heads and the framing of their bodies, in conn->out.
 *
 * Before an answer has begun, what the function has written is held back with
 * room for a head in front of it: so the status can still tell how the
 * function ended, and one write(2) sends all.
 */

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "conn.h"


#define HEAD_ROOM   1024        /* bytes of a head of our own */
#define CHUNK_HEAD  6           /* bytes of "ffff\r\n" */
#define CHUNK_TAIL  2
#define FRONT_ROOM  (HEAD_ROOM + CHUNK_HEAD + WD_PREFIX_MAX)
#define LAST_CHUNK  "0\r\n\r\n"
#define INTERNAL    "X-OpenFaaS-Internal: of-watchdog\r\n"


static size_t room_for(struct wd_conn *conn, char **at);
static int has_no_body(const struct wd_conn *conn, int status);
static void add_framing(struct wd_conn *conn, struct wd_text *text,
    const uint64_t *length);
static void add_upgrade(struct wd_conn *conn, struct wd_text *text,
    const struct wd_head *head);
static void add_date(struct wd *wd, struct wd_text *text);
static void frame(char *at, size_t len);


void
wd_reply_text(struct wd_conn *conn, int status, const char *headers,
    const char *text)
{
    char    *at;
    size_t   len, room;

    wd_reply_drop(conn);
    room = wd_reply_room(conn, &at);
    len = strlen(text);

    if (room == 0 || room < len) {
        conn->is_broken = 1;        /* there is no memory to answer with */
        return;
    }

    memcpy(at, text, len);
    wd_reply_commit(conn, len);
    wd_reply_begin(conn, status, len != 0 ? "text/plain" : NULL, headers, 0);
}


void
wd_reply_error(struct wd_conn *conn, int status, const char *text)
{
    char            line[HEAD_ROOM];
    struct wd_text  out;

    wd_text_init(&out, line, sizeof(line));
    wd_text_printf(&out, "%.*s\n", (int) sizeof(line) - 2, text);
    wd_text_add(&out, "", 1);
    wd_reply_text(conn, status, INTERNAL, line);
}


size_t
wd_reply_room(struct wd_conn *conn, char **at)
{
    return conn->rest.len != 0 ? 0 : room_for(conn, at);
}


static size_t
room_for(struct wd_conn *conn, char **at)
{
    size_t            need;
    struct wd_iobuf  *out;

    out = &conn->out;

    if (wd_iobuf_get(&conn->wd->buffers, out) != 0) {
        return 0;
    }

    if (out->start == out->end) {
        out->start = conn->reply.is_begun ? 0 : FRONT_ROOM;
        out->end = out->start;
    }

    need = CHUNK_TAIL + sizeof(LAST_CHUNK) - 1;

    if (conn->reply.is_begun && conn->reply.is_chunked) {
        need += CHUNK_HEAD;
    }

    if (out->end + need >= out->size) {
        return 0;
    }

    *at = out->data + out->end;

    if (conn->reply.is_begun && conn->reply.is_chunked) {
        *at += CHUNK_HEAD;
    }

    return out->size - out->end - need;
}


void
wd_reply_commit(struct wd_conn *conn, size_t len)
{
    struct wd_iobuf  *out;

    if (len == 0) {
        return;
    }

    out = &conn->out;

    if (!conn->reply.is_begun) {
        out->end += len;
        return;
    }

    if (conn->reply.is_bodyless) {
        return;
    }

    conn->reply.body_len += len;

    if (!conn->reply.is_chunked) {
        out->end += len;
        return;
    }

    frame(out->data + out->end + CHUNK_HEAD, len);
    out->end += CHUNK_HEAD + len + CHUNK_TAIL;
}


void
wd_reply_prefix(struct wd_conn *conn, const char *text)
{
    char    *at;
    size_t   len;

    len = strnlen(text, WD_PREFIX_MAX);

    if (conn->out.start == conn->out.end && wd_reply_room(conn, &at) < len) {
        conn->is_broken = 1;        /* there is no memory to answer with */
        return;
    }

    conn->out.start -= len;
    memcpy(conn->out.data + conn->out.start, text, len);
}


void
wd_reply_begin(struct wd_conn *conn, int status, const char *type,
    const char *headers, uint64_t more)
{
    char              head[HEAD_ROOM];
    char             *at;
    size_t            held;
    uint64_t          length;
    struct wd_text    text;
    struct wd_iobuf  *out;

    out = &conn->out;

    if (out->start == out->end && wd_reply_room(conn, &at) == 0) {
        conn->is_broken = 1;        /* there is no memory to answer with */
        return;
    }

    held = out->end - out->start;
    length = held + more;
    conn->reply.status = status;
    conn->reply.is_begun = 1;
    conn->reply.is_bodyless = has_no_body(conn, status);

    wd_text_init(&text, head, sizeof(head));
    wd_text_printf(&text, "HTTP/1.1 %d %s\r\n", status,
                   wd_reply_reason(status));
    add_date(conn->wd, &text);

    if (type != NULL) {
        wd_text_printf(&text, "Content-Type: %s\r\n", type);
    }

    wd_text_puts(&text, headers);
    add_framing(conn, &text, more != WD_MORE_UNKNOWN ? &length : NULL);
    wd_text_puts(&text, "\r\n");

    if (conn->reply.is_bodyless) {
        out->end = out->start;

    } else {
        conn->reply.body_len = held;
    }

    if (conn->reply.is_chunked && out->end != out->start) {
        frame(out->data + out->start, out->end - out->start);
        out->start -= CHUNK_HEAD;
        out->end += CHUNK_TAIL;
    }

    out->start -= text.len;
    memcpy(out->data + out->start, text.s, text.len);

    if (more == 0) {
        conn->reply.is_done = 1;
    }
}


int
wd_reply_forward(struct wd_conn *conn, const struct wd_head *head,
    const char *headers)
{
    size_t                   i;
    struct wd_text           text;
    const struct wd_header  *header;

    if (wd_iobuf_get(&conn->wd->buffers, &conn->out) != 0) {
        return -1;
    }

    conn->reply.status = head->status;
    conn->reply.is_bodyless = has_no_body(conn, head->status);

    wd_text_init(&text, conn->out.data, conn->out.size);
    wd_text_printf(&text, "HTTP/1.1 %d ", head->status);
    wd_text_add(&text, head->reason.s, head->reason.len);
    wd_text_puts(&text, "\r\n");

    for (i = 0; i < head->n_headers; i++) {
        header = &head->headers[i];

        if (wd_str_is(header->name, "Content-Length")
            || wd_str_is(header->name, "X-Duration-Seconds")
            || wd_head_is_hop(head, header->name))
        {
            continue;
        }

        wd_text_add(&text, header->name.s, header->name.len);
        wd_text_puts(&text, ": ");
        wd_text_add(&text, header->value.s, header->value.len);
        wd_text_puts(&text, "\r\n");
    }

    wd_text_puts(&text, headers);

    if (conn->is_tunnel) {
        add_upgrade(conn, &text, head);

    } else {
        add_framing(conn, &text,
                    head->has_length ? &head->content_length : NULL);
    }

    wd_text_puts(&text, "\r\n");

    if (text.is_full) {
        return -1;
    }

    conn->out.start = 0;
    conn->out.end = text.len;
    conn->reply.is_begun = 1;

    return 0;
}


int
wd_reply_upgrade(struct wd_conn *conn, const struct wd_head *head)
{
    conn->req.is_keep_alive = 0;
    conn->is_tunnel = 1;
    conn->is_body_done = 0;
    conn->is_body_unwanted = 0;

    return wd_reply_forward(conn, head, "");
}


void
wd_reply_hand(struct wd_conn *conn, struct faas_buf *buf)
{
    if (buf->len == 0) {
        faas_buf_done(buf);     /* it may have memory for what never came */
        return;
    }

    conn->rest = *buf;
    conn->rest_sent = 0;
    faas_buf_init(buf, buf->max);
}


int
wd_reply_pass(struct wd_conn *conn)
{
    char    *at;
    size_t   len, room;

    if (conn->rest.len == 0) {
        return 0;
    }

    len = conn->rest.len - conn->rest_sent;

    if (conn->reply.is_bodyless || conn->reply.is_cut) {
        len = 0;
    }

    if (len != 0) {
        room = room_for(conn, &at);

        if (room == 0) {
            return 0;
        }

        len = len < room ? len : room;
        memcpy(at, conn->rest.data + conn->rest_sent, len);
        wd_reply_commit(conn, len);
        conn->rest_sent += len;

        if (conn->rest_sent != conn->rest.len) {
            return 1;
        }
    }

    faas_buf_done(&conn->rest);
    conn->rest.len = 0;

    if (conn->reply.is_ending) {
        wd_reply_end(conn);
    }

    return 1;
}


void
wd_reply_drop(struct wd_conn *conn)
{
    conn->out.end = conn->out.start;
}


void
wd_reply_end(struct wd_conn *conn)
{
    struct wd_iobuf  *out;

    if (conn->rest.len != 0) {
        conn->reply.is_ending = 1;
        return;
    }

    out = &conn->out;

    if (conn->reply.is_chunked && !conn->reply.is_bodyless) {
        if (wd_iobuf_get(&conn->wd->buffers, out) != 0) {
            wd_reply_cut(conn);
            return;
        }

        if (out->start == out->end) {
            out->start = 0;
            out->end = 0;
        }

        /* room for it has always been kept */

        memcpy(out->data + out->end, LAST_CHUNK, sizeof(LAST_CHUNK) - 1);
        out->end += sizeof(LAST_CHUNK) - 1;
    }

    conn->reply.is_done = 1;
}


void
wd_reply_cut(struct wd_conn *conn)
{
    conn->reply.is_last = 1;
    conn->reply.is_cut = 1;
    conn->reply.is_done = 1;
}


void
wd_reply_duration(const struct wd_conn *conn, char line[WD_DURATION_LINE])
{
    uint64_t  usec;

    usec = (wd_clock() - conn->req.started) / 1000;
    (void) snprintf(line, WD_DURATION_LINE,
                    "X-Duration-Seconds: %llu.%06u\r\n",
                    (unsigned long long) (usec / 1000000),
                    (unsigned) (usec % 1000000));
}


const char *
wd_reply_reason(int status)
{
    size_t  i;

    static const struct {
        int          status;
        const char  *text;
    } reasons[] = {
        { 200, "OK" },
        { 201, "Created" },
        { 202, "Accepted" },
        { 204, "No Content" },
        { 206, "Partial Content" },
        { 301, "Moved Permanently" },
        { 302, "Found" },
        { 303, "See Other" },
        { 304, "Not Modified" },
        { 307, "Temporary Redirect" },
        { 308, "Permanent Redirect" },
        { 400, "Bad Request" },
        { 401, "Unauthorized" },
        { 403, "Forbidden" },
        { 404, "Not Found" },
        { 405, "Method Not Allowed" },
        { 408, "Request Timeout" },
        { 409, "Conflict" },
        { 413, "Content Too Large" },
        { 414, "URI Too Long" },
        { 417, "Expectation Failed" },
        { 422, "Unprocessable Entity" },
        { 429, "Too Many Requests" },
        { 431, "Request Header Fields Too Large" },
        { 499, "Client Closed Request" },
        { 500, "Internal Server Error" },
        { 502, "Bad Gateway" },
        { 503, "Service Unavailable" },
        { 504, "Gateway Timeout" },
        { 505, "HTTP Version Not Supported" },
    };

    for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (reasons[i].status == status) {
            return reasons[i].text;
        }
    }

    return "";
}


static int
has_no_body(const struct wd_conn *conn, int status)
{
    return conn->req.is_head || status == 204 || status == 304;
}


/*
 * Content-Length where the length is known; else chunks, which HTTP/1.0 does
 * not know: there the end of the connection is the end.
 */
static void
add_framing(struct wd_conn *conn, struct wd_text *text,
    const uint64_t *length)
{
    struct wd_reply  *reply;

    reply = &conn->reply;

    if (length != NULL && reply->status != 204) {
        wd_text_printf(text, "Content-Length: %llu\r\n",
                       (unsigned long long) *length);

    } else if (!reply->is_bodyless) {
        if (conn->req.minor == 0) {
            reply->is_last = 1;

        } else {
            reply->is_chunked = 1;
            wd_text_puts(text, "Transfer-Encoding: chunked\r\n");
        }
    }

    if (!conn->req.is_keep_alive || conn->wd->phase != WD_SERVING) {
        reply->is_last = 1;
    }

    if (reply->is_last) {
        wd_text_puts(text, "Connection: close\r\n");

    } else if (conn->req.minor == 0) {
        wd_text_puts(text, "Connection: keep-alive\r\n");
    }
}


static void
add_upgrade(struct wd_conn *conn, struct wd_text *text,
    const struct wd_head *head)
{
    struct wd_str  protocol;

    protocol = wd_head_upgrade(head);
    conn->reply.is_last = 1;
    wd_text_printf(text, "Connection: Upgrade\r\nUpgrade: %.*s\r\n",
                   (int) protocol.len, protocol.s);
}


static void
add_date(struct wd *wd, struct wd_text *text)
{
    time_t  now;

    now = time(NULL);

    if (now != wd->date_second) {
        faas_date_http(now, wd->date);
        wd->date_second = now;
    }

    wd_text_printf(text, "Date: %s\r\n", wd->date);
}


/*
 * A chunk's size in front of len bytes at at, and the line's end behind.
 */
static void
frame(char *at, size_t len)
{
    int  i;

    static const char  digits[] = "0123456789abcdef";

    at[len] = '\r';
    at[len + 1] = '\n';

    for (i = 1; i <= 4; i++) {
        at[-2 - i] = digits[len & 15];
        len >>= 4;
    }

    at[-2] = '\r';
    at[-1] = '\n';
}

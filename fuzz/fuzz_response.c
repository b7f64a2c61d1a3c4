/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a function's own server answers (mode http), and the answer that is
 * made of it.  The first byte says how the request was: HEAD, HTTP/1.0, where
 * pieces are cut.  What is sent as chunks has to decode to the body.
 *
 * uses: watchdog/head.c watchdog/parser.c watchdog/iobuf.c watchdog/reply.c
 * uses: watchdog/forward.c watchdog/loop.c lib/faas_num.c lib/faas_buf.c
 * uses: lib/faas_date.c lib/faas_err.c
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "watchdog/upstream.h"


#define HEAD_MAX  32768
#define OUT_MAX   (1 << 22)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
static void check(int is_so);
static size_t find_head(char *data, size_t size, struct wd_parser *parser,
    struct wd_conn *conn);
static void forward(struct wd_conn *conn, struct wd_parser *parser,
    char *data, size_t size, size_t step, struct faas_buf *sent);
static void pass(struct wd_conn *conn, const char *data, size_t len,
    struct faas_buf *sent);
static void drain(struct wd_conn *conn, struct faas_buf *sent);
static void check_chunks(const struct faas_buf *sent,
    const struct faas_buf *body);


static struct wd  wd;


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char              *text;
    size_t             at;
    struct wd_conn     conn;
    struct faas_buf    sent;
    struct wd_parser   parser;

    if (size == 0) {
        return 0;
    }

    memset(&conn, 0, sizeof(conn));
    wd_pool_init(&wd.buffers, 65536);
    faas_buf_init(&sent, OUT_MAX);

    conn.wd = &wd;
    conn.req.is_head = data[0] & 1;
    conn.req.minor = (data[0] & 2) == 0;
    conn.req.is_keep_alive = (data[0] & 4) != 0;

    text = malloc(size);
    check(text != NULL);
    memcpy(text, data + 1, size - 1);
    size--;
    at = find_head(text, size, &parser, &conn);

    if (at != 0) {
        sent.len = 0;
        drain(&conn, &sent);
        faas_buf_reset(&sent);

        forward(&conn, &parser, text + at, size - at, 1 + data[0] % 61U,
                &sent);
    }

    wd_iobuf_put(&wd.buffers, &conn.out);
    wd_pool_done(&wd.buffers);
    faas_buf_done(&sent);
    free(text);

    return 0;
}


static void
check(int is_so)
{
    if (!is_so) {
        abort();
    }
}


/*
 * Returns where the body begins, or 0.
 */
static size_t
find_head(char *data, size_t size, struct wd_parser *parser,
    struct wd_conn *conn)
{
    size_t  line, len, at;

    at = 0;

    for ( ;; ) {
        line = 0;

        if (at >= size || wd_head_scan(data + at, size - at, &line, &len)
                          != WD_SCAN_DONE)
        {
            return 0;
        }

        wd_parser_init(parser, HTTP_RESPONSE, HEAD_MAX);
        parser->is_bodyless = conn->req.is_head;

        if (wd_parser_head(parser, data + at, len, &wd.head) != 0) {
            return 0;
        }

        (void) wd_forward_keep(&wd.head, 1000);
        at += len;

        if (wd.head.status >= 200) {
            break;
        }

        if (wd.head.status == 101) {
            (void) wd_reply_upgrade(conn, &wd.head);
            return 0;
        }
    }

    return wd_reply_forward(conn, &wd.head, "X-Added: 1\r\n") == 0 ? at : 0;
}


/*
 * A body, step bytes at a time.
 */
static void
forward(struct wd_conn *conn, struct wd_parser *parser, char *data,
    size_t size, size_t step, struct faas_buf *sent)
{
    size_t           n, used;
    struct faas_buf  body;

    faas_buf_init(&body, OUT_MAX);

    while (size != 0 && !parser->is_done) {
        n = step < size ? step : size;

        if (wd_parser_body(parser, data, n, &used) != 0) {
            break;
        }

        check(used <= n && parser->body_len <= n);
        check(faas_buf_add(&body, data, parser->body_len) == 0);
        pass(conn, data, parser->body_len, sent);
        data += used;
        size -= used;
    }

    if (parser->is_done || wd_parser_eof(parser) == 0) {
        wd_reply_end(conn);
        drain(conn, sent);
        check(conn->reply.is_done);

        if (conn->reply.is_chunked && !conn->reply.is_bodyless) {
            check_chunks(sent, &body);
        }
    }

    faas_buf_done(&body);
}


static void
pass(struct wd_conn *conn, const char *data, size_t len,
    struct faas_buf *sent)
{
    char    *at;
    size_t   room;

    while (len != 0) {
        room = wd_reply_room(conn, &at);

        if (room == 0) {
            drain(conn, sent);
            continue;
        }

        room = room < len ? room : len;
        memcpy(at, data, room);
        wd_reply_commit(conn, room);
        data += room;
        len -= room;

        if (room % 3 == 0) {
            drain(conn, sent);
        }
    }
}


static void
drain(struct wd_conn *conn, struct faas_buf *sent)
{
    check(conn->out.end <= conn->out.size);
    check(faas_buf_add(sent, conn->out.data + conn->out.start,
                       conn->out.end - conn->out.start)
          == 0);
    conn->out.start = conn->out.end;
}


static void
check_chunks(const struct faas_buf *sent, const struct faas_buf *body)
{
    char    *end;
    size_t   at, done, n;

    at = 0;
    done = 0;

    for ( ;; ) {
        check(at < sent->len);
        n = strtoul(sent->data + at, &end, 16);
        check(end[0] == '\r' && end[1] == '\n');
        at = (size_t) (end + 2 - sent->data);

        if (n == 0) {
            break;
        }

        check(at + n + 2 <= sent->len && done + n <= body->len);
        check(memcmp(sent->data + at, body->data + done, n) == 0);
        check(memcmp(sent->data + at + n, "\r\n", 2) == 0);
        at += n + 2;
        done += n;
    }

    check(done == body->len && at + 2 == sent->len);
}

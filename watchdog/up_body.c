/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Mode http: the body of a request on its way to the function.
 */

#include <stdio.h>
#include <string.h>

#include "upstream.h"


#define CHUNK_SPACE   8         /* bytes of "ffff\r\n" and "\r\n" */
#define LAST_CHUNK    "0\r\n\r\n"


static int end_hold(struct wd_up *up);
static int add_last_chunk(struct wd_up *up);


int
wd_up_hold(struct wd_up *up)
{
    struct wd_conn  *conn;

    conn = up->conn;

    if (conn->body_len != 0) {
        if (faas_buf_add(&up->held, conn->body, conn->body_len) != 0) {
            return wd_up_fail(up, 413, "body over max_held_body");
        }

        wd_conn_consume(conn, conn->body_len);
    }

    return conn->is_body_done ? end_hold(up) : 0;
}


static int
end_hold(struct wd_up *up)
{
    struct wd_text  text;

    wd_text_init(&text, up->out.data + up->out.end,
                 up->out.size - up->out.end);
    wd_text_printf(&text, "Content-Length: %zu\r\n\r\n", up->held.len);

    if (text.is_full) {
        return wd_up_fail(up, 500, "head too large to be passed on");
    }

    up->is_held = 0;
    up->out.end += text.len;
    up->conn->body = up->held.data;
    up->conn->body_len = up->held.len;

    if (up->is_hung_up) {
        wd_up_replay(up);       /* it was idle for too long meanwhile */

    } else {
        wd_up_open(up);
    }

    return 1;
}


int
wd_up_fill(struct wd_up *up)
{
    int               moved;
    size_t            len, need;
    struct wd_conn   *conn;
    struct wd_iobuf  *out;

    conn = up->conn;
    out = &up->out;
    moved = 0;

    if (up->is_sent || up->is_mute) {
        return 0;
    }

    if (out->start == out->end) {
        out->start = 0;
        out->end = 0;
    }

    need = up->is_chunked ? CHUNK_SPACE : 0;

    if (conn->body_len != 0 && out->size - out->end > need) {
        len = out->size - out->end - need;

        if (len > conn->body_len) {
            len = conn->body_len;
        }

        if (up->is_chunked) {
            /* len is below 65536, as a buffer's size is at most that */
            (void) snprintf(out->data + out->end, out->size - out->end,
                            "%04zx\r\n", len);
            out->end += CHUNK_SPACE - 2;
        }

        memcpy(out->data + out->end, conn->body, len);
        out->end += len;

        if (up->is_chunked) {
            memcpy(out->data + out->end, "\r\n", 2);
            out->end += 2;
        }

        wd_conn_consume(conn, len);
        moved = 1;
    }

    if (conn->body_len == 0 && conn->is_body_done) {
        moved |= add_last_chunk(up);
    }

    return moved;
}


static int
add_last_chunk(struct wd_up *up)
{
    struct wd_iobuf  *out;

    out = &up->out;

    if (up->is_chunked) {
        if (out->size - out->end < sizeof(LAST_CHUNK) - 1) {
            return 0;
        }

        memcpy(out->data + out->end, LAST_CHUNK, sizeof(LAST_CHUNK) - 1);
        out->end += sizeof(LAST_CHUNK) - 1;
    }

    up->is_sent = 1;

    return 1;
}


/*
 * A function may answer, and close, before it has read all; so a connection
 * that takes no more can still have an answer in it.
 */
int
wd_up_flush(struct wd_up *up)
{
    int  rc;

    rc = wd_up_send(up);

    if (rc >= 0) {
        return rc;
    }

    if (wd_up_can_replay(up)) {
        wd_up_replay(up);
        return 1;
    }

    up->is_mute = 1;
    up->can_read = 1;
    wd_conn_drop_body(up->conn);

    return 1;
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Bytes between a connection and the process of its call.
 */

#include <errno.h>
#include <unistd.h>

#include "fork.h"


#define READ_SIZE  16384        /* bytes read at once to be held */


static int fill(struct wd_call *call, const char **data, size_t *len);
static void take(struct wd_call *call, size_t len);
static ssize_t read_held(struct wd_call *call);


int
wd_call_feed(struct wd_call *call)
{
    int              moved;
    size_t           len;
    ssize_t          n;
    const char      *data;
    struct wd       *wd;
    struct wd_conn  *conn;

    conn = call->conn;
    wd = conn->wd;

    if (call->in.fd == -1) {
        return 0;
    }

    moved = fill(call, &data, &len);

    if (len == 0) {
        if (conn->is_body_done) {
            wd_loop_close(&wd->loop, &call->in);
            return 1;
        }

        return moved;
    }

    if (!call->can_write) {
        return moved;
    }

    n = write(call->in.fd, data, len);

    if (n > 0) {
        take(call, (size_t) n);
        return 1;
    }

    if (errno == EINTR) {
        return 1;
    }

    if (errno == EAGAIN) {
        call->can_write = 0;

        if (call->in.is_watched
            || wd_loop_add(&wd->loop, &call->in, EPOLLOUT | EPOLLET) == 0)
        {
            return moved;
        }
    }

    /* it has closed its input: what it answers counts all the same */

    wd_loop_close(&wd->loop, &call->in);
    wd_conn_drop_body(conn);

    return 1;
}


/*
 * What is to be written now: the body as it is, or made into JSON.
 */
static int
fill(struct wd_call *call, const char **data, size_t *len)
{
    int                 moved;
    size_t              n;
    struct wd_conn     *conn;
    struct wd_marshal  *marshal;

    conn = call->conn;

    if (!conn->wd->cfg.is_marshaled) {
        *data = conn->body;
        *len = conn->body_len;
        return 0;
    }

    moved = 0;
    marshal = &call->marshal;
    n = wd_marshal_room(marshal);

    if (n > conn->body_len) {
        n = conn->body_len;
    }

    if (n != 0 && wd_marshal_body(marshal, conn->body, n) == 0) {
        wd_conn_consume(conn, n);
        moved = 1;
    }

    if (conn->is_body_done && conn->body_len == 0 && !call->is_marshaled
        && wd_marshal_end(marshal) == 0)
    {
        call->is_marshaled = 1;
    }

    *data = marshal->text.data;
    *len = marshal->text.len;

    return moved;
}


/*
 * So much of it has been written.
 */
static void
take(struct wd_call *call, size_t len)
{
    if (call->conn->wd->cfg.is_marshaled) {
        faas_buf_consume(&call->marshal.text, len);

    } else {
        wd_conn_consume(call->conn, len);
    }
}


int
wd_call_drain(struct wd_call *call)
{
    char            *at;
    size_t           room;
    ssize_t          n;
    struct wd_conn  *conn;

    conn = call->conn;

    if (call->out.fd == -1 || !call->can_read) {
        return 0;
    }

    if (call->is_holding) {
        n = read_held(call);

    } else {
        room = wd_reply_room(conn, &at);

        if (room == 0) {
            return 0;
        }

        n = read(call->out.fd, at, room);
    }

    if (n > 0) {
        call->n_output += (uint64_t) n;

        if (!call->is_holding) {
            wd_reply_commit(conn, (size_t) n);
        }

        return 1;
    }

    if (n == -1 && errno == EINTR) {
        return 1;
    }

    if (n == -1 && errno == EAGAIN) {
        call->can_read = 0;
        return 0;
    }

    wd_loop_close(&conn->wd->loop, &call->out);

    return 1;
}


/*
 * Into call->held; when that is full the answer begins after all.  Returns
 * what read(2) does.
 */
static ssize_t
read_held(struct wd_call *call)
{
    size_t            room;
    ssize_t           n;
    struct faas_buf  *held;

    held = &call->held;
    room = held->max - held->len;

    if (room > READ_SIZE) {
        room = READ_SIZE;
    }

    if (room == 0 || faas_buf_reserve(held, room) != 0) {
        wd_outcome_open(call);
        errno = EINTR;
        return -1;
    }

    n = read(call->out.fd, held->data + held->len, room);

    if (n > 0) {
        if (call->conn->wd->cfg.is_debugged) {
            wd_log_copy(&call->conn->wd->log, held->data + held->len,
                        (size_t) n);
        }

        held->len += (size_t) n;
    }

    return n;
}

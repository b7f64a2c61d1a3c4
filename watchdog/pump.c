/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The pump of a client's connection: moves its bytes, and takes it from state
 * to state (conn.h has them).
 */

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "conn.h"
#include "lib/faas_log.h"


#define ROUNDS_MAX      16              /* of the pump before others' turn */
#define DISCARD_MAX     (1024 * 1024)   /* bytes of a body nobody wants */
#define LINGER_TIMEOUT  5000            /* msec */
#define REST            20              /* msec */
#define NSEC            UINT64_C(1000000)   /* of a msec */
#define FRESH_GRACE     500             /* msec; for a connection that came
                                           in just before the end */


static void expire(struct wd_conn *conn);
static int flush(struct wd_conn *conn);
static int advance(struct wd_conn *conn);
static int advance_idle(struct wd_conn *conn);
static int advance_busy(struct wd_conn *conn);
static int advance_discard(struct wd_conn *conn);
static int is_client_gone(const struct wd_conn *conn);
static void end_request(struct wd_conn *conn);
static int next_request(struct wd_conn *conn);
static int linger(struct wd_conn *conn);
static void reset(int fd);
static void set_timer(struct wd_conn *conn);


int
wd_conn_pump(struct wd_conn *conn)
{
    int  i, moved;

    if (conn->is_expired) {
        conn->is_expired = 0;
        expire(conn);
    }

    for (i = 0; i < ROUNDS_MAX; i++) {
        moved = wd_request_read(conn);

        if (conn->call != NULL) {
            moved |= conn->wd->mode->run(conn);
        }

        moved |= wd_reply_pass(conn);
        moved |= flush(conn);
        moved |= advance(conn);

        if (conn->state == WD_CONN_CLOSED) {
            return -1;
        }

        if (!moved) {
            set_timer(conn);
            return 0;
        }
    }

    set_timer(conn);
    wd_conn_kick(conn);

    return 0;
}


void
wd_conn_cancel(struct wd_conn *conn)
{
    if (conn->call != NULL) {
        conn->wd->mode->cancel(conn);
    }

    if (conn->state == WD_CONN_BUSY) {
        if (!conn->reply.is_begun) {
            conn->reply.status = 499;
        }

        conn->reply.is_cut = 1;
        end_request(conn);
    }
}


static void
expire(struct wd_conn *conn)
{
    switch (conn->state) {

    case WD_CONN_HEAD:
        conn->is_bad = 1;
        wd_conn_refuse(conn, 408, "head not received within read_timeout");
        return;

    case WD_CONN_BUSY:
        if (conn->wait == WD_WAIT_READ) {
            conn->is_bad = 1;
            wd_conn_refuse(conn, 408, "body not received within "
                           "read_timeout");
            return;
        }

        faas_log(FAAS_LOG_WARN, "client does not receive, closing "
                 "setting=write_timeout");
        break;

    case WD_CONN_LINGER:
        if (conn->is_resting && conn->wd->loop.now < conn->linger_end) {
            conn->is_resting = 0;
            conn->can_read = 1;
            conn->discarded = 0;
            wd_timer_set(&conn->wd->loop, &conn->timer,
                         (conn->linger_end - conn->wd->loop.now) / NSEC + 1);
            return;
        }

        break;

    case WD_CONN_IDLE:
    case WD_CONN_DISCARD:
    case WD_CONN_CLOSED:
        break;
    }

    conn->is_broken = 1;
}


static int
flush(struct wd_conn *conn)
{
    size_t   len;
    ssize_t  n;

    len = conn->out.end - conn->out.start;

    if (len == 0 || !conn->reply.is_begun || !conn->can_write
        || conn->is_broken)
    {
        return 0;
    }

    do {
        n = send(conn->event.fd, conn->out.data + conn->out.start, len,
                 MSG_NOSIGNAL);
    } while (n == -1 && errno == EINTR);

    if (n == -1 && errno != EAGAIN) {
        conn->is_broken = 1;
        return 1;
    }

    if (n > 0) {
        conn->out.start += (size_t) n;
        conn->moved = conn->wd->loop.now;
    }

    if (n == -1 || (size_t) n < len) {
        conn->can_write = 0;

        if (wd_loop_change(&conn->wd->loop, &conn->event,
                           WD_CONN_EVENTS | EPOLLOUT) != 0)
        {
            conn->is_broken = 1;
        }
    }

    return n > 0;
}


static int
advance(struct wd_conn *conn)
{
    switch (conn->state) {

    case WD_CONN_IDLE:
        return advance_idle(conn);

    case WD_CONN_HEAD:
        if (conn->is_eof || conn->is_broken) {
            conn->state = WD_CONN_CLOSED;
        }

        return 0;

    case WD_CONN_BUSY:
        return advance_busy(conn);

    case WD_CONN_DISCARD:
    case WD_CONN_LINGER:
        return advance_discard(conn);

    case WD_CONN_CLOSED:
        break;
    }

    return 0;
}


static int
advance_idle(struct wd_conn *conn)
{
    if (conn->is_eof || conn->is_broken) {
        conn->state = WD_CONN_CLOSED;
        return 0;
    }

    if (conn->in.data != NULL) {
        wd_iobuf_put(&conn->wd->buffers, &conn->in);
    }

    /*
     * Nothing has come on it, and nothing should from now on; but the
     * client of a new one has surely something to say.
     */

    if (conn->wd->phase >= WD_DRAINING && !conn->can_read) {
        if (conn->n_requests != 0) {
            conn->state = WD_CONN_CLOSED;

        } else if (!conn->is_last_call) {
            conn->is_last_call = 1;
            wd_timer_set(&conn->wd->loop, &conn->timer, FRESH_GRACE);
        }
    }

    return 0;
}


static int
advance_busy(struct wd_conn *conn)
{
    if (is_client_gone(conn)) {
        wd_conn_cancel(conn);
        conn->state = WD_CONN_CLOSED;
        return 0;
    }

    if (!conn->reply.is_done || conn->out.start != conn->out.end) {
        return 0;
    }

    end_request(conn);

    if (conn->reply.is_cut) {
        /* without a length or chunks a close would look like the end */

        if (conn->req.minor == 0) {
            reset(conn->event.fd);
        }

        conn->state = WD_CONN_CLOSED;
        return 0;
    }

    if (conn->reply.is_last) {
        return linger(conn);
    }

    if (!conn->is_body_done) {
        wd_conn_drop_body(conn);
        conn->discarded = 0;
        conn->state = WD_CONN_DISCARD;
        wd_timer_set(&conn->wd->loop, &conn->timer, LINGER_TIMEOUT);
        return 1;
    }

    return next_request(conn);
}


static int
advance_discard(struct wd_conn *conn)
{
    if (conn->is_eof || conn->is_broken) {
        conn->state = WD_CONN_CLOSED;
        return 0;
    }

    if (conn->state == WD_CONN_LINGER) {
        if (conn->discarded > DISCARD_MAX && !conn->is_resting) {

            /* who can send on and on never looks at the answer; and a close
               would be an error, which is seen before the answer is */

            conn->is_resting = 1;
            wd_timer_set(&conn->wd->loop, &conn->timer, REST);
        }

        return 0;
    }

    if (conn->is_bad || conn->discarded > DISCARD_MAX) {
        return linger(conn);
    }

    return conn->is_body_done ? next_request(conn) : 0;
}


static int
is_client_gone(const struct wd_conn *conn)
{
    if (conn->is_broken) {
        return 1;
    }

    if (conn->reply.is_done) {
        return 0;
    }

    return conn->is_body_done ? conn->is_hung_up : conn->is_eof;
}


static void
end_request(struct wd_conn *conn)
{
    uint64_t            usec;
    struct wd_request  *req;

    req = &conn->req;
    wd_timer_stop(&conn->exec_timer);

    if (req->is_counted) {
        req->is_counted = 0;
        conn->wd->n_inflight--;
    }

    usec = (wd_clock() - req->started) / 1000;

    if (req->is_measured) {
        req->is_measured = 0;
        wd_stats_add(&conn->wd->stats, req->method, conn->reply.status,
                     usec * 1000);
    }

    if (req->is_logged) {
        req->is_logged = 0;
        wd_log_line(&conn->wd->log, "%s %.*s - %d %s%s - ContentLength: "
                    "%lluB (%llu.%04us)%s",
                    llhttp_method_name((llhttp_method_t) req->method),
                    (int) req->url_len, req->url, conn->reply.status,
                    wd_reply_reason(conn->reply.status),
                    conn->reply.is_cut ? " cut off" : "",
                    (unsigned long long) conn->reply.body_len,
                    (unsigned long long) (usec / 1000000),
                    (unsigned) (usec % 1000000 / 100), req->call_id);
    }
}


static int
next_request(struct wd_conn *conn)
{
    struct wd  *wd;

    wd = conn->wd;
    wd_iobuf_put(&wd->buffers, &conn->out);
    conn->scanned = 0;
    conn->wait = WD_WAIT_NONE;

    /* a peer's reading wakes us for nothing when this is left on */

    if (wd_loop_change(&wd->loop, &conn->event, WD_CONN_EVENTS) != 0) {
        conn->state = WD_CONN_CLOSED;
        return 0;
    }

    if (conn->in.start != conn->in.end) {
        conn->state = WD_CONN_HEAD;
        wd_timer_set(&wd->loop, &conn->timer, wd->cfg.read_timeout);
        return 1;
    }

    wd_iobuf_put(&wd->buffers, &conn->in);
    conn->state = WD_CONN_IDLE;
    wd_list_add(&wd->idle, &conn->idle_link);
    wd_timer_set(&wd->loop, &conn->timer, wd->cfg.idle_timeout);

    return 1;
}


static int
linger(struct wd_conn *conn)
{
    int  is_read;

    is_read = conn->is_body_done && !conn->is_bad && !conn->can_read
              && conn->in.start == conn->in.end;

    if (is_read || conn->is_eof || shutdown(conn->event.fd, SHUT_WR) != 0) {
        conn->state = WD_CONN_CLOSED;
        return 0;
    }

    conn->state = WD_CONN_LINGER;
    conn->discarded = 0;
    conn->is_resting = 0;
    conn->linger_end = conn->wd->loop.now + LINGER_TIMEOUT * NSEC;
    conn->can_read = 1;
    wd_timer_set(&conn->wd->loop, &conn->timer, LINGER_TIMEOUT);

    return 1;
}


static void
reset(int fd)
{
    struct linger  opt;

    opt.l_onoff = 1;
    opt.l_linger = 0;

    /* at worst the client takes the answer for complete */
    (void) setsockopt(fd, SOL_SOCKET, SO_LINGER, &opt, sizeof(opt));
}


static void
set_timer(struct wd_conn *conn)
{
    struct wd     *wd;
    enum wd_wait   wait;

    if (conn->state != WD_CONN_BUSY) {
        return;
    }

    wd = conn->wd;
    wait = WD_WAIT_NONE;

    if (conn->reply.is_begun && conn->out.start != conn->out.end) {
        wait = WD_WAIT_WRITE;

    } else if (!conn->is_body_done && conn->body_len == 0
               && !conn->reply.is_done && !conn->is_tunnel)
    {
        wait = WD_WAIT_READ;
    }

    if (wait == conn->wait && conn->moved != wd->loop.now) {
        return;
    }

    conn->wait = wait;

    if (wait == WD_WAIT_NONE) {
        wd_timer_stop(&conn->timer);

    } else {
        wd_timer_set(&wd->loop, &conn->timer, wait == WD_WAIT_READ
                     ? wd->cfg.read_timeout : wd->cfg.write_timeout);
    }
}

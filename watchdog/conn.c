/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A client's connection: its life, and the pump that moves its bytes.
 */

#include "conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/faas_log.h"


#define ROUNDS_MAX      16              /* of the pump before others' turn */
#define DISCARD_MAX     (1024 * 1024)   /* bytes of a body nobody wants */
#define LINGER_TIMEOUT  5000            /* msec */
#define FRESH_GRACE     500             /* msec; for a connection that came
                                           in just before the end */
#define EVENTS          (EPOLLIN | EPOLLRDHUP | EPOLLET)


static struct wd_conn *new_conn(struct wd *wd);
static void release(struct wd_conn *conn);
static void on_event(struct wd_event *ev, uint32_t events);
static void on_timer(struct wd_timer *timer);
static void on_exec_timer(struct wd_timer *timer);
static void run(struct wd_conn *conn);
static void expire(struct wd_conn *conn);
static int flush(struct wd_conn *conn);
static int advance(struct wd_conn *conn);
static int advance_idle(struct wd_conn *conn);
static int advance_busy(struct wd_conn *conn);
static int advance_discard(struct wd_conn *conn);
static int is_client_gone(const struct wd_conn *conn);
static void cancel(struct wd_conn *conn);
static void end_request(struct wd_conn *conn);
static int next_request(struct wd_conn *conn);
static int linger(struct wd_conn *conn);
static void reset(int fd);
static void set_timer(struct wd_conn *conn);


int
wd_conn_accept(struct wd *wd, int fd)
{
    struct wd_conn  *conn;

    conn = new_conn(wd);

    if (conn == NULL) {
        (void) close(fd);       /* there is nothing to say to it */
        return -1;
    }

    conn->event.fd = fd;

    if (wd_loop_add(&wd->loop, &conn->event, EVENTS) != 0) {
        wd_loop_close(&wd->loop, &conn->event);
        wd_list_add(&wd->free_conns, &conn->link);
        return -1;
    }

    wd->n_conns++;
    wd_list_add(&wd->conns, &conn->link);
    wd_list_add(&wd->idle, &conn->idle_link);

    /* most often the request is here already */

    conn->can_read = 1;
    conn->can_write = 1;
    wd_timer_set(&wd->loop, &conn->timer, wd->cfg.read_timeout);
    wd_conn_kick(conn);

    return 0;
}


void
wd_conn_kick(struct wd_conn *conn)
{
    if (wd_list_is_empty(&conn->ready_link)) {
        wd_list_add(&conn->wd->ready, &conn->ready_link);
    }
}


void
wd_conns_run(struct wd *wd)
{
    struct wd_list   now;
    struct wd_conn  *conn;

    if (wd_list_is_empty(&wd->ready)) {
        return;
    }

    now = wd->ready;
    now.next->prev = &now;
    now.prev->next = &now;
    wd_list_init(&wd->ready);

    while (!wd_list_is_empty(&now)) {
        conn = WD_ITEM(now.next, struct wd_conn, ready_link);
        wd_list_del(&conn->ready_link);
        run(conn);
    }
}


void
wd_conns_kick(struct wd *wd)
{
    struct wd_list  *item;

    for (item = wd->conns.next; item != &wd->conns; item = item->next) {
        wd_conn_kick(WD_ITEM(item, struct wd_conn, link));
    }
}


void
wd_conns_cut(struct wd *wd)
{
    struct wd_conn  *conn;

    while (!wd_list_is_empty(&wd->conns)) {
        conn = WD_ITEM(wd->conns.next, struct wd_conn, link);
        cancel(conn);
        release(conn);
    }
}


int
wd_conns_drop_idle(struct wd *wd)
{
    if (wd_list_is_empty(&wd->idle)) {
        return 0;
    }

    release(WD_ITEM(wd->idle.next, struct wd_conn, idle_link));

    return 1;
}


void
wd_conns_done(struct wd *wd)
{
    struct wd_conn  *conn;
    struct wd_list  *item;

    wd_conns_cut(wd);
    item = wd->free_conns.next;

    while (item != &wd->free_conns) {
        conn = WD_ITEM(item, struct wd_conn, link);
        item = item->next;
        free(conn);
    }

    wd_list_init(&wd->free_conns);
}


void
wd_conn_refuse(struct wd_conn *conn, int status, const char *text)
{
    if (conn->state == WD_CONN_IDLE || conn->state == WD_CONN_HEAD) {
        memset(&conn->req, 0, sizeof(conn->req));
        memset(&conn->reply, 0, sizeof(conn->reply));
        conn->req.minor = 1;
        conn->req.started = conn->wd->loop.now;
        conn->state = WD_CONN_BUSY;
        wd_list_del(&conn->idle_link);
        wd_timer_stop(&conn->timer);
        faas_log(FAAS_LOG_INFO, "request refused, closing: %s status=%d",
                 text, status);
    }

    if (conn->call != NULL) {
        conn->wd->mode->cancel(conn);
    }

    conn->req.is_keep_alive = 0;
    wd_conn_drop_body(conn);

    if (!conn->reply.is_begun) {
        wd_reply_error(conn, status, text);

    } else if (!conn->reply.is_done) {
        wd_reply_cut(conn);

    } else {
        conn->reply.is_last = 1;
    }
}


void
wd_conn_consume(struct wd_conn *conn, size_t len)
{
    conn->body += len;
    conn->body_len -= len;
}


void
wd_conn_drop_body(struct wd_conn *conn)
{
    conn->is_body_unwanted = 1;
    conn->body_len = 0;
}


static struct wd_conn *
new_conn(struct wd *wd)
{
    struct wd_conn  *conn;
    struct wd_timer  timer, exec_timer;

    if (!wd_list_is_empty(&wd->free_conns)) {
        conn = WD_ITEM(wd->free_conns.prev, struct wd_conn, link);
        wd_list_del(&conn->link);

        /* the heap may still know the timers */

        timer = conn->timer;
        exec_timer = conn->exec_timer;
        memset(conn, 0, sizeof(*conn));
        conn->timer = timer;
        conn->exec_timer = exec_timer;

    } else {
        conn = calloc(1, sizeof(*conn));

        if (conn == NULL
            || wd_timer_init(&wd->loop, &conn->timer, on_timer, conn) != 0
            || wd_timer_init(&wd->loop, &conn->exec_timer, on_exec_timer,
                             conn) != 0)
        {
            free(conn);
            return NULL;
        }
    }

    conn->wd = wd;
    conn->event.owner = conn;
    conn->event.handler = on_event;
    conn->event.fd = -1;
    conn->state = WD_CONN_IDLE;
    wd_list_init(&conn->link);
    wd_list_init(&conn->idle_link);
    wd_list_init(&conn->ready_link);

    return conn;
}


static void
release(struct wd_conn *conn)
{
    struct wd  *wd;

    wd = conn->wd;

    if (conn->req.is_counted) {
        conn->req.is_counted = 0;
        wd->n_inflight--;
    }

    wd_timer_stop(&conn->timer);
    wd_timer_stop(&conn->exec_timer);
    wd_loop_close(&wd->loop, &conn->event);
    wd_iobuf_put(&wd->buffers, &conn->in);
    wd_iobuf_put(&wd->buffers, &conn->out);
    wd_list_del(&conn->idle_link);
    wd_list_del(&conn->ready_link);
    wd_list_del(&conn->link);
    wd_list_add(&wd->free_conns, &conn->link);
    wd->n_conns--;
    wd_listen_resume(wd);
}


static void
on_event(struct wd_event *ev, uint32_t events)
{
    struct wd_conn  *conn;

    conn = ev->owner;

    if (events & EPOLLOUT) {
        conn->can_write = 1;
    }

    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
        conn->can_read = 1;
    }

    if (events & (EPOLLRDHUP | EPOLLHUP)) {
        conn->is_hung_up = 1;
    }

    if (events & EPOLLERR) {
        conn->is_broken = 1;
    }

    wd_conn_kick(conn);
}


static void
on_timer(struct wd_timer *timer)
{
    struct wd_conn  *conn;

    conn = timer->owner;
    conn->is_expired = 1;
    wd_conn_kick(conn);
}


static void
on_exec_timer(struct wd_timer *timer)
{
    struct wd_conn  *conn;

    conn = timer->owner;
    conn->is_overdue = 1;
    wd_conn_kick(conn);
}


static void
run(struct wd_conn *conn)
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

        moved |= flush(conn);
        moved |= advance(conn);

        if (conn->state == WD_CONN_CLOSED) {
            release(conn);
            return;
        }

        if (!moved) {
            set_timer(conn);
            return;
        }
    }

    set_timer(conn);
    wd_conn_kick(conn);
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

    case WD_CONN_IDLE:
    case WD_CONN_DISCARD:
    case WD_CONN_LINGER:
    case WD_CONN_CLOSED:
        break;
    }

    conn->is_broken = 1;
}


/*
 * Returns whether something was sent, or the client found gone.
 */
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

        if (wd_loop_change(&conn->wd->loop, &conn->event, EVENTS | EPOLLOUT)
            != 0)
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
        cancel(conn);
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
        if (conn->discarded > DISCARD_MAX) {
            conn->state = WD_CONN_CLOSED;
        }

        return 0;
    }

    if (conn->is_bad || conn->discarded > DISCARD_MAX) {
        return linger(conn);
    }

    return conn->is_body_done ? next_request(conn) : 0;
}


/*
 * A client that has sent its request and shuts its side is taken as gone, as
 * other HTTP servers do: that it only closed one direction cannot be seen.
 */
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
cancel(struct wd_conn *conn)
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

    if (req->is_logged) {
        req->is_logged = 0;
        usec = (wd_clock() - req->started) / 1000;
        wd_log_line(&conn->wd->log, "%s %.*s - %d %s%s - ContentLength: "
                    "%lluB (%llu.%04us)",
                    llhttp_method_name((llhttp_method_t) req->method),
                    (int) req->url_len, req->url, conn->reply.status,
                    wd_reply_reason(conn->reply.status),
                    conn->reply.is_cut ? " cut off" : "",
                    (unsigned long long) conn->reply.body_len,
                    (unsigned long long) (usec / 1000000),
                    (unsigned) (usec % 1000000 / 100));
    }
}


/*
 * Returns 1, as what has been received with the last one may be the next.
 */
static int
next_request(struct wd_conn *conn)
{
    struct wd  *wd;

    wd = conn->wd;
    wd_iobuf_put(&wd->buffers, &conn->out);
    conn->scanned = 0;
    conn->wait = WD_WAIT_NONE;

    /* a peer's reading wakes us for nothing when this is left on */

    if (wd_loop_change(&wd->loop, &conn->event, EVENTS) != 0) {
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


/*
 * Closing a socket with unread bytes in it resets the connection, and the
 * client may lose the answer before it has read it.
 */
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


/*
 * While a request is under way: who has to move next?
 */
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
               && !conn->reply.is_done)
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

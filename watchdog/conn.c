/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A client's connection: its life, and what modes may do with it.
 */

#include "conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/faas_log.h"


static struct wd_conn *new_conn(struct wd *wd);
static void release(struct wd_conn *conn);
static void on_event(struct wd_event *ev, uint32_t events);
static void on_timer(struct wd_timer *timer);
static void on_exec_timer(struct wd_timer *timer);


int
wd_conn_accept(struct wd *wd, int fd, int is_metrics)
{
    struct wd_conn  *conn;

    conn = new_conn(wd);

    if (conn == NULL) {
        (void) close(fd);       /* there is nothing to say to it */
        return -1;
    }

    conn->event.fd = fd;
    conn->is_metrics = is_metrics;

    if (wd_loop_add(&wd->loop, &conn->event, WD_CONN_EVENTS) != 0) {
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

        if (wd_conn_pump(conn) != 0) {
            release(conn);
        }
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
        wd_conn_cancel(conn);
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
    faas_buf_done(&conn->rest);
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


/*
 * Returns whether something was sent, or the client found gone.
 */
/*
 * A client that has sent its request and shuts its side is taken as gone, as
 * other HTTP servers do: that it only closed one direction cannot be seen.
 */
/*
 * Returns 1, as what has been received with the last one may be the next.
 */
/*
 * Closing a socket with unread bytes in it resets the connection, and the
 * client may lose the answer before it has read it.
 */
/*
 * While a request is under way: who has to move next?
 */

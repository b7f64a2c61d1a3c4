/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Connections to the function's own HTTP server.
 */

#include "upstream.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "lib/faas_log.h"


#define IDLE_MAX      64        /* connections kept */
#define DELAY_FIRST   1         /* msec before connecting again */
#define DELAY_MAX     50
#define EVENTS        (EPOLLIN | EPOLLRDHUP | EPOLLET)


static struct wd_up *new_up(struct wd *wd);
static void prepare(struct wd_up *up, struct wd_conn *conn);
static int is_alive(const struct wd_up *up);
static int watch(struct wd_up *up, uint32_t mask);
static void put_off(struct wd_up *up, int error);
static void on_event(struct wd_event *ev, uint32_t events);
static void on_timer(struct wd_timer *timer);


struct wd_up *
wd_up_get(struct wd_conn *conn)
{
    struct wd       *wd;
    struct wd_up    *up;
    struct wd_http  *http;

    wd = conn->wd;
    http = wd->mode_data;

    while (!wd_list_is_empty(&http->idle)) {
        up = WD_ITEM(http->idle.prev, struct wd_up, link);
        wd_list_del(&up->link);
        http->n_idle--;
        wd_timer_stop(&up->timer);

        /* a body that has been sent cannot be sent again: look first */

        if (!conn->is_body_done && !is_alive(up)) {
            wd_up_free(up);
            continue;
        }

        prepare(up, conn);
        up->state = WD_UP_ACTIVE;
        up->is_reused = 1;

        return up;
    }

    up = new_up(wd);

    if (up != NULL) {
        prepare(up, conn);
        up->state = WD_UP_CONNECTING;
    }

    return up;
}


void
wd_up_open(struct wd_up *up)
{
    int              on;
    struct wd_http  *http;

    if (up->event.fd != -1) {
        return;
    }

    on = 1;
    http = up->wd->mode_data;
    up->state = WD_UP_CONNECTING;
    up->event.fd = socket(http->addr.sa.ss_family,
                          SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (up->event.fd == -1) {
        put_off(up, errno);
        return;
    }

    if (http->addr.sa.ss_family != AF_UNIX) {
        /* without it all works, slower */
        (void) setsockopt(up->event.fd, IPPROTO_TCP, TCP_NODELAY, &on,
                          sizeof(on));
    }

    if (connect(up->event.fd, (struct sockaddr *) &http->addr.sa,
                http->addr.len) == 0)
    {
        if (watch(up, EVENTS) == 0) {
            up->state = WD_UP_ACTIVE;
            up->can_write = 1;
            http->is_up = 1;
        }

    } else if (errno == EINPROGRESS) {
        (void) watch(up, EVENTS | EPOLLOUT);

    } else {
        put_off(up, errno);
    }
}


void
wd_up_free(struct wd_up *up)
{
    struct wd       *wd;
    struct wd_http  *http;

    wd = up->wd;
    http = wd->mode_data;

    wd_timer_stop(&up->timer);
    wd_loop_close(&wd->loop, &up->event);
    wd_iobuf_put(&wd->buffers, &up->in);
    wd_iobuf_put(&wd->buffers, &up->out);
    faas_buf_done(&up->held);
    up->conn = NULL;
    wd_list_del(&up->link);
    wd_list_add(&http->free_ups, &up->link);
}


void
wd_up_keep(struct wd_up *up)
{
    struct wd       *wd;
    struct wd_http  *http;

    wd = up->wd;
    http = wd->mode_data;

    if (http->n_idle == IDLE_MAX || up->keep == 0
        || wd_loop_change(&wd->loop, &up->event, EVENTS) != 0)
    {
        wd_up_free(up);
        return;
    }

    wd_iobuf_put(&wd->buffers, &up->in);
    wd_iobuf_put(&wd->buffers, &up->out);
    faas_buf_done(&up->held);
    up->conn = NULL;
    up->state = WD_UP_IDLE;
    wd_list_add(&http->idle, &up->link);
    http->n_idle++;
    wd_timer_set(&wd->loop, &up->timer, up->keep);
}


int
wd_up_can_replay(const struct wd_up *up)
{
    return up->is_reused && !up->is_begun
           && (up->sent == 0 || !up->has_body);
}


void
wd_up_replay(struct wd_up *up)
{
    wd_loop_close(&up->wd->loop, &up->event);
    up->is_reused = 0;
    up->is_eof = 0;
    up->can_read = 0;
    up->can_write = 0;
    up->sent = 0;
    up->out.start = 0;
    wd_up_open(up);
}


int
wd_up_receive(struct wd_up *up)
{
    size_t            room;
    ssize_t           n;
    struct wd_iobuf  *in;

    in = &up->in;

    if (wd_iobuf_get(&up->wd->buffers, in) != 0) {
        up->is_eof = 1;
        return -1;
    }

    if (in->start == in->end) {
        in->start = 0;
        in->end = 0;

    } else if (in->end == in->size) {
        wd_iobuf_pack(in);
    }

    room = in->size - in->end;

    if (room == 0) {
        return 0;
    }

    do {
        n = recv(up->event.fd, in->data + in->end, room, 0);
    } while (n == -1 && errno == EINTR);

    if (n > 0) {
        in->end += (size_t) n;
        up->is_begun = 1;

        /* less than was asked for: all there was, but perhaps for the end */

        if ((size_t) n < room && !up->is_hung_up) {
            up->can_read = 0;
        }

    } else {
        up->can_read = 0;
        up->is_eof = n == 0 || errno != EAGAIN;
    }

    return (int) n;
}


int
wd_up_send(struct wd_up *up)
{
    size_t   len;
    ssize_t  n;

    len = up->out.end - up->out.start;

    if (len == 0 || !up->can_write || up->is_mute) {
        return 0;
    }

    do {
        n = send(up->event.fd, up->out.data + up->out.start, len,
                 MSG_NOSIGNAL);
    } while (n == -1 && errno == EINTR);

    if (n == -1 && errno != EAGAIN) {
        return -1;
    }

    if (n > 0) {
        up->out.start += (size_t) n;
        up->sent += (size_t) n;
    }

    if (n == -1 || (size_t) n < len) {
        up->can_write = 0;

        if (wd_loop_change(&up->wd->loop, &up->event, EVENTS | EPOLLOUT)
            != 0)
        {
            return -1;
        }
    }

    return n > 0;
}


void
wd_ups_done(struct wd *wd)
{
    struct wd_up    *up;
    struct wd_http  *http;
    struct wd_list  *item;

    http = wd->mode_data;

    while (!wd_list_is_empty(&http->idle)) {
        wd_up_free(WD_ITEM(http->idle.next, struct wd_up, link));
    }

    http->n_idle = 0;
    item = http->free_ups.next;

    while (item != &http->free_ups) {
        up = WD_ITEM(item, struct wd_up, link);
        item = item->next;
        free(up);
    }

    wd_list_init(&http->free_ups);
}


static struct wd_up *
new_up(struct wd *wd)
{
    struct wd_up    *up;
    struct wd_http  *http;

    http = wd->mode_data;

    if (!wd_list_is_empty(&http->free_ups)) {
        up = WD_ITEM(http->free_ups.prev, struct wd_up, link);
        wd_list_del(&up->link);

    } else {
        up = calloc(1, sizeof(*up));

        if (up == NULL
            || wd_timer_init(&wd->loop, &up->timer, on_timer, up) != 0)
        {
            free(up);
            return NULL;
        }

        up->wd = wd;
        up->event.owner = up;
        up->event.handler = on_event;
        wd_list_init(&up->link);
    }

    up->event.fd = -1;
    up->can_read = 0;
    up->can_write = 0;

    return up;
}


/*
 * A connection for a request; can_read and can_write stay as they are.
 */
static void
prepare(struct wd_up *up, struct wd_conn *conn)
{
    up->conn = conn;
    up->body = NULL;
    up->body_len = 0;
    up->scanned = 0;
    up->sent = 0;
    up->delay = DELAY_FIRST;
    up->is_hung_up = 0;
    up->is_eof = 0;
    up->error = 0;
    up->is_reused = 0;
    up->is_mute = 0;
    up->is_begun = 0;
    up->is_head_done = 0;
    up->is_keep_alive = 0;
    up->is_sent = 0;
    up->is_held = 0;
    up->is_upgrade = 0;
}


static int
is_alive(const struct wd_up *up)
{
    char  c;

    return recv(up->event.fd, &c, 1, MSG_PEEK | MSG_DONTWAIT) == -1
           && errno == EAGAIN;
}


static int
watch(struct wd_up *up, uint32_t mask)
{
    if (wd_loop_add(&up->wd->loop, &up->event, mask) == 0) {
        return 0;
    }

    up->is_eof = 1;

    return -1;
}


/*
 * While the function starts, or cannot take as many connections at once as
 * there are requests, it is tried again.
 */
static void
put_off(struct wd_up *up, int error)
{
    int              is_starting;
    struct wd       *wd;
    struct wd_http  *http;

    wd = up->wd;
    http = wd->mode_data;
    wd_loop_close(&wd->loop, &up->event);

    is_starting = !http->is_up && wd->loop.now < http->start_end
                  && (error == ECONNREFUSED || error == ENOENT);

    if (http->is_lost || (error != EAGAIN && !is_starting)) {
        up->error = error;
        up->is_eof = 1;
        return;
    }

    up->state = WD_UP_WAITING;
    wd_timer_set(&wd->loop, &up->timer, up->delay);
    up->delay = up->delay * 2 > DELAY_MAX ? DELAY_MAX : up->delay * 2;
}


static void
on_event(struct wd_event *ev, uint32_t events)
{
    int              error;
    socklen_t        len;
    struct wd_up    *up;
    struct wd_http  *http;

    up = ev->owner;
    http = up->wd->mode_data;

    if (up->state == WD_UP_IDLE) {
        /* closed, or it says what nobody has asked for */
        http->n_idle--;
        wd_up_free(up);
        return;
    }

    wd_conn_kick(up->conn);

    if (up->state == WD_UP_CONNECTING) {
        error = 0;
        len = sizeof(error);

        if (getsockopt(ev->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0) {
            error = errno;
        }

        if (error != 0) {
            put_off(up, error);
            return;
        }

        up->state = WD_UP_ACTIVE;
        http->is_up = 1;
    }

    if (events & EPOLLOUT) {
        up->can_write = 1;
    }

    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
        up->can_read = 1;
    }

    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
        up->is_hung_up = 1;
    }
}


static void
on_timer(struct wd_timer *timer)
{
    struct wd_up    *up;
    struct wd_http  *http;

    up = timer->owner;
    http = up->wd->mode_data;

    if (up->state == WD_UP_IDLE) {
        http->n_idle--;
        wd_up_free(up);
        return;
    }

    if (up->state == WD_UP_WAITING) {
        wd_up_open(up);
        wd_conn_kick(up->conn);
    }
}

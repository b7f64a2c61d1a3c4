/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Requests that need nothing but a socket.
 *
 * The answer is read while the request is still sent: a function may answer
 * as it reads, and a server that refuses says so before it has read all.
 * Nothing waits but in poll(), so that time-outs hold.
 */

#include "http_plain.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "http_answer.h"
#include "http_place.h"


#define PIECE      16384            /* bytes that are read at a time */
#define SIZE_TEXT  20               /* bytes of a chunk's size, with CRLF */
#define OUT_PARTS  4


struct plain {
    struct http_transfer  *t;
    struct http_place      place;
    int                    fd;
    int64_t                ends;            /* msec, monotonic; 0: never */
    int                    body_fd;         /* -1: there is no more of it */
    int                    is_chunked;
    struct iovec           out[OUT_PARTS];  /* what is to be sent now */
    char                   size[SIZE_TEXT];
    char                   piece[PIECE];    /* of body_fd */
    struct http_answer     answer;
};


static int is_plain(const struct http_request *req, struct http_place *place);
static int is_set(const char *variable);
static int write_head(struct plain *p, struct faas_buf *head);
static enum http_outcome dial(struct plain *p);
static int dial_one(struct plain *p, const char *host, int64_t ends);
static int finish_connect(int fd, int64_t ends);
static void send_first(struct plain *p, const struct faas_buf *head);
static void add_chunk(struct plain *p, size_t i, const char *data,
    size_t len);
static void set_part(struct plain *p, size_t i, const char *data, size_t len);
static enum http_outcome exchange(struct plain *p);
static int is_over(const struct plain *p);
static int has_out(const struct plain *p);
static int read_body(struct plain *p);
static void send_out(struct plain *p);
static enum http_outcome read_answer(struct plain *p);
static enum http_outcome unreadable(struct plain *p);
static int on_body(void *data, const char *bytes, size_t len);
static int64_t now(void);
static int left(int64_t ends);


enum http_outcome
http_plain(struct http_transfer *t)
{
    struct plain       p = { .t = t, .fd = -1 };
    struct faas_buf    head;
    enum http_outcome  outcome;

    if (!is_plain(t->req, &p.place)) {
        return HTTP_ELSEWHERE;
    }

    p.ends = t->req->timeout_ms != 0
             ? now() + (int64_t) t->req->timeout_ms : 0;
    faas_buf_init(&head, HTTP_SENT_HEAD_MAX);

    outcome = write_head(&p, &head) == 0
              ? dial(&p) : http_outcome(t, HTTP_BROKEN, "the request has more "
                                        "than %d bytes of headers",
                                        HTTP_SENT_HEAD_MAX);

    if (outcome == HTTP_DONE) {
        send_first(&p, &head);
        outcome = exchange(&p);
        (void) close(p.fd);
    }

    faas_buf_done(&head);

    return outcome == HTTP_DONE && t->req->may_redirect
           && t->res->status / 100 == 3 ? HTTP_ELSEWHERE : outcome;
}


static int
is_plain(const struct http_request *req, struct http_place *place)
{
    size_t                    i;
    static const char *const  special[] = { "Connection", "Content-Length",
                                  "Expect", "Transfer-Encoding", "Upgrade" };

    /* the variables that libcurl reads for this scheme */

    if (http_place_read(req->url, place) != 0 || is_set("http_proxy")
        || is_set("all_proxy") || is_set("ALL_PROXY"))
    {
        return 0;
    }

    for (i = 0; i < sizeof(special) / sizeof(special[0]); i++) {
        if (http_has_header(req, special[i])) {
            return 0;
        }
    }

    return 1;
}


static int
is_set(const char *variable)
{
    const char  *value;

    value = getenv(variable);

    return value != NULL && value[0] != '\0';
}


/*
 * The head, and in what form the body follows.  What has no value is not sent,
 * and keeps its default from being sent.
 */
static int
write_head(struct plain *p, struct faas_buf *head)
{
    size_t                      i;
    const char                 *header;
    const struct http_request  *req;

    req = p->t->req;
    p->body_fd = strcmp(req->method, "HEAD") != 0 ? req->body_fd : -1;
    p->is_chunked = p->body_fd >= 0;

    (void) faas_buf_printf(head, "%s %s HTTP/1.1\r\n", req->method,
                           p->place.target[0] != '\0' ? p->place.target
                           : "/");

    if (!http_has_header(req, "Host")) {
        (void) faas_buf_printf(head, "Host: %.*s\r\n",
                               (int) p->place.authority_len,
                               p->place.authority);
    }

    if (!http_has_header(req, "Accept")) {
        (void) faas_buf_puts(head, "Accept: */*\r\n");
    }

    for (i = 0; i < req->headers.n; i++) {
        header = strchr(req->headers.at[i], ':');

        if (header != NULL && header[1 + strspn(header + 1, " \t")] != '\0') {
            (void) faas_buf_puts(head, req->headers.at[i]);
            (void) faas_buf_puts(head, "\r\n");
        }
    }

    if (p->is_chunked) {
        (void) faas_buf_puts(head, "Transfer-Encoding: chunked\r\n");

    } else if (http_has_body(req)) {
        (void) faas_buf_printf(head, "Content-Length: %zu\r\n",
                               req->body_len);
    }

    return faas_buf_puts(head, "Connection: close\r\n\r\n");
}


static enum http_outcome
dial(struct plain *p)
{
    int          failed;
    int64_t      ends;
    const char  *host;

    host = p->place.host;
    ends = now() + HTTP_CONNECT_MS;
    ends = p->ends != 0 && p->ends < ends ? p->ends : ends;

    failed = strcasecmp(host, "localhost") != 0 ? dial_one(p, host, ends)
             : dial_one(p, "::1", ends) == 0
             ? 0 : dial_one(p, "127.0.0.1", ends);

    return failed == 0
           ? HTTP_DONE
           : http_outcome(p->t, failed == ETIMEDOUT ? HTTP_LATE
                          : HTTP_UNREACHABLE, "Failed to connect to %s port "
                          "%d: %s", host, (int) p->place.port,
                          strerror(failed));
}


/*
 * Returns 0, or why not.
 */
static int
dial_one(struct plain *p, const char *host, int64_t ends)
{
    int                       fd, failed, on;
    socklen_t                 len;
    struct sockaddr_storage   address;

    len = http_place_address(host, p->place.port, &address);
    fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
                0);

    if (fd < 0) {
        return errno;
    }

    failed = connect(fd, (struct sockaddr *) &address, len) == 0
             ? 0 : errno == EINPROGRESS ? finish_connect(fd, ends) : errno;

    if (failed != 0) {
        (void) close(fd);
        return failed;
    }

    /* a piece is sent when it is there; without it all works as well */
    on = 1;
    (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    p->fd = fd;

    return 0;
}


static int
finish_connect(int fd, int64_t ends)
{
    int            n, failed;
    socklen_t      len;
    struct pollfd  poll_fd = { .fd = fd, .events = POLLOUT };

    do {
        n = poll(&poll_fd, 1, left(ends));
    } while (n < 0 && errno == EINTR);

    if (n <= 0) {
        return n == 0 ? ETIMEDOUT : errno;
    }

    len = sizeof(failed);

    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len) == 0
           ? failed : errno;
}


static void
send_first(struct plain *p, const struct faas_buf *head)
{
    const struct http_request  *req;

    req = p->t->req;
    memset(p->out, 0, sizeof(p->out));
    set_part(p, 0, head->data, head->len);

    if (p->is_chunked) {

        /* a chunk of no bytes would be the last one */

        if (req->body_len != 0) {
            add_chunk(p, 1, req->body, req->body_len);
        }

    } else if (http_has_body(req)) {
        set_part(p, 1, req->body, req->body_len);
    }
}


static void
add_chunk(struct plain *p, size_t i, const char *data, size_t len)
{
    int  n;

    n = snprintf(p->size, sizeof(p->size), "%zx\r\n", len);
    set_part(p, i, p->size, (size_t) n);
    set_part(p, i + 1, data, len);
    set_part(p, i + 2, "\r\n", 2);
}


static void
set_part(struct plain *p, size_t i, const char *data, size_t len)
{
    p->out[i].iov_base = (char *) data;
    p->out[i].iov_len = len;
}


static enum http_outcome
exchange(struct plain *p)
{
    int                msec, n;
    struct pollfd      fds[2];
    enum http_outcome  outcome;

    http_answer_init(&p->answer, strcmp(p->t->req->method, "HEAD") == 0,
                     &p->t->res->headers);
    p->answer.on_body = on_body;
    p->answer.data = p;

    while (!is_over(p)) {
        fds[0].fd = p->fd;
        fds[0].events = (p->answer.is_whole ? 0 : POLLIN)
                        | (has_out(p) ? POLLOUT : 0);
        fds[1].fd = has_out(p) ? -1 : p->body_fd;
        fds[1].events = POLLIN;

        msec = p->ends != 0 ? left(p->ends) : -1;

        /* who always sends something does not make it any earlier */

        n = msec != 0 ? poll(fds, 2, msec) : 0;

        if (n == 0) {
            return http_outcome(p->t, HTTP_LATE, "%llu ms",
                                (unsigned long long) p->t->req->timeout_ms);
        }

        if (n < 0) {
            continue;               /* EINTR: nothing else can be wrong */
        }

        if (fds[1].fd >= 0 && fds[1].revents != 0 && read_body(p) != 0) {
            return http_outcome(p->t, HTTP_UNREADABLE, "%s", strerror(errno));
        }

        if (fds[0].revents != 0 && has_out(p)) {
            send_out(p);
        }

        if (fds[0].revents & (POLLIN | POLLHUP | POLLERR)) {
            outcome = read_answer(p);

            if (outcome != HTTP_DONE) {
                return outcome;
            }
        }
    }

    p->t->res->status = p->answer.status;

    return HTTP_DONE;
}


/*
 * What is still to be sent is sent even after the answer, as the function that
 * gave it may still read, unless it was refused.
 */
static int
is_over(const struct plain *p)
{
    return p->answer.is_stopped
           || (p->answer.is_whole
               && (p->answer.status >= 300
                   || (!has_out(p) && p->body_fd < 0)));
}


static int
has_out(const struct plain *p)
{
    size_t  i;

    for (i = 0; i < OUT_PARTS; i++) {
        if (p->out[i].iov_len != 0) {
            return 1;
        }
    }

    return 0;
}


static int
read_body(struct plain *p)
{
    ssize_t  n;

    n = read(p->body_fd, p->piece, sizeof(p->piece));

    if (n < 0) {
        return errno == EINTR || errno == EAGAIN ? 0 : -1;
    }

    if (n == 0) {
        p->body_fd = -1;
        set_part(p, 0, "0\r\n\r\n", 5);

    } else {
        add_chunk(p, 0, p->piece, (size_t) n);
    }

    return 0;
}


/*
 * A server that reads no more may have answered all the same.
 */
static void
send_out(struct plain *p)
{
    size_t         i, sent;
    ssize_t        n;
    struct msghdr  msg = { .msg_iov = p->out, .msg_iovlen = OUT_PARTS };

    n = sendmsg(p->fd, &msg, MSG_NOSIGNAL);

    if (n < 0) {

        if (errno != EAGAIN && errno != EINTR) {
            memset(p->out, 0, sizeof(p->out));
            p->body_fd = -1;
        }

        return;
    }

    for (i = 0; i < OUT_PARTS; i++) {
        sent = (size_t) n < p->out[i].iov_len ? (size_t) n
               : p->out[i].iov_len;
        p->out[i].iov_base = (char *) p->out[i].iov_base + sent;
        p->out[i].iov_len -= sent;
        n -= (ssize_t) sent;
    }
}


/*
 * HTTP_DONE: it can go on.
 */
static enum http_outcome
read_answer(struct plain *p)
{
    char     piece[PIECE];
    ssize_t  n;

    n = recv(p->fd, piece, sizeof(piece), 0);

    if (n > 0) {
        return http_answer_read(&p->answer, piece, (size_t) n) == 0
               ? HTTP_DONE : unreadable(p);
    }

    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return HTTP_DONE;
    }

    /* nobody is there to send the rest to */

    memset(p->out, 0, sizeof(p->out));
    p->body_fd = -1;

    if (http_answer_eof(&p->answer) == 0) {
        return HTTP_DONE;
    }

    return n < 0 ? http_outcome(p->t, HTTP_BROKEN, "%s", strerror(errno))
           : http_outcome(p->t, HTTP_BROKEN, p->answer.has_begun
                          ? "the answer ends in the middle"
                          : "Empty reply from server");
}


static enum http_outcome
unreadable(struct plain *p)
{
    if (p->answer.is_stopped) {
        return http_stopped(p->t);
    }

    return p->answer.is_too_large
           ? HTTP_TOO_LARGE
           : http_outcome(p->t, HTTP_BROKEN, "%s",
                          http_answer_error(&p->answer));
}


static int
on_body(void *data, const char *bytes, size_t len)
{
    struct plain  *p;

    p = data;
    p->t->res->status = p->answer.status;

    return http_take(p->t, bytes, len);
}


static int64_t
now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (int64_t) ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}


static int
left(int64_t ends)
{
    int64_t  msec;

    msec = ends - now();

    return msec <= 0 ? 0 : msec > INT_MAX ? INT_MAX : (int) msec;
}

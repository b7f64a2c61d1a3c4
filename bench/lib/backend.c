/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What stands behind the gateways in a benchmark: an HTTP server that reads
 * the whole of a request before it answers, always 200 and with 100 bytes, or
 * with N where the path has "/size/N" in it.  An answer that comes early
 * breaks keep-alive, so a server that discards bodies will not do.
 *
 *   backend COUNTS ADDR...         ADDR is unix:/path or a port
 *
 * COUNTS is a file of two numbers of 64 bits, of requests and of connections.
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>


#define HEAD_MAX      8192
#define CHUNK         262144
#define SIZE_MAX_OUT  (16 * 1024 * 1024)
#define SIZE_DEFAULT  100
#define BACKLOG       4096
#define EVENTS        256


struct conn {
    int        fd;
    int        is_listener;
    int        in_body;                 /* head complete, body being read */
    size_t     head_len;
    uint64_t   body_left;
    size_t     size;                    /* of the answer's body */
    char       out[128];                /* the answer's head */
    size_t     out_len;
    size_t     sent;                    /* of head and body together */
    int        is_sending;
    char       head[HEAD_MAX + 1];
};

struct counts {
    uint64_t   requests;
    uint64_t   connections;
};


static void add_listener(const char *addr);
static void accept_all(struct conn *listener);
static void on_readable(struct conn *c);
static int eat(struct conn *c, const char *p, size_t n);
static int parse_head(struct conn *c);
static int answer(struct conn *c);
static int send_rest(struct conn *c);
static void want(struct conn *c, uint32_t events);
static void drop(struct conn *c);
static void fail(const char *what);


static int             ep;
static struct counts  *counts;
static char            chunk[CHUNK];
static char           *body;


int
main(int argc, char **argv)
{
    int                  i, n, fd;
    struct conn         *c;
    struct rlimit        limit;
    struct epoll_event   events[EVENTS];

    if (argc < 3) {
        fprintf(stderr, "usage: backend COUNTS ADDR...\n");
        return 2;
    }

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void) setrlimit(RLIMIT_NOFILE, &limit);
    }

    fd = open(argv[1], O_RDWR | O_CREAT, 0600);

    if (fd == -1 || ftruncate(fd, sizeof(*counts)) == -1) {
        fail(argv[1]);
    }

    counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED,
                  fd, 0);
    body = malloc(SIZE_MAX_OUT);
    ep = epoll_create1(EPOLL_CLOEXEC);

    if (counts == MAP_FAILED || body == NULL || ep == -1) {
        fail("start");
    }

    memset(body, 'x', SIZE_MAX_OUT);

    for (i = 2; i < argc; i++) {
        add_listener(argv[i]);
    }

    for ( ;; ) {
        n = epoll_wait(ep, events, EVENTS, -1);

        for (i = 0; i < n; i++) {
            c = events[i].data.ptr;

            if (c->is_listener) {
                accept_all(c);

            } else if (c->is_sending) {
                if (send_rest(c) == -1) {
                    drop(c);
                }

            } else {
                on_readable(c);
            }
        }
    }
}


static void
add_listener(const char *addr)
{
    int                  fd, on = 1;
    struct conn         *c;
    struct sockaddr_in   in;
    struct sockaddr_un   un;

    c = calloc(1, sizeof(*c));

    if (c == NULL) {
        fail("listen");
    }

    if (strncmp(addr, "unix:", 5) == 0) {
        memset(&un, 0, sizeof(un));
        un.sun_family = AF_UNIX;
        snprintf(un.sun_path, sizeof(un.sun_path), "%s", addr + 5);
        unlink(un.sun_path);

        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

        if (fd == -1 || bind(fd, (struct sockaddr *) &un, sizeof(un)) == -1) {
            fail(addr);
        }

    } else {
        /* all of 127.0.0.0/8: as many addresses as one likes */
        memset(&in, 0, sizeof(in));
        in.sin_family = AF_INET;
        in.sin_port = htons((uint16_t) strtoul(addr, NULL, 10));
        in.sin_addr.s_addr = htonl(INADDR_ANY);

        fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

        if (fd == -1
            || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1
            || bind(fd, (struct sockaddr *) &in, sizeof(in)) == -1)
        {
            fail(addr);
        }

        (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    }

    if (listen(fd, BACKLOG) == -1) {
        fail(addr);
    }

    c->fd = fd;
    c->is_listener = 1;

    if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &(struct epoll_event) {
            .events = EPOLLIN, .data.ptr = c }) == -1)
    {
        fail(addr);
    }
}


static void
accept_all(struct conn *listener)
{
    int           fd;
    struct conn  *c;

    while ((fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK)) != -1) {
        c = calloc(1, sizeof(*c));

        if (c == NULL) {
            fail("accept");
        }

        c->fd = fd;
        counts->connections++;

        if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &(struct epoll_event) {
                .events = EPOLLIN, .data.ptr = c }) == -1)
        {
            fail("epoll_ctl");
        }
    }

    if (errno != EAGAIN && errno != ECONNABORTED) {
        fail("accept");
    }
}


static void
on_readable(struct conn *c)
{
    ssize_t  n;

    n = recv(c->fd, chunk, CHUNK, 0);

    if (n == -1 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }

    if (n <= 0 || eat(c, chunk, (size_t) n) == -1) {
        drop(c);
    }
}


/* Takes what was read; nobody sends a request before the last is answered. */
static int
eat(struct conn *c, const char *p, size_t n)
{
    char    *end;
    size_t   before, used;

    if (!c->in_body) {
        before = c->head_len;
        used = n < HEAD_MAX - before ? n : HEAD_MAX - before;
        memcpy(c->head + before, p, used);
        c->head_len += used;
        c->head[c->head_len] = '\0';

        end = strstr(c->head, "\r\n\r\n");

        if (end == NULL) {
            return c->head_len < HEAD_MAX ? 0 : -1;
        }

        used = (size_t) (end + 4 - c->head) - before;
        end[2] = '\0';
        p += used;
        n -= used;

        if (parse_head(c) == -1) {
            return -1;
        }

        c->in_body = 1;
    }

    if (n > c->body_left) {
        return -1;
    }

    c->body_left -= n;

    return c->body_left == 0 ? answer(c) : 0;
}


static int
parse_head(struct conn *c)
{
    char  *p;

    p = strcasestr(c->head, "\r\ncontent-length:");
    c->body_left = p != NULL ? strtoull(p + 17, NULL, 10) : 0;

    if (strcasestr(c->head, "\r\ntransfer-encoding:") != NULL) {
        return -1;
    }

    *strchr(c->head, '\r') = '\0';
    p = strstr(c->head, "/size/");
    c->size = p != NULL ? strtoul(p + 6, NULL, 10) : SIZE_DEFAULT;

    return c->size <= SIZE_MAX_OUT ? 0 : -1;
}


static int
answer(struct conn *c)
{
    counts->requests++;

    c->out_len = (size_t) snprintf(c->out, sizeof(c->out), "HTTP/1.1 200 OK\r\n"
                                   "Content-Type: text/plain\r\n"
                                   "Content-Length: %zu\r\n\r\n", c->size);
    c->sent = 0;
    c->head_len = 0;
    c->in_body = 0;

    return send_rest(c);
}


static int
send_rest(struct conn *c)
{
    size_t          skip;
    ssize_t         n;
    struct iovec    iov[2];
    struct msghdr   msg = { .msg_iov = iov, .msg_iovlen = 2 };

    while (c->sent < c->out_len + c->size) {
        skip = c->sent < c->out_len ? c->sent : c->out_len;
        iov[0].iov_base = c->out + skip;
        iov[0].iov_len = c->out_len - skip;
        skip = c->sent - skip;
        iov[1].iov_base = body + skip;
        iov[1].iov_len = c->size - skip;

        n = sendmsg(c->fd, &msg, MSG_NOSIGNAL);

        if (n == -1 && errno == EAGAIN) {
            if (!c->is_sending) {
                c->is_sending = 1;
                want(c, EPOLLOUT);
            }

            return 0;
        }

        if (n == -1) {
            return -1;
        }

        c->sent += (size_t) n;
    }

    if (c->is_sending) {
        c->is_sending = 0;
        want(c, EPOLLIN);
    }

    return 0;
}


static void
want(struct conn *c, uint32_t events)
{
    if (epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &(struct epoll_event) {
            .events = events, .data.ptr = c }) == -1)
    {
        fail("epoll_ctl");
    }
}


static void
drop(struct conn *c)
{
    close(c->fd);
    free(c);
}


static void
fail(const char *what)
{
    perror(what);
    exit(1);
}

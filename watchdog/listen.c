/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The listening sockets: for calls, handed over by socket activation or made
 * on port; and for metrics.
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "conn.h"
#include "lib/faas_log.h"
#include "lib/faas_num.h"
#include "spawn.h"


#define BACKLOG     1024        /* connections in the kernel's queue */
#define ACCEPT_MAX  64          /* connections accepted in one go */
#define FULL_WAIT   1000        /* msec until accept(2) is tried again after
                                   it found no descriptor or memory */


static int inherit(struct wd *wd, struct faas_err *err);
static int make(struct wd *wd, struct faas_err *err);
static int make_unix(struct wd *wd, struct faas_err *err);
static int open_port(uint16_t port);
static int bind_to(int family, uint16_t port);
static void listen_metrics(struct wd *wd);
static void accept_from(struct wd *wd, struct wd_event *listener);
static void on_listener(struct wd_event *ev, uint32_t events);
static void on_retry(struct wd_timer *timer);
static void pause_listening(struct wd *wd);


int
wd_listen_init(struct wd *wd, struct faas_err *err)
{
    int  rc;

    wd->listener.fd = -1;
    wd->listener.owner = wd;
    wd->listener.handler = on_listener;
    wd->metrics.owner = wd;
    wd->metrics.handler = on_listener;

    if (wd_timer_init(&wd->loop, &wd->listen_timer, on_retry, wd) != 0) {
        return faas_err_set(err, ENOMEM, "no memory");
    }

    rc = inherit(wd, err);

    if (rc == 0) {
        rc = wd->cfg.listen.len != 0 ? make_unix(wd, err) : make(wd, err);
    }

    if (rc < 0) {
        return -1;
    }

    if (fcntl(wd->listener.fd, F_SETFL, O_NONBLOCK) == -1
        || fcntl(wd->listener.fd, F_SETFD, FD_CLOEXEC) == -1
        || wd_loop_add(&wd->loop, &wd->listener, EPOLLIN) != 0)
    {
        return faas_err_set(err, errno, "cannot use the listening socket: %s",
                            strerror(errno));
    }

    listen_metrics(wd);

    return 0;
}


void
wd_listen_accept(struct wd *wd)
{
    accept_from(wd, &wd->listener);
}


static void
accept_from(struct wd *wd, struct wd_event *listener)
{
    int  fd, i, on;

    on = 1;

    for (i = 0; i < ACCEPT_MAX; i++) {
        if (wd->n_conns >= wd->cfg.max_connections
            && !wd_conns_drop_idle(wd))
        {
            pause_listening(wd);
            return;
        }

        fd = accept4(listener->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (fd == -1) {
            if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS
                && errno != ENOMEM)
            {
                return;
            }

            faas_log(FAAS_LOG_ERROR, "cannot accept, waiting: %s",
                     strerror(errno));
            pause_listening(wd);
            wd_timer_set(&wd->loop, &wd->listen_timer, FULL_WAIT);
            return;
        }

        /* fails on a unix socket, which does not delay anything */
        (void) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));

        if (wd_conn_accept(wd, fd, listener == &wd->metrics) != 0) {
            faas_log(FAAS_LOG_ERROR, "no memory for a connection, closing");
            return;
        }
    }
}


void
wd_listen_resume(struct wd *wd)
{
    if (wd->listener.fd != -1 && wd->listener.mask == 0
        && wd_loop_change(&wd->loop, &wd->listener, EPOLLIN) != 0)
    {
        wd_fail(wd, "cannot listen any more");
    }
}


/*
 * Returns 1 where a socket was handed over, 0 where none was, or -1.
 */
static int
inherit(struct wd *wd, struct faas_err *err)
{
    int          listening;
    uint64_t     n, pid;
    socklen_t    len;
    const char  *fds, *for_pid;

    fds = getenv("LISTEN_FDS");
    for_pid = getenv("LISTEN_PID");

    if (fds == NULL || for_pid == NULL
        || faas_parse_uint(for_pid, strlen(for_pid), 1, INT32_MAX, &pid) != 0
        || (pid_t) pid != getpid())
    {
        return 0;
    }

    if (faas_parse_uint(fds, strlen(fds), 1, 1, &n) != 0) {
        return faas_err_set(err, 1, "LISTEN_FDS: \"%.16s\", but one socket "
                            "is expected", fds);
    }

    len = sizeof(listening);
    listening = 0;

    if (getsockopt(WD_LISTEN_FD, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len)
        != 0 || !listening)
    {
        return faas_err_set(err, 1, "LISTEN_FDS: descriptor %d is no "
                            "listening socket", WD_LISTEN_FD);
    }

    wd->listener.fd = WD_LISTEN_FD;
    wd->is_inherited = 1;

    return 1;
}


static int
make(struct wd *wd, struct faas_err *err)
{
    wd->listener.fd = open_port((uint16_t) wd->cfg.port);

    if (wd->listener.fd == -1) {
        return faas_err_set(err, errno, "port: cannot listen on %u: %s",
                            (unsigned) wd->cfg.port, strerror(errno));
    }

    return 1;
}


/*
 * A socket that an earlier process has left is replaced; one that somebody
 * listens on is not.
 */
static int
make_unix(struct wd *wd, struct faas_err *err)
{
    int                 fd, used;
    struct stat         st;
    struct faas_addr   *addr;
    struct sockaddr_un *sun;

    addr = &wd->cfg.listen;
    sun = (struct sockaddr_un *) &addr->sa;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    used = fd != -1 && connect(fd, (struct sockaddr *) &addr->sa, addr->len)
                       == 0;

    if (fd != -1 && !used) {
        if (lstat(sun->sun_path, &st) == 0 && S_ISSOCK(st.st_mode)) {
            (void) unlink(sun->sun_path);       /* bind(2) tells */
        }

        if (bind(fd, (struct sockaddr *) &addr->sa, addr->len) == 0
            && listen(fd, BACKLOG) == 0)
        {
            wd->listener.fd = fd;
            return 1;
        }
    }

    (void) faas_err_set(err, used ? EADDRINUSE : errno, "port: cannot listen "
                        "on unix:%s: %s", sun->sun_path,
                        strerror(used ? EADDRINUSE : errno));

    if (fd != -1) {
        (void) close(fd);       /* it was never used */
    }

    return -1;
}


/*
 * Where a replica's socket is handed over there are many on a host, and who
 * does that knows what it does; metrics_port turns it on.  A port that is
 * taken is no reason not to serve.
 */
static void
listen_metrics(struct wd *wd)
{
    if (wd->cfg.metrics_port == 0
        || (wd->is_inherited && !wd->cfg.is_metrics_given))
    {
        return;
    }

    wd->metrics.fd = open_port((uint16_t) wd->cfg.metrics_port);

    if (wd->metrics.fd == -1 || fcntl(wd->metrics.fd, F_SETFL, O_NONBLOCK)
        == -1 || wd_loop_add(&wd->loop, &wd->metrics, EPOLLIN) != 0)
    {
        faas_log(FAAS_LOG_WARN, "no metrics, cannot listen on %u: %s; "
                 "metrics_port=0 does without",
                 (unsigned) wd->cfg.metrics_port, strerror(errno));
        wd_loop_close(&wd->loop, &wd->metrics);
        return;
    }

    wd_log_line(&wd->log, "Metrics listening on port: %u",
                (unsigned) wd->cfg.metrics_port);
}


static int
open_port(uint16_t port)
{
    int  fd, saved;

    fd = bind_to(AF_INET6, port);

    if (fd == -1 && errno != EADDRINUSE && errno != EACCES) {
        fd = bind_to(AF_INET, port);
    }

    if (fd != -1 && listen(fd, BACKLOG) != 0) {
        saved = errno;
        (void) close(fd);       /* it was never used */
        errno = saved;
        return -1;
    }

    return fd;
}


/*
 * Any address of the family; of IPv6 also those of IPv4.
 */
static int
bind_to(int family, uint16_t port)
{
    int                      fd, off, on, saved;
    socklen_t                len;
    struct sockaddr_in      *sin;
    struct sockaddr_in6     *sin6;
    struct sockaddr_storage  sa;

    off = 0;
    on = 1;
    memset(&sa, 0, sizeof(sa));
    sa.ss_family = (sa_family_t) family;

    if (family == AF_INET6) {
        sin6 = (struct sockaddr_in6 *) &sa;
        sin6->sin6_port = htons(port);
        len = sizeof(*sin6);

    } else {
        sin = (struct sockaddr_in *) &sa;
        sin->sin_port = htons(port);
        len = sizeof(*sin);
    }

    fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd == -1) {
        return -1;
    }

    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0
        || (family == AF_INET6
            && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off))
               != 0)
        || bind(fd, (struct sockaddr *) &sa, len) != 0)
    {
        saved = errno;
        (void) close(fd);       /* it was never used */
        errno = saved;
        return -1;
    }

    return fd;
}


static void
on_listener(struct wd_event *ev, uint32_t events)
{
    (void) events;      /* there is but one kind */
    accept_from(ev->owner, ev);
}


static void
on_retry(struct wd_timer *timer)
{
    wd_listen_resume(timer->owner);
}


/*
 * The kernel's queue holds them until a connection is closed.
 */
static void
pause_listening(struct wd *wd)
{
    if (wd_loop_change(&wd->loop, &wd->listener, 0) != 0) {
        wd_fail(wd, "cannot stop listening");
    }
}

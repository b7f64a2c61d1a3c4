/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Where a daemon's HTTP server listens.
 */

#include "listener.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/faas_log.h"

#include "clock.h"


static const char *path_of(const struct listener *listener);
static int take_path(const struct listener *listener, struct faas_err *err);
static int failed(const struct listener *listener, int fd,
    struct faas_err *err);
static void on_timer(evutil_socket_t fd, short what, void *arg);


int
listener_bind(struct listener *listener, const char *text,
    struct faas_err *err)
{
    int  fd, one;

    one = 1;
    listener->text = text;

    if (faas_addr_parse(text, strlen(text), &listener->addr) != 0) {
        return faas_err_set(err, 0, "%s: \"%.120s\" is no address, expected "
                            "unix:/path (at most %zu bytes), IP:PORT or "
                            "[IPv6]:PORT", listener->option, text,
                            FAAS_ADDR_MAX - 5);
    }

    if (take_path(listener, err) != 0) {
        return -1;
    }

    fd = socket(listener->addr.sa.ss_family,
                SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd == -1
        || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0
        || bind(fd, (const struct sockaddr *) &listener->addr.sa,
                listener->addr.len) != 0)
    {
        return failed(listener, fd, err);
    }

    return fd;
}


int
listener_open(struct listener *listener, struct evhttp *http, int fd,
    evconnlistener_errorcb on_error, struct faas_err *err)
{
    struct evhttp_bound_socket  *bound;

    if (listen(fd, LISTENER_BACKLOG) != 0) {
        return failed(listener, fd, err);
    }

    bound = evhttp_accept_socket_with_handle(http, fd);

    if (bound == NULL) {
        (void) close(fd);
        return faas_err_set(err, 0, "no memory");
    }

    listener->conns = evhttp_bound_socket_get_listener(bound);
    listener->timer = evtimer_new(evconnlistener_get_base(listener->conns),
                                  on_timer, listener);

    if (listener->timer == NULL) {
        return faas_err_set(err, 0, "no memory");
    }

    evconnlistener_set_error_cb(listener->conns, on_error);

    return 0;
}


void
listener_pause(struct listener *listener)
{
    if (!listener->is_reported) {
        faas_log(FAAS_LOG_ERROR, "cannot accept connections to %s, trying "
                 "again every %dms error=\"%s\"", listener->what,
                 LISTENER_PAUSE,
                 evutil_socket_error_to_string(EVUTIL_SOCKET_ERROR()));
        listener->is_reported = 1;
    }

    (void) evconnlistener_disable(listener->conns);
    clock_timer(listener->timer, LISTENER_PAUSE);
}


void
listener_close(struct listener *listener)
{
    if (listener->timer != NULL) {
        event_free(listener->timer);
        listener->timer = NULL;
    }

    /* else the path is another one's */

    if (listener->conns != NULL && path_of(listener) != NULL) {
        (void) unlink(path_of(listener));
    }

    listener->conns = NULL;
}


/*
 * NULL where it has none.
 */
static const char *
path_of(const struct listener *listener)
{
    return listener->addr.sa.ss_family == AF_UNIX
           ? ((const struct sockaddr_un *) &listener->addr.sa)->sun_path
           : NULL;
}


static int
take_path(const struct listener *listener, struct faas_err *err)
{
    int          fd, rc, saved;
    const char  *path;
    struct stat  st;

    path = path_of(listener);

    if (path == NULL || lstat(path, &st) != 0) {
        return 0;
    }

    if (!S_ISSOCK(st.st_mode)) {
        return faas_err_set(err, 0, "%s: %.120s is there and no socket",
                            listener->option, path);
    }

    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd == -1) {
        return failed(listener, fd, err);
    }

    rc = connect(fd, (const struct sockaddr *) &listener->addr.sa,
                 listener->addr.len);
    saved = errno;
    (void) close(fd);

    if (rc == 0 || saved == EAGAIN) {
        return faas_err_set(err, 0, "%s: another process listens on %.120s",
                            listener->option, path);
    }

    if (saved == ECONNREFUSED) {
        (void) unlink(path);
    }

    return 0;
}


/*
 * Says errno, and closes the descriptor if there is one.
 */
static int
failed(const struct listener *listener, int fd, struct faas_err *err)
{
    (void) faas_err_set(err, errno, "%s: cannot listen on %.120s: %s",
                        listener->option, listener->text, strerror(errno));

    if (fd != -1) {
        (void) close(fd);
    }

    return -1;
}


static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct listener  *listener;

    (void) fd;
    (void) what;

    listener = arg;

    (void) evconnlistener_enable(listener->conns);
}

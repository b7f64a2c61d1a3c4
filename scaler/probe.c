/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Asks whether something takes requests at an address.
 */

#include "probe.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/clock.h"


#define REQUEST  "GET " PROBE_PATH " HTTP/1.1\r\nHost: function\r\n"          \
                 "User-Agent: ngx_faas\r\nConnection: close\r\n\r\n"
#define STATUS   "HTTP/1.1 200"


static void on_turn(evutil_socket_t fd, short what, void *arg);
static void begin(struct probes *probes, struct probe *probe);
static int connect_to(struct probe *probe);
static int wait_for(struct probes *probes, struct probe *probe, short what,
    uint64_t timeout_ms);
static void on_io(evutil_socket_t fd, short what, void *arg);
static void on_connected(struct probe *probe);
static enum probe_result result_of(int error);
static void on_readable(struct probe *probe);
static void finish(struct probe *probe, enum probe_result result);
static void wake(struct probes *probes);


int
probes_init(struct probes *probes, struct event_base *base,
    struct faas_err *err)
{
    TAILQ_INIT(&probes->waiting);
    TAILQ_INIT(&probes->running);

    probes->base = base;
    probes->turn = evtimer_new(base, on_turn, probes);

    return probes->turn != NULL ? 0 : faas_err_set(err, 500, "no memory");
}


void
probes_done(struct probes *probes)
{
    if (probes->turn != NULL) {
        event_free(probes->turn);
        probes->turn = NULL;
    }
}


void
probe_start(struct probes *probes, struct probe *probe,
    const struct faas_addr *addr, int is_http, uint64_t connect_ms,
    uint64_t timeout_ms)
{
    probe->probes = probes;
    probe->addr = *addr;
    probe->is_http = is_http;
    probe->is_running = 0;
    probe->is_sent = 0;
    probe->connect_ms = connect_ms;
    probe->timeout_ms = timeout_ms;
    probe->fd = -1;
    probe->io = NULL;
    probe->began_ms = clock_now_ms();

    TAILQ_INSERT_TAIL(&probes->waiting, probe, link);
    wake(probes);
}


void
probe_cancel(struct probe *probe)
{
    struct probes  *probes;

    probes = probe->probes;

    if (probes == NULL) {
        return;
    }

    if (probe->is_running) {
        TAILQ_REMOVE(&probes->running, probe, link);
        probes->n--;
        wake(probes);

    } else {
        TAILQ_REMOVE(&probes->waiting, probe, link);
    }

    if (probe->io != NULL) {
        event_free(probe->io);
        probe->io = NULL;
    }

    if (probe->fd >= 0) {
        (void) close(probe->fd);
        probe->fd = -1;
    }

    probe->probes = NULL;
}


static void
wake(struct probes *probes)
{
    struct timeval  at_once = { 0, 0 };

    if (!TAILQ_EMPTY(&probes->waiting) && probes->n < PROBES_MAX) {
        (void) evtimer_add(probes->turn, &at_once);
    }
}


/*
 * What is told may start others, which wait for the next turn.
 */
static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
    struct probe   *probe, *last;
    struct probes  *probes;

    (void) fd;
    (void) what;

    probes = arg;
    last = TAILQ_LAST(&probes->waiting, probe_list);

    while ((probe = TAILQ_FIRST(&probes->waiting)) != NULL
           && probes->n < PROBES_MAX)
    {
        begin(probes, probe);

        if (probe == last) {
            break;
        }
    }

    wake(probes);
}


static void
begin(struct probes *probes, struct probe *probe)
{
    probe->began_ms = clock_now_ms();

    if (connect_to(probe) == 0
        && wait_for(probes, probe, EV_WRITE, probe->connect_ms) == 0)
    {
        TAILQ_REMOVE(&probes->waiting, probe, link);
        TAILQ_INSERT_TAIL(&probes->running, probe, link);
        probes->n++;
        probe->is_running = 1;
        return;
    }

    finish(probe, PROBE_BAD);
}


static int
connect_to(struct probe *probe)
{
    probe->fd = socket(probe->addr.sa.ss_family,
                       SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    return probe->fd >= 0
           && (connect(probe->fd, (struct sockaddr *) &probe->addr.sa,
                       probe->addr.len)
               == 0
               || errno == EINPROGRESS)
           ? 0 : -1;
}


/*
 * The time-out is since it has begun.
 */
static int
wait_for(struct probes *probes, struct probe *probe, short what,
    uint64_t timeout_ms)
{
    uint64_t        spent, left;
    struct timeval  tv;

    if (probe->io != NULL) {
        event_free(probe->io);
    }

    spent = clock_now_ms() - probe->began_ms;
    left = spent < timeout_ms ? timeout_ms - spent : 0;
    tv.tv_sec = (time_t) (left / 1000);
    tv.tv_usec = (suseconds_t) (left % 1000 * 1000);

    probe->io = event_new(probes->base, probe->fd, what, on_io, probe);

    return probe->io != NULL && event_add(probe->io, &tv) == 0 ? 0 : -1;
}


static void
on_io(evutil_socket_t fd, short what, void *arg)
{
    struct probe  *probe;

    (void) fd;

    probe = arg;

    if (what & EV_TIMEOUT) {
        finish(probe, PROBE_SILENT);

    } else if (probe->is_sent) {
        on_readable(probe);

    } else {
        on_connected(probe);
    }
}


static void
on_connected(struct probe *probe)
{
    int        error;
    socklen_t  len;

    len = sizeof(error);

    if (getsockopt(probe->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0) {
        error = errno;
    }

    if (error != 0) {
        finish(probe, result_of(error));
        return;
    }

    if (!probe->is_http) {
        finish(probe, PROBE_OK);
        return;
    }

    probe->is_sent = 1;

    /* a new socket has room for it */

    if (send(probe->fd, REQUEST, sizeof(REQUEST) - 1, MSG_NOSIGNAL)
        != sizeof(REQUEST) - 1
        || wait_for(probe->probes, probe, EV_READ, probe->timeout_ms) != 0)
    {
        finish(probe, PROBE_BAD);
    }
}


/*
 * That there is no way says as little of it as silence does.
 */
static enum probe_result
result_of(int error)
{
    return error == EHOSTUNREACH || error == ENETUNREACH || error == ETIMEDOUT
           ? PROBE_SILENT : PROBE_BAD;
}


/*
 * A status line that comes in pieces is none of a watchdog.
 */
static void
on_readable(struct probe *probe)
{
    char     head[sizeof(STATUS) - 1];
    ssize_t  n;

    n = recv(probe->fd, head, sizeof(head), 0);

    finish(probe, n == (ssize_t) sizeof(head)
                  && memcmp(head, STATUS, sizeof(head)) == 0
                  ? PROBE_OK : PROBE_BAD);
}


static void
finish(struct probe *probe, enum probe_result result)
{
    if (result == PROBE_OK) {
        probe->probes->answered_ms = clock_now_ms();
    }

    probe_cancel(probe);
    probe->done(probe->arg, result);
}

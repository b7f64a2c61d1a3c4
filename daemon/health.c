/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A daemon's --health: instead of the daemon, not within it.
 */

#include "health.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/faas_addr.h"


#define REQUEST     "GET /healthz HTTP/1.1\r\nHost: localhost\r\n" \
                    "Connection: close\r\n\r\n"
#define IS_HEALTHY  "HTTP/1.1 200 "
#define TOO_LATE    "--health: no answer in time\n"


static void aim_at_loopback(struct faas_addr *addr);
static int is_healthy(int fd);
static void on_alarm(int signum);


int
health_check(const char *option, const char *listen, struct faas_err *err)
{
    int               fd, rc;
    struct faas_addr  addr;
    struct sigaction  action;

    if (faas_addr_parse(listen, strlen(listen), &addr) != 0) {
        return faas_err_set(err, 0, "%s: \"%.120s\" is no address",
                            option, listen);
    }

    aim_at_loopback(&addr);

    memset(&action, 0, sizeof(action));
    action.sa_handler = on_alarm;
    (void) sigaction(SIGALRM, &action, NULL);

    action.sa_handler = SIG_IGN;
    (void) sigaction(SIGPIPE, &action, NULL);

    (void) alarm(HEALTH_TIMEOUT);

    fd = socket(addr.sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd == -1
        || connect(fd, (const struct sockaddr *) &addr.sa, addr.len) != 0)
    {
        rc = faas_err_set(err, errno, "--health: cannot connect to %.120s: %s",
                          listen, strerror(errno));

    } else {
        rc = is_healthy(fd) ? 0 : faas_err_set(err, 0, "--health: %.120s does "
                                               "not answer 200", listen);
    }

    if (fd != -1) {
        (void) close(fd);
    }

    return rc;
}


static void
aim_at_loopback(struct faas_addr *addr)
{
    struct sockaddr_in   *sin;
    struct sockaddr_in6  *sin6;

    sin = (struct sockaddr_in *) &addr->sa;
    sin6 = (struct sockaddr_in6 *) &addr->sa;

    if (addr->sa.ss_family == AF_INET
        && sin->sin_addr.s_addr == htonl(INADDR_ANY))
    {
        sin->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    }

    if (addr->sa.ss_family == AF_INET6
        && IN6_IS_ADDR_UNSPECIFIED(&sin6->sin6_addr))
    {
        sin6->sin6_addr = in6addr_loopback;
    }
}


static int
is_healthy(int fd)
{
    char     text[sizeof(IS_HEALTHY) - 1];
    size_t   len;
    ssize_t  n;

    /* so little is taken as a whole, or not */

    if (write(fd, REQUEST, sizeof(REQUEST) - 1) != sizeof(REQUEST) - 1) {
        return 0;
    }

    for (len = 0; len < sizeof(text); len += (size_t) n) {
        n = read(fd, text + len, sizeof(text) - len);

        if (n <= 0) {
            return 0;
        }
    }

    return memcmp(text, IS_HEALTHY, sizeof(text)) == 0;
}


static void
on_alarm(int signum)
{
    ssize_t  n;

    (void) signum;

    n = write(STDERR_FILENO, TOO_LATE, sizeof(TOO_LATE) - 1);
    (void) n;

    _exit(EXIT_FAILURE);
}

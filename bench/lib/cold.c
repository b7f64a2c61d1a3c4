/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A client that measures cold starts, to the microsecond.  It is told what to
 * do by lines on its standard input, and answers each by one or more:
 *
 *   call NAME        calls a function on a connection that is kept: how long
 *                    it takes from before the request is sent until the whole
 *                    answer is there
 *   bare             runs the program that the function is with the same
 *                    input: from before the fork until the end of its output
 *   all TIMES NAME   calls NAME1, NAME2, ... at once, each on a connection of
 *                    its own that was made before; one line a call
 *
 *   cold PORT BODY FOLDER PROGRAM
 *
 * A line is a number of microseconds, or why there is none.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"


#define TEXT_MAX  4096
#define CALLS     1024
#define TIMEOUT   30000         /* msec, for one answer */


struct call {
    int     fd;
    double  begin;
    size_t  len;
    char    text[TEXT_MAX + 1];         /* the answer */
};


extern char  **environ;

static void one(const char *name);
static void bare(char *program);
static void all(const char *name, int n);
static void connect_to(struct call *call);
static void send_request(struct call *call, const char *name);
static int read_some(struct call *call);
static int is_whole(const struct call *call);
static void tell(const struct call *call);
static void fail(const char *what) __attribute__((noreturn));


static const char   *port, *body;
static struct call   kept = { .fd = -1 };
static struct call   calls[CALLS];


int
main(int argc, char **argv)
{
    int    n;
    char   line[256];
    char  *name;

    if (argc != 5) {
        fprintf(stderr, "usage: cold PORT BODY FOLDER PROGRAM\n");
        return 2;
    }

    port = argv[1];
    body = argv[2];
    setvbuf(stdout, NULL, _IOLBF, 0);

    if (chdir(argv[3]) == -1) {
        fail(argv[3]);
    }

    while (fgets(line, sizeof(line), stdin) != NULL) {

        line[strcspn(line, "\n")] = '\0';

        if (strncmp(line, "call ", 5) == 0) {
            one(line + 5);

        } else if (strncmp(line, "all ", 4) == 0) {
            n = (int) strtol(line + 4, &name, 10);

            if (n < 1 || n > CALLS || *name != ' ') {
                fprintf(stderr, "how many?\n");
                return 2;
            }

            all(name + 1, n);

        } else {
            bare(argv[4]);
        }
    }

    return 0;
}


static void
one(const char *name)
{
    if (kept.fd == -1) {
        connect_to(&kept);
    }

    send_request(&kept, name);

    while (!is_whole(&kept)) {
        if (read_some(&kept) != 0) {
            printf("no answer: %s\n", strerror(errno));
            close(kept.fd);
            kept.fd = -1;
            return;
        }
    }

    tell(&kept);
}


static void
bare(char *program)
{
    int                          in[2], out[2], status;
    char                         text[TEXT_MAX];
    char                        *argv[] = { program, NULL };
    pid_t                        pid;
    double                       begin, end;
    ssize_t                      n;
    posix_spawn_file_actions_t   actions;

    begin = now();

    if (pipe2(in, O_CLOEXEC) == -1 || pipe2(out, O_CLOEXEC) == -1
        || posix_spawn_file_actions_init(&actions) != 0
        || posix_spawn_file_actions_adddup2(&actions, in[0], 0) != 0
        || posix_spawn_file_actions_adddup2(&actions, out[1], 1) != 0)
    {
        fail("pipes");
    }

    errno = posix_spawn(&pid, program, &actions, NULL, argv, environ);

    if (errno != 0) {
        fail(program);
    }

    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);

    if (write(in[1], body, strlen(body)) != (ssize_t) strlen(body)) {
        fail("write");
    }

    close(in[1]);

    do {
        n = read(out[0], text, sizeof(text));
    } while (n > 0);

    end = now();
    close(out[0]);

    if (n != 0 || waitpid(pid, &status, 0) != pid || status != 0) {
        fail("the program has failed");
    }

    printf("%.1f\n", (end - begin) * 1e6);
}


static void
all(const char *name, int n)
{
    int            i, left;
    char           whole[160];
    struct pollfd  fds[CALLS];

    for (i = 0; i < n; i++) {
        connect_to(&calls[i]);
        fds[i].fd = calls[i].fd;
        fds[i].events = POLLIN;
    }

    for (i = 0; i < n; i++) {
        snprintf(whole, sizeof(whole), "%.120s%d", name, i + 1);
        send_request(&calls[i], whole);
    }

    for (left = n; left > 0; /* void */ ) {

        if (poll(fds, (nfds_t) n, TIMEOUT) <= 0) {
            for ( /* void */ ; left > 0; left--) {
                printf("no answer in time\n");
            }

            break;
        }

        for (i = 0; i < n; i++) {
            if (fds[i].fd == -1 || fds[i].revents == 0) {
                continue;
            }

            if (read_some(&calls[i]) != 0) {
                printf("no answer: %s\n", strerror(errno));

            } else if (is_whole(&calls[i])) {
                tell(&calls[i]);

            } else {
                continue;
            }

            fds[i].fd = -1;
            left--;
        }
    }

    for (i = 0; i < n; i++) {
        close(calls[i].fd);
    }
}


static void
connect_to(struct call *call)
{
    int                 on = 1;
    struct timeval      timeout = { TIMEOUT / 1000, 0 };
    struct sockaddr_in  in = { .sin_family = AF_INET };

    in.sin_port = htons((uint16_t) strtoul(port, NULL, 10));
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    call->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (call->fd == -1
        || connect(call->fd, (struct sockaddr *) &in, sizeof(in)) == -1
        || setsockopt(call->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on))
           == -1
        || setsockopt(call->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout,
                      sizeof(timeout))
           == -1)
    {
        fail("connect");
    }
}


static void
send_request(struct call *call, const char *name)
{
    int   n;
    char  text[1024];

    n = snprintf(text, sizeof(text), "POST /function/%s HTTP/1.1\r\n"
                 "Host: localhost\r\nContent-Length: %zu\r\n\r\n%s", name,
                 strlen(body), body);

    call->len = 0;
    call->text[0] = '\0';
    call->begin = now();

    if (n < 0 || (size_t) n >= sizeof(text)
        || send(call->fd, text, (size_t) n, MSG_NOSIGNAL) != n)
    {
        fail("send");
    }
}


/*
 * Returns 0, or -1 where no more comes.
 */
static int
read_some(struct call *call)
{
    ssize_t  n;

    errno = 0;
    n = recv(call->fd, call->text + call->len, TEXT_MAX - call->len, 0);

    if (n <= 0) {
        return -1;
    }

    call->len += (size_t) n;
    call->text[call->len] = '\0';

    return 0;
}


/*
 * With a length, or in chunks.
 */
static int
is_whole(const struct call *call)
{
    const char  *end, *length;

    end = strstr(call->text, "\r\n\r\n");

    if (end == NULL) {
        return 0;
    }

    length = strcasestr(call->text, "\r\nContent-Length: ");

    if (length != NULL && length < end) {
        return call->len >= (size_t) (end + 4 - call->text)
                            + strtoul(length + 18, NULL, 10);
    }

    return strstr(end + 2, "\r\n0\r\n\r\n") != NULL;
}


static void
tell(const struct call *call)
{
    double  end;

    end = now();

    if (strncmp(call->text, "HTTP/1.1 200 ", 13) == 0) {
        printf("%.1f\n", (end - call->begin) * 1e6);

    } else {
        printf("%.*s\n", (int) strcspn(call->text, "\r\n"), call->text);
    }
}


static void
fail(const char *what)
{
    perror(what);
    exit(1);
}

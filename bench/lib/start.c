/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * How long a server takes from before its process is made until it has
 * answered a first request, many times.
 *
 *   start TIMES PORT PATH PROGRAM      prints microseconds, one start a line
 *
 * PROGRAM is started with our environment and killed after its answer, which
 * has to be a 200 with a Content-Length.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"


#define ANSWER_MAX  16384
#define PAUSE       20000           /* nsec between tries to connect */
#define TIMEOUT     10.0            /* seconds for one start */


extern char  **environ;


static double start(char *program, const char *port, const char *path);
static pid_t run(char *program);
static int connect_to(pid_t pid, const char *port, double end);
static void ask(int fd, const char *path);
static int is_whole(char *answer, size_t len);
static void fail(const char *what) __attribute__((noreturn));


int
main(int argc, char **argv)
{
    long  i, times;

    times = argc == 5 ? strtol(argv[1], NULL, 10) : 0;

    if (times < 1) {
        fprintf(stderr, "usage: start TIMES PORT PATH PROGRAM\n");
        return 2;
    }

    /* or a pause is longer by 50 us */
    (void) prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);

    for (i = 0; i < times; i++) {
        printf("%.1f\n", start(argv[4], argv[2], argv[3]));
    }

    return 0;
}


static double
start(char *program, const char *port, const char *path)
{
    int     fd;
    pid_t   pid;
    double  begin, end;

    begin = now();
    pid = run(program);
    fd = connect_to(pid, port, begin + TIMEOUT);
    ask(fd, path);
    end = now();
    close(fd);

    if (kill(pid, SIGKILL) == -1 || waitpid(pid, NULL, 0) != pid) {
        fail("kill");
    }

    return (end - begin) * 1e6;
}


/* What it logs is not to be read by anyone. */
static pid_t
run(char *program)
{
    int                          fd;
    char                        *argv[] = { program, NULL };
    pid_t                        pid;
    posix_spawn_file_actions_t   actions;

    if (posix_spawn_file_actions_init(&actions) != 0) {
        fail("posix_spawn_file_actions");
    }

    for (fd = 0; fd < 3; fd++) {
        if (posix_spawn_file_actions_addopen(&actions, fd, "/dev/null",
                                             O_RDWR, 0) != 0)
        {
            fail("posix_spawn_file_actions");
        }
    }

    errno = posix_spawn(&pid, program, &actions, NULL, argv, environ);

    if (errno != 0) {
        fail(program);
    }

    posix_spawn_file_actions_destroy(&actions);

    return pid;
}


static int
connect_to(pid_t pid, const char *port, double end)
{
    int                 fd;
    struct timespec     pause = { .tv_nsec = PAUSE };
    struct sockaddr_in  in = { .sin_family = AF_INET };

    in.sin_port = htons((uint16_t) strtoul(port, NULL, 10));
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);

    while (now() < end) {
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd == -1) {
            fail("socket");
        }

        if (connect(fd, (struct sockaddr *) &in, sizeof(in)) == 0) {
            return fd;
        }

        close(fd);

        if (waitpid(pid, NULL, WNOHANG) != 0) {
            fprintf(stderr, "it ends at its start\n");
            exit(1);
        }

        nanosleep(&pause, NULL);
    }

    fprintf(stderr, "it does not listen\n");
    kill(pid, SIGKILL);
    exit(1);
}


static void
ask(int fd, const char *path)
{
    int      n;
    char     out[1024], in[ANSWER_MAX + 1];
    size_t   len;
    ssize_t  got;

    n = snprintf(out, sizeof(out), "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n",
                 path);

    if (n < 0 || (size_t) n >= sizeof(out)
        || send(fd, out, (size_t) n, MSG_NOSIGNAL) != n)
    {
        fail("send");
    }

    len = 0;

    do {
        got = recv(fd, in + len, ANSWER_MAX - len, 0);

        if (got <= 0) {
            fprintf(stderr, "no whole answer: %.*s\n", (int) len, in);
            exit(1);
        }

        len += (size_t) got;
        in[len] = '\0';
    } while (!is_whole(in, len));

    if (strncmp(in, "HTTP/1.1 200 ", 13) != 0) {
        fprintf(stderr, "not a 200: %s\n", in);
        exit(1);
    }
}


static int
is_whole(char *answer, size_t len)
{
    char    *end, *length;
    size_t   head_len;

    end = strstr(answer, "\r\n\r\n");
    length = strcasestr(answer, "\r\nContent-Length:");

    if (end == NULL || length == NULL || length > end) {
        return 0;
    }

    head_len = (size_t) (end + 4 - answer);

    return len >= head_len + strtoul(length + 17, NULL, 10);
}


static void
fail(const char *what)
{
    perror(what);
    exit(1);
}

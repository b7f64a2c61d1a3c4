/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * How many processes a second this machine can start and wait for, each with
 * two pipes, when nothing else is done: the bare loop that a watchdog with a
 * process a request is measured by.
 *
 *   spawn pipes|sockets SECONDS LOOPS PROGRAM      prints processes a second
 *
 * Each of the loops is a process of its own.  sockets: socketpairs in place of
 * the pipes.
 */

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"


#define LOOPS_MAX  64


extern char  **environ;

static int  is_sockets;


static double loop(double seconds, char *program);
static void once(char *program);
static int open_pair(int *fds);
static void run(char *program, const int *in, const int *out, pid_t *pid);
static void fail(const char *what) __attribute__((noreturn));


int
main(int argc, char **argv)
{
    int      i, loops, status;
    double   seconds, sum, *rates;

    is_sockets = argc == 5 && strcmp(argv[1], "sockets") == 0;
    seconds = argc == 5 ? strtod(argv[2], NULL) : 0;
    loops = argc == 5 ? (int) strtol(argv[3], NULL, 10) : 0;

    if (seconds <= 0 || loops < 1 || loops > LOOPS_MAX) {
        fprintf(stderr, "usage: spawn pipes|sockets SECONDS "
                "LOOPS PROGRAM\n");
        return 2;
    }

    rates = mmap(NULL, LOOPS_MAX * sizeof(*rates), PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (rates == MAP_FAILED) {
        fail("mmap");
    }

    for (i = 0; i < loops; i++) {
        switch (fork()) {
        case -1:
            fail("fork");

        case 0:
            rates[i] = loop(seconds, argv[4]);
            _exit(0);
        }
    }

    while (wait(&status) != -1) {
        if (status != 0) {
            return 1;
        }
    }

    sum = 0;

    for (i = 0; i < loops; i++) {
        sum += rates[i];
    }

    printf("%.1f\n", sum);

    return 0;
}


static double
loop(double seconds, char *program)
{
    double    start, end;
    uint64_t  n;

    n = 0;
    start = now();

    do {
        once(program);
        n++;
        end = now();
    } while (end - start < seconds);

    return (double) n / (end - start);
}


static void
once(char *program)
{
    int      in[2], out[2], status;
    char     data[4096];
    pid_t    pid;
    ssize_t  n;

    if (open_pair(in) == -1 || open_pair(out) == -1) {
        fail("a pair of descriptors");
    }

    run(program, in, out, &pid);
    close(in[0]);
    close(in[1]);
    close(out[1]);

    do {
        n = read(out[0], data, sizeof(data));
    } while (n > 0 || (n == -1 && errno == EINTR));

    close(out[0]);

    if (waitpid(pid, &status, 0) != pid || status != 0) {
        fail(program);
    }
}


static int
open_pair(int *fds)
{
    return is_sockets
           ? socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds)
           : pipe2(fds, O_CLOEXEC);
}


static void
run(char *program, const int *in, const int *out, pid_t *pid)
{
    char                       *argv[] = { program, NULL };
    posix_spawn_file_actions_t  actions;

    if (posix_spawn_file_actions_init(&actions) != 0
        || posix_spawn_file_actions_adddup2(&actions, in[0], 0) != 0
        || posix_spawn_file_actions_adddup2(&actions, out[1], 1) != 0)
    {
        fail("posix_spawn_file_actions");
    }

    errno = posix_spawn(pid, program, &actions, NULL, argv, environ);

    if (errno != 0) {
        fail(program);
    }

    posix_spawn_file_actions_destroy(&actions);
}


static void
fail(const char *what)
{
    perror(what);
    _exit(1);
}

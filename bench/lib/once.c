/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * once PROGRAM [ARGUMENT...]: runs it with its output thrown away, and prints
 * the microseconds from vfork() to its end, the CPU time that it took in
 * microseconds, and the most memory that it had in KiB.  Ends as it ends.
 */

#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>


static double now(void);
static double seconds(struct timeval t);


int
main(int argc, char **argv)
{
    int            status, fd;
    pid_t          pid;
    double         began, ended;
    struct rusage  usage;

    if (argc < 2) {
        (void) fprintf(stderr, "usage: once PROGRAM [ARGUMENT...]\n");
        return 2;
    }

    fd = open("/dev/null", O_WRONLY);
    began = now();
    pid = vfork();

    if (pid == 0) {
        (void) dup2(fd, STDOUT_FILENO);
        (void) execv(argv[1], argv + 1);
        _exit(127);
    }

    if (pid < 0 || wait4(pid, &status, 0, &usage) != pid) {
        perror("once");
        return 2;
    }

    ended = now();

    (void) printf("%.0f %.0f %ld\n", (ended - began) * 1e6,
                  (seconds(usage.ru_utime) + seconds(usage.ru_stime)) * 1e6,
                  usage.ru_maxrss);

    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}


static double
now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}


static double
seconds(struct timeval t)
{
    return (double) t.tv_sec + (double) t.tv_usec / 1e6;
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Preloaded into nginx: the most CPU time that a worker has spent between two
 * looks for events, as nanoseconds in the file HOLD_FILE.  A worker that is
 * merely not scheduled does not count.
 */

#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>


static uint64_t *most;


__attribute__((constructor))
static void
start(void)
{
    int          fd;
    void        *p;
    const char  *file;

    file = getenv("HOLD_FILE");
    fd = file != NULL ? open(file, O_RDWR) : -1;

    if (fd == -1) {
        return;
    }

    p = mmap(NULL, sizeof(*most), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    most = p != MAP_FAILED ? p : NULL;
    close(fd);
}


static uint64_t
cpu_time(void)
{
    struct timespec  ts;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);

    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}


int
epoll_wait(int fd, struct epoll_event *events, int n, int timeout)
{
    int       rc;
    uint64_t  held;

    static uint64_t  since;
    static int     (*next)(int, struct epoll_event *, int, int);

    if (next == NULL) {
        next = (int (*)(int, struct epoll_event *, int, int))
               dlsym(RTLD_NEXT, "epoll_wait");
    }

    held = since != 0 ? cpu_time() - since : 0;

    if (most != NULL && held > *most) {
        *most = held;
    }

    rc = next(fd, events, n, timeout);
    since = cpu_time();

    return rc;
}

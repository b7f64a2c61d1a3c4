/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A function that behaves as badly as the path of its request says, Http_Path:
 *
 *   /short      reads its input, answers, ends well
 *   /kill       kills itself
 *   /slow       does not end
 *   /stubborn   neither does it, nor its two children; all ignore SIGTERM
 *   /leave      fails at once, and leaves two of those children behind
 *   /orphan     ends well, and leaves a child that ends a little later
 */

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>


#define LATER  20000000         /* nsec */


static int answer(void);
static int leave(void);
static int orphan(void);
static void wait_for_ever(void);


int
main(void)
{
    const char  *path;

    path = getenv("Http_Path");

    if (path == NULL) {
        return 2;
    }

    if (strcmp(path, "/kill") == 0) {
        kill(getpid(), SIGKILL);
    }

    if (strcmp(path, "/slow") == 0) {
        wait_for_ever();
    }

    if (strcmp(path, "/stubborn") == 0) {
        (void) leave();
        wait_for_ever();
    }

    if (strcmp(path, "/leave") == 0) {
        return leave();
    }

    return strcmp(path, "/orphan") == 0 ? orphan() : answer();
}


static int
answer(void)
{
    char     data[65536];
    ssize_t  n;

    do {
        n = read(0, data, sizeof(data));
    } while (n > 0);

    return n == 0 && write(1, "ok\n", 3) == 3 ? 0 : 1;
}


static int
leave(void)
{
    int               i;
    struct sigaction  act = { .sa_handler = SIG_IGN };

    sigaction(SIGTERM, &act, NULL);

    for (i = 0; i < 2; i++) {
        if (fork() == 0) {
            wait_for_ever();
        }
    }

    return 3;
}


/* One of two keeps the answer's pipe open, all the log's. */
static int
orphan(void)
{
    struct timespec  later = { .tv_nsec = LATER };

    if (fork() == 0) {
        if (getpid() % 2 == 0) {
            close(1);
        }

        nanosleep(&later, NULL);
        _exit(0);
    }

    return 0;
}


static void
wait_for_ever(void)
{
    for ( ;; ) {
        pause();
    }
}

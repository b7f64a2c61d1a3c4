/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Starting processes: who has a pid has nothing more to do with the start, and
 * is told of its end.  If this fails, a thread of the spawner writes into a
 * stack that is long used for something else, and the scaler dies of it some
 * time later; or a replica waits for ever for a process that was collected.
 *
 * uses: scaler/spawner.c scaler/spawn.c scaler/spawn_fds.c scaler/confine.c
 * uses: scaler/cgroup.c scaler/cgroup_own.c
 */

#include <fcntl.h>
#include <glob.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "scaler/spawner.h"


#define STARTS   100
#define FRAME    16384      /* bytes: more than a start has on the stack */
#define FILLING  0xa5
#define PAUSE    2000000    /* nsec: its thread goes on once it executes */
#define ROUNDS   20
#define SPARES   16
#define LOOKS    10000      /* for spares, each a msec after the other */


static struct isolation    isolation = { .watchdog = "/bin/true" };
static struct confinement  confinement = {
    .isolation = &isolation,
    .app = "/",
    .tmp = "/tmp",
};


static pid_t start(struct spawner *spawner, int fd);
static size_t changed(void);
static void kill_spares(struct spawner *spawner, int fd);
static void find_spares(pid_t *pids);
static size_t children(pid_t *pids, size_t max);
static pid_t hold_descriptors(void);


static void
the_stack_is_ours(void **state)
{
    int              i, fd, status;
    pid_t            pid;
    struct spawner  *spawner;

    (void) state;

    fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    spawner = spawner_new(&isolation);
    assert_non_null(spawner);

    for (i = 0; i < STARTS; i++) {
        pid = start(spawner, fd);
        assert_true(pid > 0);
        assert_int_equal(changed(), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
    }

    spawner_free(spawner);
    (void) close(fd);
}


/*
 * Nothing is executed: the process ends where it would be.
 */
static pid_t __attribute__((noinline))
start(struct spawner *spawner, int fd)
{
    pid_t            pid;
    struct spawn     spawn;
    struct faas_err  err;

    memset(&spawn, 0, sizeof(spawn));
    spawn.confinement = &confinement;
    spawn.listen_fd = fd;
    spawn.output_fd = fd;
    spawn.lock_fd = -1;

    pid = spawner_start(spawner, &spawn, &err);

    return pid;
}


/*
 * Returns how many bytes of what was the stack of start() somebody else wrote.
 */
static size_t __attribute__((noinline))
changed(void)
{
    size_t            i, n;
    volatile uint8_t  frame[FRAME];
    struct timespec   pause = { 0, PAUSE };

    for (i = 0; i < FRAME; i++) {
        frame[i] = FILLING;
    }

    (void) nanosleep(&pause, NULL);

    for (i = 0, n = 0; i < FRAME; i++) {
        n += frame[i] != FILLING;
    }

    return n;
}


/*
 * They are collected at once, and their threads are late to see it.
 */
static void
spares_that_ended_are_not_given(void **state)
{
    int              i, fd;
    struct spawner  *spawner;
    struct faas_err  err;

    (void) state;

    fd = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (i = 0; i < ROUNDS; i++) {
        spawner = spawner_new(&isolation);
        assert_non_null(spawner);
        assert_int_equal(spawner_keep_spares(spawner, SPARES, &err), 0);

        kill_spares(spawner, fd);

        spawner_free(spawner);

        while (waitpid(-1, NULL, 0) > 0) {
            /* void */
        }
    }

    (void) close(fd);
}


static void
kill_spares(struct spawner *spawner, int fd)
{
    pid_t   pid, holder, spares[SPARES];
    size_t  i;

    find_spares(spares);
    holder = hold_descriptors();
    assert_true(holder > 0);

    for (i = 0; i < SPARES; i++) {
        (void) kill(spares[i], SIGKILL);
    }

    for (i = 0; i < SPARES; i++) {
        assert_int_equal(waitpid(spares[i], NULL, 0), spares[i]);
    }

    pid = start(spawner, fd);
    (void) kill(holder, SIGKILL);

    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}


static void
find_spares(pid_t *pids)
{
    size_t           i, n;
    struct timespec  pause = { 0, 1000000 };

    for (i = 0, n = 0; i < LOOKS && n < SPARES; i++) {
        (void) nanosleep(&pause, NULL);
        n = children(pids, SPARES);
    }

    assert_int_equal(n, SPARES);
}


static size_t
children(pid_t *pids, size_t max)
{
    char     line[FRAME], *p, *end;
    FILE    *file;
    glob_t   found;
    size_t   i, n;

    n = 0;
    assert_int_equal(glob("/proc/self/task/*/children", 0, NULL, &found), 0);

    for (i = 0; i < found.gl_pathc; i++) {
        file = fopen(found.gl_pathv[i], "re");

        if (file == NULL) {
            continue;               /* of a thread that has ended */
        }

        p = fgets(line, sizeof(line), file);
        (void) fclose(file);

        for ( /* void */ ; p != NULL && n < max; p = end) {
            pids[n] = (pid_t) strtol(p, &end, 10);

            if (end == p) {
                break;
            }

            n++;
        }
    }

    globfree(&found);

    return n;
}


/*
 * As a process does that another thread has just made.
 */
static pid_t
hold_descriptors(void)
{
    pid_t  pid;

    pid = fork();

    if (pid == 0) {
        for ( ;; ) {
            (void) pause();
        }
    }

    return pid;
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(the_stack_is_ours),
        cmocka_unit_test(spares_that_ended_are_not_given),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

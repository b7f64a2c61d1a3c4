/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Starting processes: who has a pid has nothing more to do with the start.  If
 * this fails, a thread of the spawner writes into a stack that is long used for
 * something else, and the scaler dies of it some time later.
 *
 * uses: scaler/spawner.c scaler/spawn.c scaler/spawn_fds.c scaler/confine.c
 * uses: scaler/cgroup.c scaler/cgroup_own.c
 */

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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


static struct isolation    isolation = { .watchdog = "/bin/true" };
static struct confinement  confinement = {
    .isolation = &isolation,
    .app = "/",
    .tmp = "/tmp",
};


static pid_t start(struct spawner *spawner, int fd);
static size_t changed(void);


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


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(the_stack_is_ours),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

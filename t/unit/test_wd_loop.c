/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * If this fails, time-outs fire too early, never, or in the wrong order; or
 * lines of the log are torn.
 *
 * uses: watchdog/loop.c watchdog/log.c
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>
#include <unistd.h>

#include "watchdog/log.h"
#include "watchdog/loop.h"


#define N_TIMERS  500


struct fired {
    uint64_t  last;             /* nsec; deadline of the last one */
    size_t    n;
    size_t    n_early;
    size_t    n_disordered;
};


struct probe {
    struct wd_timer  timer;
    uint64_t         wanted;    /* nsec */
    struct wd_loop  *loop;
    struct fired    *fired;
};


static void
on_probe(struct wd_timer *timer)
{
    struct fired  *fired;
    struct probe  *probe;

    probe = timer->owner;
    fired = probe->fired;
    fired->n++;
    fired->n_early += probe->loop->now < probe->wanted;
    fired->n_disordered += probe->wanted < fired->last;
    fired->last = probe->wanted;
}


static void
set(struct probe *probe, uint64_t msec)
{
    wd_timer_set(probe->loop, &probe->timer, msec);
    probe->wanted = probe->timer.deadline;
}


/*
 * The loop looks at them after a pause.
 */
static void
check_timers(const struct timespec *pause)
{
    size_t            i, n_stopped;
    uint64_t          end;
    struct fired      fired;
    struct probe     *probes;
    struct wd_loop    loop;
    struct faas_err   err;

    memset(&fired, 0, sizeof(fired));
    probes = calloc(N_TIMERS, sizeof(*probes));
    assert_non_null(probes);
    assert_int_equal(wd_loop_init(&loop, &err), 0);

    for (i = 0; i < N_TIMERS; i++) {
        probes[i].loop = &loop;
        probes[i].fired = &fired;
        assert_int_equal(wd_timer_init(&loop, &probes[i].timer, on_probe,
                                       &probes[i]), 0);
        set(&probes[i], i * 7919 % 40 + 1);
    }

    /* some are moved either way, some stopped, some stopped and set again */

    n_stopped = 0;

    for (i = 0; i < N_TIMERS; i++) {
        if (i % 5 == 1) {
            set(&probes[i], i * 104729 % 60 + 1);

        } else if (i % 5 == 2) {
            wd_timer_stop(&probes[i].timer);
            n_stopped++;

        } else if (i % 5 == 3) {
            wd_timer_stop(&probes[i].timer);
            set(&probes[i], 20);
        }
    }

    assert_int_equal(nanosleep(pause, NULL), 0);
    end = wd_clock() + 10 * 1000000000ULL;

    while (fired.n < N_TIMERS - n_stopped && wd_clock() < end) {
        assert_int_equal(wd_loop_once(&loop, 0), 0);
    }

    assert_int_equal(fired.n, N_TIMERS - n_stopped);
    assert_int_equal(fired.n_early, 0);
    assert_int_equal(fired.n_disordered, 0);
    assert_int_equal(loop.n_heap, 0);

    wd_loop_done(&loop);
    free(probes);
}


static void
timers(void **state)
{
    static const struct timespec  none = { 0, 0 };

    (void) state;

    check_timers(&none);
}


static void
timers_that_are_late(void **state)
{
    static const struct timespec  until_all_are_due = { 0, 100000000 };

    (void) state;

    check_timers(&until_all_are_due);
}


static void
on_close_other(struct wd_event *ev, uint32_t events)
{
    struct wd_event  **pair;

    (void) events;
    pair = ev->owner;

    /* both are readable; the other one must not be handled any more */

    wd_loop_close((struct wd_loop *) (void *) pair[2], pair[0] == ev
                  ? pair[1] : pair[0]);
    wd_loop_close((struct wd_loop *) (void *) pair[2], ev);
}


static void
closed_events_are_forgotten(void **state)
{
    int               fds[2][2], i;
    struct wd_loop    loop;
    struct faas_err   err;
    struct wd_event   events[2], *pair[3];

    (void) state;
    assert_int_equal(wd_loop_init(&loop, &err), 0);
    memset(events, 0, sizeof(events));
    pair[0] = &events[0];
    pair[1] = &events[1];
    pair[2] = (struct wd_event *) (void *) &loop;

    for (i = 0; i < 2; i++) {
        assert_int_equal(pipe(fds[i]), 0);
        assert_int_equal(write(fds[i][1], "x", 1), 1);
        events[i].fd = fds[i][0];
        events[i].owner = pair;
        events[i].handler = on_close_other;
        assert_int_equal(wd_loop_add(&loop, &events[i], EPOLLIN), 0);
    }

    /* a second call of the handler would close -1 and crash on nothing, so
       it is the count of descriptors that tells */

    assert_int_equal(wd_loop_once(&loop, 0), 0);
    assert_int_equal(events[0].fd, -1);
    assert_int_equal(events[1].fd, -1);
    assert_int_equal(loop.n_events, 0);

    close(fds[0][1]);
    close(fds[1][1]);
    wd_loop_done(&loop);
}


/* the lines that these pieces make, written with a prefix or without */
static void
check_lines(const char *const *pieces, size_t max, const char *want)
{
    int               fds[2];
    char              got[4096];
    size_t            i;
    ssize_t           n;
    struct wd_log    *log;
    struct wd_lines   lines;

    log = malloc(sizeof(*log));
    assert_non_null(log);
    assert_int_equal(pipe(fds), 0);
    wd_log_init(log, 0);
    log->out.fd = fds[1];
    wd_lines_init(&lines, &log->out, "stdout", max);

    for (i = 0; pieces[i] != NULL; i++) {
        wd_lines_add(log, &lines, pieces[i], strlen(pieces[i]));
    }

    wd_lines_end(log, &lines);
    wd_log_flush(log);
    close(fds[1]);

    n = read(fds[0], got, sizeof(got) - 1);
    assert_true(n >= 0);
    got[n] = '\0';
    assert_string_equal(got, want);

    close(fds[0]);
    wd_lines_done(&lines);
    free(log);
}


static void
lines(void **state)
{
    static const char *const  torn[] = { "a", "b\nc", "", "d", "\n\ne\n",
                                         NULL };
    static const char *const  unended[] = { "one\ntwo", NULL };
    static const char *const  longer[] = { "0123456", "789abcdef\nx\n",
                                           NULL };
    static const char *const  exact[] = { "01234567", "\nx\n", NULL };

    (void) state;
    check_lines(torn, 100, "ab\ncd\n\ne\n");
    check_lines(unended, 100, "one\ntwo\n");
    check_lines(longer, 8, "01234567\n89abcdef\nx\n");
    check_lines(exact, 8, "01234567\nx\n");
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(timers),
        cmocka_unit_test(timers_that_are_late),
        cmocka_unit_test(closed_events_are_forgotten),
        cmocka_unit_test(lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

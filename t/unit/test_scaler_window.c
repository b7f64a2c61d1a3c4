/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * If this fails, the load that replicas are chosen by is not the load that
 * there was.
 *
 * uses: scaler/window.c
 */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "scaler/window.h"
#include "t/unit/draw.h"


#define LENGTH  6000            /* msec; a slice is 100 */
#define ALL     60000


static struct window  window;
static double         exact[ALL];       /* load of each msec */


static int
prepare(void **state)
{
    (void) state;

    window_init(&window, LENGTH, 0);
    memset(exact, 0, sizeof(exact));
    seed = 1;

    return 0;
}


static void
near(double a, double b, double by)
{
    assert_true(fabs(a - b) <= by);
}


static void
add(uint64_t from, uint64_t to, double load)
{
    uint64_t  i;

    window_add(&window, from, to, load * (double) (to - from));

    for (i = from; i < to; i++) {
        exact[i] += load;
    }
}


static double
exact_mean(uint64_t now, uint64_t span)
{
    double    sum;
    uint64_t  i;

    sum = 0;

    for (i = now - span; i < now; i++) {
        sum += exact[i];
    }

    return sum / (double) span;
}


static void
a_constant_load_is_its_mean(void **state)
{
    uint64_t  now, span;

    (void) state;

    for (now = 0; now < 30000; now += 250) {
        add(now, now + 250, 7);

        for (span = 100; span <= LENGTH; span += 50) {
            near(window_mean(&window, now + 250, span), 7, 1e-9);
        }
    }
}


static void
any_load_is_nearly_its_mean(void **state)
{
    double    load;
    uint64_t  now, next, span;

    (void) state;

    for (now = 0; now + 1000 < ALL; now = next) {
        next = now + 1 + draw(700);
        load = draw(3) == 0 ? (double) draw(100) : 0;
        add(now, next, load);

        /* of the oldest slice it is not known which part had the load */

        span = 100 + draw(LENGTH - 100);

        if (next >= span) {
            near(window_mean(&window, next, span), exact_mean(next, span),
                 100.0 * 100 / (double) span);
        }
    }
}


static void
what_comes_late_counts(void **state)
{
    (void) state;

    add(0, 5000, 1);
    add(2000, 4000, 3);
    near(window_mean(&window, 5000, 5000), 2.2, 1e-9);
    near(window_mean(&window, 5000, 1000), 1, 1e-9);

    /* but not what is too old, nor what was before */

    add(50000, 50100, 1);
    add(0, 40000, 1000);
    near(window_mean(&window, 50100, 1000), 0.1, 1e-9);
}


static void
a_moment_is_a_call(void **state)
{
    (void) state;

    window_add(&window, 5000, 5000, 1000);
    near(window_mean(&window, 5100, 1000), 1, 1e-9);
    near(window_mean(&window, 10000, 5000), 0.2, 1e-9);
    assert_true(window_mean(&window, 11200, 5000) <= 0);
}


static void
it_began_when_it_began(void **state)
{
    (void) state;

    window_init(&window, LENGTH, 20000);
    window_add(&window, 20000, 21000, 5000);
    near(window_mean(&window, 21000, LENGTH), 5, 1e-9);
    near(window_mean(&window, 22000, LENGTH), 2.5, 1e-9);

    /* one slice at least: the first call is not a load without end */

    window_init(&window, LENGTH, 30000);
    window_add(&window, 30000, 30001, 1);
    near(window_mean(&window, 30001, LENGTH), 0.01, 1e-9);
}


static void
a_longer_span_is_the_windows(void **state)
{
    uint64_t  now;

    (void) state;

    for (now = 0; now < 20000; now += 250) {
        add(now, now + 250, 3);
    }

    near(window_mean(&window, 20000, 1000000), 3, 1e-9);

    /* and one whose length is no multiple of its slices */

    window_init(&window, 1019, 0);

    for (now = 0; now < 20000; now += 10) {
        window_add(&window, now, now + 10, 30);
        near(window_mean(&window, now + 10, 1019), 3, 1e-6);
    }
}


static void
it_is_empty_after_its_length(void **state)
{
    (void) state;

    assert_true(window_is_empty(&window, 0));
    assert_true(window_is_empty(&window, 100000));
    add(1000, 2000, 1);
    assert_false(window_is_empty(&window, 2000));
    assert_false(window_is_empty(&window, 7900));
    assert_true(window_is_empty(&window, 8100));
    assert_true(window_mean(&window, 8100, LENGTH) <= 0);

    window_add(&window, 9000, 9000, 0);
    assert_true(window_is_empty(&window, 9000));
}


static void
time_may_jump(void **state)
{
    (void) state;

    window_init(&window, 0, 5);
    window_add(&window, 5, 6, 1);
    near(window_mean(&window, 6, 1), 1, 1e-9);

    window_init(&window, LENGTH, 5);
    window_add(&window, 5, UINT64_MAX / 2, 1);
    assert_true(isfinite(window_mean(&window, UINT64_MAX / 2, LENGTH)));
    assert_true(window_mean(&window, 10, LENGTH) >= 0);
    (void) window_is_empty(&window, 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup(a_constant_load_is_its_mean, prepare),
        cmocka_unit_test_setup(any_load_is_nearly_its_mean, prepare),
        cmocka_unit_test_setup(what_comes_late_counts, prepare),
        cmocka_unit_test_setup(a_moment_is_a_call, prepare),
        cmocka_unit_test_setup(it_began_when_it_began, prepare),
        cmocka_unit_test_setup(a_longer_span_is_the_windows, prepare),
        cmocka_unit_test_setup(it_is_empty_after_its_length, prepare),
        cmocka_unit_test_setup(time_may_jump, prepare),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

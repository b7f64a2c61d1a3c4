/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * If this fails, what a function is said to use of the machine is wrong.
 *
 * uses: scaler/usage.c
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "scaler/usage.h"


static void
a_session_is_found(void **state)
{
    struct usage_set      set;
    const struct usage   *usage;

    (void) state;

    assert_int_equal(usage_collect(&set), 0);
    assert_true(set.n > 0);

    usage = usage_find(&set, getsid(0));
    assert_non_null(usage);
    assert_true(usage->memory >= 4096);
    assert_null(usage_find(&set, 0x7ffffffe));

    usage_done(&set);
    assert_null(usage_find(&set, getsid(0)));
}


static void
a_rate_is_of_the_time_between(void **state)
{
    struct usage       usage;
    struct usage_rate  rate;

    (void) state;

    memset(&usage, 0, sizeof(usage));
    memset(&rate, 0, sizeof(rate));

    /* 500 msec of CPU in the first 2 s, 1 s in the next one, then none */

    usage.cpu_ms = 500;
    assert_int_equal(usage_rate(&rate, &usage, 10000, 12000), 250);
    usage.cpu_ms = 1500;
    assert_int_equal(usage_rate(&rate, &usage, 10000, 12999), 250);
    assert_int_equal(usage_rate(&rate, &usage, 10000, 13000), 1000);
    assert_int_equal(usage_rate(&rate, &usage, 10000, 15000), 0);

    /* another process, started since */

    usage.cpu_ms = 300;
    assert_int_equal(usage_rate(&rate, &usage, 15500, 17000), 200);
    assert_int_equal(usage_rate(&rate, &usage, 17000, 17000), 200);
}


static void
time_spent_never_falls(void **state)
{
    struct usage  last, usage;

    (void) state;

    memset(&last, 0, sizeof(last));
    memset(&usage, 0, sizeof(usage));

    usage.session = 10;
    usage.cpu_ms = 500;
    assert_int_equal(usage_gain(&last, &usage), 500);
    assert_int_equal(usage_gain(&last, &usage), 0);

    /* a child that nobody has waited for is gone */

    usage.cpu_ms = 400;
    assert_int_equal(usage_gain(&last, &usage), 0);
    usage.cpu_ms = 450;
    assert_int_equal(usage_gain(&last, &usage), 50);

    /* another process, which has spent more already */

    usage.session = 11;
    usage.cpu_ms = 600;
    assert_int_equal(usage_gain(&last, &usage), 600);

    /* what was spent before the first look is not counted */

    last.session = 12;
    last.cpu_ms = UINT64_MAX;
    usage.session = 12;
    usage.cpu_ms = 1000;
    assert_int_equal(usage_gain(&last, &usage), 0);
    usage.cpu_ms = 1100;
    assert_int_equal(usage_gain(&last, &usage), 100);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_session_is_found),
        cmocka_unit_test(a_rate_is_of_the_time_between),
        cmocka_unit_test(time_spent_never_falls),
    };

    return cmocka_run_group_tests_name("usage", tests, NULL, NULL);
}

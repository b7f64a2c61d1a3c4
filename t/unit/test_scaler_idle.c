/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * If this fails, a function that is called by a clock has a replica at the
 * wrong times, or one that is not has other than the fixed time.
 *
 * uses: scaler/idle.c scaler/learned.c
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "scaler/idle.h"


#define MINUTE  UINT64_C(60000)
#define HOUR    (60 * MINUTE)
#define FIXED   (15 * MINUTE)


static struct idle             idle;
static struct policy_settings  settings;
static uint64_t                now;


static int
prepare(void **state)
{
    (void) state;

    now = 1000;
    idle_init(&idle, now);
    memset(&settings, 0, sizeof(settings));
    settings.is_zero = 1;
    settings.zero_ms = FIXED;

    return 0;
}


static int
clean_up(void **state)
{
    (void) state;

    idle_done(&idle);

    return 0;
}


static void
call_after(uint64_t msec, int times)
{
    while (times-- > 0) {
        now += msec;
        idle_call(&idle, now);
    }
}


static uint64_t
zero_after(uint64_t msec, int is_due)
{
    settings.zero_ms = FIXED;
    assert_int_equal(idle_apply(&idle, now + msec, &settings), is_due);

    return settings.zero_ms;
}


static void
a_fixed_time_is_the_default(void **state)
{
    (void) state;

    call_after(HOUR, 50);
    assert_int_equal(zero_after(MINUTE, 0), FIXED);
    assert_int_equal(zero_after(HOUR, 0), FIXED);
}


static void
a_clock_is_learned(void **state)
{
    uint64_t  end;

    (void) state;

    idle_learn(&idle, 1);
    call_after(HOUR, 9);
    assert_int_equal(zero_after(MINUTE, 0), FIXED);

    call_after(HOUR, 21);

    /* gone soon, back before the hour, gone for good behind it */

    assert_int_equal(zero_after(MINUTE, 0), IDLE_GAP);
    assert_int_equal(zero_after(30 * MINUTE, 0), IDLE_GAP);
    end = zero_after(59 * MINUTE, 1);
    assert_in_range(end, HOUR, HOUR + 10 * MINUTE);
    assert_int_equal(zero_after(HOUR, 1), end);
    assert_int_equal(zero_after(2 * HOUR, 0), end);

    /* without scale.zero nothing is due */

    settings.is_zero = 0;
    assert_int_equal(zero_after(59 * MINUTE, 0), FIXED);

    /* and what was learned is forgotten with the label */

    settings.is_zero = 1;
    idle_learn(&idle, 0);
    assert_int_equal(zero_after(59 * MINUTE, 0), FIXED);
}


static void
many_calls_keep_a_replica(void **state)
{
    (void) state;

    idle_learn(&idle, 1);
    call_after(30000, 200);
    assert_in_range(zero_after(MINUTE, 0), MINUTE, 3 * MINUTE);
}


static void
reports_of_one_call_are_no_pauses(void **state)
{
    (void) state;

    idle_learn(&idle, 1);
    call_after(IDLE_GAP - 1, 200);
    assert_int_equal(zero_after(MINUTE, 0), FIXED);
    assert_int_equal(idle.called_ms, now);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(a_fixed_time_is_the_default, prepare,
                                        clean_up),
        cmocka_unit_test_setup_teardown(a_clock_is_learned, prepare,
                                        clean_up),
        cmocka_unit_test_setup_teardown(many_calls_keep_a_replica, prepare,
                                        clean_up),
        cmocka_unit_test_setup_teardown(reports_of_one_call_are_no_pauses,
                                        prepare, clean_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

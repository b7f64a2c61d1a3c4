/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * If this fails, a function whose keep-alive is learned is away when its calls
 * come, or kept for nothing.
 *
 * uses: scaler/learned.c
 */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "scaler/learned.h"
#include "t/unit/draw.h"


#define MINUTE  60000ULL
#define HOUR    (60 * MINUTE)


static struct learned  learned;
static uint64_t        prewarm, keep;


static int
prepare(void **state)
{
    (void) state;

    learned_init(&learned);
    prewarm = keep = 0;
    seed = 1;

    return 0;
}


static void
note(uint64_t idle_ms, int times)
{
    while (times-- > 0) {
        learned_note_idle(&learned, idle_ms);
    }
}


static int
windows(void)
{
    return learned_windows(&learned, &prewarm, &keep);
}


static void
a_clock_is_learned(void **state)
{
    (void) state;

    note(59 * MINUTE + 59000, LEARNED_SAMPLES_MIN - 1);
    assert_false(windows());
    note(60 * MINUTE + 1000, 1);
    assert_true(windows());

    /* there before the call, but not for long */

    assert_true(prewarm <= 59 * MINUTE && prewarm >= 50 * MINUTE);
    assert_true(prewarm + keep >= 61 * MINUTE);
    assert_true(keep <= 12 * MINUTE);
}


static void
who_is_called_often_stays(void **state)
{
    int  i;

    (void) state;

    for (i = 0; i < 5000; i++) {
        note(draw(3 * MINUTE), 1);
    }

    assert_true(windows());
    assert_int_equal(prewarm, 0);
    assert_true(keep >= 3 * MINUTE && keep <= 4 * MINUTE);
}


static void
nobody_goes_for_a_moment(void **state)
{
    (void) state;

    note(3 * MINUTE, 50);
    assert_true(windows());
    assert_int_equal(prewarm, 0);
    assert_true(keep >= 4 * MINUTE && keep <= 5 * MINUTE);

    learned_init(&learned);
    note(5 * MINUTE, 50);
    assert_true(windows());
    assert_true(prewarm >= 4 * MINUTE);
}


static void
the_tail_is_left(void **state)
{
    (void) state;

    note(30000, 97);
    note(3 * HOUR, 3);
    assert_true(windows());
    assert_int_equal(prewarm, 0);
    assert_true(keep < 2 * MINUTE);

    note(3 * HOUR, 10);
    assert_true(windows());
    assert_true(keep > 3 * HOUR);

    /* one of ten is more than what is left */

    learned_init(&learned);
    note(30000, 9);
    note(3 * HOUR, 1);
    assert_true(windows());
    assert_true(keep > 3 * HOUR);
}


static void
what_says_nothing_is_not_used(void **state)
{
    uint64_t  i;

    (void) state;

    /* too few */

    assert_false(windows());
    note(MINUTE, LEARNED_SAMPLES_MIN - 1);
    assert_false(windows());

    /* mostly beyond */

    note(MINUTE, 11);
    note(5 * HOUR, 20);
    assert_true(windows());
    note(UINT64_MAX, 1);
    prewarm = keep = 0;
    assert_false(windows());

    /* flat */

    learned_init(&learned);

    for (i = 0; i < 480; i++) {
        note(i % 240 * MINUTE, 1);
    }

    assert_false(windows());

    /* few samples, each in a bin of its own, are no peaks */

    learned_init(&learned);

    for (i = 0; i < 20; i++) {
        note(i * 12 * MINUTE, 1);
    }

    assert_false(windows());

    learned_init(&learned);

    for (i = 0; i < 15; i++) {
        note(i * 12 * MINUTE, 2);
    }

    assert_false(windows());
    assert_int_equal(prewarm, 0);
    assert_int_equal(keep, 0);
}


static void
what_was_is_forgotten(void **state)
{
    (void) state;

    note(10 * MINUTE, 100000);
    assert_true(windows());
    assert_true(keep < 4 * MINUTE);
    note(100 * MINUTE, 2000);
    assert_true(windows());
    assert_true(prewarm > 90 * MINUTE);
}


static void
counts_are_what_bins_hold(void **state)
{
    int            i, j;
    unsigned       sum;
    uint64_t       range;

    (void) state;

    assert_true(sizeof(learned) <= 300);

    for (i = 0; i < 100000; i++) {
        range = draw(2) == 0 ? 5 * HOUR : 20 * MINUTE;
        note(draw(range), 1);

        if (i % 100 == 0) {
            for (sum = 0, j = 0; j < LEARNED_BINS; j++) {
                sum += learned.bins[j];
            }

            assert_int_equal(sum, learned.samples);
            assert_true(learned.samples + learned.beyond
                        <= LEARNED_SAMPLES_MAX);

            if (windows()) {
                assert_true(keep > 0);
                assert_true(prewarm + keep <= 5 * HOUR);
            }
        }
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup(a_clock_is_learned, prepare),
        cmocka_unit_test_setup(who_is_called_often_stays, prepare),
        cmocka_unit_test_setup(nobody_goes_for_a_moment, prepare),
        cmocka_unit_test_setup(the_tail_is_left, prepare),
        cmocka_unit_test_setup(what_says_nothing_is_not_used, prepare),
        cmocka_unit_test_setup(what_was_is_forgotten, prepare),
        cmocka_unit_test_setup(counts_are_what_bins_hold, prepare),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

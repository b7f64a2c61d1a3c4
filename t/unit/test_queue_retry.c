/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * If this fails, calls are tried again that should not be, or not, or too
 * early, or at all the same time.
 *
 * uses: queue/retry.c
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "queue/retry.h"


#define NOW  1795855359             /* Sat, 28 Nov 2026 08:42:39 GMT */


static struct retry_policy
policy(enum retry_jitter jitter)
{
    struct retry_policy  p;

    memset(&p, 0, sizeof(p));
    p.attempts = 10;
    p.min_wait_ms = 10000;
    p.max_wait_ms = 120000;
    p.jitter = jitter;
    assert_int_equal(retry_parse_codes("429,502,503,504", &p, NULL), 0);

    return p;
}


static void
test_codes(void **state)
{
    struct faas_err      err;
    struct retry_policy  p;

    (void) state;

    p = policy(RETRY_FULL);
    assert_int_equal(p.n_codes, 4);
    assert_true(retry_is_wanted(&p, 429, 0));
    assert_true(retry_is_wanted(&p, 504, 0));
    assert_false(retry_is_wanted(&p, 500, 0));
    assert_false(retry_is_wanted(&p, 200, 1));
    assert_false(retry_is_wanted(&p, 400, 1));
    assert_true(retry_is_wanted(&p, 500, 1));
    assert_true(retry_is_wanted(&p, 404, 1));
    assert_false(retry_is_wanted(&p, 404, 0));
    assert_true(retry_is_wanted(&p, 408, 1));

    assert_int_equal(retry_parse_codes("", &p, &err), 0);
    assert_int_equal(p.n_codes, 0);
    assert_int_equal(retry_parse_codes("99", &p, &err), -1);
    assert_int_equal(retry_parse_codes("500,", &p, &err), 0);
    assert_int_equal(retry_parse_codes("500;502", &p, &err), -1);
    assert_int_equal(retry_parse_codes("1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,"
                                       "16,17", &p, &err), -1);
}


static void
test_waits(void **state)
{
    uint64_t             i, wait;
    struct retry_policy  p;

    (void) state;

    p = policy(RETRY_EXPONENTIAL);
    assert_int_equal(retry_wait_ms(&p, 1, 0, 7), 10000);
    assert_int_equal(retry_wait_ms(&p, 2, 0, 7), 20000);
    assert_int_equal(retry_wait_ms(&p, 4, 0, 7), 80000);
    assert_int_equal(retry_wait_ms(&p, 5, 0, 7), 120000);
    assert_int_equal(retry_wait_ms(&p, UINT64_MAX, 0, 7), 120000);

    p = policy(RETRY_FULL);
    assert_int_equal(retry_wait_ms(&p, 1, 0, 0), 0);
    assert_int_equal(retry_wait_ms(&p, 1, 0, 10000), 10000);

    for (i = 0; i < 100000; i += 777) {
        wait = retry_wait_ms(&p, 2, 0, i * 7919);
        assert_true(wait <= 20000);
    }

    p = policy(RETRY_EQUAL);

    for (i = 0; i < 100000; i += 777) {
        wait = retry_wait_ms(&p, 2, 0, i * 7919);
        assert_true(wait >= 10000 && wait <= 20000);
    }

    /* no wait at all is one as well */

    p.min_wait_ms = 0;
    p.max_wait_ms = 0;
    assert_int_equal(retry_wait_ms(&p, 3, 0, 5), 0);
}


static void
test_after(void **state)
{
    struct retry_policy  p;

    (void) state;

    p = policy(RETRY_FULL);
    assert_int_equal(retry_wait_ms(&p, 1, 30000, 3), 30000);
    assert_int_equal(retry_wait_ms(&p, 1, 1000, 3), 10000);
    assert_int_equal(retry_wait_ms(&p, 1, 900000, 3), 120000);

    assert_int_equal(retry_parse_after("30", NOW), 30000);
    assert_int_equal(retry_parse_after("0", NOW), 0);
    assert_int_equal(retry_parse_after("", NOW), 0);
    assert_int_equal(retry_parse_after("-5", NOW), 0);
    assert_int_equal(retry_parse_after("soon", NOW), 0);
    assert_int_equal(retry_parse_after("99999999999999999999", NOW), 0);
    assert_int_equal(retry_parse_after("99999999999999", NOW), 86400000);
    assert_int_equal(retry_parse_after("Sat, 28 Nov 2026 08:43:39 GMT", NOW),
                     60000);
    assert_int_equal(retry_parse_after("Sat, 28 Nov 2026 08:41:39 GMT", NOW),
                     0);
    assert_int_equal(retry_parse_after("Sat, 28 Nov 2099 08:41:39 GMT", NOW),
                     86400000);
}


static void
test_override(void **state)
{
    struct retry_policy         p;
    struct faas_async_settings  own;

    (void) state;

    p = policy(RETRY_FULL);
    faas_async_settings_init(&own);
    retry_override(&p, &own);
    assert_int_equal(p.attempts, 10);
    assert_int_equal(p.n_codes, 4);

    own.attempts = 2;
    own.max_wait_ms = 5000;
    own.n_codes = 1;
    own.codes[0] = 500;
    retry_override(&p, &own);
    assert_int_equal(p.attempts, 2);
    assert_int_equal(p.max_wait_ms, 5000);
    assert_int_equal(p.min_wait_ms, 5000);
    assert_true(retry_is_wanted(&p, 500, 0));
    assert_false(retry_is_wanted(&p, 503, 0));
}


static void
test_jitter(void **state)
{
    enum retry_jitter  jitter;

    (void) state;

    assert_int_equal(retry_parse_jitter("equal", &jitter), 0);
    assert_int_equal(jitter, RETRY_EQUAL);
    assert_int_equal(retry_parse_jitter("none", &jitter), -1);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_codes),
        cmocka_unit_test(test_waits),
        cmocka_unit_test(test_after),
        cmocka_unit_test(test_override),
        cmocka_unit_test(test_jitter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * If this fails, traces of clients break at the gateway, or rubbish is passed
 * on as one.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/faas_trace.h"


#define TRACE   "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT  "00f067aa0ba902b7"


static int
valid(const char *s)
{
    return faas_trace_is_valid(s, strlen(s));
}


static void
valid_ones_are_known(void **state)
{
    (void) state;

    assert_true(valid("00-" TRACE "-" PARENT "-01"));
    assert_true(valid("00-" TRACE "-" PARENT "-00"));
    assert_true(valid("00-" TRACE "-" PARENT "-ff"));

    /* later versions may have more behind a dash */
    assert_true(valid("01-" TRACE "-" PARENT "-01"));
    assert_true(valid("cc-" TRACE "-" PARENT "-01-what-comes"));
}


static void
others_are_refused(void **state)
{
    size_t                    i;
    static const char *const  bad[] = {
        "", "00", "00-" TRACE "-" PARENT, "00-" TRACE "-" PARENT "-0",
        "00-" TRACE "-" PARENT "-01-", "00-" TRACE "-" PARENT "-01x",
        "cc-" TRACE "-" PARENT "-01x", "ff-" TRACE "-" PARENT "-01",
        "0g-" TRACE "-" PARENT "-01", "00_" TRACE "-" PARENT "-01",
        "00-" TRACE "_" PARENT "-01", "00-" TRACE "-" PARENT "_01",
        "00-4BF92F3577B34DA6A3CE929D0E0E4736-" PARENT "-01",
        "00-00000000000000000000000000000000-" PARENT "-01",
        "00-" TRACE "-0000000000000000-01",
        "00-" TRACE "-" PARENT "-0\n",
    };

    (void) state;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (valid(bad[i])) {
            fail_msg("accepted: %s", bad[i]);
        }
    }
}


static void
what_is_made_is_valid(void **state)
{
    char  text[FAAS_TRACE_LEN + 1];

    (void) state;

    faas_trace_encode("0123456789abcdeffedcba9876543210", 1, text);
    text[FAAS_TRACE_LEN] = '\0';

    assert_string_equal(text, "00-0123456789abcdeffedcba9876543210-"
                              "0000000000000001-01");
    assert_true(valid(text));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(valid_ones_are_known),
        cmocka_unit_test(others_are_refused),
        cmocka_unit_test(what_is_made_is_valid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Which requests another site has made a browser send.  If this fails, a page
 * that an operator opens can change functions, or the portal cannot.
 *
 * uses: scaler/origin.c
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scaler/origin.h"


#define HOST  "faas.example:8080"


static void
test_programs_send_neither(void **state)
{
    (void) state;

    assert_false(origin_is_foreign(NULL, NULL, HOST));
    assert_false(origin_is_foreign(NULL, NULL, NULL));
}


static void
test_sec_fetch_site_has_the_last_word(void **state)
{
    (void) state;

    assert_false(origin_is_foreign("same-origin", NULL, HOST));
    assert_false(origin_is_foreign("same-origin", "https://other", HOST));
    assert_false(origin_is_foreign("none", NULL, HOST));

    assert_true(origin_is_foreign("cross-site", NULL, HOST));
    assert_true(origin_is_foreign("same-site", "http://" HOST, HOST));
    assert_true(origin_is_foreign("Same-Origin", NULL, HOST));
    assert_true(origin_is_foreign("same-origin, cross-site", NULL, HOST));
    assert_true(origin_is_foreign("", NULL, HOST));
}


static void
test_origin_has_to_be_the_host(void **state)
{
    (void) state;

    assert_false(origin_is_foreign(NULL, "http://" HOST, HOST));
    assert_false(origin_is_foreign(NULL, "https://" HOST, HOST));
    assert_false(origin_is_foreign(NULL, "https://FAAS.example:8080", HOST));
    assert_false(origin_is_foreign(NULL, "http://[::1]:80", "[::1]:80"));

    assert_true(origin_is_foreign(NULL, "http://evil.example", HOST));
    assert_true(origin_is_foreign(NULL, "http://faas.example", HOST));
    assert_true(origin_is_foreign(NULL, "http://faas.example:80800", HOST));
    assert_true(origin_is_foreign(NULL, "http://x." HOST, HOST));
    assert_true(origin_is_foreign(NULL, "http://" HOST ".evil", HOST));
    assert_true(origin_is_foreign(NULL, "http://" HOST "/", HOST));
    assert_true(origin_is_foreign(NULL, HOST, HOST));
    assert_true(origin_is_foreign(NULL, "null", "null"));
    assert_true(origin_is_foreign(NULL, "", ""));
    assert_true(origin_is_foreign(NULL, "http://" HOST, NULL));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_programs_send_neither),
        cmocka_unit_test(test_sec_fetch_site_has_the_last_word),
        cmocka_unit_test(test_origin_has_to_be_the_host),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

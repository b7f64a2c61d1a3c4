/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * If this fails, a stack file that faas-cli reads has another image, another
 * password or another gateway in it with faas.
 *
 * uses: cli/subst.c cli/pool.c
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/subst.h"


static struct pool  pool;


static const char *
get(const char *name)
{
    return strcmp(name, "A") == 0 ? "abcabc"
           : strcmp(name, "EMPTY") == 0 ? ""
           : strcmp(name, "PATH_") == 0 ? "/a/b/c.tar.gz"
           : strcmp(name, "X_1") == 0 ? "x" : NULL;
}


static void
check(const char *text, const char *expected)
{
    struct subst      s = { &pool, "f.yml", get, { NULL, 0, 0 } };
    struct faas_buf   out;
    struct faas_err   err = { 0, "" };

    faas_buf_init(&out, 4096);

    if (subst_expand(&s, text, strlen(text), &out, &err) != 0) {
        fail_msg("%s: %s", text, err.text);
    }

    assert_string_equal(out.data != NULL ? out.data : "", expected);
    faas_buf_done(&out);
}


static void
check_fault(const char *text, const char *place)
{
    struct subst      s = { &pool, "f.yml", get, { NULL, 0, 0 } };
    struct faas_buf   out;
    struct faas_err   err = { 0, "" };

    faas_buf_init(&out, 4096);
    assert_int_equal(subst_expand(&s, text, strlen(text), &out, &err), -1);
    assert_memory_equal(err.text, place, strlen(place));
    faas_buf_done(&out);
}


static void
values_are_put_in(void **state)
{
    (void) state;

    check("", "");
    check("a ${A} b", "a abcabc b");
    check("${X_1}${X_1}", "xx");
    check("${NONE}", "");
    check("$A $ $", "$A $ $");
    check("$${A} $$A", "${A} $A");
    check("# ${A}\n", "# abcabc\n");
}


static void
defaults_are_for_what_is_empty(void **state)
{
    static const char *const  forms[] = { ":-", ":=", "=", ":+", ":?" };
    char                      text[64];
    size_t                    i;

    (void) state;

    for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        (void) snprintf(text, sizeof(text), "${A%sd}", forms[i]);
        check(text, "abcabc");
        (void) snprintf(text, sizeof(text), "${EMPTY%sd e}", forms[i]);
        check(text, "d e");
        (void) snprintf(text, sizeof(text), "${NONE%sd}", forms[i]);
        check(text, "d");
    }

    check("${NONE:-${A}}", "abcabc");
    check("${NONE:-${NONE:-x}y}", "xy");
    check("${NONE:-http://h:1/p}", "http://h:1/p");
}


static void
operations_change_values(void **state)
{
    (void) state;

    check("${#A} ${#NONE}", "6 0");
    check("${A^^} ${A^} ${A,,}", "ABCABC Abcabc abcabc");
    check("${A:1} ${A:1:2} ${A:9}", "bcabc bc ");
    check("${A/b/x} ${A//b/x} ${A/#a/x} ${A/%c/x}",
          "axcabc axcaxc xbcabc abcabx");
    check("${A//bc}", "aa");
    check("${PATH_#*/} ${PATH_##*/}", "a/b/c.tar.gz c.tar.gz");
    check("${PATH_%.*} ${PATH_%%.*}", "/a/b/c.tar /a/b/c");
    check("${A#x}", "abcabc");
}


static void
faults_have_their_line(void **state)
{
    (void) state;

    check_fault("${", "f.yml:1:");
    check_fault("a\nb ${ A }", "f.yml:2:");
    check_fault("\n\n${}", "f.yml:3:");
    check_fault("${A", "f.yml:1:");
    check_fault("${A-d}", "f.yml:1:");
    check_fault("${A:x}", "f.yml:1:");
    check_fault("${A:-b", "f.yml:1:");
    check_fault("${A/b", "f.yml:1:");
    check_fault("${A!}", "f.yml:1:");
}


static void
depth_and_size_have_bounds(void **state)
{
    char              text[4096] = "";
    size_t            i, len;
    struct subst      s = { &pool, "f", get, { NULL, 0, 0 } };
    struct faas_buf   out;
    struct faas_err   err;

    (void) state;

    for (i = 0, len = 0; i < 100; i++) {
        len += (size_t) snprintf(text + len, sizeof(text) - len, "${N:-");
    }

    faas_buf_init(&out, 4096);
    assert_int_equal(subst_expand(&s, text, len, &out, &err), -1);
    faas_buf_done(&out);

    faas_buf_init(&out, 4);
    assert_int_equal(subst_expand(&s, "${A}", 4, &out, &err), -1);
    faas_buf_done(&out);
}


static void
unset_ones_are_told(void **state)
{
    struct subst      s = { &pool, "f", get, { NULL, 0, 0 } };
    struct faas_buf   out;
    struct faas_err   err;

    (void) state;

    faas_buf_init(&out, 4096);
    assert_int_equal(subst_expand(&s, "\n${NONE} ${A}", 13, &out, &err), 0);
    faas_buf_done(&out);

    assert_int_equal(s.unset.n, 1);
    assert_string_equal(s.unset.at[0], "2: NONE");
}


int
main(void)
{
    int                       rc;
    const struct CMUnitTest   tests[] = {
        cmocka_unit_test(values_are_put_in),
        cmocka_unit_test(defaults_are_for_what_is_empty),
        cmocka_unit_test(operations_change_values),
        cmocka_unit_test(faults_have_their_line),
        cmocka_unit_test(depth_and_size_have_bounds),
        cmocka_unit_test(unset_ones_are_told),
    };

    rc = cmocka_run_group_tests(tests, NULL, NULL);
    pool_done(&pool);

    return rc;
}

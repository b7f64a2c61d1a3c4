/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The watchdog's own printf against that of the C library.  If this fails,
 * heads of answers and log lines have wrong numbers in them.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define WD_PRINTF_TEST
#include "watchdog/printf.c"


static void check(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));


static void
check(const char *fmt, ...)
{
    int      n, m;
    char     ours[128], theirs[128];
    va_list  args, copy;

    va_start(args, fmt);
    va_copy(copy, args);
    n = wd_vsnprintf(ours, sizeof(ours), fmt, args);
    m = vsnprintf(theirs, sizeof(theirs), fmt, copy);
    va_end(copy);
    va_end(args);

    assert_string_equal(ours, theirs);
    assert_int_equal(n, m);
}


static void
same(void **state)
{
    (void) state;

    check("%d|%d|%d|%d", 0, -1, INT32_MAX, INT32_MIN);
    check("%u|%lu|%llu", UINT32_MAX, (unsigned long) -1, UINT64_MAX + 0ULL);
    check("%ld|%lld|%zu", -5L, (long long) INT64_MIN, (size_t) -1);
    check("%04d|%02d|%06u|%4d|%2d", 7, -7, 42u, -42, 12345);
    check("%x|%04x|%04zx|%llx", 255u, 255u, (size_t) 4096, 1ULL << 40);
    check("%s|%.3s|%.*s|%6s|%.0s|", "text", "cut off", 2, "xyz", "pad", "no");
    check("%c%c%%%s", 'a', 'b', "");
    check("HTTP/1.1 %d %s\r\n", 200, "OK");
}


static void
no_room(void **state)
{
    char  small[5];

    (void) state;

    assert_int_equal(wd_snprintf(small, sizeof(small), "%s", "12345678"), 8);
    assert_string_equal(small, "1234");
    assert_int_equal(wd_snprintf(small, 1, "%d", 10), 2);
    assert_string_equal(small, "");
    assert_int_equal(wd_snprintf(NULL, 0, "%s %d", "abc", 99), 6);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(same),
        cmocka_unit_test(no_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

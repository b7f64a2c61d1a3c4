/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * If this fails, functions are called at other times than their schedules
 * say, twice where clocks are put back, or not at all where they are put forth.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/faas_cron.h"


/* 2026, a year that begins on a Thursday */
static time_t
at(int month, int day, int hour, int minute)
{
    struct tm  tm;

    memset(&tm, 0, sizeof(tm));
    tm.tm_year = 126;
    tm.tm_mon = month - 1;
    tm.tm_mday = day;
    tm.tm_hour = hour;
    tm.tm_min = minute;

    return timegm(&tm);
}


static void
zone(const char *name)
{
    assert_int_equal(setenv("TZ", name, 1), 0);
    tzset();
}


/* how often a schedule is due from one time to another */
static unsigned
count(const char *text, time_t from, time_t to)
{
    unsigned          n;
    struct faas_err   err;
    struct faas_cron  cron;

    assert_int_equal(faas_cron_parse(text, &cron, &err), 0);

    for (n = 0; from < to; from += 60) {
        n += faas_cron_is_due(&cron, from) != 0;
    }

    return n;
}


static int
is_due(const char *text, time_t when)
{
    return count(text, when, when + 1) == 1;
}


static void
test_fields(void **state)
{
    (void) state;

    zone("UTC");

    assert_true(is_due("* * * * *", at(6, 1, 12, 34)));
    assert_true(is_due("34 12 1 6 *", at(6, 1, 12, 34)));
    assert_false(is_due("33 12 1 6 *", at(6, 1, 12, 34)));
    assert_false(is_due("34 11 1 6 *", at(6, 1, 12, 34)));
    assert_false(is_due("34 12 2 6 *", at(6, 1, 12, 34)));
    assert_false(is_due("34 12 1 7 *", at(6, 1, 12, 34)));
    assert_true(is_due("  34\t12  1 6 * ", at(6, 1, 12, 34)));

    /* seconds are none of its business */

    assert_true(is_due("34 12 * * *", at(6, 1, 12, 34) + 59));
}


static void
test_counts(void **state)
{
    time_t  day, next, year;

    (void) state;

    zone("UTC");
    day = at(6, 1, 0, 0);
    next = at(6, 2, 0, 0);
    year = at(12, 31, 23, 59) + 60;

    assert_int_equal(count("* * * * *", day, next), 1440);
    assert_int_equal(count("*/15 * * * *", day, next), 96);
    assert_int_equal(count("7/15 * * * *", day, next), 4 * 24);
    assert_int_equal(count("0-10/5 * * * *", day, next), 3 * 24);
    assert_int_equal(count("1,2,5-7 * * * *", day, next), 5 * 24);
    assert_int_equal(count("0 8-17 * * *", day, next), 10);
    assert_int_equal(count("@hourly", day, next), 24);
    assert_int_equal(count("@daily", at(1, 1, 0, 0), year), 365);
    assert_int_equal(count("@midnight", day, next), 1);
    assert_int_equal(count("@weekly", at(1, 1, 0, 0), year), 52);
    assert_int_equal(count("@monthly", at(1, 1, 0, 0), year), 12);
    assert_int_equal(count("@yearly", at(1, 1, 0, 0), year), 1);
    assert_int_equal(count("@annually", at(1, 1, 0, 0), year), 1);
    assert_int_equal(count("0 0 29 2 *", at(1, 1, 0, 0), year), 0);
    assert_int_equal(count("0 0 31 * *", at(1, 1, 0, 0), year), 7);
    assert_int_equal(count("0 0 * jan-MAR *", at(1, 1, 0, 0), year), 90);
}


static void
test_days(void **state)
{
    (void) state;

    zone("UTC");

    /* 2026-06-07 is a Sunday */

    assert_true(is_due("0 0 * * 0", at(6, 7, 0, 0)));
    assert_true(is_due("0 0 * * 7", at(6, 7, 0, 0)));
    assert_true(is_due("0 0 * * sun", at(6, 7, 0, 0)));
    assert_true(is_due("0 0 * * 5-7", at(6, 7, 0, 0)));
    assert_false(is_due("0 0 * * 1-6", at(6, 7, 0, 0)));
    assert_false(is_due("0 0 * * Mon-Fri", at(6, 7, 0, 0)));

    /* either day will do, where both are given */

    assert_true(is_due("0 0 1 * 0", at(6, 7, 0, 0)));
    assert_true(is_due("0 0 1 * 0", at(6, 1, 0, 0)));
    assert_false(is_due("0 0 1 * 0", at(6, 2, 0, 0)));

    /* both, where one of them begins with an asterisk */

    assert_true(is_due("0 0 7 * */7", at(6, 7, 0, 0)));
    assert_false(is_due("0 0 8 * */7", at(6, 8, 0, 0)));
}


static void
test_bad(void **state)
{
    size_t            i;
    struct faas_err   err;
    struct faas_cron  cron;

    static const char *const  bad[] = {
        "", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *",
        "* * 0 * *", "* * 32 * *", "* * * 13 *", "* * * 0 *", "* * * * 8",
        "*/0 * * * *", "*/61 * * * *", "5-1 * * * *", "1- * * * *",
        "-1 * * * *", "a * * * *", "* * * foo *", "* * * * mond", ",1 * * * *",
        "1, * * * *", "1,,2 * * * *", "**/2 * * * *", "@reboot", "@every 5m",
        "1/ * * * *", "* jan * * *", "99999999999999999999 * * * *",
    };

    (void) state;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        err.text[0] = '\0';
        assert_int_equal(faas_cron_parse(bad[i], &cron, &err), -1);
        assert_string_not_equal(err.text, "");
    }
}


/*
 * Berlin: on 2026-03-29 at 1:00 UTC 2:00 becomes 3:00; on 2026-10-25 at 1:00
 * UTC 3:00 becomes 2:00.
 */
static void
test_forward(void **state)
{
    time_t  from, to;

    (void) state;

    zone("Europe/Berlin");
    from = at(3, 28, 23, 0);
    to = at(3, 29, 22, 0);

    assert_int_equal(count("30 2 * * *", from, to), 1);
    assert_true(is_due("30 2 * * *", at(3, 29, 1, 0)));
    assert_true(is_due("0 2 29 3 *", at(3, 29, 1, 0)));
    assert_int_equal(count("0 3 * * *", from, to), 1);
    assert_int_equal(count("0 1 * * *", from, to), 1);

    /* each hour of a day that has 23 */

    assert_int_equal(count("0 * * * *", from, to), 23);
    assert_int_equal(count("*/10 * * * *", from, to), 6 * 23);
}


static void
test_back(void **state)
{
    time_t  from, to;

    (void) state;

    zone("Europe/Berlin");
    from = at(10, 24, 22, 0);
    to = at(10, 25, 23, 0);

    assert_int_equal(count("30 2 * * *", from, to), 1);
    assert_true(is_due("30 2 * * *", at(10, 25, 0, 30)));
    assert_false(is_due("30 2 * * *", at(10, 25, 1, 30)));
    assert_int_equal(count("0 3 * * *", from, to), 1);
    assert_int_equal(count("0 * * * *", from, to), 25);
    assert_int_equal(count("*/10 * * * *", from, to), 6 * 25);
}


/*
 * By half an hour, and at midnight.
 */
static void
test_odd_zones(void **state)
{
    (void) state;

    zone("Australia/Lord_Howe");
    assert_int_equal(count("45 1 * * *", at(4, 4, 0, 0), at(4, 5, 12, 0)), 1);
    assert_int_equal(count("15 2 * * *", at(10, 3, 0, 0), at(10, 4, 12, 0)),
                     1);

    zone("Africa/Cairo");
    assert_int_equal(count("30 0 * * *", at(4, 23, 12, 0), at(4, 24, 12, 0)),
                     1);
}


/*
 * tm_isdst is 1 in Dublin's winter, and in Ramadan in Casablanca, whose
 * clocks are put back for it on 2026-02-15 at 2:00 UTC, and forward on
 * 2026-03-22 at 2:00 UTC.
 */
static void
test_winter_time(void **state)
{
    (void) state;

    zone("Europe/Dublin");
    assert_int_equal(count("30 1 * * *", at(3, 28, 12, 0), at(3, 29, 12, 0)),
                     1);
    assert_int_equal(count("30 1 * * *", at(10, 24, 12, 0),
                           at(10, 25, 12, 0)), 1);

    zone("Africa/Casablanca");
    assert_int_equal(count("30 2 * * *", at(2, 14, 12, 0), at(2, 15, 12, 0)),
                     1);
    assert_int_equal(count("30 2 * * *", at(3, 21, 12, 0), at(3, 22, 12, 0)),
                     1);
    assert_int_equal(count("0 * * * *", at(3, 21, 12, 0), at(3, 22, 12, 0)),
                     24);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_counts),
        cmocka_unit_test(test_days),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_forward),
        cmocka_unit_test(test_back),
        cmocka_unit_test(test_odd_zones),
        cmocka_unit_test(test_winter_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

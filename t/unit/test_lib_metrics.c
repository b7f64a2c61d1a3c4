/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * If this fails, what is counted is not what happened, or Prometheus cannot
 * read it.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/faas_expo.h"
#include "lib/faas_gauge.h"
#include "lib/faas_hist.h"
#include "lib/faas_uuid.h"


static void
a_gauge_and_its_integral_agree(void **state)
{
    uint64_t  word;

    (void) state;

    word = 0;
    word += faas_gauge_enter(1000);
    word += faas_gauge_enter(1500);

    assert_int_equal(faas_gauge_count(word), 2);
    assert_int_equal(faas_gauge_integral(word, 2000), 1500);

    word += faas_gauge_leave(2500);

    assert_int_equal(faas_gauge_count(word), 1);
    assert_int_equal(faas_gauge_integral(word, 3000), 3000);

    word += faas_gauge_leave_all(word, 4000);

    assert_int_equal(faas_gauge_count(word), 0);
    assert_int_equal(faas_gauge_integral(word, 4000), 4000);
    assert_int_equal(faas_gauge_integral(word, 999999), 4000);
}


static void
an_integral_survives_its_wrap(void **state)
{
    uint64_t  word, seen, total, t;

    (void) state;

    /* a million requests for a year is beyond 44 bits */

    word = 0;
    seen = 0;
    total = 0;
    t = 0;

    word += 1000000 * faas_gauge_enter(0);

    for (t = 0; t <= 31536000000ULL; t += 1000000) {
        faas_gauge_follow(faas_gauge_integral(word, t), &seen, &total);
    }

    assert_int_equal(total, 31536000000ULL * 1000000);
    assert_true(total > FAAS_GAUGE_TIME);
}


static void
a_clock_that_is_behind_takes_nothing_back(void **state)
{
    uint64_t  word, seen, total;

    (void) state;

    word = faas_gauge_enter(0);
    seen = 0;
    total = 0;

    faas_gauge_follow(faas_gauge_integral(word, 100), &seen, &total);
    faas_gauge_follow(faas_gauge_integral(word, 90), &seen, &total);
    assert_int_equal(total, 100);

    faas_gauge_follow(faas_gauge_integral(word, 110), &seen, &total);
    assert_int_equal(total, 110);
}


static void
buckets_include_their_bound(void **state)
{
    (void) state;

    assert_int_equal(faas_hist_bucket(0), 0);
    assert_int_equal(faas_hist_bucket(5000), 0);
    assert_int_equal(faas_hist_bucket(5001), 1);
    assert_int_equal(faas_hist_bucket(10000000), FAAS_HIST_BOUNDS - 1);
    assert_int_equal(faas_hist_bucket(10000001), FAAS_HIST_BOUNDS);
    assert_string_equal(faas_hist_le[FAAS_HIST_BOUNDS], "+Inf");
}


static void
samples_are_escaped_and_fit(void **state)
{
    char                text[128];
    size_t              len;
    struct faas_label   label;
    struct faas_sample  sample;
    static const char   want[] = "m_bucket{l=\"\\\"a\\\"b\\\\c\\nd\\n\"} 7\n";

    (void) state;

    label.name = "l";
    label.value = "\"a\"b\\c\nd\n";
    label.len = strlen(label.value);

    sample.name = "m";
    sample.suffix = "_bucket";
    sample.labels = &label;
    sample.n = 1;

    len = faas_expo_uint(text, sizeof(text), &sample, 7);
    assert_int_equal(len, sizeof(want) - 1);
    assert_memory_equal(text, want, len);

    assert_int_equal(faas_expo_uint(text, len - 1, &sample, 7), 0);

    sample.suffix = "";
    sample.n = 0;

    len = faas_expo_seconds(text, sizeof(text), &sample, 1000042);
    assert_int_equal(len, 11);
    assert_memory_equal(text, "m 1.000042\n", len);

    len = faas_expo_seconds(text, sizeof(text), &sample, 0);
    assert_memory_equal(text, "m 0.000000\n", len);

    len = faas_expo_seconds(text, sizeof(text), &sample, UINT64_MAX);
    assert_memory_equal(text, "m 18446744073709.551615\n", len);

    len = faas_expo_uint(text, sizeof(text), &sample, 0);
    assert_memory_equal(text, "m 0\n", len);

    len = faas_expo_uint(text, sizeof(text), &sample, UINT64_MAX);
    assert_memory_equal(text, "m 18446744073709551615\n", len);

    len = faas_expo_family(text, sizeof(text), "m", "help", "gauge");
    assert_memory_equal(text, "# HELP m help\n# TYPE m gauge\n", len);
}


static void
uuids_are_of_version_4(void **state)
{
    char                a[FAAS_UUID_LEN + 1], b[FAAS_UUID_LEN + 1];
    struct faas_random  random;

    (void) state;

    faas_uuid_encode(0, 0, a);
    assert_string_equal(a, "00000000-0000-4000-8000-000000000000");
    faas_uuid_encode(UINT64_MAX, UINT64_MAX, a);
    assert_string_equal(a, "ffffffff-ffff-4fff-bfff-ffffffffffff");
    faas_uuid_encode(0x0123456789abcdefULL, 0x0123456789abcdefULL, a);
    assert_string_equal(a, "01234567-89ab-4def-8123-456789abcdef");

    assert_int_equal(faas_random_seed(&random), 0);
    faas_uuid_encode(faas_random_next(&random), faas_random_next(&random), a);
    faas_uuid_encode(faas_random_next(&random), faas_random_next(&random), b);
    assert_string_not_equal(a, b);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_gauge_and_its_integral_agree),
        cmocka_unit_test(an_integral_survives_its_wrap),
        cmocka_unit_test(a_clock_that_is_behind_takes_nothing_back),
        cmocka_unit_test(buckets_include_their_bound),
        cmocka_unit_test(samples_are_escaped_and_fit),
        cmocka_unit_test(uuids_are_of_version_4),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

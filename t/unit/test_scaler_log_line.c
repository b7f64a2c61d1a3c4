/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * If this fails, clients get lines of a function's log that are no JSON, or
 * with a wrong time, or lines of another time than they asked for.
 *
 * uses: scaler/log_line.c scaler/log_query.c
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "scaler/log_line.h"
#include "scaler/log_query.h"


#define NSEC   1000000000ULL
#define STAMP  "2026-11-23T14:00:00.123456789Z"


static struct log_query  query;
static struct faas_err   err;


static uint64_t
time_of(const char *s)
{
    uint64_t  nsec;

    nsec = 7;

    if (log_time_parse(s, strlen(s), &nsec) != 0) {
        print_error("refused: %s\n", s);
        fail();
    }

    return nsec;
}


static void
no_time(const char *s)
{
    uint64_t  nsec;

    if (log_time_parse(s, strlen(s), &nsec) == 0) {
        print_error("taken: %s\n", s);
        fail();
    }
}


/*
 * What a client that reads JSON makes of a text.
 */
static void
encoded(const char *text, size_t len, const char *expected,
    size_t expected_len)
{
    json_t            *root, *value;
    struct faas_buf    buf;
    struct log_line    line;
    struct faas_name   name = { "fn", 2, "openfaas-fn", 11 };

    memset(&line, 0, sizeof(line));
    line.stamp = STAMP;
    line.stamp_len = LOG_STAMP_LEN;
    line.instance = "fn-1";
    line.instance_len = 4;
    line.text = text;
    line.text_len = len;

    faas_buf_init(&buf, 65536);
    assert_int_equal(log_line_encode(&name, &line, &buf), 0);
    assert_int_equal(buf.data[buf.len - 1], '\n');
    assert_null(memchr(buf.data, '\n', buf.len - 1));

    root = json_loadb(buf.data, buf.len, JSON_ALLOW_NUL, NULL);
    assert_non_null(root);
    assert_int_equal(json_object_size(root), 5);
    assert_string_equal(json_string_value(json_object_get(root, "name")),
                        "fn");
    assert_string_equal(json_string_value(json_object_get(root, "namespace")),
                        "openfaas-fn");
    assert_string_equal(json_string_value(json_object_get(root, "instance")),
                        "fn-1");
    assert_string_equal(json_string_value(json_object_get(root, "timestamp")),
                        STAMP);

    value = json_object_get(root, "text");
    assert_int_equal(json_string_length(value), expected_len);
    assert_memory_equal(json_string_value(value), expected, expected_len);

    json_decref(root);
    faas_buf_done(&buf);
}


static void
same(const char *text)
{
    encoded(text, strlen(text), text, strlen(text));
}


static void
becomes(const char *text, const char *expected)
{
    encoded(text, strlen(text), expected, strlen(expected));
}


static int
parse(const char *s)
{
    err.code = 0;

    return log_query_parse(s, &query, &err);
}


static void
bad_query(const char *s, int code)
{
    assert_int_equal(parse(s), -1);
    assert_int_equal(err.code, code);
}


static void
times_are_read(void **state)
{
    (void) state;

    assert_int_equal(time_of("1970-01-01T00:00:00Z"), 0);
    assert_int_equal(time_of("1970-01-02T00:00:01.5Z"),
                     86401 * NSEC + NSEC / 2);
    assert_int_equal(time_of("2026-11-23T14:00:00.123456789Z"),
                     1795442400 * NSEC + 123456789);
    assert_int_equal(time_of("2000-02-29T23:59:59Z"), 951868799 * NSEC);
    assert_int_equal(time_of("2100-03-01T00:00:00Z"), 4107542400 * NSEC);
    assert_int_equal(time_of("1970-01-01T02:30:00+02:30"), 0);
    assert_int_equal(time_of("1970-01-01T02:30:00 02:30"), 0);
    assert_int_equal(time_of("1969-12-31T23:00:01-01:00"), NSEC);
    assert_int_equal(time_of("1970-01-01T00:00:00.000000001999Z"), 1);

    assert_int_equal(time_of("1969-12-31T23:59:59Z"), 0);
    assert_int_equal(time_of("0000-01-01T00:00:00Z"), 0);
    assert_true(time_of("9999-12-31T23:59:59.999Z") == UINT64_MAX);
}


static void
what_is_no_time_is_refused(void **state)
{
    (void) state;

    no_time("");
    no_time("2026-11-23");
    no_time("2026-11-23T14:00:00");
    no_time("2026-11-23 14:00:00Z");
    no_time("2026-11-23T14:00:00.Z");
    no_time("2026-11-23T14:00:00Zx");
    no_time("2026-11-23T14:00:00+2:00");
    no_time("2026-11-23T14:00:00+24:00");
    no_time("2026-13-01T00:00:00Z");
    no_time("2026-00-01T00:00:00Z");
    no_time("2026-02-29T00:00:00Z");
    no_time("2100-02-29T00:00:00Z");
    no_time("2026-04-31T00:00:00Z");
    no_time("2026-01-00T00:00:00Z");
    no_time("2026-01-01T24:00:00Z");
    no_time("2026-01-01T00:60:00Z");
    no_time("2026-01-01T00:00:60Z");
    no_time("+026-01-01T00:00:00Z");
    no_time("1h");
}


static void
a_stamp_is_read_as_it_was_written(void **state)
{
    char             text[LOG_STAMP_LEN + 1] = "";
    size_t           i;
    struct timespec  when;

    static const time_t  seconds[] = {
        0, 951782400, 951868799, 1795442400, 4102444799, 7258118400
    };

    (void) state;

    for (i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
        when.tv_sec = seconds[i];
        when.tv_nsec = 1000000 + (long) i;

        log_stamp(&when, text);
        assert_int_equal(strlen(text), LOG_STAMP_LEN);
        assert_true(time_of(text) == (uint64_t) seconds[i] * NSEC
                                     + (uint64_t) when.tv_nsec);
    }
}


static void
stored_lines_are_read(void **state)
{
    const char      *s;
    struct log_line  line;

    (void) state;

    s = STAMP " fn-1 some text ";
    assert_int_equal(log_line_parse(s, strlen(s), &line), 0);
    assert_int_equal(line.stamp_len, LOG_STAMP_LEN);
    assert_memory_equal(line.stamp, STAMP, LOG_STAMP_LEN);
    assert_int_equal(line.instance_len, 4);
    assert_memory_equal(line.instance, "fn-1", 4);
    assert_int_equal(line.text_len, 10);
    assert_memory_equal(line.text, "some text ", 10);
    assert_int_equal(line.time, 1795442400 * NSEC + 123456789);

    s = STAMP " fn-1 ";
    assert_int_equal(log_line_parse(s, strlen(s), &line), 0);
    assert_int_equal(line.text_len, 0);

    assert_int_equal(log_line_parse("", 0, &line), -1);
    assert_int_equal(log_line_parse(STAMP, LOG_STAMP_LEN, &line), -1);
    assert_int_equal(log_line_parse(STAMP " fn-1", LOG_STAMP_LEN + 5, &line),
                     -1);
    assert_int_equal(log_line_parse("some text that is no line of ours at all",
                                    40, &line), -1);
}


static void
each_text_is_valid_json(void **state)
{
    int   c;
    char  text[3] = "a?b";

    (void) state;

    same("");
    same("plain text");
    same("quote \" backslash \\ slash / tab \t return \r del \x7f");
    same("\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf "
         "\xed\x9f\xbf \xee\x80\x80 \xc2\x80 \xe0\xa0\x80 \xf0\x90\x80\x80");

    for (c = 0; c < 0x80; c++) {
        text[1] = (char) c;
        encoded(text, 3, text, 3);
    }
}


#define R  "\xef\xbf\xbd"

static void
what_is_no_character_is_replaced(void **state)
{
    int   c;
    char  text[3] = "a?b";

    (void) state;

    for (c = 0x80; c < 0x100; c++) {
        text[1] = (char) c;
        encoded(text, 3, "a" R "b", 5);
    }

    becomes("\xff\xfe", R R);
    becomes("\xc0\xaf", R R);                   /* overlong */
    becomes("\xe0\x80\xaf", R R R);
    becomes("\xf0\x80\x80\xaf", R R R R);
    becomes("\xed\xa0\x80", R R R);             /* a surrogate */
    becomes("\xf4\x90\x80\x80", R R R R);       /* beyond U+10FFFF */
    becomes("\xe2\x82", R R);                   /* cut */
    becomes("\xe2\x82\"", R R "\"");
    becomes("\xf0\x9f\x98 \xc3\xa4", R R R " \xc3\xa4");
    becomes("\xe2\xe2\x82\xac", R "\xe2\x82\xac");
}


static void
a_query_is_read(void **state)
{
    (void) state;

    assert_int_equal(parse("name=fn"), 0);
    assert_string_equal(query.key, "fn.openfaas-fn");
    assert_string_equal(query.instance, "");
    assert_int_equal(query.tail, 0);
    assert_int_equal(query.since, 0);
    assert_int_equal(query.is_follow, 0);

    assert_int_equal(parse("name=fn&namespace=a&instance=fn-1&tail=5&follow=1"
                           "&since=1970-01-01T00%3a00:01%2B00:00"), 0);
    assert_string_equal(query.key, "fn.a");
    assert_string_equal(query.instance, "fn-1");
    assert_int_equal(query.tail, 5);
    assert_int_equal(query.since, NSEC);
    assert_int_equal(query.is_follow, 1);

    assert_int_equal(parse("name=fn.a"), 0);
    assert_string_equal(query.key, "fn.a");
    assert_int_equal(parse("name=fn.a&namespace=a"), 0);
    assert_string_equal(query.key, "fn.a");
    assert_int_equal(parse("name=fn&namespace="), 0);
    assert_string_equal(query.key, "fn.openfaas-fn");
    assert_int_equal(parse("%6eame=f%6E&&x&=&since="), 0);
    assert_string_equal(query.key, "fn.openfaas-fn");
}


static void
the_last_of_a_parameter_counts(void **state)
{
    (void) state;

    assert_int_equal(parse("tail=x&name=a&tail=3&follow=1&name=b&follow=0"),
                     0);
    assert_string_equal(query.key, "b.openfaas-fn");
    assert_int_equal(query.tail, 3);
    assert_int_equal(query.is_follow, 0);

    bad_query("name=fn&tail=3&tail=x", 422);
    bad_query("name=fn&name=", 422);
}


static void
tail_and_follow_are_as_in_go(void **state)
{
    size_t  i;
    char    text[64];

    static const char *const  yes[] = {
        "1", "t", "T", "TRUE", "true", "True"
    };
    static const char *const  no[] = {
        "0", "f", "F", "FALSE", "false", "False", "", "yes", "tRUE", "2", "on"
    };

    (void) state;

    for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
        (void) snprintf(text, sizeof(text), "name=fn&follow=%s", yes[i]);
        assert_int_equal(parse(text), 0);
        assert_int_equal(query.is_follow, 1);
    }

    for (i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
        (void) snprintf(text, sizeof(text), "name=fn&follow=%s", no[i]);
        assert_int_equal(parse(text), 0);
        assert_int_equal(query.is_follow, 0);
    }

    assert_int_equal(parse("name=fn&tail=-1"), 0);
    assert_int_equal(query.tail, 0);
    assert_int_equal(parse("name=fn&tail=0"), 0);
    assert_int_equal(query.tail, 0);
    assert_int_equal(parse("name=fn&tail=%2B7"), 0);
    assert_int_equal(query.tail, 7);
    assert_int_equal(parse("name=fn&tail="), 0);
    assert_int_equal(query.tail, 0);
}


static void
what_is_wrong_is_refused(void **state)
{
    char  text[1024];

    (void) state;

    bad_query(NULL, 422);
    bad_query("", 422);
    bad_query("name=", 422);
    bad_query("name", 422);
    bad_query("tail=5", 422);
    bad_query("name=fn&tail=x", 422);
    bad_query("name=fn&tail=5x", 422);
    bad_query("name=fn&tail=1.5", 422);
    bad_query("name=fn&tail=--1", 422);
    bad_query("name=fn&tail=-", 422);
    bad_query("name=fn&tail=9223372036854775808", 422);
    bad_query("name=fn&since=1h", 422);
    bad_query("name=fn&since=2026-11-23", 422);
    bad_query("name=a%24b", 404);
    bad_query("name=../x", 404);
    bad_query("name=fn.a&namespace=b", 404);
    bad_query("name=fn%00x", 422);
    bad_query("name=%zz", 422);

    memset(text, 'a', sizeof(text));
    memcpy(text, "name=", 5);
    text[sizeof(text) - 1] = '\0';
    bad_query(text, 404);
    memcpy(text, "name=fn&namespace=", 18);
    bad_query(text, 404);
    memcpy(text, "name=fn&since=", 14);
    bad_query(text, 422);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(times_are_read),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(a_stamp_is_read_as_it_was_written),
        cmocka_unit_test(stored_lines_are_read),
        cmocka_unit_test(each_text_is_valid_json),
        cmocka_unit_test(what_is_no_character_is_replaced),
        cmocka_unit_test(a_query_is_read),
        cmocka_unit_test(the_last_of_a_parameter_counts),
        cmocka_unit_test(tail_and_follow_are_as_in_go),
        cmocka_unit_test(what_is_wrong_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * If this fails, a function or a callback gets header lines that are for
 * somebody else, or that are two, or lacks its own.
 *
 * uses: queue/header.c
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "queue/header.h"


#define N_LINES  256                /* that are copied */


static const char *const  other[] = { "User-Agent", "X-Call-Id", NULL };


/*
 * What is copied of these lines, each with a '|' behind it.
 */
static const char *
copied_of(const char *lines, size_t len)
{
    size_t                    n;
    struct header_list        headers;
    const struct curl_slist  *item;

    static char  text[16384];

    memset(&headers, 0, sizeof(headers));
    header_copy(&headers, lines, len, other);
    assert_false(headers.is_failed);
    n = 0;
    text[0] = '\0';

    for (item = headers.list; item != NULL; item = item->next) {
        n += (size_t) snprintf(text + n, sizeof(text) - n, "%s|", item->data);
        assert_true(n < sizeof(text));
    }

    curl_slist_free_all(headers.list);

    return text;
}


static const char *
copied(const char *lines)
{
    return copied_of(lines, strlen(lines));
}


static void
test_copy(void **state)
{
    (void) state;

    assert_string_equal(copied(""), "");
    assert_string_equal(copied("A: 1\r\nB:2\r\nA: 3\r\n"), "A: 1|B: 2|A: 3|");
    assert_string_equal(copied("A: \t 1 2\t \r\n"), "A: 1 2|");
    assert_string_equal(copied("A: 1:2;3\r\n"), "A: 1:2;3|");

    /* libcurl's way to send one without a value */
    assert_string_equal(copied("A:\r\nB:  \r\n"), "A;|B;|");

    /* other ends of a line, or none */
    assert_string_equal(copied("A: 1\nB: 2"), "A: 1|B: 2|");
    assert_string_equal(copied("A: 1\r\n\r\nB: 2\r\n"), "A: 1|B: 2|");
    assert_string_equal(copied("A"), "");
    assert_string_equal(copied_of("A: 1\r\nB: 2\r\n", 9), "A: 1|B;|");
}


static void
test_one_hop(void **state)
{
    (void) state;

    assert_string_equal(copied("Host: h\r\nContent-Length: 1\r\n"
                               "TRANSFER-ENCODING: chunked\r\nte: trailers\r\n"
                               "Expect: 100-continue\r\nUpgrade: x\r\n"
                               "A: 1\r\n"), "A: 1|");
    assert_string_equal(copied("user-agent: x\r\nX-CALL-ID: x\r\n"
                               "X-Call-Ids: 1\r\nX-Call: 1\r\n"),
                        "X-Call-Ids: 1|X-Call: 1|");

    /* also those that stand before */
    assert_string_equal(copied("A: 1\r\nB: 2\r\nC: 3\r\n"
                               "Connection: close, a ,,c\r\n"), "B: 2|");
    assert_string_equal(copied("A: 1\r\nConnection: b\r\nConnection: a\r\n"
                               "B: 2\r\n"), "");
    assert_string_equal(copied("Connection:\r\nA: 1\r\n"), "A: 1|");
}


/*
 * What is no line, or would be more than one.
 */
static void
test_bad_lines(void **state)
{
    static const char  zero[] = "A: 1\0002\r\nB: 2\r\n";

    (void) state;

    assert_string_equal(copied("no colon\r\nA: 1\r\n: 2\r\n"), "A: 1|");
    assert_string_equal(copied("A B: 1\r\nA : 1\r\n A: 1\r\nB: 2\r\n"),
                        "B: 2|");
    assert_string_equal(copied("A: 1\rB: 2\r\nC: 3\r\n"), "C: 3|");
    assert_string_equal(copied_of(zero, sizeof(zero) - 1), "B: 2|");

    /* libcurl would take it for an empty one */
    assert_string_equal(copied("A;B: 1\r\n"), "");
    assert_string_equal(copied("\303\244: 1\r\nA: \303\244\r\n"),
                        "A: \303\244|");
}


static void
test_bounds(void **state)
{
    int         i;
    size_t      n;
    const char *s;

    static char  lines[(N_LINES + 44) * 7];

    (void) state;

    for (i = 0, n = 0; i < N_LINES + 44; i++) {
        n += (size_t) snprintf(lines + n, sizeof(lines) - n, "A: 1\r\n");
    }

    for (s = copied(lines), n = 0; *s != '\0'; s++) {
        n += *s == '|';
    }

    assert_int_equal(n, N_LINES);

    /* the 17th name is one too many */
    assert_string_equal(copied("Connection: a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,b,c"
                               "\r\nB: 1\r\nC: 1\r\n"), "C: 1|");
}


static void
test_get(void **state)
{
    char  dst[4] = "x";

    static const char  lines[] = "A: 1\r\nb:  12345 \r\nB: 2\r\nC:\r\n";

    (void) state;

    assert_true(header_has(lines, sizeof(lines) - 1, "a"));
    assert_true(header_has(lines, sizeof(lines) - 1, "C"));
    assert_false(header_has(lines, sizeof(lines) - 1, "AB"));
    assert_false(header_has(lines, 2, "B"));
    assert_false(header_has("", 0, "A"));

    header_get(lines, sizeof(lines) - 1, "D", dst, sizeof(dst));
    assert_string_equal(dst, "x");
    header_get(lines, sizeof(lines) - 1, "B", dst, sizeof(dst));
    assert_string_equal(dst, "123");
    header_get(lines, sizeof(lines) - 1, "C", dst, sizeof(dst));
    assert_string_equal(dst, "");
}


static void
test_finish(void **state)
{
    struct header_list  headers;

    (void) state;

    memset(&headers, 0, sizeof(headers));
    header_add(&headers, "content-type", "text/odd");
    header_add(&headers, "Expected", "");
    header_finish(&headers);
    assert_false(headers.is_failed);

    assert_string_equal(headers.list->data, "content-type: text/odd");
    assert_string_equal(headers.list->next->data, "Expected;");
    assert_string_equal(headers.list->next->next->data, "Accept:");
    assert_string_equal(headers.list->next->next->next->data, "Expect:");
    assert_null(headers.list->next->next->next->next);

    curl_slist_free_all(headers.list);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_one_hop),
        cmocka_unit_test(test_bad_lines),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_get),
        cmocka_unit_test(test_finish),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * If this fails, an accepted call is not what was asked, or a queue worker
 * reads beyond what Redis has sent it.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/faas_async.h"


#define IS(field, text)                                                     \
    assert_int_equal(field##_len, strlen(text));                            \
    assert_memory_equal(field, text, strlen(text))


/*
 * Of memory of its own length, where a sanitizer sees what is read beyond.
 */
static int
parse(const char *s, size_t len, struct faas_async_request *request)
{
    int    rc;
    char  *copy;

    copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    memcpy(copy, s, len);

    rc = faas_async_request_parse(copy, len, request);
    free(copy);

    return rc;
}


static void
what_is_written_is_read(void **state)
{
    char                        text[1024];
    size_t                      len;
    struct faas_async_request   in, out;

    (void) state;

    memset(&in, 0, sizeof(in));
    in.key = "fn.openfaas-fn";
    in.key_len = strlen(in.key);
    in.accepted = 1732849034123;
    in.method = "POST";
    in.method_len = 4;
    in.callback = "http://example.com/?a=b";
    in.callback_len = strlen(in.callback);
    in.path_len = 4;
    in.headers_len = 6;

    len = faas_async_request_head(&in, text);

    assert_int_equal(len, strlen("fn.openfaas-fn 1732849034123 POST "
                                 "http://example.com/?a=b 4 6\n"));
    assert_memory_equal(text, "fn.openfaas-fn 1732849034123 POST "
                        "http://example.com/?a=b 4 6\n", len);

    memcpy(text + len, "/p?qa: b\r\nbo\0dy\n", 16);

    assert_int_equal(faas_async_request_parse(text, len + 16, &out), 0);
    assert_int_equal(out.accepted, 1732849034123);
    IS(out.key, "fn.openfaas-fn");
    IS(out.method, "POST");
    IS(out.callback, "http://example.com/?a=b");
    IS(out.path, "/p?q");
    IS(out.headers, "a: b\r\n");
    assert_int_equal(out.body_len, 6);
    assert_memory_equal(out.body, "bo\0dy\n", 6);
}


static void
nothing_is_needed_but_key_and_method(void **state)
{
    char                        text[128];
    size_t                      len;
    struct faas_async_request   in, out;

    (void) state;

    memset(&in, 0, sizeof(in));
    in.key = "f";
    in.key_len = 1;
    in.method = "GET";
    in.method_len = 3;

    len = faas_async_request_head(&in, text);

    assert_int_equal(len, strlen("f 0 GET  0 0\n"));
    assert_memory_equal(text, "f 0 GET  0 0\n", len);
    assert_int_equal(faas_async_request_parse(text, len, &out), 0);
    assert_int_equal(out.callback_len, 0);
    assert_int_equal(out.path_len, 0);
    assert_int_equal(out.headers_len, 0);
    assert_int_equal(out.body_len, 0);
}


/*
 * The longest there may be is within the bounds that callers rely on.
 */
static void
the_longest_has_room(void **state)
{
    char                        key[FAAS_KEY_MAX];
    char                        url[FAAS_ASYNC_URL_MAX];
    char                        text[FAAS_ASYNC_HEAD_MAX];
    size_t                      len;
    struct faas_async_request   in;

    (void) state;

    memset(&in, 0, sizeof(in));
    memset(key, 'k', sizeof(key));
    memset(url, 'u', sizeof(url));
    in.key = key;
    in.key_len = sizeof(key);
    in.accepted = UINT64_MAX;
    in.method = "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF";
    in.method_len = FAAS_ASYNC_METHOD_MAX;
    in.callback = url;
    in.callback_len = sizeof(url);
    in.path_len = SIZE_MAX;
    in.headers_len = SIZE_MAX;

    len = faas_async_request_head(&in, text);

    assert_int_equal(len, FAAS_ASYNC_HEAD_OWN + sizeof(key) + sizeof(url)
                          + FAAS_ASYNC_METHOD_MAX);
    assert_true(len <= FAAS_ASYNC_HEAD_MAX);
}


static void
others_are_refused(void **state)
{
    size_t                      i;
    struct faas_async_request   request;
    static const char *const    bad[] = {
        "", "\n", "f 0 GET  0 0", "f 0 GET 0 0\n", "f 0 GET  0 0 \n",
        "f 0 GET  0 0 0\n", " 0 GET  0 0\n", "f 0   0 0\n", "f  GET  0 0\n",
        "f -1 GET  0 0\n", "f 0 GET  1 0\n", "f 0 GET  0 1\n",
        "f 0 GET  2 2\nabc", "f 0 GET  x 0\n", "f 0 GET  0 x\n",
        "f 0 GET  18446744073709551615 1\n", "f 0 GET  16385 0\n",
        "f 0 GET  0 65537\n", "f 9223372036854775808 GET  0 0\n",
        "f 0 ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG  0 0\n",
    };

    (void) state;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (parse(bad[i], strlen(bad[i]), &request) != -1) {
            fail_msg("accepted: %s", bad[i]);
        }
    }
}


static void
a_first_line_without_end_is_refused(void **state)
{
    char                        text[2 * FAAS_ASYNC_HEAD_MAX];
    struct faas_async_request   request;

    (void) state;

    memset(text, 'u', sizeof(text));
    memcpy(text, "f 0 GET ", 8);
    memcpy(text + sizeof(text) - 5, " 0 0\n", 5);

    assert_int_equal(parse(text, sizeof(text), &request), -1);

    /* nor is a callback over its bound taken */
    memcpy(text + 8 + FAAS_ASYNC_URL_MAX + 1, " 0 0\n", 5);
    assert_int_equal(parse(text, sizeof(text), &request), -1);

    memcpy(text + 8 + FAAS_ASYNC_URL_MAX, " 0 0\n", 5);
    assert_int_equal(parse(text, sizeof(text), &request), 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(nothing_is_needed_but_key_and_method),
        cmocka_unit_test(the_longest_has_room),
        cmocka_unit_test(others_are_refused),
        cmocka_unit_test(a_first_line_without_end_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

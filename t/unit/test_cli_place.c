/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * If this fails, a request goes to another host, port or path than its URL
 * says.
 *
 * uses: cli/http_place.c
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/http_place.h"


static void
check(const char *url, const char *host, uint64_t port, const char *sent,
    const char *target)
{
    struct http_place  place;

    assert_int_equal(http_place_read(url, &place), 0);
    assert_string_equal(place.host, host);
    assert_int_equal(place.port, port);
    assert_int_equal(place.authority_len, strlen(sent));
    assert_memory_equal(place.authority, sent, strlen(sent));
    assert_string_equal(place.target, target);
}


static void
what_is_plain_is_read(void **state)
{
    (void) state;

    check("http://127.0.0.1:8080/a?b=c", "127.0.0.1", 8080, "127.0.0.1:8080",
          "/a?b=c");
    check("http://127.0.0.1", "127.0.0.1", 80, "127.0.0.1", "");
    check("http://127.0.0.1:80/", "127.0.0.1", 80, "127.0.0.1", "/");
    check("http://localhost:1/x:y@z", "localhost", 1, "localhost:1",
          "/x:y@z");
    check("http://[::1]:8080/", "::1", 8080, "[::1]:8080", "/");
    check("http://[2001:db8::1]", "2001:db8::1", 80, "[2001:db8::1]", "");
}


static void
what_is_not_plain_is_left(void **state)
{
    size_t                    i;
    struct http_place         place;
    static const char *const  urls[] = {
        "", "http://", "http:///", "127.0.0.1", "https://127.0.0.1/",
        "HTTP://127.0.0.1/", "ftp://127.0.0.1/",

        /* who these are, others know */
        "http://gateway/", "http://gateway:8080/", "http://127.1/",
        "http://localhost.example/", "http://127.0.0.1.example/",
        "http://user@127.0.0.1/", "http://127.0.0.1:80@example/",
        "http://[fe80::1%25eth0]/",

        /* what is no port */
        "http://127.0.0.1:/", "http://127.0.0.1:0/", "http://127.0.0.1:x/",
        "http://127.0.0.1:65536/", "http://127.0.0.1:8080x/",
        "http://[::1]x/", "http://[::1/", "http://::1/", "http://[127.0.0.1]/",
        "http://[]/", "http://[localhost]/",

        /* what is sent in another form, or not at all */
        "http://127.0.0.1?a=b", "http://127.0.0.1/a/../b",
        "http://127.0.0.1/./b", "http://127.0.0.1/#a", "http://127.0.0.1/a b",
        "http://127.0.0.1/a\r\nHost:b", "http://127.0.0.1/\303\244",
        "http://127.0.0.1\\@example/",

        ("http://1111111111111111111111111111111111111111111111111111111111"
         "1111111111111/"),
    };

    (void) state;

    for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        assert_int_equal(http_place_read(urls[i], &place), -1);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(what_is_plain_is_read),
        cmocka_unit_test(what_is_not_plain_is_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

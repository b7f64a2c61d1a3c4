/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * If this fails, an answer is read as another one than the server gave, half
 * of one is taken for all of it, or a server takes the memory of those who
 * call it.
 *
 * uses: cli/http_answer.c
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/http_answer.h"


#define HEAD      "HTTP/1.1 200 OK\r\n"
#define HEAD_MAX  1024


static struct http_answer  answer;
static struct faas_buf     headers;
static struct faas_buf     body;


static int
on_body(void *data, const char *bytes, size_t len)
{
    (void) data;

    return faas_buf_add(&body, bytes, len);
}


static void
begin(int is_to_head)
{
    faas_buf_done(&headers);
    faas_buf_done(&body);
    faas_buf_init(&headers, HEAD_MAX);
    faas_buf_init(&body, 4096);
    http_answer_init(&answer, is_to_head, &headers);
    answer.on_body = on_body;
}


/*
 * Reads a text in pieces of this many bytes.
 */
static int
read_in(const char *text, size_t piece)
{
    size_t  i, len, n;

    len = strlen(text);

    for (i = 0; i < len; i += n) {
        n = len - i < piece ? len - i : piece;

        if (http_answer_read(&answer, text + i, n) != 0) {
            return -1;
        }
    }

    return 0;
}


/*
 * However it is cut, it is this one.
 */
static void
check(const char *text, long status, const char *want)
{
    size_t  piece;

    for (piece = 1; piece <= strlen(text); piece++) {
        begin(0);
        assert_int_equal(read_in(text, piece), 0);
        assert_int_equal(http_answer_eof(&answer), 0);
        assert_int_equal(answer.status, status);
        assert_int_equal(body.len, strlen(want));
        assert_memory_equal(body.data != NULL ? body.data : "", want,
                            body.len);
    }
}


/*
 * However it is cut, it is no answer.
 */
static void
check_refused(const char *text)
{
    size_t  piece;

    for (piece = 1; piece <= strlen(text); piece++) {
        begin(0);
        assert_true(read_in(text, piece) != 0
                    || http_answer_eof(&answer) != 0);
        assert_false(answer.is_whole);
        assert_true(http_answer_error(&answer)[0] != '\0');
    }
}


static void
bodies_have_their_ends(void **state)
{
    (void) state;

    check(HEAD "Content-Length: 4\r\n\r\nbody", 200, "body");
    check(HEAD "Content-Length: 4\r\n\r\nbody and more", 200, "body");
    check(HEAD "Content-Length: 0\r\n\r\n", 200, "");
    check(HEAD "Transfer-Encoding: chunked\r\n\r\n"
          "3\r\nbod\r\n1\r\ny\r\n0\r\n\r\n", 200, "body");
    check(HEAD "Transfer-Encoding: chunked\r\n\r\n"
          "4;name=value\r\nbody\r\n0\r\nTrailer: x\r\n\r\n", 200, "body");
    check(HEAD "\r\nuntil its end", 200, "until its end");
    check("HTTP/1.0 500 Error\r\n\r\n", 500, "");
    check("HTTP/1.1 204 No Content\r\n\r\n", 204, "");
}


static void
some_answers_have_no_body(void **state)
{
    (void) state;

    check("HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n", 304, "");
    check("HTTP/1.1 204 No Content\r\nContent-Length: 10\r\n\r\n", 204, "");

    begin(1);
    assert_int_equal(read_in(HEAD "Content-Length: 10\r\n\r\n", 100), 0);
    assert_true(answer.is_whole);
}


static void
interim_answers_are_passed_over(void **state)
{
    size_t  i;

    (void) state;

    check("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n"
          "Link: x\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 1\r\n\r\nx",
          201, "x");
    assert_string_equal(headers.data, "Content-Length: 1\r\n");

    begin(0);

    for (i = 0; read_in("HTTP/1.1 100 Continue\r\n\r\n", 100) == 0; i++) {
        assert_true(i < HEAD_MAX);
    }

    assert_true(answer.is_too_large);
}


static void
headers_are_kept(void **state)
{
    (void) state;

    check(HEAD "X-Call-Id:   a b \r\nEmpty:\r\nContent-Length: 0\r\n\r\n",
          200, "");
    assert_string_equal(headers.data, "X-Call-Id: a b \r\nEmpty: \r\n"
                        "Content-Length: 0\r\n");
}


static void
what_is_too_large_ends(void **state)
{
    char    text[2 * HEAD_MAX];
    size_t  piece;

    (void) state;

    for (piece = 1; piece < sizeof(text); piece *= 3) {
        begin(0);
        memset(text, 'x', sizeof(text));
        memcpy(text, HEAD "Name: ", 23);
        text[sizeof(text) - 1] = '\0';
        assert_int_equal(read_in(text, piece), -1);
        assert_true(answer.is_too_large);
        assert_true(headers.len <= HEAD_MAX);

        /* what follows a chunk's size */

        begin(0);
        assert_int_equal(read_in(HEAD "Transfer-Encoding: chunked\r\n\r\n4;",
                                 piece), 0);
        memset(text, 'x', 30);
        assert_int_equal(read_in(text, piece), -1);
        assert_true(answer.is_too_large);
    }
}


static void
who_takes_it_may_stop_it(void **state)
{
    (void) state;

    begin(0);
    body.max = 2;
    assert_int_equal(read_in(HEAD "Content-Length: 4\r\n\r\nbody", 100), -1);
    assert_true(answer.is_stopped);
    assert_false(answer.is_too_large);
}


static void
what_is_no_answer_is_refused(void **state)
{
    size_t                    i;
    static const char *const  texts[] = {
        "",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/1.1\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n"
        "Upgrade: x\r\n\r\n",
        HEAD "Content-Length: 4\r\n\r\nbod",
        HEAD "Content-Length: 4\r\nContent-Length: 5\r\n\r\nbody",
        HEAD "Content-Length: -1\r\n\r\n",
        HEAD "Content-Length: 99999999999999999999\r\n\r\n",
        HEAD "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n"
        "0\r\n\r\n",
        HEAD "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n",
        HEAD "Transfer-Encoding: chunked\r\n\r\n-4\r\nbody\r\n0\r\n\r\n",
        HEAD "Transfer-Encoding: chunked\r\n\r\n"
        "fffffffffffffffff\r\nbody\r\n0\r\n\r\n",
        HEAD "Transfer-Encoding: chunked\r\n\r\n4\r\nbodyx\r\n0\r\n\r\n",
        HEAD "No colon\r\n\r\n",
        HEAD "Na me: x\r\n\r\n",
        HEAD "Name: x\001\r\n\r\n",
        HEAD "Name: x",
    };

    (void) state;

    for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        check_refused(texts[i]);
    }
}


int
main(void)
{
    int                       rc;
    const struct CMUnitTest   tests[] = {
        cmocka_unit_test(bodies_have_their_ends),
        cmocka_unit_test(some_answers_have_no_body),
        cmocka_unit_test(interim_answers_are_passed_over),
        cmocka_unit_test(headers_are_kept),
        cmocka_unit_test(what_is_too_large_ends),
        cmocka_unit_test(who_takes_it_may_stop_it),
        cmocka_unit_test(what_is_no_answer_is_refused),
    };

    rc = cmocka_run_group_tests(tests, NULL, NULL);
    faas_buf_done(&headers);
    faas_buf_done(&body);

    return rc;
}

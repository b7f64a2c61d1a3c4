/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * If this fails, requests are taken for others than they are: heads that
 * parsers disagree about get through, bodies are damaged, functions see wrong
 * variables or headers that are not for them.
 *
 * uses: watchdog/head.c watchdog/parser.c watchdog/env.c
 * uses: watchdog/forward.c watchdog/iobuf.c
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "watchdog/env.h"
#include "watchdog/head.h"
#include "watchdog/parser.h"
#include "watchdog/upstream.h"


#define HOST  "Host: x\r\n"


static enum wd_scan
scan(const char *data, size_t len, size_t *head_len)
{
    size_t  line;

    line = 0;

    return wd_head_scan(data, len, &line, head_len);
}


static void
scanning(void **state)
{
    char          byte;
    size_t        i, len, line, head_len;
    enum wd_scan  rc;

    static const char  good[] = "GET / HTTP/1.1\r\n" HOST "\r\nrest";
    static const char *const  bad[] = {
        "GET / HTTP/1.1\n" HOST "\r\n", "\nGET", "GET /\rx\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\r\n c: d\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\r\n\tc: d\r\n\r\n", " GET / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nA: b\r\r\n\r\n",
    };

    (void) state;

    /* however it is cut, the end is found at the same place */

    line = 0;

    for (i = 0; i <= sizeof(good) - 1; i++) {
        rc = wd_head_scan(good, i, &line, &head_len);

        if (i < sizeof(good) - 1 - 4) {
            assert_int_equal(rc, WD_SCAN_MORE);

        } else {
            assert_int_equal(rc, WD_SCAN_DONE);
            assert_int_equal(head_len, sizeof(good) - 1 - 4);
            break;
        }
    }

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (scan(bad[i], strlen(bad[i]), &head_len) != WD_SCAN_BAD) {
            fail_msg("passed: %s", bad[i]);
        }
    }

    assert_int_equal(scan("A: \0b\r\n\r\n", 9, &head_len), WD_SCAN_BAD);

    /* of one byte only these can be anything */

    for (i = 0; i < 256; i++) {
        byte = (char) i;
        len = 1;
        rc = scan(&byte, len, &head_len);
        assert_int_equal(rc, byte == '\n' ? WD_SCAN_BAD : WD_SCAN_MORE);
    }
}


/*
 * Parses a request that must be good; whatever is behind the head is left.
 */
static size_t
parse(struct wd_parser *parser, const char *text, struct wd_head *head)
{
    size_t  head_len;

    assert_int_equal(scan(text, strlen(text), &head_len), WD_SCAN_DONE);
    wd_parser_init(parser, HTTP_REQUEST, 100);

    if (wd_parser_head(parser, text, head_len, head) != 0) {
        fail_msg("refused: %s: %s", head->error, text);
    }

    return head_len;
}


static void
refused(const char *text, int status)
{
    size_t            head_len;
    struct wd_head    head;
    struct wd_parser  parser;

    assert_int_equal(scan(text, strlen(text), &head_len), WD_SCAN_DONE);
    wd_parser_init(&parser, HTTP_REQUEST, 100);

    if (wd_parser_head(&parser, text, head_len, &head) == 0) {
        fail_msg("accepted: %s", text);
    }

    assert_int_equal(head.error_status, status);
    assert_non_null(head.error);
}


static void
heads(void **state)
{
    struct wd_head    head;
    struct wd_parser  parser;

    (void) state;

    parse(&parser, "POST /a?b HTTP/1.1\r\n" HOST "Content-Length: 12\r\n"
          "Empty:\r\nSpaced: \t v w \t\r\n\r\n", &head);
    assert_int_equal(parser.is_done, 0);
    assert_int_equal(head.method, HTTP_POST);
    assert_int_equal(head.minor, 1);
    assert_int_equal(head.content_length, 12);
    assert_int_equal(head.is_keep_alive, 1);
    assert_int_equal(head.n_headers, 4);
    assert_true(wd_str_is(head.url, "/a?b"));
    assert_true(wd_str_is(head.host, "x"));
    assert_true(wd_str_is(wd_head_find(&head, "empty")->value, ""));
    assert_true(wd_str_is(wd_head_find(&head, "SPACED")->value, "v w"));

    parse(&parser, "GET http://h:1/p?q HTTP/1.0\r\n\r\n", &head);
    assert_int_equal(parser.is_done, 1);
    assert_int_equal(head.is_keep_alive, 0);
    assert_true(wd_str_is(wd_head_target(&head), "/p?q"));

    parse(&parser, "GET http://h HTTP/1.1\r\n" HOST "Upgrade: x\r\n"
          "Connection: upgrade\r\n\r\n", &head);
    assert_int_equal(parser.is_done, 1);
    assert_true(wd_str_is(wd_head_target(&head), "/"));

    refused("CONNECT h:1 HTTP/1.1\r\n" HOST "\r\n", 405);
    refused("GET / HTTP/1.1\r\n\r\n", 400);
    refused("GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400);
    refused("GET / HTTP/2.0\r\n" HOST "\r\n", 505);
    refused("POST / HTTP/1.1\r\n" HOST "Expect: more\r\n\r\n", 417);
    refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
    refused("POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n"
            "Transfer-Encoding: chunked\r\n\r\n", 400);
    refused("POST / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n"
            "Content-Length: 1\r\n\r\n", 400);
    refused("POST / HTTP/1.1\r\n" HOST "Content-Length: 1,1\r\n\r\n", 400);
    refused("POST / HTTP/1.1\r\n" HOST
            "Content-Length: 18446744073709551616\r\n\r\n", 400);
    refused("WHAT / HTTP/1.1\r\n" HOST "\r\n", 400);
}


/*
 * Decodes the body behind a chunked head in pieces of step bytes.
 */
static int
decode(const char *body, size_t step, char *out, size_t size, int *is_done)
{
    char              piece[64];
    size_t            len, n, used, out_len;
    struct wd_head    head;
    struct wd_parser  parser;

    parse(&parser, "POST / HTTP/1.1\r\n" HOST
          "Transfer-Encoding: chunked\r\n\r\n", &head);
    len = strlen(body);
    out_len = 0;

    while (len != 0 && !parser.is_done) {
        n = len < step ? len : step;
        memcpy(piece, body, n);

        if (wd_parser_body(&parser, piece, n, &used) != 0) {
            return -1;
        }

        assert_true(used <= n);
        assert_true(out_len + parser.body_len < size);
        memcpy(out + out_len, piece, parser.body_len);
        out_len += parser.body_len;
        body += used;
        len -= used;
    }

    out[out_len] = '\0';
    *is_done = parser.is_done;

    return (int) len;
}


static void
bodies(void **state)
{
    int     is_done;
    char    out[128], text[256];
    size_t  i, step;

    static const char  good[] =
        "5\r\nhello\r\n00001;a=\"b\"\r\n \r\nA\r\n0123456789\r\n"
        "0\r\nTrailer: x\r\n\r\nGET /";
    static const char *const  bad[] = {
        "x\r\n", "-1\r\n", "1\r\nab\r\n", "1\nab", "ffffffffffffffffff\r\n",
        "1 1\r\na\r\n", "1\rXa\r\n",
    };

    (void) state;

    for (step = 1; step <= 64; step++) {
        assert_int_equal(decode(good, step, out, sizeof(out), &is_done), 5);
        assert_string_equal(out, "hello 0123456789");
        assert_int_equal(is_done, 1);
    }

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        for (step = 1; step <= 64; step += 63) {
            if (decode(bad[i], step, out, sizeof(out), &is_done) != -1) {
                fail_msg("accepted: %s", bad[i]);
            }
        }
    }

    /* nothing but extensions, or trailers, for more than 100 bytes */

    (void) snprintf(text, sizeof(text), "1;%0120d", 0);
    assert_int_equal(decode(text, 8, out, sizeof(out), &is_done), -1);
    (void) snprintf(text, sizeof(text), "0\r\nT: %0120d", 0);
    assert_int_equal(decode(text, 8, out, sizeof(out), &is_done), -1);
}


static const char *
var(const struct wd_env *env, const char *name)
{
    size_t  i, len;

    len = strlen(name);

    for (i = 0; env->vars[i] != NULL; i++) {
        if (strncmp(env->vars[i], name, len) == 0
            && env->vars[i][len] == '=')
        {
            return env->vars[i] + len + 1;
        }
    }

    return NULL;
}


static void
environments(void **state)
{
    char              listen[] = "LISTEN_FDS=1", own[] = "OWN=1";
    char             *base[3];
    struct wd_env     env;
    struct wd_head    head;
    struct wd_parser  parser;

    (void) state;
    base[0] = listen;
    base[1] = own;
    base[2] = NULL;
    assert_int_equal(wd_env_init(&env, base, 300), 0);
    env.has_cgi = 1;
    env.is_classic = 1;

    parse(&parser, "PUT /a%2fb%20?x=%20 HTTP/1.1\r\n" HOST
          "X-FOO-bar: 1\r\nx-foo-BAR: 2\r\nX_y: 3\r\nProxy: evil\r\n"
          "Method: GET\r\nContent-Length: 5\r\n\r\n", &head);
    assert_null(wd_env_request(&env, &head));

    assert_null(var(&env, "LISTEN_FDS"));
    assert_string_equal(var(&env, "OWN"), "1");
    assert_string_equal(var(&env, "Http_Method"), "PUT");
    assert_string_equal(var(&env, "Http_Path"), "/a/b ");
    assert_string_equal(var(&env, "Http_Query"), "x=%20");
    assert_string_equal(var(&env, "Http_Host"), "x");
    assert_string_equal(var(&env, "Http_Content_Length"), "5");
    assert_string_equal(var(&env, "Http_X_Foo_Bar"), "1");
    assert_string_equal(var(&env, "Http_X_y"), "3");
    assert_null(var(&env, "Http_Proxy"));
    assert_null(var(&env, "Http_Transfer_Encoding"));

    wd_env_done(&env);
}


static void
environments_have_bounds(void **state)
{
    char              text[400];
    char             *base[1];
    size_t            i;
    struct wd_env     env;
    struct wd_head    head;
    struct wd_parser  parser;

    static const char *const  paths[] = { "/%", "/%1", "/%0", "/%00", "/%gg",
                                          "/a%2" };

    (void) state;
    base[0] = NULL;
    assert_int_equal(wd_env_init(&env, base, 300), 0);
    env.has_cgi = 1;
    env.is_classic = 1;

    for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        (void) snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n" HOST
                        "\r\n", paths[i]);
        parse(&parser, text, &head);

        if (wd_env_request(&env, &head) == NULL) {
            fail_msg("accepted: %s", paths[i]);
        }
    }

    /* with each length either all fits or it is refused */

    for (i = 0; i < 300; i++) {
        (void) snprintf(text, sizeof(text), "GET /%0*d HTTP/1.1\r\n" HOST
                        "\r\n", (int) i + 1, 0);
        parse(&parser, text, &head);

        if (wd_env_request(&env, &head) == NULL) {
            assert_string_equal(var(&env, "Http_Host"), "x");
            assert_int_equal(strlen(var(&env, "Http_Path")), i + 2);
            assert_true(env.len <= env.size);
        }
    }

    assert_non_null(wd_env_request(&env, &head));
    wd_env_done(&env);
}


static void
forwarding(void **state)
{
    char              out[512];
    struct wd_text    text;
    struct wd_head    head;
    struct wd_parser  parser;

    (void) state;
    parse(&parser, "POST http://h/p HTTP/1.1\r\nHost: h\r\n"
          "Connection: keep-alive, X-Mine\r\nX-Mine: 1\r\nKeep-Alive: 5\r\n"
          "TE: trailers\r\nExpect: 100-continue\r\nUpgrade: y\r\nA: b\r\n"
          "Transfer-Encoding: chunked\r\n\r\n", &head);
    wd_text_init(&text, out, sizeof(out));
    assert_int_equal(wd_forward_head(&head, &text, 0), 0);
    out[text.len] = '\0';
    assert_string_equal(out, "POST /p HTTP/1.1\r\nHost: h\r\nA: b\r\n"
                        "Transfer-Encoding: chunked\r\n\r\n");

    wd_text_init(&text, out, 30);
    assert_int_equal(wd_forward_head(&head, &text, 0), -1);

    parse(&parser, "GET / HTTP/1.0\r\n\r\n", &head);
    wd_text_init(&text, out, sizeof(out));
    assert_int_equal(wd_forward_head(&head, &text, 0), 0);
    out[text.len] = '\0';
    assert_string_equal(out, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert_int_equal(wd_forward_keep(&head, 4000), 4000);

    parse(&parser, "GET / HTTP/1.1\r\n" HOST "Keep-Alive: max=5, timeout=9"
          "\r\n\r\n", &head);
    assert_int_equal(wd_forward_keep(&head, 4000), 8000);
    parse(&parser, "GET / HTTP/1.1\r\n" HOST "Keep-Alive: timeout=1\r\n\r\n",
          &head);
    assert_int_equal(wd_forward_keep(&head, 4000), 0);
    parse(&parser, "GET / HTTP/1.1\r\n" HOST "Keep-Alive: timeout=\r\n\r\n",
          &head);
    assert_int_equal(wd_forward_keep(&head, 4000), 4000);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(scanning),
        cmocka_unit_test(heads),
        cmocka_unit_test(bodies),
        cmocka_unit_test(environments),
        cmocka_unit_test(environments_have_bounds),
        cmocka_unit_test(forwarding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

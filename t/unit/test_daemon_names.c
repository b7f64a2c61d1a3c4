/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * If this fails, a scaler tries one address of Redis for ever, and not the
 * others.
 *
 * uses: daemon/names.c
 */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/names.h"


#define LIST_MAX  8


static struct evutil_addrinfo   items[LIST_MAX];
static struct faas_addr         addrs[LIST_MAX];
static struct faas_addr         chosen;


/*
 * "IP:PORT", ... up to a NULL.
 */
static const struct evutil_addrinfo *
list(const char *first, ...)
{
    int       n;
    va_list   args;

    va_start(args, first);

    for (n = 0; first != NULL && n < LIST_MAX; n++) {
        assert_int_equal(faas_addr_parse(first, strlen(first), &addrs[n]), 0);
        memset(&items[n], 0, sizeof(items[n]));
        items[n].ai_addr = (struct sockaddr *) &addrs[n].sa;
        items[n].ai_addrlen = addrs[n].len;
        items[n].ai_family = addrs[n].sa.ss_family;

        if (n > 0) {
            items[n - 1].ai_next = &items[n];
        }

        first = va_arg(args, const char *);
    }

    va_end(args);

    return items;
}


static void
is_chosen(const char *expected)
{
    struct faas_addr  addr;

    assert_int_equal(faas_addr_parse(expected, strlen(expected), &addr), 0);
    assert_int_equal(chosen.len, addr.len);
    assert_memory_equal(&chosen.sa, &addr.sa, addr.len);
}


static void
each_gets_its_turn_whatever_their_order(void **state)
{
    (void) state;

    memset(&chosen, 0, sizeof(chosen));

    names_choose(list("10.0.0.9:1", "[::1]:1", "10.0.0.1:1", NULL), 0,
                 &chosen);
    is_chosen("10.0.0.1:1");
    names_choose(list("10.0.0.1:1", "10.0.0.9:1", "[::1]:1", NULL), 1,
                 &chosen);
    is_chosen("10.0.0.9:1");
    names_choose(list("[::1]:1", "10.0.0.1:1", "10.0.0.9:1", NULL), 1,
                 &chosen);
    is_chosen("[::1]:1");
    names_choose(list("10.0.0.9:1", "[::1]:1", "10.0.0.1:1", NULL), 1,
                 &chosen);
    is_chosen("10.0.0.1:1");
}


static void
what_is_good_is_kept_while_it_is_there(void **state)
{
    (void) state;

    (void) list("10.0.0.5:1", NULL);
    chosen = addrs[0];

    names_choose(list("10.0.0.1:1", "10.0.0.5:1", "10.0.0.9:1", NULL), 0,
                 &chosen);
    is_chosen("10.0.0.5:1");
    names_choose(list("10.0.0.1:1", "10.0.0.9:1", NULL), 0, &chosen);
    is_chosen("10.0.0.9:1");
    names_choose(list("10.0.0.1:1", NULL), 0, &chosen);
    is_chosen("10.0.0.1:1");
}


static void
a_single_one_is_tried_again(void **state)
{
    (void) state;

    (void) list("[fd00::1]:6379", NULL);
    chosen = addrs[0];

    names_choose(list("[fd00::1]:6379", NULL), 1, &chosen);
    is_chosen("[fd00::1]:6379");
    names_choose(list("10.0.0.1:6379", NULL), 1, &chosen);
    is_chosen("10.0.0.1:6379");
}


static void
names_are_told_from_mistakes(void **state)
{
    char               text[300];
    struct names_host  host;
    struct faas_err    err;

    (void) state;

    assert_int_equal(names_parse("redis:6379", &host, &err), 0);
    assert_string_equal(host.name, "redis");
    assert_string_equal(host.port, "6379");
    assert_int_equal(names_parse("my-stack_redis.tasks:65535", &host, &err),
                     0);
    assert_string_equal(host.name, "my-stack_redis.tasks");
    assert_int_equal(names_parse("1.redis-2:1", &host, &err), 0);
    assert_int_equal(names_parse("_x.a1:1", &host, &err), 0);

    /* 253 bytes, and one more */

    memset(text, 'x', sizeof(text));
    text[63] = text[127] = text[191] = '.';
    (void) snprintf(text + 253, sizeof(text) - 253, ":1");
    assert_int_equal(names_parse(text, &host, &err), 0);
    (void) snprintf(text + 253, sizeof(text) - 253, "x:1");
    assert_int_equal(names_parse(text, &host, &err), -1);

    assert_int_equal(names_parse("", &host, &err), -1);
    assert_int_equal(names_parse(":", &host, &err), -1);
    assert_int_equal(names_parse("a:", &host, &err), -1);
    assert_int_equal(names_parse("a:-1", &host, &err), -1);
    assert_int_equal(names_parse("a:b:1", &host, &err), -1);
    assert_int_equal(names_parse("1:1", &host, &err), -1);
    assert_int_equal(names_parse("a.1:1", &host, &err), -1);
    assert_int_equal(names_parse(".a:1", &host, &err), -1);
    assert_int_equal(names_parse("a/b:1", &host, &err), -1);
    assert_int_equal(names_parse("\303\244:1", &host, &err), -1);
    assert_int_equal(names_parse("[::1:1", &host, &err), -1);
    assert_int_equal(names_parse("a-:1", &host, &err), -1);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(each_gets_its_turn_whatever_their_order),
        cmocka_unit_test(what_is_good_is_kept_while_it_is_there),
        cmocka_unit_test(a_single_one_is_tried_again),
        cmocka_unit_test(names_are_told_from_mistakes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * If this fails, whoever may call a function makes requests inside the
 * operator's network, or callbacks that are allowed are refused.
 *
 * uses: queue/address.c
 */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "queue/address.h"


static struct address_rules  rules;


static int
is_allowed(const char *text)
{
    struct sockaddr_in   sin;
    struct sockaddr_in6  sin6;

    memset(&sin, 0, sizeof(sin));
    memset(&sin6, 0, sizeof(sin6));
    sin.sin_family = AF_INET;
    sin6.sin6_family = AF_INET6;

    if (inet_pton(AF_INET, text, &sin.sin_addr) == 1) {
        return address_is_allowed(&rules, (const struct sockaddr *) &sin);
    }

    assert_int_equal(inet_pton(AF_INET6, text, &sin6.sin6_addr), 1);

    return address_is_allowed(&rules, (const struct sockaddr *) &sin6);
}


static void
allow(const char *text)
{
    struct faas_err  err;

    assert_int_equal(address_parse_rules(text, &rules, &err), 0);
}


static void
test_refused(void **state)
{
    size_t           i;
    struct sockaddr  odd;

    static const char *const  refused[] = {
        "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1",
        "100.127.255.255", "127.0.0.1", "127.255.255.255", "169.254.169.254",
        "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1",
        "192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.1",
        "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1",
        "255.255.255.255",
        "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
        "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b:1::1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::1", "2002:a00:1::", "2001::1", "2001:db8::1",
        "fc00::1", "fdff:ffff::1", "fe80::1", "febf::1", "fec0::1",
        "ff02::1", "100::1",
    };

    (void) state;

    allow("");

    for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (is_allowed(refused[i])) {
            fail_msg("%s is allowed", refused[i]);
        }
    }

    memset(&odd, 0, sizeof(odd));
    odd.sa_family = AF_UNIX;
    assert_false(address_is_allowed(&rules, &odd));
}


static void
test_public(void **state)
{
    size_t  i;

    static const char *const  public[] = {
        "1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255",
        "100.128.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255",
        "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0",
        "198.17.255.255", "198.20.0.0", "223.255.255.255",
        "2606:4700::1111", "2a00::1", "::ffff:1.1.1.1", "64:ff9b::101:101",
        "2002:101:101::1",
    };

    (void) state;

    allow("");

    for (i = 0; i < sizeof(public) / sizeof(public[0]); i++) {
        if (!is_allowed(public[i])) {
            fail_msg("%s is refused", public[i]);
        }
    }
}


static void
test_rules(void **state)
{
    (void) state;

    allow("10.1.0.0/16,fd00::/8,127.0.0.1");

    assert_true(is_allowed("10.1.2.3"));
    assert_true(is_allowed("::ffff:10.1.2.3"));
    assert_false(is_allowed("10.2.0.0"));
    assert_true(is_allowed("fd12::1"));
    assert_false(is_allowed("fc12::1"));
    assert_true(is_allowed("127.0.0.1"));
    assert_false(is_allowed("127.0.0.2"));

    allow("192.168.4.0/22");
    assert_true(is_allowed("192.168.7.255"));
    assert_false(is_allowed("192.168.8.0"));

    allow("0.0.0.0/0");
    assert_true(is_allowed("127.0.0.1"));
    assert_false(is_allowed("::1"));
}


static void
test_bad(void **state)
{
    size_t           i;
    struct faas_err  err;

    static const char *const  bad[] = {
        "10.0.0.0/33", "10.0.0/8", "fd00::/129", "host", "10.0.0.0/",
        "10.0.0.0/8 ", ",", "10.0.0.0/8,,", "10.0.0.0/-1",
    };

    (void) state;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(address_parse_rules(bad[i], &rules, &err), -1);
    }
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_public),
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_bad),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

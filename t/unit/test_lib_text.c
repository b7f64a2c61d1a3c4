/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * If this fails, input from outside is misread: names, numbers, durations,
 * addresses; or a bounded buffer is not bounded.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <netinet/in.h>

#include "lib/faas_addr.h"
#include "lib/faas_buf.h"
#include "lib/faas_err.h"
#include "lib/faas_name.h"
#include "lib/faas_num.h"


static void
check_name(const char *s, const char *name, const char *ns)
{
    struct faas_name  n;

    if (faas_name_parse(s, strlen(s), &n) != 0) {
        if (name != NULL) {
            fail_msg("refused: %s", s);
        }

        return;
    }

    if (name == NULL) {
        fail_msg("accepted: %s", s);
        return;
    }

    assert_int_equal(n.name_len, strlen(name));
    assert_memory_equal(n.name, name, n.name_len);
    assert_int_equal(n.ns_len, strlen(ns));
    assert_memory_equal(n.ns, ns, n.ns_len);
}


static void
names_are_split_at_the_last_dot(void **state)
{
    char              key[FAAS_KEY_MAX + 1];
    char              longest[FAAS_NAME_MAX + 2];
    struct faas_name  n;

    (void) state;

    check_name("env", "env", "openfaas-fn");
    check_name("env.openfaas-fn", "env", "openfaas-fn");
    check_name("a.b.c", "a.b", "c");
    check_name("A_b-9.x", "A_b-9", "x");
    check_name("", NULL, NULL);
    check_name(".", NULL, NULL);
    check_name(".ns", NULL, NULL);
    check_name("env.", NULL, NULL);
    check_name("a$b", NULL, NULL);
    check_name("a/b", NULL, NULL);
    check_name("a%62", NULL, NULL);

    memset(longest, 'a', sizeof(longest));
    assert_int_equal(faas_name_parse(longest, FAAS_NAME_MAX, &n), 0);
    assert_int_equal(faas_name_parse(longest, FAAS_NAME_MAX + 1, &n), -1);

    assert_int_equal(faas_name_parse("a.b", 3, &n), 0);
    assert_int_equal(faas_name_key(&n, key), 3);
    assert_string_equal(key, "a.b");
}


static void
dns_labels_are_told_apart(void **state)
{
    (void) state;

    assert_true(faas_name_is_dns_label("a", 1));
    assert_true(faas_name_is_dns_label("a-9", 3));
    assert_false(faas_name_is_dns_label("", 0));
    assert_false(faas_name_is_dns_label("-a", 2));
    assert_false(faas_name_is_dns_label("a-", 2));
    assert_false(faas_name_is_dns_label("A", 1));
    assert_false(faas_name_is_dns_label("a.b", 3));
    assert_false(faas_name_is_dns_label("a_b", 3));
}


static void
numbers_have_a_range(void **state)
{
    uint64_t  v;

    (void) state;

    assert_int_equal(faas_parse_uint("18446744073709551615", 20, 0,
                                     UINT64_MAX, &v), 0);
    assert_true(v == UINT64_MAX);
    assert_int_equal(faas_parse_uint("18446744073709551616", 20, 0,
                                     UINT64_MAX, &v), -1);
    assert_int_equal(faas_parse_uint("", 0, 0, 9, &v), -1);
    assert_int_equal(faas_parse_uint("+1", 2, 0, 9, &v), -1);
    assert_int_equal(faas_parse_uint(" 1", 2, 0, 9, &v), -1);
    assert_int_equal(faas_parse_uint("10", 2, 0, 9, &v), -1);
    assert_int_equal(faas_parse_uint("1", 1, 2, 9, &v), -1);
}


static void
check_duration(const char *s, int64_t msec)
{
    uint64_t  v;

    if (faas_parse_duration(s, strlen(s), 1000000000, &v) != 0) {
        if (msec >= 0) {
            fail_msg("refused: %s", s);
        }

        return;
    }

    if (msec < 0) {
        fail_msg("accepted: %s", s);
    }

    assert_int_equal(v, msec);
}


static void
durations_are_seconds_or_as_in_go(void **state)
{
    (void) state;

    check_duration("30", 30000);
    check_duration("0", 0);
    check_duration("500ms", 500);
    check_duration("1m30s", 90000);
    check_duration("1.5s", 1500);
    check_duration("0.25h", 900000);
    check_duration("1h2m3s4ms", 3723004);
    check_duration("999us", 0);
    check_duration("", -1);
    check_duration("1d", -1);
    check_duration("s", -1);
    check_duration("-1s", -1);
    check_duration("1s2", -1);
    check_duration("99999999999h", -1);
    check_duration("1000000001", -1);
    check_duration("9999999999999999999999s", -1);
}


static void
decimals_have_digits_and_a_point(void **state)
{
    size_t  i;
    double  v;

    static const struct {
        const char  *text;
        double       value;
    } good[] = {
        { "0", 0 }, { "50", 50 }, { "0.90", 0.9 }, { "1.5", 1.5 },
        { "007", 7 }, { "999999999999999", 999999999999999.0 },
        { "12345678.1234567", 12345678.1234567 }
    };

    static const char *const  bad[] = {
        "", ".", ".5", "5.", "1.2.3", "-1", "+1", "1e3", "0x1", "nan", "inf",
        " 1", "1 ", "1,5", "1234567890123.123"
    };

    (void) state;

    for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        assert_int_equal(faas_parse_decimal(good[i].text,
                                            strlen(good[i].text), &v), 0);
        assert_true(v >= good[i].value - 1e-6
                    && v <= good[i].value + 1e-6);
    }

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        v = 7;
        assert_int_equal(faas_parse_decimal(bad[i], strlen(bad[i]), &v), -1);
        assert_true(v == 7);
    }
}


static void
addresses_have_three_forms(void **state)
{
    size_t                    i;
    struct faas_addr          addr;
    static const char *const  bad[] = {
        "", ":80", "host:80", "1.2.3.4", "1.2.3.4:", "1.2.3.4:65536",
        "::1:80", "[::1]", "[::1]:0", "[1.2.3.4]:80", "unix:", "unix:rel",
    };

    (void) state;

    assert_int_equal(faas_addr_parse("127.0.0.1:80", 12, &addr), 0);
    assert_int_equal(addr.sa.ss_family, AF_INET);
    assert_int_equal(((struct sockaddr_in *) &addr.sa)->sin_port, htons(80));

    assert_int_equal(faas_addr_parse("[::1]:8080", 10, &addr), 0);
    assert_int_equal(addr.sa.ss_family, AF_INET6);

    assert_int_equal(faas_addr_parse("unix:/a", 7, &addr), 0);
    assert_int_equal(addr.sa.ss_family, AF_UNIX);

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (faas_addr_parse(bad[i], strlen(bad[i]), &addr) == 0) {
            fail_msg("accepted: %s", bad[i]);
        }
    }
}


static void
an_address_of_a_socket_has_a_bound(void **state)
{
    char              path[FAAS_ADDR_MAX + 1];
    struct faas_addr  addr;

    (void) state;

    memset(path, 'a', sizeof(path));
    memcpy(path, "unix:/", 6);

    assert_int_equal(faas_addr_parse(path, FAAS_ADDR_MAX, &addr), 0);
    assert_int_equal(faas_addr_parse(path, FAAS_ADDR_MAX + 1, &addr), -1);
}


static void
a_host_is_a_name_and_a_port(void **state)
{
    size_t                    i, len;
    uint16_t                  port;
    static const char *const  bad[] = {
        "", ":80", ".:80", "redis", "redis:", "redis:0", "redis:65536",
        "redis:+1", "redis:6379x", "re dis:80", "redis/:80", "a..b:80",
        ".redis:80", "redis..:80", "-redis:80", "redis-:80", "a.-b:80",
        "\xc3\xa9t\xc3\xa9:80", "user@redis:80", "a:b:80", "1.2.3.4:80",
        "300.1.1.1:80", "1.2.3:80", "6379:80", "[redis]:80", "[::1]:80",
        "unix:80", "unix:/a:80",
    };

    (void) state;

    assert_int_equal(faas_addr_parse_host("redis:6379", 10, &len, &port), 0);
    assert_int_equal(len, 5);
    assert_int_equal(port, 6379);

    assert_int_equal(faas_addr_parse_host("tasks.My_stack-1.:1", 19, &len,
                                          &port), 0);
    assert_int_equal(len, 16);
    assert_int_equal(port, 1);

    assert_int_equal(faas_addr_parse_host("4.r:65535", 9, &len, &port), 0);
    assert_int_equal(faas_addr_parse_host("unix.r:1", 8, &len, &port), 0);

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (faas_addr_parse_host(bad[i], strlen(bad[i]), &len, &port) == 0) {
            fail_msg("accepted: %s", bad[i]);
        }
    }
}


static void
a_host_has_a_bound(void **state)
{
    char      text[FAAS_HOST_MAX + 4];
    size_t    len;
    uint16_t  port;

    (void) state;

    memset(text, 'a', sizeof(text));
    text[FAAS_LABEL_MAX + 1] = ':';
    text[FAAS_LABEL_MAX + 2] = '1';

    assert_int_equal(faas_addr_parse_host(text + 1, FAAS_LABEL_MAX + 2, &len,
                                          &port), 0);
    assert_int_equal(faas_addr_parse_host(text, FAAS_LABEL_MAX + 3, &len,
                                          &port), -1);

    memset(text, 'a', sizeof(text));

    for (len = 1; len < FAAS_HOST_MAX; len += 2) {
        text[len] = '.';
    }

    text[FAAS_HOST_MAX] = ':';
    text[FAAS_HOST_MAX + 1] = '1';

    assert_int_equal(faas_addr_parse_host(text, FAAS_HOST_MAX + 2, &len,
                                          &port), 0);
    assert_int_equal(len, FAAS_HOST_MAX);

    memset(text + FAAS_HOST_MAX, 'a', 4);
    text[FAAS_HOST_MAX + 1] = ':';
    text[FAAS_HOST_MAX + 2] = '1';

    assert_int_equal(faas_addr_parse_host(text, FAAS_HOST_MAX + 3, &len,
                                          &port), -1);
}


static void
a_buffer_has_a_bound(void **state)
{
    struct faas_buf  buf;

    (void) state;

    faas_buf_init(&buf, 10);
    assert_int_equal(faas_buf_puts(&buf, "12345"), 0);
    assert_int_equal(faas_buf_printf(&buf, "%d", 67890), 0);
    assert_string_equal(buf.data, "1234567890");
    assert_int_equal(faas_buf_add(&buf, "x", 1), -1);
    assert_int_equal(buf.is_failed, 1);
    assert_int_equal(faas_buf_add(&buf, "", 0), -1);

    faas_buf_reset(&buf);
    assert_int_equal(faas_buf_puts(&buf, "abc"), 0);
    faas_buf_consume(&buf, 1);
    assert_string_equal(buf.data, "bc");
    faas_buf_consume(&buf, 100);
    assert_int_equal(buf.len, 0);

    faas_buf_done(&buf);
}


static void
an_error_keeps_its_context(void **state)
{
    struct faas_err  err;

    (void) state;

    assert_int_equal(faas_err_set(&err, 400, "bad %s", "name"), -1);
    assert_int_equal(faas_err_prefix(&err, "function %d", 7), -1);
    assert_string_equal(err.text, "function 7: bad name");
    assert_int_equal(err.code, 400);
    assert_int_equal(faas_err_set(NULL, 1, "x"), -1);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(names_are_split_at_the_last_dot),
        cmocka_unit_test(dns_labels_are_told_apart),
        cmocka_unit_test(numbers_have_a_range),
        cmocka_unit_test(durations_are_seconds_or_as_in_go),
        cmocka_unit_test(decimals_have_digits_and_a_point),
        cmocka_unit_test(addresses_have_three_forms),
        cmocka_unit_test(an_address_of_a_socket_has_a_bound),
        cmocka_unit_test(a_host_is_a_name_and_a_port),
        cmocka_unit_test(a_host_has_a_bound),
        cmocka_unit_test(a_buffer_has_a_bound),
        cmocka_unit_test(an_error_keeps_its_context),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * If this fails, the parts no longer understand one another, or take from
 * Redis what they should refuse.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/faas_proto.h"


static struct faas_route  in, out;


static int
parse(const char *s)
{
    struct faas_err  err;

    err.text[0] = '\0';

    if (faas_route_parse(s, strlen(s), &out, &err) != 0) {
        assert_true(err.text[0] != '\0');
        return -1;
    }

    return 0;
}


static void
a_route_survives_encoding(void **state)
{
    int       len;
    uint32_t  i;
    char     *text;

    (void) state;

    memset(&in, 0, sizeof(in));
    in.rev = 1763906400000000ULL;
    in.replicas = 300;
    in.n = FAAS_REPLICAS_MAX;

    for (i = 0; i < in.n; i++) {
        memset(in.endpoints[i].id, 'i', FAAS_REPLICA_ID_MAX);
        (void) snprintf(in.endpoints[i].addr, sizeof(in.endpoints[i].addr),
                        "unix:/%0*u", (int) FAAS_ADDR_MAX - 6, i);
    }

    text = malloc(FAAS_ROUTE_MAX);
    assert_non_null(text);

    len = faas_route_encode(&in, text, FAAS_ROUTE_MAX);
    assert_true(len > 0);
    assert_int_equal(strlen(text), len);

    assert_int_equal(faas_route_parse(text, (size_t) len, &out, NULL), 0);
    assert_memory_equal(&in, &out, sizeof(in));

    assert_int_equal(faas_route_encode(&in, text, (size_t) len), -1);

    free(text);
}


static void
unknown_members_of_a_route_are_passed_over(void **state)
{
    (void) state;

    assert_int_equal(parse("{\"rev\":7,\"replicas\":0,\"endpoints\":[],"
                           "\"new\":{\"a\":[1]}}"), 0);
    assert_int_equal(out.rev, 7);
    assert_int_equal(out.n, 0);
}


static void
limits_of_a_route_may_be_left_out(void **state)
{
    char  text[512];
    int   len;

    (void) state;

    assert_int_equal(parse("{\"rev\":7,\"replicas\":0,\"endpoints\":[]}"), 0);
    assert_int_equal(out.max_inflight, 0);
    assert_int_equal(out.queue, FAAS_UNSET);
    assert_int_equal(out.park_ms, FAAS_UNSET);
    assert_int_equal(out.timeout_ms, 0);
    assert_false(out.is_private);

    assert_int_equal(parse("{\"rev\":7,\"replicas\":0,\"endpoints\":[],"
                           "\"max_inflight\":65535,\"queue\":0,"
                           "\"park_ms\":86400000,\"timeout_ms\":1,"
                           "\"visibility\":\"private\"}"), 0);

    len = faas_route_encode(&out, text, sizeof(text));
    assert_true(len > 0);
    assert_int_equal(parse(text), 0);
    assert_int_equal(out.max_inflight, 65535);
    assert_int_equal(out.queue, 0);
    assert_int_equal(out.park_ms, 86400000);
    assert_int_equal(out.timeout_ms, 1);
    assert_true(out.is_private);

    assert_int_equal(parse("{\"rev\":7,\"replicas\":0,\"endpoints\":[],"
                           "\"visibility\":\"public\"}"), 0);
    assert_false(out.is_private);
}


static void
lost_replicas_of_a_route_are_behind_its_endpoints(void **state)
{
    int   len;
    char  text[512];

    (void) state;

    assert_int_equal(parse("{\"rev\":7,\"replicas\":3,\"endpoints\":"
                           "[{\"id\":\"a\",\"addr\":\"1.2.3.4:5\"}],"
                           "\"lost\":[\"b\",\"c\"]}"), 0);
    assert_int_equal(out.n, 1);
    assert_int_equal(out.n_lost, 2);

    len = faas_route_encode(&out, text, sizeof(text));
    assert_true(len > 0);
    assert_int_equal(parse(text), 0);
    assert_int_equal(out.n_lost, 2);
    assert_string_equal(out.endpoints[0].id, "a");
    assert_string_equal(out.endpoints[1].id, "b");
    assert_string_equal(out.endpoints[2].id, "c");
    assert_string_equal(out.endpoints[2].addr, "");

    assert_int_equal(parse("{\"rev\":7,\"replicas\":0,\"endpoints\":[]}"), 0);
    assert_int_equal(out.n_lost, 0);
}


static void
a_bad_route_is_refused(void **state)
{
    size_t                    i;
    static const char *const  bad[] = {
        "",
        "[]",
        "{",
        "{\"rev\":1}",
        "{\"rev\":-1,\"replicas\":0,\"endpoints\":[]}",
        "{\"rev\":1.5,\"replicas\":0,\"endpoints\":[]}",
        "{\"rev\":\"1\",\"replicas\":0,\"endpoints\":[]}",
        "{\"rev\":1,\"replicas\":5000000000,\"endpoints\":[]}",
        "{\"rev\":1,\"rev\":2,\"replicas\":0,\"endpoints\":[]}",
        "{\"rev\":1,\"replicas\":0,\"endpoints\":{}}",
        "{\"rev\":1,\"replicas\":0,\"endpoints\":[7]}",
        "{\"rev\":1,\"replicas\":0,\"endpoints\":[{\"id\":\"a\"}]}",
        "{\"rev\":1,\"replicas\":0,\"endpoints\":"
            "[{\"id\":\"\",\"addr\":\"1.2.3.4:5\"}]}",
        "{\"rev\":1,\"replicas\":0,\"endpoints\":"
            "[{\"id\":\"a b\",\"addr\":\"1.2.3.4:5\"}]}",
        "{\"rev\":1,\"replicas\":0,\"endpoints\":"
            "[{\"id\":\"a\\nb\",\"addr\":\"1.2.3.4:5\"}]}",
        "{\"rev\":1,\"replicas\":0,\"endpoints\":"
            "[{\"id\":\"a\",\"addr\":\"host:80\"}]}",
        "{\"rev\":1,\"replicas\":0,\"endpoints\":"
            "[{\"id\":\"a\",\"addr\":\"1.2.3.4:0\"}]}",
        "{\"rev\":1,\"replicas\":0,\"endpoints\":[],\"queue\":1000001}",
        "{\"rev\":1,\"replicas\":0,\"endpoints\":[],\"queue\":null}",
        "{\"rev\":1,\"replicas\":0,\"endpoints\":[],\"park_ms\":86400001}",
        "{\"rev\":1,\"replicas\":0,\"endpoints\":[],\"timeout_ms\":-1}",
        "{\"rev\":1,\"replicas\":0,\"endpoints\":[],"
            "\"max_inflight\":65536}",
        "{\"rev\":1,\"replicas\":0,\"endpoints\":[],\"visibility\":1}",
        "{\"rev\":1,\"replicas\":0,\"endpoints\":[],"
            "\"visibility\":\"secret\"}",
        "{\"rev\":1,\"replicas\":0,\"endpoints\":[],\"lost\":\"a\"}",
        "{\"rev\":1,\"replicas\":0,\"endpoints\":[],\"lost\":[7]}",
        "{\"rev\":1,\"replicas\":0,\"endpoints\":[],\"lost\":[\"\"]}",
        "{\"rev\":1,\"replicas\":0,\"endpoints\":[],\"lost\":[\"a b\"]}",
    };

    (void) state;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (parse(bad[i]) == 0) {
            fail_msg("accepted: %s", bad[i]);
        }
    }
}


static void
a_route_has_a_bound(void **state)
{
    char              *text;
    size_t             len;
    static const char  json[] = "{\"rev\":1,\"replicas\":0,\"endpoints\":[]}";

    (void) state;

    len = FAAS_ROUTE_MAX + 1;
    text = malloc(len);
    assert_non_null(text);
    memset(text, ' ', len);
    memcpy(text, json, sizeof(json) - 1);

    assert_int_equal(faas_route_parse(text, len - 1, &out, NULL), 0);
    assert_int_equal(faas_route_parse(text, len, &out, NULL), -1);

    free(text);
}


static void
a_load_survives_encoding(void **state)
{
    char              text[FAAS_LOAD_MAX];
    size_t            len;
    struct faas_load  a, b;

    (void) state;

    memset(&a, 0xff, sizeof(a));
    len = faas_load_encode(&a, text);
    assert_in_range(len, 1, FAAS_LOAD_MAX - 1);
    assert_int_equal(faas_load_parse(text, len, &b), 0);
    assert_memory_equal(&a, &b, sizeof(a));
}


static void
a_bad_load_is_refused(void **state)
{
    size_t                    i;
    struct faas_load          load;
    static const char *const  bad[] = {
        "", "1", "2 1 2 3 4 5 6 7 8 9 10", "1 1 2 3 4 5 6 7 8 9",
        "1 1 2 3 4 5 6 7 8 9 10 11", "1 1 2 3 4 5 6 7 8 9 x",
        "1  1 2 3 4 5 6 7 8 9 10", "1 1 2 3 4 5 6 7 8 9 -1",
        "1 1 2 3 4 5 6 7 8 9 99999999999999999999",
    };

    (void) state;

    assert_int_equal(faas_load_parse("1 1 2 3 4 5 6 7 8 9 10", 22, &load), 0);
    assert_int_equal(load.rev, 1);
    assert_int_equal(load.draining, 3);
    assert_int_equal(load.clock_ms, 10);

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (faas_load_parse(bad[i], strlen(bad[i]), &load) == 0) {
            fail_msg("accepted: %s", bad[i]);
        }
    }
}


static void
a_leader_survives_encoding(void **state)
{
    char                text[FAAS_LEADER_MAX];
    struct faas_leader  a, b;

    (void) state;

    memset(&a, 0, sizeof(a));
    memset(a.id, 'i', FAAS_LEADER_ID_MAX);
    a.term = FAAS_TERM_MAX;

    faas_leader_encode(&a, text);
    assert_int_equal(strlen(text), FAAS_LEADER_MAX - 1);
    memset(&b, 0, sizeof(b));
    assert_int_equal(faas_leader_parse(text, strlen(text), &b), 0);
    assert_memory_equal(&a, &b, sizeof(a));

    assert_int_equal(faas_leader_parse("a 1", 3, &b), 0);
    assert_string_equal(b.id, "a");
    assert_int_equal(b.term, 1);
}


static void
a_bad_leader_is_refused(void **state)
{
    size_t               i;
    char                 text[FAAS_LEADER_MAX + 2];
    struct faas_leader   leader;
    static const char   *bad[] = {
        "", " ", "a", "a ", " 1", "a 0", "a -1", "a 1 ", "a  1", "a b 1",
        "a 9007199254740992", "a\n 1", "\xc3\xa4 1"
    };

    (void) state;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (faas_leader_parse(bad[i], strlen(bad[i]), &leader) == 0) {
            fail_msg("taken: \"%s\"", bad[i]);
        }
    }

    memset(text, 'i', FAAS_LEADER_ID_MAX + 1);
    memcpy(text + FAAS_LEADER_ID_MAX + 1, " 1", 3);
    assert_int_equal(faas_leader_parse(text, strlen(text), &leader), -1);
    assert_int_equal(faas_leader_parse(text + 1, strlen(text + 1), &leader),
                     0);
}


static void
keys_fit_or_are_refused(void **state)
{
    char  key[FAAS_REDIS_KEY_MAX + 1];
    char  prefix[FAAS_PREFIX_MAX + 1], id[FAAS_GATEWAY_MAX + 2];

    (void) state;

    assert_int_equal(faas_proto_key(key, "faas:", FAAS_ROUTES, NULL), 0);
    assert_string_equal(key, "faas:routes");

    memset(prefix, 'p', FAAS_PREFIX_MAX);
    prefix[FAAS_PREFIX_MAX] = '\0';
    memset(id, 'g', FAAS_GATEWAY_MAX + 1);
    id[FAAS_GATEWAY_MAX + 1] = '\0';

    assert_int_equal(faas_proto_key(key, prefix, FAAS_ACTIVE, id), -1);
    id[FAAS_GATEWAY_MAX] = '\0';
    assert_int_equal(faas_proto_key(key, prefix, FAAS_ACTIVE, id), 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_route_survives_encoding),
        cmocka_unit_test(unknown_members_of_a_route_are_passed_over),
        cmocka_unit_test(limits_of_a_route_may_be_left_out),
        cmocka_unit_test(lost_replicas_of_a_route_are_behind_its_endpoints),
        cmocka_unit_test(a_bad_route_is_refused),
        cmocka_unit_test(a_route_has_a_bound),
        cmocka_unit_test(a_load_survives_encoding),
        cmocka_unit_test(a_bad_load_is_refused),
        cmocka_unit_test(a_leader_survives_encoding),
        cmocka_unit_test(a_bad_leader_is_refused),
        cmocka_unit_test(keys_fit_or_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

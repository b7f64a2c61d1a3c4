/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * If this fails, a function gets more or less memory or CPU than it was
 * deployed with, or a stack file of another provider is refused.
 *
 * uses: scaler/resources.c
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "scaler/resources.h"


#define MI  (1024ULL * 1024)


static void
memory_has_units(void **state)
{
    size_t    i;
    uint64_t  n;

    static const struct {
        const char  *text;
        uint64_t     bytes;
    } cases[] = {
        { "128Mi", 128 * MI }, { "1.5Gi", 1536 * MI }, { "64m", 64 * MI },
        { "64mb", 64 * MI }, { "1g", 1024 * MI }, { "1gb", 1024 * MI },
        { "2048Ki", 2 * MI }, { "2048kb", 2 * MI }, { "1048576", MI },
        { "1048576b", MI }, { "5M", 5000000 }, { "1G", 1000000000 },
        { "1500k", 1500000 }, { "1Pi", 1ULL << 50 }, { "1T", 1000000000000 },
        { "1.25M", 1250000 }, { "1.2509999M", 1250000 }, { "1Mi", MI },
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        n = 0;
        assert_int_equal(resources_memory(cases[i].text, &n), 0);
        assert_int_equal(n, cases[i].bytes);
    }
}


static void
cpu_has_units(void **state)
{
    size_t    i;
    uint64_t  n;

    static const struct {
        const char  *text;
        uint64_t     milli;
    } cases[] = {
        { "100m", 100 }, { "1", 1000 }, { "0.5", 500 }, { "0.001", 1 },
        { "2.25", 2250 }, { "1024", 1024000 }, { "1m", 1 }, { "1500m", 1500 },
        { "100000000", 100 }, { "1000000", 1 },
    };

    (void) state;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        n = 0;
        assert_int_equal(resources_cpu(cases[i].text, &n), 0);
        assert_int_equal(n, cases[i].milli);
    }
}


static void
others_are_none(void **state)
{
    size_t    i;
    uint64_t  n;

    static const char *const  memory[] = {
        "", "x", "Mi", "-1Mi", "1 Mi", "1mi", "1MB", "1Mib", "1.", ".5Gi",
        "1.Mi", "1,5Gi", "0", "0Mi", "1023Ki", "2Pi", "1e9",
        "999999999999999P", "9999999999999999999999", "1Mi ", "0x10000000",
    };

    static const char *const  cpu[] = {
        "", "x", "m", "-1", "1 m", "1M", "0", "0m", "0.0001", "1025", "1e3",
        "0.5m", "1.", "99999999999999999999", "1100000000000000",
    };

    (void) state;

    for (i = 0; i < sizeof(memory) / sizeof(memory[0]); i++) {
        assert_int_equal(resources_memory(memory[i], &n), -1);
    }

    for (i = 0; i < sizeof(cpu) / sizeof(cpu[0]); i++) {
        assert_int_equal(resources_cpu(cpu[i], &n), -1);
    }
}


static int
read_both(const char *text, struct resources *limits,
    struct resources *requests, struct faas_err *err)
{
    int      rc;
    json_t  *deployment;

    deployment = json_loads(text, 0, NULL);
    assert_non_null(deployment);
    rc = resources_read(limits, requests, deployment, err);
    json_decref(deployment);

    return rc;
}


static void
requests_are_within_limits(void **state)
{
    struct faas_err   err;
    struct resources  limits, requests;

    (void) state;

    assert_int_equal(read_both("{}", &limits, &requests, &err), 0);
    assert_int_equal(limits.memory + limits.cpu + requests.memory
                     + requests.cpu, 0);

    assert_int_equal(read_both("{\"limits\":{\"memory\":\"2Mi\",\"cpu\":\"\"},"
                               "\"requests\":{\"memory\":\"1Mi\",\"cpu\":"
                               "\"1\"}}", &limits, &requests, &err), 0);
    assert_int_equal(limits.memory, 2 * MI);
    assert_int_equal(requests.cpu, 1000);

    assert_int_equal(read_both("{\"limits\":{\"memory\":\"1Mi\"},\"requests\":"
                               "{\"memory\":\"2Mi\"}}", &limits, &requests,
                               &err), -1);
    assert_int_equal(err.code, 400);
    assert_non_null(strstr(err.text, "\"requests\": memory is more"));

    assert_int_equal(read_both("{\"limits\":{\"cpu\":\"1\"},\"requests\":"
                               "{\"cpu\":\"1001m\"}}", &limits, &requests,
                               &err), -1);
    assert_non_null(strstr(err.text, "\"requests\": cpu is more"));

    assert_int_equal(read_both("{\"limits\":{\"memory\":\"12x\"}}", &limits,
                               &requests, &err), -1);
    assert_non_null(strstr(err.text, "\"limits\": memory is \"12x\""));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(memory_has_units),
        cmocka_unit_test(cpu_has_units),
        cmocka_unit_test(others_are_none),
        cmocka_unit_test(requests_are_within_limits),
    };

    return cmocka_run_group_tests_name("resources", tests, NULL, NULL);
}

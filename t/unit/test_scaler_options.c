/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * If this fails, the scaler runs with other settings than it was given.
 *
 * uses: daemon/option_table.c scaler/options.c scaler/scale.c
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scaler/options.h"


static struct scaler_options  options;
static struct faas_err        err;


/*
 * With these arguments, up to a NULL, behind the two that must be given.
 */
static enum options_result
parse(const char *first, ...)
{
    int       argc;
    char     *argv[16];
    va_list   args;

    argc = 0;
    argv[argc++] = (char *) "faas-scaler";
    argv[argc++] = (char *) "--listen=unix:/l";
    argv[argc++] = (char *) "--state-dir";
    argv[argc++] = (char *) "/s";

    va_start(args, first);

    while (first != NULL && argc < 15) {
        argv[argc++] = (char *) first;
        first = va_arg(args, const char *);
    }

    va_end(args);

    argv[argc] = NULL;
    err.text[0] = '\0';

    return options_parse(argc, argv, &options, &err);
}


static void
bad(const char *option, const char *value)
{
    assert_int_equal(parse(option, value, NULL), OPTIONS_BAD);
    assert_true(err.text[0] != '\0');
}


static void
defaults_are_as_documented(void **state)
{
    (void) state;

    assert_int_equal(parse(NULL), OPTIONS_RUN);
    assert_string_equal(options.listen, "unix:/l");
    assert_string_equal(options.state_dir, "/s");
    assert_int_equal(options.is_health, 0);
    assert_string_equal(options.credentials_dir, "");
    assert_string_equal(options.redis.address, "127.0.0.1:6379");
    assert_string_equal(options.resolver, "");
    assert_string_equal(options.redis.password_file, "");
    assert_string_equal(options.redis.prefix, "faas:");
    assert_string_equal(options.functions_dir, ".");
    assert_string_equal(options.watchdog, "faas-watchdog");
    assert_string_equal(options.gateway_user, "");
    assert_string_equal(options.log_level, "notice");
    assert_int_equal(options.redis.db, 0);
    assert_int_equal(options.redis.timeout_ms, 5000);
    assert_int_equal(options.max_functions, 10000);
    assert_int_equal(options.max_replicas, 64);
    assert_int_equal(options.max_starts, 32);
    assert_int_equal(options.spares, 2);
    assert_int_equal(options.max_body, 1048576);
    assert_int_equal(options.max_log, 10485760);
    assert_int_equal(options.max_followers, 64);
    assert_int_equal(options.max_gateways, 64);
    assert_int_equal(options.drain_timeout_ms, 60000);
    assert_int_equal(options.stop_timeout_ms, 10000);
}


static void
the_command_line_is_over_the_environment(void **state)
{
    (void) state;

    assert_int_equal(setenv("FAAS_SCALER_MAX_REPLICAS", "7", 1), 0);
    assert_int_equal(setenv("FAAS_SCALER_REDIS_PREFIX", "env:", 1), 0);

    assert_int_equal(parse("--max-replicas", "9", NULL), OPTIONS_RUN);
    assert_int_equal(options.max_replicas, 9);
    assert_string_equal(options.redis.prefix, "env:");

    assert_int_equal(parse(NULL), OPTIONS_RUN);
    assert_int_equal(options.max_replicas, 7);

    assert_int_equal(parse("--max-replicas=1", "--max-replicas=2", NULL),
                     OPTIONS_RUN);
    assert_int_equal(options.max_replicas, 2);

    assert_int_equal(setenv("FAAS_SCALER_MAX_REPLICAS", "x", 1), 0);
    assert_int_equal(parse(NULL), OPTIONS_BAD);
    assert_non_null(strstr(err.text, "environment"));

    assert_int_equal(unsetenv("FAAS_SCALER_MAX_REPLICAS"), 0);
    assert_int_equal(unsetenv("FAAS_SCALER_REDIS_PREFIX"), 0);
}


static void
durations_have_units(void **state)
{
    (void) state;

    assert_int_equal(parse("--drain-timeout", "1m30s", "--stop-timeout=5",
                           "--redis-timeout", "250ms", NULL), OPTIONS_RUN);
    assert_int_equal(options.drain_timeout_ms, 90000);
    assert_int_equal(options.stop_timeout_ms, 5000);
    assert_int_equal(options.redis.timeout_ms, 250);

    assert_int_equal(parse("--drain-timeout=0", "--stop-timeout=24h", NULL),
                     OPTIONS_RUN);
    assert_int_equal(options.drain_timeout_ms, 0);
    assert_int_equal(options.stop_timeout_ms, 86400000);
}


static void
what_is_wrong_is_refused(void **state)
{
    (void) state;

    bad("--drain-timeout", "-1s");
    bad("--drain-timeout", "");
    bad("--drain-timeout", "25h");
    bad("--redis-timeout", "99ms");
    bad("--redis-timeout", "61s");
    bad("--redis-db", "65536");
    bad("--redis-db", "-1");
    bad("--max-replicas", "0");
    bad("--max-replicas", "257");
    bad("--max-functions", "1000001");
    bad("--max-starts", "0");
    bad("--spares", "17");
    bad("--max-body", "1023");
    bad("--max-body", "1M");
    bad("--max-log", "65535");
    bad("--max-followers", "0");
    bad("--max-followers", "10001");
    bad("--max-gateways", "1025");
    bad("--max", "1");
    bad("--max-replicass", "1");
    bad("-h", "1");
    bad("--", "1");
    bad("", "1");
    assert_int_equal(parse("--max-log", NULL), OPTIONS_BAD);
}


static void
two_must_be_given(void **state)
{
    char  *argv[] = { (char *) "faas-scaler", (char *) "--listen",
                      (char *) "unix:/l", NULL };

    (void) state;

    assert_int_equal(options_parse(3, argv, &options, &err), OPTIONS_BAD);
    assert_non_null(strstr(err.text, "--state-dir"));
    assert_int_equal(options_parse(1, argv, &options, &err), OPTIONS_BAD);
    assert_non_null(strstr(err.text, "--listen"));
}


/*
 * It may be told what the daemon is, or its address only.
 */
static void
health_wants_an_address_only(void **state)
{
    char  *argv[] = { (char *) "faas-scaler", (char *) "--health",
                      (char *) "--listen", (char *) "unix:/l", NULL };

    (void) state;

    assert_int_equal(parse("--health", "--redis", "redis:6379", NULL),
                     OPTIONS_HEALTH);
    assert_string_equal(options.listen, "unix:/l");
    assert_string_equal(options.redis.address, "redis:6379");

    assert_int_equal(options_parse(4, argv, &options, &err), OPTIONS_HEALTH);
    assert_string_equal(options.listen, "unix:/l");

    assert_int_equal(options_parse(2, argv, &options, &err), OPTIONS_BAD);
    assert_int_equal(options.is_health, 1);
    assert_non_null(strstr(err.text, "--listen"));

    assert_int_equal(setenv("FAAS_SCALER_LISTEN", "unix:/e", 1), 0);
    assert_int_equal(options_parse(2, argv, &options, &err), OPTIONS_HEALTH);
    assert_string_equal(options.listen, "unix:/e");
    assert_int_equal(unsetenv("FAAS_SCALER_LISTEN"), 0);

    assert_int_equal(parse("--max-body", "1", "--health", NULL), OPTIONS_BAD);
    assert_int_equal(options.is_health, 1);
}


static void
the_last_of_two_counts(void **state)
{
    (void) state;

    assert_int_equal(parse("--redis", "a:1", "--credentials-dir", "/a",
                           "--redis=b:2", "--credentials-dir=/b",
                           "--resolver=127.0.0.11:53", NULL), OPTIONS_RUN);
    assert_string_equal(options.redis.address, "b:2");
    assert_string_equal(options.credentials_dir, "/b");
    assert_string_equal(options.resolver, "127.0.0.11:53");
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(defaults_are_as_documented),
        cmocka_unit_test(the_command_line_is_over_the_environment),
        cmocka_unit_test(durations_have_units),
        cmocka_unit_test(what_is_wrong_is_refused),
        cmocka_unit_test(two_must_be_given),
        cmocka_unit_test(health_wants_an_address_only),
        cmocka_unit_test(the_last_of_two_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The settings of the queue worker.
 */

#include "options.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/option_table.h"
#include "lib/faas_proto.h"


#ifndef FAAS_VERSION
#define FAAS_VERSION  "0.1.0"
#endif

#define ENV_PREFIX    "FAAS_QUEUE_"
#define GATEWAY_MAX   300           /* bytes of a URL from two variables */
#define ZONEINFO      "/usr/share/zoneinfo"
#define ZONE_MAX      64
#define DAY           86400000


static const char *elsewhere(const char *name);
static int set_policy(struct queue_options *options, struct faas_err *err);
static int check(struct queue_options *options, struct faas_err *err);
static int check_zone(const char *zone, struct faas_err *err);
static void print_help(void);


#define FIELD(name)  offsetof(struct queue_options, name)

static const struct option_entry  entries[] = {
    { "gateway", OPTION_TEXT, FIELD(gateway), "http://127.0.0.1:8080", 0, 0,
      "the gateway that functions are called through: http://HOST:PORT; "
      "default: that of $faas_gateway_address and $faas_gateway_port" },
    { "redis", OPTION_TEXT, FIELD(redis.address), "127.0.0.1:6379", 0, 0,
      "address of Redis: unix:/path, IP:PORT, [IPv6]:PORT or HOST:PORT" },
    { "resolver", OPTION_TEXT, FIELD(resolver), "", 0, 0,
      "name server for Redis' HOST: IP:PORT or [IPv6]:PORT; default: those of "
      "/etc/resolv.conf" },
    { "redis-password-file", OPTION_TEXT, FIELD(redis.password_file), "", 0, 0,
      "file with the password in its first line" },
    { "redis-db", OPTION_NUMBER, FIELD(redis.db), "0", 0, 65535,
      "number of the database" },
    { "redis-prefix", OPTION_TEXT, FIELD(redis.prefix), FAAS_PREFIX_DEFAULT,
      0, 0, "what all keys begin with" },
    { "redis-timeout", OPTION_DURATION, FIELD(redis.timeout_ms), "5s", 100,
      60000, "for a look-up, for a connection and for each answer" },
    { "max-inflight", OPTION_NUMBER, FIELD(max_inflight), "128", 1, 10000,
      "calls that run at a time; default: $max_inflight" },
    { "max-inflight-per-function", OPTION_NUMBER,
      FIELD(max_inflight_per_function), "32", 1, 10000,
      "of one function, where it does not say so itself" },
    { "lease", OPTION_DURATION, FIELD(lease_ms), "30s", 300, DAY,
      "a worker that is silent for so long loses its calls to others" },
    { "retry-attempts", OPTION_NUMBER, FIELD(retry_attempts), "10", 1,
      FAAS_ASYNC_ATTEMPTS_MAX,
      "attempts of a call, and of its callback, the first one included" },
    { "retry-codes", OPTION_TEXT, FIELD(retry_codes), "429,502,503,504", 0, 0,
      "statuses that are tried again" },
    { "retry-min-wait", OPTION_DURATION, FIELD(retry_min_wait_ms), "10s", 0,
      DAY, "before the second attempt; doubled for each that follows" },
    { "retry-max-wait", OPTION_DURATION, FIELD(retry_max_wait_ms), "120s", 0,
      DAY, "the longest of these, whatever Retry-After says" },
    { "retry-jitter", OPTION_TEXT, FIELD(retry_jitter), "full", 0, 0,
      "what is waited of that: exponential, all; full, 0 to 100 per cent; "
      "equal, 50 to 100 per cent" },
    { "connect-timeout", OPTION_DURATION, FIELD(connect_timeout_ms), "10s",
      10, 600000, "for a connection to the gateway or to a callback's host" },
    { "call-timeout", OPTION_DURATION, FIELD(call_timeout_ms), "0", 0, DAY,
      "for all of a call; 0: the function's own time-out governs" },
    { "callback-timeout", OPTION_DURATION, FIELD(callback_timeout_ms), "30s",
      10, DAY, "for all of a callback" },
    { "callback-allow", OPTION_TEXT, FIELD(callback_allow), "", 0, 0,
      "addresses that callbacks may go to although they are not public, as "
      "10.0.0.0/8,fd00::/8" },
    { "max-result", OPTION_BYTES, FIELD(max_result), "1048576", 1024,
      1 << 30, "bytes of an answer that has a callback" },
    { "max-dead", OPTION_NUMBER, FIELD(max_dead), "10000", 1, 10000000,
      "calls that are kept when they are given up; the oldest go first" },
    { "keep-done", OPTION_DURATION, FIELD(keep_done_ms), "1h", 0, 604800000,
      "how long the state of a call is known behind its end" },
    { "drain-timeout", OPTION_DURATION, FIELD(drain_timeout_ms), "60s", 0,
      DAY, "for running calls when the worker is to end" },
    { "cron-timezone", OPTION_TEXT, FIELD(cron_timezone), "UTC", 0, 0,
      "time zone of schedules, as Europe/Berlin" },
    { "cron-catch-up", OPTION_DURATION, FIELD(cron_catch_up_ms), "5m", 60000,
      DAY, "a call by schedule that was missed is made so long after its time"
      },
    { "max-functions", OPTION_NUMBER, FIELD(max_functions), "10000", 1,
      1000000, "functions that are known at a time" },
    { "metrics-listen", OPTION_TEXT, FIELD(metrics_listen), "127.0.0.1:8083",
      0, 0, "address of /metrics and /healthz: unix:/path, IP:PORT or "
      "[IPv6]:PORT" },
    { "max-series", OPTION_NUMBER, FIELD(max_series), "1000", 1, 100000,
      "functions with metrics of their own; others are summed" },
    { "log-level", OPTION_TEXT, FIELD(log_level), "notice", 0, 0,
      "error, warn, notice, info or debug" },
};

static const struct option_table  table = {
    ENV_PREFIX, entries, sizeof(entries) / sizeof(entries[0]), elsewhere
};


enum options_result
options_parse(int argc, char **argv, struct queue_options *options,
    struct faas_err *err)
{
    int  i, rc;

    memset(options, 0, sizeof(*options));

    for (i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--health") == 0) {
            options->is_health = 1;
        }
    }

    if (option_table_defaults(&table, options, err) != 0) {
        return OPTIONS_BAD;
    }

    for (i = 1; i < argc; i++) {

        if (strcmp(argv[i], "--help") == 0) {
            print_help();
            return OPTIONS_EXIT;
        }

        if (strcmp(argv[i], "--version") == 0) {
            (void) printf("faas-queue %s\n", FAAS_VERSION);
            return OPTIONS_EXIT;
        }

        if (strcmp(argv[i], "--health") == 0) {
            continue;
        }

        rc = option_table_argument(&table, options, argc, argv, &i, err);

        if (rc == 0) {
            (void) faas_err_set(err, 0, "unknown option \"%s\", see --help",
                                argv[i]);
        }

        if (rc != 1) {
            return OPTIONS_BAD;
        }
    }

    if (options->is_health) {
        return OPTIONS_HEALTH;
    }

    options->redis.meanwhile = "calls wait";

    return set_policy(options, err) == 0 && check(options, err) == 0
           ? OPTIONS_RUN : OPTIONS_BAD;
}


/*
 * The names that OpenFaaS' queue worker has.
 */
static const char *
elsewhere(const char *name)
{
    const char   *host, *port;

    static char  gateway[GATEWAY_MAX];

    if (strcmp(name, "max-inflight") == 0) {
        return getenv("max_inflight");
    }

    host = getenv("faas_gateway_address");

    if (strcmp(name, "gateway") != 0 || host == NULL) {
        return NULL;
    }

    port = getenv("faas_gateway_port");

    (void) snprintf(gateway, sizeof(gateway), "http://%s:%s", host,
                    port != NULL ? port : "8080");

    return gateway;
}


static int
set_policy(struct queue_options *options, struct faas_err *err)
{
    struct retry_policy  *policy;

    policy = &options->policy;
    policy->attempts = (uint32_t) options->retry_attempts;
    policy->min_wait_ms = (uint32_t) options->retry_min_wait_ms;
    policy->max_wait_ms = (uint32_t) options->retry_max_wait_ms;

    if (policy->min_wait_ms > policy->max_wait_ms) {
        return faas_err_set(err, 0, "--retry-min-wait is longer than "
                            "--retry-max-wait");
    }

    if (retry_parse_jitter(options->retry_jitter, &policy->jitter) != 0) {
        return faas_err_set(err, 0, "--retry-jitter: \"%.80s\" is none of "
                            "exponential, full, equal",
                            options->retry_jitter);
    }

    if (retry_parse_codes(options->retry_codes, policy, err) != 0) {
        return faas_err_prefix(err, "--retry-codes");
    }

    return 0;
}


static int
check(struct queue_options *options, struct faas_err *err)
{
    const char  *host;

    host = strncmp(options->gateway, "http://", 7) == 0
           ? options->gateway + 7
           : strncmp(options->gateway, "https://", 8) == 0
           ? options->gateway + 8 : "";

    if (host[0] == '\0' || strpbrk(host, "/ \t\r\n?#") != NULL) {
        return faas_err_set(err, 0, "--gateway: \"%.80s\" is no URL, expected "
                            "http://HOST:PORT without a slash at its end",
                            options->gateway);
    }

    if (address_parse_rules(options->callback_allow, &options->callback_rules,
                            err)
        != 0)
    {
        return faas_err_prefix(err, "--callback-allow");
    }

    return check_zone(options->cron_timezone, err);
}


/*
 * The C library takes UTC for a zone that it does not know.
 */
static int
check_zone(const char *zone, struct faas_err *err)
{
    char  path[sizeof(ZONEINFO) + ZONE_MAX + 2];

    (void) snprintf(path, sizeof(path), ZONEINFO "/%s", zone);

    if (strcmp(zone, "UTC") == 0
        || (zone[0] != '\0' && zone[0] != '/' && strlen(zone) <= ZONE_MAX
            && strstr(zone, "..") == NULL && access(path, R_OK) == 0))
    {
        return 0;
    }

    return faas_err_set(err, 0, "--cron-timezone: there is no time zone "
                        "\"%.64s\" in " ZONEINFO " (Debian's package tzdata "
                        "has them)", zone);
}


static void
print_help(void)
{
    (void) printf("usage: faas-queue [--OPTION VALUE ...]\n"
                  "       faas-queue --health [--metrics-listen ADDR]\n\n"
                  "With --health it asks the worker at that address how it "
                  "is, and ends with status 0\nor 1.\n\n");

    option_table_print(&table);

    (void) printf("\nEach can be set in the environment as well: "
                  ENV_PREFIX "MAX_INFLIGHT for\n--max-inflight.\n");
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The settings of the scaler.
 */

#include "options.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/faas_num.h"
#include "lib/faas_proto.h"


#ifndef FAAS_VERSION
#define FAAS_VERSION  "0.1.0"
#endif

#define ENV_PREFIX    "FAAS_SCALER_"
#define ENV_NAME_MAX  64
#define DOCKER        "unix:///var/run/docker.sock"


enum kind {
    TEXT,
    NUMBER,
    BYTES,
    DURATION,
    SWITCH
};

struct option_entry {
    const char  *name;
    enum kind    kind;
    size_t       offset;
    const char  *fallback;          /* NULL: must be given */
    uint64_t     min;               /* durations: msec */
    uint64_t     max;
    const char  *help;
};


static int is_argument(int argc, char **argv, int *i, const char *name,
    const char **value, struct faas_err *err);
static int set_defaults(struct scaler_options *options, struct faas_err *err);
static int set_entry(struct scaler_options *options,
    const struct option_entry *entry, const char *value,
    struct faas_err *err);
static int set_argument(struct scaler_options *options, int argc, char **argv,
    int *i, struct faas_err *err);
static int set_scale(struct scaler_options *options,
    const struct scale_setting *setting, const char *value,
    struct faas_err *err);
static const char *from_environment(const char *option);
static int check_texts(const struct scaler_options *options,
    struct faas_err *err);
static int check_missing(const struct scaler_options *options,
    struct faas_err *err);
static void print_help(void);
static void print_option(const char *name, const char *help,
    const char *fallback);


#define FIELD(name)  offsetof(struct scaler_options, name)

static const struct option_entry  entries[] = {
    { "provider", TEXT, FIELD(provider), "process", 0, 0,
      "what runs functions: process, on this machine; swarm, as services of "
      "Docker Swarm" },
    { "listen", TEXT, FIELD(listen), NULL, 0, 0,
      "address of the admin API: unix:/path, IP:PORT or [IPv6]:PORT" },
    { "credentials-dir", TEXT, FIELD(credentials_dir), "", 0, 0,
      "folder with basic-auth-user and basic-auth-password, which the admin "
      "API asks for; default: it asks nobody, keep it away from others" },
    { "redis", TEXT, FIELD(redis), "127.0.0.1:6379", 0, 0,
      "address of Redis: unix:/path, IP:PORT, [IPv6]:PORT or HOST:PORT" },
    { "resolver", TEXT, FIELD(resolver), "", 0, 0,
      "name server for HOST: IP:PORT or [IPv6]:PORT; default: those of "
      "/etc/resolv.conf" },
    { "redis-password-file", TEXT, FIELD(redis_password_file), "", 0, 0,
      "file with the password in its first line" },
    { "redis-db", NUMBER, FIELD(redis_db), "0", 0, 65535,
      "number of the database" },
    { "redis-prefix", TEXT, FIELD(redis_prefix), FAAS_PREFIX_DEFAULT, 0, 0,
      "what all keys begin with" },
    { "redis-timeout", DURATION, FIELD(redis_timeout_ms), "5s", 100, 60000,
      "for a look-up, for a connection and for each answer" },
    { "docker", TEXT, FIELD(docker), DOCKER, 0, 0,
      "the Docker engine, a manager of the swarm: unix:///path or "
      "tcp://HOST:PORT; default: $DOCKER_HOST, or " DOCKER },
    { "docker-cert-path", TEXT, FIELD(docker_cert_path), "", 0, 0,
      "folder with ca.pem, cert.pem and key.pem, for TLS to Docker" },
    { "docker-network", TEXT, FIELD(docker_network), "", 0, 0,
      "network that functions are on; default: that with the label "
      "openfaas=true" },
    { "docker-timeout", DURATION, FIELD(docker_timeout_ms), "20s", 100,
      600000, "for each of Docker's answers" },
    { "state-dir", TEXT, FIELD(state_dir), "", 0, 0,
      "folder for specifications, sockets, logs; must be given for processes"
      },
    { "functions-dir", TEXT, FIELD(functions_dir), ".", 0, 0,
      "folder that a relative image is looked for in" },
    { "watchdog", TEXT, FIELD(watchdog), "faas-watchdog", 0, 0,
      "the watchdog's program" },
    { "gateway-user", TEXT, FIELD(gateway_user), "", 0, 0,
      "user of nginx's workers, who may connect to replicas; default: the "
      "scaler's own" },
    { "isolation", TEXT, FIELD(isolation), "auto", 0, 0,
      "auto: keep replicas apart as far as this machine allows; required: "
      "refuse to start without; off" },
    { "max-processes", NUMBER, FIELD(max_processes), "4096", 8, 4194304,
      "processes and threads of an isolated replica" },
    { "max-functions", NUMBER, FIELD(max_functions), "10000", 1, 1000000,
      "functions that can be deployed" },
    { "max-replicas", NUMBER, FIELD(max_replicas), "64", 1,
      FAAS_REPLICAS_MAX, "replicas of one function" },
    { "max-starts", NUMBER, FIELD(max_starts), "32", 1, 10000,
      "replicas that start at a time; others wait" },
    { "max-body", BYTES, FIELD(max_body), "1048576", 1024, 1 << 30,
      "bytes of a request to the admin API" },
    { "max-log", BYTES, FIELD(max_log), "10485760", 65536, 1ULL << 40,
      "bytes of all log files of a function; the oldest go first" },
    { "max-followers", NUMBER, FIELD(max_followers), "64", 1, 10000,
      "clients that may follow logs; as many may read them" },
    { "max-gateways", NUMBER, FIELD(max_gateways), "64", 1, 1024,
      "gateways whose load is read" },
    { "scale-by-load", SWITCH, FIELD(scale_by_load), "true", 0, 1,
      "false: replicas change by the admin API, by alerts and from zero only"
      },
    { "drain-timeout", DURATION, FIELD(drain_timeout_ms), "60s", 0, 86400000,
      "for running requests of a replica that is taken away" },
    { "stop-timeout", DURATION, FIELD(stop_timeout_ms), "10s", 0, 86400000,
      "from SIGTERM to SIGKILL" },
    { "log-level", TEXT, FIELD(log_level), "notice", 0, 0,
      "error, warn, notice, info or debug" },
};

#define N_ENTRIES  (sizeof(entries) / sizeof(entries[0]))


enum options_result
options_parse(int argc, char **argv, struct scaler_options *options,
    struct faas_err *err)
{
    int  i;

    memset(options, 0, sizeof(*options));

    for (i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--health") == 0) {
            options->is_health = 1;
        }
    }

    if (set_defaults(options, err) != 0) {
        return OPTIONS_BAD;
    }

    for (i = 1; i < argc; i++) {

        if (strcmp(argv[i], "--help") == 0) {
            print_help();
            return OPTIONS_EXIT;
        }

        if (strcmp(argv[i], "--version") == 0) {
            (void) printf("faas-scaler %s\n", FAAS_VERSION);
            return OPTIONS_EXIT;
        }

        if (strcmp(argv[i], "--health") == 0) {
            continue;
        }

        if (set_argument(options, argc, argv, &i, err) != 0) {
            return OPTIONS_BAD;
        }
    }

    if (options->is_health) {
        return check_missing(options, err) == 0 ? OPTIONS_HEALTH : OPTIONS_BAD;
    }

    options->scale.max_replicas = options->max_replicas;

    return check_texts(options, err) == 0 ? OPTIONS_RUN : OPTIONS_BAD;
}


static int
set_defaults(struct scaler_options *options, struct faas_err *err)
{
    int                          is_environment;
    size_t                       i;
    const char                  *value;
    const struct scale_setting  *setting;

    for (i = 0; i < N_ENTRIES; i++) {
        value = from_environment(entries[i].name);

        if (value == NULL && entries[i].offset == FIELD(docker)) {
            value = getenv("DOCKER_HOST");
        }

        is_environment = value != NULL;

        if (value == NULL) {
            value = entries[i].fallback;
        }

        if (value != NULL && set_entry(options, &entries[i], value, err) != 0)
        {
            return is_environment ? faas_err_prefix(err, "environment") : -1;
        }
    }

    scale_defaults(&options->scale.defaults);

    for (i = 0; (setting = scale_setting(i)) != NULL; i++) {
        value = from_environment(setting->option);

        if (value != NULL && set_scale(options, setting, value, err) != 0) {
            return faas_err_prefix(err, "environment");
        }
    }

    return 0;
}


static int
set_argument(struct scaler_options *options, int argc, char **argv, int *i,
    struct faas_err *err)
{
    int                          rc;
    size_t                       n;
    const char                  *value;
    const struct scale_setting  *setting;

    value = NULL;

    for (n = 0; n < N_ENTRIES; n++) {
        rc = is_argument(argc, argv, i, entries[n].name, &value, err);

        if (rc != 0) {
            return rc < 0 ? -1 : set_entry(options, &entries[n], value, err);
        }
    }

    for (n = 0; (setting = scale_setting(n)) != NULL; n++) {
        rc = is_argument(argc, argv, i, setting->option, &value, err);

        if (rc != 0) {
            return rc < 0 ? -1 : set_scale(options, setting, value, err);
        }
    }

    return faas_err_set(err, 0, "unknown option \"%s\", see --help",
                        argv[*i]);
}


/*
 * "--name value" or "--name=value": 1.  Another argument: 0; no value: -1.
 */
static int
is_argument(int argc, char **argv, int *i, const char *name,
    const char **value, struct faas_err *err)
{
    size_t       len;
    const char  *arg;

    arg = argv[*i];
    len = strlen(name);

    if (strncmp(arg, "--", 2) != 0 || strncmp(arg + 2, name, len) != 0) {
        return 0;
    }

    if (arg[2 + len] == '=') {
        *value = arg + 3 + len;
        return 1;
    }

    if (arg[2 + len] != '\0') {
        return 0;
    }

    if (*i + 1 == argc) {
        return faas_err_set(err, 0, "%s wants a value", arg);
    }

    *value = argv[++*i];

    return 1;
}


static int
set_entry(struct scaler_options *options, const struct option_entry *entry,
    const char *value, struct faas_err *err)
{
    char      *field;
    uint64_t   number;

    number = 0;
    field = (char *) options + entry->offset;

    switch (entry->kind) {

    case TEXT:
        memcpy(field, &value, sizeof(value));
        return 0;

    case DURATION:
        if (faas_parse_duration(value, strlen(value), entry->max, &number)
            != 0
            || number < entry->min)
        {
            return faas_err_set(err, 0, "--%s: \"%s\" is no duration from "
                                "%" PRIu64 "ms to %" PRIu64 "ms, as 30, 500ms "
                                "or 1m30s", entry->name, value, entry->min,
                                entry->max);
        }

        break;

    case NUMBER:
    case BYTES:
        if (faas_parse_uint(value, strlen(value), entry->min, entry->max,
                            &number)
            != 0)
        {
            return faas_err_set(err, 0, "--%s: \"%s\" is no number from "
                                "%" PRIu64 " to %" PRIu64, entry->name, value,
                                entry->min, entry->max);
        }

        break;

    case SWITCH:
        number = strcmp(value, "true") == 0;

        if (number == 0 && strcmp(value, "false") != 0) {
            return faas_err_set(err, 0, "--%s: \"%s\" is neither true nor "
                                "false", entry->name, value);
        }

        break;
    }

    memcpy(field, &number, sizeof(number));

    return 0;
}


static int
set_scale(struct scaler_options *options,
    const struct scale_setting *setting, const char *value,
    struct faas_err *err)
{
    char  name[ENV_NAME_MAX];

    (void) snprintf(name, sizeof(name), "--%s", setting->option);

    return scale_set(&options->scale.defaults, setting, name, value, err);
}


static const char *
from_environment(const char *option)
{
    char    name[ENV_NAME_MAX];
    size_t  i, len;

    len = strlen(ENV_PREFIX);

    memcpy(name, ENV_PREFIX, len);

    for (i = 0; option[i] != '\0' && len + i < sizeof(name) - 1; i++) {
        name[len + i] = option[i] == '-'
                        ? '_' : (char) (option[i] - 'a' + 'A');
    }

    name[len + i] = '\0';

    return getenv(name);
}


static int
check_texts(const struct scaler_options *options, struct faas_err *err)
{
    if (check_missing(options, err) != 0) {
        return -1;
    }

    if (strcmp(options->provider, "process") != 0
        && strcmp(options->provider, "swarm") != 0)
    {
        return faas_err_set(err, 0, "--provider: \"%.80s\" is none of "
                            "process, swarm", options->provider);
    }

    if (strcmp(options->provider, "process") == 0
        && options->state_dir[0] == '\0')
    {
        return faas_err_set(err, 0, "--state-dir is missing: the folder for "
                            "specifications, sockets and logs");
    }

    if (strcmp(options->isolation, "auto") != 0
        && strcmp(options->isolation, "required") != 0
        && strcmp(options->isolation, "off") != 0)
    {
        return faas_err_set(err, 0, "--isolation: \"%.80s\" is none of auto, "
                            "required, off", options->isolation);
    }

    return scale_check(&options->scale.defaults, err);
}


static int
check_missing(const struct scaler_options *options, struct faas_err *err)
{
    size_t       i;
    const char  *value;

    for (i = 0; i < N_ENTRIES; i++) {

        if (entries[i].kind != TEXT) {
            continue;
        }

        memcpy(&value, (const char *) options + entries[i].offset,
               sizeof(value));

        if (value == NULL) {
            return faas_err_set(err, 0, "--%s is missing: %s",
                                entries[i].name, entries[i].help);
        }
    }

    return 0;
}


static void
print_help(void)
{
    size_t                       i;
    const struct scale_setting  *setting;

    (void) printf("usage: faas-scaler --listen ADDR [--OPTION VALUE ...]\n"
                  "       faas-scaler --health --listen ADDR\n\n"
                  "With --health it asks the scaler at that address how it "
                  "is, and ends with status 0\nor 1.\n\n");

    for (i = 0; i < N_ENTRIES; i++) {
        print_option(entries[i].name, entries[i].help, entries[i].fallback);
    }

    (void) printf("\nHow functions are scaled, where they have no label that "
                  "says so:\n\n");

    for (i = 0; (setting = scale_setting(i)) != NULL; i++) {
        print_option(setting->option, setting->help, setting->fallback);
    }

    (void) printf("\nEach can be set in the environment as well: "
                  ENV_PREFIX "STATE_DIR for --state-dir.\n");
}


static void
print_option(const char *name, const char *help, const char *fallback)
{
    (void) printf("  --%s\n      %s", name, help);

    if (fallback == NULL) {
        (void) printf(" (must be given)\n");

    } else if (fallback[0] == '\0') {
        (void) printf("\n");

    } else {
        (void) printf(" (%s)\n", fallback);
    }
}

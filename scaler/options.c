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

#include "daemon/option_table.h"
#include "lib/faas_proto.h"


#ifndef FAAS_VERSION
#define FAAS_VERSION  "0.1.0"
#endif

#define ENV_PREFIX    "FAAS_SCALER_"
#define ENV_NAME_MAX  64
#define SPARES_MAX    16
#define DOCKER        "unix:///var/run/docker.sock"


static int set_defaults(struct scaler_options *options, struct faas_err *err);
static int set_argument(struct scaler_options *options, int argc, char **argv,
    int *i, struct faas_err *err);
static int set_scale(struct scaler_options *options,
    const struct scale_setting *setting, const char *value,
    struct faas_err *err);
static const char *elsewhere(const char *name);
static int check_texts(const struct scaler_options *options,
    struct faas_err *err);
static void print_help(void);


#define FIELD(name)  offsetof(struct scaler_options, name)

static const struct option_entry  entries[] = {
    { "provider", OPTION_TEXT, FIELD(provider), "process", 0, 0,
      "what runs functions: process, on this machine; swarm, as services of "
      "Docker Swarm" },
    { "listen", OPTION_TEXT, FIELD(listen), NULL, 0, 0,
      "address of the admin API: unix:/path, IP:PORT or [IPv6]:PORT" },
    { "metrics-listen", OPTION_TEXT, FIELD(metrics_listen), "", 0, 0,
      "address of /metrics: unix:/path, IP:PORT or [IPv6]:PORT; default: "
      "there is none" },
    { "credentials-dir", OPTION_TEXT, FIELD(credentials_dir), "", 0, 0,
      "folder with basic-auth-user and basic-auth-password, which the admin "
      "API asks for; default: it asks nobody, keep it away from others" },
    { "redis", OPTION_TEXT, FIELD(redis.address), "127.0.0.1:6379", 0, 0,
      "address of Redis: unix:/path, IP:PORT, [IPv6]:PORT or HOST:PORT" },
    { "resolver", OPTION_TEXT, FIELD(resolver), "", 0, 0,
      "name server for HOST: IP:PORT or [IPv6]:PORT; default: those of "
      "/etc/resolv.conf" },
    { "redis-password-file", OPTION_TEXT, FIELD(redis.password_file), "", 0, 0,
      "file with the password in its first line" },
    { "redis-db", OPTION_NUMBER, FIELD(redis.db), "0", 0, 65535,
      "number of the database" },
    { "redis-prefix", OPTION_TEXT, FIELD(redis.prefix), FAAS_PREFIX_DEFAULT,
      0, 0,
      "what all keys begin with" },
    { "redis-timeout", OPTION_DURATION, FIELD(redis.timeout_ms), "5s",
      100, 60000,
      "for a look-up, for a connection and for each answer" },
    { "docker", OPTION_TEXT, FIELD(docker), DOCKER, 0, 0,
      "the Docker engine, a manager of the swarm: unix:///path or "
      "tcp://HOST:PORT; default: $DOCKER_HOST, or " DOCKER },
    { "docker-cert-path", OPTION_TEXT, FIELD(docker_cert_path), "", 0, 0,
      "folder with ca.pem, cert.pem and key.pem, for TLS to Docker" },
    { "docker-network", OPTION_TEXT, FIELD(docker_network), "", 0, 0,
      "network that functions are on; default: that with the label "
      "openfaas=true" },
    { "docker-timeout", OPTION_DURATION, FIELD(docker_timeout_ms), "20s", 100,
      600000, "for each of Docker's answers" },
    { "state-dir", OPTION_TEXT, FIELD(state_dir), "", 0, 0,
      "folder for specifications, sockets, logs; must be given for processes"
      },
    { "functions-dir", OPTION_TEXT, FIELD(functions_dir), ".", 0, 0,
      "folder that a relative image is looked for in" },
    { "watchdog", OPTION_TEXT, FIELD(watchdog), "faas-watchdog", 0, 0,
      "the watchdog's program" },
    { "gateway-user", OPTION_TEXT, FIELD(gateway_user), "", 0, 0,
      "user of nginx's workers, who may connect to replicas; default: the "
      "scaler's own" },
    { "isolation", OPTION_TEXT, FIELD(isolation), "auto", 0, 0,
      "auto: keep replicas apart as far as this machine allows; required: "
      "refuse to start without; off" },
    { "max-processes", OPTION_NUMBER, FIELD(max_processes), "4096", 8, 4194304,
      "processes and threads of an isolated replica" },
    { "max-functions", OPTION_NUMBER, FIELD(max_functions), "10000", 1, 1000000,
      "functions that can be deployed" },
    { "max-replicas", OPTION_NUMBER, FIELD(max_replicas), "64", 1,
      FAAS_REPLICAS_MAX, "replicas of one function" },
    { "max-starts", OPTION_NUMBER, FIELD(max_starts), "32", 1, 10000,
      "replicas that start at a time; others wait" },
    { "spares", OPTION_NUMBER, FIELD(spares), "2", 0, SPARES_MAX,
      "processes that are made before a replica needs them" },
    { "max-body", OPTION_BYTES, FIELD(max_body), "1048576", 1024, 1 << 30,
      "bytes of a request to the admin API" },
    { "max-log", OPTION_BYTES, FIELD(max_log), "10485760", 65536, 1ULL << 40,
      "bytes of all log files of a function; the oldest go first" },
    { "max-followers", OPTION_NUMBER, FIELD(max_followers), "64", 1, 10000,
      "clients that may follow logs; as many may read them" },
    { "max-gateways", OPTION_NUMBER, FIELD(max_gateways), "64", 1, 1024,
      "gateways whose load is read" },
    { "scale-by-load", OPTION_SWITCH, FIELD(scale_by_load), "true", 0, 1,
      "false: replicas change by the admin API, by alerts and from zero only"
      },
    { "drain-timeout", OPTION_DURATION, FIELD(drain_timeout_ms), "60s",
      0, 86400000,
      "for running requests of a replica that is taken away" },
    { "stop-timeout", OPTION_DURATION, FIELD(stop_timeout_ms), "10s",
      0, 86400000,
      "from SIGTERM to SIGKILL" },
    { "log-level", OPTION_TEXT, FIELD(log_level), "notice", 0, 0,
      "error, warn, notice, info or debug" },
};

static const struct option_table  table = {
    ENV_PREFIX, entries, sizeof(entries) / sizeof(entries[0]), elsewhere
};


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
        return option_table_check(&table, options, err) == 0
               ? OPTIONS_HEALTH : OPTIONS_BAD;
    }

    options->scale.max_replicas = options->max_replicas;
    options->redis.meanwhile = "functions go on";

    return check_texts(options, err) == 0 ? OPTIONS_RUN : OPTIONS_BAD;
}


static int
set_defaults(struct scaler_options *options, struct faas_err *err)
{
    size_t                       i;
    const char                  *value;
    const struct scale_setting  *setting;

    if (option_table_defaults(&table, options, err) != 0) {
        return -1;
    }

    scale_defaults(&options->scale.defaults);

    for (i = 0; (setting = scale_setting(i)) != NULL; i++) {
        value = option_environment(ENV_PREFIX, setting->option);

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
    rc = option_table_argument(&table, options, argc, argv, i, err);

    if (rc != 0) {
        return rc < 0 ? -1 : 0;
    }

    for (n = 0; (setting = scale_setting(n)) != NULL; n++) {
        rc = option_argument(argc, argv, i, setting->option, &value, err);

        if (rc != 0) {
            return rc < 0 ? -1 : set_scale(options, setting, value, err);
        }
    }

    return faas_err_set(err, 0, "unknown option \"%s\", see --help",
                        argv[*i]);
}


/*
 * Where Docker's own clients look.
 */
static const char *
elsewhere(const char *name)
{
    return strcmp(name, "docker") == 0 ? getenv("DOCKER_HOST") : NULL;
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


static int
check_texts(const struct scaler_options *options, struct faas_err *err)
{
    if (option_table_check(&table, options, err) != 0) {
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


static void
print_help(void)
{
    size_t                       i;
    const struct scale_setting  *setting;

    (void) printf("usage: faas-scaler --listen ADDR [--OPTION VALUE ...]\n"
                  "       faas-scaler --health --listen ADDR\n\n"
                  "With --health it asks the scaler at that address how it "
                  "is, and ends with status 0\nor 1.\n\n");

    option_table_print(&table);

    (void) printf("\nHow functions are scaled, where they have no label that "
                  "says so:\n\n");

    for (i = 0; (setting = scale_setting(i)) != NULL; i++) {
        option_print(setting->option, setting->help, setting->fallback);
    }

    (void) printf("\nEach can be set in the environment as well: "
                  ENV_PREFIX "STATE_DIR for --state-dir.\n");
}

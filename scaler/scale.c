/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * How a function is scaled.
 */

#include "scale.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/faas_num.h"
#include "lib/faas_proto.h"


#define BAD_REQUEST   400
#define OPENFAAS      "com.openfaas.scale."
#define OURS          "com.ngx-faas.scale."
#define DAY           86400000.0        /* msec */
#define LOAD_MAX      1000000.0
#define WINDOW_MIN    1000.0            /* msec */
#define WINDOW_MAX    3600000.0
#define NAME_MAX_LEN  80


enum kind {
    COUNT,                      /* uint64_t */
    DECIMAL,                    /* double */
    DURATION,                   /* uint64_t, msec */
    SWITCH,                     /* int */
    TYPE,                       /* enum policy_type */
    ZERO_POLICY                 /* int */
};


static int set_count(void *field, const struct scale_setting *setting,
    const char *name, const char *text, struct faas_err *err);
static int set_decimal(void *field, const struct scale_setting *setting,
    const char *name, const char *text, struct faas_err *err);
static int set_duration(void *field, const struct scale_setting *setting,
    const char *name, const char *text, struct faas_err *err);
static int set_word(void *field, const struct scale_setting *setting,
    const char *name, const char *text, struct faas_err *err);
static void bound(struct scale_settings *settings,
    const struct scale_config *config);
static int set_label(struct scale_settings *settings,
    const struct scale_setting *setting, const char *text,
    struct faas_err *err);


#define FIELD(name)   offsetof(struct scale_settings, name)
#define POLICY(name)  offsetof(struct scale_settings, policy.name)

static const struct scale_setting  table[] = {
    { "scale-type", OPENFAAS "type", "auto", TYPE, POLICY(type), 0, 0,
      "load that decides: rps, capacity, cpu, queue, or custom for none; "
      "auto: capacity where the function has a max_inflight, else rps" },
    { "scale-target", OPENFAAS "target", "50", DECIMAL, POLICY(target),
      0.001, LOAD_MAX, "load a replica is meant for: calls a second, calls at "
      "a time, thousandths of a core, waiting calls" },
    { "scale-target-proportion", OPENFAAS "target-proportion", "0.90",
      DECIMAL, POLICY(proportion), 0.01, 1, "the part of it that is aimed at"
      },
    { "scale-min", OPENFAAS "min", "1", COUNT, POLICY(min), 0,
      FAAS_REPLICAS_MAX, "fewest replicas, but for --scale-zero" },
    { "scale-max", OPENFAAS "max", "20", COUNT, POLICY(max), 0,
      FAAS_REPLICAS_MAX, "most replicas; the same as --scale-min: they are "
      "not changed" },
    { "scale-factor", OPENFAAS "factor", "20", COUNT, FIELD(factor), 0, 100,
      "percent of the most replicas that an alert adds; 0: none" },
    { "scale-zero", OPENFAAS "zero", "false", SWITCH, POLICY(is_zero), 0, 0,
      "true: no replica while nobody calls" },
    { "scale-zero-duration", OPENFAAS "zero-duration", "15m", DURATION,
      POLICY(zero_ms), 1, DAY, "for so long" },
    { "scale-zero-policy", OPENFAAS "zero-policy", "fixed", ZERO_POLICY,
      FIELD(is_learned), 0, 0, "fixed, or learned: the time is learned from "
      "when calls came" },
    { "scale-down-window", OPENFAAS "down.window", "20s", DURATION,
      POLICY(down_ms), 0, 300000, "the most that was needed within that time "
      "is kept; 0: off" },
    { "scale-stable-window", OURS "stable-window", "60s", DURATION,
      POLICY(stable_ms), WINDOW_MIN, WINDOW_MAX, "time whose mean load "
      "decides" },
    { "scale-panic-window", OURS "panic-window", "2s", DURATION,
      POLICY(panic_ms), WINDOW_MIN / 10, WINDOW_MAX, "the same, of bursts" },
    { "scale-headroom", OURS "headroom", "1", DECIMAL, POLICY(headroom), 0,
      100, "times the square root of the load, added to it; 0 where a type "
      "was chosen, or there is no max_inflight" },
    { "scale-up-rate", OURS "up-rate", "1000", DECIMAL, POLICY(up_rate),
      1.1, 1000, "times as many replicas at most after a second" },
    { "scale-down-rate", OURS "down-rate", "2", DECIMAL, POLICY(down_rate),
      1.1, 1000, "times fewer replicas at most after a second" },
    { "scale-hold", OURS "hold", "5m", DURATION, FIELD(hold_ms), 0, DAY,
      "a number that the admin API or an alert has set is kept for so long, "
      "unless the load needs more" },
};

#define N_SETTINGS  (sizeof(table) / sizeof(table[0]))

static const char *const  types[] = {
    "rps", "capacity", "cpu", "queue", "custom"
};


const struct scale_setting *
scale_setting(size_t number)
{
    return number < N_SETTINGS ? &table[number] : NULL;
}


const char *
scale_type_text(enum policy_type type)
{
    return types[type];
}


int
scale_set(struct scale_settings *settings,
    const struct scale_setting *setting, const char *name, const char *text,
    struct faas_err *err)
{
    int    rc;
    void  *field;

    field = (char *) settings + setting->offset;

    switch (setting->kind) {

    case COUNT:
        return set_count(field, setting, name, text, err);

    case DECIMAL:
        rc = set_decimal(field, setting, name, text, err);
        settings->is_target_set |= (rc == 0 && setting->offset
                                               == POLICY(target));
        settings->is_proportion_set |= (rc == 0 && setting->offset
                                                   == POLICY(proportion));
        settings->is_headroom_set |= (rc == 0 && setting->offset
                                                 == POLICY(headroom));
        return rc;

    case DURATION:
        return set_duration(field, setting, name, text, err);

    case TYPE:
        settings->is_type_set = strcmp(text, "auto") != 0;
        return settings->is_type_set ? set_word(field, setting, name, text, err)
                                     : 0;

    default:
        return set_word(field, setting, name, text, err);
    }
}


void
scale_defaults(struct scale_settings *settings)
{
    size_t           i;
    struct faas_err  err;

    memset(settings, 0, sizeof(*settings));

    for (i = 0; i < N_SETTINGS; i++) {
        (void) scale_set(settings, &table[i], "", table[i].fallback,
                         &err);
    }

    settings->is_target_set = 0;
    settings->is_proportion_set = 0;
    settings->is_headroom_set = 0;
}


int
scale_check(const struct scale_settings *settings, struct faas_err *err)
{
    const struct policy_settings  *policy;

    policy = &settings->policy;

    if (policy->min > policy->max) {
        return faas_err_set(err, BAD_REQUEST, OPENFAAS "min is %" PRIu64
                            ", more than " OPENFAAS "max, %" PRIu64,
                            policy->min, policy->max);
    }

    if (policy->panic_ms > policy->stable_ms) {
        return faas_err_set(err, BAD_REQUEST, OURS "panic-window is longer "
                            "than " OURS "stable-window");
    }

    return 0;
}


int
scale_read(struct scale_settings *settings,
    const struct scale_config *config, const json_t *labels,
    struct faas_err *err)
{
    size_t                i;
    const char           *text;
    struct scale_setting  setting;

    *settings = config->defaults;
    bound(settings, config);

    for (i = 0; i < N_SETTINGS; i++) {
        text = json_string_value(json_object_get(labels, table[i].label));

        if (text == NULL) {
            continue;
        }

        setting = table[i];

        if (setting.most == FAAS_REPLICAS_MAX) {
            setting.most = (double) config->max_replicas;
        }

        if (set_label(settings, &setting, text, err) != 0) {
            break;
        }
    }

    if (i < N_SETTINGS || scale_check(settings, err) != 0) {
        *settings = config->defaults;
        bound(settings, config);
        return -1;
    }

    return 0;
}


void
scale_policy(const struct scale_settings *settings, uint64_t max_inflight,
    struct policy_settings *policy)
{
    int  is_auto;

    *policy = settings->policy;
    policy->max_inflight = max_inflight;
    is_auto = !settings->is_type_set && max_inflight != 0;

    if (!settings->is_type_set) {
        policy->type = is_auto ? POLICY_CAPACITY : POLICY_RPS;
    }

    if (!settings->is_target_set && max_inflight != 0
        && policy->type == POLICY_CAPACITY)
    {
        policy->target = (double) max_inflight;
    }

    if (!settings->is_proportion_set && is_auto) {
        policy->proportion = 1;
    }

    if (!settings->is_headroom_set && !is_auto) {
        policy->headroom = 0;
    }
}


static int
set_count(void *field, const struct scale_setting *setting, const char *name,
    const char *text, struct faas_err *err)
{
    uint64_t  number;

    if (faas_parse_uint(text, strlen(text), (uint64_t) setting->least,
                        (uint64_t) setting->most, &number)
        != 0)
    {
        return faas_err_set(err, BAD_REQUEST, "%s is \"%.80s\", expected a "
                            "number from %.0f to %.0f", name, text,
                            setting->least, setting->most);
    }

    memcpy(field, &number, sizeof(number));

    return 0;
}


static int
set_decimal(void *field, const struct scale_setting *setting,
    const char *name, const char *text, struct faas_err *err)
{
    double  number;

    if (faas_parse_decimal(text, strlen(text), &number) != 0
        || number < setting->least || number > setting->most)
    {
        return faas_err_set(err, BAD_REQUEST, "%s is \"%.80s\", expected a "
                            "number from %g to %g", name, text,
                            setting->least, setting->most);
    }

    memcpy(field, &number, sizeof(number));

    return 0;
}


static int
set_duration(void *field, const struct scale_setting *setting,
    const char *name, const char *text, struct faas_err *err)
{
    uint64_t  msec;

    if (faas_parse_duration(text, strlen(text), (uint64_t) setting->most,
                            &msec)
        != 0
        || msec < (uint64_t) setting->least)
    {
        return faas_err_set(err, BAD_REQUEST, "%s is \"%.80s\", expected a "
                            "duration from %.0fms to %.0fms, as 30, 500ms or "
                            "1m30s", name, text, setting->least,
                            setting->most);
    }

    memcpy(field, &msec, sizeof(msec));

    return 0;
}


static int
set_word(void *field, const struct scale_setting *setting, const char *name,
    const char *text, struct faas_err *err)
{
    int                 number;
    size_t              n;
    const char *const  *words;

    static const char *const  switches[] = { "false", "true" };
    static const char *const  policies[] = { "fixed", "learned" };

    words = setting->kind == TYPE ? types
            : setting->kind == SWITCH ? switches : policies;
    n = setting->kind == TYPE ? sizeof(types) / sizeof(types[0]) : 2;

    for (number = 0; (size_t) number < n; number++) {
        if (strcmp(text, words[number]) == 0) {
            memcpy(field, &number, sizeof(number));
            return 0;
        }
    }

    return faas_err_set(err, BAD_REQUEST, "%s is \"%.80s\", expected %s%s or "
                        "%s", name, text,
                        setting->kind == TYPE ? "auto, rps, capacity, cpu, "
                                              : "",
                        words[n - 2], words[n - 1]);
}


static void
bound(struct scale_settings *settings, const struct scale_config *config)
{
    struct policy_settings  *policy;

    policy = &settings->policy;

    policy->max = policy->max < config->max_replicas ? policy->max
                                                     : config->max_replicas;
    policy->min = policy->min < policy->max ? policy->min : policy->max;
}


static int
set_label(struct scale_settings *settings,
    const struct scale_setting *setting, const char *text,
    struct faas_err *err)
{
    char  name[NAME_MAX_LEN];

    (void) snprintf(name, sizeof(name), "\"labels\": %s", setting->label);

    return scale_set(settings, setting, name, text, err);
}

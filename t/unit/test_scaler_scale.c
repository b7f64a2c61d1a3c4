/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * If this fails, a function is scaled by other settings than its labels, or
 * the scaler's options, say; or nobody is told that they say nothing.
 *
 * uses: scaler/scale.c scaler/policy.c
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "scaler/scale.h"


static struct scale_config  config;


static int
prepare(void **state)
{
    (void) state;

    scale_defaults(&config.defaults);
    config.max_replicas = 30;

    return 0;
}


/*
 * Reads one label.
 */
static int
read_label(const char *label, const char *value,
    struct scale_settings *settings, struct faas_err *err)
{
    int      rc;
    json_t  *labels;

    labels = json_pack("{s:s}", label, value);
    err->code = 0;
    rc = scale_read(settings, &config, labels, err);
    json_decref(labels);

    return rc;
}


static void
refused(const char *label, const char *value, const char *text)
{
    struct faas_err        err;
    struct scale_settings  settings;

    assert_int_equal(read_label(label, value, &settings, &err), -1);
    assert_int_equal(err.code, 400);
    assert_non_null(strstr(err.text, label));
    assert_non_null(strstr(err.text, text));

    /* what is left is usable */

    assert_memory_equal(&settings, &config.defaults, sizeof(settings));
}


static void
the_contract_has_the_defaults(void **state)
{
    struct faas_err         err;
    struct scale_settings   settings;
    struct policy_settings  policy;

    (void) state;

    assert_int_equal(scale_read(&settings, &config, NULL, &err), 0);
    scale_policy(&settings, 0, &policy);

    assert_int_equal(policy.type, POLICY_RPS);
    assert_true(policy.target == 50);
    assert_true(policy.proportion > 0.899 && policy.proportion < 0.901);
    assert_int_equal(policy.min, 1);
    assert_int_equal(policy.max, 20);
    assert_int_equal(policy.is_zero, 0);
    assert_int_equal(policy.zero_ms, 900000);
    assert_int_equal(policy.down_ms, POLICY_DOWN_MS);
    assert_int_equal(settings.factor, 20);
}


static void
same(const struct policy_settings *a, const struct policy_settings *b)
{
    assert_int_equal(a->type, b->type);
    assert_true(memcmp(&a->target, &b->target, sizeof(a->target)) == 0);
    assert_true(memcmp(&a->proportion, &b->proportion,
                       sizeof(a->proportion)) == 0);
    assert_true(memcmp(&a->headroom, &b->headroom, sizeof(a->headroom)) == 0);
    assert_int_equal(a->min, b->min);
    assert_int_equal(a->max, b->max);
    assert_int_equal(a->max_inflight, b->max_inflight);
    assert_int_equal(a->stable_ms, b->stable_ms);
    assert_int_equal(a->panic_ms, b->panic_ms);
    assert_int_equal(a->down_ms, b->down_ms);
    assert_true(memcmp(&a->up_rate, &b->up_rate, sizeof(a->up_rate)) == 0);
    assert_true(memcmp(&a->down_rate, &b->down_rate, sizeof(a->down_rate))
                == 0);
    assert_int_equal(a->zero_ms, b->zero_ms);
}


/*
 * The benchmark has these.
 */
static void
defaults_are_the_policys(void **state)
{
    size_t                  i;
    struct faas_err         err;
    struct scale_settings   settings;
    struct policy_settings  policy, wanted;

    static const uint64_t  bounds[] = { 0, 1, 10 };

    (void) state;

    for (i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
        assert_int_equal(scale_read(&settings, &config, NULL, &err), 0);
        scale_policy(&settings, bounds[i], &policy);
        policy_defaults(&wanted, bounds[i]);
        same(&policy, &wanted);
    }

    assert_int_equal(read_label("com.openfaas.scale.type", "capacity",
                                &settings, &err), 0);
    scale_policy(&settings, 0, &policy);
    policy_defaults(&wanted, 0);
    policy_set_type(&wanted, POLICY_CAPACITY);
    same(&policy, &wanted);
}


static void
labels_are_over_options(void **state)
{
    struct faas_err               err;
    struct scale_settings         settings;
    const struct scale_setting   *setting;
    size_t                        i;

    (void) state;

    for (i = 0; (setting = scale_setting(i)) != NULL; i++) {
        if (strcmp(setting->option, "scale-zero-duration") == 0) {
            assert_int_equal(scale_set(&config.defaults, setting, "x", "2m",
                                       &err), 0);
        }
    }

    assert_int_equal(scale_read(&settings, &config, NULL, &err), 0);
    assert_int_equal(settings.policy.zero_ms, 120000);
    assert_int_equal(read_label("com.openfaas.scale.zero-duration", "1h",
                                &settings, &err), 0);
    assert_int_equal(settings.policy.zero_ms, 3600000);
}


static void
a_bound_of_calls_chooses_the_load(void **state)
{
    struct faas_err         err;
    struct scale_settings   settings;
    struct policy_settings  policy;

    (void) state;

    assert_int_equal(scale_read(&settings, &config, NULL, &err), 0);
    scale_policy(&settings, 4, &policy);
    assert_int_equal(policy.type, POLICY_CAPACITY);
    assert_true(policy.target == 4);
    assert_int_equal(policy.max_inflight, 4);

    assert_int_equal(read_label("com.openfaas.scale.type", "rps", &settings,
                                &err), 0);
    scale_policy(&settings, 4, &policy);
    assert_int_equal(policy.type, POLICY_RPS);
    assert_true(policy.target == 50);

    assert_int_equal(read_label("com.openfaas.scale.target", "3", &settings,
                                &err), 0);
    scale_policy(&settings, 4, &policy);
    assert_int_equal(policy.type, POLICY_CAPACITY);
    assert_true(policy.target == 3);
}


static void
each_type_has_its_word(void **state)
{
    int                     i;
    struct faas_err         err;
    struct scale_settings   settings;
    struct policy_settings  policy;

    static const char *const  words[] = {
        "rps", "capacity", "cpu", "queue", "custom"
    };

    (void) state;

    for (i = POLICY_RPS; i <= POLICY_CUSTOM; i++) {
        assert_int_equal(read_label("com.openfaas.scale.type", words[i],
                                    &settings, &err), 0);
        scale_policy(&settings, 0, &policy);
        assert_int_equal(policy.type, i);
    }
}


static void
bad_labels_are_refused(void **state)
{
    (void) state;

    refused("com.openfaas.scale.type", "memory", "expected auto, rps, "
            "capacity, cpu, queue or custom");
    refused("com.openfaas.scale.target", "0", "from 0.001");
    refused("com.openfaas.scale.target", "", "expected a number");
    refused("com.openfaas.scale.target", "1e3", "expected a number");
    refused("com.openfaas.scale.target", "-1", "expected a number");
    refused("com.openfaas.scale.target", "nan", "expected a number");
    refused("com.openfaas.scale.target", "1.", "expected a number");
    refused("com.openfaas.scale.target-proportion", "1.01", "to 1");
    refused("com.openfaas.scale.max", "31", "from 0 to 30");
    refused("com.openfaas.scale.min", "21", "more than");
    refused("com.openfaas.scale.factor", "101", "from 0 to 100");
    refused("com.openfaas.scale.zero", "yes", "expected false or true");
}


static void
durations_may_be_seconds(void **state)
{
    struct faas_err        err;
    struct scale_settings  settings;

    (void) state;

    assert_int_equal(read_label("com.openfaas.scale.zero-duration", "15",
                                &settings, &err), 0);
    assert_int_equal(settings.policy.zero_ms, 15000);
    refused("com.openfaas.scale.zero-duration", "25h", "duration");
    refused("com.openfaas.scale.zero-duration", "0", "duration");
    refused("com.openfaas.scale.down.window", "6m", "duration");
    refused("com.ngx-faas.scale.panic-window", "2m", "longer");
    refused("com.openfaas.scale.zero-policy", "x", "fixed or learned");
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup(the_contract_has_the_defaults, prepare),
        cmocka_unit_test_setup(defaults_are_the_policys, prepare),
        cmocka_unit_test_setup(labels_are_over_options, prepare),
        cmocka_unit_test_setup(a_bound_of_calls_chooses_the_load, prepare),
        cmocka_unit_test_setup(each_type_has_its_word, prepare),
        cmocka_unit_test_setup(bad_labels_are_refused, prepare),
        cmocka_unit_test_setup(durations_may_be_seconds, prepare),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * If this fails, the scaler deploys what it should refuse, or forgets a part
 * of what was deployed when it starts again.
 *
 * uses: scaler/async_read.c
 * uses: scaler/limits.c scaler/spec.c scaler/body.c scaler/env.c
 * uses: scaler/secret.c scaler/base64.c scaler/resources.c scaler/scale.c
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
#include "scaler/body.h"
#include "scaler/env.h"
#include "scaler/spec.h"


#define MAX   (config_of(50))
#define HEAD  "{\"service\":\"a\",\"image\":\"i\""


static const struct scale_config *config_of(uint64_t max_replicas);


static struct spec *
parse(const char *s)
{
    struct spec      *spec;
    struct faas_err   err;

    err.code = 0;
    err.text[0] = '\0';
    spec = spec_parse(s, strlen(s), MAX, &err);

    if (spec == NULL) {
        assert_int_equal(err.code, 400);
        assert_true(err.text[0] != '\0');
        assert_null(strchr(err.text, '\n'));
    }

    return spec;
}


static void
refused(const char *s)
{
    struct spec  *spec;

    spec = parse(s);

    if (spec != NULL) {
        print_error("taken: %s\n", s);
    }

    assert_null(spec);
}


static void
taken(const char *s, uint64_t min, uint64_t max)
{
    struct spec  *spec;

    spec = parse(s);

    assert_non_null(spec);
    assert_int_equal(spec->scale.policy.min, min);
    assert_int_equal(spec->scale.policy.max, max);
    assert_int_equal(spec->replicas, min);
    spec_free(spec);
}


static void
a_minimum_is_enough(void **state)
{
    struct spec  *spec;

    (void) state;

    spec = parse(HEAD "}");

    assert_non_null(spec);
    assert_string_equal(spec->name, "a");
    assert_string_equal(spec->ns, FAAS_DEFAULT_NAMESPACE);
    assert_string_equal(spec->key, "a." FAAS_DEFAULT_NAMESPACE);
    assert_string_equal(spec_text(spec, "image"), "i");
    assert_null(spec_text(spec, "envProcess"));
    assert_null(spec_env(spec, "x"));
    assert_true(json_is_object(json_object_get(spec->deployment, "labels")));
    assert_true(json_is_object(json_object_get(spec->deployment,
                                               "annotations")));
    assert_true(spec->created > 1700000000);
    spec_free(spec);
    spec_free(NULL);
}


static void
names_are_dns_labels(void **state)
{
    char  s[128], name[80];

    (void) state;

    memset(name, 'a', sizeof(name));
    name[FAAS_NAME_MAX] = '\0';

    (void) snprintf(s, sizeof(s), "{\"service\":\"%s\",\"image\":\"i\"}",
                    name);
    taken(s, 1, 20);
    (void) snprintf(s, sizeof(s), "{\"service\":\"%sa\",\"image\":\"i\"}",
                    name);
    refused(s);

    refused("{\"image\":\"i\"}");
    refused("{\"service\":\"\",\"image\":\"i\"}");
    refused("{\"service\":\"a.b\",\"image\":\"i\"}");
    refused("{\"service\":\"A\",\"image\":\"i\"}");
    refused("{\"service\":\"../../a\",\"image\":\"i\"}");
    refused("{\"service\":[],\"image\":\"i\"}");
    refused("{\"service\":\"a\\u0000b\",\"image\":\"i\"}");
    refused("{\"service\":\"a\"}");
    refused("{\"service\":\"a\",\"image\":null}");
    refused(HEAD ",\"namespace\":\"Other\"}");
    refused(HEAD ",\"namespace\":{}}");
    taken(HEAD ",\"namespace\":\"\"}", 1, 20);
    taken(HEAD ",\"namespace\":\"" FAAS_DEFAULT_NAMESPACE "\"}", 1, 20);
}


static void
members_are_checked(void **state)
{
    (void) state;

    refused("");
    refused("{");
    refused("[]");
    refused("null");
    refused(HEAD ",\"image\":\"j\"}");
    refused(HEAD ",\"envProcess\":1}");
    refused(HEAD ",\"envVars\":[]}");
    refused(HEAD ",\"envVars\":{\"a\":true}}");
    refused(HEAD ",\"envVars\":{\"a=\":\"\"}}");
    refused(HEAD ",\"envVars\":{\"\":\"\"}}");
    refused(HEAD ",\"envVars\":{\"9\":\"\"}}");
    refused(HEAD ",\"envVars\":{\"LISTEN_PID\":\"1\"}}");
    refused(HEAD ",\"envVars\":{\"fprocess\":\"x\"}}");
    refused(HEAD ",\"labels\":{\"a\":null}}");
    refused(HEAD ",\"annotations\":[]}");
    refused(HEAD ",\"secrets\":[\"S\"]}");
    refused(HEAD ",\"secrets\":\"s\"}");
    refused(HEAD ",\"constraints\":[1]}");
    refused(HEAD ",\"limits\":\"1\"}");
    refused(HEAD ",\"requests\":[]}");
    refused(HEAD ",\"readOnlyRootFilesystem\":1}");
    refused(HEAD ",\"network\":1}");

    taken(HEAD ",\"envVars\":null,\"labels\":null,\"annotations\":null,"
          "\"secrets\":null,\"constraints\":null,\"limits\":null,"
          "\"requests\":null,\"readOnlyRootFilesystem\":null}", 1, 20);
    taken(HEAD ",\"envVars\":{\"a\":null,\"_b.c-d\":\"\"},\"secrets\":[],"
          "\"constraints\":[\"x\"],\"limits\":{\"memory\":\"1Mi\"},"
          "\"readOnlyRootFilesystem\":true,\"future\":[{}]}", 1, 20);
}


static void
sizes_are_bounded(void **state)
{
    int    i;
    char  *s, *p;

    (void) state;

    s = malloc(100000);
    assert_non_null(s);

    p = s + snprintf(s, 100, HEAD ",\"envVars\":{\"a\":\"");
    memset(p, 'x', BODY_TEXT_MAX);
    (void) snprintf(p + BODY_TEXT_MAX, 10, "\"}}");
    taken(s, 1, 20);

    p[BODY_TEXT_MAX] = 'x';
    (void) snprintf(p + BODY_TEXT_MAX + 1, 10, "\"}}");
    refused(s);

    p = s + snprintf(s, 100, HEAD ",\"labels\":{\"a\":\"\"");

    for (i = 0; i < BODY_MAP_MAX; i++) {
        p += snprintf(p, 32, ",\"l%d\":\"\"", i);
    }

    (void) snprintf(p, 3, "}}");
    refused(s);

    p = s + snprintf(s, 100, HEAD ",\"envVars\":{\"");
    memset(p, 'n', ENV_NAME_MAX);
    (void) snprintf(p + ENV_NAME_MAX, 10, "\":\"\"}}");
    taken(s, 1, 20);
    (void) snprintf(p + ENV_NAME_MAX, 10, "n\":\"\"}}");
    refused(s);

    free(s);
}


static void
labels_bound_the_replicas(void **state)
{
    (void) state;

#define MIN(n)        "\"com.openfaas.scale.min\":\"" n "\""
#define MAXIMUM(n)    "\"com.openfaas.scale.max\":\"" n "\""
#define LABELS(text)  HEAD ",\"labels\":{" text "}}"

    taken(LABELS(MIN("0")), 0, 20);
    taken(LABELS(MIN("3") "," MAXIMUM("3")), 3, 3);
    taken(LABELS(MAXIMUM("50")), 1, 50);
    refused(LABELS(MAXIMUM("51")));
    refused(LABELS(MIN("51")));
    refused(LABELS(MIN("21")));
    refused(LABELS(MIN("4") "," MAXIMUM("3")));
    refused(LABELS(MAXIMUM("0")));
    refused(LABELS(MIN("-1")));
    refused(LABELS(MIN("")));
    refused(LABELS(MIN("1.5")));
    refused(LABELS(MIN("18446744073709551616")));
}


static void
a_spec_survives_encoding(void **state)
{
    char             *text, *again;
    struct spec      *spec, *copy;
    struct faas_err   err;

    (void) state;

    spec = parse(HEAD ",\"envProcess\":\"p q\",\"envVars\":{\"a\":\"\\u00e4"
                 "\\n\"},\"labels\":{" MIN("2") "," MAXIMUM("40") "},"
                 "\"future\":[1,null,{\"x\":1.5}]}");
    assert_non_null(spec);
    spec->replicas = 33;
    spec->created = 1700000001;

    text = spec_encode(spec);
    assert_non_null(text);
    copy = spec_decode(text, strlen(text), MAX, &err);
    assert_non_null(copy);

    assert_string_equal(copy->key, spec->key);
    assert_int_equal(copy->replicas, 33);
    assert_int_equal(copy->created, 1700000001);
    assert_int_equal(copy->scale.policy.min, 2);
    assert_int_equal(copy->scale.policy.max, 40);
    assert_true(json_equal(copy->deployment, spec->deployment));
    assert_string_equal(spec_env(copy, "a"), "\xc3\xa4\n");

    again = spec_encode(copy);
    assert_string_equal(again, text);
    free(again);
    spec_free(copy);

    /* a bound that was lowered since cuts, and loses nothing */

    copy = spec_decode(text, strlen(text), config_of(10),
                       &err);
    assert_non_null(copy);
    assert_int_equal(copy->replicas, 10);
    assert_int_equal(copy->scale.policy.min, 2);
    assert_int_equal(copy->scale.policy.max, 10);
    assert_true(json_equal(copy->deployment, spec->deployment));
    spec_free(copy);

    free(text);
    spec_free(spec);
}


static void
limits_come_from_environment_and_labels(void **state)
{
    struct spec  *spec;

    (void) state;

    spec = parse(HEAD "}");
    assert_non_null(spec);
    assert_int_equal(spec->limits.max_inflight, 0);
    assert_int_equal(spec->limits.queue, FAAS_UNSET);
    assert_int_equal(spec->limits.park_ms, FAAS_UNSET);
    assert_int_equal(spec->limits.timeout_ms, 0);
    assert_false(spec->limits.is_private);
    spec_free(spec);

    spec = parse(HEAD ",\"envVars\":{\"max_inflight\":\"4\","
                 "\"exec_timeout\":\"1m30s\"},\"labels\":{"
                 "\"com.ngx-faas.queue\":\"7\","
                 "\"com.ngx-faas.park\":\"2500ms\","
                 "\"com.ngx-faas.visibility\":\"private\"}}");
    assert_non_null(spec);
    assert_int_equal(spec->limits.max_inflight, 4);
    assert_int_equal(spec->limits.queue, 7);
    assert_int_equal(spec->limits.park_ms, 2500);
    assert_int_equal(spec->limits.timeout_ms, 90000);
    assert_true(spec->limits.is_private);
    spec_free(spec);

    refused(HEAD ",\"envVars\":{\"max_inflight\":\"65536\"}}");
    refused(HEAD ",\"envVars\":{\"max_inflight\":\"many\"}}");
    refused(HEAD ",\"envVars\":{\"exec_timeout\":\"soon\"}}");
    refused(HEAD ",\"envVars\":{\"exec_timeout\":\"25h\"}}");
    refused(HEAD ",\"labels\":{\"com.ngx-faas.queue\":\"-1\"}}");
    refused(HEAD ",\"labels\":{\"com.ngx-faas.park\":\"\"}}");
    refused(HEAD ",\"labels\":{\"com.ngx-faas.visibility\":\"hidden\"}}");
}


static void
damage_is_seen(void **state)
{
    size_t            i, len;
    char             *text;
    struct spec      *spec;
    struct faas_err   err;

    static const char *const  bad[] = {
        "", "null", "[]", "{}", "\xff",
        "{\"replicas\":1,\"created\":1}",
        "{\"replicas\":1,\"created\":1,\"deployment\":[]}",
        "{\"replicas\":1,\"created\":1,\"deployment\":{}}",
        "{\"replicas\":-1,\"created\":1,\"deployment\":" HEAD "}}",
        "{\"replicas\":\"1\",\"created\":1,\"deployment\":" HEAD "}}",
        "{\"replicas\":1,\"created\":-1,\"deployment\":" HEAD "}}",
        "{\"replicas\":1,\"created\":9223372036854775807,\"deployment\":"
        HEAD "}}",
        "{\"replicas\":1,\"deployment\":" HEAD "}}",
    };

    (void) state;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        err.text[0] = '\0';
        assert_null(spec_decode(bad[i], strlen(bad[i]), MAX, &err));
        assert_true(err.text[0] != '\0');
    }

    spec = parse(HEAD "}");
    assert_non_null(spec);
    text = spec_encode(spec);
    assert_non_null(text);
    spec_free(spec);

    for (len = 0; len < strlen(text); len++) {
        assert_null(spec_decode(text, len, MAX, &err));
    }

    free(text);
}


static const struct scale_config *
config_of(uint64_t max_replicas)
{
    static struct scale_config  config;

    scale_defaults(&config.defaults);
    config.max_replicas = max_replicas;

    return &config;
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(a_minimum_is_enough),
        cmocka_unit_test(names_are_dns_labels),
        cmocka_unit_test(members_are_checked),
        cmocka_unit_test(sizes_are_bounded),
        cmocka_unit_test(labels_bound_the_replicas),
        cmocka_unit_test(a_spec_survives_encoding),
        cmocka_unit_test(limits_come_from_environment_and_labels),
        cmocka_unit_test(damage_is_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * If this fails, a function on Docker Swarm is not the one that was deployed,
 * or one that OpenFaaS made is not found.
 *
 * uses: scaler/async_read.c
 * uses: scaler/limits.c scaler/spec.c scaler/body.c scaler/env.c
 * uses: scaler/secret.c scaler/base64.c scaler/resources.c scaler/scale.c
 * uses: scaler/swarm_spec.c scaler/swarm_spec_decode.c scaler/log_line.c
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scaler/swarm_spec.h"


#define MAX   (config_of(50))
#define FULL  "{\"service\":\"a\",\"namespace\":\"team\",\"image\":\"r/i:1\"," \
              "\"envProcess\":\"cat -\",\"envVars\":{\"x\":\"1=2\"},"         \
              "\"labels\":{\"l\":\"v\",\"com.openfaas.scale.min\":\"2\"},"    \
              "\"annotations\":{\"topic\":\"t\"},"                            \
              "\"constraints\":[\"node.labels.a==b\"],"                       \
              "\"limits\":{\"memory\":\"64Mi\",\"cpu\":\"500m\"},"            \
              "\"requests\":{\"memory\":\"32Mi\"},"                           \
              "\"readOnlyRootFilesystem\":true,"                              \
              "\"registryAuth\":\"dTpw\"}"


static const struct scale_config *config_of(uint64_t max_replicas);


static struct spec *
parse(const char *s)
{
    struct spec      *spec;
    struct faas_err   err;

    spec = spec_parse(s, strlen(s), MAX, &err);
    assert_non_null(spec);

    return spec;
}


/* as Docker shows what was created */
static json_t *
service_of(json_t *service_spec)
{
    return json_pack("{s:s, s:s, s:o}", "ID", "abc", "CreatedAt",
                     "2026-11-24T11:21:28.1898938Z", "Spec", service_spec);
}


static json_t *
encode(const struct spec *spec, uint64_t replicas, const json_t *old)
{
    json_t           *service_spec;
    struct faas_err   err;

    service_spec = swarm_spec_encode(spec, replicas, "net1", json_array(), old,
                                     &err);
    assert_non_null(service_spec);

    return service_spec;
}


static struct spec *
decode(const json_t *service)
{
    struct spec      *spec;
    struct faas_err   odd, err;

    spec = swarm_spec_decode(service, MAX, &odd, &err);
    assert_non_null(spec);
    assert_int_equal(odd.code, 0);

    return spec;
}


static void
a_function_survives_being_a_service(void **state)
{
    size_t        i;
    json_t       *service;
    struct spec  *spec, *again;

    static const char *const  members[] = {
        "image", "envProcess", "envVars", "annotations", "constraints",
        "limits", "requests", "readOnlyRootFilesystem",
    };

    (void) state;

    spec = parse(FULL);
    service = service_of(encode(spec, 3, NULL));
    again = decode(service);

    assert_string_equal(again->key, "a.team");
    assert_int_equal(again->replicas, 3);
    assert_int_equal(again->scale.policy.min, 2);
    assert_int_equal(again->created, 1795519288);

    for (i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        assert_true(json_equal(json_object_get(spec->deployment, members[i]),
                               json_object_get(again->deployment,
                                               members[i])));
    }

    assert_string_equal(swarm_text(json_object_get(again->deployment,
                                                   "labels"), "l"), "v");

    json_decref(service);
    spec_free(spec);
    spec_free(again);
}


static void
the_service_is_as_swarm_wants_it(void **state)
{
    char         *text;
    json_t       *service, *task, *container;
    struct spec  *spec;

    (void) state;

    spec = parse(FULL);
    assert_string_equal(spec->registry_auth, "dTpw");

    service = encode(spec, 3, NULL);
    task = swarm_get(service, "TaskTemplate");
    container = swarm_get(task, "ContainerSpec");

    assert_string_equal(swarm_text(service, "Name"), "team_a");
    assert_string_equal(swarm_text(swarm_get(service, "EndpointSpec"),
                                   "Mode"), "dnsrr");
    assert_string_equal(swarm_text(swarm_get(service, "UpdateConfig"),
                                   "Order"), "start-first");
    assert_int_equal(swarm_uint(task, "Resources.Limits.MemoryBytes"),
                     64 << 20);
    assert_int_equal(swarm_uint(task, "Resources.Limits.NanoCPUs"),
                     500000000);
    assert_true(json_is_true(swarm_get(container, "ReadOnly")));

    /* drain 3 s, running requests 30 s, and one more */
    assert_int_equal(swarm_uint(container, "StopGracePeriod"),
                     34000000000LL);

    text = json_dumps(service, 0);
    assert_null(strstr(text, "dTpw"));
    free(text);

    json_decref(service);
    spec_free(spec);
}


static void
an_update_keeps_what_it_does_not_say(void **state)
{
    json_t       *old, *service;
    struct spec  *spec;

    (void) state;

    spec = parse("{\"service\":\"a\",\"image\":\"i:2\"}");
    old = encode(spec, 1, NULL);

    (void) json_object_set_new(old, "EndpointSpec",
                               json_pack("{s:s}", "Mode", "vip"));
    (void) json_object_set_new(swarm_get(old, "TaskTemplate.ContainerSpec"),
                               "Hostname", json_string("h"));

    service = encode(spec, 4, old);

    assert_string_equal(swarm_text(swarm_get(service, "EndpointSpec"),
                                   "Mode"), "vip");
    assert_string_equal(swarm_text(
                            swarm_get(service, "TaskTemplate.ContainerSpec"),
                            "Hostname"), "h");
    assert_int_equal(swarm_uint(service, "TaskTemplate.ForceUpdate"), 2);
    assert_int_equal(swarm_uint(service, "Mode.Replicated.Replicas"), 4);
    json_decref(old);
    json_decref(service);
    spec_free(spec);
}


/* odd of it are its name, its bound and its limits */
static void
what_openfaas_made_is_a_function(void **state)
{
    json_t           *service;
    struct spec      *spec;
    struct faas_err   odd, err;

    (void) state;

    service = service_of(json_loads(
        "{\"Name\":\"stack_Env\",\"Labels\":{\"com.openfaas.scale.min\":\"x\","
        "\"com.openfaas.uid\":\"9\",\"function\":\"true\"},\"TaskTemplate\":{"
        "\"ContainerSpec\":{\"Image\":\"i\",\"Env\":[\"fprocess=env\",\"a=b\"],"
        "\"Labels\":{\"function\":\"true\"}}},\"Mode\":{\"Replicated\":{"
        "\"Replicas\":2}}}", 0, NULL));

    spec = swarm_spec_decode(service, MAX, &odd, &err);

    assert_non_null(spec);
    assert_int_equal(odd.code, 400);
    assert_string_equal(spec->key, "stack_Env.openfaas-fn");
    assert_int_equal(spec->replicas, 2);
    assert_int_equal(spec->scale.policy.min, 0);
    assert_string_equal(spec_text(spec, "envProcess"), "env");
    assert_null(json_object_get(json_object_get(spec->deployment, "labels"),
                                "com.openfaas.uid"));

    json_decref(service);
    spec_free(spec);
}


static void
other_services_are_none(void **state)
{
    json_t           *service;
    struct faas_err   odd, err;

    (void) state;

    service = service_of(json_loads("{\"Name\":\"redis\",\"Mode\":{"
                                    "\"Global\":{}}}", 0, NULL));

    assert_null(swarm_spec_decode(service, MAX, &odd, &err));
    assert_int_equal(err.code, 0);

    json_decref(service);
}


static void
labels_of_ours_are_not_the_users(void **state)
{
    json_t           *service;
    struct spec      *spec, *again;
    struct faas_err   err;

    (void) state;

    spec = parse("{\"service\":\"a\",\"image\":\"i\",\"labels\":{"
                 "\"com.ngx-faas.namespace\":\"team\","
                 "\"com.ngx-faas.pending\":\"9\","
                 "\"com.ngx-faas.limits.memory\":\"1G\","
                 "\"com.ngx-faas.queue\":\"5\"}}");
    service = service_of(encode(spec, 1, NULL));
    again = decode(service);

    assert_string_equal(again->key, "a.openfaas-fn");
    assert_int_equal(again->replicas, 1);
    assert_int_equal(again->most.memory, 0);
    assert_int_equal(again->limits.queue, 5);

    json_decref(service);
    spec_free(spec);
    spec_free(again);

    spec = parse("{\"service\":\"a\",\"image\":\"i\",\"labels\":{"
                 "\"com.openfaas.annotations.x\":\"1\"},"
                 "\"annotations\":{\"x\":\"2\"}}");

    assert_null(swarm_spec_encode(spec, 1, "net1", json_array(), NULL, &err));
    assert_int_equal(err.code, 400);

    spec_free(spec);
}


static void
names_have_to_fit(void **state)
{
    char              name[SWARM_NAME_MAX + 1];
    struct spec      *spec;
    struct faas_err   err;

    (void) state;

    spec = parse("{\"service\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                 "aaaaaaaa\",\"namespace\":\"a-name-too-long\",\"image\":"
                 "\"i\"}");

    assert_int_equal(swarm_spec_name(spec, name, &err), -1);
    assert_int_equal(err.code, 400);

    spec_free(spec);
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
        cmocka_unit_test(a_function_survives_being_a_service),
        cmocka_unit_test(the_service_is_as_swarm_wants_it),
        cmocka_unit_test(an_update_keeps_what_it_does_not_say),
        cmocka_unit_test(what_openfaas_made_is_a_function),
        cmocka_unit_test(other_services_are_none),
        cmocka_unit_test(labels_of_ours_are_not_the_users),
        cmocka_unit_test(names_have_to_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

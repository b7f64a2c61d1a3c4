/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * If this fails, calls of a function on Docker Swarm go to an address where it
 * is not, or to a replica that ends; or nobody is told why it does not run.
 *
 * uses: scaler/async_read.c
 * uses: scaler/swarm_task.c scaler/swarm_spec.c scaler/swarm_spec_decode.c
 * uses: scaler/limits.c scaler/spec.c scaler/body.c scaler/env.c
 * uses: scaler/secret.c scaler/base64.c scaler/resources.c scaler/log_line.c
 * uses: scaler/scale.c
 * uses: scaler/text.c
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scaler/swarm.h"


#define TIME(seconds)  "2026-11-24T11:21:" seconds ".5Z"
#define AT(seconds)    (UINT64_C(1795519260500000000)                         \
                        + (seconds) * UINT64_C(1000000000))

#define OURS(addrs)     NETWORK("ours", "false", addrs)
#define THEIRS(addrs)   NETWORK("theirs", "false", addrs)
#define INGRESS(addrs)  NETWORK("in", "true", addrs)
#define NETWORK(id, is_ingress, addrs)                                        \
    "{\"Network\":{\"ID\":\"" id "\",\"Spec\":{\"Ingress\":" is_ingress "}}," \
    "\"Addresses\":[" addrs "]}"


struct fixture {
    struct swarm          swarm;
    struct swarm_service  service;
};

static unsigned  n_tried;               /* tasks that are to be asked */
static unsigned  n_forgotten;


/* what the rest of the provider does */

struct swarm_service *
swarm_find_id(const struct swarm *swarm, const char *id)
{
    struct swarm_service  *service;

    service = TAILQ_FIRST(&swarm->services);

    return strcmp(service->id, id) == 0 ? service : NULL;
}


void
swarm_usage_begin(struct swarm_task *task)
{
    (void) task;
}


void
swarm_health_try(struct swarm_task *task, uint64_t pause)
{
    (void) pause;

    assert_true(task->n_addrs > 0);
    n_tried++;
}


void
swarm_health_forget(struct swarm_task *task)
{
    assert_non_null(task);
    n_forgotten++;
}


static int
set_up(void **state)
{
    struct fixture  *f;

    f = calloc(1, sizeof(*f));
    assert_non_null(f);

    TAILQ_INIT(&f->swarm.services);
    TAILQ_INIT(&f->service.tasks);
    TAILQ_INSERT_TAIL(&f->swarm.services, &f->service, link);
    memcpy(f->swarm.network, "ours", 5);
    memcpy(f->service.id, "s1", 3);
    f->service.swarm = &f->swarm;
    f->service.updated = AT(10);
    n_tried = 0;
    n_forgotten = 0;
    *state = f;

    return 0;
}


static int
tear_down(void **state)
{
    struct fixture     *f;
    struct swarm_task  *task;

    f = *state;

    while ((task = TAILQ_FIRST(&f->service.tasks)) != NULL) {
        swarm_task_free(task);
    }

    free(f);

    return 0;
}


static void
read_text(struct fixture *f, const char *text)
{
    json_t  *value;

    value = json_loads(text, 0, NULL);
    assert_non_null(value);
    swarm_task_read(&f->swarm, value);
    json_decref(value);
}


/* Docker's task t1; networks as the macros above have them */
static struct swarm_task *
read_task(struct fixture *f, const char *desired, const char *state,
    const char *networks)
{
    char  text[4096];

    (void) snprintf(text, sizeof(text), "{\"ID\":\"t1\",\"ServiceID\":\"s1\","
                    "\"NodeID\":\"n1\",\"DesiredState\":\"%s\",\"Status\":"
                    "{\"State\":\"%s\",\"Timestamp\":\"" TIME("20") "\"},"
                    "\"NetworksAttachments\":[%s]}", desired, state,
                    networks);
    read_text(f, text);

    return TAILQ_FIRST(&f->service.tasks);
}


static void
has_addrs(const struct swarm_task *task, const char *first,
    const char *second)
{
    unsigned  n;

    n = (first != NULL) + (second != NULL);

    assert_int_equal(task->n_addrs, n);
    assert_string_equal(task->addrs[0], first != NULL ? first : "");
    assert_string_equal(task->addrs[1], second != NULL ? second : "");
}


static void
the_functions_network_comes_first(void **state)
{
    struct fixture     *f;
    struct swarm_task  *task;

    f = *state;
    task = read_task(f, "running", "running", THEIRS("\"10.0.1.3/24\"") ","
                     OURS("\"10.0.9.4/24\""));

    assert_non_null(task);
    has_addrs(task, "10.0.9.4:8080", "10.0.1.3:8080");
    assert_string_equal(task->id, "t1");
    assert_string_equal(task->node_id, "n1");
}


static void
the_ingress_network_is_passed_over(void **state)
{
    struct fixture  *f;

    f = *state;
    has_addrs(read_task(f, "running", "running", INGRESS("\"10.255.0.3/16\"")
                        "," OURS("\"10.0.9.4/24\"")),
              "10.0.9.4:8080", NULL);
    has_addrs(read_task(f, "running", "running",
                        INGRESS("\"10.255.0.3/16\"")), NULL, NULL);
}


static void
ipv4_comes_before_ipv6(void **state)
{
    struct fixture     *f;
    struct swarm_task  *task;

    f = *state;
    has_addrs(read_task(f, "running", "running",
                        OURS("\"fd00::4/64\",\"10.0.9.4/24\"")),
              "10.0.9.4:8080", "[fd00::4]:8080");

    /* but that on our network before any other */

    task = read_task(f, "running", "running", THEIRS("\"10.0.1.3/24\"") ","
                     OURS("\"fd00::4/64\""));
    has_addrs(task, "[fd00::4]:8080", "10.0.1.3:8080");
}


static void
no_more_addresses_than_there_is_room_for(void **state)
{
    struct fixture     *f;
    struct swarm_task  *task;

    f = *state;
    task = read_task(f, "running", "running", OURS("\"10.0.0.1/8\","
                     "\"10.0.0.2/8\",\"10.0.0.3/8\",\"10.0.0.4/8\","
                     "\"10.0.0.5/8\",\"fd00::6/64\"") ","
                     THEIRS("\"10.0.1.7/24\""));

    assert_int_equal(task->n_addrs, SWARM_ADDRS_MAX);
    assert_string_equal(task->addrs[SWARM_ADDRS_MAX - 1], "10.0.0.4:8080");
}


static void
what_is_no_address_is_passed_over(void **state)
{
    size_t           i;
    struct fixture  *f;

    static const char *const  bad[] = {
        OURS("\"\",\"/\",\"/24\",\"10.0.9/24\",\"10.0.9.256/24\",\"host/24\""),
        OURS("null,1,{},[],\"10.0.9.4 /24\",\"10.0.9.4:1/24\""),
        OURS("\":/64\",\"fd00:::1/64\",\"[fd00::1]/64\",\"fd00::g/64\""),
        OURS("\"1111111111111111111111111111111111111111111111111111111111"
             "111111111111111111111111111111111111111111111111111111111/8\""),
        "null", "1", "[]", "{}", "{\"Addresses\":1}", "{\"Addresses\":null}",
        "{\"Network\":null,\"Addresses\":[]}",
    };

    f = *state;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        has_addrs(read_task(f, "running", "running", bad[i]), NULL, NULL);
        assert_int_equal(n_tried, 0);
    }

    has_addrs(read_task(f, "running", "running", OURS("1,\"10.0.9.4\",\"x\"")),
              "10.0.9.4:8080", NULL);
}


static void
a_task_without_a_known_service_is_passed_over(void **state)
{
    size_t           i;
    struct fixture  *f;

    static const char *const  bad[] = {
        "{}", "[]", "1", "null", "\"x\"",
        "{\"ID\":\"t1\"}",
        "{\"ServiceID\":\"s1\",\"DesiredState\":\"running\"}",
        "{\"ID\":\"\",\"ServiceID\":\"s1\",\"DesiredState\":\"running\"}",
        "{\"ID\":1,\"ServiceID\":\"s1\",\"DesiredState\":\"running\"}",
        "{\"ID\":\"t1\",\"ServiceID\":\"s2\",\"DesiredState\":\"running\","
        "\"Status\":{\"State\":\"running\"}}",
        "{\"ID\":\"t1\",\"ServiceID\":\"s1\",\"DesiredState\":\"running\"}",
        "{\"ID\":\"t1\",\"ServiceID\":\"s1\",\"DesiredState\":\"running\","
        "\"Status\":{\"State\":\"dreaming\"}}",
        "{\"ID\":\"0123456789012345678901234567890123456789012345678901234567"
        "890123\",\"ServiceID\":\"s1\",\"DesiredState\":\"running\","
        "\"Status\":{\"State\":\"running\"}}",
    };

    f = *state;

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        json_t  *value;

        value = json_loads(bad[i], JSON_DECODE_ANY, NULL);
        assert_non_null(value);
        swarm_task_read(&f->swarm, value);
        json_decref(value);
        assert_null(TAILQ_FIRST(&f->service.tasks));
    }
}


static void
states_are_docker_s(void **state)
{
    size_t              i;
    struct fixture     *f;
    struct swarm_task  *task;

    static const struct {
        const char             *text;
        enum swarm_task_state   state;
    } states[] = {
        { "new", SWARM_TASK_COMING },
        { "allocated", SWARM_TASK_COMING },
        { "pending", SWARM_TASK_COMING },
        { "assigned", SWARM_TASK_COMING },
        { "accepted", SWARM_TASK_COMING },
        { "preparing", SWARM_TASK_COMING },
        { "ready", SWARM_TASK_COMING },
        { "starting", SWARM_TASK_STARTING },
        { "running", SWARM_TASK_RUNNING },
    };

    static const char *const  over[] = {
        "complete", "failed", "shutdown", "rejected", "orphaned", "remove", "",
    };

    f = *state;

    for (i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        task = read_task(f, "running", states[i].text, "");
        assert_non_null(task);
        assert_int_equal(task->state, states[i].state);
    }

    /* one that is over is in no answer; who reads takes it off */

    for (i = 0; i < sizeof(over) / sizeof(over[0]); i++) {
        task->is_listed = 0;
        task = read_task(f, "running", over[i], "");
        assert_int_equal(task->is_listed, 0);
    }

    assert_int_equal(read_task(f, "running", "running", "")->is_listed, 1);
    task->is_listed = 0;
    assert_int_equal(read_task(f, "shutdown", "running", "")->is_listed, 0);
    assert_int_equal(read_task(f, "ready", "ready", "")->is_listed, 0);
    assert_int_equal(read_task(f, "remove", "running", "")->is_listed, 0);
}


static void
a_task_is_asked_when_it_has_begun(void **state)
{
    struct fixture  *f;

    f = *state;
    (void) read_task(f, "running", "preparing", OURS("\"10.0.9.4/24\""));
    assert_int_equal(n_tried, 0);
    (void) read_task(f, "running", "starting", OURS("\"10.0.9.4/24\""));
    assert_int_equal(n_tried, 1);
    (void) read_task(f, "running", "starting", OURS("\"10.0.9.4/24\""));
    assert_int_equal(n_tried, 1);
    (void) read_task(f, "running", "running", OURS("\"10.0.9.4/24\""));
    assert_int_equal(n_tried, 2);

    /* where it has moved it is asked anew */

    n_forgotten = 0;
    (void) read_task(f, "running", "running", OURS("\"10.0.9.5/24\""));
    assert_int_equal(n_forgotten, 1);
    assert_int_equal(n_tried, 3);
    (void) read_task(f, "running", "running", "");
    assert_int_equal(n_forgotten, 2);
    assert_int_equal(n_tried, 3);
}


static void
read_error(struct fixture *f, const char *seconds, const char *text)
{
    char  json[1024];

    (void) snprintf(json, sizeof(json), "{\"ID\":\"t1\",\"ServiceID\":\"s1\","
                    "\"DesiredState\":\"shutdown\",\"Status\":{\"State\":"
                    "\"failed\",\"Timestamp\":\"2026-11-24T11:21:%s.5Z\","
                    "\"Err\":\"%s\"}}", seconds, text);
    read_text(f, json);
    assert_null(TAILQ_FIRST(&f->service.tasks));
}


static void
the_last_error_is_kept(void **state)
{
    char             lengthy[400];
    struct fixture  *f;

    f = *state;
    read_error(f, "09", "before the last change");
    assert_string_equal(f->service.error, "");
    read_error(f, "xx", "at no time");
    assert_string_equal(f->service.error, "");
    read_error(f, "20", "task: non-zero exit (1)");
    assert_string_equal(f->service.error, "task: non-zero exit (1)");
    read_error(f, "15", "an older one");
    assert_string_equal(f->service.error, "task: non-zero exit (1)");
    read_error(f, "21", "");
    assert_string_equal(f->service.error, "task: non-zero exit (1)");
    read_error(f, "22", "a\\nb\\u001b[1m");
    assert_null(strpbrk(f->service.error, "\n\033"));

    memset(lengthy, 'x', sizeof(lengthy) - 1);
    lengthy[sizeof(lengthy) - 1] = '\0';
    read_error(f, "23", lengthy);
    assert_int_equal(strlen(f->service.error), SWARM_ERROR_MAX - 1);
}


static void
what_the_registry_says_is_added(void **state)
{
    struct fixture  *f;

    f = *state;
    memcpy(f->service.pull_error, "unauthorized", 13);
    read_error(f, "20", "No such image: r:5000/i:1");
    assert_string_equal(f->service.error,
                        "No such image: r:5000/i:1: unauthorized");
    read_error(f, "21", "task: non-zero exit (1)");
    assert_string_equal(f->service.error, "task: non-zero exit (1)");
}


static void
who_has_lost_a_task_is_known(void **state)
{
    struct fixture     *f;
    struct swarm_task  *task;

    f = *state;
    task = read_task(f, "running", "running", "");
    assert_int_equal(f->service.has_lost, 0);
    swarm_task_free(task);
    assert_int_equal(f->service.has_lost, 1);
    assert_null(TAILQ_FIRST(&f->service.tasks));
}


#define WITH_SERVICE(test)  \
    cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest  tests[] = {
        WITH_SERVICE(the_functions_network_comes_first),
        WITH_SERVICE(the_ingress_network_is_passed_over),
        WITH_SERVICE(ipv4_comes_before_ipv6),
        WITH_SERVICE(no_more_addresses_than_there_is_room_for),
        WITH_SERVICE(what_is_no_address_is_passed_over),
        WITH_SERVICE(a_task_without_a_known_service_is_passed_over),
        WITH_SERVICE(states_are_docker_s),
        WITH_SERVICE(a_task_is_asked_when_it_has_begun),
        WITH_SERVICE(the_last_error_is_kept),
        WITH_SERVICE(what_the_registry_says_is_added),
        WITH_SERVICE(who_has_lost_a_task_is_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

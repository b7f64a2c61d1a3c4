/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a function on Docker Swarm is said to use.  If this fails, one whose
 * replica starts uses nothing, and autoscaling takes that for no load.
 *
 * uses: scaler/swarm_usage.c scaler/usage.c
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "scaler/swarm.h"


static struct swarm_service  service;


/* nothing is asked for */

void
docker_call(struct docker *docker, const char *method, json_t *body,
    docker_answer_fn done, void *arg, const char *fmt, ...)
{
    (void) docker;
    (void) method;
    (void) body;
    (void) done;
    (void) arg;
    (void) fmt;
}


uint64_t
swarm_uint(const json_t *value, const char *path)
{
    (void) value;
    (void) path;

    return 0;
}


struct swarm_service *
swarm_find_id(const struct swarm *swarm, const char *id)
{
    (void) swarm;
    (void) id;

    return NULL;
}


struct swarm_task *
swarm_task_find(const struct swarm_service *of, const char *id)
{
    (void) of;
    (void) id;

    return NULL;
}


static void
make(uint64_t replicas)
{
    memset(&service, 0, sizeof(service));
    TAILQ_INIT(&service.tasks);
    service.replicas = replicas;
}


static void
add(struct swarm_task *task, enum swarm_task_state state, uint64_t memory)
{
    memset(task, 0, sizeof(*task));
    task->state = state;
    task->rate.at_ms = memory != 0;
    task->spent.memory = memory;
    TAILQ_INSERT_TAIL(&service.tasks, task, link);
}


/*
 * Returns the memory, or UINT64_MAX where it is not known.
 */
static uint64_t
memory(void)
{
    struct provider_function  view;

    memset(&view, 0, sizeof(view));
    swarm_usage_give(&service, &view);

    return view.has_usage ? view.memory : UINT64_MAX;
}


static void
those_that_run(void **state)
{
    struct swarm_task  tasks[3];

    (void) state;

    make(2);
    add(&tasks[0], SWARM_TASK_RUNNING, 1000);
    add(&tasks[1], SWARM_TASK_OVER, 400);
    add(&tasks[2], SWARM_TASK_STARTING, 0);
    assert_int_equal(memory(), 1000);
}


static void
not_known_before_all_are_measured(void **state)
{
    struct swarm_task  tasks[2];

    (void) state;

    make(2);
    add(&tasks[0], SWARM_TASK_RUNNING, 1000);
    add(&tasks[1], SWARM_TASK_RUNNING, 0);
    assert_int_equal(memory(), UINT64_MAX);
}


static void
not_known_while_the_first_starts(void **state)
{
    struct swarm_task  task;

    (void) state;

    make(1);
    assert_int_equal(memory(), UINT64_MAX);
    add(&task, SWARM_TASK_STARTING, 0);
    assert_int_equal(memory(), UINT64_MAX);
}


static void
nothing_without_replicas(void **state)
{
    (void) state;

    make(0);
    assert_int_equal(memory(), 0);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(those_that_run),
        cmocka_unit_test(not_known_before_all_are_measured),
        cmocka_unit_test(not_known_while_the_first_starts),
        cmocka_unit_test(nothing_without_replicas),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

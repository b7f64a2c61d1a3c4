/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * If this fails, functions get more or fewer replicas than their load needs,
 * lose some while they work, come and go without a reason, or the scaler fails
 * on a setting that makes no sense.
 *
 * uses: scaler/policy.c
 */

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "scaler/policy.h"
#include "t/unit/draw.h"


#define ROUNDS  20000
#define TICK    250             /* msec between decisions */


static struct policy_settings  settings;
static struct policy_state     state;
static struct policy_demand    demand;
static enum policy_reason      reason;


static int
prepare(void **unused)
{
    (void) unused;

    policy_defaults(&settings, 0);
    memset(&state, 0, sizeof(state));
    memset(&demand, 0, sizeof(demand));
    demand.now_ms = 1000000;
    demand.wanted = 1;
    demand.is_complete = 1;
    seed = 1;

    return 0;
}


static uint64_t
decide(void)
{
    return policy_decide(&settings, &state, &demand, &reason);
}


static uint64_t
decide_for(double stable, double panic)
{
    memset(&state, 0, sizeof(state));
    demand.stable = stable;
    demand.panic = panic;

    return decide();
}


/*
 * The number after so long with this load, as the scaler makes it so.
 */
static uint64_t
settle(double load, uint64_t ms)
{
    uint64_t  end;

    demand.stable = load;
    demand.panic = load;

    for (end = demand.now_ms + ms; demand.now_ms < end;
         demand.now_ms += TICK)
    {
        demand.wanted = decide();
    }

    return demand.wanted;
}


static void
openfaas_formula_is_kept(void **unused)
{
    size_t  i;

    static const struct {
        enum policy_type  type;
        double            load;
        double            target;
        double            proportion;
        uint64_t          replicas;
    } cases[] = {
        { POLICY_RPS, 0, 50, 0.9, 1 }, { POLICY_RPS, 45, 50, 0.9, 1 },
        { POLICY_RPS, 45.1, 50, 0.9, 2 }, { POLICY_RPS, 450, 50, 0.9, 10 },
        { POLICY_RPS, 5000, 50, 0.9, 20 }, { POLICY_CAPACITY, 9, 10, 0.9, 1 },
        { POLICY_CAPACITY, 12, 4, 0.5, 6 }, { POLICY_CPU, 1800, 500, 0.9, 4 },
        { POLICY_CPU, 1801, 500, 0.9, 5 }, { POLICY_QUEUE, 95, 10, 1, 10 }
    };

    (void) unused;

    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        policy_set_type(&settings, cases[i].type);
        assert_true(settings.target > 49.9 && settings.target < 50.1);
        settings.target = cases[i].target;
        settings.proportion = cases[i].proportion;
        assert_int_equal(decide_for(cases[i].load, 0), cases[i].replicas);
    }

    /* of a sum of parts the last digit is not exact */

    settings.target = 0.1;
    assert_int_equal(decide_for(0.1 + 0.2, 0), 3);
}


static void
a_bound_of_calls_has_headroom(void **unused)
{
    (void) unused;

    policy_defaults(&settings, 10);
    assert_int_equal(settings.type, POLICY_CAPACITY);
    assert_int_equal(decide_for(16, 0), 2);             /* 16 + 4 */
    assert_int_equal(decide_for(16.1, 0), 3);
    assert_int_equal(decide_for(100, 0), 11);           /* 100 + 10 */

    policy_defaults(&settings, 1);
    assert_int_equal(decide_for(4, 0), 6);              /* 4 + 2 */
    assert_int_equal(decide_for(1, 0), 2);
    assert_int_equal(decide_for(0, 0), 1);
}


static void
a_burst_is_met_at_once(void **unused)
{
    (void) unused;

    policy_defaults(&settings, 10);
    assert_int_equal(decide_for(1, 95), 10);
    assert_int_equal(reason, POLICY_BURST);
    assert_string_equal(policy_reason_text(reason), "burst");

    policy_defaults(&settings, 0);
    assert_int_equal(decide_for(10, 500), 10);
}


static void
replicas_go_when_the_window_has_passed(void **unused)
{
    uint64_t  began, n;

    (void) unused;

    policy_defaults(&settings, 1);
    assert_int_equal(settle(9, 1000), 12);

    assert_int_equal(settle(0, settings.down_ms - 2000), 12);

    /* by half in a second, down to one */

    for (began = demand.now_ms; demand.wanted > 1; /* void */ ) {
        n = demand.wanted;
        assert_true(settle(0, POLICY_RATE_MS) >= n / 2);
        assert_true(demand.now_ms - began < 10000);
    }
}


static void
without_a_window_they_go_at_once(void **unused)
{
    (void) unused;

    settings.down_ms = 0;
    settings.down_rate = 1000;
    demand.wanted = 12;
    assert_int_equal(decide_for(0, 0), 1);
}


static void
steps_are_bounded(void **unused)
{
    (void) unused;

    settings.up_rate = 2;
    demand.wanted = 3;
    assert_int_equal(decide_for(10000, 10000), 6);

    /* a rate below 1 is 1 */

    settings.up_rate = 0;
    assert_int_equal(decide_for(10000, 10000), 3);
    settings.down_rate = 0;
    settings.down_ms = 0;
    assert_int_equal(decide_for(0, 0), 3);

    (void) prepare(NULL);
    settings.up_rate = 2;
    demand.wanted = 3;
    assert_int_equal(decide_for(10000, 10000), 6);

    /* by the second, not by the decision */

    demand.wanted = 6;
    demand.now_ms += TICK;
    assert_int_equal(decide(), 6);
    demand.now_ms += POLICY_RATE_MS;
    assert_int_equal(decide(), 12);
}


static void
calls_in_flight_keep_their_replicas(void **unused)
{
    (void) unused;

    policy_defaults(&settings, 2);
    settings.down_ms = 0;
    settings.down_rate = 1000;
    demand.wanted = 10;
    demand.inflight = 13;
    assert_int_equal(decide_for(0, 0), 7);
    demand.parked = 4;
    assert_int_equal(decide_for(0, 0), 9);

    /* more than twice as many have them at once, fewer may wait by chance */

    demand.parked = 27;
    assert_int_equal(decide_for(0, 0), 10);
    demand.parked = 28;
    settings.max = 30;
    assert_int_equal(decide_for(0, 0), 21);
    assert_int_equal(reason, POLICY_BURST);
    demand.parked = 400;
    assert_int_equal(decide_for(0, 0), settings.max);
}


static void
nothing_is_taken_away_blindly(void **unused)
{
    (void) unused;

    settings.is_zero = 1;
    settings.down_ms = 0;
    settings.down_rate = 1000;
    demand.idle_ms = settings.zero_ms * 2;
    demand.is_complete = 0;
    demand.wanted = 7;
    assert_int_equal(decide_for(0, 0), 7);
    assert_int_equal(reason, POLICY_HOLD);

    /* more is taken as it is */

    assert_int_equal(decide_for(450, 0), 10);

    settings.is_zero = 0;
    demand.is_complete = 1;
    assert_int_equal(decide_for(NAN, 0), 7);
    assert_int_equal(decide_for(0, NAN), 7);
}


static void
a_constant_load_changes_nothing(void **unused)
{
    double    load;
    uint64_t  n, i, end;

    (void) unused;

    for (i = 0; i < 200; i++) {
        (void) prepare(NULL);
        policy_defaults(&settings, i % 3 * 5);
        load = (double) i / 7;
        demand.wanted = 1 + i % 20;
        n = settle(load, 2 * settings.down_ms + 10000);

        for (end = demand.now_ms + 60000; demand.now_ms < end;
             demand.now_ms += TICK)
        {
            assert_int_equal(decide(), n);
            assert_int_equal(reason, POLICY_HOLD);
        }
    }
}


static void
a_huge_number_is_not_cut_off(void **unused)
{
    (void) unused;

    settings.max = UINT64_MAX;
    settings.target = NAN;
    demand.wanted = UINT32_MAX + 2ULL;
    assert_true(decide() >= POLICY_COUNT_MAX);
    settings.target = 50;
    demand.wanted = POLICY_COUNT_MAX;
    demand.stable = 0;
    assert_int_equal(decide(), POLICY_COUNT_MAX);
}


static void
more_load_is_never_fewer_replicas(void **unused)
{
    uint64_t                i, few, many;
    struct policy_state     before;
    struct policy_demand    more;

    (void) unused;

    for (i = 0; i < ROUNDS; i++) {
        policy_defaults(&settings, draw(3) * 5);
        settings.max = 1 + draw(100);
        settings.down_ms = draw(2) * 15000;
        demand.now_ms += draw(3000);
        demand.wanted = 1 + draw(settings.max);
        demand.stable = (double) draw(1000) / 10;
        demand.panic = (double) draw(1000) / 10;
        demand.inflight = draw(50);
        demand.parked = draw(2) * draw(50);

        more = demand;
        more.stable += (double) draw(1000) / 10;
        more.panic += (double) draw(1000) / 10;
        more.inflight += draw(20);
        more.parked += draw(20);

        before = state;
        few = policy_decide(&settings, &before, &demand, &reason);
        many = policy_decide(&settings, &state, &more, &reason);
        assert_true(many >= few);
    }
}


/*
 * Any load, also of gateways that are not heard of, for an hour.
 */
static void
steps_hold_for_any_load(void **unused)
{
    uint64_t  i, n, base, base_ms;

    (void) unused;

    policy_defaults(&settings, 2);
    settings.max = 100;
    settings.up_rate = 3;
    settings.down_ms = 1000;
    demand.wanted = 10;
    base = 0;
    base_ms = 0;

    for (i = 0; i < ROUNDS; i++) {
        demand.now_ms += TICK;
        demand.is_complete = draw(4) != 0;
        demand.stable = (double) draw(draw(2) * 150 + 1);
        demand.panic = (double) draw(draw(2) * 150 + 1);
        demand.inflight = draw(20);

        if (demand.now_ms - base_ms >= POLICY_RATE_MS) {
            base_ms = demand.now_ms;
            base = demand.wanted;
        }

        n = decide();
        assert_true(n <= base * 3 || n <= demand.wanted);
        assert_true(n >= base / 2);
        assert_true(n >= 1 && n <= 100);
        assert_true(demand.is_complete || n >= demand.wanted);
        assert_true(n >= demand.wanted || n >= (demand.inflight + 1) / 2);
        demand.wanted = n;
    }
}


static double
absurd(void)
{
    static const double  numbers[] = {
        0, -1, 1e-300, 1e300, -1e300, INFINITY, -INFINITY, NAN, 1, 50
    };

    return numbers[draw(sizeof(numbers) / sizeof(numbers[0]))];
}


static uint64_t
huge(void)
{
    static const uint64_t  numbers[] = {
        0, 1, 2, 20, 1000, UINT32_MAX, UINT64_MAX / 2, UINT64_MAX - 1,
        UINT64_MAX
    };

    return numbers[draw(sizeof(numbers) / sizeof(numbers[0]))];
}


static void
absurd_numbers_stay_within_bounds(void **unused)
{
    uint64_t  i, n, min;

    (void) unused;

    for (i = 0; i < 10 * ROUNDS; i++) {
        settings.type = (enum policy_type) draw(POLICY_QUEUE + 1);
        settings.target = absurd();
        settings.proportion = absurd();
        settings.headroom = absurd();
        settings.min = huge();
        settings.max = huge();
        settings.max_inflight = huge();
        settings.down_ms = huge();
        settings.up_rate = absurd();
        settings.down_rate = absurd();

        demand.now_ms = huge();
        demand.wanted = huge();
        demand.inflight = huge();
        demand.parked = huge();
        demand.stable = absurd();
        demand.panic = absurd();
        demand.is_complete = draw(2) != 0;

        n = decide();
        min = settings.min != 0 ? settings.min : 1;

        if (demand.wanted == 0 && demand.parked == 0) {
            assert_int_equal(n, 0);

        } else if (settings.min == settings.max && demand.wanted != 0) {
            assert_int_equal(n, demand.wanted);

        } else {
            assert_true(n >= min);
            assert_true(n <= (settings.max > min ? settings.max : min));
        }

        assert_non_null(policy_reason_text(reason));
    }
}


static void
who_is_idle_goes_to_zero(void **unused)
{
    (void) unused;

    demand.idle_ms = settings.zero_ms;
    assert_int_equal(decide(), 1);

    settings.is_zero = 1;
    demand.idle_ms = settings.zero_ms - 1;
    assert_int_equal(decide(), 1);

    demand.idle_ms = settings.zero_ms;
    demand.inflight = 1;
    assert_int_equal(decide(), 1);

    demand.inflight = 0;
    assert_int_equal(decide(), 0);
    assert_int_equal(reason, POLICY_IDLE);

    demand.wanted = 0;
    assert_int_equal(decide(), 0);
    assert_int_equal(reason, POLICY_HOLD);
}


static void
who_was_idle_begins_anew(void **unused)
{
    (void) unused;

    settings.is_zero = 1;
    settings.zero_ms = 1000;
    assert_int_equal(settle(450, 1000), 10);

    demand.idle_ms = 1000;
    assert_int_equal(settle(0, TICK), 0);
    demand.parked = 1;
    assert_int_equal(settle(0, TICK), 1);
    assert_int_equal(settle(0, 1000), 1);
}


static void
a_call_that_waits_wakes(void **unused)
{
    (void) unused;

    demand.wanted = 0;
    demand.parked = 30;
    assert_int_equal(decide(), 1);
    assert_int_equal(reason, POLICY_WAKE);

    policy_defaults(&settings, 10);
    assert_int_equal(decide(), 3);
    settings.min = 5;
    assert_int_equal(decide(), 5);
    settings.min = 0;
    settings.max = 2;
    assert_int_equal(decide(), 2);

    settings.type = POLICY_CUSTOM;
    assert_int_equal(decide(), 2);
}


static void
what_a_call_woke_is_kept(void **unused)
{
    (void) unused;

    policy_defaults(&settings, 1);
    demand.wanted = 0;
    demand.parked = 8;
    demand.wanted = decide();
    assert_int_equal(demand.wanted, 8);

    demand.parked = 0;
    assert_int_equal(settle(0, settings.down_ms - 2000), 8);
    assert_int_equal(settle(0, 10000), 1);
}


static void
others_numbers_are_left_alone(void **unused)
{
    (void) unused;

    settings.type = POLICY_CUSTOM;
    demand.wanted = 33;
    assert_int_equal(decide_for(1000, 1000), 33);

    policy_set_type(&settings, POLICY_RPS);
    settings.min = settings.max = 4;
    assert_int_equal(decide_for(1000, 1000), 33);

    settings.max = 6;
    demand.wanted = 2;
    assert_int_equal(decide_for(0, 0), 4);
    assert_int_equal(reason, POLICY_BOUNDS);
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup(openfaas_formula_is_kept, prepare),
        cmocka_unit_test_setup(a_bound_of_calls_has_headroom, prepare),
        cmocka_unit_test_setup(a_burst_is_met_at_once, prepare),
        cmocka_unit_test_setup(replicas_go_when_the_window_has_passed,
                               prepare),
        cmocka_unit_test_setup(without_a_window_they_go_at_once, prepare),
        cmocka_unit_test_setup(steps_are_bounded, prepare),
        cmocka_unit_test_setup(calls_in_flight_keep_their_replicas, prepare),
        cmocka_unit_test_setup(nothing_is_taken_away_blindly, prepare),
        cmocka_unit_test_setup(a_constant_load_changes_nothing, prepare),
        cmocka_unit_test_setup(a_huge_number_is_not_cut_off, prepare),
        cmocka_unit_test_setup(more_load_is_never_fewer_replicas, prepare),
        cmocka_unit_test_setup(steps_hold_for_any_load, prepare),
        cmocka_unit_test_setup(absurd_numbers_stay_within_bounds, prepare),
        cmocka_unit_test_setup(who_is_idle_goes_to_zero, prepare),
        cmocka_unit_test_setup(who_was_idle_begins_anew, prepare),
        cmocka_unit_test_setup(a_call_that_waits_wakes, prepare),
        cmocka_unit_test_setup(what_a_call_woke_is_kept, prepare),
        cmocka_unit_test_setup(others_numbers_are_left_alone, prepare),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

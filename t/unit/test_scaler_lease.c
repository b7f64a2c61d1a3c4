/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * If this fails, two scalers take themselves for the leader at a time, or the
 * leader stops to be one while all is well.
 *
 * uses: scaler/lease.c
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scaler/lease.h"


#define SENT   1000000ULL
#define OVER   (SENT + FAAS_LEADER_TTL - LEASE_MARGIN)


static void
it_ends_before_redis_drops_the_lock(void **state)
{
    struct lease  lease;

    (void) state;

    lease_drop(&lease);
    assert_int_equal(lease_take(&lease, 7, SENT, SENT + 20), 0);
    assert_int_equal(lease.term, 7);

    assert_true(lease_holds(&lease, SENT + 20));
    assert_true(lease_holds(&lease, OVER - 1));
    assert_false(lease_holds(&lease, OVER));
    assert_false(lease_holds(&lease, UINT64_MAX));
    assert_true(OVER < SENT + FAAS_LEADER_TTL);
}


static void
it_counts_from_the_sending(void **state)
{
    struct lease  lease;

    (void) state;

    /* however late the answer */

    lease_drop(&lease);
    assert_int_equal(lease_take(&lease, 7, SENT, OVER - 1), 0);
    assert_true(lease_holds(&lease, OVER - 1));
    assert_false(lease_holds(&lease, OVER));

    lease_drop(&lease);
    assert_int_equal(lease_take(&lease, 7, SENT, OVER), -1);
    assert_int_equal(lease.term, 0);
    assert_false(lease_holds(&lease, OVER));
    assert_int_equal(lease_take(&lease, 7, SENT, UINT64_MAX), -1);
}


static void
a_late_renewal_leaves_it_as_it_was(void **state)
{
    struct lease  lease;

    (void) state;

    lease_drop(&lease);
    assert_int_equal(lease_take(&lease, 7, SENT, SENT), 0);
    assert_int_equal(lease_take(&lease, 8, SENT, OVER), -1);
    assert_int_equal(lease.term, 7);
    assert_int_equal(lease.until_ms, OVER);

    assert_int_equal(lease_take(&lease, 7, SENT + 500, SENT + 600), 0);
    assert_int_equal(lease.until_ms, OVER + 500);
}


static void
one_that_was_dropped_does_not_hold(void **state)
{
    struct lease  lease;

    (void) state;

    assert_int_equal(lease_take(&lease, 7, SENT, SENT), 0);
    lease_drop(&lease);
    assert_false(lease_holds(&lease, SENT));
    assert_false(lease_holds(&lease, 0));
    assert_int_equal(lease_wait(&lease, SENT), LEASE_TRY);
}


static void
it_is_renewed_in_time(void **state)
{
    struct lease  lease;

    (void) state;

    assert_int_equal(lease_take(&lease, 7, SENT, SENT), 0);
    assert_int_equal(lease_wait(&lease, SENT), LEASE_RENEW);
    assert_int_equal(lease_wait(&lease, OVER - LEASE_RENEW), LEASE_RENEW);
    assert_int_equal(lease_wait(&lease, OVER - 3), 3);
    assert_int_equal(lease_wait(&lease, OVER), 0);
    assert_int_equal(lease_wait(&lease, UINT64_MAX), 0);

    /* two renewals may be lost */

    assert_true(2 * LEASE_RENEW < OVER - SENT);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test(it_ends_before_redis_drops_the_lock),
        cmocka_unit_test(it_counts_from_the_sending),
        cmocka_unit_test(a_late_renewal_leaves_it_as_it_was),
        cmocka_unit_test(one_that_was_dropped_does_not_hold),
        cmocka_unit_test(it_is_renewed_in_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * If this fails, gateways take an old route for a new one, or a change is
 * sent before one that came earlier, or never.
 *
 * uses: scaler/route_table.c
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scaler/route_table.h"


#define MANY  (3 * ROUTE_BUCKETS)


static int
set_up(void **state)
{
    struct route_table  *table;

    table = calloc(1, sizeof(*table));
    *state = table;

    if (table == NULL) {
        return -1;
    }

    route_table_init(table);

    return 0;
}


static int
tear_down(void **state)
{
    route_table_done(*state);
    free(*state);

    return 0;
}


/* a route to one replica */
static const struct faas_route *
route_to(const char *addr)
{
    static struct faas_route  route;

    memset(&route, 0, sizeof(route));
    route.replicas = 1;
    route.n = 1;
    (void) snprintf(route.endpoints[0].id, sizeof(route.endpoints[0].id),
                    "a-1");
    (void) snprintf(route.endpoints[0].addr, sizeof(route.endpoints[0].addr),
                    "%s", addr);

    return &route;
}


static uint64_t
rev_in(const struct published *item)
{
    struct faas_err           err;
    static struct faas_route  route;

    assert_int_equal(faas_route_parse(item->json, strlen(item->json), &route,
                                      &err), 0);

    return route.rev;
}


static void
sent(struct route_table *table, struct published *item)
{
    TAILQ_REMOVE(&table->dirty, item, dirty);
    item->is_dirty = 0;
}


static void
revisions_grow(void **state)
{
    int                  i;
    uint64_t             last, rev;
    struct route_table  *table;

    table = *state;
    last = route_table_rev(table);

    /* after 2020, before 2100, in microseconds */
    assert_in_range(last, 1577836800000000ULL, 4102444800000000ULL);

    for (i = 0; i < 10000; i++) {
        rev = route_table_rev(table);
        assert_true(rev > last);
        last = rev;
    }

    /* Redis has seen a later one: a clock was wrong */

    table->rev = last + 3600000000ULL;
    last = table->rev;
    assert_int_equal(route_table_rev(table), last + 1);
    assert_int_equal(route_table_rev(table), last + 2);
}


static void
a_route_carries_its_revision(void **state)
{
    uint64_t             first;
    struct published    *item;
    struct route_table  *table;

    table = *state;
    item = route_table_set(table, "a.ns", route_to("unix:/1"));
    assert_non_null(item);
    assert_string_equal(item->key, "a.ns");
    assert_int_equal(rev_in(item), item->rev);
    assert_non_null(strstr(item->json, "unix:/1"));
    first = item->rev;

    assert_ptr_equal(route_table_set(table, "a.ns", route_to("unix:/2")),
                     item);
    assert_true(item->rev > first);
    assert_int_equal(rev_in(item), item->rev);
    assert_non_null(strstr(item->json, "unix:/2"));
    first = item->rev;

    assert_int_equal(route_table_renew(table, item), 0);
    assert_true(item->rev > first);
    assert_int_equal(rev_in(item), item->rev);
    assert_non_null(strstr(item->json, "unix:/2"));
}


static void
dirty_ones_stand_by_revision(void **state)
{
    struct published    *a, *b, *c;
    struct route_table  *table;

    table = *state;
    a = route_table_set(table, "a.ns", route_to("unix:/a"));
    b = route_table_set(table, "b.ns", route_to("unix:/b"));
    c = route_table_set(table, "c.ns", route_to("unix:/c"));

    assert_ptr_equal(TAILQ_FIRST(&table->dirty), a);

    /* changed again: it stands once, and last */

    assert_ptr_equal(route_table_set(table, "a.ns", route_to("unix:/d")), a);
    assert_ptr_equal(TAILQ_FIRST(&table->dirty), b);
    assert_ptr_equal(TAILQ_NEXT(b, dirty), c);
    assert_ptr_equal(TAILQ_NEXT(c, dirty), a);
    assert_null(TAILQ_NEXT(a, dirty));

    sent(table, b);
    sent(table, c);
    sent(table, a);
    assert_true(TAILQ_EMPTY(&table->dirty));

    assert_ptr_equal(route_table_set(table, "c.ns", route_to("unix:/e")), c);
    assert_ptr_equal(TAILQ_FIRST(&table->dirty), c);
    assert_true(c->is_dirty);
}


static void
a_removed_one_stays_until_it_is_forgotten(void **state)
{
    uint64_t             rev;
    struct published    *item;
    struct route_table  *table;

    table = *state;
    item = route_table_set(table, "a.ns", route_to("unix:/1"));
    rev = item->rev;

    assert_ptr_equal(route_table_set(table, "a.ns", NULL), item);
    assert_null(item->json);
    assert_true(item->rev > rev);
    assert_true(item->is_dirty);

    /* and may come back before Redis knows */

    assert_ptr_equal(route_table_set(table, "a.ns", route_to("unix:/2")),
                     item);
    assert_non_null(item->json);

    route_table_forget(table, item);
    assert_true(TAILQ_EMPTY(&table->all));
    assert_true(TAILQ_EMPTY(&table->dirty));
}


static void
names_that_share_a_bucket_are_kept_apart(void **state)
{
    int                  i;
    char                 key[32], addr[32];
    struct published    *item;
    struct route_table  *table;

    table = *state;

    for (i = 0; i < MANY; i++) {
        (void) snprintf(key, sizeof(key), "f%d.ns", i);
        (void) snprintf(addr, sizeof(addr), "unix:/%d", i);
        assert_non_null(route_table_set(table, key, route_to(addr)));
    }

    i = 0;

    TAILQ_FOREACH(item, &table->all, link) {
        (void) snprintf(key, sizeof(key), "f%d.ns", i);
        (void) snprintf(addr, sizeof(addr), "unix:/%d\"", i);
        assert_string_equal(item->key, key);
        assert_non_null(strstr(item->json, addr));
        i++;
    }

    assert_int_equal(i, MANY);
}


int
main(void)
{
    static const struct CMUnitTest  tests[] = {
        cmocka_unit_test_setup_teardown(revisions_grow, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_route_carries_its_revision, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(dirty_ones_stand_by_revision, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            a_removed_one_stays_until_it_is_forgotten, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            names_that_share_a_bucket_are_kept_apart, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

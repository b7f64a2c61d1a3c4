/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * If this fails, the scaler takes one function for another, or finds none.
 *
 * uses: daemon/key_map.c
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/key_map.h"


#define MANY  5000


static struct key_node  nodes[MANY];


static const char *
key_of(int i)
{
    static char  key[32];

    (void) snprintf(key, sizeof(key), "fn-%d.openfaas-fn", i);

    return key;
}


static void
remove_odd(void *arg, struct key_node *node)
{
    if ((node - nodes) % 2 != 0) {
        key_map_remove(arg, node);
        memset(node, 0xff, sizeof(*node));
    }
}


static void
what_was_added_is_found(void **state)
{
    int             i;
    struct key_map  map;

    (void) state;

    memset(&map, 0, sizeof(map));
    assert_null(key_map_find(&map, "a.b"));

    for (i = 0; i < MANY; i++) {
        assert_int_equal(key_map_add(&map, &nodes[i], key_of(i)), 0);
    }

    for (i = 0; i < MANY; i++) {
        assert_ptr_equal(key_map_find(&map, key_of(i)), &nodes[i]);
    }

    assert_null(key_map_find(&map, key_of(MANY)));
    assert_null(key_map_find(&map, ""));

    /* a walk may free what it is called for */

    key_map_walk(&map, remove_odd, &map);
    assert_int_equal(map.n, MANY / 2);

    for (i = 0; i < MANY; i++) {
        assert_ptr_equal(key_map_find(&map, key_of(i)),
                         i % 2 == 0 ? &nodes[i] : NULL);
    }

    key_map_done(&map);
    assert_null(key_map_find(&map, key_of(0)));
}


int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(what_was_added_is_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the simulator's files share.
 */

#include "sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>


#define ROOM  1024              /* elements at first */


void
sim_fail(const char *format, ...)
{
    va_list  args;

    va_start(args, format);
    (void) fprintf(stderr, "autoscale: ");
    (void) vfprintf(stderr, format, args);
    (void) fprintf(stderr, "\n");
    va_end(args);

    exit(1);
}


void *
sim_alloc(size_t size)
{
    void  *memory;

    memory = calloc(1, size != 0 ? size : 1);

    if (memory == NULL) {
        sim_fail("no memory");
    }

    return memory;
}


void
sim_grow(void **all, size_t n, size_t *room, size_t size)
{
    if (n < *room) {
        return;
    }

    *room = *room != 0 ? *room * 2 : ROOM;
    *all = reallocarray(*all, *room, size);

    if (*all == NULL) {
        sim_fail("no memory");
    }
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the simulator's files share: an error ends it.
 */

#ifndef FAAS_SIM_H
#define FAAS_SIM_H

#include <stddef.h>


void sim_fail(const char *format, ...)
    __attribute__((noreturn, format(printf, 1, 2)));

/*
 * Zeroed memory, never NULL.
 */
void *sim_alloc(size_t size);

/*
 * Room for one more element behind n of them.
 */
void sim_grow(void **all, size_t n, size_t *room, size_t size);


#endif /* FAAS_SIM_H */

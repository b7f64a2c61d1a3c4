/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Numbers by chance for tests, the same in each run: a linear congruential
 * generator (Knuth's MMIX).
 */

#ifndef FAAS_UNIT_DRAW_H
#define FAAS_UNIT_DRAW_H

#include <stdint.h>


/* to be set before the first one */
static uint64_t  seed;


/*
 * One of 0 to n - 1.
 */
static inline uint64_t
draw(uint64_t n)
{
    seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;

    return (seed >> 33) % n;
}


#endif /* FAAS_UNIT_DRAW_H */

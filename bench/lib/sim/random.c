/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Random numbers that a seed repeats: splitmix64.
 */

#include "random.h"

#include <math.h>


static uint64_t next(struct random *random);


void
random_init(struct random *random, uint64_t seed)
{
    random->state = seed * 0x9e3779b97f4a7c15ULL + 1;
    (void) next(random);
}


double
random_unit(struct random *random)
{
    return ((double) (next(random) >> 11) + 0.5) / 9007199254740992.0;
}


double
random_exponential(struct random *random, double mean)
{
    return -mean * log(random_unit(random));
}


double
random_lognormal(struct random *random, double mean, double sigma)
{
    double  normal;

    normal = sqrt(-2 * log(random_unit(random)))
             * cos(2 * 3.14159265358979323846 * random_unit(random));

    return mean * exp(sigma * normal - sigma * sigma / 2);
}


static uint64_t
next(struct random *random)
{
    uint64_t  n;

    random->state += 0x9e3779b97f4a7c15ULL;
    n = random->state;
    n = (n ^ (n >> 30)) * 0xbf58476d1ce4e5b9ULL;
    n = (n ^ (n >> 27)) * 0x94d049bb133111ebULL;

    return n ^ (n >> 31);
}

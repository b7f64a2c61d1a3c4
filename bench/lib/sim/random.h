/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Random numbers that a seed repeats.
 */

#ifndef FAAS_SIM_RANDOM_H
#define FAAS_SIM_RANDOM_H

#include <stdint.h>


struct random {
    uint64_t  state;
};


void random_init(struct random *random, uint64_t seed);

/*
 * Between 0 and 1, without both.
 */
double random_unit(struct random *random);

double random_exponential(struct random *random, double mean);

/*
 * Log-normal with this mean; sigma is that of the logarithm, 0: always the
 * mean.
 */
double random_lognormal(struct random *random, double mean, double sigma);


#endif /* FAAS_SIM_RANDOM_H */

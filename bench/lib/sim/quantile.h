/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Quantiles of many numbers.
 */

#ifndef FAAS_SIM_QUANTILE_H
#define FAAS_SIM_QUANTILE_H

#include <stddef.h>


/*
 * The smallest number that a part of all n is not greater than; 0 of none.
 * Changes their order.
 */
double quantile(float *all, size_t n, double part);


#endif /* FAAS_SIM_QUANTILE_H */

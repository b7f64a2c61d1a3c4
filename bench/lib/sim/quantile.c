/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Quantiles of many numbers: Hoare's selection.
 */

#include "quantile.h"

#include <math.h>
#include <sys/types.h>


double
quantile(float *all, size_t n, double part)
{
    float    pivot, swapped;
    size_t   k;
    ssize_t  i, j, low, high;

    if (n == 0) {
        return 0;
    }

    k = (size_t) ceil(part * (double) n);
    k = k > 0 ? k - 1 : 0;
    low = 0;
    high = (ssize_t) n - 1;

    while (low < high) {
        pivot = all[k];
        i = low;
        j = high;

        while (i <= j) {
            for ( /* void */ ; all[i] < pivot; i++) { /* void */ }
            for ( /* void */ ; all[j] > pivot; j--) { /* void */ }

            if (i <= j) {
                swapped = all[i];
                all[i++] = all[j];
                all[j--] = swapped;
            }
        }

        if (j < (ssize_t) k) {
            low = i;
        }

        if ((ssize_t) k < i) {
            high = j;
        }
    }

    return (double) all[k];
}

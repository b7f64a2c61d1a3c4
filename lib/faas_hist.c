/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The buckets of gateway_functions_seconds.
 */

#include "faas_hist.h"


static const uint64_t  bounds[FAAS_HIST_BOUNDS] = {    /* microseconds */
    5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000,
    5000000, 10000000
};

const char *const  faas_hist_le[FAAS_HIST_BUCKETS] = {
    "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5",
    "10", "+Inf"
};


unsigned
faas_hist_bucket(uint64_t usec)
{
    unsigned  i;

    for (i = 0; i < FAAS_HIST_BOUNDS; i++) {
        if (usec <= bounds[i]) {
            break;
        }
    }

    return i;
}

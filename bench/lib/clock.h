/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The clock of benchmarks.
 */

#ifndef FAAS_LIB_CLOCK_H
#define FAAS_LIB_CLOCK_H

#include <time.h>


/*
 * Seconds, of a clock that is never set.
 */
static inline double
now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}


#endif /* FAAS_LIB_CLOCK_H */

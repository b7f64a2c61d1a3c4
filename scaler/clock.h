/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The scaler's clock: milliseconds of the monotonic one.
 */

#ifndef FAAS_SCALER_CLOCK_H
#define FAAS_SCALER_CLOCK_H

#include <stdint.h>
#include <time.h>


static inline uint64_t
clock_now_ms(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000 + (uint64_t) ts.tv_nsec / 1000000;
}


#endif /* FAAS_SCALER_CLOCK_H */

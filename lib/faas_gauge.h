/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A gauge and its integral over time in one 64-bit word, so that one atomic
 * addition changes both, a reader never sees one without the other, and a
 * writer that is killed leaves nothing half done.
 *
 * DESIGN
 *
 * With n entries at times s and exits at times e, the integral at time t is
 * sum(e) - sum(s) + n * t.  The low 20 bits of the word hold n, the high 44
 * bits hold sum(e) - sum(s) modulo 2^44.  Times are shifted up by 20 bits, so
 * they never borrow from n; n stays right as long as it is below 2^20 and
 * never below zero.  44 bits of milliseconds wrap after 557 years of one
 * request; readers take differences and are not disturbed by it.
 */

#ifndef FAAS_GAUGE_H
#define FAAS_GAUGE_H

#include <stdint.h>


#define FAAS_GAUGE_SHIFT  20
#define FAAS_GAUGE_MASK   ((1ULL << FAAS_GAUGE_SHIFT) - 1)
#define FAAS_GAUGE_TIME   (UINT64_MAX >> FAAS_GAUGE_SHIFT)


/*
 * What is to be added, modulo 2^64, to the word when something enters or
 * leaves at time t (msec).
 */
static inline uint64_t
faas_gauge_enter(uint64_t t)
{
    return 1 - (t << FAAS_GAUGE_SHIFT);
}


static inline uint64_t
faas_gauge_leave(uint64_t t)
{
    return (t << FAAS_GAUGE_SHIFT) - 1;
}


/*
 * How many have entered and not left.
 */
static inline uint64_t
faas_gauge_count(uint64_t word)
{
    return word & FAAS_GAUGE_MASK;
}


/*
 * The integral at time t, modulo 2^44 msec.
 */
static inline uint64_t
faas_gauge_integral(uint64_t word, uint64_t t)
{
    return ((word >> FAAS_GAUGE_SHIFT) + faas_gauge_count(word) * t)
           & FAAS_GAUGE_TIME;
}


/*
 * What is to be added to the word so that all that entered leave at time t.
 */
static inline uint64_t
faas_gauge_leave_all(uint64_t word, uint64_t t)
{
    return faas_gauge_count(word) * faas_gauge_leave(t);
}


/*
 * Carries a running total on: adds to *total what the integral has gained
 * since *seen.  An integral read with a clock that is behind is passed over,
 * so that the total never goes back.
 */
static inline void
faas_gauge_follow(uint64_t integral, uint64_t *seen, uint64_t *total)
{
    uint64_t  gained;

    gained = (integral - *seen) & FAAS_GAUGE_TIME;

    if (gained <= FAAS_GAUGE_TIME / 2) {
        *total += gained;
        *seen = integral;
    }
}


#endif /* FAAS_GAUGE_H */

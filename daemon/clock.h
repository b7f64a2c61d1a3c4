/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A daemon's clocks: milliseconds of the monotonic one, and of the one that
 * also goes on while the machine sleeps.
 */

#ifndef FAAS_DAEMON_CLOCK_H
#define FAAS_DAEMON_CLOCK_H

#include <event2/event.h>
#include <stdint.h>
#include <time.h>


static inline uint64_t
clock_now_ms(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * 1000 + (uint64_t) ts.tv_nsec / 1000000;
}


/*
 * For what somebody else counts down meanwhile.
 */
static inline uint64_t
clock_boot_ms(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_BOOTTIME, &ts);

    return (uint64_t) ts.tv_sec * 1000 + (uint64_t) ts.tv_nsec / 1000000;
}


/*
 * Sets a timer, anew where it is set; in msec.
 */
static inline void
clock_timer(struct event *timer, uint64_t msec)
{
    struct timeval  tv;

    tv.tv_sec = (time_t) (msec / 1000);
    tv.tv_usec = (suseconds_t) (msec % 1000 * 1000);

    (void) evtimer_add(timer, &tv);
}


#endif /* FAAS_DAEMON_CLOCK_H */

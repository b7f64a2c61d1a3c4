/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A load over the last while: what it came to in each of a fixed number of
 * slices of time, so that the mean over any part of it is known.  Pure: it has
 * no clock of its own.
 *
 * Amounts are load times milliseconds.  Three calls in flight for 250 ms are
 * 750; for a rate per second each call is 1000.
 */

#ifndef FAAS_SCALER_WINDOW_H
#define FAAS_SCALER_WINDOW_H

#include <stdint.h>


#define WINDOW_SLICES  60
#define WINDOW_RING    (WINDOW_SLICES + 1)  /* the oldest one is in part */


struct window {
    uint64_t  slice_ms;                 /* length of a slice */
    uint64_t  last;                     /* number of the newest slice, time
                                           divided by its length */
    uint64_t  since_ms;                 /* nothing is known of before */
    double    amount[WINDOW_RING];      /* by number modulo WINDOW_RING */
};


/*
 * An empty window of length_ms, which begins now.
 */
void window_init(struct window *window, uint64_t length_ms, uint64_t now_ms);

/*
 * Adds an amount that has come evenly between from_ms and to_ms, or, where
 * these are equal, at that time; to_ms is not before from_ms.  What is older
 * than the window is dropped.
 */
void window_add(struct window *window, uint64_t from_ms, uint64_t to_ms,
    double amount);

/*
 * The mean load of the last span_ms, as far as it is known: of a window that
 * is shorter or began later, since then, but of one slice at least.
 */
double window_mean(const struct window *window, uint64_t now_ms,
    uint64_t span_ms);

/*
 * True where there was no load within the whole window.
 */
int window_is_empty(const struct window *window, uint64_t now_ms);


#endif /* FAAS_SCALER_WINDOW_H */

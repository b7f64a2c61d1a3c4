/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A load over the last while.
 */

#include "window.h"

#include <string.h>


static void roll(struct window *window, uint64_t to);


void
window_init(struct window *window, uint64_t length_ms, uint64_t now_ms)
{
    memset(window, 0, sizeof(*window));

    window->slice_ms = length_ms / WINDOW_SLICES;

    if (window->slice_ms == 0) {
        window->slice_ms = 1;
    }

    window->last = now_ms / window->slice_ms;
    window->since_ms = now_ms;
}


void
window_add(struct window *window, uint64_t from_ms, uint64_t to_ms,
    double amount)
{
    double    share;
    uint64_t  i, first, last, begin, end;

    first = from_ms / window->slice_ms;
    last = to_ms / window->slice_ms;

    roll(window, last);

    if (first + WINDOW_RING <= window->last) {
        first = window->last - WINDOW_RING + 1;
    }

    for (i = first; i <= last; i++) {
        begin = i * window->slice_ms;
        end = begin + window->slice_ms;

        begin = begin < from_ms ? from_ms : begin;
        end = end > to_ms ? to_ms : end;

        share = to_ms == from_ms ? 1
                : (double) (end - begin) / (double) (to_ms - from_ms);

        window->amount[i % WINDOW_RING] += share * amount;
    }
}


double
window_mean(const struct window *window, uint64_t now_ms, uint64_t span_ms)
{
    double    sum, part;
    uint64_t  i, newest, begin, from_ms;

    newest = now_ms / window->slice_ms;
    from_ms = now_ms > span_ms ? now_ms - span_ms : 0;

    if (from_ms < window->since_ms) {
        from_ms = window->since_ms;
    }

    if (from_ms / window->slice_ms + WINDOW_RING <= newest) {
        from_ms = (newest - WINDOW_RING + 1) * window->slice_ms;
    }

    if (from_ms + window->slice_ms > now_ms) {
        from_ms = now_ms > window->slice_ms ? now_ms - window->slice_ms : 0;
    }

    sum = 0;

    for (i = from_ms / window->slice_ms; i <= newest; i++) {

        if (i > window->last || i + WINDOW_RING <= window->last) {
            continue;
        }

        /* of the oldest slice a part is outside */

        begin = i * window->slice_ms;
        part = begin >= from_ms ? 1
               : (double) (begin + window->slice_ms - from_ms)
                 / (double) window->slice_ms;

        sum += part * window->amount[i % WINDOW_RING];
    }

    return now_ms > from_ms ? sum / (double) (now_ms - from_ms) : 0;
}


int
window_is_empty(const struct window *window, uint64_t now_ms)
{
    uint64_t  i, newest;

    newest = now_ms / window->slice_ms;

    for (i = 0; i < WINDOW_RING && i <= newest; i++) {
        if (newest - i <= window->last
            && window->last - (newest - i) < WINDOW_RING
            && window->amount[(newest - i) % WINDOW_RING] > 0)
        {
            return 0;
        }
    }

    return 1;
}


/*
 * The newest slice is this one: those between are empty.
 */
static void
roll(struct window *window, uint64_t to)
{
    if (to >= window->last + WINDOW_RING) {
        memset(window->amount, 0, sizeof(window->amount));
        window->last = to;
    }

    while (window->last < to) {
        window->last++;
        window->amount[window->last % WINDOW_RING] = 0;
    }
}

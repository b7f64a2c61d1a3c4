/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * For how long a function's last replica is kept that nobody calls.
 */

#include "learned.h"

#include <string.h>


static void halve(struct learned *learned);
static int is_telling(const struct learned *learned);
static uint64_t percentile(const struct learned *learned, uint64_t percent);


void
learned_init(struct learned *learned)
{
    memset(learned, 0, sizeof(*learned));
}


void
learned_note_idle(struct learned *learned, uint64_t idle_ms)
{
    uint64_t  i;

    i = idle_ms / LEARNED_BIN_MS;

    if (learned->samples + learned->beyond >= LEARNED_SAMPLES_MAX
        || (i < LEARNED_BINS && learned->bins[i] == LEARNED_COUNT_MAX))
    {
        halve(learned);
    }

    if (i < LEARNED_BINS) {
        learned->bins[i]++;
        learned->samples++;

    } else {
        learned->beyond++;
    }
}


int
learned_windows(const struct learned *learned, uint64_t *prewarm_ms,
    uint64_t *keep_ms)
{
    uint64_t  first, last;

    if (!is_telling(learned)) {
        return 0;
    }

    first = percentile(learned, LEARNED_HEAD) * LEARNED_BIN_MS;
    last = (percentile(learned, LEARNED_TAIL) + 1) * LEARNED_BIN_MS;

    first -= first * LEARNED_MARGIN / 100;
    last += last * LEARNED_MARGIN / 100;

    if (first < LEARNED_AWAY_MS) {
        first = 0;
    }

    *prewarm_ms = first;
    *keep_ms = last - first;

    return 1;
}


/*
 * Those of one are forgotten.
 */
static void
halve(struct learned *learned)
{
    unsigned  i;

    learned->samples = 0;
    learned->beyond /= 2;

    for (i = 0; i < LEARNED_BINS; i++) {
        learned->bins[i] /= 2;
        learned->samples = (uint16_t) (learned->samples + learned->bins[i]);
    }
}


/*
 * In a flat histogram two samples are of the same bin once in LEARNED_BINS.
 * Being fifteen times as often is a coefficient of variation of the bins of
 * nearly four, where the paper asks for two; but few samples are no peaks.
 */
static int
is_telling(const struct learned *learned)
{
    unsigned  i;
    uint64_t  all, pairs;

    all = learned->samples;

    if (all < LEARNED_SAMPLES_MIN
        || learned->beyond * 100U
           > (all + learned->beyond) * LEARNED_BEYOND_MAX)
    {
        return 0;
    }

    pairs = 0;

    for (i = 0; i < LEARNED_BINS; i++) {
        if (learned->bins[i] > 1) {
            pairs += (uint64_t) learned->bins[i] * (learned->bins[i] - 1U);
        }
    }

    return pairs * LEARNED_BINS >= LEARNED_PEAK_MIN * all * (all - 1);
}


/*
 * The bin of the sample that so many percent are not behind.
 */
static uint64_t
percentile(const struct learned *learned, uint64_t percent)
{
    uint64_t  i, rank, sum;

    rank = (learned->samples * percent + 99) / 100;
    sum = 0;

    for (i = 0; i < LEARNED_BINS - 1; i++) {
        sum += learned->bins[i];

        if (sum >= rank && sum != 0) {
            break;
        }
    }

    return i;
}

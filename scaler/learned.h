/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * For how long a function's last replica is kept that nobody calls, and when
 * one is started again before a call is due: learned from how long the
 * function was idle before its calls.
 *
 * After "Serverless in the Wild" (Shahrad et al., USENIX ATC 2020): a histogram
 * of idle times, of minutes up to four hours.  Nine of ten calls come between
 * its 5th and its 95th percentile: before the one no replica is needed, after
 * the other none is worth its while.  Where the histogram says little, a fixed
 * time is for the caller to use.
 *
 * Pure, and 244 bytes a function.
 */

#ifndef FAAS_SCALER_LEARNED_H
#define FAAS_SCALER_LEARNED_H

#include <stdint.h>


#define LEARNED_BINS         240
#define LEARNED_BIN_MS       60000
#define LEARNED_COUNT_MAX    255    /* of a bin; all are halved at it */
#define LEARNED_SAMPLES_MIN  10     /* fewer say nothing */
#define LEARNED_SAMPLES_MAX  1000   /* all are halved at it: old ones fade */
#define LEARNED_BEYOND_MAX   50     /* percent, beyond the last bin */
#define LEARNED_PEAK_MIN     15     /* times as often as in a flat histogram
                                       two samples are of the same bin */
#define LEARNED_AWAY_MS      180000 /* for less it is not worth to go */
#define LEARNED_HEAD         5      /* percentiles */
#define LEARNED_TAIL         95
#define LEARNED_MARGIN       5     /* percent, earlier and longer */


struct learned {
    uint16_t  samples;              /* in the bins */
    uint16_t  beyond;               /* longer than all of them */
    uint8_t   bins[LEARNED_BINS];   /* by minutes */
};


void learned_init(struct learned *learned);

/*
 * Between the end of a call, where no other one was in flight, and the next.
 */
void learned_note_idle(struct learned *learned, uint64_t idle_ms);

/*
 * Returns 1 and sets how long after a call a replica has to be there again, 0
 * where it is not to go, and for how long it is kept then; or 0 where the
 * histogram says too little, and a fixed time is to be used: they are left as
 * they were.
 */
int learned_windows(const struct learned *learned, uint64_t *prewarm_ms,
    uint64_t *keep_ms);


#endif /* FAAS_SCALER_LEARNED_H */

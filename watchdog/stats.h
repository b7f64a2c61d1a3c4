/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Counts of requests, and the page of them for Prometheus.
 */

#ifndef FAAS_WD_STATS_H
#define FAAS_WD_STATS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/faas_buf.h"


#define WD_STATS_SERIES   64    /* pairs of method and status; the last one
                                   counts all others */
#define WD_STATS_BUCKETS  11    /* Prometheus' default ones */
#define WD_STATS_PAGE     (256 * 1024)  /* bytes, at most */


struct wd_series {
    int       method;           /* llhttp's number */
    int       status;           /* 0: not used yet */
    uint64_t  n;
    uint64_t  nsec;             /* sum of the durations */
    uint64_t  bucket[WD_STATS_BUCKETS];     /* not cumulated */
};


struct wd_stats {
    struct wd_series  series[WD_STATS_SERIES];
};


/*
 * Counts a request that is over.
 */
void wd_stats_add(struct wd_stats *stats, int method, int status,
    uint64_t nsec);

/*
 * Writes the page.  Returns 0, or -1 without memory.
 */
int wd_stats_page(const struct wd_stats *stats, size_t n_inflight,
    struct faas_buf *page);


#endif /* FAAS_WD_STATS_H */

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The buckets of gateway_functions_seconds: Prometheus' default bounds, which
 * OpenFaaS's dashboards expect.
 */

#ifndef FAAS_HIST_H
#define FAAS_HIST_H

#include <stdint.h>


#define FAAS_HIST_BOUNDS   11                       /* finite ones */
#define FAAS_HIST_BUCKETS  (FAAS_HIST_BOUNDS + 1)   /* the last is +Inf */


/*
 * The upper bounds as they are printed: "0.005" ... "10", "+Inf".
 */
extern const char *const  faas_hist_le[FAAS_HIST_BUCKETS];

/*
 * Returns the bucket, 0 to FAAS_HIST_BUCKETS - 1, that counts a duration of
 * usec microseconds.  Buckets are counted one by one, not cumulated.
 */
unsigned faas_hist_bucket(uint64_t usec);


#endif /* FAAS_HIST_H */

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * All traces, kinds of function and seeds with all policies; what comes out is
 * summed up.
 */

#ifndef FAAS_SIM_MIX_H
#define FAAS_SIM_MIX_H

#include <stdint.h>


struct mix_options {
    const char  *folder;        /* for plots and mix.tsv; NULL: none */
    uint64_t     seeds;
    uint64_t     max;           /* replicas */
    double       seconds;       /* of a trace */
    double       warm_ms;       /* of it, that is not measured */
    const char  *trace;         /* a file; NULL: the synthetic ones */
    double       capacity;      /* its load is divided by, for the plot */
    uint64_t     max_inflight;  /* for the file */
    double       start_ms;
    double       start_sigma;   /* of all starts: of the logarithm */
    double       service_sigma; /* of synthetic traces, the same */
};


/*
 * Prints tables and figures.
 */
void mix_run(const struct mix_options *options);

/*
 * Runs a recorded trace, for options' function.
 */
void mix_recorded(const struct mix_options *options);


#endif /* FAAS_SIM_MIX_H */

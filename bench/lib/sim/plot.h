/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Plots of load and replicas, as SVG: a file for a trace, a panel for a
 * policy.  Colours are those of the reader's choice, dark or light.
 */

#ifndef FAAS_SIM_PLOT_H
#define FAAS_SIM_PLOT_H

#include <stddef.h>
#include <stdio.h>


struct plot {
    FILE          *out;         /* NULL: there is none */
    const double  *load;        /* in replicas' worth, a second each */
    size_t         seconds;
    double         most;        /* of replicas in any panel */
    size_t         n;           /* panels so far */
};


/*
 * Begins FOLDER/TRACE-KIND.svg of so many panels; without a folder nothing is
 * written, by none of these.  load has to live until plot_close().
 */
void plot_open(struct plot *plot, const char *folder, const char *trace,
    const char *kind, size_t panels);

/*
 * What the plot is of: set before the first panel.
 */
void plot_axes(struct plot *plot, const double *load, size_t seconds,
    double most);

void plot_panel(struct plot *plot, const char *policy,
    const double *replicas);

void plot_close(struct plot *plot);


#endif /* FAAS_SIM_PLOT_H */

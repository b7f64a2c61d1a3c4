/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Plots of load and replicas, as SVG.
 */

#include "plot.h"

#include <math.h>
#include <string.h>

#include "sim.h"


#define WIDTH    760
#define LEFT     44
#define TOP      36
#define HEIGHT   120            /* of a panel, */
#define GAP      34             /* and between two */
#define TICKS    6              /* of time */


static double x_of(const struct plot *plot, double second);
static double y_of(const struct plot *plot, double replicas);
static void write_axes(const struct plot *plot);
static double rounded(double most);


static const char  style[] =
    "<style>\n"
    "  :root { --ink: #1f2328; --soft: #59636e; --line: #d1d9e0;\n"
    "    --paper: #ffffff; --load: #b6bec7; --replicas: #0969da; }\n"
    "  @media (prefers-color-scheme: dark) {\n"
    "    :root { --ink: #f0f6fc; --soft: #9198a1; --line: #3d444d;\n"
    "      --paper: #0d1117; --load: #565e67; --replicas: #4493f8; }\n"
    "  }\n"
    "  text { font: 12px system-ui, sans-serif; fill: var(--soft); }\n"
    "  .title { font-size: 14px; font-weight: 600; fill: var(--ink); }\n"
    "  .name { font-weight: 600; fill: var(--ink); }\n"
    "  .grid { stroke: var(--line); stroke-width: 1; }\n"
    "  .load { fill: var(--load); }\n"
    "  .replicas { fill: none; stroke: var(--replicas);\n"
    "    stroke-width: 1.5; }\n"
    "  .paper { fill: var(--paper); }\n"
    "</style>\n";


void
plot_open(struct plot *plot, const char *folder, const char *trace,
    const char *kind, size_t panels)
{
    int   height;
    char  path[512];

    memset(plot, 0, sizeof(*plot));

    if (folder == NULL) {
        return;
    }

    (void) snprintf(path, sizeof(path), "%s/%s-%s.svg", folder, trace, kind);
    plot->out = fopen(path, "w");

    if (plot->out == NULL) {
        sim_fail("cannot write %s", path);
    }

    height = TOP + (int) panels * (HEIGHT + GAP) + 6;

    (void) fprintf(plot->out,
                   "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\""
                   "0 0 %d %d\" role=\"img\">\n<title>%s, %s: load and"
                   " replicas</title>\n%s<rect class=\"paper\" width=\"100%%\""
                   " height=\"100%%\"/>\n<text class=\"title\" x=\"%d\""
                   " y=\"20\">%s, %s</text>\n<rect class=\"load\" x=\"430\""
                   " y=\"11\" width=\"14\" height=\"10\"/><text x=\"450\""
                   " y=\"20\">load, in replicas</text>\n<path"
                   " class=\"replicas\" d=\"M580 16h18\"/><text x=\"604\""
                   " y=\"20\">replicas, also starting</text>\n",
                   WIDTH, height, trace, kind, style, LEFT, trace, kind);
}


void
plot_axes(struct plot *plot, const double *load, size_t seconds, double most)
{
    size_t  i;

    plot->load = load;
    plot->seconds = seconds;
    plot->most = most > 1 ? most : 1;

    for (i = 0; i < seconds; i++) {
        plot->most = load[i] > plot->most ? load[i] : plot->most;
    }

    plot->most = rounded(plot->most);
}


void
plot_panel(struct plot *plot, const char *policy, const double *replicas)
{
    FILE    *out;
    size_t   i;

    out = plot->out;

    if (out == NULL) {
        return;
    }

    write_axes(plot);
    (void) fprintf(out, "<text class=\"name\" x=\"%d\" y=\"%.1f\">%s</text>\n",
                   LEFT, y_of(plot, plot->most) - 6, policy);

    (void) fprintf(out, "<path class=\"load\" d=\"M%.1f %.1f",
                   x_of(plot, 0), y_of(plot, 0));

    for (i = 0; i < plot->seconds; i++) {
        (void) fprintf(out, "L%.1f %.1f", x_of(plot, (double) i + 0.5),
                       y_of(plot, plot->load[i]));
    }

    (void) fprintf(out, "L%.1f %.1fZ\"/>\n<path class=\"replicas\" d=\""
                   "M%.1f %.1f", x_of(plot, (double) plot->seconds),
                   y_of(plot, 0), x_of(plot, 0), y_of(plot, replicas[0]));

    for (i = 1; i < plot->seconds; i++) {
        if (fabs(replicas[i] - replicas[i - 1]) > 0) {
            (void) fprintf(out, "H%.1fV%.1f", x_of(plot, (double) i),
                           y_of(plot, replicas[i]));
        }
    }

    (void) fprintf(out, "H%.1f\"/>\n", x_of(plot, (double) plot->seconds));
    plot->n++;
}


void
plot_close(struct plot *plot)
{
    if (plot->out == NULL) {
        return;
    }

    (void) fprintf(plot->out, "</svg>\n");

    if (fclose(plot->out) != 0) {
        sim_fail("cannot write a plot");
    }

    plot->out = NULL;
}


static double
x_of(const struct plot *plot, double second)
{
    return LEFT + second * (WIDTH - LEFT - 12) / (double) plot->seconds;
}


static double
y_of(const struct plot *plot, double replicas)
{
    double  bottom;

    bottom = TOP + (double) (plot->n + 1) * (HEIGHT + GAP) - GAP + 16;

    return bottom - (HEIGHT - 16) * replicas / plot->most;
}


static void
write_axes(const struct plot *plot)
{
    int     i;
    double  at, y;

    for (i = 0; i <= 2; i++) {
        y = y_of(plot, plot->most * i / 2);
        (void) fprintf(plot->out, "<path class=\"grid\" d=\"M%d %.1fH%d\"/>"
                       "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%g"
                       "</text>\n", LEFT, y, WIDTH - 12, LEFT - 6, y + 4,
                       plot->most * i / 2);
    }

    for (i = 0; i <= TICKS; i++) {
        at = (double) plot->seconds * i / TICKS;
        (void) fprintf(plot->out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\""
                       "%s\">%.0f%s</text>\n", x_of(plot, at),
                       y_of(plot, 0) + 14,
                       i == 0 ? "start" : i == TICKS ? "end" : "middle", at,
                       i == TICKS ? " s" : "");
    }
}


/*
 * Up, to a number that is read easily, and so is its half.
 */
static double
rounded(double most)
{
    double  step;

    for (step = 2; most > step; step *= 10) {
        if (most <= step * 2) {
            return step * 2;
        }

        if (most <= step * 5) {
            return step * 5;
        }
    }

    return step;
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * All traces, kinds of function and seeds with all policies.
 */

#include "mix.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plot.h"
#include "rival.h"
#include "sim.h"
#include "trace.h"
#include "world.h"


#define RIVALS_MAX  8
#define PARKED_MAX  10000
#define PARKED_MS   60000.0


/* a kind of function; its load is measured in what a replica is good for */
struct kind {
    const char  *name;
    uint64_t     max_inflight;
    double       width;
    double       service_ms;
    double       start_ms;
};

/* one trace of one kind with one seed */
struct cell {
    size_t               trace;
    size_t               kind;
    uint64_t             seed;
    double               ideal_ms;
    struct world_result  result[RIVALS_MAX];
};

/* ours by another's */
struct ratios {
    double  cost;
    double  tail;
};

/* whether a cell is of the one that is meant */
typedef int (*choice)(const struct cell *cell, size_t i);


static void run_cell(const struct mix_options *options,
    const struct kind *kind, const struct trace *trace, uint64_t seed,
    struct cell *cell);
static void draw(const struct mix_options *options, const struct kind *kind,
    const struct trace *trace, const double *load, double *const *replicas,
    size_t seconds);
static uint64_t peak(const double *load, size_t seconds);
static void write_row(FILE *out, const struct kind *kind,
    const struct trace *trace, uint64_t seed, const struct cell *cell);
static void print_table(const char *name, const struct cell *cells, size_t n);
static void print_figures(const struct mix_options *options,
    const struct cell *cells, size_t n);
static int kind_is(const struct cell *cell, size_t i);
static int trace_is(const struct cell *cell, size_t i);
static int seed_is(const struct cell *cell, size_t i);
static int any(const struct cell *cell, size_t i);
static void print_ratios(const char *name, const struct cell *cells, size_t n,
    choice is_in, size_t which);
static void compare(const struct cell *cells, size_t n, choice is_in,
    size_t which, int rival, struct ratios *ratios);
static double log_ratio(const struct cell *cell, int rival, int is_tail);
static int index_of(const char *name);
static FILE *open_file(const char *folder, const char *name);


/*
 * Without a limit a call is long, as then KPA's 70 calls in flight and
 * OpenFaaS' 45 calls a second are about the same load for a replica, which is
 * good for 100.
 */
static const struct kind  kinds[] = {
    { "1-5ms", 1, 1, 100, 5 },
    { "1-1s", 1, 1, 100, 1000 },
    { "10-5ms", 10, 10, 400, 5 },
    { "10-1s", 10, 10, 400, 1000 },
    { "none-5ms", 0, 100, 1500, 5 },
    { "none-1s", 0, 100, 1500, 1000 }
};

#define KINDS  (sizeof(kinds) / sizeof(kinds[0]))


void
mix_run(const struct mix_options *options)
{
    FILE                *out;
    size_t               i, j, n, traces;
    uint64_t             seed;
    struct cell         *cells;
    struct trace         trace;
    struct trace_shape   shape;

    for (traces = 0; trace_names[traces] != NULL; traces++) { /* void */ }

    /* by trace, kind and seed */

    cells = sim_alloc(traces * KINDS * options->seeds * sizeof(*cells));
    out = open_file(options->folder, "mix.tsv");
    n = 0;

    for (i = 0; i < traces; i++) {

        for (j = 0; j < KINDS; j++) {
            shape.capacity = kinds[j].width;
            shape.service_ms = kinds[j].service_ms;
            shape.sigma = options->service_sigma;
            shape.length_ms = options->seconds * 1000;

            for (seed = 1; seed <= options->seeds; seed++, n++) {
                trace_make(&trace, trace_names[i], &shape, seed);
                cells[n].trace = i;
                cells[n].kind = j;
                cells[n].seed = seed;
                run_cell(options, &kinds[j], &trace, seed, &cells[n]);
                write_row(out, &kinds[j], &trace, seed, &cells[n]);
                trace_done(&trace);
            }
        }

        print_table(trace_names[i], &cells[n - KINDS * options->seeds],
                    KINDS * options->seeds);
    }

    print_table("all", cells, n);
    print_figures(options, cells, n);

    if (out != NULL) {
        (void) fclose(out);
    }

    free(cells);
}


void
mix_recorded(const struct mix_options *options)
{
    struct cell   cell;
    struct kind   kind;
    struct trace  trace;

    kind.name = "recorded";
    kind.max_inflight = options->max_inflight;
    kind.width = options->capacity;
    kind.service_ms = 0;
    kind.start_ms = options->start_ms;

    memset(&cell, 0, sizeof(cell));
    trace_read(&trace, options->trace);
    run_cell(options, &kind, &trace, 1, &cell);
    print_table(options->trace, &cell, 1);
    trace_done(&trace);
}


static void
run_cell(const struct mix_options *options, const struct kind *kind,
    const struct trace *trace, uint64_t seed, struct cell *cell)
{
    int                    i;
    size_t                 seconds;
    double                *load, *replicas[RIVALS_MAX];
    struct world_settings  settings;

    seconds = (size_t) ceil(trace->end_ms / 1000);
    load = sim_alloc(seconds * sizeof(*load));
    cell->ideal_ms = trace_ideal(trace, kind->width, options->warm_ms, load,
                                 seconds);

    memset(&settings, 0, sizeof(settings));
    settings.width = kind->width;
    settings.start_ms = kind->start_ms;
    settings.start_sigma = options->start_sigma;
    settings.parked_max = PARKED_MAX;
    settings.parked_ms = PARKED_MS;
    settings.warm_ms = options->warm_ms;
    settings.seed = seed;
    settings.function.max_inflight = kind->max_inflight;
    settings.function.max = options->max;

    for (i = 0; i < rivals_n; i++) {
        settings.function.min = strcmp(rivals[i].name, "fixed") == 0
                                ? peak(load, seconds) : 1;
        replicas[i] = sim_alloc(seconds * sizeof(*replicas[i]));
        world_run(&settings, trace, &rivals[i], &cell->result[i], replicas[i],
                  seconds);
    }

    if (seed == 1) {
        draw(options, kind, trace, load, replicas, seconds);
    }

    for (i = 0; i < rivals_n; i++) {
        free(replicas[i]);
    }

    free(load);
}


/*
 * CE is on another scale: it is cut off.
 */
static void
draw(const struct mix_options *options, const struct kind *kind,
    const struct trace *trace, const double *load, double *const *replicas,
    size_t seconds)
{
    int          i;
    size_t       j;
    double       most;
    struct plot  plot;

    most = 0;

    for (i = 0; i < rivals_n; i++) {
        for (j = 0; j < seconds; j++) {
            if (strcmp(rivals[i].name, "ce") == 0) {
                break;
            }

            most = replicas[i][j] > most ? replicas[i][j] : most;
        }
    }

    plot_open(&plot, options->folder, trace->name, kind->name,
              (size_t) rivals_n);
    plot_axes(&plot, load, seconds, most);

    for (i = 0; i < rivals_n; i++) {
        for (j = 0; j < seconds; j++) {
            replicas[i][j] = fmin(replicas[i][j], plot.most);
        }

        plot_panel(&plot, rivals[i].name, replicas[i]);
    }

    plot_close(&plot);
}


/*
 * Of the means of seconds.
 */
static uint64_t
peak(const double *load, size_t seconds)
{
    size_t  i;
    double  most;

    most = 1;

    for (i = 0; i < seconds; i++) {
        most = load[i] > most ? load[i] : most;
    }

    return (uint64_t) ceil(most);
}


static void
write_row(FILE *out, const struct kind *kind, const struct trace *trace,
    uint64_t seed, const struct cell *cell)
{
    int                         i;
    const struct world_result  *result;

    for (i = 0; out != NULL && i < rivals_n; i++) {
        result = &cell->result[i];

        (void) fprintf(out, "%s\t%s\t%d\t%s\t%zu\t%zu\t%zu\t%zu\t%.1f\t%.4f"
                       "\t%.3f\t%.3f\t%.3f\t%.4f\t%zu\n", trace->name,
                       kind->name, (int) seed, rivals[i].name, result->calls,
                       result->cold, result->rejected, result->operations,
                       result->replica_ms / 1000,
                       result->replica_ms / cell->ideal_ms,
                       result->added_ms[0], result->added_ms[1],
                       result->added_ms[2], result->slowdown,
                       result->turns);
    }
}


/*
 * Means over the cells; of slowdowns and costs the geometric one.
 */
static void
print_table(const char *name, const struct cell *cells, size_t n)
{
    int                         i;
    size_t                      j;
    double                      sum[9];
    const struct world_result  *result;

    printf("\n%s\n  %-6s %8s %8s %9s %9s %9s %8s %8s %8s %8s\n", name, "",
           "cold", "p50 ms", "p99 ms", "p99.9 ms", "p99 slow", "cost",
           "rejected", "changes", "turns");

    for (i = 0; i < rivals_n; i++) {
        memset(sum, 0, sizeof(sum));

        for (j = 0; j < n; j++) {
            result = &cells[j].result[i];
            sum[0] += (double) result->cold / (double) n;
            sum[1] += result->added_ms[0] / (double) n;
            sum[2] += result->added_ms[1] / (double) n;
            sum[3] += result->added_ms[2] / (double) n;
            sum[4] += log(result->slowdown) / (double) n;
            sum[5] += log(result->replica_ms / cells[j].ideal_ms)
                      / (double) n;
            sum[6] += (double) result->rejected / (double) n;
            sum[7] += (double) result->operations / (double) n;
            sum[8] += (double) result->turns / (double) n;
        }

        printf("  %-6s %8.1f %8.1f %9.1f %9.1f %9.3f %8.3f %8.1f %8.1f"
               " %8.1f\n", rivals[i].name, sum[0], sum[1], sum[2], sum[3],
               exp(sum[4]), exp(sum[5]), sum[6], sum[7], sum[8]);
    }
}


static void
print_figures(const struct mix_options *options, const struct cell *cells,
    size_t n)
{
    size_t         i;
    struct ratios  both;

    printf("\nours by another's    replica-seconds             p99 slowdown\n"
           "%-16s%8s %8s %8s   %8s %8s %8s\n", "", "kpa", "pro", "better",
           "kpa", "pro", "better");

    for (i = 0; i < KINDS; i++) {
        print_ratios(kinds[i].name, cells, n, kind_is, i);
    }

    for (i = 0; trace_names[i] != NULL; i++) {
        print_ratios(trace_names[i], cells, n, trace_is, i);
    }

    for (i = 0; i < options->seeds; i++) {
        print_ratios("a seed", cells, n, seed_is, i + 1);
    }

    print_ratios("all", cells, n, any, 0);
    compare(cells, n, any, 0, -1, &both);
    printf("figure policy_replica_seconds_ratio %.3f\n", both.cost);
    printf("figure policy_p99_ratio %.3f\n", both.tail);
}


static int
kind_is(const struct cell *cell, size_t i)
{
    return cell->kind == i;
}


static int
trace_is(const struct cell *cell, size_t i)
{
    return cell->trace == i;
}


static int
seed_is(const struct cell *cell, size_t i)
{
    return cell->seed == i;
}


static int
any(const struct cell *cell, size_t i)
{
    (void) cell;
    (void) i;

    return 1;
}


static void
print_ratios(const char *name, const struct cell *cells, size_t n,
    choice is_in, size_t which)
{
    struct ratios  kpa, pro, both;

    compare(cells, n, is_in, which, index_of("kpa"), &kpa);
    compare(cells, n, is_in, which, index_of("pro"), &pro);
    compare(cells, n, is_in, which, -1, &both);

    printf("  %-14s%8.3f %8.3f %8.3f   %8.3f %8.3f %8.3f\n", name, kpa.cost,
           pro.cost, both.cost, kpa.tail, pro.tail, both.tail);
}


/*
 * Geometric means over the cells that are chosen; of the better one, where
 * rival is -1.
 */
static void
compare(const struct cell *cells, size_t n, choice is_in, size_t which,
    int rival, struct ratios *ratios)
{
    size_t  i, chosen;

    memset(ratios, 0, sizeof(*ratios));
    chosen = 0;

    for (i = 0; i < n; i++) {
        if (is_in(&cells[i], which)) {
            ratios->cost += log_ratio(&cells[i], rival, 0);
            ratios->tail += log_ratio(&cells[i], rival, 1);
            chosen++;
        }
    }

    ratios->cost = exp(ratios->cost / (double) chosen);
    ratios->tail = exp(ratios->tail / (double) chosen);
}


static double
log_ratio(const struct cell *cell, int rival, int is_tail)
{
    double                      kpa, pro;
    const struct world_result  *ours, *theirs;

    if (rival < 0) {
        kpa = log_ratio(cell, index_of("kpa"), is_tail);
        pro = log_ratio(cell, index_of("pro"), is_tail);
        return kpa > pro ? kpa : pro;
    }

    ours = &cell->result[index_of("ours")];
    theirs = &cell->result[rival];

    return is_tail ? log(ours->slowdown / theirs->slowdown)
           : log(ours->replica_ms / theirs->replica_ms);
}


static int
index_of(const char *name)
{
    return (int) (rival_find(name) - rivals);
}


static FILE *
open_file(const char *folder, const char *name)
{
    char   path[512];
    FILE  *out;

    if (folder == NULL) {
        return NULL;
    }

    (void) snprintf(path, sizeof(path), "%s/%s", folder, name);
    out = fopen(path, "w");

    if (out == NULL) {
        sim_fail("cannot write %s", path);
    }

    return out;
}

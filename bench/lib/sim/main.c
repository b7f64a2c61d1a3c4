/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The simulator's options, see bench/autoscale.
 */

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "keep.h"
#include "mix.h"
#include "sim.h"


#define SEEDS          5
#define SECONDS        600
#define WARM_MS        60000
#define REPLICAS       100
#define START_MS       1000
#define START_SIGMA    0.2
#define SERVICE_SIGMA  0.5


static void read_options(int argc, char **argv, struct mix_options *options,
    const char **parts);
static void set_number(struct mix_options *options, int option,
    const char *text);
static double number(const char *text, double least, double most);


int
main(int argc, char **argv)
{
    const char         *parts;
    struct mix_options  options;

    memset(&options, 0, sizeof(options));
    options.seeds = SEEDS;
    options.seconds = SECONDS;
    options.warm_ms = WARM_MS;
    options.max = REPLICAS;
    options.capacity = 1;
    options.start_ms = START_MS;
    options.start_sigma = START_SIGMA;
    options.service_sigma = SERVICE_SIGMA;
    parts = "policy,keep";

    read_options(argc, argv, &options, &parts);

    if (options.folder != NULL && mkdir(options.folder, 0777) != 0
        && errno != EEXIST)
    {
        sim_fail("cannot make the folder %s", options.folder);
    }

    if (options.trace != NULL) {
        options.warm_ms = 0;
        options.capacity = options.max_inflight != 0
                           ? (double) options.max_inflight : options.capacity;
        mix_recorded(&options);
        return 0;
    }

    if (strstr(parts, "policy") != NULL) {
        mix_run(&options);
    }

    if (strstr(parts, "keep") != NULL) {
        keep_run(options.seeds);
    }

    return 0;
}


static void
read_options(int argc, char **argv, struct mix_options *options,
    const char **parts)
{
    int  c;

    static const struct option  longs[] = {
        { "folder", required_argument, NULL, 'f' },
        { "seeds", required_argument, NULL, 's' },
        { "seconds", required_argument, NULL, 'l' },
        { "max", required_argument, NULL, 'm' },
        { "trace", required_argument, NULL, 't' },
        { "max-inflight", required_argument, NULL, 'i' },
        { "capacity", required_argument, NULL, 'c' },
        { "start-ms", required_argument, NULL, 'd' },
        { "start-sigma", required_argument, NULL, 'g' },
        { "service-sigma", required_argument, NULL, 'v' },
        { "parts", required_argument, NULL, 'p' },
        { NULL, 0, NULL, 0 }
    };

    while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
        switch (c) {

        case 'f':
            options->folder = optarg;
            break;

        case 't':
            options->trace = optarg;
            break;

        case 'p':
            *parts = optarg;
            break;

        case '?':
            sim_fail("see bench/autoscale for the options");

        default:
            set_number(options, c, optarg);
        }
    }
}


static void
set_number(struct mix_options *options, int option, const char *text)
{
    switch (option) {

    case 's':
        options->seeds = (uint64_t) number(text, 1, 1000);
        break;

    case 'l':
        options->seconds = number(text, 120, 86400);
        break;

    case 'm':
        options->max = (uint64_t) number(text, 1, 500);
        break;

    case 'i':
        options->max_inflight = (uint64_t) number(text, 0, 10000);
        break;

    case 'c':
        options->capacity = number(text, 1, 10000);
        break;

    case 'd':
        options->start_ms = number(text, 0.001, 600000);
        break;

    case 'g':
        options->start_sigma = number(text, 0, 3);
        break;

    case 'v':
        options->service_sigma = number(text, 0, 3);
        break;
    }
}


static double
number(const char *text, double least, double most)
{
    char    *end;
    double   n;

    n = strtod(text, &end);

    if (end == text || *end != '\0' || !(n >= least) || !(n <= most)) {
        sim_fail("not a number from %g to %g: %s", least, most, text);
    }

    return n;
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The same for many functions, several at a time, with a line for each that is
 * begun and ended.
 */

#ifndef FAAS_CLI_JOBS_H
#define FAAS_CLI_JOBS_H

#include "cli.h"
#include "provider.h"
#include "stack.h"


typedef int (*job_pt)(struct cli *cli, const struct stack *stack,
    struct function *fn, const struct provider *provider);

struct jobs {
    const char             *begun;      /* "building" */
    const char             *done;       /* "built" */
    job_pt                  run;
    const struct stack     *stack;
    const struct provider  *provider;
    int                     skips;      /* functions with skip_build */
};


/*
 * Runs a job for each function: with --parallel 1 one after the other, until
 * one fails; otherwise each in a process of its own, to the end of all.
 * Returns 0, or -1 with cli->err where one has failed.
 */
int jobs_run(struct cli *cli, const struct jobs *jobs);


#endif /* FAAS_CLI_JOBS_H */

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Other programs: docker, git, a template's build command.
 */

#ifndef FAAS_CLI_RUN_H
#define FAAS_CLI_RUN_H

#include "cli.h"
#include "stack.h"


#define RUN_OUTPUT_MAX  (4 << 20)   /* bytes that are kept of what it prints */


/* where its output goes */
enum run_output {
    RUN_SHOW,                       /* as it comes, on standard error */
    RUN_QUIET,                      /* on standard error where it fails */
    RUN_KEEP                        /* standard output is kept */
};

struct run {
    struct texts      argv;
    const char       *dir;          /* working directory, or NULL */
    struct pairs      env;          /* added to the environment */
    enum run_output   output;
    char             *kept;         /* after RUN_KEEP: the pool's */
};


/*
 * Appends arguments; the function those of an array that a NULL ends.
 */
void run_add_words(struct cli *cli, struct run *run,
    const char *const *words);

#define run_add(cli, run, ...)                                               \
    run_add_words(cli, run, (const char *const []) { __VA_ARGS__, NULL })

/*
 * Runs it to its end.  Returns 0, or -1 with cli->err where it cannot be run
 * or ends with another status than 0.
 */
int run_program(struct cli *cli, struct run *run);

/*
 * Whether there is a program of this name in PATH.
 */
int run_find(struct cli *cli, const char *name);

/*
 * A text as a shell reads it as one word.
 */
const char *run_quote(struct cli *cli, const char *text);

/*
 * The command as one would type it.
 */
const char *run_text(struct cli *cli, const struct run *run);


#endif /* FAAS_CLI_RUN_H */

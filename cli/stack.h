/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The stack file: functions, how they are built, and how they are deployed.
 */

#ifndef FAAS_CLI_STACK_H
#define FAAS_CLI_STACK_H

#include "cli.h"
#include "pairs.h"
#include "yaml.h"


#define STACK_MAX      1048576      /* bytes of the file, before variables */
#define STACK_ENV_MAX  1048576      /* bytes of an environment_file */


struct function {
    const char    *name;
    size_t         line;
    const char    *lang;
    const char    *handler;
    const char    *image;
    const char    *fprocess;
    const char    *ns;
    const char    *platforms;
    struct pairs   environment;     /* with those of the files */
    struct texts   environment_file;
    struct texts   secrets;
    struct texts   constraints;
    struct texts   build_options;
    struct pairs   labels;
    struct pairs   annotations;
    struct pairs   build_args;
    struct pairs   build_secrets;
    struct pairs   limits;          /* "memory", "cpu" */
    struct pairs   requests;
    int            is_readonly;
    int            is_not_built;    /* skip_build */
};

struct stack {
    const char        *file;
    const char        *gateway;     /* or NULL */
    struct function   *functions;   /* those that were asked for */
    size_t             n;
    size_t             size;
    struct pairs       templates;   /* name and source; "": of the store */
    struct texts       copy;
};


/*
 * Reads the file that --yaml names, or stack.yaml or stack.yml, with --regex
 * and --filter.  Returns 0, or -1 with cli->err.  Where no file is named and
 * none is there: 0, and file is NULL.
 */
int stack_load(struct cli *cli, struct stack *stack);

/*
 * The same from a text; get is as getenv().  Nothing is filtered, and no
 * environment_file read.
 */
int stack_parse(struct cli *cli, struct stack *stack, const char *text,
    size_t len, const char *(*get)(const char *name));

/*
 * The function of a name; NULL where there is none.
 */
struct function *stack_find(struct stack *stack, const char *name);

/*
 * Names of all functions' secrets, each once.
 */
struct texts stack_secrets(struct cli *cli, const struct stack *stack);

/*
 * What a command is to work on: those of the stack file, or the one of them
 * that its word names; without a file, that of --image, --name, --lang and
 * --handler.  It is an error where there is nothing.  Returns 0, or -1 with
 * cli->err.
 */
int stack_targets(struct cli *cli, struct stack *stack);


#endif /* FAAS_CLI_STACK_H */

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The command line, read by the table of commands: flags have the forms that
 * faas-cli's have (--name value, --name=value, -n value, -nvalue, --switch,
 * --switch=false), and stand anywhere.
 */

#ifndef FAAS_CLI_ARGS_H
#define FAAS_CLI_ARGS_H

#include <stdint.h>

#include "lib/faas_err.h"

#include "pool.h"


#define ARGS_MAX       4096         /* arguments of a command */
#define ARG_VALUE_MAX  1048576      /* bytes of one */


struct command;
struct flag;

struct arg {
    const struct flag  *flag;
    const char         *value;
};

struct args {
    const struct command  *command;
    struct arg            *at;          /* flags as given, in their order */
    size_t                 n;
    size_t                 size;
    struct texts           words;       /* those that are no flags */
    struct texts           rest;        /* after "--" or a plugin's name */
    int                    wants_help;
};


/*
 * Reads the arguments, argv[0] being the program.  Returns 0, or -1 with err.
 * Where the first word is no command, command is NULL, and rest holds it and
 * all that follows.
 */
int args_parse(struct args *args, struct pool *pool, int argc, char **argv,
    struct faas_err *err);

/*
 * A flag's last value, or what it is without; NULL where that is nothing.
 * The flag has to be one of the command's, or the answer is NULL.
 */
const char *args_text(const struct args *args, const char *name);

/*
 * Whether it was given at all.
 */
int args_has(const struct args *args, const char *name);

/*
 * A switch; a number, which was checked when it was read; a duration in
 * milliseconds.
 */
int args_bool(const struct args *args, const char *name);
uint64_t args_number(const struct args *args, const char *name);
uint64_t args_msec(const struct args *args, const char *name);

/*
 * All values of a flag that may be repeated, in order.
 */
struct texts args_list(const struct args *args, struct pool *pool,
    const char *name);

/*
 * Word number i (from 0) that is no flag, or NULL.
 */
const char *args_word(const struct args *args, size_t i);


#endif /* FAAS_CLI_ARGS_H */

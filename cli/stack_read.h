/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A stack file's fields, from the tree that YAML is.
 */

#ifndef FAAS_CLI_STACK_READ_H
#define FAAS_CLI_STACK_READ_H

#include "stack.h"


/*
 * Reads all of it but the files that it names.  A name that means nothing is a
 * warning, as in files of newer versions.  Returns 0, or -1 with file, line
 * and field in cli->err.
 */
int stack_read(struct cli *cli, struct stack *stack,
    const struct ynode *root);

/*
 * Reads a function's files of environment_file into its environment.  Returns
 * 0, or -1 with cli->err.
 */
int stack_read_environment(struct cli *cli, const struct stack *stack,
    struct function *fn);

/*
 * A map of scalars as pairs, a list of scalars as texts; where is the field,
 * for messages.  Returns 0, or -1 with cli->err.
 */
int stack_read_pairs(struct cli *cli, const char *file, const char *where,
    const struct ynode *node, struct pairs *pairs);
int stack_read_texts(struct cli *cli, const char *file, const char *where,
    const struct ynode *node, struct texts *texts);

/*
 * A scalar as a text; null is "".  NULL, with cli->err, where it is none.
 */
const char *stack_read_text(struct cli *cli, const char *file,
    const char *where, const struct ynode *node);


#endif /* FAAS_CLI_STACK_READ_H */

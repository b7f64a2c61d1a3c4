/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Names and values, in the order that they came in.
 */

#ifndef FAAS_CLI_PAIRS_H
#define FAAS_CLI_PAIRS_H

#include <stddef.h>

#include "cli.h"


struct pair {
    const char  *name;
    const char  *value;
};

struct pairs {
    struct pair  *at;
    size_t        n;
    size_t        size;
};


/*
 * Sets a pair in the place of one of that name; reads "NAME=VALUE" and sets
 * it, with flag for the message.
 */
void pairs_set(struct pool *pool, struct pairs *pairs, const char *name,
    const char *value);
int pairs_set_text(struct cli *cli, struct pairs *pairs, const char *text,
    const char *flag);

/*
 * Sets all that a flag of the form "NAME=VALUE" was given.  Returns 0, or -1
 * with cli->err.
 */
int pairs_set_flag(struct cli *cli, struct pairs *pairs, const char *flag);

/*
 * The value of a name, or NULL.
 */
const char *pairs_get(const struct pairs *pairs, const char *name);


#endif /* FAAS_CLI_PAIRS_H */

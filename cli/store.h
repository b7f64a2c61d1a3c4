/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The store of functions: a list with an image for each platform.
 */

#ifndef FAAS_CLI_STORE_H
#define FAAS_CLI_STORE_H

#include <jansson.h>

#include "cli.h"
#include "stack.h"


/*
 * The entry of a name, borrowed from *store, which is to be freed by
 * json_decref() in any case.  NULL with cli->err where there is none.
 */
json_t *store_find(struct cli *cli, const char *name, json_t **store);

/*
 * A function as the store has it, under its own name or another one.  Returns
 * 0, or -1 with cli->err.
 */
int store_function(struct cli *cli, const char *name, const char *as,
    const char *platform, struct function *fn);

/*
 * --platform or --arch, or what this machine is.
 */
const char *store_platform(struct cli *cli);


#endif /* FAAS_CLI_STORE_H */

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Where templates and functions come from: git repositories, and the stores,
 * which are lists of them.
 */

#ifndef FAAS_CLI_SOURCE_H
#define FAAS_CLI_SOURCE_H

#include <jansson.h>

#include "cli.h"


#define SOURCE_STORE_MAX  (8 << 20)     /* bytes of a store's list */

#define SOURCE_TEMPLATES                                                     \
    "https://raw.githubusercontent.com/openfaas/store/master/templates.json"
#define SOURCE_FUNCTIONS                                                     \
    "https://raw.githubusercontent.com/openfaas/store/master/functions.json"


/*
 * Clones a repository, "URL" or "URL#REF", and copies all templates in it to
 * ./template; those that are there stay unless they are to be overwritten.
 * *n is how many were copied.  Returns 0, or -1 with cli->err.
 */
int source_pull(struct cli *cli, const char *url, int is_overwriting,
    size_t *n);

/*
 * The one template of a name, NAME or NAME@REF, of a repository; "" stands for
 * the one that the store of templates names.  Returns 0, or -1 with cli->err.
 */
int source_pull_named(struct cli *cli, const char *name, const char *url);

/*
 * A store's list: --url, the environment's variable, the default.  A path is
 * read as a file.  To be freed by json_decref(); NULL with cli->err.
 */
json_t *source_store(struct cli *cli, const char *variable,
    const char *fallback);

/*
 * The entry of the store of templates for a name; borrowed from the list.
 * NULL with cli->err where there is none.
 */
json_t *source_find_template(struct cli *cli, const json_t *list,
    const char *name);


#endif /* FAAS_CLI_SOURCE_H */

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Names and values.
 */

#include "pairs.h"

#include <string.h>


void
pairs_set(struct pool *pool, struct pairs *pairs, const char *name,
    const char *value)
{
    size_t  i;

    for (i = 0; i < pairs->n; i++) {
        if (strcmp(pairs->at[i].name, name) == 0) {
            pairs->at[i].value = value;
            return;
        }
    }

    if (pairs->n == pairs->size) {
        pairs->at = pool_grow(pool, pairs->at, pairs->n, &pairs->size,
                              sizeof(pairs->at[0]));
    }

    pairs->at[pairs->n].name = name;
    pairs->at[pairs->n].value = value;
    pairs->n++;
}


int
pairs_set_text(struct cli *cli, struct pairs *pairs, const char *text,
    const char *flag)
{
    const char  *equals;

    equals = strchr(text, '=');

    if (equals == NULL || equals == text) {
        return cli_fail(cli, "--%s: \"%.100s\" is not of the form NAME=VALUE",
                        flag, text);
    }

    pairs_set(&cli->pool, pairs,
              pool_copy(&cli->pool, text, (size_t) (equals - text)),
              equals + 1);

    return 0;
}


int
pairs_set_flag(struct cli *cli, struct pairs *pairs, const char *flag)
{
    size_t         i;
    struct texts   list;

    list = args_list(&cli->args, &cli->pool, flag);

    for (i = 0; i < list.n; i++) {
        if (pairs_set_text(cli, pairs, list.at[i], flag) != 0) {
            return -1;
        }
    }

    return 0;
}


const char *
pairs_get(const struct pairs *pairs, const char *name)
{
    size_t  i;

    for (i = 0; i < pairs->n; i++) {
        if (strcmp(pairs->at[i].name, name) == 0) {
            return pairs->at[i].value;
        }
    }

    return NULL;
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a Dockerfile says of the environment of its last stage.
 */

#ifndef FAAS_CLI_DOCKERFILE_H
#define FAAS_CLI_DOCKERFILE_H

#include <stddef.h>

#include "pairs.h"
#include "pool.h"


/*
 * Sets the pairs of its lines ENV, in both forms; those whose values have a
 * variable in them are left out.
 */
void dockerfile_env(struct pool *pool, const char *text, size_t len,
    struct pairs *env);


#endif /* FAAS_CLI_DOCKERFILE_H */

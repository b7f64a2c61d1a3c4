/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Deploying a function.
 */

#ifndef FAAS_CLI_DEPLOY_H
#define FAAS_CLI_DEPLOY_H

#include <jansson.h>

#include "api.h"
#include "stack.h"


/*
 * What is sent for a function, of its stack file and of the flags; to be freed
 * by json_decref().  NULL with cli->err where something is missing.
 */
json_t *deploy_spec(struct cli *cli, const struct stack *stack,
    struct function *fn, const struct api *api);

/*
 * Deploys it: updates what is there, or makes it anew, as the flags say.
 * Prints what faas-cli prints.  Returns 0, or -1 with cli->err.
 */
int deploy_send(struct api *api, const json_t *spec);

/*
 * All functions of a stack.  Returns 0, or -1 with cli->err where one of them
 * was not deployed.
 */
int deploy_all(struct cli *cli, struct stack *stack);

/*
 * Pairs as an object of strings.
 */
json_t *deploy_pairs(const struct pairs *pairs);


#endif /* FAAS_CLI_DEPLOY_H */

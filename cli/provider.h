/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What builds are for: processes of this machine, or containers.
 */

#ifndef FAAS_CLI_PROVIDER_H
#define FAAS_CLI_PROVIDER_H

#include "cli.h"
#include "stack.h"


struct provider {
    int          is_process;        /* otherwise containers */
    const char  *functions_dir;     /* of processes; NULL: not known */
    const char  *unknown;           /* why it is not, or NULL */
};


/*
 * Finds it out: --provider, $FAAS_PROVIDER, the gateway.  Where no gateway
 * answers and nothing else says so it is processes.  Returns 0, or -1 with
 * cli->err.
 */
int provider_find(struct cli *cli, const struct stack *stack,
    struct provider *provider);


#endif /* FAAS_CLI_PROVIDER_H */

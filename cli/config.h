/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Saved passwords: config.yml, the file of faas-cli, by the gateway they are
 * for.  It has the mode 0600, its folder 0700.
 */

#ifndef FAAS_CLI_CONFIG_H
#define FAAS_CLI_CONFIG_H

#include "cli.h"


#define CONFIG_MAX  1048576         /* bytes of the file */


struct config_entry {
    const char  *gateway;
    const char  *auth;              /* "basic" or "oauth2" */
    const char  *token;             /* base64 of USER:PASSWORD, or a token */
};


/*
 * The folder that it is in; NULL with cli->err where there is none.
 */
const char *config_dir(struct cli *cli);

/*
 * Finds what is saved for a gateway.  Returns 0, with entry->token NULL where
 * it is nothing, or -1 with cli->err.
 */
int config_find(struct cli *cli, const char *gateway,
    struct config_entry *entry);

/*
 * Saves an entry in the place of its gateway's, or removes that one where the
 * token is NULL.  *had is whether there was one.  Returns 0, or -1 with
 * cli->err.
 */
int config_save(struct cli *cli, const struct config_entry *entry, int *had);


#endif /* FAAS_CLI_CONFIG_H */

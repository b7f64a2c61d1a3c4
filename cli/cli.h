/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What all parts of the command line share: the command that runs, its
 * arguments, and where its output goes.
 *
 * A command is a function of the struct cli that returns 0, or -1 with the
 * reason in cli->err; main() prints it, and ends with status 1.
 */

#ifndef FAAS_CLI_CLI_H
#define FAAS_CLI_CLI_H

#include "lib/faas_err.h"

#include "args.h"
#include "pool.h"


#ifndef FAAS_VERSION
#define FAAS_VERSION  "0.1.0"
#endif

#ifndef FAAS_REVISION
#define FAAS_REVISION  "unknown"
#endif

#define CLI_OUTPUT  65536           /* bytes of output written at a time */

#define CLI_OK      0
#define CLI_FAILED  1               /* exit status of every error */
#define CLI_NO_EXEC 127             /* of a plugin that cannot be started */


struct http_helper;

struct cli {
    struct pool          pool;
    struct args          args;
    struct faas_err      err;               /* of the command; "" once said */
    int                  has_colour;        /* of standard output */
    int                  has_colour_err;    /* of standard error */
    struct http_helper  *helper;            /* NULL until it is needed */
    char                 output[CLI_OUTPUT];
};


/*
 * Sets cli->err, and returns -1.
 */
#define cli_fail(cli, ...)  faas_err_set(&(cli)->err, 0, __VA_ARGS__)


#endif /* FAAS_CLI_CLI_H */

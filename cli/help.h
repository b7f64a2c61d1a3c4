/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the table of commands says, as text.
 */

#ifndef FAAS_CLI_HELP_H
#define FAAS_CLI_HELP_H


struct cli;
struct command;


/*
 * Prints what a command does, its commands and its flags; without one: what
 * there is.
 */
void help_print(const struct cli *cli, const struct command *command);


#endif /* FAAS_CLI_HELP_H */

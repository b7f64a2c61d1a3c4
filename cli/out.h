/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What is shown: data on standard output, progress and warnings on standard
 * error.  Colour is for terminals only, and not with NO_COLOR.
 *
 * Text of others (names, messages of a server) goes through out_safe() where
 * it is for a terminal: an escape sequence in it would do there what it likes.
 */

#ifndef FAAS_CLI_OUT_H
#define FAAS_CLI_OUT_H

#include <jansson.h>
#include <stddef.h>

#include "cli.h"


enum out_colour {
    OUT_PLAIN,
    OUT_BOLD,
    OUT_RED,
    OUT_GREEN,
    OUT_YELLOW
};


/*
 * Finds out whether there is a terminal.
 */
void out_init(struct cli *cli);

/*
 * Escape sequences for standard output and for standard error; "" where there
 * is no colour.
 */
const char *out_colour(const struct cli *cli, enum out_colour colour);
const char *out_colour_err(const struct cli *cli, enum out_colour colour);

/*
 * A line on standard error: what is being done, for people; "warning: ..."
 */
void out_note(const struct cli *cli, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void out_warn(const struct cli *cli, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Warns of a flag whose value is a secret; instead is what to do, or "".
 */
void out_warn_argument(const struct cli *cli, const char *flag,
    const char *instead);

/*
 * "error: ..." on standard error, for what does not end the command.
 */
void out_error(const struct cli *cli, const char *text);

/*
 * The same text, or a copy with '?' for control characters (but a tab).
 */
const char *out_safe(struct cli *cli, const char *text);

/*
 * The same of a member of an object; "" where it has none, or that is no text.
 */
const char *out_field(struct cli *cli, const json_t *object,
    const char *name);

/*
 * A text of len bytes on standard output, with '?' for control characters.
 */
void out_put_safe(const char *text, size_t len);

/*
 * JSON on standard output, indented by two, with a newline.
 */
int out_json(struct cli *cli, const json_t *value);

/*
 * Whether the output is to be JSON: --json, or --output json.
 */
int out_is_json(const struct cli *cli);

/*
 * Writes out what is buffered.  Returns 0, or -1 with cli->err where anything
 * could not be written since the start: a full disk is an error.
 */
int out_flush(struct cli *cli);


#endif /* FAAS_CLI_OUT_H */

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Settings from a table, which makes the command line, the environment, the
 * defaults and --help.
 */

#ifndef FAAS_DAEMON_OPTION_TABLE_H
#define FAAS_DAEMON_OPTION_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "lib/faas_err.h"


enum option_kind {
    OPTION_TEXT,                    /* const char *, of argv or environment */
    OPTION_NUMBER,                  /* uint64_t, as all that follow */
    OPTION_BYTES,
    OPTION_DURATION,                /* msec */
    OPTION_SWITCH                   /* 0 or 1 */
};

struct option_entry {
    const char       *name;
    enum option_kind  kind;
    size_t            offset;       /* in the program's own struct */
    const char       *fallback;     /* NULL: must be given */
    uint64_t          min;          /* durations: msec */
    uint64_t          max;
    const char       *help;
};

struct option_table {
    const char                 *env_prefix;     /* "FAAS_SCALER_" */
    const struct option_entry  *entries;
    size_t                      n;

    /* what the environment says elsewhere, or NULL; may be NULL itself */
    const char               *(*elsewhere)(const char *name);
};


/*
 * Fills options from the environment (FAAS_SCALER_STATE_DIR for --state-dir)
 * and, where that says nothing, from the defaults.  Returns 0 or -1.
 */
int option_table_defaults(const struct option_table *table, void *options,
    struct faas_err *err);

/*
 * Takes "--name value" or "--name=value" at *i, which is left at its last
 * part.  Returns 1; 0 where the table has no such option; -1 with err.
 */
int option_table_argument(const struct option_table *table, void *options,
    int argc, char **argv, int *i, struct faas_err *err);

/*
 * Returns 0, or -1 where a text that must be given is not.
 */
int option_table_check(const struct option_table *table, const void *options,
    struct faas_err *err);

/*
 * Prints what --help says of each.
 */
void option_table_print(const struct option_table *table);

/*
 * The steps of these, for options that are in no table: the value of "--name
 * value" or "--name=value" (1), of another argument (0), with none (-1); what
 * the environment has, or NULL; a line of --help.
 */
int option_argument(int argc, char **argv, int *i, const char *name,
    const char **value, struct faas_err *err);
const char *option_environment(const char *env_prefix, const char *name);
void option_print(const char *name, const char *help, const char *fallback);


#endif /* FAAS_DAEMON_OPTION_TABLE_H */

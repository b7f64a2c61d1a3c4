/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The table of commands and flags: the one source of what is accepted, of
 * --help, of the man page and of completion.
 */

#ifndef FAAS_CLI_COMMANDS_H
#define FAAS_CLI_COMMANDS_H

#include <stddef.h>
#include <stdint.h>


#define COMMAND_GROUPS  9           /* tables of flags of one command */
#define COMMAND_WORDS   3           /* of the longest: template store list */


struct cli;

enum flag_kind {
    FLAG_SWITCH,
    FLAG_TEXT,
    FLAG_LIST,                      /* may be repeated */
    FLAG_NUMBER,                    /* from min to max */
    FLAG_DURATION,                  /* min and max in msec */
    FLAG_CHOICE                     /* value is "one|two|three" */
};

struct flag {
    const char      *name;          /* NULL ends a table */
    char             letter;        /* 0: it has none */
    enum flag_kind   kind;
    const char      *value;         /* FILE, DIR, FUNCTION: is completed */
    const char      *fallback;      /* or NULL */
    const char      *help;          /* lower case, no full stop */
    uint64_t         min;
    uint64_t         max;
};

struct command {
    const char         *name;       /* its words: "secret create" */
    const char         *aliases;    /* of the last word, or NULL */
    const char         *words;      /* "NAME [URL]", or NULL */
    size_t              min;        /* such words */
    size_t              max;
    int               (*run)(struct cli *cli);  /* NULL: has commands below */
    const char         *summary;    /* one line, no full stop */
    const char         *help;       /* paragraphs, or NULL */
    const char         *example;    /* lines, or NULL */
    const struct flag  *groups[COMMAND_GROUPS];
    int                 is_hidden;
};


/*
 * Command number i of the table, or NULL after the last one.
 */
const struct command *command_at(size_t i);

/*
 * The command of a name or an alias below parent ("" or the words of one);
 * NULL where there is none.
 */
const struct command *command_find(const char *parent, const char *word);

/*
 * Flag number i of a command, those that each command has among them; NULL
 * after the last one.
 */
const struct flag *command_flag(const struct command *command, size_t i);

/*
 * A flag by its name or its letter (a name of one character); NULL where the
 * command has none such.  Without a command: of those that each has.
 */
const struct flag *command_find_flag(const struct command *command,
    const char *name, size_t len);

/*
 * The last word of its name.
 */
const char *command_word(const struct command *command);

/*
 * Whether it is directly below parent, "" being the top.
 */
int command_is_below(const struct command *command, const char *parent);


#endif /* FAAS_CLI_COMMANDS_H */

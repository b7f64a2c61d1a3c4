/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The command line.
 */

#include "args.h"

#include <inttypes.h>
#include <string.h>

#include "lib/faas_num.h"

#include "commands.h"
#include "similar.h"


/* while the arguments are read */
struct reader {
    struct args      *args;
    struct pool      *pool;
    int               argc;
    char            **argv;
    int               i;            /* the argument that is next */
    struct faas_err  *err;
};


static int find_command(struct args *args, struct pool *pool, int argc,
    char **argv, char *is_taken);
static int skip_flag(int argc, char **argv, int i);
static int read_flag(struct reader *r);
static int read_letters(struct reader *r);
static int take(struct reader *r, const struct flag *flag, const char *value);
static int check(const struct flag *flag, const char *value,
    struct faas_err *err);
static int check_choice(const struct flag *flag, const char *value,
    struct faas_err *err);
static int check_switch(const char *value);
static int unknown_flag(struct reader *r, const char *name, size_t len);
static int check_words(const struct args *args, struct faas_err *err);
static const char *command_name(const struct args *args);


int
args_parse(struct args *args, struct pool *pool, int argc, char **argv,
    struct faas_err *err)
{
    int             i;
    char           *is_taken;
    struct reader   r = { args, pool, argc, argv, 1, err };

    if (argc > ARGS_MAX) {
        return faas_err_set(err, 0, "%d arguments, at most %d", argc,
                            ARGS_MAX);
    }

    for (i = 1; i < argc; i++) {
        if (strlen(argv[i]) > ARG_VALUE_MAX) {
            return faas_err_set(err, 0, "argument %d is over %d bytes", i,
                                ARG_VALUE_MAX);
        }
    }

    is_taken = pool_alloc(pool, (size_t) argc + 1);

    if (find_command(args, pool, argc, argv, is_taken) != 0) {
        return 0;                   /* a plugin, or nothing */
    }

    while (r.i < argc) {

        if (is_taken[r.i]) {
            r.i++;

        } else if (strcmp(argv[r.i], "--") == 0) {
            while (++r.i < argc) {
                texts_add(pool, &args->words, argv[r.i]);
            }

        } else if (argv[r.i][0] == '-' && argv[r.i][1] != '\0') {
            if (read_flag(&r) != 0) {
                return -1;
            }

        } else {
            texts_add(pool, &args->words, argv[r.i++]);
        }
    }

    args->wants_help = args_bool(args, "help");

    return args->command == NULL || args->wants_help
           ? 0 : check_words(args, err);
}


const char *
args_text(const struct args *args, const char *name)
{
    size_t              i;
    const struct flag  *flag;

    for (i = args->n; i-- > 0; /* void */ ) {
        if (strcmp(args->at[i].flag->name, name) == 0) {
            return args->at[i].value;
        }
    }

    flag = command_find_flag(args->command, name, strlen(name));

    return flag != NULL ? flag->fallback : NULL;
}


int
args_has(const struct args *args, const char *name)
{
    size_t  i;

    for (i = 0; i < args->n; i++) {
        if (strcmp(args->at[i].flag->name, name) == 0) {
            return 1;
        }
    }

    return 0;
}


int
args_bool(const struct args *args, const char *name)
{
    const char  *value;

    value = args_text(args, name);

    return value != NULL && check_switch(value) == 1;
}


uint64_t
args_number(const struct args *args, const char *name)
{
    uint64_t     n;
    const char  *value;

    n = 0;
    value = args_text(args, name);

    if (value != NULL) {
        /* it was checked when it was read */
        (void) faas_parse_uint(value, strlen(value), 0, UINT64_MAX, &n);
    }

    return n;
}


uint64_t
args_msec(const struct args *args, const char *name)
{
    uint64_t     msec;
    const char  *value;

    msec = 0;
    value = args_text(args, name);

    if (value != NULL) {
        /* it was checked when it was read */
        (void) faas_parse_duration(value, strlen(value), INT64_MAX, &msec);
    }

    return msec;
}


struct texts
args_list(const struct args *args, struct pool *pool, const char *name)
{
    size_t        i;
    struct texts  list = { NULL, 0, 0 };

    for (i = 0; i < args->n; i++) {
        if (strcmp(args->at[i].flag->name, name) == 0) {
            texts_add(pool, &list, args->at[i].value);
        }
    }

    return list;
}


const char *
args_word(const struct args *args, size_t i)
{
    return i < args->words.n ? args->words.at[i] : NULL;
}


/*
 * The command's words stand among the first that are no flags.  Returns 0, or
 * -1 where there is no such command: then what is there is left to a plugin.
 */
static int
find_command(struct args *args, struct pool *pool, int argc, char **argv,
    char *is_taken)
{
    int                    i;
    const struct command  *command;

    for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {

        if (argv[i][0] == '-' && argv[i][1] != '\0') {
            i = skip_flag(argc, argv, i);
            continue;
        }

        command = command_find(args->command != NULL ? args->command->name
                               : "", argv[i]);

        if (command == NULL && args->command == NULL) {
            for ( /* void */ ; i < argc; i++) {
                texts_add(pool, &args->rest, argv[i]);
            }

            return -1;
        }

        if (command == NULL) {
            return 0;
        }

        args->command = command;
        is_taken[i] = 1;

        if (strcmp(command->name, "__complete") == 0) {
            for (i++; i < argc; i++) {
                is_taken[i] = 1;
                texts_add(pool, &args->rest, argv[i]);
            }
        }
    }

    return 0;
}


/*
 * Only flags that each command has may stand before the command's name; of
 * others it is not known yet whether a value follows.
 */
static int
skip_flag(int argc, char **argv, int i)
{
    size_t              len;
    const char         *name;
    const struct flag  *flag;

    name = argv[i] + 1;
    name += *name == '-';
    len = strcspn(name, "=");
    flag = command_find_flag(NULL, name, len);

    return flag != NULL && flag->kind != FLAG_SWITCH && name[len] != '='
           && i + 1 < argc ? i + 1 : i;
}


static int
read_flag(struct reader *r)
{
    size_t              len;
    const char         *name;
    const struct flag  *flag;

    name = r->argv[r->i] + 1;

    if (*name != '-') {
        return read_letters(r);
    }

    name++;
    len = strcspn(name, "=");
    flag = len > 1 ? command_find_flag(r->args->command, name, len) : NULL;

    if (flag == NULL) {
        return unknown_flag(r, name, len);
    }

    r->i++;

    if (name[len] == '=') {
        return take(r, flag, name + len + 1);
    }

    if (flag->kind == FLAG_SWITCH) {
        return take(r, flag, "true");
    }

    if (r->i == r->argc) {
        return faas_err_set(r->err, 0, "--%s needs a value: --%s %s",
                            flag->name, flag->name, flag->value);
    }

    return take(r, flag, r->argv[r->i++]);
}


/*
 * "-qv", "-nNAME", "-n NAME", "-n=NAME".
 */
static int
read_letters(struct reader *r)
{
    const char         *p;
    const struct flag  *flag;

    p = r->argv[r->i++] + 1;

    while (*p != '\0') {
        flag = command_find_flag(r->args->command, p, 1);

        if (flag == NULL) {
            return unknown_flag(r, p, 1);
        }

        p++;

        if (*p == '=') {
            return take(r, flag, p + 1);
        }

        if (flag->kind == FLAG_SWITCH) {

            if (take(r, flag, "true") != 0) {
                return -1;
            }

            continue;
        }

        if (*p != '\0') {
            return take(r, flag, p);
        }

        if (r->i == r->argc) {
            return faas_err_set(r->err, 0, "-%c needs a value: -%c %s",
                                flag->letter, flag->letter, flag->value);
        }

        return take(r, flag, r->argv[r->i++]);
    }

    return 0;
}


static int
take(struct reader *r, const struct flag *flag, const char *value)
{
    struct args  *args;

    args = r->args;

    if (check(flag, value, r->err) != 0) {
        return -1;
    }

    if (args->n == args->size) {
        args->at = pool_grow(r->pool, args->at, args->n, &args->size,
                             sizeof(args->at[0]));
    }

    args->at[args->n].flag = flag;
    args->at[args->n].value = value;
    args->n++;

    return 0;
}


static int
check(const struct flag *flag, const char *value, struct faas_err *err)
{
    uint64_t  n;

    switch (flag->kind) {

    case FLAG_SWITCH:
        return check_switch(value) >= 0
               ? 0 : faas_err_set(err, 0, "--%s: \"%.40s\" is neither true "
                                  "nor false", flag->name, value);

    case FLAG_NUMBER:
        return faas_parse_uint(value, strlen(value), flag->min, flag->max, &n)
               == 0 ? 0 : faas_err_set(err, 0, "--%s: \"%.40s\" is no number "
                                       "from %" PRIu64 " to %" PRIu64,
                                       flag->name, value, flag->min,
                                       flag->max);

    case FLAG_DURATION:
        return faas_parse_duration(value, strlen(value), flag->max, &n) == 0
               && n >= flag->min
               ? 0 : faas_err_set(err, 0, "--%s: \"%.40s\" is no duration "
                                  "such as 30s, 1m30s or 500ms", flag->name,
                                  value);

    case FLAG_CHOICE:
        return check_choice(flag, value, err);

    case FLAG_TEXT:
    case FLAG_LIST:
        break;
    }

    return 0;
}


static int
check_choice(const struct flag *flag, const char *value,
    struct faas_err *err)
{
    size_t       len;
    const char  *p;

    len = strlen(value);

    for (p = flag->value; *p != '\0'; p += strspn(p, "|")) {

        if (strcspn(p, "|") == len && memcmp(p, value, len) == 0) {
            return 0;
        }

        p += strcspn(p, "|");
    }

    return faas_err_set(err, 0, "--%s: \"%.40s\" is none of %s", flag->name,
                        value, flag->value);
}


/*
 * As Go reads it.  Returns 1, 0, or -1 where it is neither.
 */
static int
check_switch(const char *value)
{
    static const char *const  yes[] = {
        "1", "t", "T", "true", "True", "TRUE", NULL
    };
    static const char *const  no[] = {
        "0", "f", "F", "false", "False", "FALSE", NULL
    };

    return texts_is_one(yes, value) ? 1 : texts_is_one(no, value) ? 0 : -1;
}


static int
unknown_flag(struct reader *r, const char *name, size_t len)
{
    size_t              i;
    struct similar      s;
    const struct flag  *flag;

    similar_init(&s, name, len);

    for (i = 0; r->args->command != NULL
                && (flag = command_flag(r->args->command, i)) != NULL; i++)
    {
        similar_try(&s, flag->name);
    }

    return faas_err_set(r->err, 0, "%s has no flag %s%.*s%s%s; \"%s --help\" "
                        "lists those that it has", command_name(r->args),
                        len == 1 ? "-" : "--", len > 60 ? 60 : (int) len,
                        name, s.best != NULL ? ", but --" : "",
                        s.best != NULL ? s.best : "",
                        command_name(r->args));
}


static int
check_words(const struct args *args, struct faas_err *err)
{
    const struct command  *command;

    command = args->command;

    if (command->run == NULL) {
        return args->words.n == 0
               ? 0 : faas_err_set(err, 0, "%s has no command \"%.60s\"; \"%s "
                                  "--help\" lists those that it has",
                                  command_name(args), args->words.at[0],
                                  command_name(args));
    }

    if (args->words.n < command->min) {
        return faas_err_set(err, 0, "%s needs %s; see \"%s --help\"",
                            command_name(args), command->words,
                            command_name(args));
    }

    if (args->words.n > command->max) {
        return faas_err_set(err, 0, "%s does not know what to do with "
                            "\"%.60s\"; see \"%s --help\"",
                            command_name(args),
                            args->words.at[command->max],
                            command_name(args));
    }

    return 0;
}


static const char *
command_name(const struct args *args)
{
    return args->command != NULL ? args->command->name : "faas";
}

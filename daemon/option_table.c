/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Settings from a table.
 */

#include "option_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/faas_num.h"


#define ENV_NAME_MAX  64


static int set_entry(void *options, const struct option_entry *entry,
    const char *value, struct faas_err *err);


int
option_table_defaults(const struct option_table *table, void *options,
    struct faas_err *err)
{
    int                         is_environment;
    size_t                      i;
    const char                 *value;
    const struct option_entry  *entry;

    for (i = 0; i < table->n; i++) {
        entry = &table->entries[i];
        value = option_environment(table->env_prefix, entry->name);

        if (value == NULL && table->elsewhere != NULL) {
            value = table->elsewhere(entry->name);
        }

        is_environment = value != NULL;

        if (value == NULL) {
            value = entry->fallback;
        }

        if (value != NULL && set_entry(options, entry, value, err) != 0) {
            return is_environment ? faas_err_prefix(err, "environment") : -1;
        }
    }

    return 0;
}


int
option_table_argument(const struct option_table *table, void *options,
    int argc, char **argv, int *i, struct faas_err *err)
{
    int          rc;
    size_t       n;
    const char  *value;

    value = "";

    for (n = 0; n < table->n; n++) {
        rc = option_argument(argc, argv, i, table->entries[n].name, &value,
                             err);

        if (rc < 0
            || (rc == 1
                && set_entry(options, &table->entries[n], value, err) != 0))
        {
            return -1;
        }

        if (rc == 1) {
            return 1;
        }
    }

    return 0;
}


int
option_table_check(const struct option_table *table, const void *options,
    struct faas_err *err)
{
    size_t       i;
    const char  *value;

    for (i = 0; i < table->n; i++) {

        if (table->entries[i].kind != OPTION_TEXT) {
            continue;
        }

        memcpy(&value, (const char *) options + table->entries[i].offset,
               sizeof(value));

        if (value == NULL) {
            return faas_err_set(err, 0, "--%s is missing: %s",
                                table->entries[i].name,
                                table->entries[i].help);
        }
    }

    return 0;
}


void
option_table_print(const struct option_table *table)
{
    size_t  i;

    for (i = 0; i < table->n; i++) {
        option_print(table->entries[i].name, table->entries[i].help,
                     table->entries[i].fallback);
    }
}


int
option_argument(int argc, char **argv, int *i, const char *name,
    const char **value, struct faas_err *err)
{
    size_t       len;
    const char  *arg;

    arg = argv[*i];
    len = strlen(name);

    if (strncmp(arg, "--", 2) != 0 || strncmp(arg + 2, name, len) != 0) {
        return 0;
    }

    if (arg[2 + len] == '=') {
        *value = arg + 3 + len;
        return 1;
    }

    if (arg[2 + len] != '\0') {
        return 0;
    }

    if (*i + 1 == argc) {
        return faas_err_set(err, 0, "%s wants a value", arg);
    }

    *value = argv[++*i];

    return 1;
}


const char *
option_environment(const char *env_prefix, const char *option)
{
    char    name[ENV_NAME_MAX];
    size_t  i, len;

    len = strlen(env_prefix);

    memcpy(name, env_prefix, len);

    for (i = 0; option[i] != '\0' && len + i < sizeof(name) - 1; i++) {
        name[len + i] = option[i] == '-'
                        ? '_' : (char) (option[i] - 'a' + 'A');
    }

    name[len + i] = '\0';

    return getenv(name);
}


void
option_print(const char *name, const char *help, const char *fallback)
{
    (void) printf("  --%s\n      %s", name, help);

    if (fallback == NULL) {
        (void) printf(" (must be given)\n");

    } else if (fallback[0] == '\0') {
        (void) printf("\n");

    } else {
        (void) printf(" (%s)\n", fallback);
    }
}


static int
set_entry(void *options, const struct option_entry *entry, const char *value,
    struct faas_err *err)
{
    char      *field;
    uint64_t   number;

    number = 0;
    field = (char *) options + entry->offset;

    switch (entry->kind) {

    case OPTION_TEXT:
        memcpy(field, &value, sizeof(value));
        return 0;

    case OPTION_DURATION:
        if (faas_parse_duration(value, strlen(value), entry->max, &number)
            != 0
            || number < entry->min)
        {
            return faas_err_set(err, 0, "--%s: \"%s\" is no duration from "
                                "%" PRIu64 "ms to %" PRIu64 "ms, as 30, 500ms "
                                "or 1m30s", entry->name, value, entry->min,
                                entry->max);
        }

        break;

    case OPTION_NUMBER:
    case OPTION_BYTES:
        if (faas_parse_uint(value, strlen(value), entry->min, entry->max,
                            &number)
            != 0)
        {
            return faas_err_set(err, 0, "--%s: \"%s\" is no number from "
                                "%" PRIu64 " to %" PRIu64, entry->name, value,
                                entry->min, entry->max);
        }

        break;

    case OPTION_SWITCH:
        number = strcmp(value, "true") == 0;

        if (number == 0 && strcmp(value, "false") != 0) {
            return faas_err_set(err, 0, "--%s: \"%s\" is neither true nor "
                                "false", entry->name, value);
        }

        break;
    }

    memcpy(field, &number, sizeof(number));

    return 0;
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * template: those that are there, others' repositories, and the store.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cmd.h"
#include "file.h"
#include "out.h"
#include "source.h"
#include "stack.h"
#include "template.h"


#define VARIABLE  "OPENFAAS_TEMPLATE_STORE_URL"


static int is_shown(struct cli *cli, const json_t *item);
static void print_store(struct cli *cli, const json_t *list);


int
cmd_template_list(struct cli *cli)
{
    size_t         i;
    json_t        *list;
    struct texts   names = { NULL, 0, 0 };

    template_names(cli, &names);

    if (out_is_json(cli)) {
        list = json_array();

        for (i = 0; i < names.n; i++) {
            (void) json_array_append_new(list, json_string(names.at[i]));
        }

        (void) out_json(cli, list);
        json_decref(list);
        return 0;
    }

    for (i = 0; i < names.n; i++) {
        (void) puts(out_safe(cli, names.at[i]));
    }

    return 0;
}


int
cmd_template_pull(struct cli *cli)
{
    int          rc, is_overwriting;
    size_t       n;
    const char  *url;

    url = args_word(&cli->args, 0);
    url = url != NULL ? url : getenv("OPENFAAS_TEMPLATE_URL");
    is_overwriting = args_bool(&cli->args, "overwrite");

    if (url != NULL && url[0] != '\0') {
        rc = source_pull(cli, url, is_overwriting, &n);

    } else {

        if (template_installed(cli) == NULL) {
            return cli_fail(cli, "no templates are installed: \"faas template "
                            "pull URL\" gets some, FAAS_TEMPLATES names a "
                            "folder");
        }

        rc = template_copy_installed(cli, NULL, is_overwriting, &n);
    }

    if (rc == 0) {
        (void) printf("Fetched %zu template(s) into ./" TEMPLATE_DIR "\n", n);
    }

    return rc;
}


int
cmd_template_pull_stack(struct cli *cli)
{
    size_t         i;
    struct pair   *pair;
    struct stack   stack;

    if (stack_targets(cli, &stack) != 0) {
        return -1;
    }

    if (stack.templates.n == 0) {
        return cli_fail(cli, "%.120s: configuration.templates: it is missing, "
                        "a list of name and source", stack.file);
    }

    for (i = 0; i < stack.templates.n; i++) {
        pair = &stack.templates.at[i];

        if (!args_bool(&cli->args, "overwrite")
            && file_kind(pool_printf(&cli->pool, TEMPLATE_DIR "/%s",
                                     pair->name)) == FILE_DIR)
        {
            continue;
        }

        if (source_pull_named(cli, pair->name, pair->value) != 0) {
            return -1;
        }

        (void) printf("Fetched template %s\n", pair->name);
    }

    return 0;
}


int
cmd_template_store_list(struct cli *cli)
{
    size_t   i;
    json_t  *list, *shown, *item;

    list = source_store(cli, VARIABLE, SOURCE_TEMPLATES);

    if (list == NULL) {
        return -1;
    }

    shown = json_array();

    json_array_foreach(list, i, item) {
        if (is_shown(cli, item)) {
            (void) json_array_append(shown, item);
        }
    }

    if (out_is_json(cli)) {
        (void) out_json(cli, shown);

    } else {
        print_store(cli, shown);
    }

    json_decref(shown);
    json_decref(list);

    return 0;
}


int
cmd_template_store_describe(struct cli *cli)
{
    json_t  *list, *item;

    list = source_store(cli, VARIABLE, SOURCE_TEMPLATES);
    item = list != NULL
           ? source_find_template(cli, list, args_word(&cli->args, 0)) : NULL;

    if (item != NULL && out_is_json(cli)) {
        (void) out_json(cli, item);

    } else if (item != NULL) {
        (void) printf("Name:              %s\nPlatform:          %s\n"
                      "Language:          %s\nSource:            %s\n"
                      "Description:       %s\nRepository:        %s\n"
                      "Official Template: %s\n",
                      out_field(cli, item, "template"),
                      out_field(cli, item, "platform"),
                      out_field(cli, item, "language"),
                      out_field(cli, item, "source"),
                      out_field(cli, item, "description"),
                      out_field(cli, item, "repo"),
                      out_field(cli, item, "official"));
    }

    json_decref(list);

    return item != NULL ? 0 : -1;
}


int
cmd_template_store_pull(struct cli *cli)
{
    const char  *name;

    name = args_word(&cli->args, 0);

    if (source_pull_named(cli, name, "") != 0) {
        return -1;
    }

    (void) printf("Fetched template %s\n", name);

    return 0;
}


static int
is_shown(struct cli *cli, const json_t *item)
{
    const char  *platform;

    platform = args_text(&cli->args, "platform");

    return (!args_bool(&cli->args, "official")
            || strcmp(out_field(cli, item, "official"), "true") == 0)
           && (!args_bool(&cli->args, "recommended")
               || json_is_true(json_object_get(item, "recommended")))
           && (platform == NULL
               || strcasecmp(out_field(cli, item, "platform"), platform) == 0);
}


static void
print_store(struct cli *cli, const json_t *list)
{
    size_t   i;
    json_t  *item;

    (void) printf("%-28s %-12s %s\n", "NAME", "LANGUAGE", "DESCRIPTION");

    json_array_foreach(list, i, item) {
        (void) printf("%-28s %-12s %s\n", out_field(cli, item, "template"),
                      out_field(cli, item, "language"),
                      out_field(cli, item, "description"));

        if (args_bool(&cli->args, "verbose")) {
            (void) printf("%-28s %-12s %s\n", "",
                          out_field(cli, item, "platform"),
                          out_field(cli, item, "repo"));
        }
    }
}

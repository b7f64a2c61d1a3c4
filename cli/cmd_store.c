/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * store: functions that others have made.
 */

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "cmd.h"
#include "deploy.h"
#include "out.h"
#include "similar.h"
#include "source.h"
#include "stack.h"
#include "store.h"


#define SHORT_TEXT  60              /* bytes of a description in a list */


static int set_pairs(struct cli *cli, const json_t *object,
    struct pairs *pairs);


int
cmd_store_list(struct cli *cli)
{
    int          width;
    size_t       i;
    json_t      *store, *list, *item;
    const char  *platform;

    store = source_store(cli, "OPENFAAS_STORE", SOURCE_FUNCTIONS);

    if (store == NULL) {
        return -1;
    }

    platform = store_platform(cli);
    list = json_array();

    json_array_foreach(json_object_get(store, "functions"), i, item) {
        if (json_object_get(json_object_get(item, "images"), platform)
            != NULL)
        {
            (void) json_array_append(list, item);
        }
    }

    width = args_bool(&cli->args, "verbose") ? 1000 : SHORT_TEXT;

    if (out_is_json(cli)) {
        (void) out_json(cli, list);

    } else {
        (void) printf("%-24s %-28s %s\n", "FUNCTION", "AUTHOR",
                      "DESCRIPTION");

        json_array_foreach(list, i, item) {
            (void) printf("%-24s %-28s %.*s\n", out_field(cli, item, "name"),
                          out_field(cli, item, "author"), width,
                          out_field(cli, item, "description"));
        }
    }

    json_decref(list);
    json_decref(store);

    return 0;
}


int
cmd_store_inspect(struct cli *cli)
{
    json_t      *store, *item, *value;
    const char  *name;

    item = store_find(cli, args_word(&cli->args, 0), &store);

    if (item == NULL) {
        json_decref(store);
        return -1;
    }

    if (out_is_json(cli)) {
        (void) out_json(cli, item);

    } else {
        (void) printf("%-18s %s\n%-18s %s\n%-18s %s\n%-18s %s\n", "Title:",
                      out_field(cli, item, "title"), "Author:",
                      out_field(cli, item, "author"), "Description:",
                      out_field(cli, item, "description"), "Repository:",
                      out_field(cli, item, "repo_url"));

        json_object_foreach(json_object_get(item, "images"), name, value) {
            (void) printf("%-18s %s: %s\n", "Image:", out_safe(cli, name),
                          json_is_string(value)
                          ? out_safe(cli, json_string_value(value)) : "");
        }

        (void) printf("%-18s %s\n", "Process:",
                      out_field(cli, item, "fprocess"));
    }

    json_decref(store);

    return 0;
}


int
cmd_store_deploy(struct cli *cli)
{
    struct stack      stack;
    struct function   fn;

    if (store_function(cli, args_word(&cli->args, 0),
                       args_text(&cli->args, "name"),
                       store_platform(cli), &fn) != 0)
    {
        return -1;
    }

    memset(&stack, 0, sizeof(stack));
    stack.functions = &fn;
    stack.n = 1;

    return deploy_all(cli, &stack);
}


json_t *
store_find(struct cli *cli, const char *name, json_t **store)
{
    size_t           i;
    json_t          *item;
    const char      *text;
    struct similar   s;

    *store = source_store(cli, "OPENFAAS_STORE", SOURCE_FUNCTIONS);

    if (*store == NULL) {
        return NULL;
    }

    similar_init(&s, name, strlen(name));

    json_array_foreach(json_object_get(*store, "functions"), i, item) {
        text = json_string_value(json_object_get(item, "name"));

        if (text != NULL && strcmp(text, name) == 0) {
            return item;
        }

        if (text != NULL) {
            similar_try(&s, text);
        }
    }

    (void) cli_fail(cli, "the store has no function \"%.60s\"%s%.60s", name,
                    s.best != NULL ? ", but " : "",
                    s.best != NULL ? s.best : "");

    return NULL;
}


int
store_function(struct cli *cli, const char *name, const char *as,
    const char *platform, struct function *fn)
{
    int          rc;
    json_t      *store, *item;
    const char  *image;

    memset(fn, 0, sizeof(*fn));
    item = store_find(cli, name, &store);

    if (item == NULL) {
        json_decref(store);
        return -1;
    }

    image = json_string_value(json_object_get(json_object_get(item,
                                              "images"), platform));

    if (image == NULL) {
        json_decref(store);
        return cli_fail(cli, "%.60s has no image for %.40s: \"faas store "
                        "inspect %.60s\" lists those that it has", name,
                        platform, name);
    }

    fn->name = as != NULL ? as : name;
    fn->image = pool_text(&cli->pool, image);
    fn->fprocess = pool_text(&cli->pool, out_field(cli, item, "fprocess"));
    fn->is_readonly = json_is_true(json_object_get(item,
                                              "readOnlyRootFilesystem"));
    rc = set_pairs(cli, json_object_get(item, "environment"),
                   &fn->environment)
         | set_pairs(cli, json_object_get(item, "labels"), &fn->labels)
         | set_pairs(cli, json_object_get(item, "annotations"),
                     &fn->annotations);
    json_decref(store);

    return rc;
}


const char *
store_platform(struct cli *cli)
{
    const char      *platform;
    struct utsname   host;

    platform = args_text(&cli->args, "platform");

    if (platform == NULL) {
        platform = args_text(&cli->args, "arch");
    }

    if (platform != NULL) {
        return platform;
    }

    return uname(&host) != 0 || strcmp(host.machine, "x86_64") == 0 ? "x86_64"
           : strcmp(host.machine, "aarch64") == 0 ? "arm64" : "armhf";
}


static int
set_pairs(struct cli *cli, const json_t *object, struct pairs *pairs)
{
    json_t      *value;
    const char  *name;

    json_object_foreach((json_t *) object, name, value) {

        if (!json_is_string(value)) {
            return cli_fail(cli, "the store: %.60s is no text", name);
        }

        pairs_set(&cli->pool, pairs, pool_text(&cli->pool, name),
                  pool_text(&cli->pool, json_string_value(value)));
    }

    return 0;
}

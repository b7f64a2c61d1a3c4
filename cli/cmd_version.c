/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * version, diff.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "cmd.h"
#include "deploy.h"
#include "object.h"
#include "out.h"
#include "stack.h"


static json_t *ask_gateway(struct cli *cli);
static void print_block(struct cli *cli, const char *title,
    const json_t *version);
static int compare(struct cli *cli, const char *name, const json_t *spec,
    const json_t *status);
static int is_same(const json_t *a, const json_t *b);
static int is_empty(const json_t *value);
static void print_value(struct cli *cli, char sign, const char *name,
    const json_t *value);


int
cmd_version(struct cli *cli)
{
    json_t  *info, *all, *provider;

    if (args_bool(&cli->args, "short-version")) {
        (void) puts(FAAS_VERSION);
        return 0;
    }

    info = NULL;

    if (args_bool(&cli->args, "server") || args_has(&cli->args, "gateway")) {
        info = ask_gateway(cli);

        if (info == NULL) {
            return -1;
        }
    }

    if (args_bool(&cli->args, "json")) {
        all = object_of("client",
                        object_of("release", json_string(FAAS_VERSION),
                                  "sha", json_string(FAAS_REVISION),
                                  OBJECT_END),
                        OBJECT_END);

        if (info != NULL) {
            (void) json_object_set(all, "gateway", info);
        }

        (void) out_json(cli, all);
        json_decref(all);
        json_decref(info);
        return 0;
    }

    (void) printf("CLI:\n commit:  %s\n version: %s\n", FAAS_REVISION,
                  FAAS_VERSION);

    if (info != NULL) {
        provider = json_object_get(info, "provider");
        print_block(cli, "Gateway", json_object_get(info, "version"));
        print_block(cli, "Provider", json_object_get(provider, "version"));
        print_value(cli, ' ', "name:         ",
                    json_object_get(provider, "provider"));
        print_value(cli, ' ', "orchestration:",
                    json_object_get(provider, "orchestration"));
    }

    json_decref(info);

    return 0;
}


/*
 * What a deployment would change.
 */
int
cmd_diff(struct cli *cli)
{
    size_t         i;
    int            n_different;
    json_t        *spec, *status;
    const char    *name, *path;
    struct api     api;
    struct stack   stack;

    if (stack_targets(cli, &stack) != 0 || api_init(&api, cli, &stack) != 0) {
        return -1;
    }

    n_different = 0;

    for (i = 0; i < stack.n; i++) {
        name = stack.functions[i].name;
        spec = deploy_spec(cli, &stack, &stack.functions[i], &api);

        if (spec == NULL) {
            return -1;
        }

        path = pool_printf(&cli->pool, "/system/function/%s", name);
        status = api_get_json(&api, api_path(&api, path, api.ns != NULL
                              ? api.ns : stack.functions[i].ns));

        if (status == NULL && cli->err.code != 404) {
            json_decref(spec);
            return -1;
        }

        cli->err.text[0] = '\0';

        if (status == NULL) {
            (void) printf("%s: not deployed\n", name);
            n_different++;

        } else {
            n_different += compare(cli, name, spec, status);
        }

        json_decref(status);
        json_decref(spec);
    }

    return n_different == 0 ? 0 : -1;
}


static json_t *
ask_gateway(struct cli *cli)
{
    struct api  api;

    return api_connect(&api, cli) == 0 ? api_get_json(&api, "/system/info")
           : NULL;
}


static void
print_block(struct cli *cli, const char *title, const json_t *version)
{
    (void) printf("\n%s:\n", title);
    print_value(cli, ' ', "version:      ",
                json_object_get(version, "release"));
    print_value(cli, ' ', "sha:          ", json_object_get(version, "sha"));
}


/*
 * Returns 1 where they differ.
 */
static int
compare(struct cli *cli, const char *name, const json_t *spec,
    const json_t *status)
{
    static const char *const  names[] = {
        "image", "envProcess", "envVars", "labels", "annotations",
        "constraints", "secrets", "limits", "requests",
        "readOnlyRootFilesystem", NULL
    };
    int                       is_different;
    size_t                    i;
    json_t                   *a, *b;

    is_different = 0;

    for (i = 0; names[i] != NULL; i++) {
        a = json_object_get(status, names[i]);
        b = json_object_get(spec, names[i]);

        /* what the platform itself adds is no difference */

        if ((json_is_object(b) || b == NULL || json_is_null(b))
            && json_is_object(a) ? is_same(a, b)
            : (is_empty(a) && is_empty(b)) || json_equal(a, b))
        {
            continue;
        }

        is_different = 1;

        if (!args_bool(&cli->args, "quiet")) {
            (void) printf("%s: %s\n", name, names[i]);
            print_value(cli, '-', "", a);
            print_value(cli, '+', "", b);
        }
    }

    return is_different;
}


/*
 * Each pair of b is in a, and a has no other but those of the platform.
 */
static int
is_same(const json_t *a, const json_t *b)
{
    json_t      *value;
    const char  *name;

    json_object_foreach((json_t *) b, name, value) {
        if (!json_equal(value, json_object_get(a, name))) {
            return 0;
        }
    }

    json_object_foreach((json_t *) a, name, value) {
        if (json_object_get(b, name) == NULL
            && strncmp(name, "com.openfaas.", 13) != 0
            && strncmp(name, "com.ngx-faas.", 13) != 0
            && strcmp(name, "function") != 0
            && strcmp(name, "faas_function") != 0)
        {
            return 0;
        }
    }

    return 1;
}


static int
is_empty(const json_t *value)
{
    return value == NULL || json_is_null(value) || json_is_false(value)
           || (json_is_string(value) && json_string_length(value) == 0)
           || (json_is_array(value) && json_array_size(value) == 0)
           || (json_is_object(value) && json_object_size(value) == 0);
}


static void
print_value(struct cli *cli, char sign, const char *name,
    const json_t *value)
{
    char  *text;

    text = json_is_string(value) ? NULL
           : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

    (void) printf("%c%s%s%s\n", sign, name, name[0] != '\0' ? " " : "",
                  json_is_string(value)
                  ? out_safe(cli, json_string_value(value))
                  : text != NULL ? text : "(nothing)");
    free(text);
}

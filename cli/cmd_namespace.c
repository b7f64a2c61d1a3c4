/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * namespace.
 */

#include <stdio.h>
#include <string.h>

#include "api.h"
#include "cmd.h"
#include "deploy.h"
#include "object.h"
#include "out.h"
#include "pairs.h"


static const char *path_of(struct cli *cli, const char *name);
static int change(struct cli *cli, const char *method);
static void print_pairs(struct cli *cli, const char *label,
    const json_t *object);


int
cmd_namespace_list(struct cli *cli)
{
    size_t       i;
    json_t      *list, *item;
    struct api   api;

    if (api_connect(&api, cli) != 0) {
        return -1;
    }

    list = api_get_list(&api, "/system/namespaces");

    if (list == NULL) {
        return -1;
    }

    if (out_is_json(cli)) {
        (void) out_json(cli, list);

    } else {
        (void) puts("Namespaces:");

        json_array_foreach(list, i, item) {
            (void) printf(" - %s\n", json_is_string(item)
                          ? out_safe(cli, json_string_value(item)) : "");
        }
    }

    json_decref(list);

    return 0;
}


int
cmd_namespace_create(struct cli *cli)
{
    return change(cli, "POST");
}


int
cmd_namespace_update(struct cli *cli)
{
    return change(cli, "PUT");
}


int
cmd_namespace_get(struct cli *cli)
{
    json_t      *ns;
    const char  *name;
    struct api   api;

    name = args_word(&cli->args, 0);

    if (api_connect(&api, cli) != 0) {
        return -1;
    }

    ns = api_get_json(&api, path_of(cli, name));

    if (ns == NULL) {
        return cli->err.code == 404
               ? cli_fail(cli, "no such namespace: %.100s", name) : -1;
    }

    if (out_is_json(cli)) {
        (void) out_json(cli, ns);

    } else {
        (void) printf("Name: %s\n", name);
        print_pairs(cli, "Labels", json_object_get(ns, "labels"));
        print_pairs(cli, "Annotations", json_object_get(ns, "annotations"));
    }

    json_decref(ns);

    return 0;
}


int
cmd_namespace_remove(struct cli *cli)
{
    int          rc;
    json_t      *body;
    const char  *name;
    struct api   api;

    name = args_word(&cli->args, 0);

    if (api_connect(&api, cli) != 0) {
        return -1;
    }

    body = object_of("name", api_json_text(name), OBJECT_END);
    rc = api_call(&api, "DELETE", path_of(cli, name), body, NULL, NULL);
    json_decref(body);

    if (rc != 0) {
        return cli->err.code == 404
               ? cli_fail(cli, "no such namespace: %.100s", name) : -1;
    }

    (void) printf("Namespace %s removed.\n", name);

    return 0;
}


static const char *
path_of(struct cli *cli, const char *name)
{
    return pool_printf(&cli->pool, "/system/namespace/%s",
                       http_escape(&cli->pool, name));
}


/*
 * The label openfaas=1 marks a namespace as one for functions: it goes without
 * saying.
 */
static int
change(struct cli *cli, const char *method)
{
    int            rc;
    json_t        *body;
    const char    *name;
    struct api     api;
    struct pairs   labels = { NULL, 0, 0 }, annotations = { NULL, 0, 0 };

    name = args_word(&cli->args, 0);
    pairs_set(&cli->pool, &labels, "openfaas", "1");

    if (pairs_set_flag(cli, &labels, "label") != 0
        || pairs_set_flag(cli, &annotations, "annotation") != 0
        || api_connect(&api, cli) != 0)
    {
        return -1;
    }

    body = object_of("name", api_json_text(name),
                     "labels", deploy_pairs(&labels),
                     "annotations", deploy_pairs(&annotations), OBJECT_END);
    rc = api_call(&api, method, path_of(cli, name), body, NULL, NULL);
    json_decref(body);

    if (rc != 0) {
        return cli->err.code == 404
               ? cli_fail(cli, "no such namespace: %.100s", name)
               : cli->err.code == 409
               ? cli_fail(cli, "namespace %.100s exists already", name) : -1;
    }

    (void) printf("Namespace %s %s.\n", name,
                  strcmp(method, "POST") == 0 ? "created" : "updated");

    return 0;
}


static void
print_pairs(struct cli *cli, const char *label, const json_t *object)
{
    json_t      *value;
    const char  *name;

    if (json_object_size(object) == 0) {
        return;
    }

    (void) printf("%s:\n", label);

    json_object_foreach((json_t *) object, name, value) {
        (void) printf(" - %s: %s\n", out_safe(cli, name),
                      json_is_string(value)
                      ? out_safe(cli, json_string_value(value)) : "");
    }
}

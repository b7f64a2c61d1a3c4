/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * list, describe, remove, scale, ready.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/faas_num.h"

#include "api.h"
#include "cmd.h"
#include "http.h"
#include "object.h"
#include "out.h"
#include "stack.h"


#define REPLICAS_MAX  100000
#define LABEL_WIDTH   20            /* columns of describe */


static void sort_list(json_t *list, const char *by);
static int by_name(const void *a, const void *b);
static int by_invocations(const void *a, const void *b);
static int by_creation(const void *a, const void *b);
static void print_list(struct cli *cli, const json_t *list);
static size_t widest_image(const json_t *list);
static long long number_of(const json_t *object, const char *name);
static void add_urls(struct api *api, json_t *fn, const char *name);
static void print_function(struct cli *cli, const json_t *fn);
static void print_pairs(struct cli *cli, const char *label,
    const json_t *object);
static void print_items(struct cli *cli, const char *label,
    const json_t *list);
static int remove_function(struct api *api, const char *name,
    const char *ns);
static int is_ready(struct api *api, const char *name, const char **why);


int
cmd_list(struct cli *cli)
{
    size_t       i;
    json_t      *list, *fn;
    struct api   api;

    if (api_connect(&api, cli) != 0) {
        return -1;
    }

    list = api_get_list(&api, api_path(&api, "/system/functions", api.ns));

    if (list == NULL) {
        return -1;
    }

    sort_list(list, args_text(&cli->args, "sort"));

    if (out_is_json(cli)) {
        (void) out_json(cli, list);

    } else if (args_bool(&cli->args, "quiet")) {

        json_array_foreach(list, i, fn) {
            (void) puts(out_field(cli, fn, "name"));
        }

    } else {
        print_list(cli, list);
    }

    json_decref(list);

    return 0;
}


int
cmd_describe(struct cli *cli)
{
    json_t      *fn;
    const char  *name, *path;
    struct api   api;

    if (api_connect(&api, cli) != 0) {
        return -1;
    }

    name = args_word(&cli->args, 0);
    path = pool_printf(&cli->pool, "/system/function/%s?usage=1",
                       http_escape(&cli->pool, name));
    fn = api_get_json(&api, api_path(&api, path, api.ns));

    if (fn == NULL) {
        return cli->err.code == 404
               ? cli_fail(cli, "no such function: %.120s; \"faas list\" lists "
                          "those that there are", name) : -1;
    }

    add_urls(&api, fn, name);

    if (out_is_json(cli)) {
        (void) out_json(cli, fn);

    } else {
        print_function(cli, fn);
    }

    json_decref(fn);

    return 0;
}


int
cmd_remove(struct cli *cli)
{
    size_t         i, failed;
    struct api     api;
    struct stack   stack;

    memset(&stack, 0, sizeof(stack));

    if ((cli->args.words.n == 0 ? stack_targets(cli, &stack)
         : stack_load(cli, &stack)) != 0
        || api_init(&api, cli, &stack) != 0)
    {
        return -1;
    }

    failed = 0;

    if (cli->args.words.n == 0) {

        for (i = 0; i < stack.n; i++) {
            failed += remove_function(&api, stack.functions[i].name,
                                      api.ns != NULL ? api.ns
                                      : stack.functions[i].ns) != 0;
        }

    } else {

        for (i = 0; i < cli->args.words.n; i++) {
            failed += remove_function(&api, cli->args.words.at[i], api.ns)
                      != 0;
        }
    }

    return failed == 0 ? 0 : -1;
}


int
cmd_scale(struct cli *cli)
{
    int          rc;
    json_t      *body;
    uint64_t     replicas;
    const char  *name, *text;
    struct api   api;

    name = args_word(&cli->args, 0);
    text = args_word(&cli->args, 1);

    if (text == NULL) {
        text = args_text(&cli->args, "replicas");
    }

    if (text == NULL || faas_parse_uint(text, strlen(text), 0, REPLICAS_MAX,
                                        &replicas) != 0)
    {
        return cli_fail(cli, "how many replicas? a number from 0 to %d: "
                        "faas scale %.63s 3", REPLICAS_MAX, name);
    }

    if (api_connect(&api, cli) != 0) {
        return -1;
    }

    body = object_of("serviceName", api_json_text(name),
                     "replicas", json_integer((json_int_t) replicas),
                     OBJECT_END);

    if (api.ns != NULL) {
        (void) json_object_set_new(body, "namespace", api_json_text(api.ns));
    }

    rc = api_call(&api, "POST",
                  api_path(&api, pool_printf(&cli->pool,
                                             "/system/scale-function/%s",
                                             http_escape(&cli->pool, name)),
                           api.ns), body, NULL, NULL);
    json_decref(body);

    if (rc != 0) {
        return cli->err.code == 404
               ? cli_fail(cli, "no such function: %.120s", name) : -1;
    }

    (void) printf("Scaled %s to %" PRIu64 ".\n", name, replicas);

    return 0;
}


int
cmd_ready(struct cli *cli)
{
    uint64_t          i, attempts, interval;
    const char       *name, *why;
    struct api        api;
    struct timespec   pause;

    if (api_connect(&api, cli) != 0) {
        return -1;
    }

    name = args_word(&cli->args, 0);
    attempts = args_number(&cli->args, "attempts");
    interval = args_msec(&cli->args, "interval");
    pause.tv_sec = (time_t) (interval / 1000);
    pause.tv_nsec = (long) (interval % 1000) * 1000000;
    why = "";

    for (i = 1; i <= attempts; i++) {

        if (is_ready(&api, name, &why)) {
            (void) printf("%s is ready.\n", name != NULL ? name
                          : api.gateway);
            return 0;
        }

        if (i < attempts) {
            (void) nanosleep(&pause, NULL);
        }
    }

    return cli_fail(cli, "%.100s is not ready after %" PRIu64 " attempts: "
                    "%.100s", name != NULL ? name : api.gateway, attempts,
                    why);
}


static void
sort_list(json_t *list, const char *by)
{
    size_t    i, n;
    json_t  **items;

    n = json_array_size(list);
    items = calloc(n + 1, sizeof(json_t *));

    if (items == NULL) {
        return;                     /* in the order that they came in */
    }

    for (i = 0; i < n; i++) {
        items[i] = json_incref(json_array_get(list, i));
    }

    qsort(items, n, sizeof(json_t *),
          strcmp(by, "invocations") == 0 ? by_invocations
          : strcmp(by, "creation") == 0 ? by_creation : by_name);
    (void) json_array_clear(list);

    for (i = 0; i < n; i++) {
        (void) json_array_append_new(list, items[i]);
    }

    free(items);
}


static int
by_name(const void *a, const void *b)
{
    const char  *x, *y;

    x = json_string_value(json_object_get(*(json_t *const *) a, "name"));
    y = json_string_value(json_object_get(*(json_t *const *) b, "name"));

    return strcmp(x != NULL ? x : "", y != NULL ? y : "");
}


/*
 * The most first.
 */
static int
by_invocations(const void *a, const void *b)
{
    double  x, y;

    x = json_number_value(json_object_get(*(json_t *const *) a,
                                          "invocationCount"));
    y = json_number_value(json_object_get(*(json_t *const *) b,
                                          "invocationCount"));

    return x < y ? 1 : x > y ? -1 : by_name(a, b);
}


static int
by_creation(const void *a, const void *b)
{
    const char  *x, *y;

    x = json_string_value(json_object_get(*(json_t *const *) a, "createdAt"));
    y = json_string_value(json_object_get(*(json_t *const *) b, "createdAt"));

    return strcmp(x != NULL ? x : "", y != NULL ? y : "");
}


static void
print_list(struct cli *cli, const json_t *list)
{
    int      width;
    size_t   i;
    json_t  *fn;

    if (!args_bool(&cli->args, "verbose")) {
        (void) printf("%s%-30s\t%-15s\t%-5s%s\n", out_colour(cli, OUT_BOLD),
                      "Function", "Invocations", "Replicas",
                      out_colour(cli, OUT_PLAIN));

        json_array_foreach(list, i, fn) {
            (void) printf("%-30s\t%-15lld\t%-5lld\n",
                          out_field(cli, fn, "name"),
                          number_of(fn, "invocationCount"),
                          number_of(fn, "replicas"));
        }

        return;
    }

    width = (int) widest_image(list);

    (void) printf("%s%-30s\t%-*s\t%-15s\t%-5s\t%s%s\n",
                  out_colour(cli, OUT_BOLD), "Function", width, "Image",
                  "Invocations", "Replicas", "CreatedAt",
                  out_colour(cli, OUT_PLAIN));

    json_array_foreach(list, i, fn) {
        (void) printf("%-30s\t%-*s\t%-15lld\t%-5lld\t%s\n",
                      out_field(cli, fn, "name"), width,
                      out_field(cli, fn, "image"),
                      number_of(fn, "invocationCount"),
                      number_of(fn, "replicas"),
                      out_field(cli, fn, "createdAt"));
    }
}


static size_t
widest_image(const json_t *list)
{
    size_t       i, width, len;
    json_t      *fn;
    const char  *image;

    width = 40;

    json_array_foreach(list, i, fn) {
        image = json_string_value(json_object_get(fn, "image"));
        len = image != NULL ? strlen(image) : 0;
        width = len > width && len < 200 ? len : width;
    }

    return width;
}


static long long
number_of(const json_t *object, const char *name)
{
    double  value;

    value = json_number_value(json_object_get(object, name));

    return value > 0 && value < 1e15 ? (long long) value : 0;
}


/*
 * What faas-cli adds to the gateway's answer.
 */
static void
add_urls(struct api *api, json_t *fn, const char *name)
{
    const char  *ns;

    ns = api->ns;

    (void) json_object_set_new(fn, "InvocationCount",
                               json_integer(number_of(fn,
                                                      "invocationCount")));
    (void) json_object_set_new(fn, "Status",
                               json_string(number_of(fn, "availableReplicas")
                                           > 0 ? "Ready" : "Not Ready"));
    (void) json_object_set_new(fn, "URL",
        api_json_text(pool_printf(&api->cli->pool, "%s/function/%s%s%s",
                                  api->gateway, name, ns != NULL ? "." : "",
                                  ns != NULL ? ns : "")));
    (void) json_object_set_new(fn, "AsyncURL",
        api_json_text(pool_printf(&api->cli->pool, "%s/async-function/%s%s%s",
                                  api->gateway, name, ns != NULL ? "." : "",
                                  ns != NULL ? ns : "")));
}


static void
print_function(struct cli *cli, const json_t *fn)
{
    const char    *process;
    const json_t  *usage;

    process = out_field(cli, fn, "envProcess");
    usage = json_object_get(fn, "usage");

#define LINE(label, fmt, value)                                              \
    (void) printf("%-*s " fmt "\n", LABEL_WIDTH, label ":", value)

    LINE("Name", "%s", out_field(cli, fn, "name"));
    LINE("Status", "%s", out_field(cli, fn, "Status"));
    LINE("Replicas", "%lld", number_of(fn, "replicas"));
    LINE("Available Replicas", "%lld", number_of(fn, "availableReplicas"));
    LINE("Invocations", "%lld", number_of(fn, "invocationCount"));
    LINE("Image", "%s", out_field(cli, fn, "image"));
    LINE("Function Process", "%s", process[0] != '\0' ? process
         : "<default>");
    LINE("URL", "%s", out_field(cli, fn, "URL"));
    LINE("Async URL", "%s", out_field(cli, fn, "AsyncURL"));

    print_pairs(cli, "Labels", json_object_get(fn, "labels"));
    print_pairs(cli, "Annotations", json_object_get(fn, "annotations"));
    print_items(cli, "Constraints", json_object_get(fn, "constraints"));
    print_pairs(cli, "Environment", json_object_get(fn, "envVars"));
    print_items(cli, "Secrets", json_object_get(fn, "secrets"));
    print_pairs(cli, "Requests", json_object_get(fn, "requests"));
    print_pairs(cli, "Limits", json_object_get(fn, "limits"));

    if (json_is_object(usage)) {
        (void) printf("%-*s RAM: %.2f MB, CPU: %.0f Mi\n", LABEL_WIDTH,
                      "Usage:",
                      json_number_value(json_object_get(usage,
                                        "totalMemoryBytes")) / 1048576,
                      json_number_value(json_object_get(usage, "cpu")));
    }
}


static void
print_pairs(struct cli *cli, const char *label, const json_t *object)
{
    size_t        n;
    json_t       *value;
    const char   *name;
    char          title[32];

    n = 0;
    (void) snprintf(title, sizeof(title), "%s:", label);

    json_object_foreach((json_t *) object, name, value) {
        (void) printf("%-*s %s: %s\n", LABEL_WIDTH, n++ == 0 ? title : "",
                      out_safe(cli, name), json_is_string(value)
                      ? out_safe(cli, json_string_value(value)) : "");
    }

    if (n == 0 && args_bool(&cli->args, "verbose")) {
        (void) printf("%-*s <none>\n", LABEL_WIDTH, title);
    }
}


static void
print_items(struct cli *cli, const char *label, const json_t *list)
{
    size_t   i;
    json_t  *item;
    char     title[32];

    (void) snprintf(title, sizeof(title), "%s:", label);

    json_array_foreach(list, i, item) {
        (void) printf("%-*s %s\n", LABEL_WIDTH, i == 0 ? title : "",
                      json_is_string(item)
                      ? out_safe(cli, json_string_value(item)) : "");
    }

    if (json_array_size(list) == 0 && args_bool(&cli->args, "verbose")) {
        (void) printf("%-*s <none>\n", LABEL_WIDTH, title);
    }
}


static int
remove_function(struct api *api, const char *name, const char *ns)
{
    int          rc;
    json_t      *body;
    struct cli  *cli;

    cli = api->cli;
    (void) printf("Deleting: %s%s%s\n", name, ns != NULL ? "." : "",
                  ns != NULL ? ns : "");
    body = object_of("functionName", api_json_text(name), OBJECT_END);

    if (ns != NULL) {
        (void) json_object_set_new(body, "namespace", api_json_text(ns));
    }

    rc = api_call(api, "DELETE", api_path(api, "/system/functions", ns),
                  body, NULL, NULL);
    json_decref(body);

    if (rc != 0) {

        if (cli->err.code == 404) {
            (void) cli_fail(cli, "No existing function to remove: %.120s",
                            name);
        }

        out_error(cli, cli->err.text);
        cli->err.text[0] = '\0';
        return -1;
    }

    (void) puts("Removing old function.");

    return 0;
}


static int
is_ready(struct api *api, const char *name, const char **why)
{
    int          rc;
    json_t      *fn;
    const char  *path;
    struct cli  *cli;

    cli = api->cli;

    if (name == NULL) {
        rc = api_call(api, "GET", "/healthz", NULL, NULL, NULL) == 0;

    } else {
        path = pool_printf(&cli->pool, "/system/function/%s",
                           http_escape(&cli->pool, name));
        fn = api_get_json(api, api_path(api, path, api->ns));
        rc = fn != NULL && number_of(fn, "availableReplicas") > 0;

        if (fn != NULL && !rc) {
            (void) cli_fail(cli, "it has no replica that is up");
        }

        json_decref(fn);
    }

    *why = pool_text(&cli->pool, cli->err.text);
    cli->err.text[0] = '\0';

    return rc;
}

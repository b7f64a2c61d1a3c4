/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Deploying a function.
 */

#include "deploy.h"

#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "http.h"
#include "image.h"
#include "object.h"
#include "out.h"
#include "template.h"


#define FUNCTIONS  "/system/functions"


static int find_process(struct cli *cli, struct function *fn,
    const char **process);
static struct texts merge_texts(struct cli *cli, const struct texts *texts,
    const char *flag);
static json_t *texts_json(const struct texts *texts);
static json_t *resources(struct cli *cli, struct pairs *pairs,
    const char *kind);
static int check_flags(struct cli *cli);
static int remove_first(struct api *api, const char *name, const char *ns);
static const char *status_text(long status);


int
cmd_deploy(struct cli *cli)
{
    struct stack  stack;

    return stack_targets(cli, &stack) == 0 ? deploy_all(cli, &stack) : -1;
}


int
deploy_all(struct cli *cli, struct stack *stack)
{
    size_t       i, failed;
    json_t      *spec;
    struct api   api;

    if (check_flags(cli) != 0 || api_init(&api, cli, stack) != 0) {
        return -1;
    }

    failed = 0;

    for (i = 0; i < stack->n; i++) {

        if (stack->file != NULL) {
            (void) printf("Deploying: %s.\n", stack->functions[i].name);
        }

        spec = deploy_spec(cli, stack, &stack->functions[i], &api);

        if (spec == NULL || deploy_send(&api, spec) != 0) {
            failed++;

            if (stack->n > 1) {
                (void) faas_err_prefix(&cli->err, "%.63s",
                                       stack->functions[i].name);
                out_error(cli, cli->err.text);
                cli->err.text[0] = '\0';
            }
        }

        json_decref(spec);
    }

    return failed == 0 ? 0
           : stack->n == 1 ? -1
           : cli_fail(cli, "%zu of %zu functions were not deployed, see above",
                      failed, stack->n);
}


json_t *
deploy_spec(struct cli *cli, const struct stack *stack, struct function *fn,
    const struct api *api)
{
    json_t        *spec;
    const char    *image, *process, *ns;
    struct pairs   env, labels, annotations;
    struct texts   secrets, constraints;

    image = image_name(cli, stack, fn);
    env = fn->environment;
    labels = fn->labels;
    annotations = fn->annotations;

    if (image == NULL || find_process(cli, fn, &process) != 0
        || pairs_set_flag(cli, &env, "env") != 0
        || pairs_set_flag(cli, &labels, "label") != 0
        || pairs_set_flag(cli, &annotations, "annotation") != 0)
    {
        return NULL;
    }

    secrets = merge_texts(cli, &fn->secrets, "secret");
    constraints = fn->constraints.n != 0
                  ? fn->constraints
                  : args_list(&cli->args, &cli->pool, "constraint");
    ns = api->ns != NULL ? api->ns : fn->ns;

    spec = object_of("service", api_json_text(fn->name),
                     "image", api_json_text(image),
                     "envVars", deploy_pairs(&env),
                     "labels", deploy_pairs(&labels),
                     "annotations", deploy_pairs(&annotations),
                     "secrets", texts_json(&secrets),
                     "constraints", texts_json(&constraints),
                     "readOnlyRootFilesystem",
                     json_boolean(fn->is_readonly
                                  || args_bool(&cli->args, "readonly")),
                     OBJECT_END);

    if (spec == NULL) {
        (void) cli_fail(cli, "no memory for the deployment");
        return NULL;
    }

    if (ns != NULL && ns[0] != '\0') {
        (void) json_object_set_new(spec, "namespace", api_json_text(ns));
    }

    if (process != NULL && process[0] != '\0') {
        (void) json_object_set_new(spec, "envProcess",
                                   api_json_text(process));
    }

    (void) json_object_set_new(spec, "limits",
                               resources(cli, &fn->limits, "limit"));
    (void) json_object_set_new(spec, "requests",
                               resources(cli, &fn->requests, "request"));

    return spec;
}


int
deploy_send(struct api *api, const json_t *spec)
{
    int           rc;
    long          status;
    struct cli   *cli;
    const char   *name, *ns;

    cli = api->cli;
    name = json_string_value(json_object_get(spec, "service"));
    ns = json_string_value(json_object_get(spec, "namespace"));
    status = 404;
    rc = -1;

    if (args_bool(&cli->args, "replace")) {

        if (remove_first(api, name, ns) != 0) {
            return -1;
        }

    } else if (args_bool(&cli->args, "update")) {
        rc = api_call(api, "PUT", FUNCTIONS, spec, &status, NULL);

        if (rc == 0 && status == 200) {
            (void) printf("Function %s already exists, attempting "
                          "rolling-update.\n", name);
        }
    }

    if (status == 404) {
        cli->err.text[0] = '\0';
        rc = api_call(api, "POST", FUNCTIONS, spec, &status, NULL);
    }

    if (rc != 0) {
        return -1;
    }

    (void) printf("\nDeployed. %ld%s.\nURL: %s/function/%s%s%s\n\n", status,
                  status_text(status), api->gateway, name,
                  ns != NULL ? "." : "", ns != NULL ? ns : "");

    return 0;
}


json_t *
deploy_pairs(const struct pairs *pairs)
{
    size_t   i;
    json_t  *object;

    object = json_object();

    for (i = 0; i < pairs->n; i++) {
        (void) json_object_set_new(object, pairs->at[i].name,
                                   api_json_text(pairs->at[i].value));
    }

    return object;
}


/*
 * A template that says what a process runs has it in the image, and so has its
 * Dockerfile; what is sent would go over both.
 */
static int
find_process(struct cli *cli, struct function *fn, const char **process)
{
    struct template  t;

    *process = args_text(&cli->args, "fprocess");

    if (*process != NULL) {
        return 0;
    }

    *process = fn->fprocess;

    if ((fn->fprocess != NULL && fn->fprocess[0] != '\0')
        || template_is_dockerfile(fn->lang)
        || !args_bool(&cli->args, "read-template"))
    {
        return 0;
    }

    if (template_load(cli, fn->lang, &t) != 0) {
        return -1;
    }

    *process = t.has_process ? NULL : t.fprocess;

    return 0;
}


static struct texts
merge_texts(struct cli *cli, const struct texts *texts, const char *flag)
{
    size_t         i;
    struct texts   all;

    all = args_list(&cli->args, &cli->pool, flag);

    for (i = 0; i < texts->n; i++) {
        if (!texts_have(&all, texts->at[i])) {
            texts_add(&cli->pool, &all, texts->at[i]);
        }
    }

    return all;
}


static json_t *
texts_json(const struct texts *texts)
{
    size_t   i;
    json_t  *list;

    list = json_array();

    for (i = 0; i < texts->n; i++) {
        (void) json_array_append_new(list, api_json_text(texts->at[i]));
    }

    return list;
}


/*
 * Null where nothing is asked for.
 */
static json_t *
resources(struct cli *cli, struct pairs *pairs, const char *kind)
{
    static const char *const  names[] = { "cpu", "memory", NULL };
    size_t                    i;
    const char               *value;

    for (i = 0; names[i] != NULL; i++) {
        value = args_text(&cli->args, pool_printf(&cli->pool, "%s-%s",
                                                  names[i], kind));

        if (value != NULL) {
            pairs_set(&cli->pool, pairs, names[i], value);
        }
    }

    return pairs->n != 0 ? deploy_pairs(pairs) : json_null();
}


static int
check_flags(struct cli *cli)
{
    return args_bool(&cli->args, "replace") && args_has(&cli->args, "update")
           && args_bool(&cli->args, "update")
           ? cli_fail(cli, "--update and --replace exclude one another") : 0;
}


static int
remove_first(struct api *api, const char *name, const char *ns)
{
    int      rc;
    long     status;
    json_t  *body;

    body = object_of("functionName", json_string(name), OBJECT_END);

    if (ns != NULL) {
        (void) json_object_set_new(body, "namespace", json_string(ns));
    }

    rc = api_call(api, "DELETE", api_path(api, FUNCTIONS, ns), body, &status,
                  NULL);
    json_decref(body);

    return rc == 0 || status == 404 ? 0 : -1;
}


static const char *
status_text(long status)
{
    return status == 202 ? " Accepted" : status == 200 ? " OK"
           : status == 201 ? " Created" : "";
}

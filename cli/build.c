/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Building a function.
 */

#include "build.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "dockerfile.h"
#include "file.h"
#include "image.h"
#include "out.h"
#include "run.h"
#include "tree.h"


#define IMAGE_JSON_MAX  65536       /* bytes */


static int copy_handler(struct build *b);
static int copy_extra(struct build *b, const char *path);
static int read_arguments(struct build *b);
static int add_packages(struct build *b);
static int from_dockerfile(struct build *b);
static int check_needs(struct build *b);
static int run_build(struct build *b);
static int write_image_json(struct build *b);


int
build_function(struct cli *cli, const struct stack *stack,
    struct function *fn, const struct provider *provider)
{
    struct build  b;

    if (build_assemble(&b, cli, stack, fn) != 0) {
        return -1;
    }

    b.provider = provider;

    if (args_bool(&cli->args, "shrinkwrap")) {
        out_note(cli, "%s is assembled in %s", fn->name, b.dir);
        return 0;
    }

    if (!provider->is_process) {
        return build_docker(&b);
    }

    if (build_process(&b) != 0) {
        return -1;
    }

    if (provider->functions_dir == NULL) {
        out_warn(cli, "%s is built in %s, and not installed: %s", fn->name,
                 b.dir, provider->unknown);
        return 0;
    }

    return build_install(&b);
}


int
build_assemble(struct build *b, struct cli *cli, const struct stack *stack,
    struct function *fn)
{
    memset(b, 0, sizeof(*b));
    b->cli = cli;
    b->stack = stack;
    b->fn = fn;
    b->dir = pool_printf(&cli->pool, BUILD_DIR "/%s", fn->name);
    b->image = image_name(cli, stack, fn);
    b->packages = "";

    if (b->image == NULL) {
        return -1;
    }

    if (fn->handler == NULL || fn->handler[0] == '\0') {
        return cli_fail(cli, "functions.%.63s.handler: it is missing, the "
                        "folder with the function's files", fn->name);
    }

    if (file_kind(fn->handler) != FILE_DIR) {
        return cli_fail(cli, "functions.%.63s.handler: there is no folder "
                        "%.120s", fn->name, fn->handler);
    }

    if (!template_is_dockerfile(fn->lang)) {

        if (template_load(cli, fn->lang, &b->t) != 0) {
            return faas_err_prefix(&cli->err, "functions.%.63s.lang",
                                   fn->name);
        }

        /* "lang: a/../b" was no name; the name of a function is checked too */
    }

    if (tree_remove(&cli->pool, b->dir, &cli->err) != 0
        || (b->t.name != NULL
            && tree_copy(&cli->pool, b->t.dir, b->dir, NULL, 0, &cli->err)
               != 0))
    {
        return -1;
    }

    return copy_handler(b) == 0 ? read_arguments(b) : -1;
}


int
build_process(struct build *b)
{
    if (b->t.name == NULL && from_dockerfile(b) != 0) {
        return -1;
    }

    if (b->t.name != NULL && !b->t.has_process) {
        out_note(b->cli, "template %s says nothing of processes: what its "
                 "Dockerfile has as ENV holds, what it runs is not done",
                 b->t.name);
    }

    if (check_needs(b) != 0) {
        return -1;
    }

    if (b->t.build != NULL && b->t.build[0] != '\0' && run_build(b) != 0) {
        return faas_err_prefix(&b->cli->err, "build of %.63s", b->fn->name);
    }

    return write_image_json(b);
}


/*
 * One that the build command has made, or that came with the handler.
 */
json_t *
build_image_json(struct build *b)
{
    char          *text;
    size_t         len;
    json_t        *root;
    struct cli    *cli;
    const char    *path;
    json_error_t   json_err;

    cli = b->cli;
    path = pool_printf(&cli->pool, "%s/image.json", b->dir);

    if (file_kind(path) != FILE_OTHER) {
        return json_object();
    }

    text = file_read(&cli->pool, path, IMAGE_JSON_MAX, &len, &cli->err);

    if (text == NULL) {
        return NULL;
    }

    root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &json_err);

    if (!json_is_object(root)
        || (json_object_get(root, "env") != NULL
            && !json_is_object(json_object_get(root, "env"))))
    {
        (void) cli_fail(cli, "%.160s:%d: expected {\"env\": {...}}", path,
                        root == NULL ? json_err.line : 1);
        json_decref(root);
        return NULL;
    }

    return root;
}


int
build_install(struct build *b)
{
    if (image_install(b->cli, b->provider->functions_dir, b->image, b->dir)
        != 0)
    {
        return faas_err_prefix(&b->cli->err, "installing %.63s",
                               b->fn->name);
    }

    return 0;
}


int
build_is_quiet(const struct cli *cli)
{
    return args_bool(&cli->args, "quiet")
           || args_number(&cli->args, "parallel") > 1;
}


static int
copy_handler(struct build *b)
{
    size_t         i;
    const char    *to;
    struct texts   extra, skip = { NULL, 0, 0 };

    texts_add(&b->cli->pool, &skip, BUILD_DIR);
    texts_add(&b->cli->pool, &skip, TEMPLATE_DIR);
    texts_add(&b->cli->pool, &skip, ".secrets");

    to = b->t.name != NULL
         ? pool_printf(&b->cli->pool, "%s/%s", b->dir, b->t.handler_folder)
         : b->dir;

    if (tree_copy(&b->cli->pool, b->fn->handler, to, &skip, 0, &b->cli->err)
        != 0)
    {
        return faas_err_prefix(&b->cli->err, "functions.%.63s.handler",
                               b->fn->name);
    }

    for (i = 0; i < b->stack->copy.n; i++) {
        if (copy_extra(b, b->stack->copy.at[i]) != 0) {
            return -1;
        }
    }

    extra = args_list(&b->cli->args, &b->cli->pool, "copy-extra");

    for (i = 0; i < extra.n; i++) {
        if (copy_extra(b, extra.at[i]) != 0) {
            return -1;
        }
    }

    return 0;
}


/*
 * It has to be in the project's folder, and is not all of it.
 */
static int
copy_extra(struct build *b, const char *path)
{
    char        *real, *top, *to;
    size_t       len;
    struct cli  *cli;

    cli = b->cli;
    real = realpath(path, NULL);
    top = realpath(".", NULL);
    len = top != NULL ? strlen(top) : 0;

    if (real == NULL || top == NULL || strncmp(real, top, len) != 0
        || real[len] != '/')
    {
        free(real);
        free(top);
        return cli_fail(cli, "configuration.copy: %.120s is no folder below "
                        "this one", path);
    }

    to = pool_printf(&cli->pool, "%s/%s/%s", b->dir,
                     b->t.name != NULL ? b->t.handler_folder : ".",
                     real + len + 1);
    free(real);
    free(top);

    return tree_copy(&cli->pool, path, to, NULL, 0, &cli->err);
}


static int
read_arguments(struct build *b)
{
    size_t  i;

    for (i = 0; i < b->fn->build_args.n; i++) {
        pairs_set(&b->cli->pool, &b->args, b->fn->build_args.at[i].name,
                  b->fn->build_args.at[i].value);
    }

    return pairs_set_flag(b->cli, &b->args, "build-arg") == 0
           ? add_packages(b) : -1;
}


/*
 * Those of the build options, and of the argument that has the same name.
 */
static int
add_packages(struct build *b)
{
    size_t         i, len;
    const char    *packages, *p, *package;
    struct cli    *cli;
    struct texts   options, all = { NULL, 0, 0 };

    cli = b->cli;
    options = args_list(&cli->args, &cli->pool, "build-option");

    for (i = 0; i < b->fn->build_options.n; i++) {
        texts_add(&cli->pool, &options, b->fn->build_options.at[i]);
    }

    for (i = 0; i <= options.n; i++) {

        if (i < options.n) {
            packages = pairs_get(&b->t.options, options.at[i]);

            if (packages == NULL) {
                return cli_fail(cli, "functions.%.63s: template %.60s has no "
                                "build option \"%.60s\"", b->fn->name,
                                b->t.name != NULL ? b->t.name : "dockerfile",
                                options.at[i]);
            }

        } else {
            packages = pairs_get(&b->args, "ADDITIONAL_PACKAGE");
        }

        for (p = packages; p != NULL && *p != '\0'; p += len) {
            p += strspn(p, " ");
            len = strcspn(p, " ");
            package = pool_copy(&cli->pool, p, len);

            if (len != 0 && !texts_have(&all, package)) {
                texts_add(&cli->pool, &all, package);
            }
        }
    }

    texts_sort(&all);
    b->packages = texts_join(&cli->pool, &all, " ");
    pairs_set(&cli->pool, &b->args, "ADDITIONAL_PACKAGE", b->packages);

    return 0;
}


/*
 * A function of its own Dockerfile may do without, if that says what runs.
 */
static int
from_dockerfile(struct build *b)
{
    char        *text;
    size_t       len;
    const char  *file;
    struct cli  *cli;

    cli = b->cli;
    file = pool_printf(&cli->pool, "%s/Dockerfile", b->dir);

    if (file_kind(file) == FILE_OTHER) {
        text = file_read(&cli->pool, file, CLI_TEMPLATE_MAX, &len,
                         &cli->err);

        if (text == NULL) {
            return -1;
        }

        dockerfile_env(&cli->pool, text, len, &b->t.environment);
    }

    if (b->fn->fprocess != NULL) {
        pairs_set(&cli->pool, &b->t.environment, "fprocess",
                  b->fn->fprocess);
    }

    return pairs_get(&b->t.environment, "fprocess") != NULL
           ? 0 : cli_fail(cli, "functions.%.63s: lang dockerfile without an "
                          "fprocess is for Docker: build with --provider "
                          "swarm, or set fprocess", b->fn->name);
}


static int
check_needs(struct build *b)
{
    size_t  i;

    for (i = 0; i < b->t.needs.n; i++) {
        if (!run_find(b->cli, b->t.needs.at[i])) {
            return cli_fail(b->cli, "functions.%.63s: template %.60s needs "
                            "the program %.60s, which is not in PATH: install "
                            "it, or build with --provider swarm",
                            b->fn->name, b->t.name, b->t.needs.at[i]);
        }
    }

    return 0;
}


static int
run_build(struct build *b)
{
    struct cli  *cli;
    struct run   run = { .dir = b->dir };

    cli = b->cli;
    run.env = b->args;
    run.output = build_is_quiet(cli) ? RUN_QUIET : RUN_SHOW;
    pairs_set(&cli->pool, &run.env, "FAAS_FUNCTION", b->fn->name);
    pairs_set(&cli->pool, &run.env, "FAAS_HANDLER", b->t.handler_folder);
    run_add(cli, &run, "/bin/sh", "-e", "-c", b->t.build);

    if (args_bool(&cli->args, "debug")) {
        out_note(cli, "%s", run_text(cli, &run));
    }

    return run_program(cli, &run);
}


static int
write_image_json(struct build *b)
{
    int          rc;
    char        *text;
    size_t       i;
    json_t      *root, *env;
    const char  *path;
    struct cli  *cli;

    cli = b->cli;
    path = pool_printf(&cli->pool, "%s/image.json", b->dir);
    root = build_image_json(b);

    if (root == NULL) {
        return -1;
    }

    env = json_object_get(root, "env");

    if (env == NULL) {
        env = json_object();
        (void) json_object_set_new(root, "env", env);
    }

    for (i = 0; i < b->t.environment.n; i++) {
        const struct pair  *pair = &b->t.environment.at[i];

        if (json_object_get(env, pair->name) == NULL) {
            (void) json_object_set_new(env, pair->name,
                                       json_string(pair->value));
        }
    }

    text = json_dumps(root, JSON_INDENT(2));
    json_decref(root);

    if (text == NULL) {
        return cli_fail(cli, "no memory for %.160s", path);
    }

    rc = file_write(&cli->pool, path, text, strlen(text), 0644, &cli->err);
    free(text);

    return rc;
}

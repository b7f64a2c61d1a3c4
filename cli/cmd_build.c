/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * build, push, publish, up.
 */

#include <string.h>

#include "build.h"
#include "cmd.h"
#include "deploy.h"
#include "file.h"
#include "image.h"
#include "jobs.h"
#include "out.h"
#include "run.h"
#include "source.h"


static int publish_function(struct cli *cli, const struct stack *stack,
    struct function *fn, const struct provider *provider);
static int push_function(struct cli *cli, const struct stack *stack,
    struct function *fn, const struct provider *provider);
static int build_all(struct cli *cli, struct stack *stack,
    const struct provider *provider);
static int push_all(struct cli *cli, struct stack *stack,
    const struct provider *provider);
static int publish_all(struct cli *cli, struct stack *stack,
    const struct provider *provider);
static int pull_named(struct cli *cli, const struct stack *stack);
static int have_registries(struct cli *cli, const struct stack *stack);


int
cmd_build(struct cli *cli)
{
    struct stack      stack;
    struct provider   provider;

    return stack_targets(cli, &stack) == 0
           && provider_find(cli, &stack, &provider) == 0
           ? build_all(cli, &stack, &provider) : -1;
}


int
cmd_push(struct cli *cli)
{
    struct stack      stack;
    struct provider   provider;

    return stack_targets(cli, &stack) == 0
           && provider_find(cli, &stack, &provider) == 0
           ? push_all(cli, &stack, &provider) : -1;
}


int
cmd_publish(struct cli *cli)
{
    struct stack      stack;
    struct provider   provider;

    return stack_targets(cli, &stack) == 0
           && provider_find(cli, &stack, &provider) == 0
           ? publish_all(cli, &stack, &provider) : -1;
}


int
cmd_up(struct cli *cli)
{
    int               has_pushed;
    struct stack      stack;
    struct provider   provider;

    if (stack_targets(cli, &stack) != 0
        || provider_find(cli, &stack, &provider) != 0)
    {
        return -1;
    }

    if (args_bool(&cli->args, "publish")) {
        if (publish_all(cli, &stack, &provider) != 0) {
            return -1;
        }

    } else {
        has_pushed = provider.is_process || args_bool(&cli->args, "skip-push")
                     || !have_registries(cli, &stack);

        if (build_all(cli, &stack, &provider) != 0
            || (!has_pushed && push_all(cli, &stack, &provider) != 0))
        {
            return -1;
        }
    }

    return args_bool(&cli->args, "skip-deploy")
           ? 0 : deploy_all(cli, &stack);
}


static int
build_all(struct cli *cli, struct stack *stack,
    const struct provider *provider)
{
    struct jobs  jobs = { "building", "built", build_function, stack,
                          provider, 1 };

    return pull_named(cli, stack) == 0 ? jobs_run(cli, &jobs) : -1;
}


static int
push_all(struct cli *cli, struct stack *stack,
    const struct provider *provider)
{
    struct jobs  jobs = { "pushing", "pushed", push_function, stack,
                          provider, 1 };

    if (provider->is_process && provider->functions_dir == NULL) {
        return cli_fail(cli, "it is not known where functions go, name it "
                        "with --functions-dir: %.160s", provider->unknown);
    }

    return jobs_run(cli, &jobs);
}


static int
publish_all(struct cli *cli, struct stack *stack,
    const struct provider *provider)
{
    struct jobs  jobs = { "publishing", "published", publish_function, stack,
                          provider, 1 };
    struct run   run = { .output = RUN_QUIET };

    if (!provider->is_process && args_bool(&cli->args, "reset-qemu")) {
        run_add(cli, &run, "docker", "run", "--rm", "--privileged",
                "multiarch/qemu-user-static", "--reset", "-p", "yes");

        if (run_program(cli, &run) != 0) {
            return faas_err_prefix(&cli->err, "--reset-qemu");
        }
    }

    return pull_named(cli, stack) == 0 ? jobs_run(cli, &jobs) : -1;
}


static int
publish_function(struct cli *cli, const struct stack *stack,
    struct function *fn, const struct provider *provider)
{
    struct build  b;

    if (provider->is_process) {
        return build_function(cli, stack, fn, provider);
    }

    if (build_assemble(&b, cli, stack, fn) != 0) {
        return -1;
    }

    b.provider = provider;

    return build_publish(&b);
}


static int
push_function(struct cli *cli, const struct stack *stack,
    struct function *fn, const struct provider *provider)
{
    struct build  b = { .cli = cli, .stack = stack, .fn = fn,
                        .provider = provider };

    b.image = image_name(cli, stack, fn);

    if (b.image == NULL) {
        return -1;
    }

    if (!provider->is_process) {
        return build_push(&b);
    }

    b.dir = pool_printf(&cli->pool, BUILD_DIR "/%s", fn->name);

    if (file_kind(b.dir) != FILE_DIR) {
        return cli_fail(cli, "there is no %.120s: run \"faas build\" first",
                        b.dir);
    }

    return build_install(&b);
}


/*
 * Templates that the stack file names, those that functions need.
 */
static int
pull_named(struct cli *cli, const struct stack *stack)
{
    size_t       i, j;
    const char  *name;

    if (args_bool(&cli->args, "disable-stack-pull")) {
        return 0;
    }

    for (i = 0; i < stack->templates.n; i++) {
        name = stack->templates.at[i].name;

        for (j = 0; j < stack->n && (stack->functions[j].lang == NULL
                    || strcmp(stack->functions[j].lang, name) != 0); j++)
        {
            /* void */
        }

        if (j == stack->n
            || file_kind(pool_printf(&cli->pool, TEMPLATE_DIR "/%s", name))
               == FILE_DIR)
        {
            continue;
        }

        if (source_pull_named(cli, name, stack->templates.at[i].value) != 0) {
            return -1;
        }
    }

    return 0;
}


/*
 * Names without a registry are of this machine's Docker only.
 */
static int
have_registries(struct cli *cli, const struct stack *stack)
{
    size_t       i;
    const char  *image;

    for (i = 0; i < stack->n; i++) {
        image = image_name(cli, stack, &stack->functions[i]);

        if (image == NULL) {
            cli->err.text[0] = '\0';
            continue;               /* the build says so */
        }

        if (image_has_registry(image)) {
            return 1;
        }
    }

    out_note(cli, "images have no registry in their names: nothing to push");

    return 0;
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Building and pushing by the docker command.
 */

#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "image.h"
#include "out.h"
#include "run.h"


static void add_arguments(struct build *b, struct run *run);
static int add_secrets(struct build *b, struct run *run);
static int run_docker(struct build *b, struct run *run);


int
build_docker(struct build *b)
{
    struct cli  *cli;
    struct run   run = { .dir = b->dir };

    cli = b->cli;
    run_add(cli, &run, "docker", "build");

    if (args_bool(&cli->args, "no-cache")) {
        run_add(cli, &run, "--no-cache");
    }

    if (args_bool(&cli->args, "squash")) {
        run_add(cli, &run, "--squash");
    }

    if (args_bool(&cli->args, "pull")) {
        run_add(cli, &run, "--pull");
    }

    add_arguments(b, &run);

    if (add_secrets(b, &run) != 0) {
        return -1;
    }

    run_add(cli, &run, "--tag", b->image, ".");

    return run_docker(b, &run);
}


int
build_publish(struct build *b)
{
    size_t         i;
    struct cli    *cli;
    const char    *platforms;
    struct run     run = { .dir = b->dir };
    struct texts   tags;

    cli = b->cli;
    platforms = b->fn->platforms != NULL && !args_has(&cli->args, "platforms")
                ? b->fn->platforms : args_text(&cli->args, "platforms");

    run_add(cli, &run, "docker", "buildx", "build", "--push",
            "--progress=plain", "--platform", platforms);

    if (args_bool(&cli->args, "no-cache")) {
        run_add(cli, &run, "--no-cache");
    }

    add_arguments(b, &run);

    if (add_secrets(b, &run) != 0) {
        return -1;
    }

    tags = args_list(&cli->args, &cli->pool, "extra-tag");

    for (i = 0; i < tags.n; i++) {
        run_add(cli, &run, "--tag",
                pool_printf(&cli->pool, "%.*s:%s",
                            (int) (strrchr(b->image, ':') - b->image),
                            b->image, tags.at[i]));
    }

    run_add(cli, &run, "--tag", b->image, ".");

    return run_docker(b, &run);
}


int
build_push(struct build *b)
{
    struct run  run = { .dir = NULL };

    run_add(b->cli, &run, "docker", "push", b->image);

    return run_docker(b, &run);
}


static void
add_arguments(struct build *b, struct run *run)
{
    static const char *const  proxies[] = { "http_proxy", "https_proxy",
                                            NULL };
    size_t                    i;
    struct cli               *cli;
    const char               *value;
    struct texts              labels;

    cli = b->cli;

    for (i = 0; proxies[i] != NULL; i++) {
        value = getenv(proxies[i]);

        if (value != NULL && pairs_get(&b->args, proxies[i]) == NULL) {
            run_add(cli, run, "--build-arg",
                    pool_printf(&cli->pool, "%s=%s", proxies[i], value));
        }
    }

    for (i = 0; i < b->args.n; i++) {
        run_add(cli, run, "--build-arg",
                pool_printf(&cli->pool, "%s=%s", b->args.at[i].name,
                            b->args.at[i].value));
    }

    labels = args_list(&cli->args, &cli->pool, "build-label");

    for (i = 0; i < labels.n; i++) {
        run_add(cli, run, "--label", labels.at[i]);
    }
}


/*
 * What only BuildKit knows.  Files are named from here, Docker runs elsewhere.
 */
static int
add_secrets(struct build *b, struct run *run)
{
    char         *real;
    size_t        i;
    struct cli   *cli;
    struct pair  *pair;

    cli = b->cli;

    if (b->t.has_ssh) {
        run_add(cli, run, "--ssh", "default");
    }

    for (i = 0; i < b->fn->build_secrets.n; i++) {
        pair = &b->fn->build_secrets.at[i];
        real = realpath(pair->value, NULL);

        if (real == NULL) {
            return cli_fail(cli, "functions.%.63s.build_secrets.%.40s: there "
                            "is no file %.100s", b->fn->name, pair->name,
                            pair->value);
        }

        run_add(cli, run, "--secret",
                pool_printf(&cli->pool, "id=%s,src=%s", pair->name, real));
        free(real);
    }

    if (b->t.has_ssh || b->fn->build_secrets.n != 0) {
        pairs_set(&cli->pool, &run->env, "DOCKER_BUILDKIT", "1");
    }

    return 0;
}


static int
run_docker(struct build *b, struct run *run)
{
    struct cli  *cli;

    cli = b->cli;
    run->output = build_is_quiet(cli) ? RUN_QUIET : RUN_SHOW;

    if (args_bool(&cli->args, "debug")) {
        out_note(cli, "%s", run_text(cli, run));
    }

    if (run_program(cli, run) != 0) {
        return faas_err_prefix(&cli->err, "function %.63s", b->fn->name);
    }

    return 0;
}

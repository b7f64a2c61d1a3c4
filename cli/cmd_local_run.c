/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * local-run: one function without a gateway, by the watchdog itself or in a
 * container.  The process becomes the function: Ctrl-C ends it.
 */

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "build.h"
#include "cmd.h"
#include "file.h"
#include "out.h"
#include "run.h"


#define SECRETS_DIR  ".secrets"
#define NAMESPACE    "openfaas-fn"


static struct function *choose(struct cli *cli, struct stack *stack);
static int find_environment(struct build *b, struct pairs *env,
    uint64_t port);
static int add_image_env(struct build *b, struct pairs *env);
static int check_secrets(struct build *b);
static int run_process(struct build *b, struct pairs *env, uint64_t port);
static int run_container(struct build *b, struct pairs *env, uint64_t port);
static const char *find_watchdog(struct cli *cli);
static int free_port(struct cli *cli, uint64_t *port);
static int become(struct cli *cli, struct run *run);


int
cmd_local_run(struct cli *cli)
{
    uint64_t           port;
    struct build       b;
    struct pairs       env;
    struct stack       stack;
    struct function   *fn;
    struct provider    provider;

    fn = stack_targets(cli, &stack) == 0 ? choose(cli, &stack) : NULL;

    if (fn == NULL) {
        return -1;
    }

    /* no gateway is asked: a folder to install in is of no use here */

    memset(&provider, 0, sizeof(provider));
    provider.is_process = args_text(&cli->args, "provider") == NULL
                          || strcmp(args_text(&cli->args, "provider"),
                                    "process") == 0;
    memset(&b, 0, sizeof(b));
    b.cli = cli;
    b.fn = fn;
    b.dir = pool_printf(&cli->pool, BUILD_DIR "/%s", fn->name);
    b.image = fn->image;

    if (args_bool(&cli->args, "build")
        && (build_assemble(&b, cli, &stack, fn) != 0
            || (provider.is_process ? build_process(&b) : build_docker(&b))
               != 0))
    {
        return -1;
    }

    port = args_number(&cli->args, "port");

    if ((port == 0 && free_port(cli, &port) != 0) || check_secrets(&b) != 0) {
        return -1;
    }

    env = fn->environment;
    b.provider = &provider;

    if (find_environment(&b, &env, port) != 0) {
        return -1;
    }

    return provider.is_process ? run_process(&b, &env, port)
           : run_container(&b, &env, port);
}


static struct function *
choose(struct cli *cli, struct stack *stack)
{
    if (stack->n != 1) {
        (void) cli_fail(cli, "which function? %.120s has %zu of them: faas "
                        "local-run NAME", stack->file, stack->n);
        return NULL;
    }

    return stack->functions;
}


static int
find_environment(struct build *b, struct pairs *env, uint64_t port)
{
    char        *real;
    struct cli  *cli;

    cli = b->cli;

    if (pairs_set_flag(cli, env, "env") != 0) {
        return -1;
    }

    if (b->fn->fprocess != NULL && b->fn->fprocess[0] != '\0') {
        pairs_set(&cli->pool, env, "fprocess", b->fn->fprocess);
    }

    pairs_set(&cli->pool, env, "OPENFAAS_NAME", b->fn->name);
    pairs_set(&cli->pool, env, "OPENFAAS_NAMESPACE",
              b->fn->ns != NULL && b->fn->ns[0] != '\0' ? b->fn->ns
              : NAMESPACE);

    if (!b->provider->is_process) {
        return 0;
    }

    real = realpath(SECRETS_DIR, NULL);
    pairs_set(&cli->pool, env, "FAAS_SECRETS_DIR",
              real != NULL ? pool_text(&cli->pool, real)
              : "/var/openfaas/secrets");
    free(real);

    pairs_set(&cli->pool, env, "port",
              pool_printf(&cli->pool, "%" PRIu64, port));
    pairs_set(&cli->pool, env, "metrics_port", "0");
    pairs_set(&cli->pool, env, "suppress_lock", "true");
    pairs_set(&cli->pool, env, "healthcheck_interval", "0");

    return add_image_env(b, env);
}


/*
 * What image.json says, as the scaler takes it.
 */
static int
add_image_env(struct build *b, struct pairs *env)
{
    json_t       *root, *value;
    const char   *name, *path;
    struct cli   *cli;

    cli = b->cli;
    path = pool_printf(&cli->pool, "%s/image.json", b->dir);

    if (file_kind(path) != FILE_OTHER) {
        return cli_fail(cli, "there is no %.160s: run \"faas build\" first",
                        path);
    }

    root = build_image_json(b);

    if (root == NULL) {
        return -1;
    }

    json_object_foreach(json_object_get(root, "env"), name, value) {
        if (pairs_get(env, name) == NULL && json_is_string(value)) {
            pairs_set(&cli->pool, env, pool_text(&cli->pool, name),
                      pool_text(&cli->pool, json_string_value(value)));
        }
    }

    json_decref(root);

    return 0;
}


static int
check_secrets(struct build *b)
{
    size_t       i;
    const char  *path;

    for (i = 0; i < b->fn->secrets.n; i++) {
        path = pool_printf(&b->cli->pool, SECRETS_DIR "/%s",
                           b->fn->secrets.at[i]);

        if (file_kind(path) != FILE_OTHER) {
            return cli_fail(b->cli, "functions.%.63s.secrets: there is no "
                            "file %.120s with the value", b->fn->name, path);
        }
    }

    return 0;
}


static int
run_process(struct build *b, struct pairs *env, uint64_t port)
{
    struct cli  *cli;
    struct run   run = { .dir = b->dir };
    const char  *watchdog;

    cli = b->cli;
    watchdog = find_watchdog(cli);

    if (watchdog == NULL) {
        return cli_fail(cli, "there is no faas-watchdog beside faas or in "
                        "PATH: name it with FAAS_WATCHDOG");
    }

    run.env = *env;
    run_add(cli, &run, watchdog);
    out_note(cli, "%s listens on http://127.0.0.1:%" PRIu64, b->fn->name,
             port);

    return become(cli, &run);
}


static int
run_container(struct build *b, struct pairs *env, uint64_t port)
{
    char        *real;
    size_t       i;
    struct cli  *cli;
    const char  *network;
    struct run   run = { .dir = NULL };

    cli = b->cli;
    network = args_text(&cli->args, "network");

    run_add(cli, &run, "docker", "run", "--rm", "-i", "--name",
            pool_printf(&cli->pool, "%s-local", b->fn->name), "-p",
            pool_printf(&cli->pool, "127.0.0.1:%" PRIu64 ":8080", port));

    if (network != NULL) {
        run_add(cli, &run, "--network", network);
    }

    if (b->fn->is_readonly) {
        run_add(cli, &run, "--read-only", "--tmpfs", "/tmp");
    }

    for (i = 0; i < env->n; i++) {
        run_add(cli, &run, "-e",
                pool_printf(&cli->pool, "%s=%s", env->at[i].name,
                            env->at[i].value));
    }

    for (i = 0; i < b->fn->secrets.n; i++) {
        real = realpath(pool_printf(&cli->pool, SECRETS_DIR "/%s",
                                    b->fn->secrets.at[i]), NULL);

        if (real != NULL) {
            run_add(cli, &run, "-v",
                    pool_printf(&cli->pool, "%s:/var/openfaas/secrets/%s:ro",
                                real, b->fn->secrets.at[i]));
        }

        free(real);
    }

    run_add(cli, &run, b->image);

    return become(cli, &run);
}


static const char *
find_watchdog(struct cli *cli)
{
    const char  *watchdog;

    watchdog = getenv("FAAS_WATCHDOG");

    if (watchdog != NULL && watchdog[0] != '\0') {
        return watchdog;
    }

    watchdog = file_of_ours(&cli->pool, "faas-watchdog");

    if (watchdog != NULL && access(watchdog, X_OK) == 0) {
        return watchdog;
    }

    return run_find(cli, "faas-watchdog") ? "faas-watchdog" : NULL;
}


/*
 * One that was free a moment ago.
 */
static int
free_port(struct cli *cli, uint64_t *port)
{
    int                  fd, rc;
    socklen_t            len;
    struct sockaddr_in   addr = { .sin_family = AF_INET };

    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    len = sizeof(addr);
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    rc = fd >= 0 && bind(fd, (struct sockaddr *) &addr, len) == 0
         && getsockname(fd, (struct sockaddr *) &addr, &len) == 0
         ? 0 : cli_fail(cli, "a free port: %s", strerror(errno));
    *port = ntohs(addr.sin_port);

    if (fd >= 0) {
        (void) close(fd);
    }

    return rc;
}


static int
become(struct cli *cli, struct run *run)
{
    size_t  i;

    if (args_bool(&cli->args, "print")) {

        for (i = 0; i < run->env.n; i++) {
            (void) printf("%s=%s ", run->env.at[i].name,
                          run_quote(cli, run->env.at[i].value));
        }

        (void) printf("%s\n", run_text(cli, run));
        return 0;
    }

    for (i = 0; i < run->env.n; i++) {
        (void) setenv(run->env.at[i].name, run->env.at[i].value, 1);
    }

    (void) fflush(stdout);
    texts_add(&cli->pool, &run->argv, NULL);

    if (run->dir != NULL && chdir(run->dir) != 0) {
        return cli_fail(cli, "folder %.160s: %s", run->dir, strerror(errno));
    }

    (void) execvp(run->argv.at[0], (char *const *) run->argv.at);

    return cli_fail(cli, "%.120s cannot be started: %s", run->argv.at[0],
                    strerror(errno));
}

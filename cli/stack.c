/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The stack file: which one, which of its functions.
 */

#include "stack.h"

#include <errno.h>
#include <fnmatch.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/faas_buf.h"

#include "commands.h"
#include "file.h"
#include "http.h"
#include "out.h"
#include "stack_read.h"
#include "subst.h"


static const char *find_file(struct cli *cli);
static const char *nothing(const char *name);
static int select_functions(struct cli *cli, struct stack *stack);
static int is_selected(const struct function *fn, const char *glob,
    const regex_t *regex);
static int from_flags(struct cli *cli, struct stack *stack);


int
stack_load(struct cli *cli, struct stack *stack)
{
    char        *text;
    size_t       i, len;
    const char  *file;

    memset(stack, 0, sizeof(*stack));
    file = find_file(cli);

    if (file == NULL) {
        return 0;
    }

    text = http_is_url(file) ? http_fetch(cli, file, STACK_MAX, &len)
           : file_read(&cli->pool, file, STACK_MAX, &len, &cli->err);

    if (text == NULL) {
        return -1;
    }

    stack->file = file;

    if (stack_parse(cli, stack, text, len,
                    args_bool(&cli->args, "envsubst") ? NULL : nothing) != 0)
    {
        return -1;
    }

    for (i = 0; i < stack->n; i++) {
        if (stack_read_environment(cli, stack, &stack->functions[i]) != 0) {
            return -1;
        }
    }

    return select_functions(cli, stack);
}


int
stack_parse(struct cli *cli, struct stack *stack, const char *text,
    size_t len, const char *(*get)(const char *name))
{
    int               rc;
    size_t            i;
    struct subst      s = { &cli->pool, stack->file, get, { NULL, 0, 0 } };
    struct ynode     *root;
    struct faas_buf   out;

    if (get == nothing) {
        root = yaml_parse(&cli->pool, stack->file, text, len, &cli->err);
        return root != NULL ? stack_read(cli, stack, root) : -1;
    }

    if (get == NULL) {
        s.get = (const char *(*)(const char *)) getenv;
    }

    faas_buf_init(&out, YAML_TEXT_MAX);
    rc = subst_expand(&s, text, len, &out, &cli->err);
    root = NULL;

    if (rc == 0) {

        for (i = 0; i < s.unset.n; i++) {
            out_warn(cli, "%s:%s is not set, nothing is put in its place; "
                     "${NAME:-text} has a text for that case", stack->file,
                     s.unset.at[i]);
        }

        root = yaml_parse(&cli->pool, stack->file,
                          out.data != NULL ? out.data : "", out.len,
                          &cli->err);
    }

    faas_buf_done(&out);

    return root != NULL ? stack_read(cli, stack, root) : -1;
}


struct function *
stack_find(struct stack *stack, const char *name)
{
    size_t  i;

    for (i = 0; i < stack->n; i++) {
        if (strcmp(stack->functions[i].name, name) == 0) {
            return &stack->functions[i];
        }
    }

    return NULL;
}


struct texts
stack_secrets(struct cli *cli, const struct stack *stack)
{
    size_t               i, j;
    struct texts         names = { NULL, 0, 0 };
    const struct texts  *secrets;

    for (i = 0; i < stack->n; i++) {
        secrets = &stack->functions[i].secrets;

        for (j = 0; j < secrets->n; j++) {
            if (!texts_have(&names, secrets->at[j])) {
                texts_add(&cli->pool, &names, secrets->at[j]);
            }
        }
    }

    return names;
}


int
stack_targets(struct cli *cli, struct stack *stack)
{
    const char       *name;
    struct function  *fn;

    if (args_text(&cli->args, "yaml") == NULL
        && args_text(&cli->args, "image") != NULL)
    {
        memset(stack, 0, sizeof(*stack));
        return from_flags(cli, stack);
    }

    if (stack_load(cli, stack) != 0) {
        return -1;
    }

    if (stack->file == NULL) {
        return cli_fail(cli, "there is no stack.yaml or stack.yml here: name "
                        "one with -f, or make one with \"faas new\"%s",
                        command_find_flag(cli->args.command, "image", 5)
                        != NULL ? "; or give --image and --name" : "");
    }

    name = args_word(&cli->args, 0);

    if (name == NULL) {
        return 0;
    }

    fn = stack_find(stack, name);

    if (fn == NULL) {
        return cli_fail(cli, "%.120s has no function \"%.63s\"", stack->file,
                        name);
    }

    stack->functions = fn;
    stack->n = 1;

    return 0;
}


static const char *
find_file(struct cli *cli)
{
    const char  *file;

    file = args_text(&cli->args, "yaml");

    if (file != NULL && file[0] != '\0') {
        return file;
    }

    return access("stack.yaml", F_OK) == 0 ? "stack.yaml"
           : access("stack.yml", F_OK) == 0 ? "stack.yml" : NULL;
}


/*
 * Stands for --envsubst=false.
 */
static const char *
nothing(const char *name)
{
    (void) name;

    return NULL;
}


static int
select_functions(struct cli *cli, struct stack *stack)
{
    size_t       i, n;
    regex_t      regex;
    const char  *glob, *pattern;

    glob = args_text(&cli->args, "filter");
    pattern = args_text(&cli->args, "regex");

    if (glob == NULL && pattern == NULL) {
        return 0;
    }

    if (glob != NULL && pattern != NULL) {
        return cli_fail(cli, "--filter and --regex exclude one another");
    }

    if (pattern != NULL
        && regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB) != 0)
    {
        return cli_fail(cli, "--regex: \"%.120s\" is no regular expression",
                        pattern);
    }

    n = 0;

    for (i = 0; i < stack->n; i++) {
        if (is_selected(&stack->functions[i], glob,
                        pattern != NULL ? &regex : NULL))
        {
            stack->functions[n++] = stack->functions[i];
        }
    }

    stack->n = n;

    if (pattern != NULL) {
        regfree(&regex);
    }

    return n > 0 ? 0 : cli_fail(cli, "%.120s: no function's name matches "
                                "\"%.80s\"", stack->file,
                                glob != NULL ? glob : pattern);
}


static int
is_selected(const struct function *fn, const char *glob,
    const regex_t *regex)
{
    return glob != NULL ? fnmatch(glob, fn->name, 0) == 0
           : regexec(regex, fn->name, 0, NULL, 0) == 0;
}


/*
 * A function that is on the command line only.
 */
static int
from_flags(struct cli *cli, struct stack *stack)
{
    const char       *name;
    struct function  *fn;

    name = args_text(&cli->args, "name");

    if (name == NULL) {
        name = args_word(&cli->args, 0);
    }

    if (name == NULL || name[0] == '\0') {
        return cli_fail(cli, "--image needs --name, the function's name");
    }

    fn = pool_alloc(&cli->pool, sizeof(struct function));
    fn->name = name;
    fn->image = args_text(&cli->args, "image");
    fn->lang = args_text(&cli->args, "lang");
    fn->handler = args_text(&cli->args, "handler");
    stack->functions = fn;
    stack->n = 1;

    return 0;
}

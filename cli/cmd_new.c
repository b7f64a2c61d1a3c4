/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * new: a handler's folder and a stack file.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "lib/faas_buf.h"
#include "lib/faas_name.h"

#include "api.h"
#include "cmd.h"
#include "codec.h"
#include "file.h"
#include "out.h"
#include "source.h"
#include "template.h"
#include "tree.h"


#define STACK_FILE  "stack.yaml"


static int list_templates(struct cli *cli);
static int find_template(struct cli *cli, const char *lang,
    struct template *t);
static int check_free(struct cli *cli, const char *handler,
    const char *append);
static int write_stack(struct cli *cli, const char *name,
    const char *handler, const char *lang);
static int append_stack(struct cli *cli, const char *file,
    const char *name, const char *entry);
static const char *stack_entry(struct cli *cli, const char *name,
    const char *handler, const char *lang);
static void add_resources(struct cli *cli, struct faas_buf *out,
    const char *title, const char *kind);
static int ignore_files(struct cli *cli);


int
cmd_new(struct cli *cli)
{
    const char       *name, *lang, *handler, *append;
    struct template   t;

    if (args_bool(&cli->args, "list")) {
        return list_templates(cli);
    }

    name = args_word(&cli->args, 0);
    lang = args_text(&cli->args, "lang");

    if (name == NULL || !faas_name_is_dns_label(name, strlen(name))) {
        return cli_fail(cli, "a name for the function: 1 to 63 of a-z, 0-9 "
                        "and -, with a letter or a digit at both ends");
    }

    if (lang == NULL || lang[0] == '\0') {
        return cli_fail(cli, "which template? --lang NAME; \"faas new --list\" "
                        "lists them");
    }

    handler = args_text(&cli->args, "handler");
    handler = handler != NULL ? handler
              : pool_printf(&cli->pool, "./%s", name);
    append = args_text(&cli->args, "append");

    if (check_free(cli, handler, append) != 0
        || find_template(cli, lang, &t) != 0)
    {
        return -1;
    }

    if (tree_copy(&cli->pool, pool_printf(&cli->pool, "%s/%s", t.dir,
                                          t.handler_folder),
                  handler, NULL, 0, &cli->err) != 0
        || write_stack(cli, name, handler, lang) != 0)
    {
        /* it can be tried again; what was wrong first is what counts */
        (void) tree_remove(&cli->pool, handler, NULL);
        return -1;
    }

    if (ignore_files(cli) != 0) {
        return -1;
    }

    (void) printf("Function created in folder: %s\n"
                  "Stack file written: %s\n", handler,
                  append != NULL ? append : STACK_FILE);

    if (t.welcome != NULL && !args_bool(&cli->args, "quiet")) {
        (void) printf("\n%s\n", t.welcome);
    }

    return 0;
}


static int
list_templates(struct cli *cli)
{
    size_t         i;
    struct texts   names = { NULL, 0, 0 };

    template_names(cli, &names);

    if (names.n == 0) {
        return cli_fail(cli, "there are no templates: \"faas template pull "
                        "URL\" gets some");
    }

    (void) puts("Languages available as templates:");

    for (i = 0; i < names.n; i++) {
        (void) printf("- %s\n", out_safe(cli, names.at[i]));
    }

    return 0;
}


/*
 * One that is not here may be in the store.
 */
static int
find_template(struct cli *cli, const char *lang, struct template *t)
{
    struct faas_err  first;

    if (strcasecmp(lang, "dockerfile") == 0) {
        lang = "dockerfile";
    }

    if (template_load(cli, lang, t) == 0) {
        return 0;
    }

    if (cli->err.code != ENOENT) {
        return -1;
    }

    first = cli->err;

    if (source_pull_named(cli, lang, "") != 0) {
        out_note(cli, "the store of templates: %s", cli->err.text);
        cli->err = first;
        return -1;
    }

    return template_load(cli, lang, t);
}


static int
check_free(struct cli *cli, const char *handler, const char *append)
{
    if (access(handler, F_OK) == 0) {
        return cli_fail(cli, "folder %.160s is there already: another name, "
                        "or --handler DIR", handler);
    }

    if (append != NULL) {
        return access(append, F_OK) == 0
               ? 0 : cli_fail(cli, "--append: there is no file %.160s",
                              append);
    }

    if (access(STACK_FILE, F_OK) == 0 || access("stack.yml", F_OK) == 0) {
        return cli_fail(cli, "there is a stack file already: --append "
                        "%s adds to it", access(STACK_FILE, F_OK) == 0
                        ? STACK_FILE : "stack.yml");
    }

    return 0;
}


static int
write_stack(struct cli *cli, const char *name, const char *handler,
    const char *lang)
{
    const char  *entry, *append, *text, *gateway;

    entry = stack_entry(cli, name, handler, lang);
    append = args_text(&cli->args, "append");

    if (entry == NULL) {
        return -1;
    }

    if (append != NULL) {
        return append_stack(cli, append, name, entry);
    }

    gateway = getenv("OPENFAAS_URL");
    text = pool_printf(&cli->pool, "version: 1.0\nprovider:\n"
                       "  name: openfaas\n  gateway: %s\n\nfunctions:\n%s",
                       gateway != NULL && gateway[0] != '\0' ? gateway
                       : API_DEFAULT_GATEWAY, entry);

    return file_write(&cli->pool, STACK_FILE, text, strlen(text), 0600,
                      &cli->err);
}


/*
 * What is there stays as it is, comments and all: the entry goes to the end,
 * where the functions have to be.
 */
static int
append_stack(struct cli *cli, const char *file, const char *name,
    const char *entry)
{
    char                *old;
    size_t               len;
    const char          *text;
    const struct ynode  *root, *functions;

    old = file_read(&cli->pool, file, STACK_MAX, &len, &cli->err);

    if (old == NULL) {
        return -1;
    }

    root = yaml_parse(&cli->pool, file, old, len, &cli->err);

    if (root == NULL) {
        return -1;
    }

    functions = yaml_get(root, "functions");

    if (functions == NULL || yaml_get(functions, name) != NULL) {
        return functions == NULL
               ? cli_fail(cli, "%.120s has no functions: to add to", file)
               : cli_fail(cli, "%.120s has a function %.63s already", file,
                          name);
    }

    text = pool_printf(&cli->pool, "%s%s%s", old,
                       len != 0 && old[len - 1] != '\n' ? "\n" : "", entry);
    root = yaml_parse(&cli->pool, file, text, strlen(text), &cli->err);

    if (root == NULL || yaml_get(yaml_get(root, "functions"), name) == NULL) {
        return cli_fail(cli, "%.120s: nothing can be added at its end: let "
                        "functions: be the last, indented by two", file);
    }

    return file_write(&cli->pool, file, text, strlen(text),
                      file_mode(file, 0600), &cli->err);
}


static const char *
stack_entry(struct cli *cli, const char *name, const char *handler,
    const char *lang)
{
    const char       *prefix, *text;
    struct faas_buf   out;

    prefix = args_text(&cli->args, "prefix");
    prefix = prefix != NULL ? prefix : getenv("OPENFAAS_PREFIX");
    prefix = prefix != NULL ? prefix : "";

    faas_buf_init(&out, STACK_MAX);
    (void) faas_buf_printf(&out, "  %s:\n    lang: %s\n    handler: %s\n"
                           "    image: %s%s%s:latest\n", name, lang, handler,
                           prefix, prefix[0] != '\0'
                           && prefix[strlen(prefix) - 1] != '/' ? "/" : "",
                           name);
    add_resources(cli, &out, "limits", "limit");
    add_resources(cli, &out, "requests", "request");

    text = out.is_failed ? NULL : pool_copy(&cli->pool, out.data, out.len);
    faas_buf_done(&out);

    if (text == NULL) {
        (void) cli_fail(cli, "the stack file would be over %d bytes",
                        STACK_MAX);
    }

    return text;
}


static void
add_resources(struct cli *cli, struct faas_buf *out, const char *title,
    const char *kind)
{
    static const char *const  names[] = { "cpu", "memory", NULL };
    size_t                    i;
    const char               *value;

    for (i = 0; names[i] != NULL; i++) {
        value = args_text(&cli->args, pool_printf(&cli->pool, "%s-%s",
                                                  names[i], kind));

        if (value != NULL) {

            if (title != NULL) {
                (void) faas_buf_printf(out, "    %s:\n", title);
                title = NULL;
            }

            (void) faas_buf_printf(out, "      %s: %s\n", names[i],
                                   codec_quote(&cli->pool, value));
        }
    }
}


/*
 * What is made by builds is nothing for a repository, secrets even less.
 */
static int
ignore_files(struct cli *cli)
{
    static const char *const  names[] = { "template", "build", ".secrets",
                                          NULL };
    char                     *old, *line;
    size_t                    i, len;
    const char               *text;

    old = file_read(&cli->pool, ".gitignore", STACK_MAX, &len, &cli->err);

    if (old == NULL) {
        if (cli->err.code != ENOENT) {
            return -1;
        }

        cli->err.text[0] = '\0';
        old = pool_text(&cli->pool, "");
        len = 0;
    }

    text = len != 0 && old[len - 1] != '\n'
           ? pool_printf(&cli->pool, "%s\n", old) : old;

    for (i = 0; names[i] != NULL; i++) {
        line = pool_printf(&cli->pool, "\n%s\n", names[i]);

        if (strstr(pool_printf(&cli->pool, "\n%s", text), line) == NULL) {
            text = pool_printf(&cli->pool, "%s%s", text, line + 1);
        }
    }

    return text == old
           ? 0 : file_write(&cli->pool, ".gitignore", text, strlen(text),
                            file_mode(".gitignore", 0644), &cli->err);
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Templates.
 */

#include "template.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "dockerfile.h"
#include "file.h"
#include "out.h"
#include "stack_read.h"
#include "tree.h"


static int read_file(struct cli *cli, struct template *t);
static int read_fields(struct cli *cli, struct template *t, const char *file,
    const struct ynode *root);
static int read_options(struct cli *cli, struct template *t,
    const char *file, const struct ynode *list);
static int read_process(struct cli *cli, struct template *t,
    const char *file, const struct ynode *map);
static int read_process_field(struct cli *cli, struct template *t,
    const char *file, const char *name, const struct ynode *node);
static int read_dockerfile(struct cli *cli, struct template *t);
static int optional(struct cli *cli, const char *file,
    const struct ynode *map, const char *name, const char **text);
static int is_mode(const char *mode);


int
template_is_dockerfile(const char *lang)
{
    return lang == NULL || lang[0] == '\0'
           || strcasecmp(lang, "dockerfile") == 0;
}


int
template_check_name(struct cli *cli, const char *name)
{
    size_t  i;

    for (i = 0; name[i] != '\0'; i++) {
        if (!(name[i] >= 'a' && name[i] <= 'z')
            && !(name[i] >= 'A' && name[i] <= 'Z')
            && !(name[i] >= '0' && name[i] <= '9')
            && strchr("-_.@", name[i]) == NULL)
        {
            break;
        }
    }

    if (i == 0 || name[i] != '\0' || name[0] == '.'
        || i > TEMPLATE_NAME_MAX)
    {
        return cli_fail(cli, "\"%.100s\" is no name of a template: letters, "
                        "digits and -_.@, at most %d", name,
                        TEMPLATE_NAME_MAX);
    }

    return 0;
}


int
template_load(struct cli *cli, const char *name, struct template *t)
{
    size_t  n;

    memset(t, 0, sizeof(*t));
    t->name = name;
    t->handler_folder = "function";

    if (template_check_name(cli, name) != 0) {
        return -1;
    }

    t->dir = pool_printf(&cli->pool, TEMPLATE_DIR "/%s", name);

    if (file_kind(t->dir) != FILE_DIR) {

        if (template_copy_installed(cli, name, 0, &n) != 0) {
            return -1;
        }

        if (n == 0) {
            return faas_err_set(&cli->err, ENOENT, "there is no template "
                                "\"%.100s\", neither in ./" TEMPLATE_DIR
                                " nor installed: \"faas template list\" lists "
                                "those that are, \"faas template pull URL\" "
                                "gets others", name);
        }
    }

    return read_file(cli, t);
}


const char *
template_installed(struct cli *cli)
{
    static const char *const   places[] = {
        "../share/ngx_faas/templates", "../templates", "../../templates", NULL
    };
    char                      *dir;
    size_t                     i;
    const char                *env;

    env = getenv("FAAS_TEMPLATES");

    if (env != NULL && env[0] != '\0') {
        return env;
    }

    for (i = 0; places[i] != NULL; i++) {
        dir = file_of_ours(&cli->pool, places[i]);

        if (dir != NULL && file_kind(dir) == FILE_DIR) {
            return dir;
        }
    }

    return NULL;
}


void
template_names(struct cli *cli, struct texts *names)
{
    size_t         i, j;
    const char    *dirs[2], *file;
    struct texts   found = { NULL, 0, 0 };

    dirs[0] = TEMPLATE_DIR;
    dirs[1] = template_installed(cli);

    for (i = 0; i < 2 && dirs[i] != NULL; i++) {
        found.n = 0;
        tree_names(&cli->pool, dirs[i], &found);

        for (j = 0; j < found.n; j++) {
            file = pool_printf(&cli->pool, "%s/%s/template.yml", dirs[i],
                               found.at[j]);

            if (file_kind(file) == FILE_OTHER
                && !texts_have(names, found.at[j]))
            {
                texts_add(&cli->pool, names, found.at[j]);
            }
        }
    }

    texts_sort(names);
}


int
template_copy_installed(struct cli *cli, const char *name,
    int is_overwriting, size_t *n)
{
    char          *from, *to;
    size_t         i;
    const char    *dir;
    struct texts   names = { NULL, 0, 0 };

    *n = 0;
    dir = template_installed(cli);

    if (dir == NULL) {
        return 0;
    }

    if (name != NULL) {
        texts_add(&cli->pool, &names, name);

    } else {
        tree_names(&cli->pool, dir, &names);
    }

    for (i = 0; i < names.n; i++) {
        from = pool_printf(&cli->pool, "%s/%s", dir, names.at[i]);
        to = pool_printf(&cli->pool, TEMPLATE_DIR "/%s", names.at[i]);

        if (file_kind(pool_printf(&cli->pool, "%s/template.yml", from))
            != FILE_OTHER)
        {
            continue;
        }

        if (file_kind(to) == FILE_DIR && !is_overwriting) {
            continue;
        }

        if (tree_remove(&cli->pool, to, &cli->err) != 0
            || tree_copy(&cli->pool, from, to, NULL, 0, &cli->err) != 0)
        {
            return -1;
        }

        (*n)++;
    }

    return 0;
}


static int
read_file(struct cli *cli, struct template *t)
{
    char          *text;
    size_t         len;
    const char    *file;
    struct ynode  *root;

    file = pool_printf(&cli->pool, "%s/template.yml", t->dir);
    text = file_read(&cli->pool, file, CLI_TEMPLATE_MAX, &len, &cli->err);

    if (text == NULL) {
        return -1;
    }

    root = yaml_parse(&cli->pool, file, text, len, &cli->err);

    if (root == NULL || read_fields(cli, t, file, root) != 0) {
        return -1;
    }

    return t->has_process ? 0 : read_dockerfile(cli, t);
}


static int
read_fields(struct cli *cli, struct template *t, const char *file,
    const struct ynode *root)
{
    const char          *folder;
    const struct ynode  *node;

    folder = NULL;

    if (optional(cli, file, root, "language", &t->language) != 0
        || optional(cli, file, root, "fprocess", &t->fprocess) != 0
        || optional(cli, file, root, "welcome_message", &t->welcome) != 0
        || optional(cli, file, root, "handler_folder", &folder) != 0)
    {
        return -1;
    }

    if (folder != NULL && folder[0] != '\0') {
        t->handler_folder = folder;
    }

    if (t->handler_folder[0] == '/'
        || strstr(t->handler_folder, "..") != NULL)
    {
        return cli_fail(cli, "%.120s: handler_folder: \"%.60s\" is not in the "
                        "template", file, t->handler_folder);
    }

    node = yaml_get(root, "mount_ssh");

    if (node != NULL && yaml_bool(node, &t->has_ssh) != 0) {
        return cli_fail(cli, "%.120s:%zu: mount_ssh: expected true or false",
                        file, node->line);
    }

    node = yaml_get(root, "build_options");

    if (node != NULL && !yaml_is_null(node)
        && read_options(cli, t, file, node) != 0)
    {
        return -1;
    }

    node = yaml_get(root, "process");

    return node != NULL ? read_process(cli, t, file, node) : 0;
}


static int
read_options(struct cli *cli, struct template *t, const char *file,
    const struct ynode *list)
{
    size_t               i;
    const char          *name;
    struct texts         packages;
    const struct ynode  *node;

    for (i = 0; list->kind == YNODE_LIST && i < list->n; i++) {
        name = NULL;
        memset(&packages, 0, sizeof(packages));
        node = yaml_get(list->items[i], "packages");

        if (optional(cli, file, list->items[i], "name", &name) != 0
            || (node != NULL && stack_read_texts(cli, file,
                                    "build_options.packages", node,
                                    &packages) != 0))
        {
            return -1;
        }

        if (name != NULL) {
            pairs_set(&cli->pool, &t->options, name,
                      texts_join(&cli->pool, &packages, " "));
        }
    }

    return list->kind == YNODE_LIST
           ? 0 : cli_fail(cli, "%.120s:%zu: build_options: expected a list of "
                          "name and packages", file, list->line);
}


static int
read_process(struct cli *cli, struct template *t, const char *file,
    const struct ynode *map)
{
    size_t       i;
    const char  *mode;

    if (map->kind != YNODE_MAP) {
        return cli_fail(cli, "%.120s:%zu: process: expected a map with "
                        "fprocess", file, map->line);
    }

    t->has_process = 1;
    pairs_set(&cli->pool, &t->environment, "mode", "classic");

    for (i = 0; i < map->n; i++) {
        if (read_process_field(cli, t, file, map->names[i], map->items[i])
            != 0)
        {
            return -1;
        }
    }

    if (pairs_get(&t->environment, "fprocess") == NULL) {
        return cli_fail(cli, "%.120s:%zu: process.fprocess: it is missing",
                        file, map->line);
    }

    mode = pairs_get(&t->environment, "mode");

    return is_mode(mode)
           ? 0 : cli_fail(cli, "%.120s:%zu: process.mode: \"%.40s\" is none of "
                          "streaming, serializing, http, static, classic",
                          file, map->line, mode);
}


static int
read_process_field(struct cli *cli, struct template *t, const char *file,
    const char *name, const struct ynode *node)
{
    const char  *text;

    if (strcmp(name, "needs") == 0) {
        return stack_read_texts(cli, file, "process.needs", node, &t->needs);
    }

    if (strcmp(name, "environment") == 0) {
        return stack_read_pairs(cli, file, "process.environment", node,
                                &t->environment);
    }

    if (strcmp(name, "build") != 0 && strcmp(name, "fprocess") != 0
        && strcmp(name, "mode") != 0)
    {
        return cli_fail(cli, "%.120s:%zu: process.%.60s means nothing; needs, "
                        "build, fprocess, mode and environment do", file,
                        node->line, name);
    }

    text = stack_read_text(cli, file, name, node);

    if (text == NULL) {
        return -1;
    }

    if (strcmp(name, "build") == 0) {
        t->build = text;

    } else {
        pairs_set(&cli->pool, &t->environment, name, text);
    }

    return 0;
}


/*
 * Of a template that says nothing of processes: what its image has.
 */
static int
read_dockerfile(struct cli *cli, struct template *t)
{
    char        *text;
    size_t       len;
    const char  *file;

    file = pool_printf(&cli->pool, "%s/Dockerfile", t->dir);

    if (file_kind(file) == FILE_OTHER) {
        text = file_read(&cli->pool, file, CLI_TEMPLATE_MAX, &len,
                         &cli->err);

        if (text == NULL) {
            return -1;
        }

        dockerfile_env(&cli->pool, text, len, &t->environment);
    }

    if (t->fprocess != NULL && t->fprocess[0] != '\0') {
        pairs_set(&cli->pool, &t->environment, "fprocess", t->fprocess);
    }

    return 0;
}


static int
optional(struct cli *cli, const char *file, const struct ynode *map,
    const char *name, const char **text)
{
    const struct ynode  *node;

    node = yaml_get(map, name);

    if (node == NULL) {
        return 0;
    }

    *text = stack_read_text(cli, file, name, node);

    return *text != NULL ? 0 : -1;
}


static int
is_mode(const char *mode)
{
    static const char *const  modes[] = {
        "streaming", "serializing", "http", "static", "classic", NULL
    };

    return texts_is_one(modes, mode);
}

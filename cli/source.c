/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Where templates and functions come from.
 */

#include "source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "file.h"
#include "http.h"
#include "object.h"
#include "out.h"
#include "run.h"
#include "similar.h"
#include "template.h"
#include "tree.h"


/* a repository that was cloned */
struct clone {
    const char  *url;               /* without the reference */
    const char  *ref;               /* "": what it has as its first */
    const char  *dir;
    const char  *sha;
};


static int clone(struct cli *cli, const char *url, const char *ref,
    struct clone *c);
static void clone_done(struct cli *cli, struct clone *c);
static int copy(struct cli *cli, const struct clone *c, const char *from,
    const char *to, int is_overwriting, size_t *n);
static int write_meta(struct cli *cli, const struct clone *c,
    const char *dir);


int
source_pull(struct cli *cli, const char *url, int is_overwriting, size_t *n)
{
    int            rc;
    size_t         i;
    const char    *from;
    struct clone   c = { NULL, NULL, NULL, NULL };
    struct texts   names = { NULL, 0, 0 };

    *n = 0;

    if (clone(cli, url, "", &c) != 0) {
        return -1;
    }

    from = pool_printf(&cli->pool, "%s/template", c.dir);
    tree_names(&cli->pool, from, &names);
    rc = names.n != 0 ? 0 : cli_fail(cli, "%.160s has no folder template/ "
                                     "with templates in it", c.url);

    for (i = 0; i < names.n && rc == 0; i++) {
        rc = copy(cli, &c, names.at[i], names.at[i], is_overwriting, n);
    }

    clone_done(cli, &c);

    return rc;
}


int
source_pull_named(struct cli *cli, const char *name, const char *url)
{
    int            rc;
    char          *base;
    size_t         n;
    json_t        *list, *entry;
    const char    *ref;
    struct clone   c = { NULL, NULL, NULL, NULL };

    if (template_check_name(cli, name) != 0) {
        return -1;
    }

    n = 0;
    ref = strchr(name, '@');
    base = pool_copy(&cli->pool, name, strcspn(name, "@"));

    if (url == NULL || url[0] == '\0') {
        list = source_store(cli, "OPENFAAS_TEMPLATE_STORE_URL",
                            SOURCE_TEMPLATES);
        entry = list != NULL ? source_find_template(cli, list, base) : NULL;
        url = json_string_value(json_object_get(entry, "repo"));
        url = url != NULL ? pool_text(&cli->pool, url) : NULL;
        json_decref(list);

        if (url == NULL) {
            return cli->err.text[0] != '\0'
                   ? -1 : cli_fail(cli, "the store does not say where "
                                   "template %.60s is", base);
        }
    }

    if (clone(cli, url, ref != NULL ? ref + 1 : "", &c) != 0) {
        return -1;
    }

    rc = copy(cli, &c, base, name, 1, &n);
    clone_done(cli, &c);

    return rc != 0 || n != 0
           ? rc : cli_fail(cli, "%.120s has no template %.60s", url, base);
}


json_t *
source_store(struct cli *cli, const char *variable, const char *fallback)
{
    char          *text;
    size_t         len;
    json_t        *list;
    const char    *url;
    json_error_t   json_err;

    url = args_text(&cli->args, "url");

    if (url == NULL) {
        url = getenv(variable);
    }

    if (url == NULL || url[0] == '\0') {
        url = fallback;
    }

    text = http_is_url(url)
           ? http_fetch(cli, url, SOURCE_STORE_MAX, &len)
           : file_read(&cli->pool, url, SOURCE_STORE_MAX, &len, &cli->err);

    if (text == NULL) {
        (void) faas_err_prefix(&cli->err, "the store");
        return NULL;
    }

    list = json_loadb(text, len, 0, &json_err);

    if (list == NULL) {
        (void) cli_fail(cli, "the store, %.120s:%d: it is no JSON: %.80s", url,
                        json_err.line, json_err.text);
    }

    return list;
}


json_t *
source_find_template(struct cli *cli, const json_t *list, const char *name)
{
    size_t           i;
    json_t          *item;
    const char      *text;
    struct similar   s;

    similar_init(&s, name, strlen(name));

    json_array_foreach(list, i, item) {
        text = json_string_value(json_object_get(item, "template"));

        if (text != NULL && strcmp(text, name) == 0) {
            return item;
        }

        if (text != NULL) {
            similar_try(&s, text);
        }
    }

    (void) cli_fail(cli, "the store has no template \"%.60s\"%s%.60s", name,
                    s.best != NULL ? ", but " : "",
                    s.best != NULL ? s.best : "");

    return NULL;
}


/*
 * A reference may be in the URL as well.
 */
static int
clone(struct cli *cli, const char *url, const char *ref, struct clone *c)
{
    char         path[] = "/tmp/faas-template.XXXXXX";
    struct run   run = { .output = RUN_QUIET }, sha = { .output = RUN_KEEP };
    const char  *hash;

    hash = strrchr(url, '#');
    c->url = hash != NULL
             ? pool_copy(&cli->pool, url, (size_t) (hash - url)) : url;
    c->ref = ref[0] != '\0' ? ref : hash != NULL ? hash + 1 : "";
    c->sha = "";

    if (c->url[0] == '-' || c->url[0] == '\0' || c->ref[0] == '-') {
        return cli_fail(cli, "\"%.120s\" is no URL of a repository", url);
    }

    if (mkdtemp(path) == NULL) {
        return cli_fail(cli, "a folder in /tmp: %s", strerror(errno));
    }

    c->dir = pool_text(&cli->pool, path);
    out_note(cli, "getting %s%s%s", c->url, c->ref[0] != '\0' ? " at " : "",
             c->ref);

    /* no question is asked: nobody could answer it */

    pairs_set(&cli->pool, &run.env, "GIT_TERMINAL_PROMPT", "0");
    run_add(cli, &run, "git", "clone", "--quiet", "--depth", "1");

    if (c->ref[0] != '\0') {
        run_add(cli, &run, "--branch", c->ref);
    }

    run_add(cli, &run, "--", c->url, c->dir);

    if (args_bool(&cli->args, "debug")) {
        out_note(cli, "%s", run_text(cli, &run));
    }

    if (run_program(cli, &run) != 0) {
        clone_done(cli, c);
        return faas_err_prefix(&cli->err, "getting templates of %.100s",
                               c->url);
    }

    run_add(cli, &sha, "git", "-C", c->dir, "rev-parse", "HEAD");

    if (run_program(cli, &sha) != 0) {
        clone_done(cli, c);
        return -1;
    }

    sha.kept[strcspn(sha.kept, "\n")] = '\0';
    c->sha = sha.kept;

    return 0;
}


static void
clone_done(struct cli *cli, struct clone *c)
{
    struct faas_err  err = { 0, "" };

    if (tree_remove(&cli->pool, c->dir, &err) != 0) {
        out_warn(cli, "%s", err.text);
    }
}


static int
copy(struct cli *cli, const struct clone *c, const char *from,
    const char *to, int is_overwriting, size_t *n)
{
    const char  *source, *target;

    source = pool_printf(&cli->pool, "%s/template/%s", c->dir, from);
    target = pool_printf(&cli->pool, TEMPLATE_DIR "/%s", to);

    if (file_kind(pool_printf(&cli->pool, "%s/template.yml", source))
        != FILE_OTHER)
    {
        return 0;
    }

    if (file_kind(target) == FILE_DIR && !is_overwriting) {
        out_note(cli, "%s is there already", target);
        return 0;
    }

    if (tree_remove(&cli->pool, target, &cli->err) != 0
        || tree_copy(&cli->pool, source, target, NULL, 0, &cli->err) != 0)
    {
        return -1;
    }

    (*n)++;

    return write_meta(cli, c, target);
}


static int
write_meta(struct cli *cli, const struct clone *c, const char *dir)
{
    int         rc;
    char       *text, when[32];
    json_t     *meta;
    time_t      now;
    struct tm   tm;

    now = time(NULL);

    if (gmtime_r(&now, &tm) == NULL
        || strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
    {
        when[0] = '\0';
    }

    meta = object_of("repository", json_string(c->url),
                     "ref_name", json_string(c->ref),
                     "sha", json_string(c->sha),
                     "written_at", json_string(when), OBJECT_END);
    text = meta != NULL ? json_dumps(meta, JSON_INDENT(2)) : NULL;
    json_decref(meta);

    if (text == NULL) {
        return cli_fail(cli, "no memory for meta.json");
    }

    rc = file_write(&cli->pool, pool_printf(&cli->pool, "%s/meta.json", dir),
                    text, strlen(text), 0644, &cli->err);
    free(text);

    return rc;
}

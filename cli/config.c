/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Saved passwords.
 */

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/faas_buf.h"

#include "codec.h"
#include "file.h"
#include "out.h"
#include "yaml.h"


static int load(struct cli *cli, const char **path, struct ynode **root);
static const char *field(const struct ynode *entry, const char *name);
static void warn_mode(struct cli *cli, const char *path);
static void write_entry(struct cli *cli, struct faas_buf *out,
    const struct config_entry *entry, const struct ynode *options);


const char *
config_dir(struct cli *cli)
{
    const char  *dir, *ci, *home;

    dir = getenv("OPENFAAS_CONFIG");

    if (dir != NULL && dir[0] != '\0') {
        return dir;
    }

    ci = getenv("CI");

    if (ci != NULL && (strcmp(ci, "true") == 0 || strcmp(ci, "1") == 0)) {
        return ".openfaas";
    }

    home = getenv("HOME");

    if (home == NULL || home[0] == '\0') {
        (void) cli_fail(cli, "there is no HOME to save passwords in, set "
                        "OPENFAAS_CONFIG to a folder");
        return NULL;
    }

    return pool_printf(&cli->pool, "%s/.openfaas", home);
}


int
config_find(struct cli *cli, const char *gateway, struct config_entry *entry)
{
    size_t         i;
    const char    *path, *name;
    struct ynode  *root, *auths;

    memset(entry, 0, sizeof(*entry));

    if (load(cli, &path, &root) != 0) {
        return -1;
    }

    auths = yaml_get(root, "auths");

    for (i = 0; auths != NULL && auths->kind == YNODE_LIST && i < auths->n;
         i++)
    {
        name = field(auths->items[i], "gateway");

        if (name != NULL && strcmp(name, gateway) == 0) {
            entry->gateway = name;
            entry->auth = field(auths->items[i], "auth");
            entry->token = field(auths->items[i], "token");
            warn_mode(cli, path);
        }
    }

    if (entry->token != NULL
        && (entry->token[0] == '\0' || strpbrk(entry->token, "\r\n") != NULL))
    {
        /* no error: "faas login" has to come so far, to mend it */

        out_warn(cli, "%s: the token of %s cannot be read; run \"faas "
                 "login\"", path, out_safe(cli, gateway));
        entry->token = NULL;
    }

    return 0;
}


int
config_save(struct cli *cli, const struct config_entry *entry, int *had)
{
    int                   rc;
    size_t                i;
    const char           *path, *dir;
    struct ynode         *root, *auths;
    struct faas_buf       out;
    struct config_entry   other;

    *had = 0;
    dir = config_dir(cli);

    if (dir == NULL || load(cli, &path, &root) != 0) {
        return -1;
    }

    faas_buf_init(&out, CONFIG_MAX);
    (void) faas_buf_puts(&out, "auths:\n");
    auths = yaml_get(root, "auths");

    for (i = 0; auths != NULL && auths->kind == YNODE_LIST && i < auths->n;
         i++)
    {
        other.gateway = field(auths->items[i], "gateway");
        other.auth = field(auths->items[i], "auth");
        other.token = field(auths->items[i], "token");

        if (other.gateway == NULL || other.token == NULL) {
            continue;
        }

        if (strcmp(other.gateway, entry->gateway) == 0) {
            *had = 1;

        } else {
            write_entry(cli, &out, &other,
                        yaml_get(auths->items[i], "options"));
        }
    }

    if (entry->token != NULL) {
        write_entry(cli, &out, entry, NULL);

    } else if (!*had) {
        faas_buf_done(&out);
        return 0;
    }

    if (out.is_failed) {
        faas_buf_done(&out);
        return cli_fail(cli, "%.160s: over %d bytes", path, CONFIG_MAX);
    }

    rc = file_make_dir(&cli->pool, dir, 0700, &cli->err);

    if (rc == 0) {
        rc = file_write(&cli->pool, path, out.data, out.len, 0600, &cli->err);
    }

    faas_buf_done(&out);

    return rc;
}


/*
 * A file that is not there is an empty one.
 */
static int
load(struct cli *cli, const char **path, struct ynode **root)
{
    char        *text;
    size_t       len;
    const char  *dir;

    dir = config_dir(cli);

    if (dir == NULL) {
        return -1;
    }

    *path = pool_printf(&cli->pool, "%s/config.yml", dir);
    text = file_read(&cli->pool, *path, CONFIG_MAX, &len, &cli->err);

    if (text == NULL) {

        if (cli->err.code != ENOENT) {
            return -1;
        }

        cli->err.text[0] = '\0';
        text = pool_text(&cli->pool, "");
        len = 0;
    }

    *root = yaml_parse(&cli->pool, *path, text, len, &cli->err);

    return *root != NULL ? 0 : -1;
}


static const char *
field(const struct ynode *entry, const char *name)
{
    struct ynode  *node;

    node = yaml_get(entry, name);

    return node != NULL && node->kind == YNODE_SCALAR ? node->text : NULL;
}


static void
warn_mode(struct cli *cli, const char *path)
{
    struct stat  st;

    if (stat(path, &st) == 0 && (st.st_mode & 077) != 0) {
        out_warn(cli, "others can read the passwords in %s: chmod 600 %s",
                 path, path);
    }
}


static void
write_entry(struct cli *cli, struct faas_buf *out,
    const struct config_entry *entry, const struct ynode *options)
{
    size_t       i;
    const char  *name, *value;

    (void) faas_buf_printf(out, "- gateway: %s\n",
                           codec_quote(&cli->pool, entry->gateway));
    (void) faas_buf_printf(out, "  auth: %s\n",
                           codec_quote(&cli->pool, entry->auth != NULL
                                       ? entry->auth : "basic"));
    (void) faas_buf_printf(out, "  token: %s\n",
                           codec_quote(&cli->pool, entry->token));

    if (options == NULL || options->kind != YNODE_LIST || options->n == 0) {
        return;
    }

    (void) faas_buf_puts(out, "  options:\n");

    for (i = 0; i < options->n; i++) {
        name = field(options->items[i], "name");
        value = field(options->items[i], "value");

        if (name != NULL && value != NULL) {
            (void) faas_buf_printf(out, "  - name: %s\n",
                                   codec_quote(&cli->pool, name));
            (void) faas_buf_printf(out, "    value: %s\n",
                                   codec_quote(&cli->pool, value));
        }
    }
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Names of images, and where the process provider has them.
 */

#include "image.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "codec.h"
#include "file.h"
#include "run.h"
#include "tree.h"


#define VERSION_DIGITS   20             /* of a version's time */


static const char *find_tag(const char *image);
static int git(struct cli *cli, const char **answer, const char *a,
    const char *b, const char *c);
static const char *digest(struct cli *cli, const struct function *fn);
static size_t host_len(const char *image);
static int is_reference(const char *s, size_t len);
static int link_to(struct cli *cli, const char *dir, const char *tag,
    const char *version);
static int remove_old(struct cli *cli, const char *dir, const char *tag);


const char *
image_name(struct cli *cli, const struct stack *stack,
    const struct function *fn)
{
    const char  *image, *format, *sha, *branch;

    sha = "";
    branch = "";
    image = fn->image;

    if (image == NULL || image[0] == '\0') {
        (void) cli_fail(cli, "%s%sfunctions.%.63s.image: it is missing",
                        stack->file != NULL ? stack->file : "",
                        stack->file != NULL ? ": " : "", fn->name);
        return NULL;
    }

    if (find_tag(image) == NULL && strchr(image, '@') == NULL) {
        image = pool_printf(&cli->pool, "%s:latest", image);
    }

    format = args_text(&cli->args, "tag");

    if (format == NULL || strcmp(format, "latest") == 0) {
        return image;
    }

    if (strchr(image, '@') != NULL) {
        (void) cli_fail(cli, "\"%.150s\" has a digest: --tag %s cannot "
                        "change its tag", image, format);
        return NULL;
    }

    if (strcmp(format, "digest") == 0) {
        sha = digest(cli, fn);
        return sha != NULL
               ? pool_printf(&cli->pool, "%.*s:%s",
                             (int) (find_tag(image) - 1 - image), image, sha)
               : NULL;
    }

    if (strcmp(format, "describe") == 0) {
        return git(cli, &sha, "describe", "--tags", "--always") == 0
               ? pool_printf(&cli->pool, "%s-%s", image, sha) : NULL;
    }

    if (git(cli, &sha, "rev-parse", "--short", "HEAD") != 0) {
        return NULL;
    }

    if (strcmp(format, "sha") == 0) {
        return pool_printf(&cli->pool, "%s-%s", image, sha);
    }

    return git(cli, &branch, "rev-parse", "--abbrev-ref", "HEAD") == 0
           ? pool_printf(&cli->pool, "%s-%s-%s", image, branch, sha) : NULL;
}


int
image_has_registry(const char *image)
{
    return host_len(image) != 0 || strchr(image, '/') != NULL;
}


const char *
image_path(struct cli *cli, const char *image)
{
    char        *path, *colon;
    size_t       host, len;
    const char  *name, *tag, *at;

    at = strchr(image, '@');
    tag = find_tag(image);
    len = tag != NULL ? (size_t) (tag - 1 - image)
          : at != NULL ? (size_t) (at - image) : strlen(image);

    if (len > IMAGE_NAME_MAX || !is_reference(image, len)
        || (tag != NULL && strspn(tag, "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
                           < strcspn(tag, "@")))
    {
        (void) cli_fail(cli, "\"%.150s\" is no name of an image, expected "
                        "[HOST[:PORT]/]PATH[:TAG] in small letters but for "
                        "the tag", image);
        return NULL;
    }

    if (at != NULL) {
        (void) cli_fail(cli, "\"%.150s\" has a digest: it cannot be built, "
                        "give it a tag", image);
        return NULL;
    }

    name = image;
    host = host_len(image);

    if (host != 0 && (strncmp(name, "docker.io/", host + 1) == 0
                      || strncmp(name, "index.docker.io/", host + 1) == 0))
    {
        name += host + 1;
        len -= host + 1;
        host = 0;
    }

    if (host == 0 && len > 8 && strncmp(name, "library/", 8) == 0) {
        name += 8;
        len -= 8;
    }

    path = pool_printf(&cli->pool, "%.*s/@%s", (int) len, name,
                       tag != NULL ? tag : "latest");
    colon = memchr(path, ':', host);

    if (colon != NULL) {
        *colon = '_';
    }

    return path;
}


int
image_install(struct cli *cli, const char *functions_dir, const char *image,
    const char *from)
{
    int               rc;
    char             *dir, *tag, *version;
    const char       *path;
    struct timespec   now;

    path = image_path(cli, image);

    if (path == NULL) {
        return -1;
    }

    if (file_kind(functions_dir) != FILE_DIR) {
        return cli_fail(cli, "there is no folder %.120s on this machine, "
                        "where the gateway's functions are: build there, or "
                        "name it with --functions-dir", functions_dir);
    }

    dir = pool_printf(&cli->pool, "%s/%s", functions_dir, path);
    tag = strrchr(dir, '/');
    *tag++ = '\0';

    (void) clock_gettime(CLOCK_REALTIME, &now);
    version = pool_printf(&cli->pool, ".%s.%0*lld%09ld", tag + 1,
                          VERSION_DIGITS - 9, (long long) now.tv_sec,
                          now.tv_nsec);

    if (file_make_dir(&cli->pool, dir, 0755, &cli->err) != 0) {
        return -1;
    }

    path = pool_printf(&cli->pool, "%s/%s", dir, version);
    rc = tree_copy(&cli->pool, from, path, NULL, TREE_READABLE, &cli->err);

    if (rc == 0) {
        rc = link_to(cli, dir, tag, version);
    }

    if (rc != 0) {
        struct faas_err  other = { 0, "" };

        /* what was wrong first is what counts */
        (void) tree_remove(&cli->pool, path, &other);
        return -1;
    }

    return remove_old(cli, dir, tag);
}


static const char *
find_tag(const char *image)
{
    size_t       len;
    const char  *colon;

    len = strcspn(image, "@");
    colon = memrchr(image, ':', len);

    return colon != NULL
           && memchr(colon, '/', len - (size_t) (colon - image)) == NULL
           ? colon + 1 : NULL;
}


static int
git(struct cli *cli, const char **answer, const char *a, const char *b,
    const char *c)
{
    struct run  run = { .output = RUN_KEEP };

    run_add(cli, &run, "git", a, b, c);

    if (run_program(cli, &run) != 0) {
        return faas_err_prefix(&cli->err, "--tag");
    }

    run.kept[strcspn(run.kept, "\n")] = '\0';
    *answer = run.kept;

    return run.kept[0] != '\0' ? 0 : cli_fail(cli, "--tag: git says nothing");
}


/*
 * The MD5 of the digits of the MD5s of all files of the handler, in order.
 */
static const char *
digest(struct cli *cli, const struct function *fn)
{
    char            *text;
    size_t           i, len;
    const char      *path;
    struct pool      one = { NULL, 0 };     /* a file at a time */
    struct texts     files = { NULL, 0, 0 }, sums = { NULL, 0, 0 };
    unsigned char    sum[CODEC_MD5];

    if (fn->handler == NULL) {
        (void) cli_fail(cli, "--tag digest: function %.63s has no handler",
                        fn->name);
        return NULL;
    }

    if (tree_files(&cli->pool, fn->handler, &files, &cli->err) != 0) {
        return NULL;
    }

    for (i = 0; i < files.n; i++) {
        path = pool_printf(&cli->pool, "%s/%s", fn->handler, files.at[i]);
        text = file_read(&one, path, IMAGE_DIGEST_MAX, &len, &cli->err);

        if (text == NULL) {
            pool_done(&one);
            return NULL;
        }

        codec_md5(text, len, sum);
        pool_done(&one);
        texts_add(&cli->pool, &sums,
                  codec_hex(&cli->pool, sum, CODEC_MD5));
    }

    text = texts_join(&cli->pool, &sums, "");
    codec_md5(text, strlen(text), sum);

    return codec_hex(&cli->pool, sum, CODEC_MD5);
}


/*
 * The first part is a host where it looks like one.
 */
static size_t
host_len(const char *image)
{
    size_t  len;

    len = strcspn(image, "/");

    if (image[len] != '/') {
        return 0;
    }

    return memchr(image, '.', len) != NULL || memchr(image, ':', len) != NULL
           || (len == 9 && strncmp(image, "localhost", 9) == 0) ? len : 0;
}


static int
is_reference(const char *s, size_t len)
{
    size_t  i, host;

    host = host_len(s);

    for (i = 0; i < len; i++) {

        if ((s[i] >= 'a' && s[i] <= 'z') || isdigit((unsigned char) s[i])) {
            continue;
        }

        if (i < host && (s[i] == ':' || isupper((unsigned char) s[i]))) {
            continue;
        }

        /* parts neither begin nor end with them, so that none is ".." */

        if (strchr("/._-", s[i]) == NULL || i == 0 || i + 1 == len
            || (s[i] != '/' && (s[i - 1] == '/' || s[i + 1] == '/'))
            || (s[i] == '/' && s[i - 1] == '/'))
        {
            return 0;
        }
    }

    return len > 0;
}


static int
link_to(struct cli *cli, const char *dir, const char *tag,
    const char *version)
{
    char         *path, *fresh;
    struct stat   st;

    path = pool_printf(&cli->pool, "%s/%s", dir, tag);
    fresh = pool_printf(&cli->pool, "%s/%s.link", dir, version);

    if (lstat(path, &st) == 0 && !S_ISLNK(st.st_mode)) {
        return cli_fail(cli, "%.160s is there, and is no link: nothing of "
                        "ours; move it away", path);
    }

    if (symlink(version, fresh) != 0 || rename(fresh, path) != 0) {
        (void) cli_fail(cli, "%.160s cannot be made: %s", path,
                        strerror(errno));
        (void) unlink(fresh);
        return -1;
    }

    return 0;
}


/*
 * Names of versions are in the order of their times.
 */
static int
remove_old(struct cli *cli, const char *dir, const char *tag)
{
    size_t         i, len;
    const char    *prefix;
    struct texts   names = { NULL, 0, 0 }, ours = { NULL, 0, 0 };

    prefix = pool_printf(&cli->pool, ".%s.", tag + 1);
    len = strlen(prefix);
    tree_names(&cli->pool, dir, &names);

    for (i = 0; i < names.n; i++) {
        if (strncmp(names.at[i], prefix, len) == 0
            && strlen(names.at[i]) == len + VERSION_DIGITS
            && strspn(names.at[i] + len, "0123456789") == VERSION_DIGITS)
        {
            texts_add(&cli->pool, &ours, names.at[i]);
        }
    }

    for (i = 0; i + IMAGE_KEPT < ours.n; i++) {
        if (tree_remove(&cli->pool, pool_printf(&cli->pool, "%s/%s", dir,
                                                ours.at[i]), &cli->err) != 0)
        {
            return -1;
        }
    }

    return 0;
}

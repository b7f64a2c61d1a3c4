/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the process provider runs.
 */

#include "image.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/faas_buf.h"

#include "disk.h"
#include "env.h"


#define BAD_REQUEST  400
#define DIGEST       "sha256:"
#define DIGEST_HEX   64
#define TAGS_SHOWN   120            /* bytes of tags in a message */
#define LATEST       "latest"


/* parts of a reference; none is terminated */
struct reference {
    const char  *host;
    size_t       host_len;          /* 0: docker.io */
    const char  *path;
    size_t       path_len;
    const char  *tag;
    size_t       tag_len;
    const char  *digest;            /* its digits */
    size_t       digest_len;        /* 0: none */
};


static int parse(const char *s, struct reference *ref);
static void split_host(struct reference *ref);
static int is_path(const char *s, size_t len);
static int is_tag(const char *s, size_t len);
static int is_digest(const char *s, size_t len);
static int is_host(const char *s, size_t len);
static int is_word(const char *s, size_t len, const char *word);
static int is_lower(char c);
static int find_folder(const char *functions_dir, const char *reference,
    char *dir, struct faas_err *err);
static int is_folder(const char *path, char *dir);
static void list_tags(const char *path, char *text, size_t size);
static int read_env(struct image *image, struct faas_err *err);


int
image_find(const char *functions_dir, const char *reference,
    struct image *image, struct faas_err *err)
{
    int  rc;

    image->env = NULL;

    if (reference[0] != '/') {
        rc = find_folder(functions_dir, reference, image->dir, err);

    } else {
        rc = is_folder(reference, image->dir)
             ? 0 : faas_err_set(err, BAD_REQUEST, "\"image\": %.150s is no "
                                "folder", reference);
    }

    return rc == 0 ? read_env(image, err) : -1;
}


void
image_done(struct image *image)
{
    json_decref(image->env);
    image->env = NULL;
}


int
image_path(const char *reference, char *path, struct faas_err *err)
{
    int                n;
    char              *colon;
    struct reference   ref;

    if (parse(reference, &ref) != 0) {
        return faas_err_set(err, BAD_REQUEST, "\"image\": \"%.100s\" is no "
                            "reference of an image, expected "
                            "[HOST[:PORT]/]PATH[:TAG][@sha256:HEX], in small "
                            "letters but for the tag", reference);
    }

    n = snprintf(path, PATH_MAX, "%.*s%s%.*s/@%s%.*s",
                 (int) ref.host_len, ref.host, ref.host_len != 0 ? "/" : "",
                 (int) ref.path_len, ref.path,
                 ref.digest_len != 0 ? "sha256-" : "",
                 (int) (ref.digest_len != 0 ? ref.digest_len : ref.tag_len),
                 ref.digest_len != 0 ? ref.digest : ref.tag);

    /* a colon in a folder's name is a separator in PYTHONPATH and the like */

    colon = memchr(path, ':', ref.host_len);

    if (colon != NULL) {
        *colon = '_';
    }

    return n > 0 ? 0 : -1;
}


static int
parse(const char *s, struct reference *ref)
{
    size_t       len;
    const char  *at, *colon;

    memset(ref, 0, sizeof(*ref));
    at = strchr(s, '@');
    len = at != NULL ? (size_t) (at - s) : strlen(s);

    if (at != NULL) {
        ref->digest = at + 1 + sizeof(DIGEST) - 1;
        ref->digest_len = strlen(at + 1);

        if (!is_digest(at + 1, ref->digest_len)) {
            return -1;
        }

        ref->digest_len -= sizeof(DIGEST) - 1;
    }

    ref->path = s;
    ref->path_len = len;
    ref->tag = LATEST;
    ref->tag_len = sizeof(LATEST) - 1;

    colon = memrchr(s, ':', len);

    if (colon != NULL && memchr(colon, '/', len - (size_t) (colon - s))
                         == NULL)
    {
        ref->path_len = (size_t) (colon - s);
        ref->tag = colon + 1;
        ref->tag_len = len - ref->path_len - 1;
    }

    if (ref->path_len > IMAGE_NAME_MAX) {
        return -1;
    }

    split_host(ref);

    return is_path(ref->path, ref->path_len)
           && is_tag(ref->tag, ref->tag_len)
           && is_host(ref->host, ref->host_len) ? 0 : -1;
}


/*
 * The first part is a host where it looks like one; Docker's own, and its
 * folder of official images, go without saying.
 */
static void
split_host(struct reference *ref)
{
    size_t       len;
    const char  *slash;

    slash = memchr(ref->path, '/', ref->path_len);
    len = slash != NULL ? (size_t) (slash - ref->path) : 0;

    if (memchr(ref->path, '.', len) != NULL
        || memchr(ref->path, ':', len) != NULL
        || is_word(ref->path, len, "localhost"))
    {
        ref->host = ref->path;
        ref->host_len = len;
        ref->path += len + 1;
        ref->path_len -= len + 1;
    }

    if (is_word(ref->host, ref->host_len, "docker.io")
        || is_word(ref->host, ref->host_len, "index.docker.io"))
    {
        ref->host_len = 0;
    }

    if (ref->host_len == 0 && ref->path_len > 8
        && memcmp(ref->path, "library/", 8) == 0)
    {
        ref->path += 8;
        ref->path_len -= 8;
    }
}


/*
 * Parts of letters and digits, with ".", "_", "__" or any number of "-"
 * between them.
 */
static int
is_path(const char *s, size_t len)
{
    size_t  i, run;

    run = 0;

    for (i = 0; i < len; i++) {

        if (is_lower(s[i])) {
            run = 0;
            continue;
        }

        if (i == 0 || i == len - 1 || strchr("/._-", s[i]) == NULL) {
            return 0;
        }

        run++;

        if (run > 1 && (s[i] != s[i - 1] || (s[i] != '-' && s[i] != '_')
                        || (s[i] == '_' && run > 2)))
        {
            return 0;
        }
    }

    return len > 0;
}


static int
is_tag(const char *s, size_t len)
{
    size_t  i;

    for (i = 0; i < len; i++) {
        if (!is_lower(s[i]) && !(s[i] >= 'A' && s[i] <= 'Z') && s[i] != '_'
            && (i == 0 || (s[i] != '.' && s[i] != '-')))
        {
            return 0;
        }
    }

    return len > 0 && len <= IMAGE_TAG_MAX;
}


static int
is_digest(const char *s, size_t len)
{
    size_t  i;

    if (len != sizeof(DIGEST) - 1 + DIGEST_HEX
        || memcmp(s, DIGEST, sizeof(DIGEST) - 1) != 0)
    {
        return 0;
    }

    for (i = sizeof(DIGEST) - 1; i < len; i++) {
        if (!(s[i] >= '0' && s[i] <= '9') && !(s[i] >= 'a' && s[i] <= 'f')) {
            return 0;
        }
    }

    return 1;
}


/*
 * Names and IPv4 addresses, with a port or without.
 */
static int
is_host(const char *s, size_t len)
{
    size_t  i, name_len;

    name_len = len;

    for (i = 0; i < len; i++) {

        if (s[i] == ':' && name_len == len && i + 1 < len) {
            name_len = i;

        } else if (name_len != len ? !(s[i] >= '0' && s[i] <= '9')
                   : !is_lower(s[i]) && !(s[i] >= 'A' && s[i] <= 'Z')
                     && ((s[i] != '.' && s[i] != '-') || i == 0
                         || s[i - 1] == '.'))
        {
            return 0;
        }
    }

    return len == 0 || (name_len > 0 && s[name_len - 1] != '.');
}


static int
is_word(const char *s, size_t len, const char *word)
{
    return len == strlen(word) && memcmp(s, word, len) == 0;
}


static int
is_lower(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}


static int
find_folder(const char *functions_dir, const char *reference, char *dir,
    struct faas_err *err)
{
    char   name[PATH_MAX], path[PATH_MAX], tags[TAGS_SHOWN];
    char  *tag;

    if (image_path(reference, name, err) != 0) {
        return -1;
    }

    (void) snprintf(path, sizeof(path), "%.3000s/%.800s", functions_dir,
                    name);

    if (is_folder(path, dir)) {
        return 0;
    }

    tag = strrchr(path, '/');
    *tag = '\0';
    list_tags(path, tags, sizeof(tags));

    if (strcmp(tag + 1, "@" LATEST) == 0 && tags[0] == '\0'
        && is_folder(path, dir))
    {
        return 0;
    }

    *tag = '/';

    return faas_err_set(err, BAD_REQUEST, "\"image\": there is no \"%.100s\", "
                        "which would be the folder %.120s%s%s", reference,
                        path, tags[0] != '\0' ? "; of it there are" : "",
                        tags);
}


static int
is_folder(const char *path, char *dir)
{
    struct stat  st;

    return realpath(path, dir) != NULL && stat(dir, &st) == 0
           && S_ISDIR(st.st_mode);
}


/*
 * Each with a blank in front of it, as many as there is room for.
 */
static void
list_tags(const char *path, char *text, size_t size)
{
    DIR            *dir;
    size_t          len;
    struct dirent  *entry;

    text[0] = '\0';
    len = 0;
    dir = opendir(path);

    while (dir != NULL && (entry = readdir(dir)) != NULL) {

        if (entry->d_name[0] == '@'
            && len + strlen(entry->d_name) + 2 <= size)
        {
            len += (size_t) snprintf(text + len, size - len, " %s",
                                     entry->d_name + 1);
        }
    }

    if (dir != NULL) {
        (void) closedir(dir);
    }
}


static int
read_env(struct image *image, struct faas_err *err)
{
    char             path[PATH_MAX];
    json_t          *root;
    json_error_t     json_err;
    struct faas_buf  buf;

    (void) snprintf(path, sizeof(path), "%.4000s/image.json", image->dir);
    faas_buf_init(&buf, IMAGE_FILE_MAX);

    if (disk_read(path, &buf, err) != 0) {
        faas_buf_done(&buf);
        return err->code == ENOENT
               ? 0 : faas_err_set(err, BAD_REQUEST, "\"image\": %s",
                                  strerror(err->code));
    }

    root = json_loadb(buf.data != NULL ? buf.data : "", buf.len,
                      JSON_REJECT_DUPLICATES, &json_err);
    faas_buf_done(&buf);

    if (root == NULL) {
        return faas_err_set(err, BAD_REQUEST, "\"image\": %.120s is no JSON: "
                            "line %d: %.100s", path, json_err.line,
                            json_err.text);
    }

    if (env_check(json_object_get(root, "env"), 1, err) != 0) {
        json_decref(root);
        return faas_err_prefix(err, "\"image\": %.120s: \"env\"", path);
    }

    image->env = json_incref(json_object_get(root, "env"));
    json_decref(root);

    return 0;
}

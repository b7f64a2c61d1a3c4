/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The state folder.
 */

#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/faas_buf.h"
#include "lib/faas_log.h"
#include "lib/faas_num.h"

#include "disk.h"


#define FILE_MAX_BYTES  (16 * 1024 * 1024)
#define LOCK_WAIT       1000            /* msec */
#define LOCK_PAUSE      20              /* msec */
#define NUMBERS_BLOCK   10000           /* reserved at a time */
#define NUMBERS_MAX     9999999999ULL   /* ten digits, see STATE_DIR_MAX */


static int make_dirs(const struct store *store, struct faas_err *err);
static void clear(const struct store *store, const char *name,
    int (*is_used)(void *arg, uint64_t number), void *arg);
static int take_lock(struct store *store, struct faas_err *err);
static int admit_user(const struct store *store, const char *user,
    struct faas_err *err);
static struct spec *load_file(struct store *store, const char *name,
    const struct scale_config *config, struct faas_err *err);
static void set_aside(const char *folder, const char *name,
    const struct faas_err *why);
static DIR *open_folder(const char *path, struct faas_err *err);
static int read_id(struct store *store, struct faas_err *err);
static int make_id(struct store *store, struct faas_err *err);
static int read_numbers(struct store *store, struct faas_err *err);
static int reserve(void *arg, struct faas_err *err);
static void on_reserved(void *arg, struct faas_err *err);
static int is_key(const char *name);
static void folder_of(const struct store *store, const char *name,
    char path[PATH_MAX]);


int
store_open(struct store *store, const char *dir, const char *gateway_user,
    struct faas_err *err)
{
    char  path[PATH_MAX];

    store->lock_fd = -1;

    if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
        return faas_err_set(err, errno, "cannot make the state folder %s: %s",
                            dir, strerror(errno));
    }

    if (realpath(dir, path) == NULL || strlen(path) > PATH_MAX - 512) {
        return faas_err_set(err, errno, "cannot use the state folder %s: %s",
                            dir, strerror(errno));
    }

    memcpy(store->dir, path, strlen(path) + 1);

    if (take_lock(store, err) != 0) {
        return -1;
    }

    if (read_id(store, err) != 0
        || read_numbers(store, err) != 0
        || make_dirs(store, err) != 0
        || admit_user(store, gateway_user, err) != 0)
    {
        store_close(store);
        return -1;
    }

    return 0;
}


void
store_close(struct store *store)
{
    if (store->lock_fd != -1) {
        (void) close(store->lock_fd);
        store->lock_fd = -1;
    }
}


int
store_load(struct store *store, const struct scale_config *config,
    void (*each)(void *arg, struct spec *spec), void *arg,
    struct faas_err *err)
{
    DIR             *dir;
    char             path[PATH_MAX];
    struct spec     *spec;
    struct dirent   *entry;
    struct faas_err  file_err;

    folder_of(store, "functions", path);
    dir = open_folder(path, err);

    if (dir == NULL) {
        return -1;
    }

    while ((entry = readdir(dir)) != NULL) {

        if (!is_key(entry->d_name)) {
            continue;
        }

        spec = load_file(store, entry->d_name, config, &file_err);

        if (spec != NULL) {
            each(arg, spec);

        } else {
            set_aside(path, entry->d_name, &file_err);
        }
    }

    (void) closedir(dir);

    return 0;
}


int
store_save(const struct store *store, const char *key, const char *text,
    struct faas_err *err)
{
    char  path[PATH_MAX];

    folder_of(store, "functions", path);

    return disk_replace(path, key, text, strlen(text), err);
}


int
store_delete(const struct store *store, const char *key, struct faas_err *err)
{
    char  path[PATH_MAX];

    folder_of(store, "functions", path);

    return disk_remove(path, key, err);
}


int
store_save_namespace(const struct store *store, const char *name,
    const char *text, struct faas_err *err)
{
    char  path[PATH_MAX];

    folder_of(store, "namespaces", path);

    return disk_replace(path, name, text, strlen(text), err);
}


int
store_delete_namespace(const struct store *store, const char *name,
    struct faas_err *err)
{
    char  path[PATH_MAX];

    folder_of(store, "namespaces", path);

    return disk_remove(path, name, err);
}


int
store_save_secret(const struct store *store, const struct secret *secret,
    struct faas_err *err)
{
    char  name[FAAS_NAME_MAX + sizeof("secrets/")], path[PATH_MAX];

    (void) snprintf(name, sizeof(name), "secrets/%s", secret->ns);
    folder_of(store, name, path);

    return disk_make_folder(path, 0700, err) == 0
           ? disk_replace(path, secret->name, secret->value, secret->len, err)
           : -1;
}


int
store_delete_secret(const struct store *store, const char *ns,
    const char *name, struct faas_err *err)
{
    char  folder[FAAS_NAME_MAX + sizeof("secrets/")], path[PATH_MAX];

    (void) snprintf(folder, sizeof(folder), "secrets/%s", ns);
    folder_of(store, folder, path);

    return disk_remove(path, name, err);
}


int
store_load_namespaces(const struct store *store,
    void (*each)(void *arg, const char *name, const char *text, size_t len),
    void *arg, struct faas_err *err)
{
    DIR              *dir;
    char              path[PATH_MAX], file[PATH_MAX];
    struct dirent    *entry;
    struct faas_buf   buf;
    struct faas_err   file_err;

    folder_of(store, "namespaces", path);
    dir = open_folder(path, err);

    if (dir == NULL) {
        return -1;
    }

    while ((entry = readdir(dir)) != NULL) {

        if (!faas_name_is_dns_label(entry->d_name, strlen(entry->d_name))) {
            continue;
        }

        faas_buf_init(&buf, FILE_MAX_BYTES);
        (void) snprintf(file, sizeof(file), "%.3800s/%.255s", path,
                        entry->d_name);

        if (disk_read(file, &buf, &file_err) == 0) {
            each(arg, entry->d_name, buf.data != NULL ? buf.data : "",
                 buf.len);

        } else {
            faas_log(FAAS_LOG_ERROR, "namespace cannot be read error=\"%s\"",
                     file_err.text);
        }

        faas_buf_done(&buf);
    }

    (void) closedir(dir);

    return 0;
}


int
store_load_secrets(const struct store *store,
    void (*each)(void *arg, const char *ns, const char *name), void *arg,
    struct faas_err *err)
{
    DIR            *dir, *inner;
    char            path[PATH_MAX], folder[PATH_MAX];
    struct dirent  *entry, *file;

    folder_of(store, "secrets", path);
    dir = open_folder(path, err);

    if (dir == NULL) {
        return -1;
    }

    while ((entry = readdir(dir)) != NULL) {

        if (!faas_name_is_dns_label(entry->d_name, strlen(entry->d_name))) {
            continue;
        }

        (void) snprintf(folder, sizeof(folder), "%.3800s/%.255s", path,
                        entry->d_name);
        inner = open_folder(folder, err);

        if (inner == NULL) {
            (void) closedir(dir);
            return -1;
        }

        while ((file = readdir(inner)) != NULL) {
            if (secret_is_name(file->d_name)) {
                each(arg, entry->d_name, file->d_name);
            }
        }

        (void) closedir(inner);
    }

    (void) closedir(dir);

    return 0;
}


void
store_clear(const struct store *store,
    int (*is_used)(void *arg, uint64_t number), void *arg)
{
    clear(store, "s", is_used, arg);
    clear(store, "tmp", is_used, arg);
    clear(store, "secrets-of", is_used, arg);
}


int
store_number(struct store *store, uint64_t *number, struct faas_err *err)
{
    if (store->number + NUMBERS_BLOCK / 2 >= store->reserved
        && store->reserving == 0)
    {
        store->reserving = store->reserved + NUMBERS_BLOCK;
        store->job.run = reserve;
        store->job.done = on_reserved;
        store->job.arg = store;
        worker_add(store->worker, &store->job);
    }

    if (store->number + 1 >= store->reserved) {
        return faas_err_set(err, 500, "no number for a replica is reserved on "
                            "disk yet");
    }

    *number = ++store->number;

    return 0;
}


static int
make_dirs(const struct store *store, struct faas_err *err)
{
    char    path[PATH_MAX];
    size_t  i;

    static const char *const  names[] = {
        "functions", "namespaces", "secrets", "secrets-of", "logs", "tmp", "s"
    };

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        folder_of(store, names[i], path);

        if (disk_make_folder(path, 0700, err) != 0) {
            return -1;
        }
    }

    return 0;
}


/*
 * Entries are NUMBER, or NUMBER.sock.
 */
static void
clear(const struct store *store, const char *name,
    int (*is_used)(void *arg, uint64_t number), void *arg)
{
    DIR              *dir;
    char              folder[PATH_MAX], path[PATH_MAX];
    uint64_t          number;
    struct dirent    *entry;
    struct faas_err   err;

    folder_of(store, name, folder);
    dir = open_folder(folder, &err);

    while (dir != NULL && (entry = readdir(dir)) != NULL) {

        if (strcmp(entry->d_name, ".") == 0
            || strcmp(entry->d_name, "..") == 0
            || (faas_parse_uint(entry->d_name, strcspn(entry->d_name, "."), 1,
                                NUMBERS_MAX, &number)
                == 0
                && is_used(arg, number)))
        {
            continue;
        }

        (void) snprintf(path, sizeof(path), "%.3800s/%.255s", folder,
                        entry->d_name);

        if (disk_remove_tree(path) != 0) {
            faas_log(FAAS_LOG_WARN, "cannot remove a folder, it stays "
                     "path=%s error=\"%s\"", path, strerror(errno));
        }
    }

    if (dir != NULL) {
        (void) closedir(dir);
    }
}


static void
folder_of(const struct store *store, const char *name, char path[PATH_MAX])
{
    (void) snprintf(path, PATH_MAX, "%.3500s/%.100s", store->dir, name);
}


static DIR *
open_folder(const char *path, struct faas_err *err)
{
    DIR  *dir;

    dir = opendir(path);

    if (dir == NULL) {
        (void) faas_err_set(err, errno, "cannot read %.150s: %s", path,
                            strerror(errno));
    }

    return dir;
}


static void
set_aside(const char *folder, const char *name, const struct faas_err *why)
{
    char  path[PATH_MAX], bad[PATH_MAX];

    (void) snprintf(path, sizeof(path), "%.3500s/%.300s", folder, name);
    (void) snprintf(bad, sizeof(bad), "%.4000s.bad", path);

    faas_log(FAAS_LOG_ERROR, "specification cannot be read, setting it aside "
             "as %s: %s", bad, why->text);

    if (rename(path, bad) != 0) {
        faas_log(FAAS_LOG_ERROR, "cannot rename, it stays error=\"%s\"",
                 strerror(errno));
    }
}


static int
take_lock(struct store *store, struct faas_err *err)
{
    int   rc, waited;
    char  path[PATH_MAX];

    (void) snprintf(path, sizeof(path), "%.3500s/lock", store->dir);

    store->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (store->lock_fd == -1) {
        return faas_err_set(err, errno, "cannot open %.150s: %s", path,
                            strerror(errno));
    }

    /*
     * A scaler that was killed while it started a process: that one holds the
     * lock until it executes its program.
     */

    for (waited = 0; (rc = flock(store->lock_fd, LOCK_EX | LOCK_NB)) != 0
                     && errno == EWOULDBLOCK && waited < LOCK_WAIT;
         waited += LOCK_PAUSE)
    {
        (void) usleep(LOCK_PAUSE * 1000);
    }

    if (rc != 0) {
        store_close(store);
        return faas_err_set(err, errno, "another scaler uses the state folder "
                            "%.150s: stop it, or give this one a --state-dir "
                            "of its own", store->dir);
    }

    return 0;
}


/*
 * The folder lets in the scaler's user and, by its group, the gateway's.
 */
static int
admit_user(const struct store *store, const char *user, struct faas_err *err)
{
    char            path[PATH_MAX];
    struct passwd  *pw;

    if (user[0] == '\0') {
        return 0;
    }

    pw = getpwnam(user);

    if (pw == NULL) {
        return faas_err_set(err, 0, "--gateway-user: there is no user "
                            "\"%.80s\"", user);
    }

    (void) snprintf(path, sizeof(path), "%.3500s/s", store->dir);

    if (chown(path, (uid_t) -1, pw->pw_gid) != 0 || chmod(path, 0750) != 0
        || chmod(store->dir, 0711) != 0)
    {
        return faas_err_set(err, errno, "--gateway-user: cannot let \"%.80s\" "
                            "into %.100s: %s", user, path, strerror(errno));
    }

    return 0;
}


static struct spec *
load_file(struct store *store, const char *name,
    const struct scale_config *config, struct faas_err *err)
{
    char             path[PATH_MAX];
    struct spec     *spec;
    struct faas_buf  buf;

    spec = NULL;
    faas_buf_init(&buf, FILE_MAX_BYTES);

    (void) snprintf(path, sizeof(path), "%.3500s/functions/%s", store->dir,
                    name);

    if (disk_read(path, &buf, err) == 0) {
        spec = spec_decode(buf.data, buf.len, config, err);
    }

    if (spec != NULL && strcmp(spec->key, name) != 0) {
        (void) faas_err_set(err, 0, "it is of another function, %s",
                            spec->key);
        spec_free(spec);
        spec = NULL;
    }

    faas_buf_done(&buf);

    return spec;
}


/*
 * Without the file, or one that holds nothing of the kind, it gets a new one.
 */
static int
read_id(struct store *store, struct faas_err *err)
{
    int              rc;
    char             path[PATH_MAX];
    struct faas_buf  buf;

    faas_buf_init(&buf, FILE_MAX_BYTES);
    folder_of(store, "id", path);
    rc = disk_read(path, &buf, err);

    if (rc == 0 && buf.len == FAAS_UUID_LEN + 1
        && strspn(buf.data, "0123456789abcdef-") == FAAS_UUID_LEN)
    {
        memcpy(store->id, buf.data, FAAS_UUID_LEN);
        store->id[FAAS_UUID_LEN] = '\0';

    } else if (rc == 0 || err->code == ENOENT) {
        rc = make_id(store, err);
    }

    faas_buf_done(&buf);

    return rc;
}


static int
make_id(struct store *store, struct faas_err *err)
{
    char                text[FAAS_UUID_LEN + 2];
    struct faas_random  random;

    if (faas_random_seed(&random) != 0) {
        return faas_err_set(err, 0, "getrandom() fails");
    }

    faas_uuid_encode(faas_random_next(&random), faas_random_next(&random),
                     store->id);
    (void) snprintf(text, sizeof(text), "%s\n", store->id);

    return disk_replace(store->dir, "id", text, FAAS_UUID_LEN + 1, err);
}


/*
 * Without the file none has been given.
 */
static int
read_numbers(struct store *store, struct faas_err *err)
{
    int              rc;
    char             path[PATH_MAX];
    uint64_t         number;
    struct faas_buf  buf;

    number = 0;
    faas_buf_init(&buf, FILE_MAX_BYTES);
    folder_of(store, "numbers", path);
    rc = disk_read(path, &buf, err);

    if (rc != 0 && err->code == ENOENT) {
        rc = 0;

    } else if (rc == 0 && buf.len != 0
               && faas_parse_uint(buf.data, buf.len - 1, 0, NUMBERS_MAX,
                                  &number)
                  != 0)
    {
        rc = faas_err_set(err, 0, "%.150s holds no number: stop all gateways "
                          "and remove it", path);
    }

    faas_buf_done(&buf);

    store->number = number;
    store->reserved = number;
    store->reserving = number + NUMBERS_BLOCK;

    if (rc == 0) {
        rc = reserve(store, err);
        on_reserved(store, err);
    }

    return rc;
}


/*
 * In the worker's thread, but at the start.
 */
static int
reserve(void *arg, struct faas_err *err)
{
    int            n;
    char           text[32];
    struct store  *store;

    store = arg;

    if (store->reserving > NUMBERS_MAX) {
        return faas_err_set(err, 500, "all numbers of replicas have been "
                            "used, empty the state folder");
    }

    n = snprintf(text, sizeof(text), "%" PRIu64 "\n", store->reserving);
    err->code = 0;

    return disk_replace(store->dir, "numbers", text, (size_t) n, err);
}


static void
on_reserved(void *arg, struct faas_err *err)
{
    struct store  *store;

    store = arg;

    if (err->code == 0) {
        store->reserved = store->reserving;

    } else {
        faas_log(FAAS_LOG_ERROR, "cannot reserve numbers of replicas "
                 "error=\"%s\"", err->text);
    }

    store->reserving = 0;
}


/*
 * NAME.NAMESPACE; neither our temporary file nor one that was set aside.
 */
static int
is_key(const char *name)
{
    size_t             len;
    struct faas_name   parsed;

    len = strlen(name);

    if (len > 4 && strcmp(name + len - 4, ".bad") == 0) {
        return 0;
    }

    return faas_name_parse(name, len, &parsed) == 0
           && parsed.name_len + 1 + parsed.ns_len == len;
}

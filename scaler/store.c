/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The state folder.
 */

#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
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


#define FILE_MAX_BYTES  (16 * 1024 * 1024)
#define TREE_DEPTH_FDS  16
#define LOCK_WAIT       1000            /* msec */
#define LOCK_PAUSE      20              /* msec */
#define NUMBERS_BLOCK   1000            /* reserved at a time */
#define NUMBERS_MAX     9999999999ULL   /* ten digits, see STATE_DIR_MAX */


static int make_dir(const struct store *store, const char *name, mode_t mode,
    struct faas_err *err);
static int take_lock(struct store *store, struct faas_err *err);
static int admit_user(const struct store *store, const char *user,
    struct faas_err *err);
static int remove_entry(const char *path, const struct stat *st, int type,
    struct FTW *ftw);
static struct spec *load_file(struct store *store, const char *name,
    uint64_t max_replicas, struct faas_err *err);
static int read_file(const char *path, struct faas_buf *buf,
    struct faas_err *err);
static int write_file(const char *path, const char *text,
    struct faas_err *err);
static int replace_file(const struct store *store, const char *folder,
    const char *name, const char *text, struct faas_err *err);
static int sync_dir(const struct store *store, const char *folder,
    struct faas_err *err);
static int read_numbers(struct store *store, struct faas_err *err);
static int is_key(const char *name);


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

    /* what replicas of a scaler that was killed have left */

    (void) snprintf(path, sizeof(path), "%.3500s/s", store->dir);
    store_remove_tree(path);
    (void) snprintf(path, sizeof(path), "%.3500s/tmp", store->dir);
    store_remove_tree(path);

    if (read_numbers(store, err) != 0
        || make_dir(store, "functions", 0700, err) != 0
        || make_dir(store, "logs", 0700, err) != 0
        || make_dir(store, "tmp", 0700, err) != 0
        || make_dir(store, "s", 0700, err) != 0
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
store_load(struct store *store, uint64_t max_replicas,
    void (*each)(void *arg, struct spec *spec), void *arg,
    struct faas_err *err)
{
    DIR             *dir;
    char             path[PATH_MAX], bad[PATH_MAX];
    struct spec     *spec;
    struct dirent   *entry;
    struct faas_err  file_err;

    (void) snprintf(path, sizeof(path), "%.3500s/functions", store->dir);

    dir = opendir(path);

    if (dir == NULL) {
        return faas_err_set(err, errno, "cannot read %.150s: %s", path,
                            strerror(errno));
    }

    while ((entry = readdir(dir)) != NULL) {

        if (!is_key(entry->d_name)) {
            continue;
        }

        spec = load_file(store, entry->d_name, max_replicas, &file_err);

        if (spec != NULL) {
            each(arg, spec);
            continue;
        }

        (void) snprintf(path, sizeof(path), "%.3500s/functions/%s",
                        store->dir, entry->d_name);
        (void) snprintf(bad, sizeof(bad), "%.4000s.bad", path);

        faas_log(FAAS_LOG_ERROR, "specification cannot be read, setting it "
                 "aside as %s: %s", bad, file_err.text);

        if (rename(path, bad) != 0) {
            faas_log(FAAS_LOG_ERROR, "cannot rename, it stays error=\"%s\"",
                     strerror(errno));
        }
    }

    (void) closedir(dir);

    return 0;
}


int
store_save(struct store *store, const struct spec *spec,
    struct faas_err *err)
{
    int    rc;
    char  *text;

    text = spec_encode(spec);

    if (text == NULL) {
        return faas_err_set(err, 500, "no memory");
    }

    rc = replace_file(store, "functions", spec->key, text, err);
    free(text);

    return rc;
}


int
store_delete(struct store *store, const char *key, struct faas_err *err)
{
    char  path[PATH_MAX];

    (void) snprintf(path, sizeof(path), "%.3500s/functions/%s", store->dir,
                    key);

    if (unlink(path) != 0 && errno != ENOENT) {
        return faas_err_set(err, 500, "cannot remove %.150s: %s", path,
                            strerror(errno));
    }

    return sync_dir(store, "functions", err);
}


int
store_number(struct store *store, uint64_t *number, struct faas_err *err)
{
    char  text[32];

    if (store->number + 1 >= store->reserved) {

        if (store->number >= NUMBERS_MAX - NUMBERS_BLOCK) {
            return faas_err_set(err, 500, "all numbers of replicas have been "
                                "used, empty the state folder");
        }

        (void) snprintf(text, sizeof(text), "%" PRIu64 "\n",
                        store->number + 1 + NUMBERS_BLOCK);

        if (replace_file(store, ".", "numbers", text, err) != 0) {
            return -1;
        }

        store->reserved = store->number + 1 + NUMBERS_BLOCK;
    }

    *number = ++store->number;

    return 0;
}


void
store_remove_tree(const char *path)
{
    if (nftw(path, remove_entry, TREE_DEPTH_FDS, FTW_DEPTH | FTW_PHYS) != 0
        && errno != ENOENT)
    {
        faas_log(FAAS_LOG_WARN, "cannot remove a folder, it stays path=%s "
                 "error=\"%s\"", path, strerror(errno));
    }
}


static int
make_dir(const struct store *store, const char *name, mode_t mode,
    struct faas_err *err)
{
    char  path[PATH_MAX];

    (void) snprintf(path, sizeof(path), "%.3500s/%s", store->dir, name);

    if ((mkdir(path, mode) != 0 && errno != EEXIST)
        || chmod(path, mode) != 0)
    {
        return faas_err_set(err, errno, "cannot make %.150s: %s", path,
                            strerror(errno));
    }

    return 0;
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


static int
remove_entry(const char *path, const struct stat *st, int type,
    struct FTW *ftw)
{
    (void) st;
    (void) type;
    (void) ftw;

    return remove(path);
}


static struct spec *
load_file(struct store *store, const char *name, uint64_t max_replicas,
    struct faas_err *err)
{
    char             path[PATH_MAX];
    struct spec     *spec;
    struct faas_buf  buf;

    spec = NULL;
    faas_buf_init(&buf, FILE_MAX_BYTES);

    (void) snprintf(path, sizeof(path), "%.3500s/functions/%s", store->dir,
                    name);

    if (read_file(path, &buf, err) == 0) {
        spec = spec_decode(buf.data, buf.len, max_replicas, err);
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


static int
read_file(const char *path, struct faas_buf *buf, struct faas_err *err)
{
    int      fd;
    char     part[4096];
    ssize_t  n;

    fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd == -1) {
        return faas_err_set(err, errno, "%s", strerror(errno));
    }

    do {
        n = read(fd, part, sizeof(part));
    } while (n > 0 && faas_buf_add(buf, part, (size_t) n) == 0);

    (void) close(fd);

    if (n != 0) {
        return faas_err_set(err, errno, n < 0 ? "cannot be read"
                                              : "is too large");
    }

    return 0;
}


static int
write_file(const char *path, const char *text, struct faas_err *err)
{
    int      fd;
    size_t   len, done;
    ssize_t  n;

    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd == -1) {
        return faas_err_set(err, 500, "cannot write %.150s: %s", path,
                            strerror(errno));
    }

    len = strlen(text);

    for (done = 0; done < len; done += (size_t) n) {
        n = write(fd, text + done, len - done);

        if (n <= 0) {
            break;
        }
    }

    if (done < len || fsync(fd) != 0) {
        (void) faas_err_set(err, 500, "cannot write %.150s: %s", path,
                            strerror(errno));
        (void) close(fd);
        (void) unlink(path);
        return -1;
    }

    return close(fd) == 0 ? 0 : faas_err_set(err, 500, "cannot write %.150s: "
                                             "%s", path, strerror(errno));
}


/*
 * A file is replaced as a whole, and safe on disk.
 */
static int
replace_file(const struct store *store, const char *folder, const char *name,
    const char *text, struct faas_err *err)
{
    char  path[PATH_MAX], temporary[PATH_MAX];

    (void) snprintf(path, sizeof(path), "%.3500s/%s/%s", store->dir, folder,
                    name);
    (void) snprintf(temporary, sizeof(temporary), "%.3500s/%s/.new",
                    store->dir, folder);

    if (write_file(temporary, text, err) != 0) {
        return -1;
    }

    if (rename(temporary, path) != 0) {
        return faas_err_set(err, 500, "cannot rename to %.150s: %s", path,
                            strerror(errno));
    }

    return sync_dir(store, folder, err);
}


static int
sync_dir(const struct store *store, const char *folder, struct faas_err *err)
{
    int   fd, rc;
    char  path[PATH_MAX];

    (void) snprintf(path, sizeof(path), "%.3500s/%s", store->dir, folder);

    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    rc = fd != -1 ? fsync(fd) : -1;

    if (rc != 0) {
        (void) faas_err_set(err, 500, "cannot sync %.150s: %s", path,
                            strerror(errno));
    }

    if (fd != -1) {
        (void) close(fd);
    }

    return rc;
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
    struct stat      st;
    struct faas_buf  buf;

    number = 0;
    faas_buf_init(&buf, FILE_MAX_BYTES);

    (void) snprintf(path, sizeof(path), "%.3500s/numbers", store->dir);

    rc = lstat(path, &st) != 0 && errno == ENOENT
         ? 0 : read_file(path, &buf, err);

    if (rc != 0) {
        rc = faas_err_prefix(err, "cannot read %.150s", path);

    } else if (buf.len != 0
               && faas_parse_uint(buf.data, buf.len - 1, 0, NUMBERS_MAX,
                                  &number)
                  != 0)
    {
        rc = faas_err_set(err, 0, "%.150s holds no number: stop all gateways "
                          "and remove it", path);
    }

    faas_buf_done(&buf);

    store->number = number;
    store->reserved = 0;

    return rc;
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

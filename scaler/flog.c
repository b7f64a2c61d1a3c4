/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a function's replicas print, in files.
 */

#include "flog.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/faas_log.h"

#include "clock.h"
#include "store.h"


#define SUFFIX      ".log"
#define SUFFIX_OLD  ".log.1"


static int is_set_aside(const struct flog_store *store, const char *key);
static void load_file(struct flog *flog, int dir_fd, const char *name);
static int parse_name(const char *name, char *id, int *is_old);
static void close_watches(struct flog *flog);
static struct flog_file *find(const struct flog *flog, const char *id,
    int is_old);
static struct flog_file *file_new(struct flog *flog, const char *id);
static void file_drop(struct flog *flog, struct flog_file *file);
static void file_leave(struct flog *flog, struct flog_file *file);
static uint64_t share(const struct flog *flog);
static void rotate(struct flog *flog, struct flog_file *file);
static void make_room(struct flog *flog, const struct flog_file *file,
    size_t len);
static void drop_gone(struct flog *flog);
static struct flog_file *oldest(const struct flog *flog,
    const struct flog_file *except, int is_gone_only);
static int open_for_writing(const struct flog_file *file);
static struct flog_file *in_step(struct flog *flog, struct flog_file *file,
    int fd);
static int write_lines(const struct flog_file *file, int fd,
    const char *lines, size_t len);
static void report(struct flog *flog, int error);
static void folder_path(const struct flog *flog, char *path, size_t size);
static void file_path(const struct flog_file *file, char *path, size_t size);


void
flog_store_init(struct flog_store *store, const char *dir, uint64_t max)
{
    memset(store, 0, sizeof(*store));
    store->dir = dir;
    store->max = max;
}


void
flog_store_clean(const struct flog_store *store,
    int (*is_known)(void *arg, const char *key), void *arg)
{
    DIR            *dir;
    char            path[PATH_MAX];
    const char     *name;
    struct dirent  *entry;

    (void) snprintf(path, sizeof(path), "%.3500s/logs", store->dir);

    dir = opendir(path);

    if (dir == NULL) {
        faas_log(FAAS_LOG_WARN, "cannot read a folder, what is left over in "
                 "it stays path=%s error=\"%s\"", path, strerror(errno));
        return;
    }

    while ((entry = readdir(dir)) != NULL) {
        name = entry->d_name;

        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0
            || is_known(arg, name) || is_set_aside(store, name))
        {
            continue;
        }

        (void) snprintf(path, sizeof(path), "%.3500s/logs/%s", store->dir,
                        name);
        store_remove_tree(path);
    }

    (void) closedir(dir);
}


void
flog_init(struct flog *flog, struct flog_store *store, const char *key)
{
    memset(flog, 0, sizeof(*flog));
    flog->store = store;
    (void) snprintf(flog->key, sizeof(flog->key), "%s", key);
    TAILQ_INIT(&flog->files);
    TAILQ_INIT(&flog->watches);
}


void
flog_load(struct flog *flog)
{
    DIR            *dir;
    char            path[PATH_MAX];
    struct dirent  *entry;

    folder_path(flog, path, sizeof(path));

    dir = opendir(path);

    if (dir == NULL) {
        if (errno != ENOENT) {
            faas_log(FAAS_LOG_WARN, "cannot read a function's logs, going on "
                     "without path=%s error=\"%s\"", path, strerror(errno));
        }

        return;
    }

    while ((entry = readdir(dir)) != NULL) {
        load_file(flog, dirfd(dir), entry->d_name);
    }

    (void) closedir(dir);

    /* the settings may have been lowered since */

    drop_gone(flog);
    make_room(flog, NULL, 0);
}


void
flog_done(struct flog *flog)
{
    struct flog_file  *file;

    close_watches(flog);

    while ((file = TAILQ_FIRST(&flog->files)) != NULL) {
        file_leave(flog, file);
    }
}


void
flog_remove(struct flog *flog)
{
    char               path[PATH_MAX];
    struct flog_file  *file;

    close_watches(flog);

    while ((file = TAILQ_FIRST(&flog->files)) != NULL) {
        file_drop(flog, file);
    }

    /* another function of the name may have files in it by now */

    folder_path(flog, path, sizeof(path));

    if (rmdir(path) != 0 && errno != ENOENT && errno != ENOTEMPTY) {
        faas_log(FAAS_LOG_WARN, "cannot remove a folder, it stays until the "
                 "next start path=%s error=\"%s\"", path, strerror(errno));
    }
}


void
flog_append(struct flog *flog, const char *id, const char *lines, size_t len)
{
    int                 fd;
    struct timespec     now;
    struct flog_file   *file;
    struct flog_watch  *watch, *next;

    file = find(flog, id, 0);

    if (file != NULL && file->size != 0 && file->size + len > share(flog)) {
        rotate(flog, file);
        file = NULL;
    }

    if (file == NULL) {
        file = file_new(flog, id);
    }

    fd = file != NULL ? open_for_writing(file) : -1;
    file = fd != -1 ? in_step(flog, file, fd) : NULL;

    if (file != NULL) {
        make_room(flog, file, len);
    }

    if (file == NULL || write_lines(file, fd, lines, len) != 0) {
        report(flog, errno);
        file = NULL;
    }

    if (fd != -1) {
        (void) close(fd);
    }

    if (file == NULL) {
        return;
    }

    (void) clock_gettime(CLOCK_REALTIME, &now);

    file->written = (uint64_t) now.tv_sec * 1000000000
                    + (uint64_t) now.tv_nsec;
    file->size += len;
    flog->size += len;
    flog->store->is_failing = 0;

    for (watch = TAILQ_FIRST(&flog->watches); watch != NULL; watch = next) {
        next = TAILQ_NEXT(watch, link);
        watch->appended(watch->arg);
    }
}


void
flog_forget(struct flog *flog, const char *id)
{
    struct flog_file  *file, *next;

    for (file = TAILQ_FIRST(&flog->files); file != NULL; file = next) {
        next = TAILQ_NEXT(file, link);

        if (strcmp(file->id, id) != 0) {
            continue;
        }

        file->is_gone = 1;

        if (file->size == 0) {
            file_drop(flog, file);
        }
    }

    drop_gone(flog);
}


void
flog_watch(struct flog *flog, struct flog_watch *watch)
{
    TAILQ_INSERT_TAIL(&flog->watches, watch, link);
}


void
flog_unwatch(struct flog *flog, struct flog_watch *watch)
{
    TAILQ_REMOVE(&flog->watches, watch, link);
}


struct flog_file *
flog_file_get(struct flog_file *file)
{
    file->refs++;

    return file;
}


void
flog_file_put(struct flog_file *file)
{
    if (--file->refs == 0) {
        free(file);
    }
}


int
flog_file_is_open(const struct flog_file *file)
{
    return !file->is_old && !file->is_gone && !file->is_dropped;
}


ssize_t
flog_file_read(const struct flog_file *file, char *dst, size_t len,
    uint64_t offset)
{
    int      fd, saved;
    char     path[PATH_MAX];
    ssize_t  n;

    if (file->is_dropped) {
        return 0;
    }

    file_path(file, path, sizeof(path));

    fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

    if (fd == -1) {
        return errno == ENOENT ? 0 : -1;
    }

    n = pread(fd, dst, len, (off_t) offset);

    saved = errno;
    (void) close(fd);
    errno = saved;

    return n;
}


/*
 * What a function printed may tell how its specification was damaged.
 */
static int
is_set_aside(const struct flog_store *store, const char *key)
{
    char  path[PATH_MAX];

    (void) snprintf(path, sizeof(path), "%.3500s/functions/%s.bad",
                    store->dir, key);

    return access(path, F_OK) == 0;
}


static void
load_file(struct flog *flog, int dir_fd, const char *name)
{
    int                is_old;
    char               id[FAAS_REPLICA_ID_MAX + 1];
    struct stat        st;
    struct flog_file  *file;

    if (parse_name(name, id, &is_old) != 0
        || fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0
        || !S_ISREG(st.st_mode))
    {
        return;
    }

    file = file_new(flog, id);

    if (file == NULL) {
        faas_log(FAAS_LOG_WARN, "no memory for a function's log, going on "
                 "without function=%s file=%s", flog->key, name);
        return;
    }

    file->is_old = is_old;
    file->is_gone = 1;
    file->size = (uint64_t) st.st_size;
    file->written = (uint64_t) st.st_mtim.tv_sec * 1000000000
                    + (uint64_t) st.st_mtim.tv_nsec;
    flog->size += file->size;

    if (file->size == 0) {
        file_drop(flog, file);
    }
}


/*
 * Returns 0 for ID.log and ID.log.1.
 */
static int
parse_name(const char *name, char *id, int *is_old)
{
    size_t       len;
    const char  *suffix;

    suffix = strrchr(name, '.');

    if (suffix == NULL) {
        return -1;
    }

    len = (size_t) (suffix - name);
    *is_old = strcmp(suffix, ".1") == 0;

    if (*is_old) {
        len = strlen(name) >= strlen(SUFFIX_OLD)
              ? strlen(name) - strlen(SUFFIX_OLD) : 0;
    }

    if (len == 0 || len > FAAS_REPLICA_ID_MAX
        || strcmp(name + len, *is_old ? SUFFIX_OLD : SUFFIX) != 0)
    {
        return -1;
    }

    memcpy(id, name, len);
    id[len] = '\0';

    return 0;
}


static void
close_watches(struct flog *flog)
{
    struct flog_watch  *watch;

    while ((watch = TAILQ_FIRST(&flog->watches)) != NULL) {
        watch->closing(watch->arg);
    }
}


static struct flog_file *
find(const struct flog *flog, const char *id, int is_old)
{
    struct flog_file  *file;

    TAILQ_FOREACH_REVERSE(file, &flog->files, flog_files, link) {
        if (file->is_old == is_old && !file->is_gone
            && strcmp(file->id, id) == 0)
        {
            return file;
        }
    }

    return NULL;
}


static struct flog_file *
file_new(struct flog *flog, const char *id)
{
    struct flog_file  *file;

    file = calloc(1, sizeof(*file));

    if (file == NULL) {
        return NULL;
    }

    (void) snprintf(file->id, sizeof(file->id), "%s", id);
    file->flog = flog;
    file->refs = 1;
    file->serial = ++flog->serial;
    TAILQ_INSERT_TAIL(&flog->files, file, link);

    return file;
}


static void
file_drop(struct flog *flog, struct flog_file *file)
{
    char  path[PATH_MAX];

    file_path(file, path, sizeof(path));

    if (unlink(path) != 0 && errno != ENOENT) {
        faas_log(FAAS_LOG_WARN, "cannot remove a file, it stays until the "
                 "function is deleted path=%s error=\"%s\"", path,
                 strerror(errno));
    }

    file_leave(flog, file);
}


/*
 * Off the list; on disk it is as it is.
 */
static void
file_leave(struct flog *flog, struct flog_file *file)
{
    TAILQ_REMOVE(&flog->files, file, link);
    flog->size -= file->size;
    file->is_dropped = 1;
    flog_file_put(file);
}


/*
 * Bytes that a file may have.
 */
static uint64_t
share(const struct flog *flog)
{
    uint64_t                 n;
    const struct flog_file  *file;

    n = 0;

    TAILQ_FOREACH(file, &flog->files, link) {
        n += (uint64_t) flog_file_is_open(file);
    }

    return flog->store->max / 2 / (n != 0 ? n : 1);
}


static void
rotate(struct flog *flog, struct flog_file *file)
{
    char               path[PATH_MAX], to[PATH_MAX];
    struct flog_file  *old;

    old = find(flog, file->id, 1);

    if (old != NULL) {
        file_drop(flog, old);
    }

    file_path(file, path, sizeof(path));
    file->is_old = 1;
    file_path(file, to, sizeof(to));

    if (rename(path, to) != 0) {
        file->is_old = 0;
        file_drop(flog, file);
    }
}


/*
 * For len bytes in this file; NULL: in none.
 */
static void
make_room(struct flog *flog, const struct flog_file *file, size_t len)
{
    struct flog_file  *victim;

    while (flog->size + len > flog->store->max) {
        victim = oldest(flog, file, 0);

        if (victim == NULL) {
            return;
        }

        file_drop(flog, victim);
    }
}


static void
drop_gone(struct flog *flog)
{
    uint64_t                 n;
    const struct flog_file  *file;

    n = 0;

    TAILQ_FOREACH(file, &flog->files, link) {
        n += (uint64_t) file->is_gone;
    }

    for ( /* void */ ; n > FLOG_GONE_MAX; n--) {
        file_drop(flog, oldest(flog, NULL, 1));
    }
}


static struct flog_file *
oldest(const struct flog *flog, const struct flog_file *except,
    int is_gone_only)
{
    struct flog_file  *file, *found;

    found = NULL;

    TAILQ_FOREACH(file, &flog->files, link) {
        if (file != except && (file->is_gone || !is_gone_only)
            && (found == NULL || file->written < found->written))
        {
            found = file;
        }
    }

    return found;
}


static int
open_for_writing(const struct flog_file *file)
{
    int   fd, flags;
    char  path[PATH_MAX];

    file_path(file, path, sizeof(path));
    flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC;

    fd = open(path, flags, 0600);

    if (fd != -1 || errno != ENOENT) {
        return fd;
    }

    folder_path(file->flog, path, sizeof(path));

    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        return -1;
    }

    file_path(file, path, sizeof(path));

    return open(path, flags, 0600);
}


/*
 * Somebody who wanted the space may have emptied or removed the file: then it
 * is another one to those who read it.
 */
static struct flog_file *
in_step(struct flog *flog, struct flog_file *file, int fd)
{
    struct stat        st;
    struct flog_file  *other;

    if (fstat(fd, &st) != 0 || (uint64_t) st.st_size == file->size) {
        return file;
    }

    other = file_new(flog, file->id);

    if (other == NULL) {
        errno = ENOMEM;
        return NULL;
    }

    other->size = (uint64_t) st.st_size;
    other->written = file->written;
    flog->size += other->size;
    file_leave(flog, file);

    return other;
}


/*
 * All of them or, on disk, none.  Returns 0, or -1 with errno.
 */
static int
write_lines(const struct flog_file *file, int fd, const char *lines,
    size_t len)
{
    int      error;
    size_t   done;
    ssize_t  n;

    n = 0;

    for (done = 0; done < len; done += (size_t) n) {
        n = write(fd, lines + done, len - done);

        if (n <= 0) {
            break;
        }
    }

    if (done == len) {
        return 0;
    }

    error = n < 0 ? errno : ENOSPC;

    if (done != 0 && ftruncate(fd, (off_t) file->size) != 0) {
        faas_log(FAAS_LOG_WARN, "cannot take back half a line, it stays "
                 "replica=%s error=\"%s\"", file->id, strerror(errno));
    }

    errno = error;

    return -1;
}


/*
 * Once, whatever is lost and of how many functions.
 */
static void
report(struct flog *flog, int error)
{
    uint64_t            now;
    struct flog_store  *store;

    now = clock_now_ms();
    store = flog->store;

    if (!store->is_failing
        && (store->reported_ms == 0
            || now - store->reported_ms >= FLOG_REPORT_PAUSE))
    {
        faas_log(FAAS_LOG_WARN, "cannot write what functions print, lines are "
                 "lost until that is mended function=%s error=\"%s\"",
                 flog->key, strerror(error));
        store->reported_ms = now;
    }

    store->is_failing = 1;
}


static void
folder_path(const struct flog *flog, char *path, size_t size)
{
    (void) snprintf(path, size, "%.3500s/logs/%s", flog->store->dir,
                    flog->key);
}


static void
file_path(const struct flog_file *file, char *path, size_t size)
{
    (void) snprintf(path, size, "%.3500s/logs/%s/%s%s",
                    file->flog->store->dir, file->flog->key, file->id,
                    file->is_old ? SUFFIX_OLD : SUFFIX);
}

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
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/clock.h"
#include "lib/faas_log.h"

#include "disk.h"


static int is_set_aside(const struct flog_store *store, const char *key);
static void load_file(struct flog *flog, int dir_fd, const char *name);
static void mark(struct flog *flog, const char *id, int is_gone);
static void close_watches(struct flog *flog);
static struct flog_file *find(const struct flog *flog, const char *id,
    int is_old);
static struct flog_file *file_add(struct flog *flog, const char *id);
static void file_drop(struct flog *flog, struct flog_file *file);
static void file_leave(struct flog *flog, struct flog_file *file);
static uint64_t share(const struct flog *flog);
static void rotate(struct flog *flog, struct flog_file *file);
static void make_room(struct flog *flog, const struct flog_file *file,
    size_t len);
static void drop_gone(struct flog *flog);
static struct flog_file *oldest(const struct flog *flog,
    const struct flog_file *except, int is_gone_only);
static struct flog_file *in_step(struct flog *flog, struct flog_file *file,
    int fd);
static void report(struct flog *flog, int error);


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

        if (disk_remove_tree(path) != 0) {
            faas_log(FAAS_LOG_WARN, "cannot remove what is left over of a "
                     "log, it stays path=%s error=\"%s\"", path,
                     strerror(errno));
        }
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

    flog_folder(flog, path, sizeof(path));

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
}


void
flog_adopt(struct flog *flog, const char *id)
{
    mark(flog, id, 0);
}


/*
 * The settings may have been lowered since.
 */
void
flog_trim(struct flog *flog)
{
    drop_gone(flog);
    make_room(flog, NULL, 0);
}


void
flog_done(struct flog *flog)
{
    struct flog_file  *file, *next;

    close_watches(flog);

    for (file = TAILQ_FIRST(&flog->files); file != NULL; file = next) {
        next = TAILQ_NEXT(file, link);
        file_leave(flog, file);
    }
}


void
flog_remove(struct flog *flog)
{
    char               path[PATH_MAX];
    struct flog_file  *file, *next;

    close_watches(flog);

    for (file = TAILQ_FIRST(&flog->files); file != NULL; file = next) {
        next = TAILQ_NEXT(file, link);
        file_drop(flog, file);
    }

    /* another function of the name may have files in it by now */

    flog_folder(flog, path, sizeof(path));

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
        file = file_add(flog, id);
    }

    fd = file != NULL ? flog_file_open(file) : -1;
    file = fd != -1 ? in_step(flog, file, fd) : NULL;

    if (file != NULL) {
        make_room(flog, file, len);
    }

    if (file == NULL || flog_file_write(file, fd, lines, len) != 0) {
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
    mark(flog, id, 1);
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

    if (flog_file_parse(name, id, &is_old) != 0
        || fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0
        || !S_ISREG(st.st_mode))
    {
        return;
    }

    file = file_add(flog, id);

    if (file == NULL) {
        faas_log(FAAS_LOG_WARN, "no memory for a function's log, going on "
                 "without function=%s file=%s", flog->key, name);
        return;
    }

    file->is_old = is_old;
    file->is_gone = 1;
    file->size = (uint64_t) st.st_size;
    flog_file_mend(file);
    file->written = (uint64_t) st.st_mtim.tv_sec * 1000000000
                    + (uint64_t) st.st_mtim.tv_nsec;
    flog->size += file->size;

    if (file->size == 0) {
        file_drop(flog, file);
    }
}


static void
mark(struct flog *flog, const char *id, int is_gone)
{
    struct flog_file  *file;

    TAILQ_FOREACH(file, &flog->files, link) {
        if (strcmp(file->id, id) == 0) {
            file->is_gone = is_gone;
        }
    }
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
file_add(struct flog *flog, const char *id)
{
    struct flog_file  *file;

    file = flog_file_new(flog, id);

    if (file != NULL) {
        file->serial = ++flog->serial;
        TAILQ_INSERT_TAIL(&flog->files, file, link);
    }

    return file;
}


static void
file_drop(struct flog *flog, struct flog_file *file)
{
    flog_file_unlink(file);
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
    struct flog_file  *old;

    old = find(flog, file->id, 1);

    if (old != NULL) {
        file_drop(flog, old);
    }

    if (flog_file_rename(file) != 0) {
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

    other = file_add(flog, file->id);

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

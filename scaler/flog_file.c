/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * One file of a function's log.
 */

#include "flog_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/faas_log.h"

#include "flog.h"


#define SUFFIX      ".log"
#define SUFFIX_OLD  ".log.1"


static void make_path(const struct flog_file *file, char *path, size_t size);


struct flog_file *
flog_file_new(const struct flog *flog, const char *id)
{
    struct flog_file  *file;

    file = calloc(1, sizeof(*file));

    if (file == NULL) {
        return NULL;
    }

    (void) snprintf(file->id, sizeof(file->id), "%s", id);
    file->flog = flog;
    file->refs = 1;

    return file;
}


int
flog_file_parse(const char *name, char *id, int *is_old)
{
    size_t       len, suffix_len;
    const char  *suffix;

    len = strlen(name);
    *is_old = len > 2 && strcmp(name + len - 2, ".1") == 0;
    suffix = *is_old ? SUFFIX_OLD : SUFFIX;
    suffix_len = strlen(suffix);

    if (len <= suffix_len || len - suffix_len > FAAS_REPLICA_ID_MAX
        || strcmp(name + len - suffix_len, suffix) != 0)
    {
        return -1;
    }

    memcpy(id, name, len - suffix_len);
    id[len - suffix_len] = '\0';

    return 0;
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

    make_path(file, path, sizeof(path));

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


int
flog_file_rename(struct flog_file *file)
{
    char  path[PATH_MAX], to[PATH_MAX];

    make_path(file, path, sizeof(path));
    file->is_old = 1;
    make_path(file, to, sizeof(to));

    if (rename(path, to) != 0) {
        file->is_old = 0;
        return -1;
    }

    return 0;
}


void
flog_file_unlink(const struct flog_file *file)
{
    char  path[PATH_MAX];

    make_path(file, path, sizeof(path));

    if (unlink(path) != 0 && errno != ENOENT) {
        faas_log(FAAS_LOG_WARN, "cannot remove a file, it stays until the "
                 "function is deleted path=%s error=\"%s\"", path,
                 strerror(errno));
    }
}


int
flog_file_open(const struct flog_file *file)
{
    int   fd, flags;
    char  path[PATH_MAX];

    make_path(file, path, sizeof(path));
    flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC;

    fd = open(path, flags, 0600);

    if (fd != -1 || errno != ENOENT) {
        return fd;
    }

    flog_folder(file->flog, path, sizeof(path));

    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        return -1;
    }

    make_path(file, path, sizeof(path));

    return open(path, flags, 0600);
}


int
flog_file_write(const struct flog_file *file, int fd, const char *lines,
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


void
flog_file_mend(struct flog_file *file)
{
    int   fd;
    char  last;

    if (file->size == 0
        || flog_file_read(file, &last, 1, file->size - 1) != 1
        || last == '\n')
    {
        return;
    }

    fd = flog_file_open(file);

    if (fd != -1) {
        file->size += write(fd, "\n", 1) == 1;
        (void) close(fd);
    }
}


void
flog_folder(const struct flog *flog, char *path, size_t size)
{
    (void) snprintf(path, size, "%.3500s/logs/%s", flog->store->dir,
                    flog->key);
}


static void
make_path(const struct flog_file *file, char *path, size_t size)
{
    (void) snprintf(path, size, "%.3500s/logs/%s/%s%s",
                    file->flog->store->dir, file->flog->key, file->id,
                    file->is_old ? SUFFIX_OLD : SUFFIX);
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Files that are small and must not be lost.
 */

#include "disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>


#define TEMPORARY  ".new"


static int write_file(const char *path, const void *data, size_t len,
    struct faas_err *err);
static int write_all(int fd, const char *data, size_t len);
static int sync_folder(const char *path, struct faas_err *err);
static int remove_all(int fd, int top);
static int empty_folder(int fd, int top);
static int remove_entry(int fd, int top, const char *name);
static int failed(struct faas_err *err, const char *what, const char *path);


int
disk_read(const char *path, struct faas_buf *buf, struct faas_err *err)
{
    int      fd;
    char     part[4096];
    ssize_t  n;

    fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd == -1) {
        return faas_err_set(err, errno, "cannot open %.150s: %s", path,
                            strerror(errno));
    }

    do {
        n = read(fd, part, sizeof(part));
    } while (n > 0 && faas_buf_add(buf, part, (size_t) n) == 0);

    if (n < 0) {
        (void) faas_err_set(err, errno, "cannot read %.150s: %s", path,
                            strerror(errno));

    } else if (n > 0) {
        (void) faas_err_set(err, EFBIG, "%.150s is larger than %zu bytes",
                            path, buf->max);
    }

    (void) close(fd);

    return n == 0 ? 0 : -1;
}


int
disk_replace(const char *folder, const char *name, const void *data,
    size_t len, struct faas_err *err)
{
    char  path[PATH_MAX], temporary[PATH_MAX];

    (void) snprintf(path, sizeof(path), "%.3500s/%.500s", folder, name);
    (void) snprintf(temporary, sizeof(temporary), "%.3500s/" TEMPORARY,
                    folder);

    if (write_file(temporary, data, len, err) != 0) {
        (void) unlink(temporary);
        return -1;
    }

    if (rename(temporary, path) != 0) {
        (void) failed(err, "rename to", path);
        (void) unlink(temporary);
        return -1;
    }

    return sync_folder(folder, err);
}


int
disk_remove(const char *folder, const char *name, struct faas_err *err)
{
    char  path[PATH_MAX];

    (void) snprintf(path, sizeof(path), "%.3500s/%.500s", folder, name);

    if (unlink(path) != 0 && errno != ENOENT) {
        return failed(err, "remove", path);
    }

    return sync_folder(folder, err);
}


int
disk_make_folder(const char *path, mode_t mode, struct faas_err *err)
{
    char    parent[PATH_MAX];
    char   *slash;

    if (mkdir(path, mode) != 0) {
        return errno == EEXIST && chmod(path, mode) == 0
               ? 0 : failed(err, "make the folder", path);
    }

    (void) snprintf(parent, sizeof(parent), "%.4000s", path);
    slash = strrchr(parent, '/');

    if (slash != NULL && slash != parent) {
        *slash = '\0';
    }

    return sync_folder(slash == NULL ? "." : slash == parent ? "/" : parent,
                       err);
}


/*
 * Who filled the folder may have wanted that nobody can empty it: folders in
 * folders are moved up before they get deeper than a path may be long.
 */
int
disk_remove_tree(const char *path)
{
    int  fd, rc;

    if (unlink(path) == 0 || errno == ENOENT) {
        return 0;
    }

    if (fchmodat(AT_FDCWD, path, 0700, AT_SYMLINK_NOFOLLOW) != 0) {
        return -1;
    }

    fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (fd == -1) {
        return -1;
    }

    rc = remove_all(fd, fd);
    (void) close(fd);

    return rc == 0 ? rmdir(path) : -1;
}


/*
 * What is removed while a folder is read may hide from it what is not.
 */
static int
remove_all(int fd, int top)
{
    int  left;

    do {
        left = empty_folder(fd, top);
    } while (left > 0);

    return left;
}


/*
 * Removes what is in the folder top; of a folder in it what is no folder, the
 * rest is moved to top.  Returns how many entries there were, or -1.
 */
static int
empty_folder(int fd, int top)
{
    int             n, own;
    DIR            *dir;
    struct dirent  *entry;

    own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    dir = own != -1 ? fdopendir(own) : NULL;

    if (dir == NULL) {
        if (own != -1) {
            (void) close(own);
        }

        return -1;
    }

    n = 0;

    while (n >= 0 && (entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0
            && strcmp(entry->d_name, "..") != 0)
        {
            n = remove_entry(fd, top, entry->d_name) == 0 ? n + 1 : -1;
        }
    }

    (void) closedir(dir);

    return n;
}


static int
remove_entry(int fd, int top, const char *name)
{
    int              child, rc;
    char             moved[32];

    static uint64_t  n_moved;   /* of whichever folder: no name comes twice */

    if (unlinkat(fd, name, 0) == 0 || unlinkat(fd, name, AT_REMOVEDIR) == 0) {
        return 0;
    }

    /* for one without privileges, be it to read it or to move it */

    if (fchmodat(fd, name, 0700, AT_SYMLINK_NOFOLLOW) != 0) {
        return -1;
    }

    if (fd != top) {
        do {
            (void) snprintf(moved, sizeof(moved), ".%" PRIu64,
                            __atomic_add_fetch(&n_moved, 1, __ATOMIC_RELAXED));
            rc = (int) syscall(SYS_renameat2, fd, name, top, moved,
                         RENAME_NOREPLACE);
        } while (rc != 0 && errno == EEXIST);

        return rc;
    }

    child = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

    if (child == -1) {
        return -1;
    }

    rc = remove_all(child, top);
    (void) close(child);

    return rc == 0 ? unlinkat(fd, name, AT_REMOVEDIR) : -1;
}


static int
write_file(const char *path, const void *data, size_t len,
    struct faas_err *err)
{
    int  fd;

    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd == -1) {
        return failed(err, "write", path);
    }

    if (write_all(fd, data, len) != 0 || fsync(fd) != 0) {
        (void) failed(err, "write", path);
        (void) close(fd);
        return -1;
    }

    return close(fd) == 0 ? 0 : failed(err, "write", path);
}


static int
write_all(int fd, const char *data, size_t len)
{
    ssize_t  n;

    while (len != 0) {
        n = write(fd, data, len);

        if (n == -1 && errno == EINTR) {
            continue;
        }

        if (n <= 0) {
            return -1;
        }

        data += n;
        len -= (size_t) n;
    }

    return 0;
}


static int
sync_folder(const char *path, struct faas_err *err)
{
    int  fd, rc;

    fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    rc = fd != -1 ? fsync(fd) : -1;

    if (rc != 0) {
        (void) failed(err, "sync", path);
    }

    if (fd != -1) {
        (void) close(fd);
    }

    return rc;
}


/*
 * Returns -1, by errno.
 */
static int
failed(struct faas_err *err, const char *what, const char *path)
{
    int  code;

    code = errno == ENOSPC || errno == EDQUOT ? 507 : 500;

    return faas_err_set(err, code, "cannot %s %.150s: %s", what, path,
                        strerror(errno));
}

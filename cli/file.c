/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Files as a whole.
 */

#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/faas_buf.h"


#define PIECE  65536                /* bytes that are read at a time */


static int write_all(int fd, const char *data, size_t len);


char *
file_read(struct pool *pool, const char *path, size_t max, size_t *len,
    struct faas_err *err)
{
    int    fd;
    char  *text;

    if (strcmp(path, "-") == 0) {
        return file_read_fd(pool, STDIN_FILENO, "standard input", max, len,
                            err);
    }

    fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        (void) faas_err_set(err, errno, "%.160s cannot be read: %s", path,
                            strerror(errno));
        return NULL;
    }

    text = file_read_fd(pool, fd, path, max, len, err);
    (void) close(fd);

    return text;
}


char *
file_read_fd(struct pool *pool, int fd, const char *name, size_t max,
    size_t *len, struct faas_err *err)
{
    char             *text;
    ssize_t           n;
    struct faas_buf   buf;

    /* one more than is allowed shows that there is more */

    faas_buf_init(&buf, max + PIECE);

    do {

        if (faas_buf_reserve(&buf, PIECE) != 0) {
            faas_buf_done(&buf);
            (void) faas_err_set(err, EFBIG, "%.160s: over %zu bytes", name,
                                max);
            return NULL;
        }

        n = read(fd, buf.data + buf.len, PIECE);

        if (n > 0) {
            buf.len += (size_t) n;
        }

    } while ((n > 0 && buf.len <= max) || (n < 0 && errno == EINTR));

    if (n < 0) {
        (void) faas_err_set(err, errno, "%.160s cannot be read: %s", name,
                            strerror(errno));
        faas_buf_done(&buf);
        return NULL;
    }

    if (buf.len > max) {
        (void) faas_err_set(err, EFBIG, "%.160s: over %zu bytes", name, max);
        faas_buf_done(&buf);
        return NULL;
    }

    text = pool_copy(pool, buf.data, buf.len);
    *len = buf.len;
    faas_buf_done(&buf);

    return text;
}


int
file_write(struct pool *pool, const char *path, const char *data, size_t len,
    mode_t mode, struct faas_err *err)
{
    int    fd, rc;
    char  *other;

    other = pool_printf(pool, "%s.XXXXXX", path);
    fd = mkostemp(other, O_CLOEXEC);

    if (fd < 0) {
        return faas_err_set(err, errno, "%.160s cannot be written: %s", path,
                            strerror(errno));
    }

    rc = fchmod(fd, mode) == 0 && write_all(fd, data, len) == 0
         && fsync(fd) == 0 ? 0 : -1;

    if (rc != 0) {
        rc = faas_err_set(err, errno, "%.160s cannot be written: %s", path,
                          strerror(errno));
    }

    if (close(fd) != 0 && rc == 0) {
        rc = faas_err_set(err, errno, "%.160s cannot be written: %s", path,
                          strerror(errno));
    }

    if (rc == 0 && rename(other, path) != 0) {
        rc = faas_err_set(err, errno, "%.160s cannot be written: %s", path,
                          strerror(errno));
    }

    if (rc != 0) {
        (void) unlink(other);
    }

    return rc;
}


mode_t
file_mode(const char *path, mode_t fallback)
{
    struct stat  st;

    return stat(path, &st) == 0 ? st.st_mode & 0777 : fallback;
}


int
file_make_dir(struct pool *pool, const char *path, mode_t mode,
    struct faas_err *err)
{
    char  *copy, *slash;

    copy = pool_text(pool, path);

    for (slash = strchr(copy + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/'))
    {
        *slash = '\0';

        if (mkdir(copy, mode) != 0 && errno != EEXIST) {
            return faas_err_set(err, errno, "folder %.160s cannot be made: "
                                "%s", copy, strerror(errno));
        }

        *slash = '/';
    }

    if (mkdir(copy, mode) != 0
        && (errno != EEXIST || file_kind(copy) != FILE_DIR))
    {
        return faas_err_set(err, errno, "folder %.160s cannot be made: %s",
                            copy, strerror(errno));
    }

    return 0;
}


char *
file_of_ours(struct pool *pool, const char *name)
{
    char      self[PATH_MAX], *slash, *path;
    ssize_t   len;

    len = readlink("/proc/self/exe", self, sizeof(self) - 1);

    if (len <= 0) {
        return NULL;
    }

    self[len] = '\0';
    slash = strrchr(self, '/');

    if (slash == NULL) {
        return NULL;
    }

    path = pool_printf(pool, "%.*s/%s", (int) (slash - self), self, name);

    return access(path, F_OK) == 0 ? path : NULL;
}


int
file_kind(const char *path)
{
    struct stat  st;

    if (stat(path, &st) != 0) {
        return FILE_NONE;
    }

    return S_ISDIR(st.st_mode) ? FILE_DIR : FILE_OTHER;
}


static int
write_all(int fd, const char *data, size_t len)
{
    ssize_t  n;

    while (len != 0) {
        n = write(fd, data, len);

        if (n < 0 && errno != EINTR) {
            return -1;
        }

        if (n > 0) {
            data += n;
            len -= (size_t) n;
        }
    }

    return 0;
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Folders with all that is in them.
 */

#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"


#define PIECE  65536                /* bytes that are copied at a time */


struct walk {
    struct pool         *pool;
    const char          *top;       /* the folder that it began with */
    const struct texts  *skip;
    int                  flags;
    size_t               n;         /* entries so far */
    size_t               depth;
    struct faas_err     *err;
};


static int read_names(struct pool *pool, const char *path,
    struct texts *names);
static int copy_dir(struct walk *w, const char *from, const char *to);
static int copy_entry(struct walk *w, const char *from, const char *to);
static int make_dir(const char *path);
static int copy_file(struct walk *w, const char *from, const char *to,
    mode_t mode);
static int copy_bytes(int in, int out);
static int copy_link(struct walk *w, const char *from, const char *to);
static int leads_out(struct walk *w, const char *from, const char *target);
static int files_of(struct walk *w, const char *path, const char *name,
    struct texts *files);
static int remove_dir(struct walk *w, const char *path);
static int count(struct walk *w, const char *path);
static int fault(struct walk *w, const char *path, const char *what);


int
tree_copy(struct pool *pool, const char *from, const char *to,
    const struct texts *skip, int flags, struct faas_err *err)
{
    struct walk  w = { pool, from, skip, flags, 0, 0, err };

    if (file_kind(from) != FILE_DIR) {
        return faas_err_set(err, ENOENT, "there is no folder %.160s", from);
    }

    if (file_make_dir(pool, to, 0755, err) != 0) {
        return -1;
    }

    return copy_dir(&w, from, to);
}


int
tree_remove(struct pool *pool, const char *path, struct faas_err *err)
{
    struct walk   w = { pool, path, NULL, 0, 0, 0, err };
    struct stat   st;

    if (lstat(path, &st) != 0) {
        return errno == ENOENT ? 0 : fault(&w, path, "cannot be removed");
    }

    /* a link to a folder goes, and what it leads to stays */

    if (!S_ISDIR(st.st_mode)) {
        return unlink(path) == 0 ? 0 : fault(&w, path, "cannot be removed");
    }

    return remove_dir(&w, path);
}


int
tree_files(struct pool *pool, const char *path, struct texts *files,
    struct faas_err *err)
{
    struct walk  w = { pool, path, NULL, 0, 0, 0, err };

    if (files_of(&w, path, "", files) != 0) {
        return -1;
    }

    texts_sort(files);

    return 0;
}


void
tree_names(struct pool *pool, const char *path, struct texts *names)
{
    /* what could be read counts */
    (void) read_names(pool, path, names);
}


/*
 * Returns -1 with errno where it is not all that there is.  One more than is
 * allowed is read, so that it is missed by count() and not in silence.
 */
static int
read_names(struct pool *pool, const char *path, struct texts *names)
{
    int             failed;
    DIR            *dir;
    struct dirent  *entry;

    dir = opendir(path);

    if (dir == NULL) {
        return -1;
    }

    do {
        errno = 0;
        entry = readdir(dir);

        if (entry != NULL && strcmp(entry->d_name, ".") != 0
            && strcmp(entry->d_name, "..") != 0)
        {
            texts_add(pool, names, pool_text(pool, entry->d_name));
        }

    } while (entry != NULL && names->n <= TREE_ENTRIES_MAX);

    failed = entry == NULL ? errno : 0;
    (void) closedir(dir);
    texts_sort(names);
    errno = failed;

    return failed == 0 ? 0 : -1;
}


static int
copy_dir(struct walk *w, const char *from, const char *to)
{
    size_t        i;
    struct texts  names = { NULL, 0, 0 };

    if (++w->depth > TREE_DEPTH_MAX || strlen(from) > TREE_PATH_MAX) {
        errno = ENAMETOOLONG;
        return fault(w, from, "is too deep");
    }

    if (read_names(w->pool, from, &names) != 0) {
        return fault(w, from, "cannot be read");
    }

    for (i = 0; i < names.n; i++) {

        if (w->depth == 1 && w->skip != NULL
            && texts_have(w->skip, names.at[i]))
        {
            continue;
        }

        if (copy_entry(w, pool_printf(w->pool, "%s/%s", from, names.at[i]),
                       pool_printf(w->pool, "%s/%s", to, names.at[i])) != 0)
        {
            return -1;
        }
    }

    w->depth--;

    return 0;
}


static int
copy_entry(struct walk *w, const char *from, const char *to)
{
    mode_t        mode;
    struct stat   st;

    if (count(w, from) != 0) {
        return -1;
    }

    if (lstat(from, &st) != 0) {
        return fault(w, from, "cannot be read");
    }

    if (S_ISLNK(st.st_mode)) {
        return copy_link(w, from, to);
    }

    if (S_ISDIR(st.st_mode)) {

        return make_dir(to) == 0 ? copy_dir(w, from, to)
               : fault(w, to, "cannot be made");
    }

    if (!S_ISREG(st.st_mode)) {
        errno = EINVAL;
        return fault(w, from, "is neither a file nor a folder nor a link");
    }

    mode = st.st_mode & 0777;

    if (w->flags & TREE_READABLE) {
        mode = mode & 0111 ? 0755 : 0644;
    }

    return copy_file(w, from, to, mode);
}


/*
 * A link is put aside: what is copied would go to where it leads.
 */
static int
make_dir(const char *path)
{
    struct stat  st;

    if (mkdir(path, 0755) == 0) {
        return 0;
    }

    if (errno != EEXIST || lstat(path, &st) != 0) {
        return -1;
    }

    if (S_ISDIR(st.st_mode)) {
        return 0;
    }

    return unlink(path) == 0 ? mkdir(path, 0755) : -1;
}


/*
 * What is there may be a program that runs, or a link: it is put aside.
 */
static int
copy_file(struct walk *w, const char *from, const char *to, mode_t mode)
{
    int  in, out, rc;

    in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    if (in < 0) {
        return fault(w, from, "cannot be read");
    }

    (void) unlink(to);
    out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode | 0200);

    if (out < 0) {
        rc = fault(w, to, "cannot be written");
        (void) close(in);
        return rc;
    }

    /* the umask is not asked: functions run as another user */

    rc = copy_bytes(in, out) == 0 && fchmod(out, mode) == 0
         ? 0 : fault(w, to, "cannot be written");

    if (close(out) != 0 && rc == 0) {
        rc = fault(w, to, "cannot be written");
    }

    (void) close(in);

    return rc;
}


static int
copy_bytes(int in, int out)
{
    int       rc;
    char     *buf, *p;
    ssize_t   n, m;

    buf = malloc(PIECE);

    if (buf == NULL) {
        errno = ENOMEM;
        return -1;
    }

    rc = 0;

    while (rc == 0 && (n = read(in, buf, PIECE)) != 0) {

        if (n < 0) {
            rc = errno == EINTR ? 0 : -1;
            continue;
        }

        for (p = buf; n > 0 && rc == 0; /* void */ ) {
            m = write(out, p, (size_t) n);

            if (m >= 0) {
                p += m;
                n -= m;

            } else if (errno != EINTR) {
                rc = -1;
            }
        }
    }

    free(buf);

    return rc;
}


static int
copy_link(struct walk *w, const char *from, const char *to)
{
    char      target[TREE_PATH_MAX];
    ssize_t   len;

    len = readlink(from, target, sizeof(target) - 1);

    if (len < 0) {
        return fault(w, from, "cannot be read");
    }

    target[len] = '\0';

    if (leads_out(w, from, target)) {
        errno = EXDEV;
        return fault(w, from, "is a link that leads out of its folder");
    }

    (void) unlink(to);

    return symlink(target, to) == 0 ? 0 : fault(w, to, "cannot be made");
}


/*
 * Counted in steps up and down, without a look at the disk.  Steps up are at
 * the front: after a name, which may be a link that leads upwards itself, ".."
 * is not what it seems to be.  So no chain of links leads out either.
 */
static int
leads_out(struct walk *w, const char *from, const char *target)
{
    int          has_name;
    long         depth;
    size_t       len;
    const char  *p;

    has_name = 0;

    if (target[0] == '/') {
        return 1;
    }

    depth = -1;                     /* the link's own name is no step */

    for (p = from + strlen(w->top); *p != '\0'; p++) {
        depth += p[0] == '/' && p[1] != '/';
    }

    for (p = target; *p != '\0'; p += strspn(p, "/")) {
        len = strcspn(p, "/");

        if (len == 2 && p[0] == '.' && p[1] == '.') {

            if (--depth < 0 || has_name) {
                return 1;
            }

        } else if (len != 1 || p[0] != '.') {
            has_name = 1;
        }

        p += len;
    }

    return 0;
}


static int
files_of(struct walk *w, const char *path, const char *name,
    struct texts *files)
{
    char          *file, *below;
    size_t         i;
    struct stat    st;
    struct texts   names = { NULL, 0, 0 };

    if (++w->depth > TREE_DEPTH_MAX) {
        errno = ENAMETOOLONG;
        return fault(w, path, "is too deep");
    }

    if (read_names(w->pool, path, &names) != 0) {
        return fault(w, path, "cannot be read");
    }

    for (i = 0; i < names.n; i++) {
        file = pool_printf(w->pool, "%s/%s", path, names.at[i]);
        below = pool_printf(w->pool, "%s%s%s", name,
                            name[0] != '\0' ? "/" : "", names.at[i]);

        if (count(w, file) != 0) {
            return -1;
        }

        if (lstat(file, &st) != 0) {
            return fault(w, file, "cannot be read");
        }

        if (S_ISDIR(st.st_mode)) {

            if (files_of(w, file, below, files) != 0) {
                return -1;
            }

        } else if (S_ISREG(st.st_mode)) {
            texts_add(w->pool, files, below);
        }
    }

    w->depth--;

    return 0;
}


static int
remove_dir(struct walk *w, const char *path)
{
    char          *entry;
    size_t         i;
    struct stat    st;
    struct texts   names = { NULL, 0, 0 };

    if (++w->depth > TREE_DEPTH_MAX) {
        errno = ENAMETOOLONG;
        return fault(w, path, "is too deep");
    }

    if (read_names(w->pool, path, &names) != 0) {
        return fault(w, path, "cannot be removed");
    }

    for (i = 0; i < names.n; i++) {
        entry = pool_printf(w->pool, "%s/%s", path, names.at[i]);

        if (lstat(entry, &st) == 0 && S_ISDIR(st.st_mode)) {

            if (remove_dir(w, entry) != 0) {
                return -1;
            }

        } else if (unlink(entry) != 0) {
            return fault(w, entry, "cannot be removed");
        }
    }

    w->depth--;

    return rmdir(path) == 0 ? 0 : fault(w, path, "cannot be removed");
}


static int
count(struct walk *w, const char *path)
{
    if (++w->n > TREE_ENTRIES_MAX) {
        errno = EFBIG;
        return fault(w, path, "is one too many");
    }

    return 0;
}


static int
fault(struct walk *w, const char *path, const char *what)
{
    return faas_err_set(w->err, errno, "%.160s %s: %s", path, what,
                        strerror(errno));
}

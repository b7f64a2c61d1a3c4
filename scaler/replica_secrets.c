/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A replica's own copies of its function's secrets.
 */

#include "replica_secrets.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/faas_buf.h"
#include "lib/faas_log.h"

#include "disk.h"


static int copy(const struct replica *replica, const char *folder,
    const char *ns, const char *name, struct faas_err *err);
static int write_copy(const char *folder, const char *name,
    const char *data, size_t len, struct faas_err *err);
static int give_as(const char *folder, const char *path);


void
replica_secrets_path(const struct replica *replica, char *path, size_t size)
{
    (void) snprintf(path, size, "%.3500s/secrets-of/%" PRIu64,
                    replica->owner->state_dir, replica->number);
}


int
replica_secrets_make(const struct replica *replica, const struct spec *spec,
    struct faas_err *err)
{
    char     folder[4096];
    size_t   i;
    json_t  *secrets;

    secrets = json_object_get(spec->deployment, "secrets");

    if (json_array_size(secrets) == 0) {
        return 0;
    }

    replica_secrets_path(replica, folder, sizeof(folder));

    if (mkdir(folder, 0700) != 0
        || isolation_give(&replica->owner->isolation, folder, replica->number)
           != 0)
    {
        return faas_err_set(err, 500, "cannot make %.150s: %s", folder,
                            strerror(errno));
    }

    for (i = 0; i < json_array_size(secrets); i++) {
        if (copy(replica, folder, spec->ns,
                 json_string_value(json_array_get(secrets, i)), err)
            != 0)
        {
            return -1;
        }
    }

    return 0;
}


int
replica_secrets_update(const struct replica *replica,
    const struct secret *secret, struct faas_err *err)
{
    char  folder[4096], path[4096];

    replica_secrets_path(replica, folder, sizeof(folder));
    (void) snprintf(path, sizeof(path), "%.3800s/%s", folder, secret->name);

    /* one of an older generation may have been without it */

    return access(path, F_OK) == 0
           ? write_copy(folder, secret->name, secret->value, secret->len, err)
           : 0;
}


void
replica_secrets_remove(const struct replica *replica)
{
    char  folder[4096];

    replica_secrets_path(replica, folder, sizeof(folder));

    if (disk_remove_tree(folder) != 0) {
        faas_log(FAAS_LOG_WARN, "cannot remove a folder, it stays path=%s "
                 "error=\"%s\"", folder, strerror(errno));
    }
}


static int
copy(const struct replica *replica, const char *folder, const char *ns,
    const char *name, struct faas_err *err)
{
    int              rc;
    char             path[4096];
    struct faas_buf  buf;

    (void) snprintf(path, sizeof(path), "%.3500s/secrets/%.63s/%.253s",
                    replica->owner->state_dir, ns, name);
    faas_buf_init(&buf, SECRET_VALUE_MAX);

    rc = disk_read(path, &buf, err);

    if (rc == 0) {
        rc = write_copy(folder, name, buf.data != NULL ? buf.data : "",
                        buf.len, err);

    } else {
        err->code = 500;
        (void) faas_err_prefix(err, "secret %.80s", name);
    }

    if (buf.data != NULL) {
        explicit_bzero(buf.data, buf.len);
    }

    faas_buf_done(&buf);

    return rc;
}


/*
 * Replaced as a whole: a function may be reading it.
 */
static int
write_copy(const char *folder, const char *name, const char *data,
    size_t len, struct faas_err *err)
{
    int   fd, rc;
    char  path[4096], temporary[4096];

    (void) snprintf(path, sizeof(path), "%.3800s/%.253s", folder, name);
    (void) snprintf(temporary, sizeof(temporary), "%.3800s/.new", folder);

    fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
    rc = fd != -1 && write(fd, data, len) == (ssize_t) len
         && give_as(folder, temporary) == 0
         && rename(temporary, path) == 0 ? 0 : -1;

    if (rc != 0) {
        (void) faas_err_set(err, errno == ENOSPC ? 507 : 500, "cannot write "
                            "%.150s: %s", path, strerror(errno));
        (void) unlink(temporary);
    }

    if (fd != -1) {
        (void) close(fd);
    }

    return rc;
}


/*
 * To whoever has the folder: a replica of an earlier scaler may be isolated
 * where others are not now.
 */
static int
give_as(const char *folder, const char *path)
{
    struct stat  st;

    if (stat(folder, &st) != 0) {
        return -1;
    }

    return st.st_uid != geteuid() ? lchown(path, st.st_uid, st.st_gid) : 0;
}

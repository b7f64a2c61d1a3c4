/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Files that are small and must not be lost: read whole, replaced whole, and
 * safe on disk when that is said.  All of it blocks.
 */

#ifndef FAAS_SCALER_DISK_H
#define FAAS_SCALER_DISK_H

#include <stddef.h>
#include <sys/types.h>

#include "lib/faas_buf.h"
#include "lib/faas_err.h"


/*
 * Reads a file to the end of buf.  Returns 0, or -1 with errno as code in
 * err: ENOENT where there is none, EFBIG where buf has no room for it.
 */
int disk_read(const char *path, struct faas_buf *buf, struct faas_err *err);

/*
 * Replaces the file NAME in a folder, with mode 0600, or makes it.  When it
 * returns 0 it is there also after a loss of power; when it returns -1 the
 * old one is.  The code in err is an HTTP status: 507 where the disk is full,
 * else 500.
 */
int disk_replace(const char *folder, const char *name, const void *data,
    size_t len, struct faas_err *err);

/*
 * Removes the file NAME of a folder, safely; that there is none is no error.
 * Returns 0, or -1 with code 500 in err.
 */
int disk_remove(const char *folder, const char *name, struct faas_err *err);

/*
 * Makes a folder where it is missing, and gives it the mode.  Returns 0, or -1
 * as disk_replace() does.
 */
int disk_make_folder(const char *path, mode_t mode, struct faas_err *err);

/*
 * Removes a folder with all that is in it, or a file.  Returns 0 (also where
 * there is none), or -1 with errno.
 */
int disk_remove_tree(const char *path);


#endif /* FAAS_SCALER_DISK_H */

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Files as a whole.
 */

#ifndef FAAS_CLI_FILE_H
#define FAAS_CLI_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "lib/faas_err.h"

#include "pool.h"


/*
 * Reads a file of at most max bytes, "-" being standard input; a zero follows
 * the bytes.  Returns them, or NULL with the reason (code: errno) in err.
 */
char *file_read(struct pool *pool, const char *path, size_t max, size_t *len,
    struct faas_err *err);

/*
 * The same from a descriptor; name is for messages.
 */
char *file_read_fd(struct pool *pool, int fd, const char *name, size_t max,
    size_t *len, struct faas_err *err);

/*
 * Writes a file that is there as a whole or not at all, with this mode.
 * Returns 0 or -1 with err.
 */
int file_write(struct pool *pool, const char *path, const char *data,
    size_t len, mode_t mode, struct faas_err *err);

/*
 * The mode of a file that is to be written anew; fallback where it is not
 * there.
 */
mode_t file_mode(const char *path, mode_t fallback);

/*
 * Makes a folder and those above it.  Returns 0 or -1 with err.
 */
int file_make_dir(struct pool *pool, const char *path, mode_t mode,
    struct faas_err *err);

/*
 * The path of a file that is beside this program, or from there; NULL where
 * there is none.
 */
char *file_of_ours(struct pool *pool, const char *name);

/*
 * What there is: 0 nothing (or it cannot be seen), 1 a folder, 2 another file.
 */
int file_kind(const char *path);

#define FILE_NONE   0
#define FILE_DIR    1
#define FILE_OTHER  2


#endif /* FAAS_CLI_FILE_H */

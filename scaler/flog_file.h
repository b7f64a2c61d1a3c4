/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * One file of a function's log.  The structure stays the same when its file
 * is renamed, and outlives the file for as long as somebody has a reference.
 */

#ifndef FAAS_SCALER_FLOG_FILE_H
#define FAAS_SCALER_FLOG_FILE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "lib/faas_proto.h"


struct flog;

struct flog_file {
    TAILQ_ENTRY(flog_file)  link;
    const struct flog      *flog;           /* unless is_dropped */
    unsigned                refs;
    uint64_t                serial;         /* grows from file to file */
    uint64_t                size;           /* bytes */
    uint64_t                written;        /* last; nsec since 1970 */
    int                     is_old;         /* it is the .1 */
    int                     is_gone;        /* its replica is */
    int                     is_dropped;     /* it is not on disk any more */
    char                    id[FAAS_REPLICA_ID_MAX + 1];
};

TAILQ_HEAD(flog_files, flog_file);


/*
 * Makes one of size 0 with one reference, on no list.  Returns NULL where
 * there is no memory.
 */
struct flog_file *flog_file_new(const struct flog *flog, const char *id);

/*
 * Reads the name of a file, ID.log or ID.log.1; id has FAAS_REPLICA_ID_MAX + 1
 * bytes.  Returns 0, or -1 for another name.
 */
int flog_file_parse(const char *name, char *id, int *is_old);

/*
 * Another reference, and its end.
 */
struct flog_file *flog_file_get(struct flog_file *file);
void flog_file_put(struct flog_file *file);

/*
 * True where lines may still come into the file.
 */
int flog_file_is_open(const struct flog_file *file);

/*
 * Reads at most len bytes from offset on.  Returns their number, 0 at the end
 * or where the file is gone, or -1 with errno.
 */
ssize_t flog_file_read(const struct flog_file *file, char *dst, size_t len,
    uint64_t offset);

/*
 * Renames the file to .1, over an older one.  Returns 0, or -1 with errno.
 */
int flog_file_rename(struct flog_file *file);

/*
 * Removes it from the disk; that it is not there is no error.
 */
void flog_file_unlink(const struct flog_file *file);

/*
 * Opens it for flog_file_write(); makes it, and its folder, where they are
 * missing.  Returns a descriptor, or -1 with errno.
 */
int flog_file_open(const struct flog_file *file);

/*
 * Appends all of the lines or, on disk, none.  Returns 0, or -1 with errno.
 */
int flog_file_write(const struct flog_file *file, int fd, const char *lines,
    size_t len);

/*
 * Ends the last line where a scaler that was killed has written half of it.
 */
void flog_file_mend(struct flog_file *file);

/*
 * Path of the folder of a function's files.
 */
void flog_folder(const struct flog *flog, char *path, size_t size);


#endif /* FAAS_SCALER_FLOG_FILE_H */

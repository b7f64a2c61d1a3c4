/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Folders with all that is in them.
 */

#ifndef FAAS_CLI_TREE_H
#define FAAS_CLI_TREE_H

#include <stddef.h>

#include "lib/faas_err.h"

#include "pool.h"


#define TREE_ENTRIES_MAX  100000
#define TREE_DEPTH_MAX    64
#define TREE_PATH_MAX     4096      /* bytes */


/* how it is copied */
#define TREE_READABLE  1            /* modes become 0644 and 0755 */


/*
 * Copies what is in the folder from into the folder to, which is made; files
 * that are there are written over.  Entries of the top whose names are in skip
 * (which may be NULL) are left out.  Links are copied as links, and may not
 * lead out of from ("a/../b" is taken for one that may); those that are in the
 * way are put aside.  Other kinds of files are an error.  Returns 0, or -1 with
 * err.
 */
int tree_copy(struct pool *pool, const char *from, const char *to,
    const struct texts *skip, int flags, struct faas_err *err);

/*
 * Removes a folder, or a link, where there is one.  Returns 0, or -1 with err.
 */
int tree_remove(struct pool *pool, const char *path, struct faas_err *err);

/*
 * Adds the paths of all files in a folder, relative to it, in order.  Returns
 * 0, or -1 with err.
 */
int tree_files(struct pool *pool, const char *path, struct texts *files,
    struct faas_err *err);

/*
 * Names of what is directly in a folder, in order; none where it cannot be
 * read.
 */
void tree_names(struct pool *pool, const char *path, struct texts *names);


#endif /* FAAS_CLI_TREE_H */

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The state folder: what is deployed, kept over restarts.
 *
 *   lock              held by the scaler that uses the folder
 *   functions/KEY     a specification, written whole or not at all
 *   s/N.sock          replicas' listening sockets
 *   tmp/N/            replicas' TMPDIR
 *   logs/KEY/ID.log   what replicas print, and ID.log.1 before that: flog.h
 *   numbers           those below it may have been given to replicas: none
 *                     is given twice, so that a gateway that has not read the
 *                     routes of today does not call another function
 *
 * Reading and writing here is done at start and on changes of the API only,
 * small files on a local disk; it does block for that long.
 */

#ifndef FAAS_SCALER_STORE_H
#define FAAS_SCALER_STORE_H

#include <limits.h>
#include <stdint.h>

#include "lib/faas_err.h"

#include "spec.h"


struct store {
    char      dir[PATH_MAX];        /* absolute */
    int       lock_fd;              /* -1: not held */
    uint64_t  number;               /* the last one given */
    uint64_t  reserved;             /* given only below it; on disk */
};


/*
 * Makes the folders where they are missing, takes the lock and clears what
 * another scaler left in s/ and tmp/.  gateway_user ("" for none) may enter
 * the sockets' folder.  Returns 0 or -1.
 */
int store_open(struct store *store, const char *dir,
    const char *gateway_user, struct faas_err *err);

/*
 * Gives the lock back.
 */
void store_close(struct store *store);

/*
 * Calls each with every specification that can be read; each takes it.  A
 * file that cannot be read is logged and set aside as KEY.bad.  Returns 0,
 * or -1 where the folder cannot be read.
 */
int store_load(struct store *store, uint64_t max_replicas,
    void (*each)(void *arg, struct spec *spec), void *arg,
    struct faas_err *err);

/*
 * Makes a specification safe on disk before it returns 0.
 */
int store_save(struct store *store, const struct spec *spec,
    struct faas_err *err);

/*
 * Forgets one, safely on disk; that there is none is no error.
 */
int store_delete(struct store *store, const char *key, struct faas_err *err);

/*
 * Gives a number that no replica of this state folder has had.  Returns 0 or
 * -1.
 */
int store_number(struct store *store, uint64_t *number,
    struct faas_err *err);

/*
 * Removes a folder below the state folder with all that is in it.
 */
void store_remove_tree(const char *path);


#endif /* FAAS_SCALER_STORE_H */

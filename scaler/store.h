/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The state folder: what is deployed, kept over restarts.
 *
 *   lock              held by the scaler that uses the folder
 *   functions/KEY     a specification, written whole or not at all
 *   namespaces/NAME   a namespace's labels and annotations, the same
 *   secrets/NS/NAME   a secret's bytes, the same
 *   secrets-of/N/     the secrets of a replica
 *   s/N.sock          replicas' listening sockets
 *   tmp/N/            replicas' TMPDIR
 *   root/, empty/     what an isolated replica's / is made of: isolation.h
 *   logs/KEY/ID.log   what replicas print, and ID.log.1 before that: flog.h
 *   id                a UUID, of the folder's functions: struct store
 *   numbers           those below it may have been given to replicas: none
 *                     is given twice, so that a gateway that has not read the
 *                     routes of today does not call another function
 *
 * What is written here blocks, and is done in a thread, but for store_open()
 * and the loading: so most functions only read the path in the store.
 */

#ifndef FAAS_SCALER_STORE_H
#define FAAS_SCALER_STORE_H

#include <limits.h>
#include <stdint.h>

#include "lib/faas_err.h"
#include "lib/faas_uuid.h"

#include "secret.h"
#include "spec.h"
#include "worker.h"


struct store {
    char            dir[PATH_MAX];      /* absolute */
    char            id[FAAS_UUID_LEN + 1];
    int             lock_fd;            /* -1: not held */
    uint64_t        number;             /* the last one given */
    uint64_t        reserved;           /* given only below it; on disk */
    uint64_t        reserving;          /* what the job writes; 0: no job */
    struct job      job;
    struct worker  *worker;             /* the caller's, once it is open */
};


/*
 * Makes the folders where they are missing, and takes the lock.  gateway_user
 * ("" for none) may enter the sockets' folder.  Returns 0 or -1.
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
int store_load(struct store *store, const struct scale_config *config,
    void (*each)(void *arg, struct spec *spec), void *arg,
    struct faas_err *err);

/*
 * Makes the text of spec_encode() safe on disk before it returns 0.
 */
int store_save(const struct store *store, const char *key, const char *text,
    struct faas_err *err);

/*
 * Forgets one, safely on disk; that there is none is no error.
 */
int store_delete(const struct store *store, const char *key,
    struct faas_err *err);

/*
 * The same for the text of a namespace.
 */
int store_save_namespace(const struct store *store, const char *name,
    const char *text, struct faas_err *err);
int store_delete_namespace(const struct store *store, const char *name,
    struct faas_err *err);

/*
 * The same for a secret.
 */
int store_save_secret(const struct store *store, const struct secret *secret,
    struct faas_err *err);
int store_delete_secret(const struct store *store, const char *ns,
    const char *name, struct faas_err *err);

/*
 * Calls each with the name and the text of every namespace there is; and with
 * that of every secret, and its namespace.  Returns 0, or -1.
 */
int store_load_namespaces(const struct store *store,
    void (*each)(void *arg, const char *name, const char *text, size_t len),
    void *arg, struct faas_err *err);
int store_load_secrets(const struct store *store,
    void (*each)(void *arg, const char *ns, const char *name), void *arg,
    struct faas_err *err);

/*
 * Removes what replicas have left that are there no more: is_used tells of a
 * number whether one is.
 */
void store_clear(const struct store *store,
    int (*is_used)(void *arg, uint64_t number), void *arg);

/*
 * Gives a number that no replica of this state folder has had.  They are
 * reserved on disk in blocks, by the worker, before they run out.  Returns 0,
 * or -1: try again later.
 */
int store_number(struct store *store, uint64_t *number,
    struct faas_err *err);


#endif /* FAAS_SCALER_STORE_H */

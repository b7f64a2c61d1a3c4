/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A replica's own copies of its function's secrets: files in a folder of its
 * own, which nobody but its process may read.  They are made from what is in
 * the state folder, and need not last.
 */

#ifndef FAAS_SCALER_REPLICA_SECRETS_H
#define FAAS_SCALER_REPLICA_SECRETS_H

#include <stddef.h>

#include "lib/faas_err.h"

#include "replica.h"
#include "secret.h"
#include "spec.h"


/*
 * The path of the folder, whether it is there or not.
 */
void replica_secrets_path(const struct replica *replica, char *path,
    size_t size);

/*
 * Makes the folder and the copies, where the function has secrets.  Returns 0,
 * or -1 with an HTTP status in err; what was made is undone by
 * replica_secrets_remove().
 */
int replica_secrets_make(const struct replica *replica,
    const struct spec *spec, struct faas_err *err);

/*
 * Gives one that the replica has another value.  Returns 0 or -1.
 */
int replica_secrets_update(const struct replica *replica,
    const struct secret *secret, struct faas_err *err);

void replica_secrets_remove(const struct replica *replica);


#endif /* FAAS_SCALER_REPLICA_SECRETS_H */

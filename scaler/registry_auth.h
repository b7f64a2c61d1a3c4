/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Credentials for the registry of an image, as Docker wants them.
 */

#ifndef FAAS_SCALER_REGISTRY_AUTH_H
#define FAAS_SCALER_REGISTRY_AUTH_H

#include "lib/faas_err.h"


/*
 * Makes the value of the header X-Registry-Auth out of a deployment's
 * registryAuth, base64 of "user:password", and its image.  Returns a text to
 * be wiped and freed with free(), or NULL with code 400 in err.
 */
char *registry_auth_header(const char *auth, const char *image,
    struct faas_err *err);

/*
 * Whether an image's name begins with its registry; else it is Docker Hub's, or
 * nobody's.
 */
int registry_is_named(const char *image);


#endif /* FAAS_SCALER_REGISTRY_AUTH_H */

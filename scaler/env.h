/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A function's environment: what its image says, and over that what its
 * deployment does.
 */

#ifndef FAAS_SCALER_ENV_H
#define FAAS_SCALER_ENV_H

#include <jansson.h>

#include "lib/faas_err.h"


#define ENV_MAX       256       /* variables */
#define ENV_NAME_MAX  256       /* bytes */
#define ENV_TEXT_MAX  32768     /* bytes of a value */


/*
 * Checks that variables are NULL, null, or an object of strings within the
 * bounds, none of them the platform's; an image may set the process.  Returns
 * 0, or -1 with code 400 in err.
 */
int env_check(const json_t *vars, int is_image, struct faas_err *err);

/*
 * What a function gets: the image's variables (NULL: none), then the
 * deployment's "envVars", and its "envProcess" as fprocess.  Returns a new
 * reference, or NULL without memory.
 */
json_t *env_merge(const json_t *image, const json_t *deployment);


#endif /* FAAS_SCALER_ENV_H */

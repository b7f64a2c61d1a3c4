/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the process provider runs: an image is a folder.
 */

#ifndef FAAS_SCALER_IMAGE_H
#define FAAS_SCALER_IMAGE_H

#include "lib/faas_err.h"

#include "options.h"
#include "spec.h"


/*
 * Finds the folder of a function's image and writes its absolute path to dir,
 * which has PATH_MAX bytes.  Returns 0, or -1 with code 400 where there is
 * none, or no command to run in it.
 */
int image_find(const struct scaler_options *options, const struct spec *spec,
    char *dir, struct faas_err *err);


#endif /* FAAS_SCALER_IMAGE_H */

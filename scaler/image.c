/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the process provider runs.
 */

#include "image.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>


int
image_find(const struct scaler_options *options, const struct spec *spec,
    char *dir, struct faas_err *err)
{
    int          n;
    char         path[PATH_MAX];
    const char  *image, *process;
    struct stat  st;

    image = spec_text(spec, "image");
    process = spec_text(spec, "envProcess");

    n = snprintf(path, sizeof(path), "%s%s%s",
                 image[0] == '/' ? "" : options->functions_dir,
                 image[0] == '/' ? "" : "/", image);

    if (n < 0 || n >= (int) sizeof(path) || realpath(path, dir) == NULL
        || stat(dir, &st) != 0 || !S_ISDIR(st.st_mode))
    {
        return faas_err_set(err, 400, "\"image\": %.100s is no folder; "
                            "functions run as processes here, and the image "
                            "is the folder of the function, absolute or below "
                            "--functions-dir", path);
    }

    if (process == NULL || process[0] == '\0') {
        return faas_err_set(err, 400, "\"envProcess\" is missing: the command "
                            "to run in the function's folder");
    }

    return 0;
}

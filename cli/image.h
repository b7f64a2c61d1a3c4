/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Names of images, and where the process provider has them: folders below one
 * that the scaler looks in (docs/configuration.md, Images).
 */

#ifndef FAAS_CLI_IMAGE_H
#define FAAS_CLI_IMAGE_H

#include "cli.h"
#include "stack.h"


#define IMAGE_NAME_MAX    255          /* bytes */
#define IMAGE_DIGEST_MAX  (64 << 20)   /* bytes of a file, --tag digest */
#define IMAGE_KEPT        8            /* versions of a tag that stay */


/*
 * The image of a function with its tag, --tag being thought of.  Returns NULL
 * with cli->err where it has none, or git cannot be asked.
 */
const char *image_name(struct cli *cli, const struct stack *stack,
    const struct function *fn);

/*
 * Whether a registry is in the name: then there is somewhere to push to.
 */
int image_has_registry(const char *image);

/*
 * The path below the functions' folder that an image stands for, "@TAG" being
 * its last part; NULL with cli->err where it is no name of an image.
 */
const char *image_path(struct cli *cli, const char *image);

/*
 * Copies a folder to where the scaler finds it as the image, as a whole or not
 * at all: the tag is a link, and changes with one step.  Versions beyond
 * IMAGE_KEPT are removed.  Returns 0, or -1 with cli->err.
 */
int image_install(struct cli *cli, const char *functions_dir,
    const char *image, const char *from);


#endif /* FAAS_CLI_IMAGE_H */

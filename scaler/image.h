/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the process provider runs: an image is a folder, named by a reference
 * as Docker has them, so that one stack file fits each provider:
 *
 *   [HOST[:PORT]/]PATH[:TAG][@sha256:HEX]
 *
 *   fn, fn:latest                DIR/fn/@latest, or DIR/fn itself
 *   docker.io/library/fn:1.2     DIR/fn/@1.2
 *   ghcr.io/me/fn:1.2            DIR/ghcr.io/me/fn/@1.2
 *   localhost:5000/fn:1.2        DIR/localhost_5000/fn/@1.2
 *   fn@sha256:0f3c...            DIR/fn/@sha256-0f3c...
 *   /path                        that folder
 *
 * DIR is --functions-dir.  A tag may be a link to a folder beside it: it is
 * followed when a function is deployed, so that running replicas keep theirs.
 *
 * A folder may hold image.json, {"env": {"fprocess": "...", ...}}: what ENV is
 * in a Dockerfile.
 */

#ifndef FAAS_SCALER_IMAGE_H
#define FAAS_SCALER_IMAGE_H

#include <jansson.h>
#include <limits.h>

#include "lib/faas_err.h"


#define IMAGE_NAME_MAX  255         /* bytes without tag and digest */
#define IMAGE_TAG_MAX   128
#define IMAGE_FILE_MAX  65536       /* bytes of image.json */


struct image {
    char     dir[PATH_MAX];         /* absolute */
    json_t  *env;                   /* owned; an object of strings; or NULL */
};


/*
 * Finds the image, and reads its image.json.  It blocks for that long.
 * Returns 0, or -1 with code 400 in err, and nothing to be undone.
 */
int image_find(const char *functions_dir, const char *reference,
    struct image *image, struct faas_err *err);

/*
 * Undoes image_find().
 */
void image_done(struct image *image);

/*
 * The path below DIR that a reference stands for, with "@TAG" at its end; it
 * has PATH_MAX bytes.  Returns 0, or -1 with code 400 in err.
 */
int image_path(const char *reference, char *path, struct faas_err *err);


#endif /* FAAS_SCALER_IMAGE_H */

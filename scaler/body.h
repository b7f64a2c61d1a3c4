/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * JSON that a client sent, and what may be in it.
 */

#ifndef FAAS_SCALER_BODY_H
#define FAAS_SCALER_BODY_H

#include <jansson.h>
#include <stddef.h>

#include "lib/faas_err.h"


#define BODY_DEPTH_MAX   32         /* objects and arrays in one another */
#define BODY_MAP_MAX     256        /* labels; annotations as well */
#define BODY_KEY_MAX     317        /* bytes: Kubernetes' prefix and name */
#define BODY_TEXT_MAX    32768      /* bytes of a text */


/*
 * Reads a JSON object from LEN bytes; what shows how it is meant to look.
 * Members given twice are refused.  Returns a new reference, or NULL with code
 * 400 in err.
 */
json_t *body_read(const char *s, size_t len, const char *what,
    struct faas_err *err);

/*
 * Checks that a member is a string of at most BODY_TEXT_MAX bytes, which is
 * there and not empty where it is required.  null is as if it were absent.
 * Returns 0, or -1 with code 400 in err.
 */
int body_check_text(const json_t *body, const char *member, int is_required,
    struct faas_err *err);

/*
 * Checks that a member is a map of strings, absent or null, which become an
 * empty one: clients expect labels and annotations to be there.  The same.
 */
int body_check_map(json_t *body, const char *member, struct faas_err *err);

/*
 * Checks that a member is an array of at most max strings, absent or null.
 */
int body_check_list(const json_t *body, const char *member, size_t max,
    struct faas_err *err);


#endif /* FAAS_SCALER_BODY_H */

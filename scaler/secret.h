/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A secret as a client sends it: OpenFaaS' {name, namespace, value, rawValue}.
 * Values are never logged, and never given back.
 */

#ifndef FAAS_SCALER_SECRET_H
#define FAAS_SCALER_SECRET_H

#include <stddef.h>

#include "lib/faas_err.h"
#include "lib/faas_name.h"


#define SECRET_NAME_MAX   253
#define SECRET_VALUE_MAX  (512 * 1024)      /* bytes */
#define SECRET_NAME       "1 to 253 of a-z, 0-9, - and ., beginning and "     \
                          "ending with a letter or a digit, without .."


struct secret {
    char    name[SECRET_NAME_MAX + 1];
    char    ns[FAAS_NAME_MAX + 1];
    char   *value;              /* owned */
    size_t  len;                /* bytes */
};


/*
 * Whether a text is the name of a secret: it becomes that of a file.
 */
int secret_is_name(const char *s);

/*
 * Reads one from LEN bytes of JSON; rawValue (base64) wins over value.  Where
 * has_value is not set both are ignored.  Returns a new secret, or NULL with
 * code 400 in err.
 */
struct secret *secret_parse(const char *s, size_t len, int has_value,
    struct faas_err *err);

/*
 * Wipes and frees it; NULL is allowed.
 */
void secret_free(struct secret *secret);


#endif /* FAAS_SCALER_SECRET_H */

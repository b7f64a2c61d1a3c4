/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The admin API's user and password.
 */

#ifndef FAAS_SCALER_AUTH_H
#define FAAS_SCALER_AUTH_H

#include <stddef.h>

#include "lib/faas_err.h"


#define AUTH_TEXT_MAX  512                      /* bytes of user, password */
#define AUTH_FILE_MAX  1024                     /* with white space around */
#define AUTH_MAX       (2 * AUTH_TEXT_MAX + 1)  /* "USER:PASSWORD" */


struct auth {
    char    expected[AUTH_MAX];                 /* zeros behind its end */
    size_t  len;                                /* 0: all are allowed */
};


/*
 * Reads basic-auth-user and basic-auth-password in a folder, without white
 * space around; an empty folder: all are allowed.  Returns 0 or -1.
 */
int auth_open(struct auth *auth, const char *folder, struct faas_err *err);

/*
 * True where the value of the header Authorization, or NULL, has user and
 * password.  How long it takes says nothing of these.
 */
int auth_allows(const struct auth *auth, const char *value);


#endif /* FAAS_SCALER_AUTH_H */

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Environments of function processes: the watchdog's own, built once, and the
 * request's part behind it.
 */

#ifndef FAAS_WD_ENV_H
#define FAAS_WD_ENV_H

#include <stddef.h>

#include "head.h"


#define WD_ENV_EXTRA  (WD_HEADERS_MAX + 16)     /* variables of a request */


struct wd_env {
    char    **vars;             /* owned; ends in NULL */
    size_t    n_base;           /* variables of the watchdog itself */
    size_t    n;
    char     *text;             /* owned; texts of the request's part */
    size_t    len;
    size_t    size;
    int       has_cgi;          /* a request's part is wanted */
    int       is_classic;       /* with Http_Host and Http_ContentLength */
};


/*
 * Takes over the variables of environ, less LISTEN_*, which are for the
 * watchdog only.  text_size bounds a request's part.  The texts stay
 * environ's.  Returns 0, or -1 without memory.
 */
int wd_env_init(struct wd_env *env, char *const *environment,
    size_t text_size);
void wd_env_done(struct wd_env *env);

/*
 * Drops the request's part.
 */
void wd_env_reset(struct wd_env *env);

/*
 * Adds one variable to the request's part; returns the place of its value, or
 * NULL where there is no room.
 */
char *wd_env_add(struct wd_env *env, const char *name, const char *value);

/*
 * Sets the request's part: Http_Method, Http_Path, Http_Query,
 * Http_Content_Length, Http_Transfer_Encoding and an Http_NAME for each
 * header; the classic watchdog's Http_Host and Http_ContentLength as well.
 * Returns NULL, or why the request cannot be one.
 *
 * Of a header that comes twice the first one counts, as in OpenFaaS.  The
 * header Proxy is left out: libraries that look at variables without their
 * case would take Http_Proxy for the proxy to use.  So are Method, Path and
 * Query, which would pose as the request's own.
 */
const char *wd_env_request(struct wd_env *env, const struct wd_head *head);


#endif /* FAAS_WD_ENV_H */

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Requests that pages of other sites send: Sec-Fetch-Site (Fetch Metadata),
 * which browsers leave out where the address is neither https nor loopback,
 * and Origin (RFC 6454).
 */

#include "origin.h"

#include <string.h>
#include <strings.h>


int
origin_is_foreign(const char *fetch_site, const char *origin,
    const char *host)
{
    const char  *p;

    if (fetch_site != NULL) {

        /* "none": the user's own doing, as typing an address */

        return strcmp(fetch_site, "same-origin") != 0
               && strcmp(fetch_site, "none") != 0;
    }

    if (origin == NULL) {
        return 0;
    }

    /* the scheme may differ: TLS may end in front of the gateway */

    p = strstr(origin, "://");

    return p == NULL || host == NULL || strcasecmp(p + 3, host) != 0;
}

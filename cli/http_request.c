/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a request says of itself, to faas and to faas-https.
 */

#include <string.h>
#include <strings.h>

#include "http_transfer.h"


void
http_request_init(struct http_request *req, const char *method,
    const char *url)
{
    memset(req, 0, sizeof(*req));
    req->method = method;
    req->url = url;
    req->body_fd = -1;
}


int
http_has_body(const struct http_request *req)
{
    return strcmp(req->method, "HEAD") != 0
           && (req->body != NULL || req->body_fd >= 0
               || strcmp(req->method, "POST") == 0);
}


int
http_has_header(const struct http_request *req, const char *name)
{
    size_t  i, len;

    len = strlen(name);

    for (i = 0; i < req->headers.n; i++) {
        if (strncasecmp(req->headers.at[i], name, len) == 0
            && req->headers.at[i][len] == ':')
        {
            return 1;
        }
    }

    return 0;
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Requests by libcurl, in a program of its own: to load it takes many times
 * as long as all else that most commands do.
 */

#ifndef FAAS_CLI_HTTP_HELPER_H
#define FAAS_CLI_HTTP_HELPER_H

#include "http_transfer.h"


/*
 * Makes the request by faas-https, which is started by the first one, and
 * keeps its connections for those that follow.
 */
enum http_outcome http_helper(struct http_transfer *t);

/*
 * Lets faas-https go, where it was started.
 */
void http_helper_done(struct cli *cli);


#endif /* FAAS_CLI_HTTP_HELPER_H */

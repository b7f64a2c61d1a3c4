/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The gateway's API: which gateway, with which password, and what its errors
 * are in the words of a command line.
 */

#ifndef FAAS_CLI_API_H
#define FAAS_CLI_API_H

#include <jansson.h>
#include <stdint.h>

#include "cli.h"
#include "http.h"


#define API_DEFAULT_GATEWAY  "http://127.0.0.1:8080"
#define API_TIMEOUT_MS       60000      /* for each answer, without --timeout */
#define API_TEXT_MAX         160        /* bytes of its errors that are shown */


struct stack;

struct api {
    struct cli  *cli;
    const char  *gateway;           /* without a slash at its end */
    const char  *ns;                /* --namespace; NULL: the default one */
    const char  *authorization;     /* a whole header, or NULL */
    int          is_insecure;
    uint64_t     timeout_ms;
};


/*
 * Finds out the gateway (--gateway, the stack file's where there is one, the
 * environment's, the default) and what is saved for it.  Returns 0, or -1 with
 * cli->err.
 */
int api_init(struct api *api, struct cli *cli, const struct stack *stack);

/*
 * The same with the stack file that --yaml names or that is here, if there is
 * one.
 */
int api_connect(struct api *api, struct cli *cli);

/*
 * A gateway's URL in the form it is saved in: small letters, no slash at the
 * end, with a scheme.
 */
char *api_normal_url(struct pool *pool, const char *url);

/*
 * Sends a request; path begins with a slash; body, where there is one, goes as
 * JSON.  Returns 0, and the response is to be freed, or -1 with cli->err.
 */
int api_send(struct api *api, const char *method, const char *path,
    const json_t *body, struct http_response *res);

/*
 * The same, with any status but 2xx being an error.  answer, where it is not
 * NULL, is set to the text of the answer, which is the pool's.  *status, where
 * it is not NULL, is set in any case (0: no answer).
 */
int api_call(struct api *api, const char *method, const char *path,
    const json_t *body, long *status, const char **answer);

/*
 * What a GET answers, to be freed by json_decref(); NULL with cli->err where
 * it is no 2xx, or no JSON.
 */
json_t *api_get_json(struct api *api, const char *path);

/*
 * The same for what has to be a list.
 */
json_t *api_get_list(struct api *api, const char *path);

/*
 * After http_send() has failed: where nobody answers, cli->err says which
 * gateway that is, and what to do.  Returns -1.
 */
int api_fail_send(struct api *api);

/*
 * Sets cli->err to what an answer that is no 2xx means, and returns -1.
 */
int api_fail(struct api *api, const struct http_response *res);

/*
 * PATH, or PATH?namespace=NS.
 */
const char *api_path(struct api *api, const char *path, const char *ns);

/*
 * A text from outside as JSON: one that is no UTF-8 has '?' in it.
 */
json_t *api_json_text(const char *text);


#endif /* FAAS_CLI_API_H */

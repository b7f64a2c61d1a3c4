/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Why an image cannot be pulled.  A node says of it only that it has no such
 * image; so its registry is asked, once, with the credentials that were given
 * with it, and what it has against it is kept.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "swarm.h"


#define PATH_SIZE  1024
#define DOCKER     "Docker: "       /* in front of its errors */


struct image_call {
    struct swarm  *swarm;
    char           id[SWARM_ID_MAX + 1];    /* of the service */
};


static void on_answer(void *arg, json_t *answer, const struct faas_err *err);


void
swarm_image_ask(struct swarm *swarm, const char *id, const char *image,
    const char *auth)
{
    int                 len;
    char                path[PATH_SIZE];
    struct image_call  *call;

    len = snprintf(path, sizeof(path), "/distribution/%s/json", image);
    call = len > 0 && len < PATH_SIZE ? malloc(sizeof(*call)) : NULL;

    if (call == NULL) {
        return;                 /* there is less to tell */
    }

    call->swarm = swarm;
    (void) snprintf(call->id, sizeof(call->id), "%s", id);

    docker_get(&swarm->docker, path, auth, on_answer, call);
}


static void
on_answer(void *arg, json_t *answer, const struct faas_err *err)
{
    const char            *text;
    struct image_call     *call;
    struct swarm_service  *service;

    (void) answer;

    call = arg;
    text = err->text;
    service = swarm_find_id(call->swarm, call->id);

    if (strncmp(text, DOCKER, strlen(DOCKER)) == 0) {
        text += strlen(DOCKER);
    }

    if (service != NULL && err->code != 0) {
        (void) snprintf(service->pull_error, sizeof(service->pull_error),
                        "%.*s", SWARM_ERROR_MAX - 1, text);
    }

    free(call);
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What somebody deployed: OpenFaaS' FunctionDeployment, checked at the door,
 * and what the scaler keeps with it.
 */

#ifndef FAAS_SCALER_SPEC_H
#define FAAS_SCALER_SPEC_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "lib/faas_async.h"
#include "lib/faas_err.h"
#include "lib/faas_name.h"
#include "limits.h"
#include "resources.h"
#include "scale.h"


#define SPEC_SECRETS_MAX      64        /* of a function */
#define SPEC_CONSTRAINTS_MAX  64


struct spec {
    char         name[FAAS_NAME_MAX + 1];
    char         ns[FAAS_NAME_MAX + 1];
    char         key[FAAS_KEY_MAX + 1];
    json_t      *deployment;            /* owned; labels, annotations objects */
    json_t      *env;                   /* owned; with the image's; strings */
    uint64_t     replicas;              /* wanted now */
    struct scale_settings  scale;       /* min, max and the like */
    struct faas_async_settings  *async; /* owned; NULL: nothing is set */
    struct limits     limits;
    struct resources  most;             /* "limits" of the deployment */
    struct resources  requested;
    char        *registry_auth;         /* owned, base64(user:password), never
                                           kept or shown; NULL: none */
    time_t       created;
    uint64_t     revision;              /* of the deployment: another one after
                                           an update, the same when it is
                                           scaled */
};


/*
 * Reads a deployment from LEN bytes of JSON.  config bounds the labels, and has
 * what they leave open.  Returns a new spec with replicas == scale.policy.min,
 * or NULL with code 400 in err.
 */
struct spec *spec_parse(const char *s, size_t len,
    const struct scale_config *config, struct faas_err *err);

/*
 * The same as spec_parse() from what spec_encode() made.  What is over
 * config->max_replicas is cut to it: the setting may have been lowered since.
 */
struct spec *spec_decode(const char *s, size_t len,
    const struct scale_config *config, struct faas_err *err);

/*
 * The same of what runs already, and others may have deployed: the deployment
 * is taken, name and ns are as they are in calls.  What is not as it should be
 * is passed over, and told in odd, whose code is 0 where nothing is.  Returns
 * NULL where nobody can call it, with err.
 */
struct spec *spec_observe(json_t *deployment, const char *name,
    const char *ns, const struct scale_config *config, struct faas_err *odd,
    struct faas_err *err);

/*
 * Returns the spec as JSON text to be freed with free(), or NULL.
 */
char *spec_encode(const struct spec *spec);

/*
 * Frees a spec; NULL is allowed.
 */
void spec_free(struct spec *spec);

/*
 * A member of the deployment as text; NULL where it is none.
 */
const char *spec_text(const struct spec *spec, const char *member);

/*
 * Puts what the image says below the deployment's own environment, and reads
 * the limits that are in it anew.  Returns 0, or -1 with code 400 in err.
 */
int spec_set_image(struct spec *spec, const json_t *image_env,
    struct faas_err *err);

/*
 * An update: the function has so many replicas, and keeps them within its new
 * bounds.
 */
void spec_keep_replicas(struct spec *spec, uint64_t replicas);

/*
 * Checks that there is a process to run.  Returns 0, or -1 with code 400.
 */
int spec_check_process(const struct spec *spec, struct faas_err *err);

/*
 * A variable of the environment; NULL where there is none.
 */
const char *spec_env(const struct spec *spec, const char *name);


#endif /* FAAS_SCALER_SPEC_H */

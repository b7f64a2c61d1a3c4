/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What somebody deployed.
 */

#include "spec.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/faas_num.h"
#include "lib/faas_proto.h"

#include "async.h"
#include "body.h"
#include "env.h"
#include "secret.h"


#define BAD_REQUEST  400
#define CREATED_MAX  253402300799LL     /* the last second of year 9999 */


enum shape {
    STRING,
    BOOLEAN,
    OBJECT
};


static struct spec *spec_new(json_t *deployment,
    const struct scale_config *config, struct faas_err *err);
static struct spec *spec_alloc(json_t *deployment, struct faas_err *err);
static int take_auth(struct spec *spec, struct faas_err *err);
static uint64_t new_revision(void);
static uint64_t least(uint64_t a, uint64_t b);
static int check_name(struct spec *spec, struct faas_err *err);
static void set_name(struct spec *spec, const char *name, const char *ns);
static int check_texts(struct spec *spec, struct faas_err *err);
static int check_shapes(struct spec *spec, struct faas_err *err);
static int is_shape(const json_t *value, enum shape shape);
static int check_quantities(const json_t *map, const char *member,
    struct faas_err *err);
static int check_secrets(struct spec *spec, struct faas_err *err);


struct spec *
spec_parse(const char *s, size_t len, const struct scale_config *config,
    struct faas_err *err)
{
    json_t       *root;
    struct spec  *spec;

    root = body_read(s, len, "{\"service\": \"NAME\", ...}", err);
    spec = root != NULL ? spec_new(root, config, err) : NULL;

    if (spec != NULL
        && async_read(&spec->async,
                      json_object_get(spec->deployment, "annotations"), err)
           != 0)
    {
        spec_free(spec);
        return NULL;
    }

    return spec;
}


struct spec *
spec_decode(const char *s, size_t len, const struct scale_config *config,
    struct faas_err *err)
{
    json_t               *root, *replicas, *created;
    uint64_t              max;
    struct spec          *spec;
    struct faas_err       ignored;
    struct scale_config   wide;

    /* it was within the bounds of its day; now it is cut to those of today */

    root = json_loadb(s, len, JSON_REJECT_DUPLICATES, NULL);
    replicas = json_object_get(root, "replicas");
    created = json_object_get(root, "created");

    if (!json_is_integer(replicas) || json_integer_value(replicas) < 0
        || !json_is_integer(created) || json_integer_value(created) < 0
        || json_integer_value(created) > CREATED_MAX
        || !json_is_object(json_object_get(root, "deployment")))
    {
        json_decref(root);
        (void) faas_err_set(err, 0, "it holds no specification");
        return NULL;
    }

    wide = *config;
    wide.max_replicas = FAAS_REPLICAS_MAX;
    spec = spec_new(json_incref(json_object_get(root, "deployment")), &wide,
                    err);

    if (spec != NULL) {
        spec->created = (time_t) json_integer_value(created);
        spec->revision = (uint64_t) json_integer_value(
                             json_object_get(root, "revision"));

        max = config->max_replicas;
        spec->replicas = least((uint64_t) json_integer_value(replicas), max);
        spec->scale.policy.min = least(spec->scale.policy.min, max);
        spec->scale.policy.max = least(spec->scale.policy.max, max);

        /* annotations may be older than what they mean now */

        (void) async_read(&spec->async,
                          json_object_get(spec->deployment, "annotations"),
                          &ignored);
    }

    json_decref(root);

    return spec;
}


struct spec *
spec_observe(json_t *deployment, const char *name, const char *ns,
    const struct scale_config *config, struct faas_err *odd,
    struct faas_err *err)
{
    char               text[FAAS_KEY_MAX + 1];
    struct spec       *spec;
    struct faas_name   parsed;

    odd->code = 0;
    (void) snprintf(text, sizeof(text), "%s.%s", name, ns);

    if (strlen(name) > FAAS_NAME_MAX || strchr(name, '.') != NULL
        || faas_name_parse(text, strlen(text), &parsed) != 0)
    {
        json_decref(deployment);
        (void) faas_err_set(err, BAD_REQUEST, "nobody can call a function "
                            "\"%.80s\" of the namespace \"%.80s\"", name,
                            ns);
        return NULL;
    }

    spec = spec_alloc(deployment, err);

    if (spec == NULL) {
        return NULL;
    }

    set_name(spec, name, ns);

    /* each that fails says so in odd, and leaves a default */

    if (scale_read(&spec->scale, config,
                   json_object_get(deployment, "labels"), odd)
        != 0)
    {
        spec->scale.policy.min = 0;
        spec->scale.policy.max = config->max_replicas;
    }

    (void) async_read(&spec->async, json_object_get(deployment, "annotations"),
                      odd);
    (void) resources_read(&spec->most, &spec->requested, deployment, odd);
    spec->env = env_merge(NULL, deployment);

    if (spec->env == NULL) {
        spec_free(spec);
        (void) faas_err_set(err, 500, "no memory");
        return NULL;
    }

    if (limits_read(&spec->limits, spec->env,
                    json_object_get(deployment, "labels"), odd)
        != 0)
    {
        (void) limits_read(&spec->limits, NULL, NULL, NULL);
    }

    return spec;
}


char *
spec_encode(const struct spec *spec)
{
    char    *text;
    json_t  *root;

    root = json_pack("{s:I, s:I, s:I, s:O}",
                     "revision", (json_int_t) spec->revision,
                     "replicas", (json_int_t) spec->replicas,
                     "created", (json_int_t) spec->created,
                     "deployment", spec->deployment);

    text = json_dumps(root, JSON_INDENT(2));
    json_decref(root);

    return text;
}


void
spec_free(struct spec *spec)
{
    if (spec != NULL) {
        json_decref(spec->deployment);
        json_decref(spec->env);
        free(spec->async);

        if (spec->registry_auth != NULL) {
            explicit_bzero(spec->registry_auth, strlen(spec->registry_auth));
            free(spec->registry_auth);
        }

        free(spec);
    }
}


const char *
spec_text(const struct spec *spec, const char *member)
{
    return json_string_value(json_object_get(spec->deployment, member));
}


int
spec_set_image(struct spec *spec, const json_t *image_env,
    struct faas_err *err)
{
    json_t  *env;

    if (env_check(json_object_get(spec->deployment, "envVars"), 0, err) != 0) {
        return faas_err_prefix(err, "\"envVars\"");
    }

    env = env_merge(image_env, spec->deployment);

    if (env == NULL) {
        return faas_err_set(err, 500, "no memory");
    }

    json_decref(spec->env);
    spec->env = env;

    return limits_read(&spec->limits, env,
                       json_object_get(spec->deployment, "labels"), err);
}


void
spec_keep_replicas(struct spec *spec, uint64_t replicas)
{
    const struct policy_settings  *policy;

    policy = &spec->scale.policy;

    if (replicas > policy->min) {
        spec->replicas = replicas < policy->max ? replicas : policy->max;
    }
}


int
spec_check_process(const struct spec *spec, struct faas_err *err)
{
    const char  *mode;

    mode = spec_env(spec, "mode");

    if (json_string_length(json_object_get(spec->env, "fprocess")) != 0
        || json_string_length(json_object_get(spec->env, "function_process"))
           != 0
        || (mode != NULL && strcmp(mode, "static") == 0))
    {
        return 0;
    }

    return faas_err_set(err, BAD_REQUEST, "\"envProcess\" is missing: the "
                        "command to run in the image's folder, whose "
                        "image.json has none either");
}


const char *
spec_env(const struct spec *spec, const char *name)
{
    return json_string_value(json_object_get(spec->env, name));
}


/*
 * Takes the deployment, also when it fails.
 */
static struct spec *
spec_new(json_t *deployment, const struct scale_config *config,
    struct faas_err *err)
{
    struct spec  *spec;

    spec = spec_alloc(deployment, err);

    if (spec == NULL) {
        return NULL;
    }

    spec->created = time(NULL);
    spec->revision = new_revision();

    if (check_name(spec, err) != 0
        || check_texts(spec, err) != 0
        || body_check_map(deployment, "labels", err) != 0
        || body_check_map(deployment, "annotations", err) != 0
        || check_shapes(spec, err) != 0
        || body_check_list(deployment, "constraints", SPEC_CONSTRAINTS_MAX,
                           err)
           != 0
        || check_secrets(spec, err) != 0
        || scale_read(&spec->scale, config,
                      json_object_get(deployment, "labels"), err)
           != 0
        || resources_read(&spec->most, &spec->requested, deployment, err) != 0
        || spec_set_image(spec, NULL, err) != 0
        || take_auth(spec, err) != 0)
    {
        spec_free(spec);
        return NULL;
    }

    spec->replicas = spec->scale.policy.min;

    return spec;
}


/*
 * The same.
 */
static struct spec *
spec_alloc(json_t *deployment, struct faas_err *err)
{
    struct spec  *spec;

    spec = calloc(1, sizeof(*spec));

    if (spec == NULL) {
        json_decref(deployment);
        (void) faas_err_set(err, 500, "no memory");
        return NULL;
    }

    spec->deployment = deployment;

    return spec;
}


/*
 * Whose it is can pull any image of its user's: it is not kept or shown.
 */
static int
take_auth(struct spec *spec, struct faas_err *err)
{
    const char  *auth;

    auth = spec_text(spec, "registryAuth");

    if (auth != NULL && auth[0] != '\0') {
        spec->registry_auth = strdup(auth);

        if (spec->registry_auth == NULL) {
            return faas_err_set(err, 500, "no memory");
        }
    }

    (void) json_object_del(spec->deployment, "registryAuth");

    return 0;
}


/*
 * Microseconds: no two updates of a function are as close as that.
 */
static uint64_t
new_revision(void)
{
    struct timespec  now;

    (void) clock_gettime(CLOCK_REALTIME, &now);

    return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}


static uint64_t
least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}


static int
check_name(struct spec *spec, struct faas_err *err)
{
    const char        *name, *ns;

    if (body_check_text(spec->deployment, "service", 1, err) != 0
        || body_check_text(spec->deployment, "namespace", 0, err) != 0)
    {
        return -1;
    }

    name = spec_text(spec, "service");
    ns = spec_text(spec, "namespace");

    if (ns == NULL || ns[0] == '\0') {
        ns = FAAS_DEFAULT_NAMESPACE;
    }

    if (!faas_name_is_dns_label(name, strlen(name))) {
        return faas_err_set(err, BAD_REQUEST, "\"service\": \"%.80s\" is no "
                            "name, expected 1 to %d of a-z, 0-9 and -, "
                            "beginning and ending with a letter or a digit",
                            name, FAAS_NAME_MAX);
    }

    if (!faas_name_is_dns_label(ns, strlen(ns))) {
        return faas_err_set(err, BAD_REQUEST, "\"namespace\": \"%.80s\" is no "
                            "name, expected the same as of \"service\"", ns);
    }

    set_name(spec, name, ns);

    return 0;
}


static void
set_name(struct spec *spec, const char *name, const char *ns)
{
    struct faas_name  parsed;

    (void) snprintf(spec->name, sizeof(spec->name), "%s", name);
    (void) snprintf(spec->ns, sizeof(spec->ns), "%s", ns);

    parsed.name = spec->name;
    parsed.name_len = strlen(spec->name);
    parsed.ns = spec->ns;
    parsed.ns_len = strlen(spec->ns);
    (void) faas_name_key(&parsed, spec->key);
}


static int
check_texts(struct spec *spec, struct faas_err *err)
{
    if (body_check_text(spec->deployment, "image", 1, err) != 0
        || body_check_text(spec->deployment, "envProcess", 0, err) != 0)
    {
        return -1;
    }

    return 0;
}


/*
 * What is only kept and shown: clients expect it to be of these types.
 */
static int
check_shapes(struct spec *spec, struct faas_err *err)
{
    size_t   i;
    json_t  *value;

    static const struct {
        const char  *member;
        enum shape   shape;
        const char  *text;
    } shapes[] = {
        { "limits", OBJECT, "an object" },
        { "requests", OBJECT, "an object" },
        { "readOnlyRootFilesystem", BOOLEAN, "true or false" },
        { "network", STRING, "a string" },
        { "registryAuth", STRING, "a string" },
    };

    for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        value = json_object_get(spec->deployment, shapes[i].member);

        if (value != NULL && !json_is_null(value)
            && !is_shape(value, shapes[i].shape))
        {
            return faas_err_set(err, BAD_REQUEST, "\"%s\" is not %s",
                                shapes[i].member, shapes[i].text);
        }

        if (json_is_object(value)
            && check_quantities(value, shapes[i].member, err) != 0)
        {
            return -1;
        }
    }

    return 0;
}


static int
is_shape(const json_t *value, enum shape shape)
{
    switch (shape) {

    case STRING:
        return json_is_string(value);

    case BOOLEAN:
        return json_is_boolean(value);

    case OBJECT:
        return json_is_object(value);
    }

    return 0;
}


/*
 * They are shown as they are, and clients expect texts.
 */
static int
check_quantities(const json_t *map, const char *member, struct faas_err *err)
{
    json_t      *value;
    const char  *name;

    if (json_object_size(map) > BODY_MAP_MAX) {
        return faas_err_set(err, BAD_REQUEST, "\"%s\" has more than %d "
                            "members", member, BODY_MAP_MAX);
    }

    json_object_foreach((json_t *) map, name, value) {
        if (body_check_text(map, name, 0, err) != 0) {
            return faas_err_prefix(err, "\"%s\"", member);
        }
    }

    return 0;
}


/*
 * Whether they exist the provider knows.
 */
static int
check_secrets(struct spec *spec, struct faas_err *err)
{
    size_t         i, j;
    const char    *name;
    const json_t  *secrets;

    if (body_check_list(spec->deployment, "secrets", SPEC_SECRETS_MAX, err)
        != 0)
    {
        return -1;
    }

    secrets = json_object_get(spec->deployment, "secrets");

    for (i = 0; i < json_array_size(secrets); i++) {
        name = json_string_value(json_array_get(secrets, i));

        if (!secret_is_name(name)) {
            return faas_err_set(err, BAD_REQUEST, "\"secrets\": \"%.80s\" is "
                                "no name of a secret, expected " SECRET_NAME,
                                name);
        }

        for (j = 0; j < i; j++) {
            if (strcmp(name, json_string_value(json_array_get(secrets, j)))
                == 0)
            {
                return faas_err_set(err, BAD_REQUEST, "\"secrets\": "
                                    "\"%.80s\" is there twice", name);
            }
        }
    }

    return 0;
}

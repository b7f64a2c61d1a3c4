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


#define BAD_REQUEST  400
#define CREATED_MAX  253402300799LL     /* the last second of year 9999 */


enum shape {
    STRING,
    BOOLEAN,
    STRINGS,                        /* an array */
    OBJECT
};


static struct spec *spec_new(json_t *deployment, uint64_t max_replicas,
    struct faas_err *err);
static uint64_t least(uint64_t a, uint64_t b);
static int check_name(struct spec *spec, struct faas_err *err);
static int check_texts(struct spec *spec, struct faas_err *err);
static int check_text(json_t *object, const char *member, int is_required,
    struct faas_err *err);
static int check_env(struct spec *spec, struct faas_err *err);
static int is_env_name(const char *s);
static int is_reserved(const char *name);
static int check_map(struct spec *spec, const char *member,
    struct faas_err *err);
static int check_shapes(struct spec *spec, struct faas_err *err);
static int is_shape(const json_t *value, enum shape shape);
static int check_unsupported(struct spec *spec, struct faas_err *err);
static int check_scale(struct spec *spec, uint64_t max_replicas,
    struct faas_err *err);
static int label_uint(struct spec *spec, const char *label,
    uint64_t max_replicas, uint64_t *value, struct faas_err *err);


/* what the scaler itself sets for a watchdog */
static const char *const  reserved[] = {
    "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "TMPDIR", "fprocess",
    "function_process", "port", "OPENFAAS_NAME", "OPENFAAS_NAMESPACE",
};


struct spec *
spec_parse(const char *s, size_t len, uint64_t max_replicas,
    struct faas_err *err)
{
    json_t  *root;

    root = spec_read_object(s, len, "{\"service\": \"NAME\", ...}", err);

    return root != NULL ? spec_new(root, max_replicas, err) : NULL;
}


json_t *
spec_read_object(const char *s, size_t len, const char *what,
    struct faas_err *err)
{
    json_t        *root;
    json_error_t   json_err;

    if (len == 0) {
        (void) faas_err_set(err, BAD_REQUEST, "the body is empty, expected "
                            "%.60s", what);
        return NULL;
    }

    root = json_loadb(s, len, JSON_REJECT_DUPLICATES, &json_err);

    if (root == NULL) {
        (void) faas_err_set(err, BAD_REQUEST, "the body is no JSON: line %d, "
                            "column %d: %.100s; expected %.60s",
                            json_err.line, json_err.column, json_err.text,
                            what);

    } else if (!json_is_object(root)) {
        json_decref(root);
        root = NULL;
        (void) faas_err_set(err, BAD_REQUEST, "the body is no JSON object, "
                            "expected %.60s", what);
    }

    return root;
}


struct spec *
spec_decode(const char *s, size_t len, uint64_t max_replicas,
    struct faas_err *err)
{
    json_t       *root, *replicas, *created;
    struct spec  *spec;

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

    spec = spec_new(json_incref(json_object_get(root, "deployment")),
                    FAAS_REPLICAS_MAX, err);

    if (spec != NULL) {
        spec->created = (time_t) json_integer_value(created);
        spec->replicas = least((uint64_t) json_integer_value(replicas),
                               max_replicas);
        spec->min = least(spec->min, max_replicas);
        spec->max = least(spec->max, max_replicas);
    }

    json_decref(root);

    return spec;
}


char *
spec_encode(const struct spec *spec)
{
    char    *text;
    json_t  *root;

    root = json_pack("{s:I, s:I, s:O}",
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
        free(spec);
    }
}


const char *
spec_text(const struct spec *spec, const char *member)
{
    return json_string_value(json_object_get(spec->deployment, member));
}


const char *
spec_env(const struct spec *spec, const char *name)
{
    return json_string_value(json_object_get(
               json_object_get(spec->deployment, "envVars"), name));
}


/*
 * Takes the deployment, also when it fails.
 */
static struct spec *
spec_new(json_t *deployment, uint64_t max_replicas, struct faas_err *err)
{
    struct spec  *spec;

    spec = calloc(1, sizeof(*spec));

    if (spec == NULL) {
        json_decref(deployment);
        (void) faas_err_set(err, 500, "no memory");
        return NULL;
    }

    spec->deployment = deployment;
    spec->created = time(NULL);

    if (check_name(spec, err) != 0
        || check_texts(spec, err) != 0
        || check_map(spec, "labels", err) != 0
        || check_map(spec, "annotations", err) != 0
        || check_env(spec, err) != 0
        || check_shapes(spec, err) != 0
        || check_unsupported(spec, err) != 0
        || check_scale(spec, max_replicas, err) != 0
        || limits_read(&spec->limits, spec->deployment, err) != 0)
    {
        spec_free(spec);
        return NULL;
    }

    spec->replicas = spec->min;

    return spec;
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
    struct faas_name   parsed;

    if (check_text(spec->deployment, "service", 1, err) != 0
        || check_text(spec->deployment, "namespace", 0, err) != 0)
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

    if (strcmp(ns, FAAS_DEFAULT_NAMESPACE) != 0) {
        return faas_err_set(err, BAD_REQUEST, "\"namespace\": \"%.80s\" does "
                            "not exist, the only one is \"%s\"", ns,
                            FAAS_DEFAULT_NAMESPACE);
    }

    (void) snprintf(spec->name, sizeof(spec->name), "%s", name);
    (void) snprintf(spec->ns, sizeof(spec->ns), "%s", ns);

    parsed.name = spec->name;
    parsed.name_len = strlen(spec->name);
    parsed.ns = spec->ns;
    parsed.ns_len = strlen(spec->ns);
    (void) faas_name_key(&parsed, spec->key);

    return 0;
}


static int
check_texts(struct spec *spec, struct faas_err *err)
{
    if (check_text(spec->deployment, "image", 1, err) != 0
        || check_text(spec->deployment, "envProcess", 0, err) != 0)
    {
        return -1;
    }

    return 0;
}


static int
check_text(json_t *object, const char *member, int is_required,
    struct faas_err *err)
{
    size_t   len;
    json_t  *value;

    value = json_object_get(object, member);

    if (value == NULL || json_is_null(value)) {
        return is_required ? faas_err_set(err, BAD_REQUEST, "\"%s\" is "
                                          "missing", member)
                           : 0;
    }

    if (!json_is_string(value)) {
        return faas_err_set(err, BAD_REQUEST, "\"%s\" is no string", member);
    }

    len = json_string_length(value);

    if (len > SPEC_TEXT_MAX || (is_required && len == 0)
        || strlen(json_string_value(value)) != len)
    {
        return faas_err_set(err, BAD_REQUEST, "\"%s\" has %zu bytes or a zero "
                            "byte in it, expected %d to %d bytes", member,
                            len, is_required, SPEC_TEXT_MAX);
    }

    return 0;
}


static int
check_env(struct spec *spec, struct faas_err *err)
{
    json_t      *env, *value;
    const char  *name;

    env = json_object_get(spec->deployment, "envVars");

    if (env == NULL || json_is_null(env)) {
        return 0;
    }

    if (!json_is_object(env) || json_object_size(env) > SPEC_ENV_MAX) {
        return faas_err_set(err, BAD_REQUEST, "\"envVars\" is no object of at "
                            "most %d strings", SPEC_ENV_MAX);
    }

    json_object_foreach(env, name, value) {

        if (!is_env_name(name)) {
            return faas_err_set(err, BAD_REQUEST, "\"envVars\": \"%.80s\" is "
                                "no name of a variable, expected letters, "
                                "digits, _, - and ., not first a digit",
                                name);
        }

        if (is_reserved(name)) {
            return faas_err_set(err, BAD_REQUEST, "\"envVars\": \"%s\" is set "
                                "by the platform; the process is \"envProcess"
                                "\"", name);
        }

        if (check_text(env, name, 0, err) != 0) {
            return faas_err_prefix(err, "\"envVars\"");
        }
    }

    return 0;
}


static int
is_env_name(const char *s)
{
    size_t  i;

    if (s[0] >= '0' && s[0] <= '9') {
        return 0;
    }

    for (i = 0; s[i] != '\0'; i++) {
        if (!faas_name_is_char((unsigned char) s[i])) {
            return 0;
        }
    }

    return i > 0 && i <= SPEC_ENV_NAME_MAX;
}


static int
is_reserved(const char *name)
{
    size_t  i;

    for (i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        if (strcmp(name, reserved[i]) == 0) {
            return 1;
        }
    }

    return 0;
}


/*
 * Labels and annotations: absent and null become {}, for clients expect
 * objects.
 */
static int
check_map(struct spec *spec, const char *member, struct faas_err *err)
{
    json_t      *map, *value;
    const char  *name;

    map = json_object_get(spec->deployment, member);

    if (map == NULL || json_is_null(map)) {
        return json_object_set_new(spec->deployment, member, json_object());
    }

    if (!json_is_object(map) || json_object_size(map) > SPEC_LABELS_MAX) {
        return faas_err_set(err, BAD_REQUEST, "\"%s\" is no object of at most "
                            "%d strings", member, SPEC_LABELS_MAX);
    }

    json_object_foreach(map, name, value) {
        if (!json_is_string(value)) {
            return faas_err_set(err, BAD_REQUEST, "\"%s\": \"%.80s\" is no "
                                "string", member, name);
        }
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
        { "constraints", STRINGS, "an array of strings" },
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
    }

    return 0;
}


static int
is_shape(const json_t *value, enum shape shape)
{
    size_t   i;

    switch (shape) {

    case STRING:
        return json_is_string(value);

    case BOOLEAN:
        return json_is_boolean(value);

    case OBJECT:
        return json_is_object(value);

    case STRINGS:
        for (i = 0; i < json_array_size(value); i++) {
            if (!json_is_string(json_array_get(value, i))) {
                return 0;
            }
        }

        return json_is_array(value);
    }

    return 0;
}


/*
 * To take what cannot be given would be a lie.
 */
static int
check_unsupported(struct spec *spec, struct faas_err *err)
{
    json_t  *secrets;

    secrets = json_object_get(spec->deployment, "secrets");

    if (secrets != NULL && !json_is_null(secrets)
        && (!json_is_array(secrets) || json_array_size(secrets) != 0))
    {
        return faas_err_set(err, BAD_REQUEST, "\"secrets\": no secret exists, "
                            "this version has none: leave it out");
    }

    return 0;
}


static int
check_scale(struct spec *spec, uint64_t max_replicas, struct faas_err *err)
{
    spec->min = 1;
    spec->max = SPEC_REPLICAS_MAX < max_replicas ? SPEC_REPLICAS_MAX
                                                 : max_replicas;

    if (label_uint(spec, SPEC_LABEL_MIN, max_replicas, &spec->min, err) != 0
        || label_uint(spec, SPEC_LABEL_MAX, max_replicas, &spec->max, err)
           != 0)
    {
        return -1;
    }

    if (spec->min > spec->max) {
        return faas_err_set(err, BAD_REQUEST, "\"labels\": " SPEC_LABEL_MIN
                            " is %" PRIu64 ", more than " SPEC_LABEL_MAX ", "
                            "%" PRIu64, spec->min, spec->max);
    }

    return 0;
}


static int
label_uint(struct spec *spec, const char *label, uint64_t max_replicas,
    uint64_t *value, struct faas_err *err)
{
    const char  *s;

    s = json_string_value(json_object_get(
            json_object_get(spec->deployment, "labels"), label));

    if (s != NULL
        && faas_parse_uint(s, strlen(s), 0, max_replicas, value) != 0)
    {
        return faas_err_set(err, BAD_REQUEST, "\"labels\": %s is \"%.80s\", "
                            "expected a number from 0 to %" PRIu64, label, s,
                            max_replicas);
    }

    return 0;
}

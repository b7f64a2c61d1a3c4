/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A function's environment.
 */

#include "env.h"

#include <string.h>

#include "lib/faas_name.h"


#define BAD_REQUEST  400


static int is_name(const char *s);
static int is_reserved(const char *name, int is_image);
static int check_value(const char *name, const json_t *value,
    struct faas_err *err);


/* what the scaler itself sets for a watchdog */
static const char *const  reserved[] = {
    "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "TMPDIR", "port",
    "OPENFAAS_NAME", "OPENFAAS_NAMESPACE", "FAAS_SECRETS_DIR",
    "FAAS_REPLICA", "FAAS_REVISION",
};

/* the deployment has a member for it */
static const char *const  process[] = {
    "fprocess", "function_process",
};


int
env_check(const json_t *vars, int is_image, struct faas_err *err)
{
    json_t      *value;
    const char  *name;

    if (vars == NULL || json_is_null(vars)) {
        return 0;
    }

    if (!json_is_object(vars) || json_object_size(vars) > ENV_MAX) {
        return faas_err_set(err, BAD_REQUEST, "no object of at most %d "
                            "strings", ENV_MAX);
    }

    json_object_foreach((json_t *) vars, name, value) {

        if (!is_name(name)) {
            return faas_err_set(err, BAD_REQUEST, "\"%.80s\" is no name of a "
                                "variable, expected 1 to %d letters, digits, "
                                "_, - and ., not first a digit", name,
                                ENV_NAME_MAX);
        }

        if (is_reserved(name, is_image)) {
            return faas_err_set(err, BAD_REQUEST, "\"%s\" is set by the "
                                "platform; the process is \"envProcess\"",
                                name);
        }

        if (check_value(name, value, err) != 0) {
            return -1;
        }
    }

    return 0;
}


json_t *
env_merge(const json_t *image, const json_t *deployment)
{
    json_t        *env;
    const json_t  *vars, *value;

    env = json_object();
    vars = json_object_get(deployment, "envVars");
    value = json_object_get(deployment, "envProcess");

    if ((json_is_object(image)
         && json_object_update(env, (json_t *) image) != 0)
        || (json_is_object(vars)
            && json_object_update(env, (json_t *) vars) != 0))
    {
        json_decref(env);
        return NULL;
    }

    if (json_string_length(value) != 0) {

        /* the newer name would win over it */

        (void) json_object_del(env, "function_process");

        if (json_object_set(env, "fprocess", (json_t *) value) != 0) {
            json_decref(env);
            return NULL;
        }
    }

    return env;
}


static int
is_name(const char *s)
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

    return i > 0 && i <= ENV_NAME_MAX;
}


static int
is_reserved(const char *name, int is_image)
{
    size_t  i;

    for (i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        if (strcmp(name, reserved[i]) == 0) {
            return 1;
        }
    }

    for (i = 0; i < sizeof(process) / sizeof(process[0]); i++) {
        if (!is_image && strcmp(name, process[i]) == 0) {
            return 1;
        }
    }

    return 0;
}


static int
check_value(const char *name, const json_t *value, struct faas_err *err)
{
    /* what was left empty in YAML is null, and means "" */

    if (!json_is_string(value) && !json_is_null(value)) {
        return faas_err_set(err, BAD_REQUEST, "\"%.80s\" is no string", name);
    }

    if (json_string_length(value) > ENV_TEXT_MAX) {
        return faas_err_set(err, BAD_REQUEST, "\"%.80s\" has %zu bytes, at "
                            "most %d are allowed", name,
                            json_string_length(value), ENV_TEXT_MAX);
    }

    return 0;
}

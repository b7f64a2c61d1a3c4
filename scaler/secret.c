/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A secret as a client sends it.
 */

#include "secret.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base64.h"
#include "body.h"


#define BAD_REQUEST  400


static int fill(struct secret *secret, const json_t *body, int has_value,
    struct faas_err *err);
static int take_value(struct secret *secret, const json_t *body,
    struct faas_err *err);
static int is_lower(char c);


int
secret_is_name(const char *s)
{
    size_t  i, len;

    len = strlen(s);

    if (len == 0 || len > SECRET_NAME_MAX || !is_lower(s[0])
        || !is_lower(s[len - 1]))
    {
        return 0;
    }

    for (i = 0; i < len; i++) {
        if (!is_lower(s[i]) && s[i] != '-'
            && (s[i] != '.' || s[i + 1] == '.'))
        {
            return 0;
        }
    }

    return 1;
}


struct secret *
secret_parse(const char *s, size_t len, int has_value, struct faas_err *err)
{
    json_t         *body;
    struct secret  *secret;

    body = body_read(s, len, has_value
                             ? "{\"name\": \"NAME\", \"value\": \"TEXT\"}"
                             : "{\"name\": \"NAME\"}", err);

    if (body == NULL) {
        return NULL;
    }

    secret = calloc(1, sizeof(*secret));

    if (secret == NULL) {
        (void) faas_err_set(err, 500, "no memory");

    } else if (fill(secret, body, has_value, err) != 0) {
        secret_free(secret);
        secret = NULL;
    }

    json_decref(body);

    return secret;
}


void
secret_free(struct secret *secret)
{
    if (secret != NULL) {
        if (secret->value != NULL) {
            explicit_bzero(secret->value, secret->len);
        }

        free(secret->value);
        free(secret);
    }
}


static int
fill(struct secret *secret, const json_t *body, int has_value,
    struct faas_err *err)
{
    const char  *name, *ns;

    if (body_check_text(body, "name", 1, err) != 0
        || body_check_text(body, "namespace", 0, err) != 0)
    {
        return -1;
    }

    name = json_string_value(json_object_get(body, "name"));
    ns = json_string_value(json_object_get(body, "namespace"));

    if (!secret_is_name(name)) {
        return faas_err_set(err, BAD_REQUEST, "\"name\": \"%.80s\" is no name "
                            "of a secret, expected " SECRET_NAME, name);
    }

    if (ns == NULL || ns[0] == '\0') {
        ns = FAAS_DEFAULT_NAMESPACE;
    }

    if (!faas_name_is_dns_label(ns, strlen(ns))) {
        return faas_err_set(err, BAD_REQUEST, "\"namespace\": \"%.80s\" is no "
                            "name, expected 1 to %d of a-z, 0-9 and -, "
                            "beginning and ending with a letter or a digit",
                            ns, FAAS_NAME_MAX);
    }

    (void) snprintf(secret->name, sizeof(secret->name), "%s", name);
    (void) snprintf(secret->ns, sizeof(secret->ns), "%s", ns);

    return has_value ? take_value(secret, body, err) : 0;
}


/*
 * What is wrong with it is said without it.
 */
static int
take_value(struct secret *secret, const json_t *body, struct faas_err *err)
{
    const json_t  *value, *raw;

    value = json_object_get(body, "value");
    raw = json_object_get(body, "rawValue");

    if ((value != NULL && !json_is_null(value) && !json_is_string(value))
        || (raw != NULL && !json_is_null(raw) && !json_is_string(raw)))
    {
        return faas_err_set(err, BAD_REQUEST, "\"%s\" is no string",
                            json_is_string(value) || json_is_null(value)
                            || value == NULL ? "rawValue" : "value");
    }

    if (!json_is_string(value) && !json_is_string(raw)) {
        return faas_err_set(err, BAD_REQUEST, "\"value\" is missing, or "
                            "\"rawValue\", its bytes as base64");
    }

    if (json_is_string(raw)) {
        secret->value = base64_decode(json_string_value(raw),
                                      json_string_length(raw), &secret->len);

        if (secret->value == NULL) {
            return faas_err_set(err, BAD_REQUEST, "\"rawValue\" is not "
                                "base64");
        }

    } else {
        secret->len = json_string_length(value);
        secret->value = malloc(secret->len + 1);

        if (secret->value == NULL) {
            return faas_err_set(err, 500, "no memory");
        }

        memcpy(secret->value, json_string_value(value), secret->len + 1);
    }

    if (secret->len > SECRET_VALUE_MAX) {
        return faas_err_set(err, BAD_REQUEST, "\"%s\" has %zu bytes, at most "
                            "%d are allowed",
                            json_is_string(raw) ? "rawValue" : "value",
                            secret->len, SECRET_VALUE_MAX);
    }

    return 0;
}


static int
is_lower(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

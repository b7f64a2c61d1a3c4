/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * JSON that a client sent.
 */

#include "body.h"

#include <string.h>


#define BAD_REQUEST  400


static int check_depth(const char *s, size_t len, struct faas_err *err);


json_t *
body_read(const char *s, size_t len, const char *what, struct faas_err *err)
{
    json_t        *root;
    json_error_t   json_err;

    if (len == 0) {
        (void) faas_err_set(err, BAD_REQUEST, "the body is empty, expected "
                            "%.60s", what);
        return NULL;
    }

    if (check_depth(s, len, err) != 0) {
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


int
body_check_text(const json_t *body, const char *member, int is_required,
    struct faas_err *err)
{
    size_t         len;
    const json_t  *value;

    value = json_object_get(body, member);

    if (value == NULL || json_is_null(value)) {
        return is_required ? faas_err_set(err, BAD_REQUEST, "\"%.80s\" is "
                                          "missing", member)
                           : 0;
    }

    if (!json_is_string(value)) {
        return faas_err_set(err, BAD_REQUEST, "\"%.80s\" is no string",
                            member);
    }

    len = json_string_length(value);

    if (len > BODY_TEXT_MAX || (is_required && len == 0)) {
        return faas_err_set(err, BAD_REQUEST, "\"%.80s\" has %zu bytes, "
                            "expected %d to %d", member, len, is_required,
                            BODY_TEXT_MAX);
    }

    return 0;
}


int
body_check_map(json_t *body, const char *member, struct faas_err *err)
{
    size_t       len;
    json_t      *map, *value;
    const char  *name;

    map = json_object_get(body, member);

    if (map == NULL || json_is_null(map)) {
        return json_object_set_new(body, member, json_object()) == 0
               ? 0 : faas_err_set(err, 500, "no memory");
    }

    if (!json_is_object(map) || json_object_size(map) > BODY_MAP_MAX) {
        return faas_err_set(err, BAD_REQUEST, "\"%s\" is no object of at most "
                            "%d strings", member, BODY_MAP_MAX);
    }

    json_object_foreach(map, name, value) {
        len = strlen(name);

        if (len == 0 || len > BODY_KEY_MAX) {
            return faas_err_set(err, BAD_REQUEST, "\"%s\": \"%.80s\" has %zu "
                                "bytes, expected 1 to %d", member, name, len,
                                BODY_KEY_MAX);
        }

        if (body_check_text(map, name, 0, err) != 0
            || json_is_null(value))
        {
            return json_is_null(value)
                   ? faas_err_set(err, BAD_REQUEST, "\"%s\": \"%.80s\" is no "
                                  "string", member, name)
                   : faas_err_prefix(err, "\"%s\"", member);
        }
    }

    return 0;
}


int
body_check_list(const json_t *body, const char *member, size_t max,
    struct faas_err *err)
{
    size_t         i;
    const json_t  *list;

    list = json_object_get(body, member);

    if (list == NULL || json_is_null(list)) {
        return 0;
    }

    if (!json_is_array(list) || json_array_size(list) > max) {
        return faas_err_set(err, BAD_REQUEST, "\"%s\" is not an array of "
                            "strings, at most %zu", member, max);
    }

    for (i = 0; i < json_array_size(list); i++) {
        if (!json_is_string(json_array_get(list, i))
            || json_string_length(json_array_get(list, i)) > BODY_TEXT_MAX)
        {
            return faas_err_set(err, BAD_REQUEST, "\"%s\": number %zu is no "
                                "string, or over %d bytes", member, i + 1,
                                BODY_TEXT_MAX);
        }
    }

    return 0;
}


/*
 * The parser calls itself for what is nested.
 */
static int
check_depth(const char *s, size_t len, struct faas_err *err)
{
    int     is_text;
    size_t  i, depth;

    depth = 0;
    is_text = 0;

    for (i = 0; i < len; i++) {

        if (is_text) {
            if (s[i] == '\\') {
                i++;

            } else if (s[i] == '"') {
                is_text = 0;
            }

        } else if (s[i] == '"') {
            is_text = 1;

        } else if (s[i] == '{' || s[i] == '[') {
            depth++;

            if (depth > BODY_DEPTH_MAX) {
                return faas_err_set(err, BAD_REQUEST, "the body is nested "
                                    "more than %d deep", BODY_DEPTH_MAX);
            }

        } else if ((s[i] == '}' || s[i] == ']') && depth != 0) {
            depth--;
        }
    }

    return 0;
}

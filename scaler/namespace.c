/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A namespace.
 */

#include "namespace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "body.h"


#define BAD_REQUEST  400


static struct namespace *make(const char *name, const json_t *body,
    struct faas_err *err);
static int check(const char *name, json_t *body, struct faas_err *err);


struct namespace *
namespace_parse(const char *name, const char *s, size_t len,
    struct faas_err *err)
{
    json_t            *body;
    struct namespace  *ns;

    ns = NULL;
    body = body_read(s, len, "{\"name\": \"NAME\", \"labels\": {\""
                     NAMESPACE_LABEL "\": \"" NAMESPACE_LABEL_VALUE "\"}}",
                     err);

    if (body != NULL && check(name, body, err) == 0) {
        ns = make(name, body, err);
    }

    json_decref(body);

    return ns;
}


struct namespace *
namespace_new(const char *name)
{
    json_t            *body;
    struct namespace  *ns;

    body = json_pack("{s:{s:s}, s:{}}", "labels", NAMESPACE_LABEL,
                     NAMESPACE_LABEL_VALUE, "annotations");
    ns = body != NULL ? make(name, body, NULL) : NULL;
    json_decref(body);

    return ns;
}


char *
namespace_encode(const struct namespace *ns)
{
    return json_dumps(ns->body, JSON_INDENT(2));
}


void
namespace_free(struct namespace *ns)
{
    if (ns != NULL) {
        json_decref(ns->body);
        free(ns);
    }
}


static struct namespace *
make(const char *name, const json_t *body, struct faas_err *err)
{
    struct namespace  *ns;

    ns = calloc(1, sizeof(*ns));

    if (ns != NULL) {
        (void) snprintf(ns->name, sizeof(ns->name), "%s", name);
        ns->body = json_pack("{s:s, s:O, s:O}", "name", name, "annotations",
                             json_object_get(body, "annotations"), "labels",
                             json_object_get(body, "labels"));
    }

    if (ns == NULL || ns->body == NULL) {
        (void) faas_err_set(err, 500, "no memory");
        namespace_free(ns);
        return NULL;
    }

    return ns;
}


static int
check(const char *name, json_t *body, struct faas_err *err)
{
    const char  *given, *label;

    if (!faas_name_is_dns_label(name, strlen(name))) {
        return faas_err_set(err, BAD_REQUEST, "\"%.80s\" is no name of a "
                            "namespace, expected 1 to %d of a-z, 0-9 and -, "
                            "beginning and ending with a letter or a digit",
                            name, FAAS_NAME_MAX);
    }

    if (body_check_text(body, "name", 0, err) != 0
        || body_check_map(body, "labels", err) != 0
        || body_check_map(body, "annotations", err) != 0)
    {
        return -1;
    }

    given = json_string_value(json_object_get(body, "name"));

    if (given != NULL && given[0] != '\0' && strcmp(given, name) != 0) {
        return faas_err_set(err, BAD_REQUEST, "\"name\": \"%.80s\" is not "
                            "that of the path, \"%s\"", given, name);
    }

    label = json_string_value(json_object_get(json_object_get(body, "labels"),
                                              NAMESPACE_LABEL));

    if (label == NULL || strcmp(label, NAMESPACE_LABEL_VALUE) != 0) {
        return faas_err_set(err, BAD_REQUEST, "\"labels\": " NAMESPACE_LABEL
                            ": \"" NAMESPACE_LABEL_VALUE "\" is missing, "
                            "which marks a namespace for functions");
    }

    return 0;
}

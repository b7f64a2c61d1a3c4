/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A Swarm service as a function.
 */

#include "swarm_spec.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/faas_num.h"

#include "body.h"
#include "log_line.h"


#define NSEC       1000000000LL
#define PATH_PART  32               /* bytes of a member's name, ours */
#define NANO_CPUS  1000000          /* of a milli-core */
#define KEY_SIZE   (BODY_KEY_MAX + 32)      /* bytes, a prefix of ours too */


static void name_of(const json_t *service, const char *ns, char *dst,
    size_t size);
static json_t *read_deployment(const json_t *service_spec,
    const char *function);
static void read_labels(const json_t *from, const char *function,
    json_t *labels, json_t *annotations);
static int is_implied_label(const char *name, const char *value,
    const char *function);
static void read_env(const json_t *list, json_t *deployment);
static int is_own_variable(const char *name, const char *value);
static json_t *read_secrets(const json_t *list);
static json_t *read_constraints(const json_t *list);
static void read_quantities(json_t *deployment, const char *member,
    const json_t *labels, const json_t *actual);
static void set_memory(json_t *map, const char *text, uint64_t actual);
static void set_cpu(json_t *map, const char *text, uint64_t actual);
static uint64_t replicas_of(const json_t *service_spec);


/* what a watchdog gets of us */
static const char *const  own_variables[] = {
    "OPENFAAS_NAME", "OPENFAAS_NAMESPACE",
};


struct spec *
swarm_spec_decode(const json_t *service, const struct scale_config *config,
    struct faas_err *odd, struct faas_err *err)
{
    char           name[SWARM_NAME_MAX + 2];
    uint64_t       created;
    const char    *ns, *stamp;
    struct spec   *spec;
    const json_t  *service_spec, *labels;

    err->code = 0;
    service_spec = swarm_get(service, "Spec");
    labels = swarm_get(service_spec, "TaskTemplate.ContainerSpec.Labels");

    if (swarm_text(labels, SWARM_LABEL_IS)[0] == '\0') {
        return NULL;
    }

    if (swarm_get(service_spec, "Mode.Replicated") == NULL) {
        (void) faas_err_set(err, 400, "its mode is not replicated");
        return NULL;
    }

    ns = swarm_text(swarm_get(service_spec, "Labels"), SWARM_LABEL_NS);
    name_of(service_spec, ns, name, sizeof(name));

    spec = spec_observe(read_deployment(service_spec, name), name,
                        ns[0] != '\0' ? ns : FAAS_DEFAULT_NAMESPACE,
                        config, odd, err);

    if (spec == NULL) {
        return NULL;
    }

    stamp = swarm_text(service, "CreatedAt");

    if (log_time_parse(stamp, strlen(stamp), &created) == 0) {
        spec->created = (time_t) (created / NSEC);
    }

    spec->replicas = replicas_of(service_spec);

    return spec;
}


static void
name_of(const json_t *service_spec, const char *ns, char *dst, size_t size)
{
    size_t       len;
    const char  *name;

    name = swarm_text(service_spec, "Name");
    len = strlen(ns);

    if (len != 0 && strncmp(name, ns, len) == 0 && name[len] == '_') {
        name += len + 1;
    }

    (void) snprintf(dst, size, "%s", name);
}


static json_t *
read_deployment(const json_t *service_spec, const char *function)
{
    json_t        *deployment, *labels, *annotations;
    const json_t  *container, *task, *given;

    deployment = json_object();
    labels = json_object();
    annotations = json_object();
    given = swarm_get(service_spec, "Labels");
    task = swarm_get(service_spec, "TaskTemplate");
    container = swarm_get(task, "ContainerSpec");

    read_labels(given, function, labels, annotations);

    (void) json_object_set_new(deployment, "image",
                               json_string(swarm_text(container, "Image")));
    (void) json_object_set_new(deployment, "labels", labels);
    (void) json_object_set_new(deployment, "annotations", annotations);
    (void) json_object_set_new(deployment, "constraints",
                               read_constraints(swarm_get(
                                   task, "Placement.Constraints")));
    (void) json_object_set_new(deployment, "secrets",
                               read_secrets(swarm_get(container, "Secrets")));
    (void) json_object_set_new(deployment, "readOnlyRootFilesystem",
                               json_boolean(json_is_true(
                                   swarm_get(container, "ReadOnly"))));

    read_env(swarm_get(container, "Env"), deployment);
    read_quantities(deployment, "limits", given,
                    swarm_get(task, "Resources.Limits"));
    read_quantities(deployment, "requests", given,
                    swarm_get(task, "Resources.Reservations"));

    return deployment;
}


static void
read_labels(const json_t *from, const char *function, json_t *labels,
    json_t *annotations)
{
    size_t       len;
    json_t      *value;
    const char  *name;

    len = strlen(SWARM_LABEL_ANNOTATION);

    json_object_foreach((json_t *) from, name, value) {

        if (!json_is_string(value)
            || swarm_label_is_own(name)
            || is_implied_label(name, json_string_value(value), function))
        {
            continue;
        }

        if (strncmp(name, SWARM_LABEL_ANNOTATION, len) == 0) {
            (void) json_object_set(annotations, name + len, value);

        } else {
            (void) json_object_set(labels, name, value);
        }
    }
}


/*
 * What each function has, and nobody has given: OpenFaaS' own.
 */
static int
is_implied_label(const char *name, const char *value, const char *function)
{
    return strcmp(name, SWARM_LABEL_OPENFAAS) == 0
           || (strcmp(name, SWARM_LABEL_NAME) == 0
               && strcmp(value, function) == 0)
           || (strcmp(name, SWARM_LABEL_IS) == 0
               && strcmp(value, "true") == 0);
}


static void
read_env(const json_t *list, json_t *deployment)
{
    size_t       i;
    char         name[KEY_SIZE];
    json_t      *vars;
    const char  *text, *value;

    vars = json_object();

    for (i = 0; i < json_array_size(list); i++) {
        text = json_string_value(json_array_get(list, i));
        value = text != NULL ? strchr(text, '=') : NULL;

        if (value == NULL || (size_t) (value - text) >= sizeof(name)) {
            continue;
        }

        (void) snprintf(name, sizeof(name), "%.*s", (int) (value - text),
                        text);
        value++;

        if (strcmp(name, "fprocess") == 0) {
            (void) json_object_set_new(deployment, "envProcess",
                                       json_string(value));

        } else if (!is_own_variable(name, value)) {
            (void) json_object_set_new(vars, name, json_string(value));
        }
    }

    (void) json_object_set_new(deployment, "envVars", vars);
}


static int
is_own_variable(const char *name, const char *value)
{
    size_t  i;

    for (i = 0; i < sizeof(own_variables) / sizeof(own_variables[0]); i++) {
        if (strcmp(name, own_variables[i]) == 0) {
            return 1;
        }
    }

    return strcmp(name, SWARM_HEALTH_ENV) == 0
           && strcmp(value, SWARM_HEALTH_INTERVAL) == 0;
}


/*
 * The name is that of the file: a Docker secret is one version of it.
 */
static json_t *
read_secrets(const json_t *list)
{
    size_t         i;
    json_t        *secrets;
    const char    *path, *name;
    const json_t  *item;

    secrets = json_array();

    for (i = 0; i < json_array_size(list); i++) {
        item = json_array_get(list, i);
        path = swarm_text(swarm_get(item, "File"), "Name");
        name = strrchr(path, '/');
        name = name != NULL ? name + 1 : path;

        (void) json_array_append_new(secrets, json_string(name));
    }

    return secrets;
}


static json_t *
read_constraints(const json_t *list)
{
    if (json_array_size(list) == 1
        && strcmp(json_string_value(json_array_get(list, 0)) != NULL
                  ? json_string_value(json_array_get(list, 0)) : "",
                  SWARM_CONSTRAINT)
           == 0)
    {
        return json_array();
    }

    return list != NULL ? json_deep_copy(list) : json_array();
}


/*
 * As they were given, unless somebody has changed them at the service since.
 */
static void
read_quantities(json_t *deployment, const char *member,
    const json_t *labels, const json_t *actual)
{
    char         prefix[sizeof(SWARM_LABEL_OWN) + sizeof("requests.")];
    size_t       len;
    json_t      *map, *value;
    const char  *name;

    map = json_object();
    (void) snprintf(prefix, sizeof(prefix), SWARM_LABEL_OWN "%s.", member);
    len = strlen(prefix);

    json_object_foreach((json_t *) labels, name, value) {
        if (strncmp(name, prefix, len) == 0 && json_is_string(value)) {
            (void) json_object_set(map, name + len, value);
        }
    }

    set_memory(map, swarm_text(map, "memory"),
               swarm_uint(actual, "MemoryBytes"));
    set_cpu(map, swarm_text(map, "cpu"),
            swarm_uint(actual, "NanoCPUs") / NANO_CPUS);

    (void) json_object_set_new(deployment, member, map);
}


static void
set_memory(json_t *map, const char *text, uint64_t actual)
{
    uint64_t  given;

    if (actual == 0) {
        (void) json_object_del(map, "memory");

    } else if (resources_memory(text, &given) != 0 || given != actual) {
        (void) json_object_set_new(map, "memory",
                                   json_sprintf("%" PRIu64, actual));
    }
}


static void
set_cpu(json_t *map, const char *text, uint64_t actual)
{
    uint64_t  given;

    if (actual == 0) {
        (void) json_object_del(map, "cpu");

    } else if (resources_cpu(text, &given) != 0 || given != actual) {
        (void) json_object_set_new(map, "cpu",
                                   json_sprintf("%" PRIu64 "m", actual));
    }
}


/*
 * Those that are to come when others have started count as well.
 */
static uint64_t
replicas_of(const json_t *service_spec)
{
    uint64_t     pending;
    const char  *text;

    text = swarm_text(swarm_get(service_spec, "Labels"), SWARM_LABEL_PENDING);

    if (faas_parse_uint(text, strlen(text), 0, UINT32_MAX, &pending) == 0) {
        return pending;
    }

    return swarm_uint(service_spec, "Mode.Replicated.Replicas");
}


/*
 * Others of the same prefix are the user's: com.ngx-faas.queue.
 */
int
swarm_label_is_own(const char *name)
{
    size_t  len;

    len = strlen(SWARM_LABEL_OWN);

    return strcmp(name, SWARM_LABEL_NS) == 0
           || strcmp(name, SWARM_LABEL_PENDING) == 0
           || (strncmp(name, SWARM_LABEL_OWN, len) == 0
               && (strncmp(name + len, "limits.", 7) == 0
                   || strncmp(name + len, "requests.", 9) == 0));
}


json_t *
swarm_get(const json_t *value, const char *path)
{
    char    name[PATH_PART + 1];
    size_t  len;

    for ( ;; ) {
        len = strcspn(path, ".");
        (void) snprintf(name, sizeof(name), "%.*s", (int) len, path);
        value = json_object_get(value, name);

        if (path[len] == '\0') {
            return (json_t *) value;
        }

        path += len + 1;
    }
}


const char *
swarm_text(const json_t *value, const char *member)
{
    const char  *text;

    text = json_string_value(json_object_get(value, member));

    return text != NULL ? text : "";
}


uint64_t
swarm_uint(const json_t *value, const char *path)
{
    json_int_t  number;

    number = json_integer_value(swarm_get(value, path));

    return number > 0 ? (uint64_t) number : 0;
}

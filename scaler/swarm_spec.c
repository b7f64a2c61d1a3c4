/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A function as a Swarm service, both ways.
 */

#include "swarm_spec.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/faas_num.h"
#include "lib/faas_proto.h"

#include "body.h"
#include "log_line.h"


#define NSEC           1000000000LL
#define MSEC           1000000LL    /* in nsec, and a milli-core in nano-cores */
#define WRITE_TIMEOUT  30000        /* msec, the watchdog's default */
#define STOP_GRACE     1000         /* msec, beyond what the watchdog waits */
#define RESTART_DELAY  2            /* seconds */
#define CONSTRAINT     "node.platform.os == linux"
#define TMP            "/tmp"
#define KEY_SIZE       (BODY_KEY_MAX + 32)   /* bytes, a prefix of ours too */


static json_t *make_labels(const struct spec *spec);
static void add_quantities(json_t *labels, const struct spec *spec,
    const char *member);
static json_t *make_env(const struct spec *spec);
static void add_variable(json_t *env, const char *name, const char *value);
static json_t *make_container(const struct spec *spec, json_t *labels,
    json_t *secrets, const json_t *old);
static int64_t stop_grace(const struct spec *spec);
static json_t *make_resources(const struct spec *spec);
static json_t *make_resource(const struct resources *resources);
static json_t *make_task(const struct spec *spec, const char *network,
    json_t *container, const json_t *old);
static json_t *make_placement(const struct spec *spec, const json_t *old);
static json_t *make_networks(const struct spec *spec, const char *network,
    const json_t *old);
static void add_update_rules(json_t *service);
static void name_of(const json_t *service, const char *ns, char *dst,
    size_t size);
static json_t *read_deployment(const json_t *service_spec);
static void read_labels(const json_t *from, json_t *labels,
    json_t *annotations);
static void read_env(const json_t *list, json_t *deployment);
static int is_own_label(const char *name);
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


int
swarm_spec_name(const struct spec *spec, char *dst, struct faas_err *err)
{
    int  len;

    if (strcmp(spec->ns, FAAS_DEFAULT_NAMESPACE) == 0) {
        (void) snprintf(dst, SWARM_NAME_MAX + 1, "%s", spec->name);
        return 0;
    }

    len = snprintf(dst, SWARM_NAME_MAX + 1, "%s_%s", spec->ns, spec->name);

    if (len < 0 || len > SWARM_NAME_MAX) {
        return faas_err_set(err, 400, "\"service\": on Docker Swarm the names "
                            "of a function and its namespace may have %d "
                            "bytes together", SWARM_NAME_MAX - 1);
    }

    return 0;
}


json_t *
swarm_spec_encode(const struct spec *spec, uint64_t replicas,
    const char *network, json_t *secrets, const json_t *old,
    struct faas_err *err)
{
    char     name[SWARM_NAME_MAX + 1];
    json_t  *service, *labels, *task;

    if (swarm_spec_name(spec, name, err) != 0) {
        return NULL;
    }

    service = old != NULL ? json_copy((json_t *) old) : json_object();
    labels = make_labels(spec);
    task = make_task(spec, network,
                     make_container(spec, labels, secrets,
                                    swarm_get(old, "TaskTemplate",
                                              "ContainerSpec", NULL)),
                     swarm_get(old, "TaskTemplate", NULL));

    if (old == NULL) {
        (void) json_object_set_new(service, "Name", json_string(name));
        (void) json_object_set_new(service, "EndpointSpec",
                                   json_pack("{s:s}", "Mode", "dnsrr"));
    }

    (void) json_object_set_new(service, "Labels", labels);
    (void) json_object_set_new(service, "TaskTemplate", task);
    (void) json_object_set_new(service, "Mode",
                               json_pack("{s:{s:I}}", "Replicated",
                                         "Replicas", (json_int_t) replicas));
    add_update_rules(service);

    /* where there was no memory for a part of it, that part is missing */

    if (labels == NULL || task == NULL
        || json_object_get(service, "Mode") == NULL)
    {
        json_decref(service);
        (void) faas_err_set(err, 500, "no memory");
        return NULL;
    }

    return service;
}


/*
 * The user's win over OpenFaaS', ours over the user's.
 */
static json_t *
make_labels(const struct spec *spec)
{
    char         key[2 * KEY_SIZE];
    json_t      *labels, *value;
    const char  *name;

    labels = json_pack("{s:s, s:s}", SWARM_LABEL_NAME, spec->name,
                       SWARM_LABEL_IS, "true");

    json_object_foreach(json_object_get(spec->deployment, "annotations"),
                        name, value)
    {
        (void) snprintf(key, sizeof(key), SWARM_LABEL_ANNOTATION "%s", name);
        (void) json_object_set_new(labels, key,
                                   json_string(json_is_string(value)
                                               ? json_string_value(value)
                                               : ""));
    }

    json_object_foreach(json_object_get(spec->deployment, "labels"), name,
                        value)
    {
        (void) json_object_set_new(labels, name,
                                   json_string(json_is_string(value)
                                               ? json_string_value(value)
                                               : ""));
    }

    if (json_string_length(json_object_get(labels, SWARM_LABEL_IS)) == 0) {
        (void) json_object_set_new(labels, SWARM_LABEL_IS,
                                   json_string("true"));
    }

    add_quantities(labels, spec, "limits");
    add_quantities(labels, spec, "requests");

    if (strcmp(spec->ns, FAAS_DEFAULT_NAMESPACE) != 0) {
        (void) json_object_set_new(labels, SWARM_LABEL_NS,
                                   json_string(spec->ns));
    }

    return labels;
}


/*
 * Docker keeps numbers; who asks is to see what was given.
 */
static void
add_quantities(json_t *labels, const struct spec *spec, const char *member)
{
    char         key[KEY_SIZE];
    json_t      *value;
    const char  *name;

    json_object_foreach(json_object_get(spec->deployment, member), name,
                        value)
    {
        (void) snprintf(key, sizeof(key), SWARM_LABEL_OWN "%s.%s", member,
                        name);

        if (json_string_length(value) != 0) {
            (void) json_object_set(labels, key, value);
        }
    }
}


static json_t *
make_env(const struct spec *spec)
{
    json_t      *env, *value;
    const char  *name, *process;

    env = json_array();
    process = spec_text(spec, "envProcess");

    if (process != NULL && process[0] != '\0') {
        add_variable(env, "fprocess", process);
    }

    json_object_foreach(json_object_get(spec->deployment, "envVars"), name,
                        value)
    {
        add_variable(env, name, json_is_string(value)
                                ? json_string_value(value) : "");
    }

    if (spec_env(spec, SWARM_HEALTH_ENV) == NULL) {
        add_variable(env, SWARM_HEALTH_ENV, SWARM_HEALTH_INTERVAL);
    }

    add_variable(env, "OPENFAAS_NAME", spec->name);
    add_variable(env, "OPENFAAS_NAMESPACE", spec->ns);

    return env;
}


static void
add_variable(json_t *env, const char *name, const char *value)
{
    (void) json_array_append_new(env, json_sprintf("%s=%s", name, value));
}


/*
 * Takes secrets, not labels.
 */
static json_t *
make_container(const struct spec *spec, json_t *labels, json_t *secrets,
    const json_t *old)
{
    int      is_read_only;
    json_t  *container;

    is_read_only = json_is_true(json_object_get(spec->deployment,
                                                "readOnlyRootFilesystem"));
    container = old != NULL ? json_copy((json_t *) old) : json_object();

    (void) json_object_set_new(container, "Image",
                               json_string(spec_text(spec, "image")));
    (void) json_object_set_new(container, "Labels", json_copy(labels));
    (void) json_object_set_new(container, "Env", make_env(spec));
    (void) json_object_set_new(container, "Secrets", secrets);
    (void) json_object_set_new(container, "ReadOnly",
                               json_boolean(is_read_only));
    (void) json_object_set_new(container, "StopGracePeriod",
                               json_integer(stop_grace(spec)));
    (void) json_object_set_new(container, "Mounts",
                               is_read_only
                               ? json_pack("[{s:s, s:s}]", "Type", "tmpfs",
                                           "Target", TMP)
                               : json_array());

    return container;
}


/*
 * As long as a watchdog goes on once it was told to end: while its health is
 * bad it takes requests, then it finishes those that run.  In nsec.
 */
static int64_t
stop_grace(const struct spec *spec)
{
    size_t       i;
    uint64_t     msec, longest;
    const char  *value;

    static const char *const  names[] = { "write_timeout", "exec_timeout" };

    longest = WRITE_TIMEOUT;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        value = spec_env(spec, names[i]);

        if (value != NULL
            && faas_parse_duration(value, strlen(value), FAAS_MSEC_MAX, &msec)
               == 0
            && msec > longest)
        {
            longest = msec;
        }
    }

    value = spec_env(spec, SWARM_HEALTH_ENV);
    value = value != NULL ? value : SWARM_HEALTH_INTERVAL;

    if (faas_parse_duration(value, strlen(value), FAAS_MSEC_MAX, &msec) != 0) {
        msec = WRITE_TIMEOUT;
    }

    return (int64_t) (longest + msec + STOP_GRACE) * MSEC;
}


static json_t *
make_resources(const struct spec *spec)
{
    json_t  *resources;

    resources = json_object();

    if (spec->most.memory != 0 || spec->most.cpu != 0) {
        (void) json_object_set_new(resources, "Limits",
                                   make_resource(&spec->most));
    }

    if (spec->requested.memory != 0 || spec->requested.cpu != 0) {
        (void) json_object_set_new(resources, "Reservations",
                                   make_resource(&spec->requested));
    }

    return resources;
}


static json_t *
make_resource(const struct resources *resources)
{
    json_t  *resource;

    resource = json_object();

    if (resources->memory != 0) {
        (void) json_object_set_new(resource, "MemoryBytes",
                                   json_integer((json_int_t)
                                                resources->memory));
    }

    if (resources->cpu != 0) {
        (void) json_object_set_new(resource, "NanoCPUs",
                                   json_integer((json_int_t) resources->cpu
                                                * MSEC));
    }

    return resource;
}


/*
 * Takes container.  With ForceUpdate replicas are new after an update that
 * says the same, as its secrets may be others.
 */
static json_t *
make_task(const struct spec *spec, const char *network, json_t *container,
    const json_t *old)
{
    json_t  *task;

    task = old != NULL ? json_copy((json_t *) old) : json_object();

    (void) json_object_set_new(task, "ContainerSpec", container);
    (void) json_object_set_new(task, "Resources", make_resources(spec));
    (void) json_object_set_new(task, "Placement", make_placement(spec, old));
    (void) json_object_set_new(task, "Networks",
                               make_networks(spec, network, old));
    (void) json_object_set_new(task, "RestartPolicy",
                               json_pack("{s:s, s:I}", "Condition", "any",
                                         "Delay",
                                         (json_int_t) (RESTART_DELAY
                                                       * NSEC)));
    (void) json_object_set_new(task, "ForceUpdate",
                               json_integer(json_integer_value(
                                   swarm_get(old, "ForceUpdate", NULL)) + 1));

    return task;
}


static json_t *
make_placement(const struct spec *spec, const json_t *old)
{
    json_t  *placement, *list;

    list = json_object_get(spec->deployment, "constraints");
    placement = swarm_get(old, "Placement", NULL);
    placement = placement != NULL ? json_copy(placement) : json_object();

    (void) json_object_set_new(placement, "Constraints",
                               json_array_size(list) != 0
                               ? json_incref(list)
                               : json_pack("[s]", CONSTRAINT));

    return placement;
}


static json_t *
make_networks(const struct spec *spec, const char *network,
    const json_t *old)
{
    json_t      *networks;
    const char  *given;

    given = spec_text(spec, "network");
    networks = swarm_get(old, "Networks", NULL);

    if ((given == NULL || given[0] == '\0') && json_array_size(networks) != 0)
    {
        return json_incref(networks);
    }

    return json_pack("[{s:s}]", "Target",
                     given != NULL && given[0] != '\0' ? given : network);
}


/*
 * New replicas before old ones, one at a time; where the new ones fail the old
 * ones stay.
 */
static void
add_update_rules(json_t *service)
{
    (void) json_object_set_new(service, "UpdateConfig",
                               json_pack("{s:i, s:s, s:s}", "Parallelism", 1,
                                         "FailureAction", "rollback",
                                         "Order", "start-first"));
    (void) json_object_set_new(service, "RollbackConfig",
                               json_pack("{s:i, s:s, s:s}", "Parallelism", 1,
                                         "FailureAction", "pause",
                                         "Order", "start-first"));
}


struct spec *
swarm_spec_decode(const json_t *service, uint64_t max_replicas,
    struct faas_err *odd, struct faas_err *err)
{
    char           name[SWARM_NAME_MAX + 2];
    uint64_t       created;
    const char    *ns, *stamp;
    struct spec   *spec;
    const json_t  *service_spec, *labels;

    err->code = 0;
    service_spec = swarm_get(service, "Spec", NULL);
    labels = swarm_get(service_spec, "TaskTemplate", "ContainerSpec",
                       "Labels", NULL);

    if (swarm_text(labels, SWARM_LABEL_IS)[0] == '\0') {
        return NULL;
    }

    if (swarm_get(service_spec, "Mode", "Replicated", NULL) == NULL) {
        (void) faas_err_set(err, 400, "its mode is not replicated");
        return NULL;
    }

    ns = swarm_text(swarm_get(service_spec, "Labels", NULL), SWARM_LABEL_NS);
    name_of(service_spec, ns, name, sizeof(name));

    spec = spec_observe(read_deployment(service_spec), name,
                        ns[0] != '\0' ? ns : FAAS_DEFAULT_NAMESPACE,
                        max_replicas, odd, err);

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
read_deployment(const json_t *service_spec)
{
    json_t        *deployment, *labels, *annotations;
    const json_t  *container, *task, *given;

    deployment = json_object();
    labels = json_object();
    annotations = json_object();
    given = swarm_get(service_spec, "Labels", NULL);
    task = swarm_get(service_spec, "TaskTemplate", NULL);
    container = swarm_get(task, "ContainerSpec", NULL);

    read_labels(given, labels, annotations);

    (void) json_object_set_new(deployment, "image",
                               json_string(swarm_text(container, "Image")));
    (void) json_object_set_new(deployment, "labels", labels);
    (void) json_object_set_new(deployment, "annotations", annotations);
    (void) json_object_set_new(deployment, "constraints",
                               read_constraints(swarm_get(task, "Placement",
                                                          "Constraints",
                                                          NULL)));
    (void) json_object_set_new(deployment, "secrets",
                               read_secrets(swarm_get(container, "Secrets",
                                                      NULL)));
    (void) json_object_set_new(deployment, "readOnlyRootFilesystem",
                               json_boolean(json_is_true(
                                   swarm_get(container, "ReadOnly", NULL))));

    read_env(swarm_get(container, "Env", NULL), deployment);
    read_quantities(deployment, "limits", given,
                    swarm_get(task, "Resources", "Limits", NULL));
    read_quantities(deployment, "requests", given,
                    swarm_get(task, "Resources", "Reservations", NULL));

    return deployment;
}


static void
read_labels(const json_t *from, json_t *labels, json_t *annotations)
{
    size_t       len;
    json_t      *value;
    const char  *name;

    len = strlen(SWARM_LABEL_ANNOTATION);

    json_object_foreach((json_t *) from, name, value) {

        if (!json_is_string(value)
            || strcmp(name, SWARM_LABEL_OPENFAAS) == 0
            || is_own_label(name))
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
 * Others of the same prefix are the user's: com.ngx-faas.queue.
 */
static int
is_own_label(const char *name)
{
    size_t  len;

    len = strlen(SWARM_LABEL_OWN);

    return strcmp(name, SWARM_LABEL_NS) == 0
           || strcmp(name, SWARM_LABEL_PENDING) == 0
           || (strncmp(name, SWARM_LABEL_OWN, len) == 0
               && (strncmp(name + len, "limits.", 7) == 0
                   || strncmp(name + len, "requests.", 9) == 0));
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
        path = swarm_text(swarm_get(item, "File", NULL), "Name");
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
                  CONSTRAINT)
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
               (uint64_t) json_integer_value(swarm_get(actual, "MemoryBytes",
                                                       NULL)));
    set_cpu(map, swarm_text(map, "cpu"),
            (uint64_t) json_integer_value(swarm_get(actual, "NanoCPUs",
                                                    NULL)) / MSEC);

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
    json_int_t   n;
    const char  *text;

    n = json_integer_value(swarm_get(service_spec, "Mode", "Replicated",
                                     "Replicas", NULL));
    text = swarm_text(swarm_get(service_spec, "Labels", NULL),
                      SWARM_LABEL_PENDING);

    if (faas_parse_uint(text, strlen(text), 0, UINT32_MAX, &pending) == 0) {
        return pending;
    }

    return n > 0 ? (uint64_t) n : 0;
}


json_t *
swarm_get(const json_t *value, ...)
{
    va_list      names;
    const char  *name;

    va_start(names, value);

    while ((name = va_arg(names, const char *)) != NULL) {
        value = json_object_get(value, name);
    }

    va_end(names);

    return (json_t *) value;
}


const char *
swarm_text(const json_t *value, const char *member)
{
    const char  *text;

    text = json_string_value(json_object_get(value, member));

    return text != NULL ? text : "";
}

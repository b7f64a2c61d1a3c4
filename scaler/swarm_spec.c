/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A function as a Swarm service, both ways.
 */

#include "swarm_spec.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/faas_num.h"
#include "lib/faas_proto.h"

#include "body.h"


#define NSEC           1000000000LL
#define MSEC           1000000LL    /* in nsec */
#define NANO_CPUS      1000000LL    /* of a milli-core */
#define WRITE_TIMEOUT  30000        /* msec, the watchdog's default */
#define STOP_GRACE     1000         /* msec, beyond what the watchdog waits */
#define RESTART_DELAY  2            /* seconds */
#define TMP            "/tmp"
#define LETTERS        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define NAME_CHARS     LETTERS "0123456789-_."      /* of a constraint */
#define VALUE_CHARS    NAME_CHARS ": \t\n\v\f\r*()?+[]\\^$|/"
#define KEY_SIZE       (BODY_KEY_MAX + 32)   /* bytes, a prefix of ours too */


static int check_labels(const struct spec *spec, struct faas_err *err);
static int check_constraints(const struct spec *spec, struct faas_err *err);
static int is_constraint(const char *text);
static size_t trim(const char **text, size_t len);
static json_t *make_labels(const struct spec *spec);
static const char *text_or_empty(const json_t *value);
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
    json_t  *service, *labels, *container, *task;

    if (swarm_spec_name(spec, name, err) != 0
        || check_labels(spec, err) != 0
        || check_constraints(spec, err) != 0)
    {
        json_decref(secrets);
        return NULL;
    }

    service = old != NULL ? json_copy((json_t *) old) : json_object();
    labels = make_labels(spec);
    container = make_container(spec, labels, secrets,
                               swarm_get(old, "TaskTemplate.ContainerSpec"));
    task = make_task(spec, network, container, swarm_get(old, "TaskTemplate"));

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
 * The annotation X is a label "com.openfaas.annotations.X" of the service.
 */
static int
check_labels(const struct spec *spec, struct faas_err *err)
{
    size_t         len;
    json_t        *value;
    const char    *name;
    const json_t  *annotations;

    len = strlen(SWARM_LABEL_ANNOTATION);
    annotations = json_object_get(spec->deployment, "annotations");

    json_object_foreach(json_object_get(spec->deployment, "labels"), name,
                        value)
    {
        if (strncmp(name, SWARM_LABEL_ANNOTATION, len) == 0
            && json_object_get(annotations, name + len) != NULL)
        {
            return faas_err_set(err, 400, "\"labels\": %.120s is the label "
                                "of an annotation that is there as well",
                                name);
        }
    }

    return 0;
}


/*
 * Docker's own answer to what is none of its constraints is 500.
 *
 * https://docs.docker.com/engine/swarm/services/#placement-constraints
 */
static int
check_constraints(const struct spec *spec, struct faas_err *err)
{
    size_t       i;
    json_t      *value;
    const char  *text;

    json_array_foreach(json_object_get(spec->deployment, "constraints"), i,
                       value)
    {
        text = json_string_value(value);

        if (text == NULL || !is_constraint(text)) {
            (void) faas_err_set(err, 400, "\"constraints\": \"%.80s\" is "
                                "none of Docker Swarm's, expected \"NAME == "
                                "VALUE\" or \"NAME != VALUE\"",
                                text != NULL ? text : "");
            return -1;
        }
    }

    return 0;
}


/*
 * The first operator of either counts.
 */
static int
is_constraint(const char *text)
{
    size_t       len;
    const char  *equal, *unequal, *end;

    equal = strstr(text, "==");
    unequal = strstr(text, "!=");
    end = equal == NULL || (unequal != NULL && unequal < equal) ? unequal
                                                                 : equal;

    if (end == NULL) {
        return 0;
    }

    len = (size_t) (end - text);
    len = trim(&text, len);

    if (len < 2 || !(isalpha((unsigned char) text[0]) || text[0] == '_')
        || strspn(text, NAME_CHARS) < len)
    {
        return 0;
    }

    text = end + 2;
    len = trim(&text, strlen(text));

    return len != 0 && strspn(text, VALUE_CHARS) >= len;
}


static size_t
trim(const char **text, size_t len)
{
    while (len != 0 && isspace((unsigned char) (*text)[0])) {
        (*text)++;
        len--;
    }

    while (len != 0 && isspace((unsigned char) (*text)[len - 1])) {
        len--;
    }

    return len;
}


/*
 * The user's win over OpenFaaS', ours over the user's: with a label of its own
 * a function could pass for one of another namespace.
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
                                   json_string(text_or_empty(value)));
    }

    json_object_foreach(json_object_get(spec->deployment, "labels"), name,
                        value)
    {
        if (!swarm_label_is_own(name)) {
            (void) json_object_set_new(labels, name,
                                       json_string(text_or_empty(value)));
        }
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
 * What was left empty in YAML is null.
 */
static const char *
text_or_empty(const json_t *value)
{
    return json_is_string(value) ? json_string_value(value) : "";
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
        add_variable(env, name, text_or_empty(value));
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
                                                * NANO_CPUS));
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
    (void) json_object_set_new(task, "ForceUpdate", json_integer(
        (json_int_t) swarm_uint(old, "ForceUpdate") + 1));

    return task;
}


static json_t *
make_placement(const struct spec *spec, const json_t *old)
{
    json_t  *placement, *list;

    list = json_object_get(spec->deployment, "constraints");
    placement = swarm_get(old, "Placement");
    placement = placement != NULL ? json_copy(placement) : json_object();

    (void) json_object_set_new(placement, "Constraints",
                               json_array_size(list) != 0
                               ? json_incref(list)
                               : json_pack("[s]", SWARM_CONSTRAINT));

    return placement;
}


static json_t *
make_networks(const struct spec *spec, const char *network,
    const json_t *old)
{
    json_t      *networks;
    const char  *given;

    given = spec_text(spec, "network");
    networks = swarm_get(old, "Networks");

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

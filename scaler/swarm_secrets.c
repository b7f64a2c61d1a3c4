/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Secrets, as Docker secrets.  Those cannot be changed: each value is a version
 * of its own, and a function gets the newest when it is deployed.  An update
 * makes a new version, gives it to the functions that have an older one, which
 * starts new replicas of them, and then removes the older ones.
 *
 *   Name                      [NAMESPACE_]NAME, of a later version with
 *                             -VERSION behind it
 *   com.openfaas.owner        openfaas
 *   com.ngx-faas.secret       NAME; absent: the Name, others made it
 *   com.ngx-faas.namespace    absent: the default one
 *   com.ngx-faas.version      absent: 0
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/faas_num.h"

#include "base64.h"
#include "swarm.h"


#define LABEL_NAME       SWARM_LABEL_OWN "secret"
#define LABEL_VERSION    SWARM_LABEL_OWN "version"
#define DOCKER_NAME_MAX  64         /* bytes */
#define DATA_MAX         511999     /* bytes; Docker's "less than 512000" */
#define USERS_SHOWN      120        /* bytes of functions in a message */
#define FILE_MODE        0444


/* a call, and what it waits for */
struct secret_call {
    struct swarm        *swarm;
    struct secret       *secret;        /* owned; of save */
    char                 ns[FAAS_NAME_MAX + 1];
    char                 name[SECRET_NAME_MAX + 1];
    int                  is_new;
    json_t              *old;           /* owned; ids of older versions */
    json_t              *ref;           /* owned; to the new one */
    unsigned             left;          /* answers to come */
    struct faas_err      failed;        /* what went wrong first */
    const struct spec   *spec;          /* of resolve; its caller's */
    provider_secret_fn   each;          /* of list */
    provider_done_fn     done;
    void               (*resolved)(void *arg, json_t *refs,
                                   const struct faas_err *err);
    void                *arg;
};

/* a version of a secret; borrowed */
struct secret_version {
    const char  *id;
    const char  *docker_name;
    const char  *ns;
    const char  *name;
    uint64_t     version;
};


static int check_size(const struct secret *secret, struct faas_err *err);
static struct secret_call *make(struct swarm *swarm, const char *ns,
    const char *name, provider_done_fn done, void *arg);
static void finish(struct secret_call *call, const struct faas_err *err);
static void ask_list(struct secret_call *call, int is_ours,
    docker_answer_fn take);
static int read_version(const json_t *value, struct secret_version *version);
static const json_t *newest(const json_t *answer, const char *ns,
    const char *name, struct secret_version *version);
static void take_list(void *arg, json_t *answer, const struct faas_err *err);
static int by_name(const void *a, const void *b);
static void take_for_save(void *arg, json_t *answer,
    const struct faas_err *err);
static json_t *ids_of(const json_t *answer, const char *ns,
    const char *name);
static int make_name(const struct secret_call *call, uint64_t version,
    char *dst, struct faas_err *err);
static void create(struct secret_call *call, uint64_t version);
static void on_created(void *arg, json_t *answer,
    const struct faas_err *err);
static json_t *make_ref(const char *id, const char *docker_name,
    const char *name);
static void on_repointed(void *arg, const struct faas_err *err);
static void remove_old(struct secret_call *call);
static void on_removed(void *arg, json_t *answer,
    const struct faas_err *err);
static void answered(struct secret_call *call, void (*next)(
    struct secret_call *call));
static void end(struct secret_call *call);
static void take_for_remove(void *arg, json_t *answer,
    const struct faas_err *err);
static int check_unused(const struct secret_call *call,
    struct faas_err *err);
static void take_for_resolve(void *arg, json_t *answer,
    const struct faas_err *err);
static json_t *make_refs(const struct secret_call *call,
    const json_t *answer, struct faas_err *err);


void
swarm_list_secrets(struct provider *provider, const char *ns,
    provider_secret_fn each, provider_done_fn done, void *arg)
{
    struct swarm        *swarm;
    struct faas_err      err;
    struct secret_call  *call;

    swarm = (struct swarm *) provider;
    call = make(swarm, ns, "", done, arg);

    if (call == NULL) {
        return;
    }

    call->each = each;

    if (swarm_check_up(swarm, &err) != 0
        || swarm_check_namespace(swarm, ns, &err) != 0)
    {
        finish(call, &err);
        return;
    }

    ask_list(call, 1, take_list);
}


void
swarm_save_secret(struct provider *provider, struct secret *secret,
    int is_new, provider_done_fn done, void *arg)
{
    struct swarm        *swarm;
    struct faas_err      err;
    struct secret_call  *call;

    swarm = (struct swarm *) provider;
    call = make(swarm, secret->ns, secret->name, done, arg);

    if (call == NULL) {
        secret_free(secret);
        return;
    }

    call->secret = secret;
    call->is_new = is_new;

    if (swarm_check_up(swarm, &err) != 0
        || swarm_check_namespace(swarm, call->ns, &err) != 0
        || check_size(secret, &err) != 0)
    {
        finish(call, &err);
        return;
    }

    ask_list(call, 1, take_for_save);
}


static int
check_size(const struct secret *secret, struct faas_err *err)
{
    if (secret->len >= 1 && secret->len <= DATA_MAX) {
        return 0;
    }

    return faas_err_set(err, 400, "\"value\" or \"rawValue\": it has %zu "
                        "bytes, on Docker Swarm a secret may have 1 to %d",
                        secret->len, DATA_MAX);
}


void
swarm_remove_secret(struct provider *provider, const char *ns,
    const char *name, provider_done_fn done, void *arg)
{
    struct swarm        *swarm;
    struct faas_err      err;
    struct secret_call  *call;

    swarm = (struct swarm *) provider;
    call = make(swarm, ns, name, done, arg);

    if (call == NULL) {
        return;
    }

    if (swarm_check_up(swarm, &err) != 0) {
        finish(call, &err);
        return;
    }

    ask_list(call, 1, take_for_remove);
}


/*
 * Those that others made count as well: a secret of "docker secret create".
 */
void
swarm_resolve_secrets(struct swarm *swarm, const struct spec *spec,
    void (*done)(void *arg, json_t *refs, const struct faas_err *err),
    void *arg)
{
    json_t              *none;
    struct faas_err      err;
    struct secret_call  *call;

    if (json_array_size(json_object_get(spec->deployment, "secrets")) == 0) {
        none = json_array();
        (void) faas_err_set(&err, none != NULL ? 0 : 500, "no memory");
        done(arg, none, &err);
        json_decref(none);
        return;
    }

    call = calloc(1, sizeof(*call));

    if (call == NULL) {
        (void) faas_err_set(&err, 500, "no memory");
        done(arg, NULL, &err);
        return;
    }

    call->swarm = swarm;
    call->spec = spec;
    call->resolved = done;
    call->arg = arg;

    ask_list(call, 0, take_for_resolve);
}


/*
 * NULL where there is no memory: done is called.
 */
static struct secret_call *
make(struct swarm *swarm, const char *ns, const char *name,
    provider_done_fn done, void *arg)
{
    struct faas_err      err;
    struct secret_call  *call;

    call = calloc(1, sizeof(*call));

    if (call == NULL) {
        (void) faas_err_set(&err, 500, "no memory");
        done(arg, &err);
        return NULL;
    }

    call->swarm = swarm;
    call->done = done;
    call->arg = arg;
    (void) snprintf(call->ns, sizeof(call->ns), "%s", ns);
    (void) snprintf(call->name, sizeof(call->name), "%s", name);

    return call;
}


static void
finish(struct secret_call *call, const struct faas_err *err)
{
    if (call->resolved != NULL) {
        call->resolved(call->arg, NULL, err);

    } else if (call->done != NULL) {
        call->done(call->arg, err);
    }

    secret_free(call->secret);
    json_decref(call->old);
    json_decref(call->ref);
    free(call);
}


static void
ask_list(struct secret_call *call, int is_ours, docker_answer_fn take)
{
    char             *filters;
    struct faas_err   err;

    filters = docker_escape_json(is_ours
                                 ? json_pack("{s:[s]}", "label",
                                             SWARM_LABEL_OWNER "="
                                             SWARM_OWNER)
                                 : json_object());

    if (filters == NULL) {
        (void) faas_err_set(&err, 500, "no memory");
        finish(call, &err);
        return;
    }

    docker_call(&call->swarm->docker, "GET", NULL, take, call,
                "/secrets?filters=%s", filters);
    free(filters);
}


/*
 * Returns 0, or -1 where it is no secret that a function can have.
 */
static int
read_version(const json_t *value, struct secret_version *version)
{
    const char    *number;
    const json_t  *spec, *labels;

    spec = swarm_get(value, "Spec");
    labels = swarm_get(spec, "Labels");
    number = swarm_text(labels, LABEL_VERSION);

    version->id = swarm_text(value, "ID");
    version->docker_name = swarm_text(spec, "Name");
    version->ns = swarm_text(labels, SWARM_LABEL_NS);
    version->name = swarm_text(labels, LABEL_NAME);

    if (version->ns[0] == '\0') {
        version->ns = FAAS_DEFAULT_NAMESPACE;
    }

    if (version->name[0] == '\0') {
        version->name = version->docker_name;
    }

    if (faas_parse_uint(number, strlen(number), 0, INT64_MAX,
                        &version->version)
        != 0)
    {
        version->version = 0;
    }

    return version->id[0] != '\0' && strlen(version->id) <= SWARM_ID_MAX
           && secret_is_name(version->name) ? 0 : -1;
}


/*
 * NULL where there is none.
 */
static const json_t *
newest(const json_t *answer, const char *ns, const char *name,
    struct secret_version *version)
{
    size_t                  i;
    json_t                 *value;
    const json_t           *found;
    struct secret_version   next;

    found = NULL;

    json_array_foreach((json_t *) answer, i, value) {

        if (read_version(value, &next) == 0
            && strcmp(next.ns, ns) == 0 && strcmp(next.name, name) == 0
            && (found == NULL || next.version > version->version))
        {
            found = value;
            *version = next;
        }
    }

    return found;
}


static void
take_list(void *arg, json_t *answer, const struct faas_err *err)
{
    size_t                  i, n;
    json_t                 *value;
    const char            **names;
    struct faas_err         failed;
    struct secret_call     *call;
    struct secret_version   version, last;

    call = arg;
    names = err->code == 0 ? calloc(json_array_size(answer) + 1,
                                    sizeof(*names))
                           : NULL;

    if (names == NULL) {
        (void) faas_err_set(&failed, 500, "no memory");
        finish(call, err->code != 0 ? err : &failed);
        return;
    }

    n = 0;

    json_array_foreach(answer, i, value) {
        if (read_version(value, &version) == 0
            && strcmp(version.ns, call->ns) == 0
            && newest(answer, version.ns, version.name, &last) == value)
        {
            names[n++] = version.name;
        }
    }

    qsort(names, n, sizeof(*names), by_name);

    for (i = 0; i < n; i++) {
        call->each(call->arg, call->ns, names[i]);
    }

    free(names);
    finish(call, err);
}


static int
by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}


static void
take_for_save(void *arg, json_t *answer, const struct faas_err *err)
{
    const json_t           *found;
    struct faas_err         failed;
    struct secret_call     *call;
    struct secret_version   version;

    call = arg;

    if (err->code != 0) {
        finish(call, err);
        return;
    }

    found = newest(answer, call->ns, call->name, &version);

    if (found != NULL && call->is_new) {
        (void) faas_err_set(&failed, 409, "secret %.80s exists already, "
                            "update it with PUT", call->name);
        finish(call, &failed);

    } else if (found == NULL && !call->is_new) {
        (void) faas_err_set(&failed, 404, "secret %.80s not found in the "
                            "namespace %s", call->name, call->ns);
        finish(call, &failed);

    } else {
        call->old = ids_of(answer, call->ns, call->name);
        create(call, found != NULL ? version.version + 1 : 0);
    }
}


static json_t *
ids_of(const json_t *answer, const char *ns, const char *name)
{
    size_t                  i;
    json_t                 *ids, *value;
    struct secret_version   version;

    ids = json_array();

    json_array_foreach((json_t *) answer, i, value) {
        if (read_version(value, &version) == 0
            && strcmp(version.ns, ns) == 0
            && strcmp(version.name, name) == 0)
        {
            (void) json_array_append_new(ids, json_string(version.id));
        }
    }

    return ids;
}


static int
make_name(const struct secret_call *call, uint64_t version, char *dst,
    struct faas_err *err)
{
    int   len, is_default;
    char  number[24];

    is_default = strcmp(call->ns, FAAS_DEFAULT_NAMESPACE) == 0;
    number[0] = '\0';

    if (version != 0) {
        (void) snprintf(number, sizeof(number), "-%" PRIu64, version);
    }

    len = snprintf(dst, DOCKER_NAME_MAX + 1, "%s%s%s%s",
                   is_default ? "" : call->ns, is_default ? "" : "_",
                   call->name, number);

    return len > 0 && len <= DOCKER_NAME_MAX
           ? 0 : faas_err_set(err, 400, "\"name\": on Docker Swarm the names "
                              "of a secret and its namespace, and the number "
                              "of its version, may have %d bytes together",
                              DOCKER_NAME_MAX);
}


static void
create(struct secret_call *call, uint64_t version)
{
    char              name[DOCKER_NAME_MAX + 1], number[24], *data;
    json_t           *labels;
    struct faas_err   err;

    if (make_name(call, version, name, &err) != 0) {
        finish(call, &err);
        return;
    }

    data = base64_encode(call->secret->value, call->secret->len);

    if (data == NULL) {
        (void) faas_err_set(&err, 500, "no memory");
        finish(call, &err);
        return;
    }

    (void) snprintf(number, sizeof(number), "%" PRIu64, version);
    labels = json_pack("{s:s, s:s, s:s}", SWARM_LABEL_OWNER, SWARM_OWNER,
                       LABEL_NAME, call->name, LABEL_VERSION, number);

    if (strcmp(call->ns, FAAS_DEFAULT_NAMESPACE) != 0) {
        (void) json_object_set_new(labels, SWARM_LABEL_NS,
                                   json_string(call->ns));
    }

    call->ref = make_ref("", name, call->name);

    docker_call(&call->swarm->docker, "POST",
                json_pack("{s:s, s:o, s:s}", "Name", name, "Labels", labels,
                          "Data", data),
                on_created, call, "/secrets/create");

    explicit_bzero(data, strlen(data));
    free(data);
}


static void
on_created(void *arg, json_t *answer, const struct faas_err *err)
{
    struct faas_err      failed;
    struct secret_call  *call;

    call = arg;
    failed = *err;

    if (err->code == 409) {
        (void) faas_err_prefix(&failed, "a Docker secret has its name");
    }

    if (err->code != 0) {
        finish(call, &failed);
        return;
    }

    (void) json_object_set_new(call->ref, "SecretID",
                               json_string(swarm_text(answer, "ID")));

    if (call->is_new) {
        remove_old(call);
        return;
    }

    swarm_repoint(call->swarm, call->ns, call->name, call->ref, on_repointed,
                  call);
}


static void
on_repointed(void *arg, const struct faas_err *err)
{
    struct secret_call  *call;

    call = arg;
    call->failed = *err;
    remove_old(call);
}


static json_t *
make_ref(const char *id, const char *docker_name, const char *name)
{
    return json_pack("{s:s, s:s, s:{s:s+, s:s, s:s, s:i}}",
                     "SecretID", id, "SecretName", docker_name, "File",
                     "Name", SWARM_SECRETS_DIR, name, "UID", "0", "GID", "0",
                     "Mode", FILE_MODE);
}


/*
 * Where a function keeps an old version it stays.
 */
static void
remove_old(struct secret_call *call)
{
    size_t   i;
    json_t  *id;

    call->left = 1;

    if (call->failed.code == 0) {
        json_array_foreach(call->old, i, id) {
            call->left++;
            docker_call(&call->swarm->docker, "DELETE", NULL, on_removed,
                        call, "/secrets/%s", json_string_value(id));
        }
    }

    answered(call, end);
}


/*
 * Of an update it is no failure: the next one removes it as well.
 */
static void
on_removed(void *arg, json_t *answer, const struct faas_err *err)
{
    struct secret_call  *call;

    (void) answer;

    call = arg;

    if (err->code != 0 && err->code != 404 && call->secret == NULL) {
        call->failed = *err;
    }

    answered(call, end);
}


static void
answered(struct secret_call *call, void (*next)(struct secret_call *call))
{
    if (--call->left == 0) {
        next(call);
    }
}


static void
end(struct secret_call *call)
{
    struct faas_err  err;

    err = call->failed;
    finish(call, &err);
}


static void
take_for_remove(void *arg, json_t *answer, const struct faas_err *err)
{
    struct faas_err         failed;
    struct secret_call     *call;
    struct secret_version   version;

    call = arg;
    failed = *err;

    if (err->code == 0
        && newest(answer, call->ns, call->name, &version) == NULL)
    {
        (void) faas_err_set(&failed, 404, "secret %.80s not found in the "
                            "namespace %s", call->name, call->ns);
    }

    if (failed.code != 0 || check_unused(call, &failed) != 0) {
        finish(call, &failed);
        return;
    }

    call->old = ids_of(answer, call->ns, call->name);
    remove_old(call);
}


/*
 * A function whose secret is gone could not start another replica.
 */
static int
check_unused(const struct secret_call *call, struct faas_err *err)
{
    char                         users[USERS_SHOWN];
    size_t                       len;
    const struct swarm_service  *service;

    len = 0;

    TAILQ_FOREACH(service, &call->swarm->services, link) {

        if (swarm_has_secret(service, call->ns, call->name)
            && len + strlen(service->spec->name) + 2 <= sizeof(users))
        {
            len += (size_t) snprintf(users + len, sizeof(users) - len, " %s",
                                     service->spec->name);
        }
    }

    return len == 0 ? 0 : faas_err_set(err, 409, "secret %.80s is in use "
                                       "by:%s", call->name, users);
}


static void
take_for_resolve(void *arg, json_t *answer, const struct faas_err *err)
{
    json_t              *refs;
    struct faas_err      failed;
    struct secret_call  *call;

    call = arg;
    failed = *err;
    refs = err->code == 0 ? make_refs(call, answer, &failed) : NULL;

    if (refs == NULL) {
        finish(call, &failed);
        return;
    }

    call->resolved(call->arg, refs, &failed);
    json_decref(refs);
    free(call);
}


static json_t *
make_refs(const struct secret_call *call, const json_t *answer,
    struct faas_err *err)
{
    size_t                  i;
    json_t                 *refs, *value;
    const char             *name;
    struct secret_version   version;

    refs = json_array();

    json_array_foreach(json_object_get(call->spec->deployment, "secrets"), i,
                       value)
    {
        name = json_string_value(value);

        if (newest(answer, call->spec->ns, name, &version) == NULL) {
            json_decref(refs);
            (void) faas_err_set(err, 400, "\"secrets\": there is no secret "
                                "\"%.80s\" in the namespace %s, make it with "
                                "POST /system/secrets", name,
                                call->spec->ns);
            return NULL;
        }

        (void) json_array_append_new(refs, make_ref(version.id,
                                                    version.docker_name,
                                                    name));
    }

    return refs;
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Changes of functions.
 *
 *   deploy     secrets -> create                         -> read it
 *   update     secrets -> inspect -> update, again where -> read it
 *   scale                 inspect -> others were quicker -> read it
 *   delete     remove
 *
 * What was changed is read before the answer: whoever got that finds it so.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "registry_auth.h"
#include "swarm.h"


#define PATH_SIZE  160


struct service_change {
    struct swarm      *swarm;
    char               key[FAAS_KEY_MAX + 1];
    char               id[SWARM_ID_MAX + 1];    /* of the service; "" */
    struct spec       *spec;            /* owned; of deploy and update */
    json_t            *secrets;         /* owned; SecretReferences */
    char              *auth;            /* owned; X-Registry-Auth, or NULL */
    uint64_t           replicas;        /* of scale */
    uint64_t           version;         /* that was changed */
    uint64_t           granted;         /* counted in swarm->granted */
    unsigned           tries;
    int                is_resuming;     /* the service is marked so */
    int                is_new;          /* it has made the service */
    provider_done_fn   done;
    void              *arg;
};


/* whether it can be; returns 0, or -1 with err */
typedef int (*change_check_fn)(struct service_change *change,
    struct faas_err *err);


static struct service_change *make(struct provider *provider,
    const char *key, struct spec *spec, change_check_fn check,
    provider_done_fn done, void *arg);
static void finish(struct service_change *change, const struct faas_err *err);
static int check_deploy(struct service_change *change, struct faas_err *err);
static int check_known(struct service_change *change, struct faas_err *err);
static void on_secrets(void *arg, json_t *refs, const struct faas_err *err);
static void create(struct service_change *change);
static void on_created(void *arg, json_t *answer,
    const struct faas_err *err);
static void inspect(struct service_change *change);
static void on_inspected(void *arg, json_t *answer,
    const struct faas_err *err);
static json_t *edit(struct service_change *change, const json_t *value,
    struct faas_err *err);
static uint64_t grant(struct service_change *change,
    const struct swarm_service *service, uint64_t wanted);
static json_t *encode(struct service_change *change, uint64_t granted,
    const json_t *old, struct faas_err *err);
static json_t *edit_replicas(struct service_change *change,
    uint64_t granted, const json_t *old);
static void set_pending(json_t *service_spec, uint64_t granted,
    uint64_t wanted);
static void post(struct service_change *change, const char *path,
    json_t *body, docker_answer_fn done);
static void on_updated(void *arg, json_t *answer,
    const struct faas_err *err);
static void read_back(struct service_change *change);
static void on_read_back(void *arg, json_t *answer,
    const struct faas_err *err);
static void ask_registry(struct service_change *change,
    struct swarm_service *service);
static void on_deleted(void *arg, json_t *answer,
    const struct faas_err *err);
static void show_replicas(struct service_change *change, uint64_t replicas);
static const char *member_of(const char *text);
static void refused(struct service_change *change,
    const struct faas_err *err);


void
swarm_deploy(struct provider *provider, struct spec *spec,
    provider_done_fn done, void *arg)
{
    struct service_change  *change;

    change = make(provider, spec->key, spec, check_deploy, done, arg);

    if (change != NULL) {
        swarm_resolve_secrets(change->swarm, spec, on_secrets, change);
    }
}


void
swarm_update(struct provider *provider, struct spec *spec,
    provider_done_fn done, void *arg)
{
    struct service_change  *change;

    change = make(provider, spec->key, spec, check_known, done, arg);

    if (change != NULL) {
        swarm_resolve_secrets(change->swarm, spec, on_secrets, change);
    }
}


void
swarm_delete(struct provider *provider, const char *key,
    provider_done_fn done, void *arg)
{
    struct service_change  *change;

    change = make(provider, key, NULL, check_known, done, arg);

    if (change != NULL) {
        docker_call(&change->swarm->docker, "DELETE", NULL, on_deleted,
                    change, "/services/%s", change->id);
    }
}


void
swarm_scale(struct provider *provider, const char *key, uint64_t replicas,
    provider_done_fn done, void *arg)
{
    uint64_t                max;
    struct faas_err         err;
    struct service_change  *change;

    change = make(provider, key, NULL, check_known, done, arg);

    if (change == NULL) {
        return;
    }

    change->replicas = replicas;
    max = change->swarm->options->max_replicas;
    err.code = 0;

    if (replicas > max) {
        (void) faas_err_set(&err, 400, "\"replicas\": %" PRIu64 " are more "
                            "than %" PRIu64 ", see --max-replicas", replicas,
                            max);
        finish(change, &err);

    } else if (swarm_find(change->swarm, key)->spec->replicas == replicas) {
        finish(change, &err);

    } else {
        inspect(change);
    }
}


/*
 * Where it fails it is tried again, with the others that are pending.
 */
void
swarm_start_pending(struct swarm_service *service)
{
    struct service_change  *change;

    change = calloc(1, sizeof(*change));

    if (change == NULL) {
        return;
    }

    change->swarm = service->swarm;
    change->replicas = service->spec->replicas;
    change->is_resuming = 1;
    service->is_resuming = 1;
    (void) snprintf(change->key, sizeof(change->key), "%s",
                    service->spec->key);
    (void) snprintf(change->id, sizeof(change->id), "%s", service->id);

    inspect(change);
}


/*
 * Takes the spec.  NULL where it cannot be: done was called.
 */
static struct service_change *
make(struct provider *provider, const char *key, struct spec *spec,
    change_check_fn check, provider_done_fn done, void *arg)
{
    struct faas_err         err;
    struct service_change  *change;

    change = calloc(1, sizeof(*change));

    if (change == NULL) {
        spec_free(spec);
        (void) faas_err_set(&err, 500, "no memory");
        done(arg, &err);
        return NULL;
    }

    change->swarm = (struct swarm *) provider;
    change->spec = spec;
    change->done = done;
    change->arg = arg;
    (void) snprintf(change->key, sizeof(change->key), "%s", key);

    if (swarm_check_up(change->swarm, &err) != 0 || check(change, &err) != 0) {
        finish(change, &err);
        return NULL;
    }

    return change;
}


static void
finish(struct service_change *change, const struct faas_err *err)
{
    struct swarm_service  *service;

    change->swarm->granted -= change->granted;

    if (change->is_resuming) {
        service = swarm_find_id(change->swarm, change->id);

        if (service != NULL) {
            service->is_resuming = 0;
        }
    }

    if (change->done != NULL) {
        change->done(change->arg, err);
    }

    if (change->auth != NULL) {
        explicit_bzero(change->auth, strlen(change->auth));
        free(change->auth);
    }

    spec_free(change->spec);
    json_decref(change->secrets);
    free(change);
}


static int
check_deploy(struct service_change *change, struct faas_err *err)
{
    const char          *network;
    const struct swarm  *swarm;

    swarm = change->swarm;
    network = spec_text(change->spec, "network");

    if (swarm_check_namespace(swarm, change->spec->ns, err) != 0) {
        return -1;
    }

    if (swarm_find(swarm, change->key) != NULL) {
        return faas_err_set(err, 400, "function %s exists already, update it "
                            "with PUT", change->key);
    }

    if (swarm->n_services >= swarm->options->max_functions) {
        return faas_err_set(err, 507, "there are %" PRIu64 " functions, no "
                            "more are allowed: see --max-functions",
                            swarm->n_services);
    }

    if (swarm->network[0] == '\0' && (network == NULL || network[0] == '\0'))
    {
        return faas_err_set(err, 500, "the Swarm has no network for "
                            "functions, make it with \"docker network create "
                            "-d overlay --attachable --label openfaas=true "
                            "functions\", or see --docker-network");
    }

    return 0;
}


static int
check_known(struct service_change *change, struct faas_err *err)
{
    const struct swarm_service  *service;

    service = swarm_find(change->swarm, change->key);

    if (service == NULL) {
        return faas_err_set(err, 404, "function %s not found", change->key);
    }

    (void) snprintf(change->id, sizeof(change->id), "%s", service->id);

    return 0;
}


/*
 * Of deploy and update.
 */
static void
on_secrets(void *arg, json_t *refs, const struct faas_err *err)
{
    struct service_change  *change;

    change = arg;

    if (refs == NULL) {
        finish(change, err);
        return;
    }

    change->secrets = json_incref(refs);

    if (change->id[0] == '\0') {
        create(change);

    } else {
        inspect(change);
    }
}


static void
create(struct service_change *change)
{
    json_t           *body;
    uint64_t          granted;
    struct faas_err   err;

    granted = grant(change, NULL, change->spec->replicas);
    body = encode(change, granted, NULL, &err);

    if (body == NULL) {
        finish(change, &err);
        return;
    }

    post(change, "/services/create", body, on_created);
}


static void
on_created(void *arg, json_t *answer, const struct faas_err *err)
{
    struct faas_err         odd;
    struct service_change  *change;

    change = arg;

    if (err->code == 409) {
        (void) faas_err_set(&odd, 400, "function %s exists already, or "
                            "another service has its name: %.100s",
                            change->key, err->text);
        finish(change, &odd);
        return;
    }

    if (err->code != 0) {
        refused(change, err);
        return;
    }

    (void) snprintf(change->id, sizeof(change->id), "%.*s", SWARM_ID_MAX,
                    swarm_text(answer, "ID"));
    change->is_new = 1;
    read_back(change);
}


static void
inspect(struct service_change *change)
{
    docker_call(&change->swarm->docker, "GET", NULL, on_inspected, change,
                "/services/%s", change->id);
}


static void
on_inspected(void *arg, json_t *answer, const struct faas_err *err)
{
    char                    path[PATH_SIZE];
    json_t                 *body;
    struct faas_err         odd;
    struct service_change  *change;

    change = arg;

    if (err->code != 0) {
        refused(change, err);
        return;
    }

    body = edit(change, answer, &odd);

    if (body == NULL) {
        finish(change, &odd);
        return;
    }

    change->version = swarm_uint(answer, "Version.Index");
    (void) snprintf(path, sizeof(path), "/services/%s/update?version=%" PRIu64
                    "&registryAuthFrom=spec", change->id, change->version);
    post(change, path, body, on_updated);
}


/*
 * As many replicas after an update as before, within the new bounds; none: as
 * on deploy.
 */
static json_t *
edit(struct service_change *change, const json_t *value,
    struct faas_err *err)
{
    uint64_t               granted, wanted;
    struct spec           *spec;
    struct swarm_service  *service;

    spec = change->spec;
    service = swarm_find_id(change->swarm, change->id);

    if (service == NULL) {
        (void) faas_err_set(err, 404, "function %s not found", change->key);
        return NULL;
    }

    if (spec != NULL) {
        spec_keep_replicas(spec, service->spec->replicas);
    }

    wanted = spec != NULL ? spec->replicas : change->replicas;
    granted = grant(change, service, wanted);

    if (spec != NULL) {
        return encode(change, granted, swarm_get(value, "Spec"), err);
    }

    if (wanted == 0) {
        show_replicas(change, 0);
    }

    return edit_replicas(change, granted, swarm_get(value, "Spec"));
}


/*
 * What is granted counts until it is seen at the service.
 */
static uint64_t
grant(struct service_change *change, const struct swarm_service *service,
    uint64_t wanted)
{
    uint64_t       granted, before;
    struct swarm  *swarm;

    swarm = change->swarm;
    swarm->granted -= change->granted;
    change->granted = 0;

    granted = swarm_starts_grant(swarm, service, wanted);
    before = service != NULL ? service->replicas : 0;

    if (granted > before) {
        change->granted = granted - before;
        swarm->granted += change->granted;
    }

    return granted;
}


static json_t *
encode(struct service_change *change, uint64_t granted, const json_t *old,
    struct faas_err *err)
{
    json_t  *body;

    body = swarm_spec_encode(change->spec, granted, change->swarm->network,
                             json_incref(change->secrets), old, err);

    if (body != NULL) {
        set_pending(body, granted, change->spec->replicas);
    }

    return body;
}


static json_t *
edit_replicas(struct service_change *change, uint64_t granted,
    const json_t *old)
{
    json_t  *body;

    body = json_deep_copy(old);

    (void) json_object_set_new(body, "Mode",
                               json_pack("{s:{s:I}}", "Replicated",
                                         "Replicas", (json_int_t) granted));
    set_pending(body, granted, change->replicas);

    return body;
}


static void
set_pending(json_t *service_spec, uint64_t granted, uint64_t wanted)
{
    json_t  *labels;

    labels = json_object_get(service_spec, "Labels");

    if (granted == wanted) {
        (void) json_object_del(labels, SWARM_LABEL_PENDING);

    } else {
        (void) json_object_set_new(labels, SWARM_LABEL_PENDING,
                                   json_sprintf("%" PRIu64, wanted));
    }
}


/*
 * Takes body.
 */
static void
post(struct service_change *change, const char *path, json_t *body,
    docker_answer_fn done)
{
    struct faas_err  err;

    if (change->auth == NULL && change->spec != NULL
        && change->spec->registry_auth != NULL)
    {
        change->auth = registry_auth_header(change->spec->registry_auth,
                                            spec_text(change->spec, "image"),
                                            &err);

        if (change->auth == NULL) {
            json_decref(body);
            finish(change, &err);
            return;
        }
    }

    docker_post(&change->swarm->docker, path, body, change->auth, done,
                change);
}


static void
on_updated(void *arg, json_t *answer, const struct faas_err *err)
{
    struct service_change  *change;

    (void) answer;

    change = arg;

    if (err->code == 0) {
        read_back(change);

    } else if (strstr(err->text, SWARM_CONFLICT) != NULL
               && ++change->tries < SWARM_TRIES)
    {
        inspect(change);

    } else {
        refused(change, err);
    }
}


static void
read_back(struct service_change *change)
{
    docker_call(&change->swarm->docker, "GET", NULL, on_read_back, change,
                "/services/%s", change->id);
}


/*
 * It has been changed, whatever this says: if it cannot be read now, it is
 * later.
 */
static void
on_read_back(void *arg, json_t *answer, const struct faas_err *err)
{
    struct faas_err         ok;
    struct swarm_service   *service;
    struct service_change  *change;

    change = arg;
    ok.code = 0;
    service = NULL;

    if (err->code == 0) {
        service = swarm_service_take(change->swarm, answer);

    } else if (change->swarm->sync.dirty != NULL) {
        swarm_want_service(change->swarm, change->id);
    }

    if (service != NULL) {
        swarm_changing(service);
    }

    if (service != NULL && change->spec != NULL) {
        ask_registry(change, service);
    }

    finish(change, &ok);
}


/*
 * With the credentials that Docker has from before nobody can ask.
 */
static void
ask_registry(struct service_change *change, struct swarm_service *service)
{
    const char  *image;

    image = spec_text(change->spec, "image");
    service->pull_error[0] = '\0';

    if (change->auth != NULL
        || (change->is_new && registry_is_named(image)))
    {
        swarm_image_ask(change->swarm, change->id, image, change->auth);
    }
}


static void
on_deleted(void *arg, json_t *answer, const struct faas_err *err)
{
    struct faas_err         ok;
    struct swarm_service   *service;
    struct service_change  *change;

    (void) answer;

    change = arg;
    ok.code = 0;

    if (err->code != 0 && err->code != 404) {
        refused(change, err);
        return;
    }

    swarm_gone(change->swarm, change->id);
    service = swarm_find_id(change->swarm, change->id);

    if (service != NULL) {
        swarm_service_remove(service);
    }

    finish(change, &ok);
}


/*
 * To none: no call goes to replicas that are about to end.
 */
static void
show_replicas(struct service_change *change, uint64_t replicas)
{
    struct swarm_service  *service;

    service = swarm_find_id(change->swarm, change->id);

    if (service != NULL) {
        service->spec->replicas = replicas;
        swarm_service_publish(service);
    }
}


/*
 * The member of a deployment that Docker speaks of, as errors begin.
 */
static const char *
member_of(const char *text)
{
    size_t  i;

    static const struct {
        const char  *part;
        const char  *member;
    } known[] = {
        { "desc = ContainerSpec: \"", "\"image\": " },
        { "Docker: network ", "\"network\": " },
    };

    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (strstr(text, known[i].part) != NULL) {
            return known[i].member;
        }
    }

    return "";
}


/*
 * What Docker says against a deployment is the client's to mend.
 */
static void
refused(struct service_change *change, const struct faas_err *err)
{
    const char            *member;
    struct faas_err        said;
    struct swarm_service  *service;

    service = swarm_find_id(change->swarm, change->id);

    if (service != NULL && change->spec == NULL && change->replicas == 0) {
        show_replicas(change, service->replicas);
    }

    if (err->code == 503) {
        swarm_want(change->swarm, SWARM_READ_TASKS);    /* is it away? */
    }

    said = *err;
    member = member_of(err->text);

    if (said.code == 404 && strstr(err->text, "service ") != NULL) {
        (void) faas_err_set(&said, 404, "function %s not found", change->key);

    } else if (said.code < 500 || (said.code == 500 && member[0] != '\0')) {
        said.code = 400;
        (void) faas_err_prefix(&said, "%sDocker refuses it", member);
    }

    finish(change, &said);
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Gives functions another version of a secret.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "swarm.h"


/* all of them */
struct repoints {
    struct swarm      *swarm;
    char               name[SECRET_NAME_MAX + 1];
    json_t            *ref;             /* owned */
    unsigned           left;            /* that are not done */
    struct faas_err    failed;          /* what went wrong first */
    void             (*done)(void *arg, const struct faas_err *err);
    void              *arg;
};

/* a service that is to have another version */
struct repoint {
    struct repoints  *all;
    char              id[SWARM_ID_MAX + 1];
    char              key[FAAS_KEY_MAX + 1];
    unsigned          tries;
};


static void begin(struct repoints *all, const struct swarm_service *service);
static void inspect(struct repoint *rp);
static void on_inspected(void *arg, json_t *answer,
    const struct faas_err *err);
static json_t *replace_ref(const json_t *spec, const char *name,
    json_t *ref);
static void on_updated(void *arg, json_t *answer,
    const struct faas_err *err);
static void end(struct repoint *rp, const struct faas_err *err);
static void answered(struct repoints *all);


int
swarm_has_secret(const struct swarm_service *service, const char *ns,
    const char *name)
{
    size_t   i;
    json_t  *value;

    if (strcmp(service->spec->ns, ns) != 0) {
        return 0;
    }

    json_array_foreach(json_object_get(service->spec->deployment, "secrets"),
                       i, value)
    {
        if (strcmp(json_string_value(value), name) == 0) {
            return 1;
        }
    }

    return 0;
}


void
swarm_repoint(struct swarm *swarm, const char *ns, const char *name,
    json_t *ref, void (*done)(void *arg, const struct faas_err *err),
    void *arg)
{
    struct faas_err        err;
    struct repoints       *all;
    struct swarm_service  *service;

    all = calloc(1, sizeof(*all));

    if (all == NULL) {
        (void) faas_err_set(&err, 500, "no memory");
        done(arg, &err);
        return;
    }

    all->swarm = swarm;
    all->ref = json_incref(ref);
    all->done = done;
    all->arg = arg;
    all->left = 1;
    (void) snprintf(all->name, sizeof(all->name), "%s", name);

    TAILQ_FOREACH(service, &swarm->services, link) {
        if (swarm_has_secret(service, ns, name)) {
            begin(all, service);
        }
    }

    answered(all);
}


static void
begin(struct repoints *all, const struct swarm_service *service)
{
    struct repoint  *rp;

    rp = calloc(1, sizeof(*rp));

    if (rp == NULL) {
        (void) faas_err_set(&all->failed, 500, "no memory");
        return;
    }

    rp->all = all;
    (void) snprintf(rp->id, sizeof(rp->id), "%s", service->id);
    (void) snprintf(rp->key, sizeof(rp->key), "%s", service->spec->key);
    all->left++;
    inspect(rp);
}


static void
inspect(struct repoint *rp)
{
    docker_call(&rp->all->swarm->docker, "GET", NULL, on_inspected,
                rp, "/services/%s", rp->id);
}


static void
on_inspected(void *arg, json_t *answer, const struct faas_err *err)
{
    json_t          *body;
    struct repoint  *rp;

    rp = arg;

    if (err->code != 0) {
        end(rp, err);
        return;
    }

    body = replace_ref(swarm_get(answer, "Spec"), rp->all->name,
                       rp->all->ref);

    docker_call(&rp->all->swarm->docker, "POST", body, on_updated, rp,
                "/services/%s/update?version=%" PRIu64
                "&registryAuthFrom=spec", rp->id,
                swarm_uint(answer, "Version.Index"));
}


/*
 * The other secrets stay.
 */
static json_t *
replace_ref(const json_t *spec, const char *name, json_t *ref)
{
    size_t       i, len;
    json_t      *body, *list, *item;
    const char  *path;

    body = json_deep_copy(spec);
    list = swarm_get(body, "TaskTemplate.ContainerSpec.Secrets");
    len = strlen(SWARM_SECRETS_DIR);

    for (i = 0; i < json_array_size(list); i++) {
        item = json_array_get(list, i);
        path = swarm_text(swarm_get(item, "File"), "Name");
        path += strncmp(path, SWARM_SECRETS_DIR, len) == 0 ? len : 0;

        if (strcmp(path, name) == 0) {
            (void) json_array_set(list, i, ref);
        }
    }

    return body;
}


static void
on_updated(void *arg, json_t *answer, const struct faas_err *err)
{
    struct repoint         *rp;
    struct swarm_service   *service;

    (void) answer;

    rp = arg;

    if (err->code != 0 && strstr(err->text, SWARM_CONFLICT) != NULL
        && ++rp->tries < SWARM_TRIES)
    {
        inspect(rp);
        return;
    }

    service = swarm_find_id(rp->all->swarm, rp->id);

    if (err->code == 0 && service != NULL) {
        swarm_changing(service);
    }

    end(rp, err);
}


/*
 * One that was deleted meanwhile needs no secret.
 */
static void
end(struct repoint *rp, const struct faas_err *err)
{
    struct repoints  *all;

    all = rp->all;

    if (err->code != 0 && err->code != 404 && all->failed.code == 0) {
        all->failed = *err;
        (void) faas_err_prefix(&all->failed, "function %s keeps the old "
                               "value", rp->key);
    }

    free(rp);
    answered(all);
}


static void
answered(struct repoints *all)
{
    if (--all->left == 0) {
        all->done(all->arg, &all->failed);
        json_decref(all->ref);
        free(all);
    }
}

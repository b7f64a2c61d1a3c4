/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Secrets of the process provider: files in the state folder, of which each
 * replica has its own copies.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/faas_log.h"

#include "process.h"
#include "replica_secrets.h"


#define USERS_SHOWN  120        /* bytes of functions in a message */


struct secret_change {
    struct change             change;       /* must be first */
    struct process_provider  *p;
    struct secret            *secret;       /* owned; without a value: it is
                                               to be removed */
    int                       is_new;
    provider_done_fn          done;
    void                     *arg;
};


static void add_change(struct provider *provider, struct secret *secret,
    struct secret_change *sc, provider_done_fn done, void *arg);
static int check_save(struct change *change, struct faas_err *err);
static int write_save(struct change *change, struct faas_err *err);
static int check_remove(struct change *change, struct faas_err *err);
static int write_remove(struct change *change, struct faas_err *err);
static void finish(struct change *change, struct faas_err *err);
static void apply(struct secret_change *sc, struct faas_err *err);
static void refresh(struct process_provider *p, const struct secret *secret);
static int has_secret(const struct function *fn, const char *ns,
    const char *name);
static struct kept_secret *find(const struct process_provider *p,
    const char *ns, const char *name);
static int keep(struct process_provider *p, const char *ns,
    const char *name);
static void on_load(void *arg, const char *ns, const char *name);


void
process_list_secrets(struct provider *provider, const char *ns,
    provider_secret_fn each, provider_done_fn done, void *arg)
{
    struct faas_err           err;
    struct kept_secret       *kept;
    struct process_provider  *p;

    p = (struct process_provider *) provider;
    err.code = 0;

    if (process_check_namespace(p, ns, &err) == 0) {

        TAILQ_FOREACH(kept, &p->secrets, link) {
            if (strcmp(kept->ns, ns) == 0) {
                each(arg, kept->ns, kept->name);
            }
        }
    }

    done(arg, &err);
}


void
process_save_secret(struct provider *provider, struct secret *secret,
    int is_new, provider_done_fn done, void *arg)
{
    struct secret_change  *sc;

    sc = calloc(1, sizeof(*sc));

    if (sc != NULL) {
        sc->is_new = is_new;
        sc->change.check = check_save;
        sc->change.write = write_save;
    }

    add_change(provider, secret, sc, done, arg);
}


void
process_remove_secret(struct provider *provider, const char *ns,
    const char *name, provider_done_fn done, void *arg)
{
    struct secret         *secret;
    struct secret_change  *sc;

    secret = calloc(1, sizeof(*secret));
    sc = secret != NULL ? calloc(1, sizeof(*sc)) : NULL;

    if (sc != NULL) {
        (void) snprintf(secret->ns, sizeof(secret->ns), "%s", ns);
        (void) snprintf(secret->name, sizeof(secret->name), "%s", name);
        sc->change.check = check_remove;
        sc->change.write = write_remove;
    }

    add_change(provider, secret, sc, done, arg);
}


int
process_load_secrets(struct process_provider *p, struct faas_err *err)
{
    return store_load_secrets(&p->host.store, on_load, p, err);
}


void
process_free_secrets(struct process_provider *p)
{
    struct kept_secret  *kept;

    while ((kept = TAILQ_FIRST(&p->secrets)) != NULL) {
        TAILQ_REMOVE(&p->secrets, kept, link);
        free(kept);
    }
}


int
process_check_secrets(const struct process_provider *p,
    const struct spec *spec, struct faas_err *err)
{
    size_t       i;
    json_t      *secrets;
    const char  *name;

    secrets = json_object_get(spec->deployment, "secrets");

    for (i = 0; i < json_array_size(secrets); i++) {
        name = json_string_value(json_array_get(secrets, i));

        if (find(p, spec->ns, name) == NULL) {
            return faas_err_set(err, 400, "\"secrets\": there is no secret "
                                "\"%.80s\" in the namespace %s, make it with "
                                "POST /system/secrets", name, spec->ns);
        }
    }

    return 0;
}


/*
 * Takes the secret; sc is NULL where there was no memory for it.
 */
static void
add_change(struct provider *provider, struct secret *secret,
    struct secret_change *sc, provider_done_fn done, void *arg)
{
    struct faas_err  err;

    if (sc == NULL) {
        secret_free(secret);
        (void) faas_err_set(&err, 500, "no memory");
        done(arg, &err);
        return;
    }

    sc->p = (struct process_provider *) provider;
    sc->secret = secret;
    sc->done = done;
    sc->arg = arg;
    sc->change.finish = finish;

    changes_add(&sc->p->changes, &sc->change);
}


static int
check_save(struct change *change, struct faas_err *err)
{
    int                    is_there;
    const struct secret   *secret;
    struct secret_change  *sc;

    sc = (struct secret_change *) change;
    secret = sc->secret;

    if (process_check_namespace(sc->p, secret->ns, err) != 0) {
        return -1;
    }

    is_there = find(sc->p, secret->ns, secret->name) != NULL;

    if (is_there && sc->is_new) {
        return faas_err_set(err, 409, "secret %.80s exists already, update it "
                            "with PUT", secret->name);
    }

    if (!is_there && !sc->is_new) {
        return faas_err_set(err, 404, "secret %.80s not found in the "
                            "namespace %s", secret->name, secret->ns);
    }

    return 0;
}


static int
write_save(struct change *change, struct faas_err *err)
{
    struct secret_change  *sc;

    sc = (struct secret_change *) change;

    return store_save_secret(&sc->p->host.store, sc->secret, err);
}


/*
 * A function whose secret is gone could not start another replica.
 */
static int
check_remove(struct change *change, struct faas_err *err)
{
    char                    users[USERS_SHOWN];
    size_t                  len;
    const struct secret    *secret;
    struct secret_change   *sc;
    const struct function  *fn;

    sc = (struct secret_change *) change;
    secret = sc->secret;

    if (find(sc->p, secret->ns, secret->name) == NULL) {
        return faas_err_set(err, 404, "secret %.80s not found in the "
                            "namespace %s", secret->name, secret->ns);
    }

    len = 0;

    TAILQ_FOREACH(fn, &sc->p->functions, link) {

        if (has_secret(fn, secret->ns, secret->name)
            && len + strlen(fn->spec->name) + 2 <= sizeof(users))
        {
            len += (size_t) snprintf(users + len, sizeof(users) - len, " %s",
                                     fn->spec->name);
        }
    }

    if (len != 0) {
        return faas_err_set(err, 409, "secret %.80s is in use by:%s",
                            secret->name, users);
    }

    return 0;
}


static int
write_remove(struct change *change, struct faas_err *err)
{
    struct secret_change  *sc;

    sc = (struct secret_change *) change;

    return store_delete_secret(&sc->p->host.store, sc->secret->ns,
                               sc->secret->name, err);
}


static void
finish(struct change *change, struct faas_err *err)
{
    struct secret_change  *sc;

    sc = (struct secret_change *) change;

    if (err->code == 0) {
        apply(sc, err);
    }

    sc->done(sc->arg, err);

    secret_free(sc->secret);
    free(sc);
}


static void
apply(struct secret_change *sc, struct faas_err *err)
{
    struct kept_secret   *kept;
    const struct secret  *secret;

    secret = sc->secret;
    kept = find(sc->p, secret->ns, secret->name);

    if (secret->value == NULL) {
        TAILQ_REMOVE(&sc->p->secrets, kept, link);
        free(kept);

    } else if (kept != NULL) {
        refresh(sc->p, secret);

    } else if (keep(sc->p, secret->ns, secret->name) != 0) {
        (void) faas_err_set(err, 500, "no memory");
    }
}


/*
 * Functions read a secret when they use it: those that run get the new value.
 */
static void
refresh(struct process_provider *p, const struct secret *secret)
{
    struct replica   *replica;
    struct faas_err   err;
    struct function  *fn;

    TAILQ_FOREACH(fn, &p->functions, link) {

        if (!has_secret(fn, secret->ns, secret->name)) {
            continue;
        }

        TAILQ_FOREACH(replica, &fn->replicas, link) {
            if (replica_secrets_update(replica, secret, &err) != 0) {
                faas_log(FAAS_LOG_ERROR, "replica keeps the old value of a "
                         "secret replica=%s error=\"%s\"", replica->id,
                         err.text);
            }
        }
    }
}


static int
has_secret(const struct function *fn, const char *ns, const char *name)
{
    size_t   i;
    json_t  *secrets;

    secrets = json_object_get(fn->spec->deployment, "secrets");

    if (strcmp(fn->spec->ns, ns) != 0) {
        return 0;
    }

    for (i = 0; i < json_array_size(secrets); i++) {
        if (strcmp(json_string_value(json_array_get(secrets, i)), name) == 0)
        {
            return 1;
        }
    }

    return 0;
}


static struct kept_secret *
find(const struct process_provider *p, const char *ns, const char *name)
{
    struct kept_secret  *kept;

    TAILQ_FOREACH(kept, &p->secrets, link) {
        if (strcmp(kept->name, name) == 0 && strcmp(kept->ns, ns) == 0) {
            return kept;
        }
    }

    return NULL;
}


static int
keep(struct process_provider *p, const char *ns, const char *name)
{
    int                  order;
    struct kept_secret  *kept, *next;

    kept = calloc(1, sizeof(*kept));

    if (kept == NULL) {
        return -1;
    }

    (void) snprintf(kept->ns, sizeof(kept->ns), "%s", ns);
    (void) snprintf(kept->name, sizeof(kept->name), "%s", name);

    TAILQ_FOREACH(next, &p->secrets, link) {
        order = strcmp(next->ns, ns);

        if (order > 0 || (order == 0 && strcmp(next->name, name) > 0)) {
            TAILQ_INSERT_BEFORE(next, kept, link);
            return 0;
        }
    }

    TAILQ_INSERT_TAIL(&p->secrets, kept, link);

    return 0;
}


static void
on_load(void *arg, const char *ns, const char *name)
{
    if (keep(arg, ns, name) != 0) {
        faas_log(FAAS_LOG_ERROR, "no memory for a secret, it is not known "
                 "name=%s namespace=%s", name, ns);
    }
}

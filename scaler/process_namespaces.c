/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Namespaces of the process provider: names, with labels and annotations that
 * are kept for those who ask.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/faas_log.h"

#include "process.h"


struct namespace_change {
    struct change             change;       /* must be first */
    struct process_provider  *p;
    struct namespace         *ns;           /* owned; NULL: to be removed */
    char                      name[FAAS_NAME_MAX + 1];
    char                     *text;         /* owned; of ns */
    int                       is_new;
    provider_done_fn          done;
    void                     *arg;
};


static void add_change(struct provider *provider, const char *name,
    struct namespace *ns, int is_new, provider_done_fn done, void *arg);
static int check_save(struct change *change, struct faas_err *err);
static int write_save(struct change *change, struct faas_err *err);
static int check_remove(struct change *change, struct faas_err *err);
static int write_remove(struct change *change, struct faas_err *err);
static void finish(struct change *change, struct faas_err *err);
static struct namespace *find(const struct process_provider *p,
    const char *name);
static void keep(struct process_provider *p, struct namespace *ns);
static void on_load(void *arg, const char *name, const char *text,
    size_t len);


void
process_list_namespaces(struct provider *provider, const char *name,
    provider_namespace_fn each, provider_done_fn done, void *arg)
{
    int                       n;
    struct faas_err           err;
    struct namespace         *ns;
    struct process_provider  *p;

    p = (struct process_provider *) provider;
    err.code = 0;
    n = 0;

    TAILQ_FOREACH(ns, &p->namespaces, link) {
        if (name == NULL || strcmp(ns->name, name) == 0) {
            each(arg, ns);
            n++;
        }
    }

    if (n == 0) {
        (void) faas_err_set(&err, 404, "namespace %.80s not found", name);
    }

    done(arg, &err);
}


void
process_save_namespace(struct provider *provider, struct namespace *ns,
    int is_new, provider_done_fn done, void *arg)
{
    add_change(provider, ns->name, ns, is_new, done, arg);
}


void
process_remove_namespace(struct provider *provider, const char *name,
    provider_done_fn done, void *arg)
{
    add_change(provider, name, NULL, 0, done, arg);
}


int
process_load_namespaces(struct process_provider *p, struct faas_err *err)
{
    struct namespace  *ns;

    if (store_load_namespaces(&p->host.store, on_load, p, err) != 0) {
        return -1;
    }

    if (find(p, FAAS_DEFAULT_NAMESPACE) == NULL) {
        ns = namespace_new(FAAS_DEFAULT_NAMESPACE);

        if (ns == NULL) {
            return faas_err_set(err, 500, "no memory");
        }

        keep(p, ns);
    }

    return 0;
}


void
process_free_namespaces(struct process_provider *p)
{
    struct namespace  *ns;

    while ((ns = TAILQ_FIRST(&p->namespaces)) != NULL) {
        TAILQ_REMOVE(&p->namespaces, ns, link);
        namespace_free(ns);
    }
}


int
process_check_namespace(const struct process_provider *p, const char *ns,
    struct faas_err *err)
{
    return find(p, ns) != NULL
           ? 0 : faas_err_set(err, 400, "\"namespace\": \"%.80s\" does not "
                              "exist, make it with POST /system/namespace/",
                              ns);
}


/*
 * Takes the namespace.
 */
static void
add_change(struct provider *provider, const char *name, struct namespace *ns,
    int is_new, provider_done_fn done, void *arg)
{
    struct faas_err           err;
    struct namespace_change  *nc;

    nc = calloc(1, sizeof(*nc));

    if (nc == NULL) {
        namespace_free(ns);
        (void) faas_err_set(&err, 500, "no memory");
        done(arg, &err);
        return;
    }

    nc->p = (struct process_provider *) provider;
    nc->ns = ns;
    nc->is_new = is_new;
    nc->done = done;
    nc->arg = arg;
    (void) snprintf(nc->name, sizeof(nc->name), "%.*s", FAAS_NAME_MAX, name);

    nc->change.check = ns != NULL ? check_save : check_remove;
    nc->change.write = ns != NULL ? write_save : write_remove;
    nc->change.finish = finish;

    changes_add(&nc->p->changes, &nc->change);
}


static int
check_save(struct change *change, struct faas_err *err)
{
    int                       is_there;
    struct namespace_change  *nc;

    nc = (struct namespace_change *) change;
    is_there = find(nc->p, nc->name) != NULL;

    if (is_there && nc->is_new) {
        return faas_err_set(err, 409, "namespace %.80s exists already, update "
                            "it with PUT", nc->name);
    }

    if (!is_there && !nc->is_new) {
        return faas_err_set(err, 404, "namespace %.80s not found", nc->name);
    }

    nc->text = namespace_encode(nc->ns);

    return nc->text != NULL ? 0 : faas_err_set(err, 500, "no memory");
}


static int
write_save(struct change *change, struct faas_err *err)
{
    struct namespace_change  *nc;

    nc = (struct namespace_change *) change;

    return store_save_namespace(&nc->p->host.store, nc->name, nc->text, err);
}


static int
check_remove(struct change *change, struct faas_err *err)
{
    size_t                     functions, secrets;
    struct function           *fn;
    struct kept_secret        *kept;
    struct namespace_change   *nc;

    nc = (struct namespace_change *) change;
    functions = 0;
    secrets = 0;

    if (find(nc->p, nc->name) == NULL) {
        return faas_err_set(err, 404, "namespace %.80s not found", nc->name);
    }

    if (strcmp(nc->name, FAAS_DEFAULT_NAMESPACE) == 0) {
        return faas_err_set(err, 400, "%s is the default namespace, which "
                            "stays", nc->name);
    }

    TAILQ_FOREACH(fn, &nc->p->functions, link) {
        functions += strcmp(fn->spec->ns, nc->name) == 0;
    }

    TAILQ_FOREACH(kept, &nc->p->secrets, link) {
        secrets += strcmp(kept->ns, nc->name) == 0;
    }

    if (functions + secrets != 0) {
        return faas_err_set(err, 409, "namespace %s has %zu functions and "
                            "%zu secrets, delete them first", nc->name,
                            functions, secrets);
    }

    return 0;
}


static int
write_remove(struct change *change, struct faas_err *err)
{
    struct namespace_change  *nc;

    nc = (struct namespace_change *) change;

    return store_delete_namespace(&nc->p->host.store, nc->name, err);
}


static void
finish(struct change *change, struct faas_err *err)
{
    struct namespace         *old;
    struct namespace_change  *nc;

    nc = (struct namespace_change *) change;

    if (err->code == 0) {
        old = find(nc->p, nc->name);

        if (old != NULL) {
            TAILQ_REMOVE(&nc->p->namespaces, old, link);
            namespace_free(old);
        }

        if (nc->ns != NULL) {
            keep(nc->p, nc->ns);
            nc->ns = NULL;
        }
    }

    nc->done(nc->arg, err);

    namespace_free(nc->ns);
    free(nc->text);
    free(nc);
}


static struct namespace *
find(const struct process_provider *p, const char *name)
{
    struct namespace  *ns;

    TAILQ_FOREACH(ns, &p->namespaces, link) {
        if (strcmp(ns->name, name) == 0) {
            return ns;
        }
    }

    return NULL;
}


static void
keep(struct process_provider *p, struct namespace *ns)
{
    struct namespace  *next;

    TAILQ_FOREACH(next, &p->namespaces, link) {
        if (strcmp(next->name, ns->name) > 0) {
            TAILQ_INSERT_BEFORE(next, ns, link);
            return;
        }
    }

    TAILQ_INSERT_TAIL(&p->namespaces, ns, link);
}


/*
 * One that cannot be read is there all the same: functions may be in it.
 */
static void
on_load(void *arg, const char *name, const char *text, size_t len)
{
    struct faas_err    err;
    struct namespace  *ns;

    ns = namespace_parse(name, text, len, &err);

    if (ns == NULL) {
        faas_log(FAAS_LOG_ERROR, "namespace cannot be read, its labels are "
                 "lost namespace=%s error=\"%s\"", name, err.text);
        ns = namespace_new(name);
    }

    if (ns != NULL) {
        keep(arg, ns);
    }
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Namespaces: the Swarm has none of its own, so each is a Docker config with
 * two labels, its name and its JSON.  (Of a config only labels can be changed.)
 * The default one is always there, and so is one that a function is in.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/faas_log.h"

#include "swarm.h"


#define PREFIX      "faas-ns-"          /* of the config's name */
#define NAMESPACE_MAX  56               /* bytes; 64 with PREFIX */
#define LABEL_BODY  SWARM_LABEL_OWN "body"
#define DATA        "bmFtZXNwYWNl"      /* "namespace"; it may not be empty */


struct namespace_change {
    struct swarm      *swarm;
    struct namespace  *ns;              /* owned; NULL: it is removed */
    size_t             secrets;         /* that are in it */
    char               name[FAAS_NAME_MAX + 1];
    provider_done_fn   done;
    void              *arg;
};


static size_t list_names(const struct swarm *swarm, const char ***names);
static int by_name(const void *a, const void *b);
static void give(const struct swarm *swarm, const char *name,
    provider_namespace_fn each, void *arg);
static struct namespace *find(const struct swarm *swarm, const char *name);
static int is_known(const struct swarm *swarm, const char *name);
static void keep(struct swarm *swarm, struct namespace *ns);
static void forget(struct swarm *swarm, const char *name);
static struct namespace *decode(const json_t *config);
static struct namespace_change *make(struct swarm *swarm, const char *name,
    struct namespace *ns, provider_done_fn done, void *arg);
static int check_save(const struct namespace_change *nc, int is_new,
    struct faas_err *err);
static json_t *make_labels(const struct namespace *ns);
static void create(struct namespace_change *nc);
static void on_inspected(void *arg, json_t *answer,
    const struct faas_err *err);
static void on_saved(void *arg, json_t *answer, const struct faas_err *err);
static int check_remove(const struct namespace_change *nc,
    struct faas_err *err);
static void count_secret(void *arg, const char *ns, const char *name);
static void on_secrets_counted(void *arg, const struct faas_err *err);
static void on_removed(void *arg, json_t *answer,
    const struct faas_err *err);
static void finish(struct namespace_change *nc, const struct faas_err *err);


void
swarm_list_namespaces(struct provider *provider, const char *name,
    provider_namespace_fn each, provider_done_fn done, void *arg)
{
    size_t             i, n, size;
    const char       **names;
    struct swarm      *swarm;
    struct faas_err    err;

    swarm = (struct swarm *) provider;
    err.code = 0;
    names = NULL;
    n = 0;

    if (!swarm->is_read) {
        (void) swarm_check_up(swarm, &err);
        done(arg, &err);
        return;
    }

    size = list_names(swarm, &names);

    for (i = 0; i < size; i++) {
        if ((name == NULL || strcmp(names[i], name) == 0)
            && (i == 0 || strcmp(names[i], names[i - 1]) != 0))
        {
            give(swarm, names[i], each, arg);
            n++;
        }
    }

    if (names == NULL) {
        (void) faas_err_set(&err, 500, "no memory");

    } else if (n == 0) {
        (void) faas_err_set(&err, 404, "namespace %.80s not found", name);
    }

    free(names);
    done(arg, &err);
}


/*
 * The default one, those that were made, and those of functions, by name; some
 * of them more than once.  *names is to be freed; NULL: no memory.
 */
static size_t
list_names(const struct swarm *swarm, const char ***names)
{
    size_t                 n;
    struct namespace      *ns;
    struct swarm_service  *service;

    n = 1 + swarm->n_services;

    TAILQ_FOREACH(ns, &swarm->namespaces, link) {
        n++;
    }

    *names = calloc(n, sizeof(**names));

    if (*names == NULL) {
        return 0;
    }

    n = 0;
    (*names)[n++] = FAAS_DEFAULT_NAMESPACE;

    TAILQ_FOREACH(ns, &swarm->namespaces, link) {
        (*names)[n++] = ns->name;
    }

    TAILQ_FOREACH(service, &swarm->services, link) {
        (*names)[n++] = service->spec->ns;
    }

    qsort(*names, n, sizeof(**names), by_name);

    return n;
}


static int
by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}


/*
 * It may be one that nobody has made.
 */
static void
give(const struct swarm *swarm, const char *name, provider_namespace_fn each,
    void *arg)
{
    struct namespace  *ns, *implied;

    ns = find(swarm, name);
    implied = ns == NULL ? namespace_new(name) : NULL;

    if (ns != NULL || implied != NULL) {
        each(arg, ns != NULL ? ns : implied);
    }

    namespace_free(implied);
}


void
swarm_save_namespace(struct provider *provider, struct namespace *ns,
    int is_new, provider_done_fn done, void *arg)
{
    struct swarm             *swarm;
    struct faas_err           err;
    struct namespace_change  *nc;

    swarm = (struct swarm *) provider;
    nc = make(swarm, ns->name, ns, done, arg);

    if (nc == NULL) {
        return;
    }

    if (swarm_check_up(swarm, &err) != 0 || check_save(nc, is_new, &err) != 0)
    {
        finish(nc, &err);

    } else if (find(swarm, nc->name) == NULL) {
        create(nc);

    } else {
        docker_call(&swarm->docker, "GET", NULL, on_inspected, nc,
                    "/configs/" PREFIX "%s", nc->name);
    }
}


void
swarm_remove_namespace(struct provider *provider, const char *name,
    provider_done_fn done, void *arg)
{
    struct swarm             *swarm;
    struct faas_err           err;
    struct namespace_change  *nc;

    swarm = (struct swarm *) provider;
    nc = make(swarm, name, NULL, done, arg);

    if (nc == NULL) {
        return;
    }

    if (swarm_check_up(swarm, &err) != 0 || check_remove(nc, &err) != 0) {
        finish(nc, &err);
        return;
    }

    nc->secrets = 0;
    swarm_list_secrets(provider, nc->name, count_secret, on_secrets_counted,
                       nc);
}


void
swarm_namespaces_read(struct swarm *swarm, const json_t *configs)
{
    size_t             i;
    json_t            *config;
    struct namespace  *ns;

    swarm_namespaces_free(swarm);

    json_array_foreach((json_t *) configs, i, config) {
        ns = decode(config);

        if (ns != NULL) {
            keep(swarm, ns);
        }
    }
}


void
swarm_namespaces_free(struct swarm *swarm)
{
    struct namespace  *ns, *next;

    for (ns = TAILQ_FIRST(&swarm->namespaces); ns != NULL; ns = next) {
        next = TAILQ_NEXT(ns, link);
        namespace_free(ns);
    }

    TAILQ_INIT(&swarm->namespaces);
}


int
swarm_check_namespace(const struct swarm *swarm, const char *ns,
    struct faas_err *err)
{
    return is_known(swarm, ns)
           ? 0 : faas_err_set(err, 400, "\"namespace\": \"%.80s\" does not "
                              "exist, make it with POST /system/namespace/",
                              ns);
}


static int
is_known(const struct swarm *swarm, const char *name)
{
    const struct swarm_service  *service;

    if (strcmp(name, FAAS_DEFAULT_NAMESPACE) == 0
        || find(swarm, name) != NULL)
    {
        return 1;
    }

    TAILQ_FOREACH(service, &swarm->services, link) {
        if (strcmp(service->spec->ns, name) == 0) {
            return 1;
        }
    }

    return 0;
}


static struct namespace *
find(const struct swarm *swarm, const char *name)
{
    struct namespace  *ns;

    TAILQ_FOREACH(ns, &swarm->namespaces, link) {
        if (strcmp(ns->name, name) == 0) {
            return ns;
        }
    }

    return NULL;
}


static void
keep(struct swarm *swarm, struct namespace *ns)
{
    struct namespace  *next;

    TAILQ_FOREACH(next, &swarm->namespaces, link) {
        if (strcmp(next->name, ns->name) > 0) {
            TAILQ_INSERT_BEFORE(next, ns, link);
            return;
        }
    }

    TAILQ_INSERT_TAIL(&swarm->namespaces, ns, link);
}


static void
forget(struct swarm *swarm, const char *name)
{
    struct namespace  *ns;

    ns = find(swarm, name);

    if (ns != NULL) {
        TAILQ_REMOVE(&swarm->namespaces, ns, link);
        namespace_free(ns);
    }
}


/*
 * One that cannot be read is there all the same: functions may be in it.
 */
static struct namespace *
decode(const json_t *config)
{
    const char        *name, *body;
    struct faas_err    err;
    struct namespace  *ns;

    name = swarm_text(swarm_get(config, "Spec.Labels"), SWARM_LABEL_NS);
    body = swarm_text(swarm_get(config, "Spec.Labels"), LABEL_BODY);

    if (!faas_name_is_dns_label(name, strlen(name))) {
        return NULL;
    }

    ns = namespace_parse(name, body, strlen(body), &err);

    if (ns == NULL) {
        faas_log(FAAS_LOG_WARN, "namespace cannot be read, its labels are "
                 "not known namespace=%s error=\"%s\"", name, err.text);
        ns = namespace_new(name);
    }

    return ns;
}


/*
 * Takes ns.  NULL where there is no memory: done is called.
 */
static struct namespace_change *
make(struct swarm *swarm, const char *name, struct namespace *ns,
    provider_done_fn done, void *arg)
{
    struct faas_err           err;
    struct namespace_change  *nc;

    nc = calloc(1, sizeof(*nc));

    if (nc == NULL) {
        namespace_free(ns);
        (void) faas_err_set(&err, 500, "no memory");
        done(arg, &err);
        return NULL;
    }

    nc->swarm = swarm;
    nc->ns = ns;
    nc->done = done;
    nc->arg = arg;
    (void) snprintf(nc->name, sizeof(nc->name), "%.*s", FAAS_NAME_MAX, name);

    return nc;
}


static int
check_save(const struct namespace_change *nc, int is_new,
    struct faas_err *err)
{
    int  is_there;

    is_there = is_known(nc->swarm, nc->name);

    if (is_there && is_new) {
        return faas_err_set(err, 409, "namespace %.80s exists already, update "
                            "it with PUT", nc->name);
    }

    if (!is_there && !is_new) {
        return faas_err_set(err, 404, "namespace %.80s not found", nc->name);
    }

    if (strlen(nc->name) > NAMESPACE_MAX) {
        return faas_err_set(err, 400, "\"name\": on Docker Swarm a namespace's "
                            "name may have %d bytes", NAMESPACE_MAX);
    }

    return 0;
}


static json_t *
make_labels(const struct namespace *ns)
{
    char    *text;
    json_t  *labels;

    text = namespace_encode(ns);
    labels = json_pack("{s:s, s:s}", SWARM_LABEL_NS, ns->name, LABEL_BODY,
                       text != NULL ? text : "");
    free(text);

    return labels;
}


static void
create(struct namespace_change *nc)
{
    docker_call(&nc->swarm->docker, "POST",
                json_pack("{s:s+, s:o, s:s}", "Name", PREFIX, nc->name,
                          "Labels", make_labels(nc->ns), "Data", DATA),
                on_saved, nc, "/configs/create");
}


static void
on_inspected(void *arg, json_t *answer, const struct faas_err *err)
{
    json_t                   *body;
    struct namespace_change  *nc;

    nc = arg;

    if (err->code != 0) {
        finish(nc, err);
        return;
    }

    body = json_copy(swarm_get(answer, "Spec"));
    (void) json_object_set_new(body, "Labels", make_labels(nc->ns));

    docker_call(&nc->swarm->docker, "POST", body, on_saved, nc,
                "/configs/" PREFIX "%s/update?version=%" PRIu64, nc->name,
                swarm_uint(answer, "Version.Index"));
}


static void
on_saved(void *arg, json_t *answer, const struct faas_err *err)
{
    struct namespace_change  *nc;

    (void) answer;

    nc = arg;

    if (err->code == 0) {
        nc->swarm->namespaces_changed++;
        forget(nc->swarm, nc->name);
        keep(nc->swarm, nc->ns);
        nc->ns = NULL;
    }

    finish(nc, err);
}


static int
check_remove(const struct namespace_change *nc, struct faas_err *err)
{
    if (!is_known(nc->swarm, nc->name)) {
        return faas_err_set(err, 404, "namespace %.80s not found", nc->name);
    }

    if (strcmp(nc->name, FAAS_DEFAULT_NAMESPACE) == 0) {
        return faas_err_set(err, 400, "%s is the default namespace, which "
                            "stays", nc->name);
    }

    return 0;
}


static void
count_secret(void *arg, const char *ns, const char *name)
{
    struct namespace_change  *nc;

    (void) ns;
    (void) name;

    nc = arg;
    nc->secrets++;
}


static void
on_secrets_counted(void *arg, const struct faas_err *err)
{
    size_t                        functions;
    struct faas_err               used;
    struct namespace_change      *nc;
    const struct swarm_service   *service;

    nc = arg;
    functions = 0;

    if (err->code != 0) {
        finish(nc, err);
        return;
    }

    TAILQ_FOREACH(service, &nc->swarm->services, link) {
        functions += strcmp(service->spec->ns, nc->name) == 0;
    }

    if (functions + nc->secrets != 0) {
        (void) faas_err_set(&used, 409, "namespace %s has %zu functions and "
                            "%zu secrets, delete them first", nc->name,
                            functions, nc->secrets);
        finish(nc, &used);
        return;
    }

    docker_call(&nc->swarm->docker, "DELETE", NULL, on_removed, nc,
                "/configs/" PREFIX "%s", nc->name);
}


static void
on_removed(void *arg, json_t *answer, const struct faas_err *err)
{
    struct namespace_change  *nc;

    (void) answer;

    nc = arg;

    if (err->code == 0) {
        nc->swarm->namespaces_changed++;
        forget(nc->swarm, nc->name);
    }

    finish(nc, err);
}


static void
finish(struct namespace_change *nc, const struct faas_err *err)
{
    nc->done(nc->arg, err);

    namespace_free(nc->ns);
    free(nc);
}

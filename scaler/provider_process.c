/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The provider of one machine: its operations, and the list of functions.
 * What happens to a function is in function.h.
 */

#include "provider_process.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "lib/faas_log.h"

#include "function.h"
#include "image.h"
#include "log_stream.h"
#include "starter.h"


struct process_provider {
    struct provider           provider;     /* must be first */
    struct function_host      host;
    struct starter            starter;
    struct function_list      functions;
    struct function_list      removed;      /* and not gone yet */
    uint64_t                  n_functions;
    void                    (*stopped)(void *arg);
    void                     *stopped_arg;
};


static int set_up(struct process_provider *p, struct event_base *base,
    struct faas_err *err);
static void load_spec(void *arg, struct spec *spec);
static int is_known(void *arg, const char *key);
static void op_list(struct provider *provider, provider_each_fn each,
    provider_done_fn done, void *arg);
static void op_get(struct provider *provider, const char *key,
    provider_each_fn each, provider_done_fn done, void *arg);
static void op_deploy(struct provider *provider, struct spec *spec,
    provider_done_fn done, void *arg);
static void op_update(struct provider *provider, struct spec *spec,
    provider_done_fn done, void *arg);
static void op_remove(struct provider *provider, const char *key,
    provider_done_fn done, void *arg);
static void op_scale(struct provider *provider, const char *key,
    uint64_t replicas, provider_done_fn done, void *arg);
static int scale(struct process_provider *p, struct function *fn,
    uint64_t replicas, struct faas_err *err);
static struct provider_stream *op_logs(struct provider *provider,
    const struct log_query *query, const struct provider_log_sink *sink,
    struct faas_err *err);
static void op_stop(struct provider *provider, void (*stopped)(void *arg),
    void *arg);
static void stop_all(struct process_provider *p);
static void op_free(struct provider *provider);
static void free_list(struct function_list *list);
static struct function *find(struct process_provider *p, const char *key);
static struct function *add(struct process_provider *p, struct spec *spec,
    const char *dir);
static void unknown(const char *key, struct faas_err *err);
static void on_removed(struct function *fn);
static void on_replica_changed(void *arg, struct replica *replica);
static void on_replica_gone(void *arg, struct replica *replica);
static int is_any_replica(const struct function_list *list);
static void report_stopped(struct process_provider *p);


static const struct provider_ops  process_ops = {
    .name = "faas-process",
    .orchestration = "process",
    .list = op_list,
    .get = op_get,
    .deploy = op_deploy,
    .update = op_update,
    .remove = op_remove,
    .scale = op_scale,
    .logs = op_logs,
    .stop = op_stop,
    .free = op_free,
};


struct provider *
provider_process_new(const struct scaler_options *options,
    const struct provider_hooks *hooks, struct event_base *base,
    struct faas_err *err)
{
    struct process_provider  *p;

    p = calloc(1, sizeof(*p));

    if (p == NULL) {
        (void) faas_err_set(err, 500, "no memory");
        return NULL;
    }

    p->provider.ops = &process_ops;
    p->host.options = options;
    p->host.hooks = hooks;
    p->host.start = starter_wake;
    p->host.start_arg = &p->starter;
    p->host.retry = starter_retry;
    p->host.arg = p;
    p->host.store.lock_fd = -1;
    TAILQ_INIT(&p->functions);
    TAILQ_INIT(&p->removed);

    if (set_up(p, base, err) != 0) {
        op_free(&p->provider);
        return NULL;
    }

    return &p->provider;
}


static int
set_up(struct process_provider *p, struct event_base *base,
    struct faas_err *err)
{
    const struct scaler_options  *options;

    options = p->host.options;

    p->host.owner.arg = p;
    p->host.owner.base = base;
    p->host.owner.changed = on_replica_changed;
    p->host.owner.gone = on_replica_gone;

    if (store_open(&p->host.store, options->state_dir, options->gateway_user,
                   err)
        != 0
        || replica_owner_init(&p->host.owner, options, p->host.store.dir, err)
           != 0)
    {
        return -1;
    }

    flog_store_init(&p->host.logs, p->host.store.dir, options->max_log);

    if (starter_open(&p->starter, base, &p->functions, &p->removed,
                     options->max_starts, err)
        != 0
        || store_load(&p->host.store, options->max_replicas, load_spec, p, err)
           != 0)
    {
        return -1;
    }

    /* of functions whose last replica was there when a scaler was killed */

    flog_store_clean(&p->host.logs, is_known, p);

    return 0;
}


/*
 * A function whose folder has gone since is not lost: it has no replica until
 * the folder is back, and it is scaled, deployed again or the scaler started
 * again.
 */
static void
load_spec(void *arg, struct spec *spec)
{
    char                      dir[PATH_MAX];
    struct function          *fn;
    struct faas_err           err;
    struct process_provider  *p;

    p = arg;

    if (image_find(p->host.options, spec, dir, &err) != 0) {
        faas_log(FAAS_LOG_ERROR, "function cannot be started, scale it when "
                 "that is mended function=%s error=\"%s\"", spec->key,
                 err.text);
        spec->replicas = 0;
        dir[0] = '\0';
    }

    fn = add(p, spec, dir);

    if (fn != NULL) {
        flog_load(&fn->flog);
        function_settle(fn);

    } else {
        faas_log(FAAS_LOG_ERROR, "no memory for a function, it is not "
                 "started");
    }
}


static int
is_known(void *arg, const char *key)
{
    return find(arg, key) != NULL;
}


static void
op_list(struct provider *provider, provider_each_fn each,
    provider_done_fn done, void *arg)
{
    struct faas_err            err;
    struct function           *fn;
    struct process_provider   *p;
    struct provider_function   view;

    p = (struct process_provider *) provider;
    err.code = 0;

    TAILQ_FOREACH(fn, &p->functions, link) {
        view.spec = fn->spec;
        view.available = function_available(fn);
        each(arg, &view);
    }

    done(arg, &err);
}


static void
op_get(struct provider *provider, const char *key, provider_each_fn each,
    provider_done_fn done, void *arg)
{
    struct faas_err            err;
    struct function           *fn;
    struct provider_function   view;

    err.code = 0;
    fn = find((struct process_provider *) provider, key);

    if (fn != NULL) {
        view.spec = fn->spec;
        view.available = function_available(fn);
        each(arg, &view);

    } else {
        unknown(key, &err);
    }

    done(arg, &err);
}


static void
op_deploy(struct provider *provider, struct spec *spec,
    provider_done_fn done, void *arg)
{
    char                      dir[PATH_MAX], key[FAAS_KEY_MAX + 1];
    struct faas_err           err;
    struct function          *fn;
    struct process_provider  *p;

    p = (struct process_provider *) provider;
    err.code = 0;
    fn = NULL;

    if (find(p, spec->key) != NULL) {
        (void) faas_err_set(&err, 400, "function %s exists already, update it "
                            "with PUT", spec->key);

    } else if (p->n_functions >= p->host.options->max_functions) {
        (void) faas_err_set(&err, 507, "there are %" PRIu64 " functions, no "
                            "more are allowed: see --max-functions",
                            p->n_functions);

    } else if (image_find(p->host.options, spec, dir, &err) == 0
               && store_save(&p->host.store, spec, &err) == 0)
    {
        memcpy(key, spec->key, sizeof(key));
        fn = add(p, spec, dir);
        spec = NULL;

        if (fn == NULL) {
            (void) store_delete(&p->host.store, key, &err);
            (void) faas_err_set(&err, 500, "no memory");
        }
    }

    spec_free(spec);

    if (fn != NULL) {
        function_settle(fn);
    }

    done(arg, &err);
}


static void
op_update(struct provider *provider, struct spec *spec,
    provider_done_fn done, void *arg)
{
    char                      dir[PATH_MAX];
    struct faas_err           err;
    struct function          *fn;
    struct process_provider  *p;

    p = (struct process_provider *) provider;
    err.code = 0;
    fn = find(p, spec->key);

    if (fn == NULL) {
        unknown(spec->key, &err);

    } else if (image_find(p->host.options, spec, dir, &err) == 0) {

        /* as many as run now, within the new bounds; none: as on deploy */

        spec->created = fn->spec->created;

        if (fn->spec->replicas > spec->min) {
            spec->replicas = fn->spec->replicas < spec->max
                             ? fn->spec->replicas : spec->max;
        }

        if (store_save(&p->host.store, spec, &err) == 0) {
            function_update(fn, spec, dir);
            spec = NULL;
        }
    }

    spec_free(spec);
    done(arg, &err);
}


static void
op_remove(struct provider *provider, const char *key, provider_done_fn done,
    void *arg)
{
    struct faas_err           err;
    struct function          *fn;
    struct process_provider  *p;

    p = (struct process_provider *) provider;
    err.code = 0;
    fn = find(p, key);

    if (fn == NULL) {
        unknown(key, &err);

    } else if (store_delete(&p->host.store, fn->spec->key, &err) == 0) {

        /* off the disk first: a restart does not bring it back */

        TAILQ_REMOVE(&p->functions, fn, link);
        TAILQ_INSERT_TAIL(&p->removed, fn, link);
        p->n_functions--;

        function_remove(fn);
    }

    done(arg, &err);
}


static void
op_scale(struct provider *provider, const char *key, uint64_t replicas,
    provider_done_fn done, void *arg)
{
    struct faas_err           err;
    struct function          *fn;
    struct process_provider  *p;

    p = (struct process_provider *) provider;
    err.code = 0;
    fn = find(p, key);

    if (fn == NULL) {
        unknown(key, &err);

    } else if (replicas > p->host.options->max_replicas) {
        (void) faas_err_set(&err, 400, "%" PRIu64 " replicas are more than "
                            "%" PRIu64 ", see --max-replicas", replicas,
                            p->host.options->max_replicas);

    } else if (replicas != fn->spec->replicas) {
        (void) scale(p, fn, replicas, &err);
    }

    done(arg, &err);
}


static int
scale(struct process_provider *p, struct function *fn, uint64_t replicas,
    struct faas_err *err)
{
    char      dir[PATH_MAX];
    uint64_t  before;

    if (fn->dir[0] == '\0') {

        if (image_find(p->host.options, fn->spec, dir, err) != 0) {
            return -1;
        }

        memcpy(fn->dir, dir, strlen(dir) + 1);
    }

    before = fn->spec->replicas;
    fn->spec->replicas = replicas;

    if (store_save(&p->host.store, fn->spec, err) != 0) {
        fn->spec->replicas = before;
        return -1;
    }

    function_settle(fn);

    return 0;
}


static struct provider_stream *
op_logs(struct provider *provider, const struct log_query *query,
    const struct provider_log_sink *sink, struct faas_err *err)
{
    struct function          *fn;
    struct process_provider  *p;

    p = (struct process_provider *) provider;
    fn = find(p, query->key);

    if (fn == NULL) {
        unknown(query->key, err);
        return NULL;
    }

    return log_stream_new(&fn->flog, query, sink, p->host.owner.base, err);
}


static void
op_stop(struct provider *provider, void (*stopped)(void *arg), void *arg)
{
    struct process_provider  *p;

    p = (struct process_provider *) provider;
    p->stopped = stopped;
    p->stopped_arg = arg;

    stop_all(p);
    report_stopped(p);
}


static void
stop_all(struct process_provider *p)
{
    struct function  *fn, *next;

    p->host.is_stopping = 1;
    starter_stop(&p->starter);

    TAILQ_FOREACH(fn, &p->functions, link) {
        function_stop(fn);
    }

    for (fn = TAILQ_FIRST(&p->removed); fn != NULL; fn = next) {
        next = TAILQ_NEXT(fn, link);
        function_stop(fn);
    }
}


/*
 * Replicas are there only where the scaler could not start.
 */
static void
op_free(struct provider *provider)
{
    struct process_provider  *p;

    p = (struct process_provider *) provider;
    p->stopped = NULL;

    stop_all(p);
    free_list(&p->functions);
    free_list(&p->removed);

    starter_close(&p->starter);
    store_close(&p->host.store);
    free(p);
}


static void
free_list(struct function_list *list)
{
    struct function  *fn;

    while ((fn = TAILQ_FIRST(list)) != NULL) {
        TAILQ_REMOVE(list, fn, link);
        function_free(fn);
    }
}


static struct function *
find(struct process_provider *p, const char *key)
{
    struct function  *fn;

    TAILQ_FOREACH(fn, &p->functions, link) {
        if (strcmp(fn->spec->key, key) == 0) {
            return fn;
        }
    }

    return NULL;
}


/*
 * Takes the spec, also when it fails.
 */
static struct function *
add(struct process_provider *p, struct spec *spec, const char *dir)
{
    struct function  *fn;

    fn = function_new(&p->host, spec, dir, on_removed);

    if (fn != NULL) {
        TAILQ_INSERT_TAIL(&p->functions, fn, link);
        p->n_functions++;
    }

    return fn;
}


static void
unknown(const char *key, struct faas_err *err)
{
    (void) faas_err_set(err, 404, "function %s not found", key);
}


static void
on_removed(struct function *fn)
{
    struct process_provider  *p;

    p = fn->host->arg;

    TAILQ_REMOVE(&p->removed, fn, link);
    function_free(fn);
}


static void
on_replica_changed(void *arg, struct replica *replica)
{
    (void) arg;

    if (replica->state == REPLICA_READY) {
        faas_log(FAAS_LOG_INFO, "replica is ready replica=%s", replica->id);
    }

    function_settle(replica->function);
}


static void
on_replica_gone(void *arg, struct replica *replica)
{
    faas_log(FAAS_LOG_INFO, "replica is gone replica=%s", replica->id);

    function_forget(replica->function, replica);
    report_stopped(arg);
}


static int
is_any_replica(const struct function_list *list)
{
    const struct function  *fn;

    TAILQ_FOREACH(fn, list, link) {
        if (!TAILQ_EMPTY(&fn->replicas)) {
            return 1;
        }
    }

    return 0;
}


static void
report_stopped(struct process_provider *p)
{
    void  (*stopped)(void *arg);

    if (p->stopped == NULL || is_any_replica(&p->functions)
        || is_any_replica(&p->removed))
    {
        return;
    }

    stopped = p->stopped;
    p->stopped = NULL;
    stopped(p->stopped_arg);
}

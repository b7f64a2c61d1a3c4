/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The provider of one machine: its beginning and end, and the list of
 * functions.  What happens to a function is in function.h.
 */

#include "provider_process.h"

#include <inttypes.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "daemon/clock.h"
#include "lib/faas_log.h"

#include "image.h"
#include "log_stream.h"
#include "process.h"


#define TRIM_AFTER  100         /* functions that were removed */


static int set_up(struct process_provider *p, struct event_base *base,
    struct faas_err *err);
static void load_spec(void *arg, struct spec *spec);
static int op_is_up(const struct provider *provider);
static void op_list(struct provider *provider, const char *ns,
    int has_usage, provider_each_fn each, provider_done_fn done, void *arg);
static void op_get(struct provider *provider, const char *key,
    int has_usage, provider_each_fn each, provider_done_fn done, void *arg);
static struct provider_stream *op_logs(struct provider *provider,
    const struct log_query *query, const struct provider_log_sink *sink,
    struct faas_err *err);
static void op_stop(struct provider *provider, void (*stopped)(void *arg),
    void *arg);
static void stop_all(struct process_provider *p);
static void op_free(struct provider *provider);
static void free_list(struct function_list *list);
static void op_walk(struct provider *provider, int has_usage,
    provider_each_fn each, void *arg);
static void view_of(struct function *fn, const struct usage_set *set,
    struct provider_function *view);
static void add_usage(struct function *fn, struct replica *replica,
    const struct usage_set *set, struct provider_function *view);
static void on_removed(struct function *fn);
static void on_replica_changed(void *arg, struct replica *replica);
static void on_replica_gone(void *arg, struct replica *replica);
static int is_any_replica(const struct function_list *list);
static void report_stopped(struct process_provider *p);


static const struct provider_ops  process_ops = {
    .name = "faas-process",
    .orchestration = "process",
    .has_images = 1,
    .is_up = op_is_up,
    .list = op_list,
    .get = op_get,
    .walk = op_walk,
    .deploy = process_deploy,
    .update = process_update,
    .remove = process_delete,
    .scale = process_scale,
    .wake = process_wake,
    .list_secrets = process_list_secrets,
    .save_secret = process_save_secret,
    .remove_secret = process_remove_secret,
    .list_namespaces = process_list_namespaces,
    .save_namespace = process_save_namespace,
    .remove_namespace = process_remove_namespace,
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
    TAILQ_INIT(&p->namespaces);
    TAILQ_INIT(&p->secrets);

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
        || replica_owner_init(&p->host.owner, options, p->host.store.dir,
                              p->host.store.lock_fd, err)
           != 0)
    {
        return -1;
    }

    p->woken = evtimer_new(base, process_save_woken, p);

    if (p->woken == NULL) {
        return faas_err_set(err, 500, "no memory");
    }

    p->provider.identity = p->host.store.id;
    flog_store_init(&p->host.logs, p->host.store.dir, options->max_log);

    if (starter_open(&p->starter, base, &p->functions, &p->removed,
                     options->max_starts, err)
        != 0
        || changes_open(&p->changes, base, err) != 0)
    {
        return -1;
    }

    p->host.store.worker = &p->changes.worker;

    if (process_load_namespaces(p, err) != 0
        || process_load_secrets(p, err) != 0)
    {
        return -1;
    }

    if (store_load(&p->host.store, &options->scale, load_spec, p, err)
        != 0)
    {
        return -1;
    }

    if (process_adopt(p, err) != 0) {
        return -1;
    }

    p->host.hooks->known(p->host.hooks->arg);

    return 0;
}


/*
 * A function whose folder has gone since is not lost: it gets no replica until
 * the folder is back, and it is scaled, deployed again or the scaler started
 * again.  Its replicas are made when those that run are known.
 */
static void
load_spec(void *arg, struct spec *spec)
{
    struct image              image;
    struct function          *fn;
    struct faas_err           err;
    struct process_provider  *p;

    p = arg;

    if (image_find(p->host.options->functions_dir, spec_text(spec, "image"),
                   &image, &err)
        != 0
        || spec_set_image(spec, image.env, &err) != 0)
    {
        faas_log(FAAS_LOG_ERROR, "function cannot be started, scale it when "
                 "that is mended function=%s error=\"%s\"", spec->key,
                 err.text);
        image.dir[0] = '\0';
    }

    image_done(&image);
    fn = process_add(p, spec, image.dir);

    if (fn == NULL) {
        faas_log(FAAS_LOG_ERROR, "no memory for a function, it is not "
                 "started");
        return;
    }

    flog_load(&fn->flog);

    if (image.dir[0] == '\0') {
        (void) snprintf(fn->error, sizeof(fn->error), "%s", err.text);
    }
}


static int
op_is_up(const struct provider *provider)
{
    (void) provider;

    return 1;
}


static void
op_list(struct provider *provider, const char *ns, int has_usage,
    provider_each_fn each, provider_done_fn done, void *arg)
{
    struct usage_set           set;
    struct faas_err            err;
    struct function           *fn;
    struct process_provider   *p;
    struct provider_function   view;

    p = (struct process_provider *) provider;
    err.code = 0;

    if (process_check_namespace(p, ns, &err) == 0) {
        has_usage = has_usage && usage_collect(&set) == 0;

        TAILQ_FOREACH(fn, &p->functions, link) {
            if (strcmp(fn->spec->ns, ns) == 0) {
                view_of(fn, has_usage ? &set : NULL, &view);
                each(arg, &view);
            }
        }

        if (has_usage) {
            usage_done(&set);
        }
    }

    done(arg, &err);
}


static void
op_get(struct provider *provider, const char *key, int has_usage,
    provider_each_fn each, provider_done_fn done, void *arg)
{
    struct usage_set           set;
    struct faas_err            err;
    struct function           *fn;
    struct provider_function   view;

    err.code = 0;
    fn = process_find((struct process_provider *) provider, key);

    if (fn != NULL) {
        has_usage = has_usage && usage_collect(&set) == 0;
        view_of(fn, has_usage ? &set : NULL, &view);
        each(arg, &view);

        if (has_usage) {
            usage_done(&set);
        }

    } else {
        (void) faas_err_set(&err, 404, "function %s not found", key);
    }

    done(arg, &err);
}


static void
op_walk(struct provider *provider, int has_usage, provider_each_fn each,
    void *arg)
{
    struct usage_set           set;
    struct function           *fn;
    struct process_provider   *p;
    struct provider_function   view;

    p = (struct process_provider *) provider;
    has_usage = has_usage && usage_collect(&set) == 0;

    TAILQ_FOREACH(fn, &p->functions, link) {
        view_of(fn, has_usage ? &set : NULL, &view);
        each(arg, &view);
    }

    if (has_usage) {
        usage_done(&set);
    }
}


/*
 * set is NULL where usage is not asked for.
 */
static void
view_of(struct function *fn, const struct usage_set *set,
    struct provider_function *view)
{
    struct replica  *replica;

    memset(view, 0, sizeof(*view));
    view->spec = fn->spec;
    view->available = function_available(fn);
    view->error = function_error(fn);
    view->has_usage = set != NULL;

    TAILQ_FOREACH(replica, &fn->replicas, link) {
        if (set != NULL && replica->pid != 0) {
            add_usage(fn, replica, set, view);
        }
    }

    view->cpu_ms = fn->cpu_ms;
}


static void
add_usage(struct function *fn, struct replica *replica,
    const struct usage_set *set, struct provider_function *view)
{
    const struct usage  *usage;

    usage = usage_find(set, replica->pid);

    if (usage != NULL) {
        view->memory += usage->memory;
        view->cpu_milli += usage_rate(&replica->usage, usage,
                                      replica->started_ms, clock_now_ms());
        fn->cpu_ms += usage_gain(&replica->spent, usage);
    }
}


static struct provider_stream *
op_logs(struct provider *provider, const struct log_query *query,
    const struct provider_log_sink *sink, struct faas_err *err)
{
    struct function          *fn;
    struct process_provider  *p;

    p = (struct process_provider *) provider;
    fn = process_find(p, query->key);

    if (fn == NULL) {
        (void) faas_err_set(err, 404, "function %s not found", query->key);
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

    changes_close(&p->changes);
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

    changes_close(&p->changes);
    stop_all(p);
    free_list(&p->functions);
    free_list(&p->removed);
    key_map_done(&p->by_key);
    process_free_secrets(p);
    process_free_namespaces(p);

    if (p->woken != NULL) {
        event_free(p->woken);
    }

    starter_close(&p->starter);
    replica_owner_done(&p->host.owner);
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


struct function *
process_find(struct process_provider *p, const char *key)
{
    return (struct function *) key_map_find(&p->by_key, key);
}


struct function *
process_add(struct process_provider *p, struct spec *spec, const char *dir)
{
    struct function  *fn;

    fn = function_new(&p->host, spec, dir, on_removed);

    if (fn != NULL && key_map_add(&p->by_key, &fn->node, spec->key) != 0) {
        function_free(fn);
        return NULL;
    }

    if (fn != NULL) {
        TAILQ_INSERT_TAIL(&p->functions, fn, link);
        p->n_functions++;
    }

    return fn;
}


void
process_remove(struct process_provider *p, struct function *fn)
{
    key_map_remove(&p->by_key, &fn->node);
    TAILQ_REMOVE(&p->functions, fn, link);
    TAILQ_INSERT_TAIL(&p->removed, fn, link);
    p->n_functions--;

    function_remove(fn);
}


static void
on_removed(struct function *fn)
{
    struct process_provider  *p;

    p = fn->host->arg;

    TAILQ_REMOVE(&p->removed, fn, link);
    function_free(fn);

    /* what many took lies scattered: the allocator would keep it */

    if (++p->n_freed >= TRIM_AFTER && TAILQ_EMPTY(&p->removed)) {
        p->n_freed = 0;
        (void) malloc_trim(0);
    }
}


static void
on_replica_changed(void *arg, struct replica *replica)
{
    struct function  *fn;

    (void) arg;

    fn = replica->function;

    if (replica->state == REPLICA_READY) {
        faas_log(FAAS_LOG_INFO, "replica is ready replica=%s", replica->id);

    } else if (replica->state == REPLICA_BACKOFF) {
        memcpy(fn->error, replica->error, sizeof(fn->error));
    }

    function_settle(fn);
}


static void
on_replica_gone(void *arg, struct replica *replica)
{
    int               is_missed;
    struct function  *fn;

    faas_log(FAAS_LOG_INFO, "replica is gone replica=%s", replica->id);

    fn = replica->function;
    is_missed = replica->state != REPLICA_STOPPING && !fn->is_removed;

    /* fn may be gone with it where it is removed */

    function_forget(fn, replica);

    if (is_missed) {
        function_settle(fn);
    }

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

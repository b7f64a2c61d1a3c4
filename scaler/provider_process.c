/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The provider of one machine: its operations, and the list of functions.
 * What happens to a function is in function.h.
 */

#include "provider_process.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "lib/faas_log.h"

#include "function.h"
#include "starter.h"


/* longest STATE/s/NUMBER.sock that a unix socket's path has room for */
#define STATE_DIR_MAX  (FAAS_ADDR_MAX - sizeof("unix:/s/.sock") - 10)

/* descriptors that replicas leave to the API, Redis and files */
#define FD_RESERVE     64

#define RETRY          1000     /* msec until what failed is tried again */


struct process_provider {
    struct provider           provider;     /* must be first */
    struct function_host      host;
    struct starter            starter;
    struct event             *retry;
    struct function_list      functions;
    struct function_list      removed;      /* and not gone yet */
    uint64_t                  n_functions;
    void                    (*stopped)(void *arg);
    void                     *stopped_arg;
};


static int set_up(struct process_provider *p, struct event_base *base,
    struct faas_err *err);
static int set_up_owner(struct process_provider *p, struct event_base *base,
    struct faas_err *err);
static void raise_nofile(struct replica_owner *owner);
static void retry_later(void *arg);
static void on_retry(evutil_socket_t fd, short what, void *arg);
static void retry_list(const struct function_list *list);
static void load_spec(void *arg, struct spec *spec);
static void op_list(struct provider *provider, provider_each_fn each,
    provider_done_fn done, void *arg);
static void op_get(struct provider *provider, const char *key,
    provider_each_fn each, provider_done_fn done, void *arg);
static void op_deploy(struct provider *provider, struct spec *spec,
    provider_done_fn done, void *arg);
static void op_update(struct provider *provider, struct spec *spec,
    provider_done_fn done, void *arg);
static int check_deployable(struct process_provider *p,
    const struct spec *spec, char *dir, struct faas_err *err);
static void op_remove(struct provider *provider, const char *key,
    provider_done_fn done, void *arg);
static void op_scale(struct provider *provider, const char *key,
    uint64_t replicas, provider_done_fn done, void *arg);
static int scale(struct process_provider *p, struct function *fn,
    uint64_t replicas, struct faas_err *err);
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
    p->host.retry = retry_later;
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

    if (store_open(&p->host.store, options->state_dir, options->gateway_user,
                   err)
        != 0
        || set_up_owner(p, base, err) != 0)
    {
        return -1;
    }

    if (starter_open(&p->starter, base, &p->functions, &p->removed,
                     options->max_starts, err)
        != 0)
    {
        return -1;
    }

    p->retry = evtimer_new(base, on_retry, p);

    if (p->retry == NULL) {
        return faas_err_set(err, 500, "no memory");
    }

    return store_load(&p->host.store, options->max_replicas, load_spec, p,
                      err);
}


static int
set_up_owner(struct process_provider *p, struct event_base *base,
    struct faas_err *err)
{
    struct passwd         *pw;
    struct replica_owner  *owner;

    owner = &p->host.owner;

    if (strlen(p->host.store.dir) > STATE_DIR_MAX) {
        return faas_err_set(err, 0, "the path of the state folder, %.120s, "
                            "has more than %zu bytes: sockets below it would "
                            "have none left for their names",
                            p->host.store.dir, (size_t) STATE_DIR_MAX);
    }

    owner->arg = p;
    owner->base = base;
    owner->state_dir = p->host.store.dir;
    owner->watchdog = p->host.options->watchdog;
    owner->changed = on_replica_changed;
    owner->gone = on_replica_gone;
    raise_nofile(owner);

    if (p->host.options->gateway_user[0] != '\0') {
        pw = getpwnam(p->host.options->gateway_user);

        if (pw != NULL) {
            owner->gateway_gid = pw->pw_gid;
            owner->has_gateway_gid = 1;
        }
    }

    return 0;
}


/*
 * Each replica takes two descriptors here.  Processes get the limit that was
 * there before: some C programs cannot count above 1,024.
 */
static void
raise_nofile(struct replica_owner *owner)
{
    rlim_t         reserve;
    struct rlimit  most;

    if (getrlimit(RLIMIT_NOFILE, &owner->nofile) != 0) {
        owner->nofile.rlim_cur = 0;
        owner->max = UINT64_MAX;
        return;
    }

    most = owner->nofile;
    most.rlim_cur = most.rlim_max;

    if (setrlimit(RLIMIT_NOFILE, &most) != 0) {
        most = owner->nofile;
        faas_log(FAAS_LOG_WARN, "cannot raise the limit of descriptors, going "
                 "on with what there is error=\"%s\"", strerror(errno));
    }

    reserve = most.rlim_cur / 2 < FD_RESERVE ? most.rlim_cur / 2 : FD_RESERVE;
    owner->max = (most.rlim_cur - reserve) / REPLICA_FDS;
}


static void
retry_later(void *arg)
{
    struct timeval            tv = { RETRY / 1000, RETRY % 1000 * 1000 };
    struct process_provider  *p;

    p = arg;

    if (!evtimer_pending(p->retry, NULL)) {
        (void) evtimer_add(p->retry, &tv);
    }
}


static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
    struct process_provider  *p;

    (void) fd;
    (void) what;

    p = arg;

    retry_list(&p->functions);
    retry_list(&p->removed);
}


static void
retry_list(const struct function_list *list)
{
    struct function  *fn;

    TAILQ_FOREACH(fn, list, link) {
        if (fn->is_unsettled) {
            function_settle(fn);
        }
    }
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

    if (check_deployable(p, spec, dir, &err) != 0) {
        faas_log(FAAS_LOG_ERROR, "function cannot be started, scale it when "
                 "that is mended function=%s error=\"%s\"", spec->key,
                 err.text);
        spec->replicas = 0;
        dir[0] = '\0';
    }

    fn = add(p, spec, dir);

    if (fn != NULL) {
        function_settle(fn);

    } else {
        faas_log(FAAS_LOG_ERROR, "no memory for a function, it is not "
                 "started");
    }
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

    } else if (check_deployable(p, spec, dir, &err) == 0
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

    } else if (check_deployable(p, spec, dir, &err) == 0) {

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


/*
 * What only this provider can check: the image is a folder.
 */
static int
check_deployable(struct process_provider *p, const struct spec *spec,
    char *dir, struct faas_err *err)
{
    int          n;
    char         path[PATH_MAX];
    const char  *image, *process;
    struct stat  st;

    image = spec_text(spec, "image");
    process = spec_text(spec, "envProcess");

    n = snprintf(path, sizeof(path), "%s%s%s",
                 image[0] == '/' ? "" : p->host.options->functions_dir,
                 image[0] == '/' ? "" : "/", image);

    if (n < 0 || n >= (int) sizeof(path) || realpath(path, dir) == NULL
        || stat(dir, &st) != 0 || !S_ISDIR(st.st_mode))
    {
        return faas_err_set(err, 400, "\"image\": %.100s is no folder; "
                            "functions run as processes here, and the image "
                            "is the folder of the function, absolute or below "
                            "--functions-dir", path);
    }

    if (process == NULL || process[0] == '\0') {
        return faas_err_set(err, 400, "\"envProcess\" is missing: the command "
                            "to run in the function's folder");
    }

    return 0;
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

        if (check_deployable(p, fn->spec, dir, err) != 0) {
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

    if (p->retry != NULL) {
        event_free(p->retry);
    }

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

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The provider of one machine.
 *
 * DESIGN
 *
 * A function has a spec and replicas.  Every change (deploy, update, scale,
 * a replica that becomes ready or fails) ends in settle(), which compares
 * what is with what is wanted: it makes missing replicas, chooses those that
 * are too many, publishes the route, and lets the chosen ones drain.  So the
 * order in which changes come does not matter.
 *
 * An update gives the spec a new generation.  Replicas of the old one serve
 * until as many of the new one are ready as are wanted; then the route holds
 * the new ones, and the old ones drain.
 *
 * A function that is removed keeps its structure, off the list, until its
 * last replica is gone and its last drain has answered.
 */

#include "provider_process.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/faas_log.h"
#include "lib/faas_num.h"

#include "replica.h"
#include "store.h"


/* longest STATE/s/NUMBER.sock that a unix socket's path has room for */
#define STATE_DIR_MAX  (FAAS_ADDR_MAX - sizeof("unix:/s/.sock") - 10)

/* a replica that pauses for longer is taken out of the route */
#define ROUTED_BACKOFF_MAX  1000    /* msec */


struct process_provider;

struct function {
    TAILQ_ENTRY(function)     link;
    struct process_provider  *provider;
    struct spec              *spec;         /* owned */
    char                      dir[PATH_MAX];
    uint64_t                  generation;
    struct replica_list       replicas;
    struct flog               flog;
    struct faas_route         route;        /* the last one published */
    uint64_t                  rev;          /* of it */
    int                       is_published;
    int                       is_removed;
    unsigned                  drains;       /* not answered yet */
};

TAILQ_HEAD(function_list, function);

struct process_provider {
    struct provider               provider;     /* must be first */
    const struct scaler_options  *options;
    const struct provider_hooks  *hooks;
    struct event_base            *base;
    struct event                 *sigchld;
    struct event                 *starter;      /* starts what waits */
    struct store                  store;
    struct replica_owner          owner;
    struct function_list          functions;
    struct function_list          removed;
    uint64_t                      n_functions;
    uint64_t                      next_number;
    uint64_t                      starting;
    void                        (*stopped)(void *arg);
    void                         *stopped_arg;
};

/* a drain that is being waited for */
struct drain_wait {
    struct function  *function;
    uint64_t          rev;
};


static int set_up(struct process_provider *p, struct faas_err *err);
static int set_up_owner(struct process_provider *p, struct faas_err *err);
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
static void op_stop(struct provider *provider, void (*stopped)(void *arg),
    void *arg);
static void op_free(struct provider *provider);
static struct function *find(struct process_provider *p, const char *key);
static void unknown(const char *key, struct faas_err *err);
static struct function *function_new(struct process_provider *p,
    struct spec *spec, const char *dir);
static void function_free_if_done(struct function *fn);
static uint64_t count(const struct function *fn, int is_current,
    int is_ready_only);
static void settle(struct function *fn);
static void make_missing(struct function *fn);
static void retire_surplus(struct function *fn);
static struct replica *worst(struct function *fn);
static void retire_old(struct function *fn);
static void publish(struct function *fn);
static void make_route(struct function *fn, struct faas_route *route);
static int is_routed(const struct function *fn, const struct replica *replica,
    int is_current);
static void drain_retired(struct function *fn, uint64_t rev);
static void on_drained(void *data);
static uint64_t drain_timeout(const struct function *fn);
static void on_replica_changed(void *arg, struct replica *replica);
static void on_replica_gone(void *arg, struct replica *replica);
static void on_sigchld(evutil_socket_t fd, short what, void *arg);
static struct replica *find_pid(struct process_provider *p, pid_t pid);
static void start_soon(struct process_provider *p);
static void on_starter(evutil_socket_t fd, short what, void *arg);
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
    p->options = options;
    p->hooks = hooks;
    p->base = base;
    p->store.lock_fd = -1;
    TAILQ_INIT(&p->functions);
    TAILQ_INIT(&p->removed);

    if (set_up(p, err) != 0) {
        op_free(&p->provider);
        return NULL;
    }

    return &p->provider;
}


static int
set_up(struct process_provider *p, struct faas_err *err)
{
    if (store_open(&p->store, p->options->state_dir,
                   p->options->gateway_user, err)
        != 0
        || set_up_owner(p, err) != 0)
    {
        return -1;
    }

    p->sigchld = evsignal_new(p->base, SIGCHLD, on_sigchld, p);
    p->starter = evtimer_new(p->base, on_starter, p);

    if (p->sigchld == NULL || p->starter == NULL
        || evsignal_add(p->sigchld, NULL) != 0)
    {
        return faas_err_set(err, 500, "no memory");
    }

    return store_load(&p->store, p->options->max_replicas, load_spec, p, err);
}


static int
set_up_owner(struct process_provider *p, struct faas_err *err)
{
    struct passwd  *pw;

    if (strlen(p->store.dir) > STATE_DIR_MAX) {
        return faas_err_set(err, 0, "the path of the state folder, %.120s, "
                            "has more than %zu bytes: sockets below it would "
                            "have none left for their names", p->store.dir,
                            (size_t) STATE_DIR_MAX);
    }

    p->owner.arg = p;
    p->owner.base = p->base;
    p->owner.state_dir = p->store.dir;
    p->owner.watchdog = p->options->watchdog;
    p->owner.stop_timeout_ms = p->options->stop_timeout_ms;
    p->owner.changed = on_replica_changed;
    p->owner.gone = on_replica_gone;

    if (p->options->gateway_user[0] != '\0') {
        pw = getpwnam(p->options->gateway_user);

        if (pw != NULL) {
            p->owner.gateway_gid = pw->pw_gid;
            p->owner.has_gateway_gid = 1;
        }
    }

    return 0;
}


/*
 * A function whose folder has gone since is not lost: it has no replica until
 * the folder is back and it is deployed again.
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
        faas_log(FAAS_LOG_ERROR, "function cannot be started, deploy it again "
                 "function=%s error=\"%s\"", spec->key, err.text);
        spec->replicas = 0;
        dir[0] = '\0';
    }

    fn = function_new(p, spec, dir);

    if (fn != NULL) {
        settle(fn);
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
        view.available = count(fn, 0, 1);
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
        view.available = count(fn, 0, 1);
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
    char                      dir[PATH_MAX];
    struct faas_err           err;
    struct function          *fn;
    struct process_provider  *p;

    p = (struct process_provider *) provider;
    err.code = 0;
    fn = NULL;

    if (find(p, spec->key) != NULL) {
        (void) faas_err_set(&err, 400, "function %s exists already, update it "
                            "with PUT", spec->key);

    } else if (p->n_functions >= p->options->max_functions) {
        (void) faas_err_set(&err, 507, "there are %" PRIu64 " functions, no "
                            "more are allowed: see --max-functions",
                            p->n_functions);

    } else if (check_deployable(p, spec, dir, &err) == 0
               && store_save(&p->store, spec, &err) == 0)
    {
        fn = function_new(p, spec, dir);
        spec = NULL;

        if (fn == NULL) {
            (void) faas_err_set(&err, 500, "no memory");
        }
    }

    spec_free(spec);

    if (fn != NULL) {
        settle(fn);
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

        if (store_save(&p->store, spec, &err) == 0) {
            spec_free(fn->spec);
            fn->spec = spec;
            spec = NULL;
            memcpy(fn->dir, dir, sizeof(dir));
            fn->generation++;
            settle(fn);
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
                 image[0] == '/' ? "" : p->options->functions_dir,
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

    } else if (store_delete(&p->store, fn->spec->key, &err) == 0) {

        /* off the disk first: a restart does not bring it back */

        TAILQ_REMOVE(&p->functions, fn, link);
        TAILQ_INSERT_TAIL(&p->removed, fn, link);
        p->n_functions--;

        fn->is_removed = 1;
        fn->spec->replicas = 0;
        settle(fn);
        function_free_if_done(fn);
    }

    done(arg, &err);
}


static void
op_scale(struct provider *provider, const char *key, uint64_t replicas,
    provider_done_fn done, void *arg)
{
    uint64_t                  before;
    struct faas_err           err;
    struct function          *fn;
    struct process_provider  *p;

    p = (struct process_provider *) provider;
    err.code = 0;
    fn = find(p, key);

    if (fn == NULL) {
        unknown(key, &err);

    } else if (replicas > p->options->max_replicas) {
        (void) faas_err_set(&err, 400, "%" PRIu64 " replicas are more than "
                            "%" PRIu64 ", see --max-replicas", replicas,
                            p->options->max_replicas);

    } else if (replicas != fn->spec->replicas) {
        before = fn->spec->replicas;
        fn->spec->replicas = replicas;

        if (store_save(&p->store, fn->spec, &err) == 0) {
            settle(fn);

        } else {
            fn->spec->replicas = before;
        }
    }

    done(arg, &err);
}


static void
op_stop(struct provider *provider, void (*stopped)(void *arg), void *arg)
{
    struct replica           *replica, *next;
    struct function          *fn, *next_fn;
    struct process_provider  *p;
    struct function_list     *lists[2];
    size_t                    i;

    p = (struct process_provider *) provider;
    p->stopped = stopped;
    p->stopped_arg = arg;

    lists[0] = &p->functions;
    lists[1] = &p->removed;

    for (i = 0; i < 2; i++) {
        for (fn = TAILQ_FIRST(lists[i]); fn != NULL; fn = next_fn) {
            next_fn = TAILQ_NEXT(fn, link);

            for (replica = TAILQ_FIRST(&fn->replicas); replica != NULL;
                 replica = next)
            {
                next = TAILQ_NEXT(replica, link);
                replica_stop(replica);
            }
        }
    }

    report_stopped(p);
}


static void
op_free(struct provider *provider)
{
    struct function          *fn;
    struct process_provider  *p;

    p = (struct process_provider *) provider;

    while ((fn = TAILQ_FIRST(&p->functions)) != NULL) {
        TAILQ_REMOVE(&p->functions, fn, link);
        flog_done(&fn->flog);
        spec_free(fn->spec);
        free(fn);
    }

    while ((fn = TAILQ_FIRST(&p->removed)) != NULL) {
        TAILQ_REMOVE(&p->removed, fn, link);
        flog_done(&fn->flog);
        spec_free(fn->spec);
        free(fn);
    }

    if (p->sigchld != NULL) {
        event_free(p->sigchld);
    }

    if (p->starter != NULL) {
        event_free(p->starter);
    }

    store_close(&p->store);
    free(p);
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


static void
unknown(const char *key, struct faas_err *err)
{
    (void) faas_err_set(err, 404, "function %s not found", key);
}


/*
 * Takes the spec, also when it fails.
 */
static struct function *
function_new(struct process_provider *p, struct spec *spec, const char *dir)
{
    char              path[PATH_MAX];
    struct function  *fn;

    fn = calloc(1, sizeof(*fn));

    if (fn == NULL) {
        spec_free(spec);
        return NULL;
    }

    fn->provider = p;
    fn->spec = spec;
    (void) snprintf(fn->dir, sizeof(fn->dir), "%s", dir);
    TAILQ_INIT(&fn->replicas);

    (void) snprintf(path, sizeof(path), "%.3500s/logs/%s.log", p->store.dir,
                    spec->key);
    flog_init(&fn->flog, path, p->options->max_log);

    TAILQ_INSERT_TAIL(&p->functions, fn, link);
    p->n_functions++;

    return fn;
}


static void
function_free_if_done(struct function *fn)
{
    if (!fn->is_removed || fn->drains != 0 || !TAILQ_EMPTY(&fn->replicas)) {
        return;
    }

    TAILQ_REMOVE(&fn->provider->removed, fn, link);
    flog_done(&fn->flog);
    spec_free(fn->spec);
    free(fn);
}


/*
 * Replicas that are not being taken away.
 */
static uint64_t
count(const struct function *fn, int is_current, int is_ready_only)
{
    uint64_t               n;
    const struct replica  *replica;

    n = 0;

    TAILQ_FOREACH(replica, &fn->replicas, link) {
        n += !replica->is_retiring
             && (!is_current || replica->generation == fn->generation)
             && (!is_ready_only || replica->state == REPLICA_READY);
    }

    return n;
}


static void
settle(struct function *fn)
{
    if (fn->provider->stopped != NULL) {
        return;
    }

    make_missing(fn);
    retire_surplus(fn);

    if (count(fn, 1, 1) >= fn->spec->replicas) {
        retire_old(fn);
    }

    publish(fn);
    start_soon(fn->provider);
}


static void
make_missing(struct function *fn)
{
    uint64_t                  n;
    struct faas_err           err;
    struct replica           *replica;
    struct process_provider  *p;

    p = fn->provider;

    for (n = count(fn, 1, 0); n < fn->spec->replicas; n++) {

        replica = replica_new(&p->owner, fn->spec, fn->dir,
                              ++p->next_number, &fn->flog, &err);

        if (replica == NULL) {
            faas_log(FAAS_LOG_ERROR, "cannot make a replica, trying again "
                     "with the next change function=%s error=\"%s\"",
                     fn->spec->key, err.text);
            return;
        }

        replica->function = fn;
        replica->generation = fn->generation;
        TAILQ_INSERT_TAIL(&fn->replicas, replica, link);
    }
}


static void
retire_surplus(struct function *fn)
{
    uint64_t  n;

    for (n = count(fn, 1, 0); n > fn->spec->replicas; n--) {
        worst(fn)->is_retiring = 1;
    }
}


/*
 * Of the current replicas one that does not answer, else the newest.
 */
static struct replica *
worst(struct function *fn)
{
    struct replica  *replica, *found;

    found = NULL;

    TAILQ_FOREACH(replica, &fn->replicas, link) {
        if (replica->is_retiring || replica->generation != fn->generation) {
            continue;
        }

        if (found == NULL || replica->state != REPLICA_READY
            || found->state == REPLICA_READY)
        {
            found = replica;
        }
    }

    return found;
}


static void
retire_old(struct function *fn)
{
    struct replica  *replica;

    TAILQ_FOREACH(replica, &fn->replicas, link) {
        if (replica->generation != fn->generation) {
            replica->is_retiring = 1;
        }
    }
}


/*
 * Publishes the route if it is another one now, and lets drain what it no
 * longer has.
 */
static void
publish(struct function *fn)
{
    uint64_t                      rev;
    struct faas_route             route;
    const struct provider_hooks  *hooks;

    hooks = fn->provider->hooks;

    memset(&route, 0, sizeof(route));
    make_route(fn, &route);

    if (!fn->is_removed && fn->is_published
        && memcmp(&route, &fn->route, sizeof(route)) == 0)
    {
        drain_retired(fn, fn->rev);
        return;
    }

    rev = hooks->publish(hooks->arg, fn->spec->key,
                         fn->is_removed ? NULL : &route);

    fn->route = route;
    fn->rev = rev;
    fn->is_published = 1;

    drain_retired(fn, rev);
}


static void
make_route(struct function *fn, struct faas_route *route)
{
    int                     is_current;
    struct replica         *replica;
    struct faas_endpoint   *endpoint;

    route->replicas = (uint32_t) fn->spec->replicas;

    /* replicas of the last generation serve until they retire */

    is_current = count(fn, 0, 0) == count(fn, 1, 0);

    TAILQ_FOREACH(replica, &fn->replicas, link) {

        if (!is_routed(fn, replica, is_current)
            || route->n == FAAS_REPLICAS_MAX)
        {
            continue;
        }

        endpoint = &route->endpoints[route->n++];

        memcpy(endpoint->id, replica->id, sizeof(endpoint->id));
        memcpy(endpoint->addr, replica->addr, sizeof(endpoint->addr));
    }
}


static int
is_routed(const struct function *fn, const struct replica *replica,
    int is_current)
{
    return !replica->is_retiring
           && (replica->generation == fn->generation) == is_current
           && (replica->state == REPLICA_READY
               || replica->backoff_ms <= ROUTED_BACKOFF_MAX);
}


static void
drain_retired(struct function *fn, uint64_t rev)
{
    int                           is_needed;
    struct replica               *replica;
    struct drain_wait            *wait;
    const struct provider_hooks  *hooks;

    is_needed = 0;
    hooks = fn->provider->hooks;

    TAILQ_FOREACH(replica, &fn->replicas, link) {
        if (replica->is_retiring && replica->retire_rev == 0) {
            replica->retire_rev = rev;
            is_needed = 1;
        }
    }

    if (!is_needed) {
        return;
    }

    wait = malloc(sizeof(*wait));

    if (wait == NULL) {
        faas_log(FAAS_LOG_ERROR, "no memory to drain replicas, they stay "
                 "function=%s", fn->spec->key);
        return;
    }

    wait->function = fn;
    wait->rev = rev;
    fn->drains++;

    hooks->drain(hooks->arg, fn->spec->key, rev, drain_timeout(fn),
                 on_drained, wait);
}


static void
on_drained(void *data)
{
    struct replica     *replica, *next;
    struct function    *fn;
    struct drain_wait  *wait;

    wait = data;
    fn = wait->function;

    for (replica = TAILQ_FIRST(&fn->replicas); replica != NULL;
         replica = next)
    {
        next = TAILQ_NEXT(replica, link);

        if (replica->is_retiring && replica->retire_rev <= wait->rev) {
            replica_stop(replica);
        }
    }

    /* not before: without drains the last replica takes the function along */
    fn->drains--;

    free(wait);
    function_free_if_done(fn);
}


/*
 * The function's own time-out where it has one.
 */
static uint64_t
drain_timeout(const struct function *fn)
{
    uint64_t     msec;
    const char  *s;

    s = spec_env(fn->spec, "exec_timeout");

    if (s != NULL && faas_parse_duration(s, strlen(s), 86400000, &msec) == 0
        && msec != 0)
    {
        return msec;
    }

    return fn->provider->options->drain_timeout_ms;
}


static void
on_replica_changed(void *arg, struct replica *replica)
{
    struct process_provider  *p;

    p = arg;

    if (replica->state == REPLICA_READY) {
        faas_log(FAAS_LOG_INFO, "replica is ready replica=%s", replica->id);
    }

    if (p->stopped == NULL) {
        settle(replica->function);
    }
}


static void
on_replica_gone(void *arg, struct replica *replica)
{
    struct function          *fn;
    struct process_provider  *p;

    p = arg;
    fn = replica->function;

    faas_log(FAAS_LOG_INFO, "replica is gone replica=%s", replica->id);

    TAILQ_REMOVE(&fn->replicas, replica, link);
    free(replica);

    function_free_if_done(fn);
    report_stopped(p);
}


static void
on_sigchld(evutil_socket_t fd, short what, void *arg)
{
    int              status;
    pid_t            pid;
    struct replica  *replica;

    (void) fd;
    (void) what;

    /* one signal may stand for several children */

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        replica = find_pid(arg, pid);

        if (replica != NULL) {
            replica_exited(replica, status);
        }
    }

    start_soon(arg);
}


static struct replica *
find_pid(struct process_provider *p, pid_t pid)
{
    struct replica   *replica;
    struct function  *fn;

    TAILQ_FOREACH(fn, &p->functions, link) {
        TAILQ_FOREACH(replica, &fn->replicas, link) {
            if (replica->pid == pid) {
                return replica;
            }
        }
    }

    TAILQ_FOREACH(fn, &p->removed, link) {
        TAILQ_FOREACH(replica, &fn->replicas, link) {
            if (replica->pid == pid) {
                return replica;
            }
        }
    }

    return NULL;
}


static void
start_soon(struct process_provider *p)
{
    struct timeval  now = { 0, 0 };

    if (p->stopped == NULL && !evtimer_pending(p->starter, NULL)) {
        (void) evtimer_add(p->starter, &now);
    }
}


/*
 * Starts what waits, as many as may start at a time.
 */
static void
on_starter(evutil_socket_t fd, short what, void *arg)
{
    uint64_t                  starting;
    struct replica           *replica;
    struct function          *fn;
    struct process_provider  *p;

    (void) fd;
    (void) what;

    p = arg;
    starting = 0;

    TAILQ_FOREACH(fn, &p->functions, link) {
        TAILQ_FOREACH(replica, &fn->replicas, link) {
            starting += (replica->state == REPLICA_STARTING);
        }
    }

    TAILQ_FOREACH(fn, &p->functions, link) {
        TAILQ_FOREACH(replica, &fn->replicas, link) {

            if (starting >= p->options->max_starts) {
                return;
            }

            if (replica->state == REPLICA_WAITING && !replica->is_retiring) {
                replica_start(replica);
                starting++;
            }
        }
    }
}


static void
report_stopped(struct process_provider *p)
{
    void             (*stopped)(void *arg);
    struct function   *fn;

    if (p->stopped == NULL || p->stopped_arg == NULL) {
        return;
    }

    TAILQ_FOREACH(fn, &p->functions, link) {
        if (!TAILQ_EMPTY(&fn->replicas)) {
            return;
        }
    }

    TAILQ_FOREACH(fn, &p->removed, link) {
        if (!TAILQ_EMPTY(&fn->replicas)) {
            return;
        }
    }

    stopped = p->stopped;
    stopped(p->stopped_arg);
    p->stopped_arg = NULL;
}

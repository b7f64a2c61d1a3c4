/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A function of the process provider.
 */

#include "function.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/clock.h"
#include "lib/faas_log.h"

#include "options.h"
#include "route_kept.h"


/* a replica that pauses for longer is taken out of the route */
#define ROUTED_BACKOFF_MAX  1000        /* msec */


/* a drain that is being waited for */
struct drain_wait {
    struct function  *function;
    uint64_t          rev;
};


static void set_dir(struct function *fn, const char *dir);
static void finish_if_done(struct function *fn);
static uint64_t count(const struct function *fn, int is_current,
    int is_ready_only);
static void make_missing(struct function *fn);
static void failed(struct function *fn, const char *what,
    const struct faas_err *err);
static void retire_surplus(struct function *fn);
static struct replica *worst(struct function *fn);
static void retire_old(struct function *fn, int is_ready_too);
static void publish(struct function *fn);
static void make_route(struct function *fn, struct faas_route *route);
static int is_routed(const struct function *fn, const struct replica *replica,
    int is_current);
static void drain_retired(struct function *fn);
static void on_drained(void *data);
static uint64_t drain_timeout(const struct function *fn);


struct function *
function_new(struct function_host *host, struct spec *spec, const char *dir,
    void (*done)(struct function *fn))
{
    struct function  *fn;

    fn = calloc(1, sizeof(*fn));

    if (fn == NULL) {
        spec_free(spec);
        return NULL;
    }

    fn->host = host;
    fn->spec = spec;
    fn->done = done;
    TAILQ_INIT(&fn->replicas);
    set_dir(fn, dir);

    flog_init(&fn->flog, &host->logs, spec->key);

    return fn;
}


void
function_free(struct function *fn)
{
    if (fn->is_removed) {
        flog_remove(&fn->flog);

    } else {
        flog_done(&fn->flog);
    }

    spec_free(fn->spec);
    free(fn->route);
    free(fn->dir);
    free(fn);
}


/*
 * Without memory it is as if the folder were missing: an update, or a scale,
 * finds it again.
 */
static void
set_dir(struct function *fn, const char *dir)
{
    free(fn->dir);
    fn->dir = dir[0] != '\0' ? strdup(dir) : NULL;

    if (dir[0] != '\0' && fn->dir == NULL) {
        (void) snprintf(fn->error, sizeof(fn->error), "no memory");
    }
}


void
function_settle(struct function *fn)
{
    if (fn->host->is_stopping) {
        return;
    }

    /* what is over is not shown again when something else goes on */

    (void) function_error(fn);
    fn->is_unsettled = 0;

    make_missing(fn);
    retire_surplus(fn);

    if (count(fn, 1, 1) >= fn->spec->replicas) {
        retire_old(fn, 1);
    }

    publish(fn);

    if (!fn->is_unsettled) {
        fn->is_reported = 0;
    }

    fn->host->start(fn->host->start_arg);
}


/*
 * One of an older spec is of the generation before the first.
 */
int
function_adopt(struct function *fn, const struct survivor *survivor,
    struct faas_err *err)
{
    struct replica  *replica;

    replica = replica_adopt(&fn->host->owner, fn->spec,
                            fn->dir != NULL ? fn->dir : "", survivor,
                            &fn->flog, err);

    if (replica == NULL) {
        return -1;
    }

    replica->function = fn;
    replica->generation = survivor->revision == fn->spec->revision
                          ? fn->generation : fn->generation - 1;
    TAILQ_INSERT_TAIL(&fn->replicas, replica, link);
    flog_adopt(&fn->flog, replica->id);

    return 0;
}


void
function_update(struct function *fn, struct spec *spec, const char *dir)
{
    spec_free(fn->spec);
    fn->spec = spec;
    set_dir(fn, dir);
    fn->generation++;

    /* those that do not answer now need not serve until the new ones do */
    retire_old(fn, 0);

    function_settle(fn);
}


void
function_remove(struct function *fn)
{
    fn->is_removed = 1;
    fn->spec->replicas = 0;

    function_settle(fn);
    finish_if_done(fn);
}


void
function_forget(struct function *fn, struct replica *replica)
{
    TAILQ_REMOVE(&fn->replicas, replica, link);
    flog_forget(&fn->flog, replica->id);
    free(replica);

    finish_if_done(fn);
}


void
function_stop(struct function *fn)
{
    struct replica  *replica, *next;

    /* fn may be gone with its last replica */

    for (replica = TAILQ_FIRST(&fn->replicas); replica != NULL;
         replica = next)
    {
        next = TAILQ_NEXT(replica, link);
        replica_stop(replica, fn->host->options->stop_timeout_ms);
    }
}


uint64_t
function_available(const struct function *fn)
{
    return count(fn, 0, 1);
}


const char *
function_error(struct function *fn)
{
    const struct replica  *replica;

    if (fn->error[0] == '\0' || fn->is_unsettled || fn->dir == NULL) {
        return fn->error[0] != '\0' ? fn->error : NULL;
    }

    TAILQ_FOREACH(replica, &fn->replicas, link) {
        if (!replica->is_retiring && replica->backoff_ms != 0
            && (replica->state != REPLICA_READY
                || clock_now_ms() - replica->started_ms
                   < REPLICA_BACKOFF_RESET))
        {
            return fn->error;
        }
    }

    fn->error[0] = '\0';

    return NULL;
}


static void
finish_if_done(struct function *fn)
{
    if (fn->is_removed && fn->drains == 0 && TAILQ_EMPTY(&fn->replicas)) {
        fn->done(fn);
    }
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
make_missing(struct function *fn)
{
    uint64_t         n, number;
    struct replica  *replica;
    struct faas_err  err;

    if (fn->dir == NULL) {
        return;                 /* its image is missing */
    }

    for (n = count(fn, 1, 0); n < fn->spec->replicas; n++) {

        replica = store_number(&fn->host->store, &number, &err) == 0
                  ? replica_new(&fn->host->owner, fn->spec, fn->dir, number,
                                &fn->flog, &err)
                  : NULL;

        if (replica == NULL) {
            failed(fn, "make a replica", &err);
            return;
        }

        replica->function = fn;
        replica->generation = fn->generation;
        TAILQ_INSERT_TAIL(&fn->replicas, replica, link);
    }
}


static void
failed(struct function *fn, const char *what, const struct faas_err *err)
{
    faas_log(fn->is_reported ? FAAS_LOG_INFO : FAAS_LOG_ERROR, "cannot %s, "
             "trying again function=%s error=\"%s\"", what, fn->spec->key,
             err->text);

    (void) snprintf(fn->error, sizeof(fn->error), "cannot %s: %.200s", what,
                    err->text);
    fn->is_reported = 1;
    fn->is_unsettled = 1;
    fn->host->retry(fn->host->start_arg);
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
retire_old(struct function *fn, int is_ready_too)
{
    struct replica  *replica;

    TAILQ_FOREACH(replica, &fn->replicas, link) {
        if (replica->generation != fn->generation
            && (is_ready_too || replica->state != REPLICA_READY))
        {
            replica->is_retiring = 1;
        }
    }
}


/*
 * Publishes the route if it is another one now, and lets drain what it no
 * longer has.  That of a removed function is taken away once: then its name
 * may be another function's.
 */
static void
publish(struct function *fn)
{
    struct faas_route             route;
    const struct provider_hooks  *hooks;

    hooks = fn->host->hooks;

    if (fn->is_removed) {

        if (!fn->is_withdrawn) {
            fn->rev = hooks->publish(hooks->arg, fn->spec->key, NULL);
            fn->is_withdrawn = 1;
        }

        drain_retired(fn);
        return;
    }

    make_route(fn, &route);

    if (route_keep(&fn->route, &route)) {
        fn->rev = hooks->publish(hooks->arg, fn->spec->key, &route);
    }

    drain_retired(fn);
}


static void
make_route(struct function *fn, struct faas_route *route)
{
    int                     is_current;
    struct replica         *replica;
    struct faas_endpoint   *endpoint;

    route_of_spec(route, fn->spec);

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
drain_retired(struct function *fn)
{
    int                           is_needed;
    struct replica               *replica;
    struct faas_err               err;
    struct drain_wait            *wait;
    const struct provider_hooks  *hooks;

    is_needed = 0;
    hooks = fn->host->hooks;

    TAILQ_FOREACH(replica, &fn->replicas, link) {
        is_needed |= replica->is_retiring && replica->retire_rev == 0;
    }

    if (!is_needed) {
        return;
    }

    wait = malloc(sizeof(*wait));

    if (wait == NULL
        || hooks->drain(hooks->arg, fn->spec->key, fn->rev, drain_timeout(fn),
                        on_drained, wait)
           != 0)
    {
        (void) faas_err_set(&err, 500, "no memory");
        failed(fn, "drain replicas", &err);
        free(wait);
        return;
    }

    wait->function = fn;
    wait->rev = fn->rev;
    fn->drains++;

    TAILQ_FOREACH(replica, &fn->replicas, link) {
        if (replica->is_retiring && replica->retire_rev == 0) {
            replica->retire_rev = fn->rev;
        }
    }
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

        if (replica->is_retiring && replica->retire_rev != 0
            && replica->retire_rev <= wait->rev
            && replica->state != REPLICA_STOPPING)
        {
            replica_stop(replica, replica->kill_ms);
        }
    }

    /* not before: without drains the last replica takes the function along */
    fn->drains--;

    free(wait);
    finish_if_done(fn);
}


/*
 * The function's own time-out where it has one: that of the replicas that go,
 * the spec may have another one by now.
 */
static uint64_t
drain_timeout(const struct function *fn)
{
    uint64_t               most, msec;
    const struct replica  *replica;

    most = 0;

    TAILQ_FOREACH(replica, &fn->replicas, link) {

        if (!replica->is_retiring || replica->retire_rev != 0) {
            continue;
        }

        msec = replica->drain_ms != 0 ? replica->drain_ms
                                      : fn->host->options->drain_timeout_ms;

        if (msec > most) {
            most = msec;
        }
    }

    return most;
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A function of the process provider: its spec, its replicas, its route.
 *
 * DESIGN
 *
 * Every change (deploy, update, scale, a replica that becomes ready or fails)
 * ends in function_settle(), which compares what is with what is wanted: it
 * makes missing replicas, chooses those that are too many, publishes the
 * route, and lets the chosen ones drain.  So the order in which changes come
 * does not matter.
 *
 * An update gives the spec a new generation.  Replicas of the old one that
 * answer serve until as many of the new one are ready as are wanted; then the
 * route holds the new ones, and the old ones drain.
 *
 * A replica that drains is started again where it has crashed and somebody
 * still waits in its socket's queue.
 *
 * A function that is removed keeps its structure, off the list, until its
 * last replica is gone and its last drain has answered.
 */

#ifndef FAAS_SCALER_FUNCTION_H
#define FAAS_SCALER_FUNCTION_H

#include <limits.h>
#include <stdint.h>
#include <sys/queue.h>

#include "daemon/key_map.h"
#include "lib/faas_proto.h"

#include "flog.h"
#include "provider.h"
#include "replica.h"
#include "spec.h"
#include "store.h"


/* what functions need of their provider, the same for all of them */
struct function_host {
    const struct scaler_options  *options;
    const struct provider_hooks  *hooks;
    struct store                  store;
    struct flog_store             logs;
    struct replica_owner          owner;
    int                           is_stopping;

    /* both are called with start_arg: replicas may wait to be started; a
       function is unsettled, function_settle() is to be called again, later */
    void                        (*start)(void *arg);
    void                        (*retry)(void *arg);
    void                         *start_arg;
    void                         *arg;          /* the provider's */
};

struct function {
    struct key_node          node;          /* must be first; its owner's */
    TAILQ_ENTRY(function)    link;          /* the same */
    struct function_host    *host;
    struct spec             *spec;          /* owned */
    char                    *dir;           /* owned; NULL: it is missing */
    uint64_t                 generation;
    struct replica_list      replicas;
    uint64_t                 cpu_ms;        /* that replicas were seen to
                                               spend */
    struct flog              flog;
    struct faas_route       *route;         /* owned; the last one published,
                                               NULL: none; it ends with its
                                               last endpoint */
    uint64_t                 rev;           /* of it */
    char                     error[REPLICA_ERROR_MAX];      /* the last one */
    int                      is_unsaved;    /* the number of replicas is not
                                               on disk */
    int                      is_unsettled;  /* something failed */
    int                      is_reported;   /* which was logged */
    int                      is_removed;
    int                      is_ghost;      /* it is to be removed at once */
    int                      is_withdrawn;  /* its route was taken away */
    unsigned                 drains;        /* not answered yet */

    /* when it is removed and nothing of it is left: function_free() it */
    void                   (*done)(struct function *fn);
};

TAILQ_HEAD(function_list, function);


/*
 * Takes the spec, also when it fails.  dir is the function's folder, "" where
 * it is missing.  Returns NULL where there is no memory.
 */
struct function *function_new(struct function_host *host, struct spec *spec,
    const char *dir, void (*done)(struct function *fn));

/*
 * Frees a function that has no replica any more.
 */
void function_free(struct function *fn);

/*
 * Makes what is as it is wanted; frees nothing.  Where something fails retry()
 * is called.
 */
void function_settle(struct function *fn);

/*
 * Takes over a replica; function_settle() is to follow.  Returns 0 or -1.
 */
int function_adopt(struct function *fn, const struct survivor *survivor,
    struct faas_err *err);

/*
 * Replaces the spec, which it takes, and the folder: a new generation.
 */
void function_update(struct function *fn, struct spec *spec,
    const char *dir);

/*
 * Takes all of it away.  done() may be called, at once or later.
 */
void function_remove(struct function *fn);

/*
 * Takes a replica that is gone off the function and frees it.  done() may be
 * called.
 */
void function_forget(struct function *fn, struct replica *replica);

/*
 * Stops every replica now, without draining, for the scaler ends: after the
 * time of --stop-timeout with SIGKILL.  done() may be called.
 */
void function_stop(struct function *fn);

/*
 * Replicas that answer.
 */
uint64_t function_available(const struct function *fn);

/*
 * What went wrong last, as long as it is not over; or NULL.
 */
const char *function_error(struct function *fn);


#endif /* FAAS_SCALER_FUNCTION_H */

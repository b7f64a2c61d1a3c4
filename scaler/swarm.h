/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The Swarm provider's own: what is known of the Swarm, and what its parts
 * may ask of one another.
 *
 * DESIGN
 *
 * The Swarm's store is the truth; what is here is a copy of it, which answers
 * GET and makes routes.  swarm_sync.c keeps it:
 *
 *   Docker's events          services, nodes, containers of this engine
 *   GET /services            at first, each SWARM_SERVICES_PERIOD
 *   GET /tasks               at first, each SWARM_TASKS_PERIOD; those of a
 *                            service each SWARM_POLL_MIN while it changes: of
 *                            containers elsewhere no event tells
 *
 * A task that is to run and has begun to is a replica.  It is in the route
 * while it takes requests, which swarm_health.c finds out.
 *
 * While Docker is away, routes stay as they are.
 */

#ifndef FAAS_SCALER_SWARM_H
#define FAAS_SCALER_SWARM_H

#include <event2/event.h>
#include <jansson.h>
#include <stdint.h>
#include <sys/queue.h>

#include "lib/faas_proto.h"

#include "docker.h"
#include "options.h"
#include "probe.h"
#include "provider.h"
#include "swarm_spec.h"
#include "usage.h"


#define SWARM_ID_MAX           63       /* bytes of an id of the Swarm's */
#define SWARM_ADDRS_MAX        4        /* of a task, that are tried */
#define SWARM_BUCKETS          4096
#define SWARM_ERROR_MAX        240      /* bytes, with the zero */

#define SWARM_POLL_MIN         50       /* msec between polls of tasks */
#define SWARM_POLL_MAX         2000
#define SWARM_POLL_QUICK       3000     /* msec that they stay quick */
#define SWARM_POLL_SERVICES    32       /* in one question; more: of all */
#define SWARM_TASKS_PERIOD     10000    /* msec */
#define SWARM_SERVICES_PERIOD  60000    /* msec */
#define SWARM_PAUSE_MIN        100      /* msec, while Docker is away */
#define SWARM_PAUSE_MAX        5000
#define SWARM_KNOWN_MAX        1500     /* msec until routes are published */

#define SWARM_USAGE_PERIOD     5000     /* msec between looks at what is used */
#define SWARM_USAGE_ASKED      30000    /* msec that somebody wants to know */

#define SWARM_RETRY_MIN        20       /* msec between probes of a replica */
#define SWARM_RETRY_MAX        1000
#define SWARM_PROBE_TIMEOUT    400      /* msec */
#define SWARM_PROBE_CONNECT    100      /* msec, of one that begins */
#define SWARM_BEGIN_REMOTE     200      /* msec, see swarm_task.c */
#define SWARM_BEGIN_LOCAL      2000
#define SWARM_CHECK_PERIOD     300      /* msec between looks at each node */
#define SWARM_CHECKS           15       /* replicas that are looked at then */

#define SWARM_TRIES            5        /* to change a service that others
                                           change as well */
#define SWARM_START_MAX        30000    /* msec, then it keeps no other from
                                           starting */
#define SWARM_CONFLICT         "update out of sequence"     /* Docker's text */
#define SWARM_LABEL_OWNER      "com.openfaas.owner"
#define SWARM_OWNER            "openfaas"


struct swarm;
struct swarm_service;
struct swarm_node;
struct swarm_log;

/* the order of Docker's states */
enum swarm_task_state {
    SWARM_TASK_COMING,                  /* new to preparing */
    SWARM_TASK_STARTING,
    SWARM_TASK_RUNNING,
    SWARM_TASK_OVER
};

struct swarm_task {
    TAILQ_ENTRY(swarm_task)   link;         /* its service's */
    TAILQ_ENTRY(swarm_task)   turn;         /* swarm->trying, or its node's */
    struct swarm_service     *service;
    struct swarm_node        *node;         /* NULL: on no list of one */
    char                      id[SWARM_ID_MAX + 1];
    char                      node_id[SWARM_ID_MAX + 1];
    char                      addrs[SWARM_ADDRS_MAX][FAAS_ADDR_INET_MAX + 1];
    unsigned                  n_addrs;
    unsigned                  addr;         /* the one in use, or tried */
    enum swarm_task_state     state;
    char                      container[DOCKER_ID_MAX + 1];     /* "": not
                                               known */
    struct usage              spent;        /* when it was asked last */
    struct usage_rate         rate;         /* at_ms 0: never */
    unsigned                  usage_round;
    int                       is_elsewhere; /* the container, of another node */
    int                       is_listed;    /* in the answer that is read */
    int                       has_begun;    /* an event has told so */
    int                       is_trying;    /* on that list */
    int                       is_accepting;
    int                       is_tried;     /* was asked once */
    int                       is_suspect;   /* a silent answer counts */
    int                       is_lost;      /* was silent: gateways do not
                                               wait for its answers */
    uint64_t                  retry_at;     /* clock_now_ms() */
    uint64_t                  pause_ms;
    struct probe              probe;
};

TAILQ_HEAD(swarm_task_list, swarm_task);

/* a node with replicas that take requests */
struct swarm_node {
    TAILQ_ENTRY(swarm_node)   link;
    char                      id[SWARM_ID_MAX + 1];
    struct swarm_task_list    tasks;        /* the next to be looked at first */
};

struct swarm_service {
    TAILQ_ENTRY(swarm_service)  link;
    LIST_ENTRY(swarm_service)   bucket;
    struct swarm               *swarm;
    char                        id[SWARM_ID_MAX + 1];
    uint64_t                    version;
    struct spec                *spec;       /* owned */
    uint64_t                    replicas;   /* that Docker is to run */
    struct swarm_task_list      tasks;
    struct faas_route          *route;      /* owned, see route_kept.h */
    uint64_t                    updated;    /* nsec since 1970 */
    uint64_t                    error_time; /* the same, of */
    char                        error[SWARM_ERROR_MAX];     /* the last */
    char                        pull_error[SWARM_ERROR_MAX];    /* of its
                                               image's registry; "" */
    int                         is_updating;
    int                         is_rolled_back;     /* the last update was:
                                                   error says why */
    int                         is_resuming;        /* what was pending */
    int                         is_listed;  /* in the answer that is read */
    int                         is_asked;   /* its tasks were asked for */
    int                         has_lost;   /* a task, and it is not known
                                               why */
    uint64_t                    made_ms;    /* when it came to be known */
    uint64_t                    changed_ms; /* the last time anything did */
    uint64_t                    cpu_ms;     /* that replicas were seen to
                                               spend */
    uint64_t                    poll_at;    /* 0: not */
    uint64_t                    poll_pause;
};

TAILQ_HEAD(swarm_service_list, swarm_service);
LIST_HEAD(swarm_bucket, swarm_service);

/* what is to be read, in this order */
enum swarm_read {
    SWARM_READ_NETWORKS,
    SWARM_READ_NAMESPACES,
    SWARM_READ_SERVICES,
    SWARM_READ_TASKS,
    SWARM_READS
};

struct swarm_sync {
    struct event          *timer;
    struct docker_stream  *events;
    unsigned               connection;      /* answers to others are stale */
    unsigned               wanted;          /* bits of enum swarm_read */
    json_t                *dirty;           /* owned; ids of services */
    json_t                *gone;            /* owned; the same, of those that
                                               an answer may still have */
    unsigned               namespaces_seen; /* swarm->namespaces_changed, when
                                               they were asked for */
    int                    is_up;           /* the version is known */
    int                    is_busy;         /* one is being read */
    int                    is_reported;     /* Docker is away */
    uint64_t               pause_ms;
    uint64_t               began_ms;        /* the question, */
    uint64_t               took_ms;         /* the last one of tasks */
    uint64_t               tasks_at;        /* when all are read again */
    uint64_t               services_at;
};

/* what containers use, being asked for */
struct swarm_usage {
    struct event   *timer;
    uint64_t        asked_ms;           /* when somebody wanted to know */
    unsigned        round;
    int             is_busy;            /* a question is on its way: of */
    char            service[SWARM_ID_MAX + 1];
    char            task[SWARM_ID_MAX + 1];
};

struct swarm {
    struct provider               provider;     /* must be first */
    const struct scaler_options  *options;
    const struct provider_hooks  *hooks;
    struct event_base            *base;
    struct docker                 docker;
    struct swarm_sync             sync;
    struct swarm_usage            usage;
    struct probes                 probes;
    struct event                 *retry;        /* tasks on trying, */
    uint64_t                      retry_at;     /* and when the next is due */
    struct event                 *check;        /* nodes */
    struct event                 *starts;       /* what is pending */
    struct swarm_service_list     services;
    struct swarm_bucket           buckets[SWARM_BUCKETS];   /* by id */
    uint64_t                      n_services;
    uint64_t                      granted;      /* starts, by changes that are
                                                   on their way */
    struct swarm_task_list        trying;
    TAILQ_HEAD(swarm_nodes, swarm_node)  nodes;
    struct namespace_list         namespaces;
    unsigned                      namespaces_changed;       /* by us, so many
                                                               times */
    TAILQ_HEAD(swarm_log_list, swarm_log)  logs;    /* that are being read */
    char                          network[SWARM_ID_MAX + 1];    /* id; "" */
    char                          node_id[SWARM_ID_MAX + 1];    /* of this
                                                   engine; "": not known */
    int                           is_read;      /* all of it, once */
    int                           is_known;     /* hooks->known was called */
    int                           is_closing;
    uint64_t                      read_ms;      /* when it was */
};


/* swarm_sync.c */

int swarm_sync_open(struct swarm *swarm, struct faas_err *err);
void swarm_sync_close(struct swarm *swarm);

/*
 * Something of it is to be read, soon.
 */
void swarm_want(struct swarm *swarm, enum swarm_read what);

/*
 * A service is to be read, soon.
 */
void swarm_want_service(struct swarm *swarm, const char *id);

/*
 * A service's tasks change, or will: they are polled until they have settled.
 */
void swarm_changing(struct swarm_service *service);

/*
 * A service is gone for good: what is told of it from now on is old.
 */
void swarm_gone(struct swarm *swarm, const char *id);

/*
 * Takes what Docker says of a service, unless that is old: as
 * swarm_service_read().
 */
struct swarm_service *swarm_service_take(struct swarm *swarm,
    const json_t *value);

/*
 * Whether Docker can be asked, and what is known is enough to change things.
 * Returns 0, or -1 with code 503.
 */
int swarm_check_up(const struct swarm *swarm, struct faas_err *err);


/* swarm_events.c */

/*
 * Begins to listen; end is called with the swarm, not before this returns.
 * Returns NULL with err.
 */
struct docker_stream *swarm_events_open(struct swarm *swarm,
    void (*end)(void *arg, const struct faas_err *err),
    struct faas_err *err);


/* swarm_service.c */

struct swarm_service *swarm_find(const struct swarm *swarm, const char *key);
struct swarm_service *swarm_find_id(const struct swarm *swarm,
    const char *id);

/*
 * Takes what Docker says of a service; it may be none of a function, or no
 * longer.  Returns it, or NULL.
 */
struct swarm_service *swarm_service_read(struct swarm *swarm,
    const json_t *value);

/*
 * It is gone: its route is withdrawn, and it is freed.
 */
void swarm_service_remove(struct swarm_service *service);

/*
 * Frees it, and only that.
 */
void swarm_service_free(struct swarm_service *service);

/*
 * Publishes the route if it is another one now.
 */
void swarm_service_publish(struct swarm_service *service);

/*
 * Replicas that take requests.
 */
uint64_t swarm_service_available(const struct swarm_service *service);

/*
 * Replicas that Docker is to run, and that do not take requests yet, unless
 * that has lasted for long.
 */
uint64_t swarm_service_starting(const struct swarm_service *service);

/*
 * Whether all is as it is to be: nothing comes or goes.
 */
int swarm_service_is_settled(const struct swarm_service *service);


/* swarm_task.c */

/*
 * Takes what Docker says of a task of a function.
 */
void swarm_task_read(struct swarm *swarm, const json_t *value);

/*
 * A container of this engine has begun to run: that of a task which need not
 * be known yet.
 */
void swarm_task_began(struct swarm_service *service, const char *id);

/*
 * NULL where it is not known.
 */
struct swarm_task *swarm_task_find(const struct swarm_service *service,
    const char *id);

/*
 * It leaves the service, without a new route.
 */
void swarm_task_free(struct swarm_task *task);


/* swarm_health.c */

int swarm_health_open(struct swarm *swarm, struct faas_err *err);
void swarm_health_close(struct swarm *swarm);

/*
 * A task may take requests after so many msec: it is asked then.
 */
void swarm_health_try(struct swarm_task *task, uint64_t pause);

/*
 * It is not asked any more, and takes no requests.
 */
void swarm_health_forget(struct swarm_task *task);

/*
 * Whether each task that runs was asked once.
 */
int swarm_health_is_known(const struct swarm *swarm);


/* swarm_usage.c */

int swarm_usage_open(struct swarm *swarm, struct faas_err *err);
void swarm_usage_close(struct swarm *swarm);

/*
 * Somebody wants to know: for a while it is kept up to date.
 */
void swarm_usage_want(struct swarm *swarm);

/*
 * What is known of a function.
 */
void swarm_usage_give(const struct swarm_service *service,
    struct provider_function *view);

/*
 * A task that was there before the scaler: what it has spent is not of its
 * time.
 */
void swarm_usage_begin(struct swarm_task *task);


/* swarm_change.c, as provider_ops say */

void swarm_deploy(struct provider *provider, struct spec *spec,
    provider_done_fn done, void *arg);
void swarm_update(struct provider *provider, struct spec *spec,
    provider_done_fn done, void *arg);
void swarm_delete(struct provider *provider, const char *key,
    provider_done_fn done, void *arg);
void swarm_scale(struct provider *provider, const char *key,
    uint64_t replicas, provider_done_fn done, void *arg);

/*
 * Starts as many of the pending replicas as may start now.
 */
void swarm_start_pending(struct swarm_service *service);


/* swarm_image.c */

/*
 * Finds out why the image of a service cannot be pulled, if it cannot.  auth is
 * as registry_auth_header() makes it, or NULL.
 */
void swarm_image_ask(struct swarm *swarm, const char *id, const char *image,
    const char *auth);


/* swarm_starts.c */

int swarm_starts_open(struct swarm *swarm, struct faas_err *err);
void swarm_starts_close(struct swarm *swarm);

/*
 * Of so many replicas wanted, how many Docker may run now; the others are
 * pending.  service is NULL where it is new.
 */
uint64_t swarm_starts_grant(struct swarm *swarm,
    const struct swarm_service *service, uint64_t wanted);

/*
 * Replicas have started, or are not wanted any more: others may.
 */
void swarm_starts_wake(struct swarm *swarm);


/* swarm_secrets.c, as provider_ops say */

void swarm_list_secrets(struct provider *provider, const char *ns,
    provider_secret_fn each, provider_done_fn done, void *arg);
void swarm_save_secret(struct provider *provider, struct secret *secret,
    int is_new, provider_done_fn done, void *arg);
void swarm_remove_secret(struct provider *provider, const char *ns,
    const char *name, provider_done_fn done, void *arg);

/*
 * Finds the secrets of a function: refs is a new array of SecretReference, or
 * NULL with err; code 400 where one is missing.
 */
void swarm_resolve_secrets(struct swarm *swarm, const struct spec *spec,
    void (*done)(void *arg, json_t *refs, const struct faas_err *err),
    void *arg);


/* swarm_repoint.c */

/*
 * Gives the functions that have a secret the version that ref, a
 * SecretReference, is of.  done is told what went wrong with the first of those
 * that keep theirs, or code 0; at once where none has it.
 */
void swarm_repoint(struct swarm *swarm, const char *ns, const char *name,
    json_t *ref, void (*done)(void *arg, const struct faas_err *err),
    void *arg);

/*
 * Whether a function has a secret.
 */
int swarm_has_secret(const struct swarm_service *service, const char *ns,
    const char *name);


/* swarm_namespaces.c, as provider_ops say */

void swarm_list_namespaces(struct provider *provider, const char *name,
    provider_namespace_fn each, provider_done_fn done, void *arg);
void swarm_save_namespace(struct provider *provider, struct namespace *ns,
    int is_new, provider_done_fn done, void *arg);
void swarm_remove_namespace(struct provider *provider, const char *name,
    provider_done_fn done, void *arg);

/*
 * Takes what Docker says of all configs that are namespaces.
 */
void swarm_namespaces_read(struct swarm *swarm, const json_t *configs);
void swarm_namespaces_free(struct swarm *swarm);

/*
 * Whether there is a namespace.  Returns 0, or -1 with code 400.
 */
int swarm_check_namespace(const struct swarm *swarm, const char *ns,
    struct faas_err *err);


/* swarm_logs.c, as provider_ops say */

struct provider_stream *swarm_logs(struct provider *provider,
    const struct log_query *query, const struct provider_log_sink *sink,
    struct faas_err *err);

/*
 * Ends the logs of a service that is gone, or with NULL all of them.
 */
void swarm_logs_end(struct swarm *swarm, const char *id);


#endif /* FAAS_SCALER_SWARM_H */

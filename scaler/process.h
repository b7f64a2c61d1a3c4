/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The process provider from within: what provider_process.c and the
 * files process_*.c share.
 */

#ifndef FAAS_SCALER_PROCESS_H
#define FAAS_SCALER_PROCESS_H

#include <stdint.h>
#include <sys/queue.h>

#include "change.h"
#include "function.h"
#include "namespace.h"
#include "provider.h"
#include "secret.h"
#include "starter.h"


#define PROCESS_SAVE_DELAY  100     /* msec from a wake-up until the number of
                                       replicas is on disk */


/* a secret's value is on disk only */
struct kept_secret {
    TAILQ_ENTRY(kept_secret)  link;
    char                      ns[FAAS_NAME_MAX + 1];
    char                      name[SECRET_NAME_MAX + 1];
};

TAILQ_HEAD(kept_secret_list, kept_secret);

struct process_provider {
    struct provider           provider;     /* must be first */
    struct function_host      host;
    struct starter            starter;
    struct changes            changes;
    struct event             *woken;        /* saves those that were */
    struct function_list      functions;
    struct function_list      removed;      /* and not gone yet */
    struct key_map            by_key;       /* of functions */
    uint64_t                  n_functions;
    uint64_t                  n_freed;      /* since memory was given back */
    struct namespace_list     namespaces;   /* by name */
    struct kept_secret_list   secrets;      /* by namespace and name */
    void                    (*stopped)(void *arg);
    void                     *stopped_arg;
};


/*
 * A function that is there; or NULL.
 */
struct function *process_find(struct process_provider *p, const char *key);

/*
 * Adds a function, takes the spec also when it fails: NULL without memory.
 * dir is that of its image, "" where it is missing.
 */
struct function *process_add(struct process_provider *p, struct spec *spec,
    const char *dir);

/*
 * Takes a function off those that are there, and ends its replicas.
 */
void process_remove(struct process_provider *p, struct function *fn);

/*
 * The operations of provider.h.
 */
void process_deploy(struct provider *provider, struct spec *spec,
    provider_done_fn done, void *arg);
void process_update(struct provider *provider, struct spec *spec,
    provider_done_fn done, void *arg);
void process_delete(struct provider *provider, const char *key,
    provider_done_fn done, void *arg);
void process_scale(struct provider *provider, const char *key,
    uint64_t replicas, provider_done_fn done, void *arg);
void process_wake(struct provider *provider, const char *key,
    uint64_t replicas, provider_done_fn done, void *arg);

/*
 * A timer's: writes the number of replicas of functions that were woken.
 */
void process_save_woken(evutil_socket_t fd, short what, void *arg);

void process_list_secrets(struct provider *provider, const char *ns,
    provider_secret_fn each, provider_done_fn done, void *arg);
void process_save_secret(struct provider *provider, struct secret *secret,
    int is_new, provider_done_fn done, void *arg);
void process_remove_secret(struct provider *provider, const char *ns,
    const char *name, provider_done_fn done, void *arg);

void process_list_namespaces(struct provider *provider, const char *name,
    provider_namespace_fn each, provider_done_fn done, void *arg);
void process_save_namespace(struct provider *provider, struct namespace *ns,
    int is_new, provider_done_fn done, void *arg);
void process_remove_namespace(struct provider *provider, const char *name,
    provider_done_fn done, void *arg);

/*
 * Reads what is kept of them.  Return 0 or -1.
 */
int process_load_secrets(struct process_provider *p, struct faas_err *err);
int process_load_namespaces(struct process_provider *p,
    struct faas_err *err);

/*
 * Takes over replicas that run, and settles all functions.  The same.
 */
int process_adopt(struct process_provider *p, struct faas_err *err);

/*
 * Forget them all; the provider ends.
 */
void process_free_secrets(struct process_provider *p);
void process_free_namespaces(struct process_provider *p);

/*
 * Checks that a namespace exists; and that all secrets of a specification do.
 * Return 0, or -1 with code 400 in err.
 */
int process_check_namespace(const struct process_provider *p, const char *ns,
    struct faas_err *err);
int process_check_secrets(const struct process_provider *p,
    const struct spec *spec, struct faas_err *err);


#endif /* FAAS_SCALER_PROCESS_H */

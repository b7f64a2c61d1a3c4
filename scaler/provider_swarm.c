/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Functions as services of Docker Swarm: the provider's beginning and end,
 * and what is asked of what is known.
 */

#include "provider_swarm.h"

#include <stdlib.h>
#include <string.h>

#include "swarm.h"


static int set_up(struct swarm *swarm, struct faas_err *err);
static int op_is_up(const struct provider *provider);
static void op_list(struct provider *provider, const char *ns,
    int has_usage, provider_each_fn each, provider_done_fn done, void *arg);
static void op_get(struct provider *provider, const char *key,
    int has_usage, provider_each_fn each, provider_done_fn done, void *arg);
static void op_walk(struct provider *provider, int has_usage,
    provider_each_fn each, void *arg);
static void give(const struct swarm_service *service, int has_usage,
    provider_each_fn each, void *arg);
static void op_stop(struct provider *provider, void (*stopped)(void *arg),
    void *arg);
static void op_free(struct provider *provider);


static const struct provider_ops  swarm_ops = {
    .name = "faas-swarm",
    .orchestration = "swarm",
    .is_up = op_is_up,
    .list = op_list,
    .get = op_get,
    .walk = op_walk,
    .deploy = swarm_deploy,
    .update = swarm_update,
    .remove = swarm_delete,
    .scale = swarm_scale,
    .wake = swarm_scale,
    .list_secrets = swarm_list_secrets,
    .save_secret = swarm_save_secret,
    .remove_secret = swarm_remove_secret,
    .list_namespaces = swarm_list_namespaces,
    .save_namespace = swarm_save_namespace,
    .remove_namespace = swarm_remove_namespace,
    .logs = swarm_logs,
    .stop = op_stop,
    .free = op_free,
};


struct provider *
provider_swarm_new(const struct scaler_options *options,
    const struct provider_hooks *hooks, struct event_base *base,
    struct faas_err *err)
{
    struct swarm  *swarm;

    swarm = calloc(1, sizeof(*swarm));

    if (swarm == NULL) {
        (void) faas_err_set(err, 500, "no memory");
        return NULL;
    }

    swarm->provider.ops = &swarm_ops;
    swarm->options = options;
    swarm->hooks = hooks;
    swarm->base = base;
    TAILQ_INIT(&swarm->services);
    TAILQ_INIT(&swarm->trying);
    TAILQ_INIT(&swarm->nodes);
    TAILQ_INIT(&swarm->namespaces);
    TAILQ_INIT(&swarm->logs);

    if (set_up(swarm, err) != 0) {
        op_free(&swarm->provider);
        return NULL;
    }

    return &swarm->provider;
}


static int
set_up(struct swarm *swarm, struct faas_err *err)
{
    const char                   *certs;
    const struct scaler_options  *options;

    options = swarm->options;
    certs = options->docker_cert_path;

    if (docker_open(&swarm->docker, options->docker,
                    certs[0] != '\0' ? certs : NULL,
                    options->docker_timeout_ms, swarm->base, err)
        != 0)
    {
        return faas_err_prefix(err, "--docker");
    }

    return swarm_health_open(swarm, err) == 0
           && swarm_starts_open(swarm, err) == 0
           && swarm_usage_open(swarm, err) == 0
           && swarm_sync_open(swarm, err) == 0 ? 0 : -1;
}


static int
op_is_up(const struct provider *provider)
{
    return ((const struct swarm *) provider)->sync.is_up;
}


static void
op_list(struct provider *provider, const char *ns, int has_usage,
    provider_each_fn each, provider_done_fn done, void *arg)
{
    struct swarm          *swarm;
    struct faas_err        err;
    struct swarm_service  *service;

    swarm = (struct swarm *) provider;
    err.code = 0;

    if (swarm->is_read) {
        (void) swarm_check_namespace(swarm, ns, &err);

    } else {
        (void) swarm_check_up(swarm, &err);
    }

    if (err.code == 0) {
        TAILQ_FOREACH(service, &swarm->services, link) {
            if (strcmp(service->spec->ns, ns) == 0) {
                give(service, has_usage, each, arg);
            }
        }
    }

    done(arg, &err);
}


static void
op_get(struct provider *provider, const char *key, int has_usage,
    provider_each_fn each, provider_done_fn done, void *arg)
{
    struct swarm          *swarm;
    struct faas_err        err;
    struct swarm_service  *service;

    swarm = (struct swarm *) provider;
    err.code = 0;
    service = swarm_find(swarm, key);

    if (service != NULL) {
        give(service, has_usage, each, arg);

    } else if (!swarm->is_read) {
        (void) swarm_check_up(swarm, &err);

    } else {
        (void) faas_err_set(&err, 404, "function %s not found", key);
    }

    done(arg, &err);
}


static void
op_walk(struct provider *provider, int has_usage, provider_each_fn each,
    void *arg)
{
    struct swarm          *swarm;
    struct swarm_service  *service;

    swarm = (struct swarm *) provider;

    if (!swarm->is_read) {
        return;
    }

    TAILQ_FOREACH(service, &swarm->services, link) {
        give(service, has_usage, each, arg);
    }
}


static void
give(const struct swarm_service *service, int has_usage,
    provider_each_fn each, void *arg)
{
    struct provider_function  view;

    memset(&view, 0, sizeof(view));
    view.spec = service->spec;
    view.available = swarm_service_available(service);

    if (service->error[0] != '\0'
        && (service->is_rolled_back
            || view.available < service->spec->replicas))
    {
        view.error = service->error;
    }

    if (has_usage) {
        swarm_usage_want(service->swarm);
        swarm_usage_give(service, &view);
    }

    each(arg, &view);
}


/*
 * Functions go on without the scaler.
 */
static void
op_stop(struct provider *provider, void (*stopped)(void *arg), void *arg)
{
    swarm_sync_close((struct swarm *) provider);
    stopped(arg);
}


static void
op_free(struct provider *provider)
{
    struct swarm          *swarm;
    struct swarm_service  *service, *next;

    swarm = (struct swarm *) provider;

    /* who waits for Docker is told, and may still use what is known */

    swarm_sync_close(swarm);
    swarm_logs_end(swarm, NULL);
    swarm_usage_close(swarm);
    docker_close(&swarm->docker);

    for (service = TAILQ_FIRST(&swarm->services); service != NULL;
         service = next)
    {
        next = TAILQ_NEXT(service, link);
        swarm_service_free(service);
    }

    swarm_namespaces_free(swarm);
    swarm_starts_close(swarm);
    swarm_health_close(swarm);
    free(swarm);
}

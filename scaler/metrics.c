/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the scaler's /metrics says.
 *
 * The page's parts are families: of the scaler, of its decisions and its admin
 * API, then one after another those of functions.
 */

#include "metrics.h"

#include <stdio.h>
#include <string.h>

#include "daemon/clock.h"
#include "daemon/exporter.h"
#include "lib/faas_expo.h"

#include "api.h"
#include "scale.h"
#include "scaler.h"


#define CODE_MAX  16                /* bytes of a status, with the zero */


/* of the scaler */
struct gauge {
    const char  *name;
    const char  *help;
    const char  *type;
    uint64_t   (*value)(struct scaler *scaler);
};

/* of a function */
struct family {
    const char  *name;
    const char  *help;
    const char  *type;
    uint64_t   (*value)(const struct provider_function *function);
};

/* where lines go */
struct page {
    struct evbuffer      *out;
    struct evbuffer      *later;    /* of what is known at the same time */
    const struct family  *family;
    uint64_t              n;
};


static int put_part(void *arg, unsigned i, struct evbuffer *out);
static int is_healthy(void *arg);
static void put_gauges(struct scaler *scaler, struct evbuffer *out);
static void put_decisions(struct scaler *scaler, struct evbuffer *out);
static void put_requests(struct scaler *scaler, struct evbuffer *out);
static void put_request(void *arg, const char *method, const char *path,
    unsigned status, uint64_t n);
static void put_family(struct scaler *scaler, const struct family *family,
    struct evbuffer *out);
static void put_function(void *arg, const struct provider_function *function);
static void put_targets(struct scaler *scaler, struct evbuffer *out);
static void put_target(void *arg, const struct provider_function *function);
static void put_usage(struct scaler *scaler, struct evbuffer *out);
static void put_use(void *arg, const struct provider_function *function);
static void name_of(const struct provider_function *function,
    struct faas_label *label);
static void set_label(struct faas_label *label, const char *name,
    const char *value);
static void set_sample(struct faas_sample *sample, const char *name,
    const struct faas_label *labels, size_t n);
static uint64_t leads(struct scaler *scaler);
static uint64_t redis_is_up(struct scaler *scaler);
static uint64_t provider_is_up(struct scaler *scaler);
static uint64_t gateways_of(struct scaler *scaler);
static uint64_t load_is_known(struct scaler *scaler);
static uint64_t failures_of(struct scaler *scaler);
static uint64_t functions_of(struct scaler *scaler);
static void count_function(void *arg,
    const struct provider_function *function);
static uint64_t replicas_of(const struct provider_function *function);
static uint64_t available_of(const struct provider_function *function);
static uint64_t min_of(const struct provider_function *function);
static uint64_t max_of(const struct provider_function *function);
static uint64_t has_error(const struct provider_function *function);


static const struct gauge  gauges[] = {
    { "faas_scaler_leader", "1 while this scaler is the one that decides.",
      "gauge", leads },
    { "faas_scaler_redis_up", "1 while this scaler can use Redis.", "gauge",
      redis_is_up },
    { "faas_scaler_provider_up", "1 while what runs functions answers.",
      "gauge", provider_is_up },
    { "faas_scaler_gateways", "Gateways whose load is read.", "gauge",
      gateways_of },
    { "faas_scaler_load_complete",
      "1 while all gateways were heard of: else nothing is scaled down.",
      "gauge", load_is_known },
    { "faas_scaler_functions", "Functions that are deployed.", "gauge",
      functions_of },
    { "faas_scaler_failures_total",
      "Changes of a number of replicas that failed.", "counter",
      failures_of },
};

#define N_GAUGES  (sizeof(gauges) / sizeof(gauges[0]))

static const struct family  families[] = {
    { "faas_function_replicas", "Replicas wanted.", "gauge", replicas_of },
    { "faas_function_replicas_available", "Replicas that answer.", "gauge",
      available_of },
    { "gateway_service_min", "The least number of replicas.", "gauge",
      min_of },
    { "faas_function_replicas_max", "The greatest number of replicas.",
      "gauge", max_of },
    { "faas_function_error",
      "1 while replicas that are wanted cannot be had: the function's status "
      "says why.", "gauge", has_error },
};

#define N_FAMILIES  (sizeof(families) / sizeof(families[0]))

static const char  cpu_name[] = "faas_function_cpu_seconds_total";
static const char  memory_name[] = "faas_function_memory_bytes";
static const char  target_name[] = "gateway_service_target_load";
static const char  decisions_name[] = "faas_scaler_decisions_total";
static const char  requests_name[] = "provider_http_requests_total";


int
metrics_open(struct scaler *scaler, evconnlistener_errorcb on_error,
    struct faas_err *err)
{
    const char  *text;

    text = scaler->options.metrics_listen;

    if (text[0] == '\0') {
        return 0;
    }

    scaler->exporter.put = put_part;
    scaler->exporter.is_healthy = is_healthy;
    scaler->exporter.arg = scaler;

    return exporter_open(&scaler->exporter, scaler->base, "--metrics-listen",
                         text, on_error, err);
}


void
metrics_close(struct scaler *scaler)
{
    exporter_close(&scaler->exporter);
}


static int
put_part(void *arg, unsigned i, struct evbuffer *out)
{
    size_t          n;
    struct scaler  *scaler;

    static void (*const  put[])(struct scaler *s, struct evbuffer *o) = {
        put_gauges, put_decisions, put_requests, put_targets, put_usage
    };

    scaler = arg;
    n = sizeof(put) / sizeof(put[0]);

    if (i < n) {
        put[i](scaler, out);
        return 1;
    }

    if (i - n < N_FAMILIES) {
        put_family(scaler, &families[i - n], out);
        return 1;
    }

    return 0;
}


static int
is_healthy(void *arg)
{
    (void) arg;

    return 1;
}


static void
put_gauges(struct scaler *scaler, struct evbuffer *out)
{
    size_t              i;
    struct faas_sample  sample;

    for (i = 0; i < N_GAUGES; i++) {
        set_sample(&sample, gauges[i].name, NULL, 0);
        exporter_family(out, gauges[i].name, gauges[i].help, gauges[i].type);
        exporter_uint(out, &sample, gauges[i].value(scaler));
    }
}


static void
put_decisions(struct scaler *scaler, struct evbuffer *out)
{
    int                  is_up;
    struct faas_label    labels[2];
    struct faas_sample   sample;
    enum policy_reason   reason;

    exporter_family(out, decisions_name, "Changes of a number of replicas, by "
                    "what has led to them.", "counter");
    set_sample(&sample, decisions_name, labels, 2);

    for (reason = POLICY_HOLD + 1; reason < POLICY_REASONS; reason++) {
        set_label(&labels[0], "reason", policy_reason_text(reason));

        for (is_up = 0; is_up <= 1; is_up++) {
            set_label(&labels[1], "direction", is_up ? "up" : "down");
            exporter_uint(out, &sample,
                          scaler->autoscale.decisions[reason][is_up]);
        }
    }
}


static void
put_requests(struct scaler *scaler, struct evbuffer *out)
{
    exporter_family(out, requests_name, "Requests to the admin API.",
                    "counter");
    api_walk_counts(scaler, put_request, out);
}


static void
put_request(void *arg, const char *method, const char *path, unsigned status,
    uint64_t n)
{
    char                code[CODE_MAX];
    struct faas_label   labels[3];
    struct faas_sample  sample;

    (void) snprintf(code, sizeof(code), "%u", status);

    set_label(&labels[0], "code", status != 0 ? code : "other");
    set_label(&labels[1], "method", method);
    set_label(&labels[2], "path", path);
    set_sample(&sample, requests_name, labels, 3);

    exporter_uint(arg, &sample, n);
}


static void
put_family(struct scaler *scaler, const struct family *family,
    struct evbuffer *out)
{
    struct page  page;

    page.out = out;
    page.family = family;

    exporter_family(out, family->name, family->help, family->type);
    scaler->provider->ops->walk(scaler->provider, 0, put_function, &page);
}


static void
put_function(void *arg, const struct provider_function *function)
{
    struct page         *page;
    struct faas_label    label;
    struct faas_sample   sample;

    page = arg;
    name_of(function, &label);
    set_sample(&sample, page->family->name, &label, 1);

    exporter_uint(page->out, &sample, page->family->value(function));
}


static void
put_targets(struct scaler *scaler, struct evbuffer *out)
{
    exporter_family(out, target_name, "The load that a replica is meant for, "
                    "by what load is.", "gauge");
    scaler->provider->ops->walk(scaler->provider, 0, put_target, out);
}


/*
 * Targets have at most three digits behind the point.
 */
static void
put_target(void *arg, const struct provider_function *function)
{
    struct faas_label        labels[2];
    struct faas_sample       sample;
    struct policy_settings   settings;

    scale_policy(&function->spec->scale, function->spec->limits.max_inflight,
                 &settings);

    name_of(function, &labels[0]);
    set_label(&labels[1], "scaling_type", scale_type_text(settings.type));
    set_sample(&sample, target_name, labels, 2);

    exporter_msec(arg, &sample, (uint64_t) (settings.target * 1000 + 0.5));
}


/*
 * Both of one look at what runs.
 */
static void
put_usage(struct scaler *scaler, struct evbuffer *out)
{
    struct page  page;

    page.out = out;
    page.later = evbuffer_new();

    if (page.later == NULL) {
        return;
    }

    exporter_family(page.out, cpu_name, "CPU time of replicas.", "counter");
    exporter_family(page.later, memory_name, "Memory of replicas.", "gauge");
    scaler->provider->ops->walk(scaler->provider, 1, put_use, &page);

    (void) evbuffer_add_buffer(out, page.later);
    evbuffer_free(page.later);
}


static void
put_use(void *arg, const struct provider_function *function)
{
    struct page         *page;
    struct faas_label    label;
    struct faas_sample   sample;

    page = arg;

    if (!function->has_usage) {
        return;
    }

    name_of(function, &label);
    set_sample(&sample, cpu_name, &label, 1);
    exporter_msec(page->out, &sample, function->cpu_ms);

    sample.name = memory_name;
    exporter_uint(page->later, &sample, function->memory);
}


static void
name_of(const struct provider_function *function, struct faas_label *label)
{
    set_label(label, "function_name", function->spec->key);
}


static void
set_label(struct faas_label *label, const char *name, const char *value)
{
    label->name = name;
    label->value = value;
    label->len = strlen(value);
}


static void
set_sample(struct faas_sample *sample, const char *name,
    const struct faas_label *labels, size_t n)
{
    sample->name = name;
    sample->suffix = "";
    sample->labels = labels;
    sample->n = n;
}


static uint64_t
leads(struct scaler *scaler)
{
    return (uint64_t) leader_is_valid(&scaler->leader);
}


static uint64_t
redis_is_up(struct scaler *scaler)
{
    return (uint64_t) scaler->redis.is_ready;
}


static uint64_t
provider_is_up(struct scaler *scaler)
{
    return (uint64_t) scaler->provider->ops->is_up(scaler->provider);
}


static uint64_t
gateways_of(struct scaler *scaler)
{
    return scaler->load.n;
}


static uint64_t
load_is_known(struct scaler *scaler)
{
    return (uint64_t) load_is_complete(&scaler->load, clock_now_ms());
}


static uint64_t
failures_of(struct scaler *scaler)
{
    return scaler->autoscale.failures;
}


static uint64_t
functions_of(struct scaler *scaler)
{
    uint64_t  n;

    n = 0;
    scaler->provider->ops->walk(scaler->provider, 0, count_function, &n);

    return n;
}


static void
count_function(void *arg, const struct provider_function *function)
{
    (void) function;

    ++*(uint64_t *) arg;
}


static uint64_t
replicas_of(const struct provider_function *function)
{
    return function->spec->replicas;
}


static uint64_t
available_of(const struct provider_function *function)
{
    return function->available;
}


static uint64_t
min_of(const struct provider_function *function)
{
    return function->spec->scale.policy.min;
}


static uint64_t
max_of(const struct provider_function *function)
{
    return function->spec->scale.policy.max;
}


static uint64_t
has_error(const struct provider_function *function)
{
    return function->error != NULL;
}

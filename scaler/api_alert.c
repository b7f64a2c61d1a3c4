/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * POST /system/alert: what AlertManager sends where a function has many calls.
 * Each alert that fires scales its function up by a step, a part of its
 * largest number of replicas; one that is resolved takes it to its smallest.
 *
 * Each alert is a call of its own to the provider, and the answer comes when
 * all have been made.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/faas_buf.h"
#include "lib/faas_log.h"

#include "api_call.h"
#include "api_functions.h"
#include "body.h"


#define ALERTS_MAX      256             /* of one request */
#define PERCENT         100
#define FAILURES_MAX    16384           /* bytes of an answer */
#define BAD_ALERT       "Unable to parse alert, bad format. "


/* a request, until its last alert is done */
struct batch {
    struct call      *call;
    size_t            n_left;
    struct faas_buf   failures;
};

struct alert {
    struct batch     *batch;
    size_t            number;
    int               is_firing;
    int               is_known;
    char              key[FAAS_KEY_MAX + 1];
    uint64_t          replicas;         /* wanted */
    uint64_t          current;
};


static json_t *read_body(struct evhttp_request *req);
static int check(const json_t *body, struct faas_err *err);
static struct alert *make_alert(struct batch *batch, size_t number,
    const json_t *value);
static void on_function(void *arg, const struct provider_function *function);
static uint64_t step_of(const struct spec *spec);
static void on_looked(void *arg, const struct faas_err *err);
static void on_scaled(void *arg, const struct faas_err *err);
static void fail(struct batch *batch, size_t number, const char *why);
static void alert_done(struct alert *alert);
static void batch_done(struct batch *batch);


void
api_alert(struct scaler *scaler, struct evhttp_request *req, const char *name)
{
    size_t            i, n;
    json_t           *body, *alerts;
    struct alert     *alert;
    struct batch     *batch;
    struct faas_err   err;

    (void) name;

    body = read_body(req);

    if (body == NULL) {
        return;
    }

    batch = check(body, &err) == 0 ? calloc(1, sizeof(*batch)) : NULL;

    if (batch != NULL) {
        batch->call = call_new(scaler, req, 200);
    }

    if (batch == NULL || batch->call == NULL) {
        if (batch == NULL) {
            call_answer_error(req, err.code, err.text);
        }

        free(batch);
        json_decref(body);
        return;
    }

    faas_buf_init(&batch->failures, FAILURES_MAX);
    alerts = json_object_get(body, "alerts");
    n = json_array_size(alerts);

    /* one more than have begun: none of them ends the batch */

    batch->n_left = 1;

    for (i = 0; i < n; i++) {
        alert = make_alert(batch, i, json_array_get(alerts, i));

        if (alert != NULL) {
            batch->n_left++;
            scaler->provider->ops->get(scaler->provider, alert->key, 0,
                                       on_function, on_looked, alert);
        }
    }

    json_decref(body);
    batch_done(batch);
}


/*
 * As call_read_body(), with the words that senders of alerts know.
 */
static json_t *
read_body(struct evhttp_request *req)
{
    char              text[FAAS_ERR_TEXT_MAX + sizeof(BAD_ALERT)];
    size_t            len;
    json_t           *body;
    const char       *s;
    struct faas_err   err;

    s = call_body(req, &len);
    body = body_read(s, len, "{\"alerts\": [...]}", &err);

    if (body == NULL) {
        (void) snprintf(text, sizeof(text), BAD_ALERT "%s", err.text);
        call_answer_error(req, err.code, text);
    }

    return body;
}


static int
check(const json_t *body, struct faas_err *err)
{
    size_t         i;
    const json_t  *alerts, *alert, *labels;

    err->code = 500;
    (void) snprintf(err->text, sizeof(err->text), "no memory");
    alerts = json_object_get(body, "alerts");

    if (!json_is_array(alerts) || json_array_size(alerts) > ALERTS_MAX) {
        return faas_err_set(err, 400, BAD_ALERT "\"alerts\" is not an array "
                            "of at most %d", ALERTS_MAX);
    }

    for (i = 0; i < json_array_size(alerts); i++) {
        alert = json_array_get(alerts, i);
        labels = json_object_get(alert, "labels");

        if (!json_is_string(json_object_get(alert, "status"))
            || !json_is_string(json_object_get(labels, "function_name")))
        {
            return faas_err_set(err, 400, BAD_ALERT "\"alerts\": number %zu "
                                "has no \"status\", or no \"function_name\" "
                                "in its \"labels\"", i);
        }
    }

    return 0;
}


static struct alert *
make_alert(struct batch *batch, size_t number, const json_t *value)
{
    const char        *name;
    struct alert      *alert;
    struct faas_name   parsed;

    name = json_string_value(json_object_get(json_object_get(value, "labels"),
                                             "function_name"));
    alert = calloc(1, sizeof(*alert));

    if (alert == NULL) {
        fail(batch, number, "no memory");
        return NULL;
    }

    /* what is no name is no function, which is no error */

    if (faas_name_parse(name, strlen(name), &parsed) != 0) {
        free(alert);
        return NULL;
    }

    (void) faas_name_key(&parsed, alert->key);
    alert->batch = batch;
    alert->number = number;
    alert->is_firing = strcmp(json_string_value(json_object_get(value,
                                                                "status")),
                              "firing") == 0;

    return alert;
}


static void
on_function(void *arg, const struct provider_function *function)
{
    uint64_t            step;
    struct alert       *alert;
    const struct spec  *spec;

    alert = arg;
    spec = function->spec;
    step = step_of(spec);

    alert->is_known = 1;
    alert->current = spec->replicas;
    alert->replicas = spec->scale.policy.min;

    if (alert->is_firing && step > 0) {
        alert->replicas = spec->replicas + step < spec->scale.policy.max
                          ? spec->replicas + step : spec->scale.policy.max;
    }
}


static uint64_t
step_of(const struct spec *spec)
{
    const struct scale_settings  *scale;

    scale = &spec->scale;

    return (scale->policy.max * scale->factor + PERCENT - 1) / PERCENT;
}


static void
on_looked(void *arg, const struct faas_err *err)
{
    struct alert     *alert;
    struct provider  *provider;

    alert = arg;
    provider = alert->batch->call->scaler->provider;

    /* a function that is not there is not scaled; nobody may know whether */

    if (err->code != 0 && err->code != 404) {
        fail(alert->batch, alert->number, err->text);
    }

    if (!alert->is_known || alert->replicas == alert->current) {
        alert_done(alert);
        return;
    }

    faas_log(FAAS_LOG_INFO, "scaling by an alert function=%s replicas=%"
             PRIu64 " to=%" PRIu64, alert->key, alert->current,
             alert->replicas);

    provider->ops->scale(provider, alert->key, alert->replicas, on_scaled,
                         alert);
}


static void
on_scaled(void *arg, const struct faas_err *err)
{
    struct alert  *alert;

    alert = arg;

    if (err->code != 0 && err->code != 404) {
        fail(alert->batch, alert->number, err->text);
    }

    alert_done(alert);
}


static void
fail(struct batch *batch, size_t number, const char *why)
{
    (void) faas_buf_printf(&batch->failures, "[%zu] %s\n", number, why);
}


static void
alert_done(struct alert *alert)
{
    struct batch  *batch;

    batch = alert->batch;
    free(alert);
    batch_done(batch);
}


/*
 * One of it is done.
 */
static void
batch_done(struct batch *batch)
{
    struct faas_err  err;

    batch->n_left--;

    if (batch->n_left != 0) {
        return;
    }

    err.code = 0;

    if (batch->failures.len != 0) {

        /* each has its line, the last newline is the answer's */

        batch->failures.data[batch->failures.len - 1] = '\0';
        batch->call->text = batch->failures.data;
        err.code = 500;
        (void) snprintf(err.text, sizeof(err.text), "%.250s",
                        batch->failures.data);
    }

    call_done(batch->call, &err);
    faas_buf_done(&batch->failures);
    free(batch);
}

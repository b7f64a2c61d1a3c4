/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Settings of asynchronous calls are read from annotations.
 */

#include "async.h"

#include <stdlib.h>
#include <string.h>

#include "lib/faas_cron.h"
#include "lib/faas_num.h"


#define BAD_REQUEST  400
#define TOPIC        "cron-function"


static int read_number(const json_t *annotations, const char *name,
    uint64_t max, uint32_t *value, struct faas_err *err);
static int read_duration(const json_t *annotations, const char *name,
    uint32_t *msec, struct faas_err *err);
static int read_codes(const json_t *annotations,
    struct faas_async_settings *settings, struct faas_err *err);
static int read_schedule(const json_t *annotations,
    struct faas_async_settings *settings, struct faas_err *err);
static int has_topic(const char *topics);


int
async_read(struct faas_async_settings **settings, const json_t *annotations,
    struct faas_err *err)
{
    char                        json[FAAS_ASYNC_SETTINGS_MAX];
    struct faas_async_settings  s;

    *settings = NULL;

    faas_async_settings_init(&s);

    if (read_number(annotations, "com.openfaas.retry.attempts",
                    FAAS_ASYNC_ATTEMPTS_MAX, &s.attempts, err) != 0
        || read_number(annotations, "com.openfaas.queue.max_inflight",
                       FAAS_INFLIGHT_MAX, &s.max_inflight, err) != 0
        || read_duration(annotations, "com.openfaas.retry.min_wait",
                         &s.min_wait_ms, err) != 0
        || read_duration(annotations, "com.openfaas.retry.max_wait",
                         &s.max_wait_ms, err) != 0
        || read_codes(annotations, &s, err) != 0
        || read_schedule(annotations, &s, err) != 0)
    {
        return -1;
    }

    if (faas_async_settings_encode(&s, json) == 0) {
        return 0;
    }

    *settings = malloc(sizeof(s));

    if (*settings == NULL) {
        return faas_err_set(err, 500, "no memory");
    }

    **settings = s;

    return 0;
}


static int
read_number(const json_t *annotations, const char *name, uint64_t max,
    uint32_t *value, struct faas_err *err)
{
    uint64_t     n;
    const char  *text;

    text = json_string_value(json_object_get(annotations, name));

    if (text == NULL) {
        return 0;
    }

    if (faas_parse_uint(text, strlen(text), 1, max, &n) != 0) {
        return faas_err_set(err, BAD_REQUEST, "annotation %s: \"%.40s\" is no "
                            "number from 1 to %llu", name, text,
                            (unsigned long long) max);
    }

    *value = (uint32_t) n;

    return 0;
}


static int
read_duration(const json_t *annotations, const char *name, uint32_t *msec,
    struct faas_err *err)
{
    uint64_t     n;
    const char  *text;

    text = json_string_value(json_object_get(annotations, name));

    if (text == NULL) {
        return 0;
    }

    if (faas_parse_duration(text, strlen(text), FAAS_MSEC_MAX, &n) != 0) {
        return faas_err_set(err, BAD_REQUEST, "annotation %s: \"%.40s\" is no "
                            "duration from 0s to 24h, as \"10s\"", name, text);
    }

    *msec = (uint32_t) n;

    return 0;
}


static int
read_codes(const json_t *annotations, struct faas_async_settings *settings,
    struct faas_err *err)
{
    size_t       len;
    uint64_t     code;
    const char  *p, *text;

    text = json_string_value(json_object_get(annotations,
                                             "com.openfaas.retry.codes"));

    if (text == NULL) {
        return 0;
    }

    settings->n_codes = 0;

    for (p = text; *p != '\0'; p += len + (p[len] == ',')) {
        len = strcspn(p, ",");

        if (settings->n_codes == FAAS_ASYNC_CODES_MAX
            || faas_parse_uint(p, len, 100, 599, &code) != 0)
        {
            return faas_err_set(err, BAD_REQUEST, "annotation "
                                "com.openfaas.retry.codes: \"%.40s\" is no "
                                "list of at most %d statuses, as \"429,503\"",
                                text, FAAS_ASYNC_CODES_MAX);
        }

        settings->codes[settings->n_codes++] = (uint16_t) code;
    }

    return 0;
}


static int
read_schedule(const json_t *annotations,
    struct faas_async_settings *settings, struct faas_err *err)
{
    const char        *topic, *schedule;
    struct faas_cron   cron;

    topic = json_string_value(json_object_get(annotations, "topic"));
    schedule = json_string_value(json_object_get(annotations, "schedule"));

    if (topic == NULL || schedule == NULL || !has_topic(topic)) {
        return 0;
    }

    if (strlen(schedule) > FAAS_ASYNC_SCHEDULE_MAX) {
        return faas_err_set(err, BAD_REQUEST, "annotation schedule is over %d "
                            "bytes", FAAS_ASYNC_SCHEDULE_MAX);
    }

    if (faas_cron_parse(schedule, &cron, err) != 0) {
        err->code = BAD_REQUEST;
        return faas_err_prefix(err, "annotation schedule");
    }

    (void) snprintf(settings->schedule, sizeof(settings->schedule), "%s",
                    schedule);

    return 0;
}


/*
 * Topics are a list with commas.
 */
static int
has_topic(const char *topics)
{
    size_t  len;

    for ( ;; ) {
        topics += strspn(topics, ", ");
        len = strcspn(topics, ", ");

        if (len == 0) {
            return 0;
        }

        if (len == strlen(TOPIC) && strncmp(topics, TOPIC, len) == 0) {
            return 1;
        }

        topics += len;
    }
}

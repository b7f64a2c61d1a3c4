/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Limits of a function that the gateway keeps.
 */

#include "limits.h"

#include <inttypes.h>
#include <string.h>

#include "lib/faas_num.h"
#include "lib/faas_proto.h"


#define BAD_REQUEST  400


static int read_number(const json_t *map, const char *what,
    const char *name, uint64_t max, uint32_t *value, struct faas_err *err);
static int read_duration(const json_t *map, const char *what,
    const char *name, uint32_t *msec, struct faas_err *err);
static int read_visibility(const json_t *labels, uint32_t *is_private,
    struct faas_err *err);
static const char *text_of(const json_t *map, const char *name);


int
limits_read(struct limits *limits, const json_t *env,
    const json_t *labels, struct faas_err *err)
{
    limits->max_inflight = 0;
    limits->queue = FAAS_UNSET;
    limits->park_ms = FAAS_UNSET;
    limits->timeout_ms = 0;
    limits->is_private = 0;

    if (read_number(env, "envVars", LIMITS_ENV_INFLIGHT,
                    FAAS_INFLIGHT_MAX, &limits->max_inflight, err)
        != 0
        || read_duration(env, "envVars", LIMITS_ENV_TIMEOUT,
                         &limits->timeout_ms, err)
           != 0
        || read_number(labels, "labels", LIMITS_LABEL_QUEUE,
                       FAAS_QUEUE_MAX, &limits->queue, err)
           != 0
        || read_duration(labels, "labels", LIMITS_LABEL_PARK,
                         &limits->park_ms, err)
           != 0)
    {
        return -1;
    }

    return read_visibility(labels, &limits->is_private, err);
}


static int
read_number(const json_t *map, const char *what, const char *name,
    uint64_t max, uint32_t *value, struct faas_err *err)
{
    uint64_t     n;
    const char  *s;

    s = text_of(map, name);

    if (s == NULL) {
        return 0;
    }

    if (faas_parse_uint(s, strlen(s), 0, max, &n) != 0) {
        return faas_err_set(err, BAD_REQUEST, "\"%s\": %s is \"%.80s\", "
                            "expected a number from 0 to %" PRIu64, what, name,
                            s, max);
    }

    *value = (uint32_t) n;

    return 0;
}


static int
read_duration(const json_t *map, const char *what, const char *name,
    uint32_t *msec, struct faas_err *err)
{
    uint64_t     n;
    const char  *s;

    s = text_of(map, name);

    if (s == NULL) {
        return 0;
    }

    if (faas_parse_duration(s, strlen(s), FAAS_MSEC_MAX, &n) != 0) {
        return faas_err_set(err, BAD_REQUEST, "\"%s\": %s is \"%.80s\", "
                            "expected a duration such as \"90\" or \"1m30s\", "
                            "at most 24h", what, name, s);
    }

    *msec = (uint32_t) n;

    return 0;
}


static int
read_visibility(const json_t *labels, uint32_t *is_private,
    struct faas_err *err)
{
    const char  *s;

    s = text_of(labels, LIMITS_LABEL_VISIBILITY);

    if (s == NULL || strcmp(s, "public") == 0) {
        return 0;
    }

    if (strcmp(s, "private") != 0) {
        return faas_err_set(err, BAD_REQUEST, "\"labels\": "
                            LIMITS_LABEL_VISIBILITY " is \"%.80s\", expected "
                            "\"public\" or \"private\"", s);
    }

    *is_private = 1;

    return 0;
}


static const char *
text_of(const json_t *map, const char *name)
{
    return json_string_value(json_object_get(map, name));
}

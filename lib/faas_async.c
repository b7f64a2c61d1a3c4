/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Ids and settings of asynchronous calls.  Settings are, with what is not set
 * left out:
 *
 *   {"attempts":10,"codes":[429,503],"min_wait_ms":10000,
 *    "max_wait_ms":120000,"max_inflight":4,"schedule":"0 * * * *"}
 */

#include "faas_async.h"

#include <jansson.h>
#include <string.h>


static int add_number(json_t *root, const char *name, uint32_t value);
static int add_codes(json_t *root, const struct faas_async_settings *s);
static int parse_number(const json_t *root, const char *name, uint32_t min,
    uint32_t max, uint32_t *value, struct faas_err *err);
static int parse_codes(const json_t *root, struct faas_async_settings *s,
    struct faas_err *err);
static int parse_schedule(const json_t *root, struct faas_async_settings *s,
    struct faas_err *err);


int
faas_async_id_is_valid(const char *s, size_t len)
{
    size_t  i;

    if (len == 0 || len > FAAS_ASYNC_ID_MAX) {
        return 0;
    }

    for (i = 0; i < len; i++) {
        if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z')
              || (s[i] >= '0' && s[i] <= '9') || s[i] == '-' || s[i] == '_'
              || s[i] == '.'))
        {
            return 0;
        }
    }

    return 1;
}


void
faas_async_settings_init(struct faas_async_settings *settings)
{
    settings->attempts = FAAS_UNSET;
    settings->min_wait_ms = FAAS_UNSET;
    settings->max_wait_ms = FAAS_UNSET;
    settings->max_inflight = FAAS_UNSET;
    settings->n_codes = FAAS_UNSET;
    settings->schedule[0] = '\0';
}


size_t
faas_async_settings_encode(const struct faas_async_settings *settings,
    char *dst)
{
    int      bad;
    size_t   len;
    json_t  *root;

    root = json_object();

    bad = add_number(root, "attempts", settings->attempts) != 0
          || add_codes(root, settings) != 0
          || add_number(root, "min_wait_ms", settings->min_wait_ms) != 0
          || add_number(root, "max_wait_ms", settings->max_wait_ms) != 0
          || add_number(root, "max_inflight", settings->max_inflight) != 0
          || (settings->schedule[0] != '\0'
              && json_object_set_new(root, "schedule",
                                     json_string(settings->schedule)) != 0);

    len = 0;

    if (!bad && json_object_size(root) != 0) {
        len = json_dumpb(root, dst, FAAS_ASYNC_SETTINGS_MAX - 1, JSON_COMPACT);

        if (len >= FAAS_ASYNC_SETTINGS_MAX) {
            len = 0;
        }
    }

    json_decref(root);
    dst[len] = '\0';

    return len;
}


int
faas_async_settings_parse(const char *s, size_t len,
    struct faas_async_settings *settings, struct faas_err *err)
{
    int           rc;
    json_t       *root;
    json_error_t  error;

    faas_async_settings_init(settings);

    if (len == 0) {
        return 0;
    }

    if (len >= FAAS_ASYNC_SETTINGS_MAX) {
        return faas_err_set(err, 0, "settings are over %d bytes",
                            FAAS_ASYNC_SETTINGS_MAX - 1);
    }

    root = json_loadb(s, len, JSON_REJECT_DUPLICATES, &error);

    if (!json_is_object(root)) {
        json_decref(root);
        return faas_err_set(err, 0, "settings are no JSON object");
    }

    rc = parse_number(root, "attempts", 1, FAAS_ASYNC_ATTEMPTS_MAX,
                      &settings->attempts, err) != 0
         || parse_number(root, "min_wait_ms", 0, FAAS_MSEC_MAX,
                         &settings->min_wait_ms, err) != 0
         || parse_number(root, "max_wait_ms", 0, FAAS_MSEC_MAX,
                         &settings->max_wait_ms, err) != 0
         || parse_number(root, "max_inflight", 1, FAAS_INFLIGHT_MAX,
                         &settings->max_inflight, err) != 0
         || parse_codes(root, settings, err) != 0
         || parse_schedule(root, settings, err) != 0 ? -1 : 0;

    json_decref(root);

    return rc;
}


static int
add_number(json_t *root, const char *name, uint32_t value)
{
    return value == FAAS_UNSET ? 0
           : json_object_set_new(root, name, json_integer(value));
}


static int
add_codes(json_t *root, const struct faas_async_settings *s)
{
    json_t    *list;
    uint32_t   i;

    if (s->n_codes == FAAS_UNSET) {
        return 0;
    }

    list = json_array();

    for (i = 0; i < s->n_codes; i++) {
        if (json_array_append_new(list, json_integer(s->codes[i])) != 0) {
            json_decref(list);
            return -1;
        }
    }

    return json_object_set_new(root, "codes", list);
}


static int
parse_number(const json_t *root, const char *name, uint32_t min, uint32_t max,
    uint32_t *value, struct faas_err *err)
{
    json_int_t     n;
    const json_t  *item;

    item = json_object_get(root, name);

    if (item == NULL) {
        return 0;
    }

    n = json_integer_value(item);

    if (!json_is_integer(item) || n < (json_int_t) min
        || n > (json_int_t) max)
    {
        return faas_err_set(err, 0, "%s is no number from %u to %u", name,
                            min, max);
    }

    *value = (uint32_t) n;

    return 0;
}


static int
parse_codes(const json_t *root, struct faas_async_settings *s,
    struct faas_err *err)
{
    size_t         i, n;
    json_int_t     code;
    const json_t  *list;

    list = json_object_get(root, "codes");

    if (list == NULL) {
        return 0;
    }

    n = json_array_size(list);

    if (!json_is_array(list) || n > FAAS_ASYNC_CODES_MAX) {
        return faas_err_set(err, 0, "codes is no list of at most %d statuses",
                            FAAS_ASYNC_CODES_MAX);
    }

    for (i = 0; i < n; i++) {
        code = json_integer_value(json_array_get(list, i));

        if (code < 100 || code > 599) {
            return faas_err_set(err, 0, "codes has one that is no status");
        }

        s->codes[i] = (uint16_t) code;
    }

    s->n_codes = (uint32_t) n;

    return 0;
}


static int
parse_schedule(const json_t *root, struct faas_async_settings *s,
    struct faas_err *err)
{
    size_t         len;
    const json_t  *item;

    item = json_object_get(root, "schedule");

    if (item == NULL) {
        return 0;
    }

    len = json_string_length(item);

    if (!json_is_string(item) || len > FAAS_ASYNC_SCHEDULE_MAX
        || strlen(json_string_value(item)) != len)
    {
        return faas_err_set(err, 0, "schedule is no text of at most %d bytes",
                            FAAS_ASYNC_SCHEDULE_MAX);
    }

    memcpy(s->schedule, json_string_value(item), len + 1);

    return 0;
}

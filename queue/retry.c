/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Which answers are tried again, and when.
 */

#include "retry.h"

#include <curl/curl.h>
#include <string.h>

#include "lib/faas_num.h"


#define AFTER_MAX  FAAS_MSEC_MAX    /* msec that Retry-After may say */


int
retry_parse_jitter(const char *s, enum retry_jitter *jitter)
{
    size_t  i;

    static const char *const  names[] = { "exponential", "full", "equal" };

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {

        if (strcmp(s, names[i]) == 0) {
            *jitter = (enum retry_jitter) i;
            return 0;
        }
    }

    return -1;
}


int
retry_parse_codes(const char *s, struct retry_policy *policy,
    struct faas_err *err)
{
    size_t    len;
    uint64_t  code;

    policy->n_codes = 0;

    while (*s != '\0') {
        len = strcspn(s, ",");

        if (faas_parse_uint(s, len, 100, 599, &code) != 0
            || policy->n_codes == FAAS_ASYNC_CODES_MAX)
        {
            return faas_err_set(err, 0, "\"%.80s\" is no list of at most %d "
                                "statuses with commas between", s,
                                FAAS_ASYNC_CODES_MAX);
        }

        policy->codes[policy->n_codes++] = (uint16_t) code;
        s += len;
        s += *s == ',';
    }

    return 0;
}


void
retry_override(struct retry_policy *policy,
    const struct faas_async_settings *settings)
{
    if (settings->attempts != FAAS_UNSET) {
        policy->attempts = settings->attempts;
    }

    if (settings->min_wait_ms != FAAS_UNSET) {
        policy->min_wait_ms = settings->min_wait_ms;
    }

    if (settings->max_wait_ms != FAAS_UNSET) {
        policy->max_wait_ms = settings->max_wait_ms;
    }

    if (settings->n_codes != FAAS_UNSET) {
        policy->n_codes = settings->n_codes;
        memcpy(policy->codes, settings->codes, sizeof(policy->codes));
    }

    /* the longest wait is the stronger bound */

    if (policy->min_wait_ms > policy->max_wait_ms) {
        policy->min_wait_ms = policy->max_wait_ms;
    }
}


int
retry_is_wanted(const struct retry_policy *policy, unsigned status,
    int is_internal)
{
    uint32_t  i;

    for (i = 0; i < policy->n_codes; i++) {
        if (policy->codes[i] == status) {
            return 1;
        }
    }

    return is_internal && (status >= 500 || status == 404 || status == 408
                           || status == 429);
}


uint64_t
retry_wait_ms(const struct retry_policy *policy, uint64_t attempt,
    uint64_t after_ms, uint64_t random)
{
    uint64_t  i, wait;

    if (after_ms != 0) {
        return after_ms < policy->min_wait_ms ? policy->min_wait_ms
               : after_ms > policy->max_wait_ms ? policy->max_wait_ms
               : after_ms;
    }

    wait = policy->min_wait_ms;

    for (i = 1; i < attempt && wait < policy->max_wait_ms; i++) {
        wait = wait != 0 ? wait * 2 : 1;
    }

    if (wait > policy->max_wait_ms) {
        wait = policy->max_wait_ms;
    }

    switch (policy->jitter) {

    case RETRY_EXPONENTIAL:
        break;

    case RETRY_FULL:
        wait = random % (wait + 1);
        break;

    case RETRY_EQUAL:
        wait = wait - random % (wait / 2 + 1);
        break;
    }

    return wait;
}


uint64_t
retry_parse_after(const char *s, time_t now)
{
    time_t    when;
    uint64_t  seconds;

    if (s[0] >= '0' && s[0] <= '9') {
        return faas_parse_uint(s, strlen(s), 0, UINT64_MAX, &seconds) != 0 ? 0
               : seconds > AFTER_MAX / 1000 ? AFTER_MAX : seconds * 1000;
    }

    when = s[0] != '\0' ? curl_getdate(s, NULL) : -1;

    if (when == -1 || when <= now) {
        return 0;
    }

    return when - now > AFTER_MAX / 1000
           ? AFTER_MAX : (uint64_t) (when - now) * 1000;
}

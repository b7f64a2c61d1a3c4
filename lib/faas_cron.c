/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Schedules as in a crontab.
 */

#include "faas_cron.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "faas_num.h"


#define MINUTE    60
#define GAP_MAX   180           /* minutes that clocks are put back or forth */
#define NAME_LEN  3


enum field {
    FIELD_MINUTE,
    FIELD_HOUR,
    FIELD_DAY,
    FIELD_MONTH,
    FIELD_WEEKDAY,
    N_FIELDS
};

struct field_kind {
    const char  *label;
    unsigned     min;
    unsigned     max;
    const char  *names;         /* of min and those that follow, or NULL */
};


static const char *expand(const char *s);
static int parse_field(const char *s, size_t len,
    const struct field_kind *kind, uint64_t *bits);
static int parse_item(const char *s, size_t len,
    const struct field_kind *kind, uint64_t *bits);
static int parse_value(const char *s, size_t len,
    const struct field_kind *kind, unsigned *value);
static int fits(const struct faas_cron *cron, const struct tm *tm);
static int minute_of_day(const struct tm *tm);
static int comes_again(const struct tm *tm, time_t when);
static int was_left_out(const struct faas_cron *cron, const struct tm *tm,
    time_t when);


static const struct field_kind  kinds[N_FIELDS] = {
    { "minute", 0, 59, NULL },
    { "hour", 0, 23, NULL },
    { "day of the month", 1, 31, NULL },
    { "month", 1, 12, "janfebmaraprmayjunjulaugsepoctnovdec" },
    { "day of the week", 0, 7, "sunmontuewedthufrisat" },
};

static const char *const  shorthands[][2] = {
    { "@hourly", "0 * * * *" },
    { "@daily", "0 0 * * *" },
    { "@midnight", "0 0 * * *" },
    { "@weekly", "0 0 * * 0" },
    { "@monthly", "0 0 1 * *" },
    { "@yearly", "0 0 1 1 *" },
    { "@annually", "0 0 1 1 *" },
};


int
faas_cron_parse(const char *s, struct faas_cron *cron, struct faas_err *err)
{
    size_t    i, len;
    uint64_t  bits[N_FIELDS];
    int       is_each[N_FIELDS];

    s = expand(s);

    for (i = 0; i < N_FIELDS; i++) {
        s += strspn(s, " \t");
        len = strcspn(s, " \t");

        if (len == 0) {
            return faas_err_set(err, 0, "the schedule has %zu fields, expected"
                                " minute, hour, day of the month, month and "
                                "day of the week", i);
        }

        if (parse_field(s, len, &kinds[i], &bits[i]) != 0) {
            return faas_err_set(err, 0, "\"%.*s\" is no %s of a schedule, "
                                "expected *, numbers from %u to %u, ranges, "
                                "steps or lists of them",
                                len < 40 ? (int) len : 40, s, kinds[i].label,
                                kinds[i].min, kinds[i].max);
        }

        is_each[i] = s[0] == '*';
        s += len;
    }

    if (s[strspn(s, " \t")] != '\0') {
        return faas_err_set(err, 0, "the schedule has more than five fields");
    }

    cron->minutes = bits[FIELD_MINUTE];
    cron->hours = (uint32_t) bits[FIELD_HOUR];
    cron->days = (uint32_t) bits[FIELD_DAY];
    cron->months = (uint32_t) bits[FIELD_MONTH];

    /* 7 is Sunday as well */

    cron->weekdays = (uint32_t) ((bits[FIELD_WEEKDAY]
                                  | bits[FIELD_WEEKDAY] >> 7) & 0x7f);

    cron->is_each_hour = is_each[FIELD_HOUR];
    cron->is_each_day = is_each[FIELD_DAY];
    cron->is_each_weekday = is_each[FIELD_WEEKDAY];

    return 0;
}


int
faas_cron_is_due(const struct faas_cron *cron, time_t when)
{
    struct tm  tm;

    when -= when % MINUTE;

    if (localtime_r(&when, &tm) == NULL) {
        return 0;
    }

    if (fits(cron, &tm)
        && (cron->is_each_hour || !comes_again(&tm, when)))
    {
        return 1;
    }

    return !cron->is_each_hour && was_left_out(cron, &tm, when);
}


static const char *
expand(const char *s)
{
    size_t  i;

    s += strspn(s, " \t");

    for (i = 0; i < sizeof(shorthands) / sizeof(shorthands[0]); i++) {
        if (strcmp(s, shorthands[i][0]) == 0) {
            return shorthands[i][1];
        }
    }

    return s;
}


static int
parse_field(const char *s, size_t len, const struct field_kind *kind,
    uint64_t *bits)
{
    size_t       n;
    const char  *end, *comma;

    *bits = 0;
    end = s + len;

    for ( ;; ) {
        comma = memchr(s, ',', (size_t) (end - s));
        n = (size_t) ((comma != NULL ? comma : end) - s);

        if (parse_item(s, n, kind, bits) != 0) {
            return -1;
        }

        if (comma == NULL) {
            return 0;
        }

        s = comma + 1;
    }
}


/*
 * "*", "5", "1-5", each with or without "/STEP"; "5/10" is from 5 on.
 */
static int
parse_item(const char *s, size_t len, const struct field_kind *kind,
    uint64_t *bits)
{
    size_t       range;
    uint64_t     step;
    unsigned     from, to;
    const char  *slash, *dash;

    step = 1;
    slash = memchr(s, '/', len);
    range = slash != NULL ? (size_t) (slash - s) : len;
    dash = memchr(s, '-', range);

    if (slash != NULL
        && faas_parse_uint(slash + 1, len - range - 1, 1, kind->max + 1, &step)
           != 0)
    {
        return -1;
    }

    if (range == 1 && s[0] == '*') {
        from = kind->min;
        /* 7 is there for those who write it */
        to = kind->max == 7 ? 6 : kind->max;

    } else if (dash != NULL) {

        if (parse_value(s, (size_t) (dash - s), kind, &from) != 0
            || parse_value(dash + 1, range - (size_t) (dash - s) - 1, kind,
                           &to) != 0
            || from > to)
        {
            return -1;
        }

    } else {

        if (parse_value(s, range, kind, &from) != 0) {
            return -1;
        }

        to = slash != NULL ? kind->max : from;
    }

    for ( ; from <= to; from += (unsigned) step) {
        *bits |= 1ULL << from;
    }

    return 0;
}


static int
parse_value(const char *s, size_t len, const struct field_kind *kind,
    unsigned *value)
{
    size_t    i;
    uint64_t  number;

    if (faas_parse_uint(s, len, kind->min, kind->max, &number) == 0) {
        *value = (unsigned) number;
        return 0;
    }

    if (len != NAME_LEN || kind->names == NULL) {
        return -1;
    }

    for (i = 0; kind->names[i] != '\0'; i += NAME_LEN) {

        if (strncasecmp(s, kind->names + i, NAME_LEN) == 0) {
            *value = kind->min + (unsigned) (i / NAME_LEN);
            return 0;
        }
    }

    return -1;
}


static int
fits(const struct faas_cron *cron, const struct tm *tm)
{
    int  is_day, is_weekday;

    if ((cron->minutes >> tm->tm_min & 1) == 0
        || (cron->hours >> tm->tm_hour & 1) == 0
        || (cron->months >> (tm->tm_mon + 1) & 1) == 0)
    {
        return 0;
    }

    is_day = cron->days >> tm->tm_mday & 1;
    is_weekday = cron->weekdays >> tm->tm_wday & 1;

    return cron->is_each_day || cron->is_each_weekday
           ? is_day && is_weekday : is_day || is_weekday;
}


static int
minute_of_day(const struct tm *tm)
{
    return tm->tm_hour * 60 + tm->tm_min;
}


/*
 * The same minute of the same day was there before.
 */
static int
comes_again(const struct tm *tm, time_t when)
{
    time_t     then;
    struct tm  before;

    /*
     * Clocks are put back by an hour, or by half of one.  tm_isdst does not
     * tell when: in Dublin it is 1 in winter.
     */

    for (then = when - 30 * MINUTE; then >= when - 120 * MINUTE;
         then -= 30 * MINUTE)
    {
        if (localtime_r(&then, &before) != NULL
            && before.tm_mday == tm->tm_mday
            && minute_of_day(&before) == minute_of_day(tm))
        {
            return 1;
        }
    }

    return 0;
}


/*
 * Between the minute before and this one others were left out, and one of
 * them fits.
 */
static int
was_left_out(const struct faas_cron *cron, const struct tm *tm, time_t when)
{
    int        i, gap;
    time_t     then;
    struct tm  before;

    then = when - MINUTE;

    if (localtime_r(&then, &before) == NULL) {
        return 0;
    }

    gap = (minute_of_day(tm) - minute_of_day(&before) + 1440) % 1440 - 1;

    if (gap > GAP_MAX) {
        return 0;
    }

    for (i = 0; i < gap; i++) {
        before.tm_min++;

        if (before.tm_min == 60) {
            before.tm_min = 0;
            before.tm_hour++;
        }

        /* a gap that begins at midnight belongs to the day behind it */

        if (before.tm_hour == 24) {
            before.tm_hour = 0;
            before.tm_mday = tm->tm_mday;
            before.tm_mon = tm->tm_mon;
            before.tm_wday = tm->tm_wday;
        }

        if (fits(cron, &before)) {
            return 1;
        }
    }

    return 0;
}

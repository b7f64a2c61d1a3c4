/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Numbers and durations from text that somebody else wrote.
 */

#include "faas_num.h"

#include <stdio.h>
#include <string.h>


struct unit {
    const char  *name;
    uint64_t     nsec;
};


static const char *parse_part(const char *s, const char *end,
    uint64_t *nsec);
static uint64_t unit_nsec(const char *s, size_t len);


static const struct unit  units[] = {
    { "h", 3600000000000ULL },
    { "m", 60000000000ULL },
    { "s", 1000000000ULL },
    { "ms", 1000000ULL },
    { "us", 1000ULL },
    { "ns", 1ULL },
};


int
faas_parse_uint(const char *s, size_t len, uint64_t min, uint64_t max,
    uint64_t *value)
{
    size_t    i;
    uint64_t  digit, v;

    if (len == 0) {
        return -1;
    }

    v = 0;

    for (i = 0; i < len; i++) {
        if (s[i] < '0' || s[i] > '9') {
            return -1;
        }

        digit = (uint64_t) (s[i] - '0');

        if (v > (UINT64_MAX - digit) / 10) {
            return -1;
        }

        v = v * 10 + digit;
    }

    if (v < min || v > max) {
        return -1;
    }

    *value = v;

    return 0;
}


int
faas_parse_decimal(const char *s, size_t len, double *value)
{
    double       scale;
    size_t       whole;
    uint64_t     v, fraction;
    const char  *point;

    if (len > 16) {
        return -1;
    }

    point = memchr(s, '.', len);
    whole = point != NULL ? (size_t) (point - s) : len;

    if (faas_parse_uint(s, whole, 0, UINT64_MAX, &v) != 0) {
        return -1;
    }

    fraction = 0;
    scale = 1;

    if (point != NULL) {
        if (faas_parse_uint(point + 1, len - whole - 1, 0, UINT64_MAX,
                            &fraction)
            != 0)
        {
            return -1;
        }

        for (whole++; whole < len; whole++) {
            scale *= 10;
        }
    }

    *value = (double) v + (double) fraction / scale;

    return 0;
}


int
faas_parse_duration(const char *s, size_t len, uint64_t max, uint64_t *msec)
{
    uint64_t     part, total, v;
    const char  *end;

    if (max > UINT64_MAX / 1000000) {
        max = UINT64_MAX / 1000000;
    }

    if (faas_parse_uint(s, len, 0, max / 1000, &v) == 0) {
        *msec = v * 1000;
        return 0;
    }

    if (len == 0) {
        return -1;
    }

    total = 0;
    end = s + len;

    while (s < end) {
        s = parse_part(s, end, &part);

        if (s == NULL || part > UINT64_MAX - total) {
            return -1;
        }

        total += part;
    }

    if (total / 1000000 > max) {
        return -1;
    }

    *msec = total / 1000000;

    return 0;
}


int
faas_parse_bool(const char *s)
{
    return s != NULL && (strcmp(s, "true") == 0 || strcmp(s, "1") == 0);
}


/*
 * One "NUMBER[.FRACTION]UNIT"; returns what follows it, or NULL.
 */
static const char *
parse_part(const char *s, const char *end, uint64_t *nsec)
{
    uint64_t     whole, fraction, scale, unit;
    const char  *start;

    start = s;

    while (s < end && *s >= '0' && *s <= '9') {
        s++;
    }

    if (faas_parse_uint(start, (size_t) (s - start), 0, UINT64_MAX, &whole)
        != 0)
    {
        return NULL;
    }

    fraction = 0;
    scale = 1;

    if (s < end && *s == '.') {
        for (s++; s < end && *s >= '0' && *s <= '9'; s++) {
            if (scale < 1000000000) {
                fraction = fraction * 10 + (uint64_t) (*s - '0');
                scale *= 10;
            }
        }
    }

    start = s;

    while (s < end && *s >= 'a' && *s <= 'z') {
        s++;
    }

    unit = unit_nsec(start, (size_t) (s - start));

    if (unit == 0 || whole > UINT64_MAX / unit) {
        return NULL;
    }

    /* fraction < scale <= 10^9, and a unit over 10^9 is a multiple of it */

    if (unit >= 1000000000) {
        fraction = fraction * (1000000000 / scale) * (unit / 1000000000);

    } else {
        fraction = fraction * unit / scale;
    }

    if (fraction > UINT64_MAX - whole * unit) {
        return NULL;
    }

    *nsec = whole * unit + fraction;

    return s;
}


static uint64_t
unit_nsec(const char *s, size_t len)
{
    size_t  i;

    for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strlen(units[i].name) == len
            && memcmp(units[i].name, s, len) == 0)
        {
            return units[i].nsec;
        }
    }

    return 0;
}


void
faas_duration_text(uint64_t msec, char dst[FAAS_DURATION_TEXT])
{
    size_t  len;

    (void) snprintf(dst, FAAS_DURATION_TEXT, "%llu.%03llu",
                    (unsigned long long) (msec / 1000),
                    (unsigned long long) (msec % 1000));

    len = strlen(dst);

    while (dst[len - 1] == '0') {
        len--;
    }

    len -= dst[len - 1] == '.';
    memcpy(dst + len, "s", 2);
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Lines of Prometheus' text exposition format.
 */

#include "faas_expo.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>


struct cursor {
    char    *pos;
    char    *end;
    int      is_full;
};


static void put(struct cursor *c, const char *s, size_t len);
static void put_escaped(struct cursor *c, const char *s, size_t len);
static size_t put_sample(char *dst, size_t size,
    const struct faas_sample *sample, const char *value);


size_t
faas_expo_family(char *dst, size_t size, const char *name, const char *help,
    const char *type)
{
    int  len;

    len = snprintf(dst, size, "# HELP %s %s\n# TYPE %s %s\n", name, help,
                   name, type);

    return len < 0 || (size_t) len >= size ? 0 : (size_t) len;
}


size_t
faas_expo_uint(char *dst, size_t size, const struct faas_sample *sample,
    uint64_t value)
{
    char  text[32];

    (void) snprintf(text, sizeof(text), "%" PRIu64, value);

    return put_sample(dst, size, sample, text);
}


size_t
faas_expo_seconds(char *dst, size_t size, const struct faas_sample *sample,
    uint64_t usec)
{
    char  text[32];

    (void) snprintf(text, sizeof(text), "%" PRIu64 ".%06" PRIu64,
                    usec / 1000000, usec % 1000000);

    return put_sample(dst, size, sample, text);
}


static void
put(struct cursor *c, const char *s, size_t len)
{
    if (c->is_full || len > (size_t) (c->end - c->pos)) {
        c->is_full = 1;
        return;
    }

    memcpy(c->pos, s, len);
    c->pos += len;
}


static void
put_escaped(struct cursor *c, const char *s, size_t len)
{
    size_t  i;

    for (i = 0; i < len; i++) {
        switch (s[i]) {

        case '\\':
            put(c, "\\\\", 2);
            break;

        case '"':
            put(c, "\\\"", 2);
            break;

        case '\n':
            put(c, "\\n", 2);
            break;

        default:
            put(c, &s[i], 1);
            break;
        }
    }
}


static size_t
put_sample(char *dst, size_t size, const struct faas_sample *sample,
    const char *value)
{
    size_t                    i;
    struct cursor             c;
    const struct faas_label  *label;

    c.pos = dst;
    c.end = dst + size;
    c.is_full = 0;

    put(&c, sample->name, strlen(sample->name));
    put(&c, sample->suffix, strlen(sample->suffix));

    for (i = 0; i < sample->n; i++) {
        label = &sample->labels[i];

        put(&c, i == 0 ? "{" : ",", 1);
        put(&c, label->name, strlen(label->name));
        put(&c, "=\"", 2);
        put_escaped(&c, label->value, label->len);
        put(&c, "\"", 1);
    }

    if (sample->n != 0) {
        put(&c, "}", 1);
    }

    put(&c, " ", 1);
    put(&c, value, strlen(value));
    put(&c, "\n", 1);

    return c.is_full ? 0 : (size_t) (c.pos - dst);
}

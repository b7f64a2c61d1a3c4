/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Lines of Prometheus' text exposition format.
 */

#include "faas_expo.h"

#include <stdio.h>
#include <string.h>


#define NUMBER_MAX  32          /* bytes of a value, with the zero */


struct cursor {
    char    *pos;
    char    *end;
    int      is_full;
};


static char *digits(char *end, uint64_t value, int least);
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
    char  text[NUMBER_MAX];

    return put_sample(dst, size, sample,
                      digits(&text[NUMBER_MAX - 1], value, 1));
}


size_t
faas_expo_seconds(char *dst, size_t size, const struct faas_sample *sample,
    uint64_t usec)
{
    char  *value, *end, text[NUMBER_MAX];

    end = &text[NUMBER_MAX - 1];
    value = digits(end, usec, 7);

    /* a place for the point, before the last six of them */

    memmove(value - 1, value, (size_t) (end - 6 - value));
    end[-7] = '.';

    return put_sample(dst, size, sample, value - 1);
}


/*
 * The number's digits, at least so many, with their zero at end.  A page has
 * hundreds of thousands of them, for which printf is too slow.
 */
static char *
digits(char *end, uint64_t value, int least)
{
    char  *p;

    p = end;
    *p = '\0';

    while (value != 0 || least > 0) {
        *--p = (char) ('0' + value % 10);
        value /= 10;
        least--;
    }

    return p;
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
    size_t  i, plain;

    plain = 0;

    for (i = 0; i < len; i++) {

        if (s[i] != '\\' && s[i] != '"' && s[i] != '\n') {
            continue;
        }

        put(c, s + plain, i - plain);
        put(c, s[i] == '\\' ? "\\\\" : s[i] == '"' ? "\\\"" : "\\n", 2);
        plain = i + 1;
    }

    put(c, s + plain, len - plain);
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

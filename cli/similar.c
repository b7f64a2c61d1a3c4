/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What somebody may have meant.
 */

#include "similar.h"

#include <string.h>


static size_t distance(const char *a, size_t a_len, const char *b,
    size_t b_len);
static size_t least(size_t a, size_t b, size_t c);


void
similar_init(struct similar *s, const char *name, size_t len)
{
    s->name = name;
    s->len = len;
    s->best = NULL;
    s->distance = SIMILAR_MAX;
}


void
similar_try(struct similar *s, const char *candidate)
{
    size_t  d, len;

    len = strlen(candidate);

    if (len > SIMILAR_MAX || s->len > SIMILAR_MAX || len < 2) {
        return;
    }

    d = distance(s->name, s->len, candidate, len);

    if (d < s->distance && d <= (len + 2) / 3) {
        s->best = candidate;
        s->distance = d;
    }
}


/*
 * How many letters have to be put in, taken out or changed.
 */
static size_t
distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t  row[SIMILAR_MAX + 1];
    size_t  i, j, before, here;

    for (j = 0; j <= b_len; j++) {
        row[j] = j;
    }

    for (i = 1; i <= a_len; i++) {
        before = row[0];
        row[0] = i;

        for (j = 1; j <= b_len; j++) {
            here = row[j];
            row[j] = least(row[j] + 1, row[j - 1] + 1,
                           before + (a[i - 1] != b[j - 1]));
            before = here;
        }
    }

    return row[b_len];
}


static size_t
least(size_t a, size_t b, size_t c)
{
    size_t  least;

    least = a < b ? a : b;

    return least < c ? least : c;
}

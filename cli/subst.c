/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Environment variables in the text of a stack file.
 */

#include "subst.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "lib/faas_num.h"


/* where the reader is */
struct place {
    struct subst     *s;
    const char       *p;
    const char       *end;
    size_t            line;
    size_t            depth;
    struct faas_err  *err;
};


static int expand(struct place *at, int is_nested, struct faas_buf *out);
static int variable(struct place *at, struct faas_buf *out);
static int read_name(struct place *at, char *name);
static int operation(struct place *at, const char *value,
    struct faas_buf *out);
static int fallback(struct place *at, size_t skip, const char *value,
    struct faas_buf *out);
static int part(struct place *at, const char *value, struct faas_buf *out);
static void change_case(const char *op, size_t len, const char *value,
    struct faas_buf *out);
static int replace(struct place *at, const char *value, struct faas_buf *out);
static int trim(struct place *at, const char *value, struct faas_buf *out);
static char *argument(struct place *at, const char *stop);
static int close_brace(struct place *at);
static int fault(struct place *at, const char *text);


int
subst_expand(struct subst *s, const char *text, size_t len,
    struct faas_buf *out, struct faas_err *err)
{
    struct place  at = { s, text, text + len, 1, 0, err };

    if (expand(&at, 0, out) != 0) {
        return -1;
    }

    return out->is_failed ? faas_err_set(err, 0, "%.120s: over %zu bytes with "
                                         "its variables", s->file, out->max)
           : 0;
}


/*
 * Up to the end, or, within another variable, up to its closing brace.
 */
static int
expand(struct place *at, int is_nested, struct faas_buf *out)
{
    while (at->p < at->end && !(is_nested && *at->p == '}')) {

        if (*at->p == '\n') {
            at->line++;
        }

        if (at->p[0] != '$' || at->p + 1 == at->end) {
            (void) faas_buf_add(out, at->p++, 1);

        } else if (at->p[1] == '$') {
            (void) faas_buf_add(out, "$", 1);
            at->p += 2;

        } else if (at->p[1] == '{') {
            at->p += 2;

            if (variable(at, out) != 0) {
                return -1;
            }

        } else {
            (void) faas_buf_add(out, at->p++, 1);
        }
    }

    return 0;
}


static int
variable(struct place *at, struct faas_buf *out)
{
    int          is_length;
    char         name[SUBST_NAME_MAX + 1];
    const char  *value;

    is_length = at->p < at->end && *at->p == '#';
    at->p += is_length;

    if (read_name(at, name) != 0) {
        return -1;
    }

    value = at->s->get(name);

    if (is_length) {
        (void) faas_buf_printf(out, "%zu", value != NULL ? strlen(value) : 0);
        return close_brace(at);
    }

    if (at->p < at->end && *at->p == '}') {
        at->p++;

        if (value == NULL) {
            texts_add(at->s->pool, &at->s->unset,
                      pool_printf(at->s->pool, "%zu: %s", at->line, name));
            return 0;
        }

        (void) faas_buf_puts(out, value);
        return 0;
    }

    return operation(at, value != NULL ? value : "", out);
}


static int
read_name(struct place *at, char *name)
{
    size_t  len;

    for (len = 0; at->p + len < at->end
                  && (isalnum((unsigned char) at->p[len])
                      || at->p[len] == '_'); len++)
    {
        if (len == SUBST_NAME_MAX) {
            return fault(at, "a variable's name is too long");
        }
    }

    if (len == 0) {
        return fault(at, "${ without a variable's name; write $${ for the "
                     "text ${");
    }

    memcpy(name, at->p, len);
    name[len] = '\0';
    at->p += len;

    return 0;
}


static int
operation(struct place *at, const char *value, struct faas_buf *out)
{
    size_t  len;

    if (at->p == at->end || *at->p == '\n') {
        return fault(at, "${ has no closing brace");
    }

    switch (*at->p) {

    case '=':
        return fallback(at, 1, value, out);

    case ':':
        if (at->p + 1 < at->end && strchr("-=+?", at->p[1]) != NULL) {
            return fallback(at, 2, value, out);
        }

        return part(at, value, out);

    case '^':
    case ',':
        len = at->p + 1 < at->end && at->p[1] == at->p[0] ? 2 : 1;
        change_case(at->p, len, value, out);
        at->p += len;
        return close_brace(at);

    case '/':
        return replace(at, value, out);

    case '#':
    case '%':
        return trim(at, value, out);

    case '-':
        return fault(at, "\"-\" after a variable's name, use \":-\"");

    default:
        return fault(at, "a character after a variable's name that means "
                     "nothing there");
    }
}


static int
fallback(struct place *at, size_t skip, const char *value,
    struct faas_buf *out)
{
    int              rc;
    struct faas_buf  other;

    at->p += skip;

    if (++at->depth > SUBST_DEPTH_MAX) {
        return fault(at, "variables within variables, too deep");
    }

    faas_buf_init(&other, SUBST_VALUE_MAX);
    rc = expand(at, 1, &other);

    if (rc == 0) {
        (void) faas_buf_puts(out, value[0] != '\0' || other.data == NULL
                             ? value : other.data);
        out->is_failed |= other.is_failed;
        rc = close_brace(at);
    }

    faas_buf_done(&other);
    at->depth--;

    return rc;
}


/*
 * ":FROM" or ":FROM:LENGTH".
 */
static int
part(struct place *at, const char *value, struct faas_buf *out)
{
    char      *text, *colon;
    size_t     len, from_len;
    uint64_t   from, count;

    at->p++;
    text = argument(at, "}");
    colon = strchr(text, ':');
    from_len = colon != NULL ? (size_t) (colon - text) : strlen(text);
    len = strlen(value);
    count = len;

    if (faas_parse_uint(text, from_len, 0, SUBST_VALUE_MAX, &from) != 0
        || (colon != NULL && faas_parse_uint(colon + 1, strlen(colon + 1), 0,
                                             SUBST_VALUE_MAX, &count) != 0))
    {
        return fault(at, "expected ${NAME:FROM} or ${NAME:FROM:LENGTH}, both "
                     "numbers");
    }

    if (from < len) {
        len -= (size_t) from;
        (void) faas_buf_add(out, value + from, count < len ? (size_t) count
                            : len);
    }

    return close_brace(at);
}


static void
change_case(const char *op, size_t len, const char *value,
    struct faas_buf *out)
{
    char    c;
    size_t  i;

    for (i = 0; value[i] != '\0'; i++) {
        c = value[i];

        if (i == 0 || len == 2) {
            c = (char) (*op == '^' ? toupper((unsigned char) c)
                        : tolower((unsigned char) c));
        }

        (void) faas_buf_add(out, &c, 1);
    }
}


static int
replace(struct place *at, const char *value, struct faas_buf *out)
{
    char         kind, *from, *to;
    size_t       len, n;
    const char  *p;

    at->p++;
    kind = at->p < at->end && strchr("/#%", *at->p) != NULL ? *at->p++ : 0;
    from = argument(at, "/}");

    if (at->p < at->end && *at->p == '/') {
        at->p++;
        to = argument(at, "}");

    } else {
        to = pool_text(at->s->pool, "");
    }

    len = strlen(from);
    n = 0;

    for (p = value; *p != '\0'; /* void */ ) {

        if (len != 0 && strncmp(p, from, len) == 0
            && (kind == '/' || (kind == '#' && p == value)
                || (kind == '%' && p[len] == '\0') || (kind == 0 && n == 0)))
        {
            (void) faas_buf_puts(out, to);
            p += len;
            n++;

        } else {
            (void) faas_buf_add(out, p++, 1);
        }
    }

    return close_brace(at);
}


/*
 * The pattern, a wildcard, is taken off the front ('#') or the end ('%'): the
 * shortest piece that matches, or the longest where the sign is doubled.
 */
static int
trim(struct place *at, const char *value, struct faas_buf *out)
{
    int      is_long, is_match;
    char     sign, kept, *pattern, *text;
    size_t   len, i, cut;

    sign = *at->p++;
    is_long = at->p < at->end && *at->p == sign;
    at->p += is_long;
    pattern = argument(at, "}");
    len = strlen(value);
    text = pool_copy(at->s->pool, value, len);

    for (i = 0; i <= len; i++) {
        cut = is_long ? len - i : i;

        if (sign == '#') {
            kept = text[cut];
            text[cut] = '\0';
            is_match = fnmatch(pattern, text, 0) == 0;
            text[cut] = kept;

        } else {
            is_match = fnmatch(pattern, text + len - cut, 0) == 0;
        }

        if (is_match) {
            (void) faas_buf_add(out, sign == '#' ? value + cut : value,
                                len - cut);
            return close_brace(at);
        }
    }

    (void) faas_buf_puts(out, value);

    return close_brace(at);
}


/*
 * What stands up to one of the characters in stop, or to the end.
 */
static char *
argument(struct place *at, const char *stop)
{
    const char  *from;

    from = at->p;

    while (at->p < at->end && *at->p != '\0' && *at->p != '\n'
           && strchr(stop, *at->p) == NULL)
    {
        at->p++;
    }

    return pool_copy(at->s->pool, from, (size_t) (at->p - from));
}


static int
close_brace(struct place *at)
{
    if (at->p == at->end || *at->p != '}') {
        return fault(at, "${ has no closing brace, or what is in it cannot "
                     "be read");
    }

    at->p++;

    return 0;
}


static int
fault(struct place *at, const char *text)
{
    return faas_err_set(at->err, 0, "%.120s:%zu: %s", at->s->file, at->line,
                        text);
}

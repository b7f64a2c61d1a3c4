/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What somebody asks for of a function's logs.
 */

#include "log_query.h"

#include <stddef.h>
#include <string.h>

#include "lib/faas_num.h"

#include "log_line.h"


static int parse_key(const char *s, struct log_query *query,
    struct faas_err *err);
static int parse_tail(const char *s, uint64_t *tail);
static int is_true(const char *s);
static void get(const char *s, const char *name, char *value);
static int is_named(const char *s, size_t len, const char *name);
static int decode(const char *s, size_t len, char *value);
static int hex(char c);


int
log_query_parse(const char *s, struct log_query *query, struct faas_err *err)
{
    char  value[LOG_QUERY_VALUE_MAX + 1];

    memset(query, 0, sizeof(*query));

    if (s == NULL) {
        s = "";
    }

    get(s, "tail", value);

    if (parse_tail(value, &query->tail) != 0) {
        return faas_err_set(err, 422, "tail is no number: \"%.80s\"", value);
    }

    get(s, "since", value);

    if (value[0] != '\0'
        && log_time_parse(value, strlen(value), &query->since) != 0)
    {
        return faas_err_set(err, 422, "since is no time as in RFC 3339: "
                            "\"%.80s\"", value);
    }

    get(s, "follow", value);
    query->is_follow = is_true(value);

    get(s, "instance", query->instance);

    return parse_key(s, query, err);
}


/*
 * The namespace may stand in the name, or beside it.
 */
static int
parse_key(const char *s, struct log_query *query, struct faas_err *err)
{
    char               text[LOG_QUERY_VALUE_MAX + 1];
    char               ns[LOG_QUERY_VALUE_MAX + 1];
    struct faas_name   name;

    get(s, "name", text);
    get(s, "namespace", ns);

    if (text[0] == '\0') {
        return faas_err_set(err, 422, "name is missing");
    }

    if (faas_name_parse(text, strlen(text), &name) != 0) {
        return faas_err_set(err, 404, "function %.120s not found", text);
    }

    if (ns[0] != '\0' && strchr(text, '.') == NULL) {
        name.ns = ns;
        name.ns_len = strlen(ns);
    }

    if (name.ns_len > FAAS_NAME_MAX
        || (ns[0] != '\0' && (strlen(ns) != name.ns_len
                              || memcmp(name.ns, ns, name.ns_len) != 0)))
    {
        return faas_err_set(err, 404, "function %.100s not found in namespace "
                            "%.80s", text, ns);
    }

    (void) faas_name_key(&name, query->key);

    return 0;
}


/*
 * As Go's strconv.Atoi() takes it; none, 0 and less are all lines.
 */
static int
parse_tail(const char *s, uint64_t *tail)
{
    int       is_negative;
    uint64_t  number;

    if (s[0] == '\0') {
        return 0;
    }

    is_negative = s[0] == '-';

    if (is_negative || s[0] == '+') {
        s++;
    }

    if (faas_parse_uint(s, strlen(s), 0, INT64_MAX, &number) != 0) {
        return -1;
    }

    *tail = is_negative ? 0 : number;

    return 0;
}


/*
 * As Go's strconv.ParseBool() takes it; what it does not take is false.
 */
static int
is_true(const char *s)
{
    size_t  i;

    static const char *const  words[] = {
        "1", "t", "T", "TRUE", "true", "True"
    };

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(s, words[i]) == 0) {
            return 1;
        }
    }

    return 0;
}


/*
 * The last value of a name; empty where there is none.
 */
static void
get(const char *s, const char *name, char *value)
{
    size_t  len, name_len;

    value[0] = '\0';

    for ( ;; ) {
        len = strcspn(s, "&");
        name_len = strcspn(s, "=&");

        if (is_named(s, name_len, name)) {

            /* past the equals sign, where there is one */
            name_len += name_len < len;

            if (decode(s + name_len, len - name_len, value) != 0) {
                value[0] = '\0';
            }
        }

        if (s[len] == '\0') {
            return;
        }

        s += len + 1;
    }
}


static int
is_named(const char *s, size_t len, const char *name)
{
    char  text[LOG_QUERY_VALUE_MAX + 1];

    return decode(s, len, text) == 0 && strcmp(text, name) == 0;
}


/*
 * What does not fit is cut: it is no value that anybody knows.  Returns -1
 * where an escape is damaged, or stands for a zero byte.
 */
static int
decode(const char *s, size_t len, char *value)
{
    int     c, high, low;
    size_t  i, n;

    n = 0;

    for (i = 0; i < len && n < LOG_QUERY_VALUE_MAX; i++) {
        c = s[i] == '+' ? ' ' : (unsigned char) s[i];

        if (c == '%') {
            high = len - i > 2 ? hex(s[i + 1]) : -1;
            low = len - i > 2 ? hex(s[i + 2]) : -1;

            if (high < 0 || low < 0) {
                return -1;
            }

            c = high * 16 + low;
            i += 2;
        }

        if (c == '\0') {
            return -1;
        }

        value[n++] = (char) c;
    }

    value[n] = '\0';

    return 0;
}


static int
hex(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }

    c |= 0x20;

    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

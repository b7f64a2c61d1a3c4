/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Header lines.
 */

#include "header.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>


#define N_LINES_MAX  256            /* that are copied */
#define N_NAMED_MAX  16             /* names in Connection */


/* a name in somebody's lines */
struct name {
    const char  *data;
    size_t       len;
};

struct line {
    struct name  name;
    struct name  value;
};


static int find(const char *lines, size_t len, const char *name,
    struct line *line);
static const char *next_line(const char *s, const char *end,
    struct line *line);
static size_t read_connection(const char *lines, const char *end,
    struct name *named);
static int is_name(const struct name *name, const char *other, size_t len);
static int is_one_of(const struct name *name, const char *const *names);
static void append(struct header_list *headers, const struct line *line);
static int has(const struct header_list *headers, const char *name);


static const char *const  one_hop[] = {
    "Connection", "Content-Length", "Expect", "Host", "Keep-Alive",
    "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "TE",
    "Trailer", "Transfer-Encoding", "Upgrade", NULL
};


void
header_copy(struct header_list *headers, const char *lines, size_t len,
    const char *const *other)
{
    int          is_named;
    size_t       i, n, n_named;
    const char  *s, *end;
    struct line  line;
    struct name  named[N_NAMED_MAX];

    s = lines;
    end = lines + len;
    n_named = read_connection(lines, end, named);

    for (n = 0; n < N_LINES_MAX && s != NULL; n++) {
        s = next_line(s, end, &line);

        if (s == NULL) {
            break;
        }

        is_named = 0;

        for (i = 0; i < n_named; i++) {
            is_named = is_named || is_name(&line.name, named[i].data,
                                           named[i].len);
        }

        if (line.name.len != 0 && !is_named
            && !is_one_of(&line.name, one_hop)
            && !is_one_of(&line.name, other))
        {
            append(headers, &line);
        }
    }
}


int
header_has(const char *lines, size_t len, const char *name)
{
    struct line  line;

    return find(lines, len, name, &line);
}


void
header_get(const char *lines, size_t len, const char *name, char *dst,
    size_t size)
{
    struct line  line;

    if (find(lines, len, name, &line)) {
        len = line.value.len < size ? line.value.len : size - 1;
        memcpy(dst, line.value.data, len);
        dst[len] = '\0';
    }
}


void
header_add(struct header_list *headers, const char *name, const char *value)
{
    struct line  line;

    line.name.data = name;
    line.name.len = strlen(name);
    line.value.data = value;
    line.value.len = strlen(value);

    append(headers, &line);
}


void
header_finish(struct header_list *headers)
{
    size_t              i;
    struct curl_slist  *list;

    static const char *const  own[][2] = {
        { "Accept", "Accept:" },
        { "Content-Type", "Content-Type:" },
        { "Expect", "Expect:" },
    };

    for (i = 0; i < sizeof(own) / sizeof(own[0]); i++) {

        if (has(headers, own[i][0])) {
            continue;
        }

        list = curl_slist_append(headers->list, own[i][1]);

        if (list == NULL) {
            headers->is_failed = 1;
            return;
        }

        headers->list = list;
    }
}


static int
find(const char *lines, size_t len, const char *name, struct line *line)
{
    const char  *s, *end;

    s = lines;
    end = lines + len;

    while ((s = next_line(s, end, line)) != NULL) {
        if (is_name(&line->name, name, strlen(name))) {
            return 1;
        }
    }

    return 0;
}


/*
 * Returns the line behind; NULL where there is none here.  The name of what is
 * no header is empty.
 */
static const char *
next_line(const char *s, const char *end, struct line *line)
{
    size_t       i;
    const char  *stop, *colon;

    if (s == NULL || s == end) {
        return NULL;
    }

    stop = memchr(s, '\n', (size_t) (end - s));
    stop = stop != NULL ? stop : end;
    colon = memchr(s, ':', (size_t) (stop - s));

    memset(line, 0, sizeof(*line));
    line->name.data = s;
    line->value.data = s;

    if (colon == NULL) {
        return stop == end ? end : stop + 1;
    }

    line->name.len = (size_t) (colon - s);
    line->value.data = colon + 1;
    line->value.len = (size_t) (stop - colon - 1);

    while (line->value.len != 0 && strchr(" \t", line->value.data[0]) != NULL)
    {
        line->value.data++;
        line->value.len--;
    }

    while (line->value.len != 0
           && strchr(" \t\r", line->value.data[line->value.len - 1]) != NULL)
    {
        line->value.len--;
    }

    /* who writes a line into another one gets none */

    for (i = 0; i < line->name.len; i++) {
        if (s[i] <= ' ' || s[i] == 0x7f || s[i] == ';') {
            line->name.len = 0;
        }
    }

    if (memchr(line->value.data, '\r', line->value.len) != NULL
        || memchr(line->value.data, '\0', line->value.len) != NULL)
    {
        line->name.len = 0;
    }

    return stop == end ? end : stop + 1;
}


static size_t
read_connection(const char *lines, const char *end, struct name *named)
{
    size_t       n, len;
    const char  *s, *value, *stop;
    struct line  line;

    n = 0;
    s = lines;

    while ((s = next_line(s, end, &line)) != NULL) {

        if (!is_name(&line.name, "Connection", sizeof("Connection") - 1)) {
            continue;
        }

        value = line.value.data;
        stop = value + line.value.len;

        while (value < stop && n < N_NAMED_MAX) {
            len = 0;

            while (value + len < stop && strchr(", \t", value[len]) == NULL) {
                len++;
            }

            if (len != 0) {
                named[n].data = value;
                named[n++].len = len;
            }

            value += len + 1;
        }
    }

    return n;
}


static int
is_name(const struct name *name, const char *other, size_t len)
{
    return name->len == len && strncasecmp(name->data, other, len) == 0;
}


static int
is_one_of(const struct name *name, const char *const *names)
{
    for ( ; *names != NULL; names++) {
        if (is_name(name, *names, strlen(*names))) {
            return 1;
        }
    }

    return 0;
}


/*
 * libcurl takes "Name:" for one that is not to be sent, and sends "Name;" with
 * an empty value.
 */
static void
append(struct header_list *headers, const struct line *line)
{
    char               *text;
    size_t              size;
    struct curl_slist  *list;

    size = line->name.len + line->value.len + 3;
    text = malloc(size);

    if (text == NULL) {
        headers->is_failed = 1;
        return;
    }

    (void) snprintf(text, size, line->value.len != 0 ? "%.*s: %.*s"
                    : "%.*s;%.*s", (int) line->name.len, line->name.data,
                    (int) line->value.len, line->value.data);

    list = curl_slist_append(headers->list, text);
    free(text);

    if (list == NULL) {
        headers->is_failed = 1;
        return;
    }

    headers->list = list;
}


static int
has(const struct header_list *headers, const char *name)
{
    size_t                    len;
    const struct curl_slist  *item;

    len = strlen(name);

    for (item = headers->list; item != NULL; item = item->next) {

        if (strncasecmp(item->data, name, len) == 0
            && (item->data[len] == ':' || item->data[len] == ';'))
        {
            return 1;
        }
    }

    return 0;
}

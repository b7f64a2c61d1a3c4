/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Paths that are not in their shortest form.  OpenFaaS' watchdogs send a
 * client from them to the short one, as Go's ServeMux does.
 */

#include <string.h>

#include "conn.h"


static size_t segment(const char *s, size_t left);
static int count_dots(const char *s, size_t len);


int
wd_path_is_clean(struct wd_str path)
{
    size_t  i, len;

    for (i = 1; i < path.len; i += len + 1) {
        len = segment(path.s + i, path.len - i);

        if (len == 0 || count_dots(path.s + i, len) != 0) {
            return 0;
        }
    }

    return 1;
}


void
wd_path_clean(struct wd_str path, struct wd_text *text)
{
    int     dots;
    size_t  i, len, start;

    start = text->len;

    for (i = 1; i < path.len; i += len + 1) {
        len = segment(path.s + i, path.len - i);
        dots = count_dots(path.s + i, len);

        if (dots == 2) {
            while (text->len > start && text->s[--text->len] != '/') {
                /* up to the one before */
            }

        } else if (len != 0 && dots != 1) {
            wd_text_add(text, "/", 1);
            wd_text_add(text, path.s + i, len);
        }
    }

    if (text->len == start || path.s[path.len - 1] == '/') {
        wd_text_add(text, "/", 1);
    }
}


static size_t
segment(const char *s, size_t left)
{
    const char  *slash;

    slash = memchr(s, '/', left);

    return slash != NULL ? (size_t) (slash - s) : left;
}


/*
 * 1 or 2 where a segment is "." or "..", which may be escaped; else 0.
 */
static int
count_dots(const char *s, size_t len)
{
    int     n;
    size_t  i;

    n = 0;

    for (i = 0; i < len && n < 3; n++) {
        if (s[i] == '.') {
            i++;

        } else if (s[i] == '%' && wd_unescape(s + i, len - i) == '.') {
            i += 3;

        } else {
            return 0;
        }
    }

    return n < 3 ? n : 0;
}

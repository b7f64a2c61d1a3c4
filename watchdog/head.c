/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Heads of HTTP messages.
 */

#include "head.h"

#include <string.h>
#include <strings.h>


static int hex(char c);
static int is_space(char c);


static const char *const  hop_names[] = {
    "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate",
    "Proxy-Authorization", "TE", "Trailer", "Transfer-Encoding", "Upgrade"
};


enum wd_scan
wd_head_scan(const char *data, size_t len, size_t *line, size_t *head_len)
{
    size_t       n;
    const char  *start, *end;

    for ( ;; ) {
        start = data + *line;
        end = memchr(start, '\n', len - *line);

        if (end == NULL) {
            return WD_SCAN_MORE;
        }

        n = (size_t) (end - start);

        if (n == 0 || start[--n] != '\r'
            || memchr(start, '\r', n) != NULL
            || memchr(start, '\0', n) != NULL)
        {
            return WD_SCAN_BAD;
        }

        *line += n + 2;

        if (n == 0) {
            *head_len = *line;
            return WD_SCAN_DONE;
        }

        if (is_space(start[0])) {
            return WD_SCAN_BAD;
        }
    }
}


int
wd_str_is(struct wd_str str, const char *word)
{
    return strlen(word) == str.len && strncasecmp(str.s, word, str.len) == 0;
}


const struct wd_header *
wd_head_find(const struct wd_head *head, const char *name)
{
    size_t  i;

    for (i = 0; i < head->n_headers; i++) {
        if (wd_str_is(head->headers[i].name, name)) {
            return &head->headers[i];
        }
    }

    return NULL;
}


int
wd_list_has(struct wd_str list, struct wd_str word)
{
    size_t       len;
    const char  *s, *end;

    s = list.s;
    end = list.s + list.len;

    while (s < end) {
        while (s < end && (is_space(*s) || *s == ',')) {
            s++;
        }

        len = 0;

        while (s + len < end && s[len] != ',' && !is_space(s[len])) {
            len++;
        }

        if (len == word.len && len != 0
            && strncasecmp(s, word.s, len) == 0)
        {
            return 1;
        }

        s += len;
    }

    return 0;
}


int
wd_head_is_hop(const struct wd_head *head, struct wd_str name)
{
    size_t                   i;
    const struct wd_header  *header;

    for (i = 0; i < sizeof(hop_names) / sizeof(hop_names[0]); i++) {
        if (wd_str_is(name, hop_names[i])) {
            return 1;
        }
    }

    for (i = 0; i < head->n_headers; i++) {
        header = &head->headers[i];

        if (wd_str_is(header->name, "Connection")
            && wd_list_has(header->value, name))
        {
            return 1;
        }
    }

    return 0;
}


int
wd_unescape(const char *s, size_t left)
{
    int  high, low;

    high = left >= 3 ? hex(s[1]) : -1;
    low = left >= 3 ? hex(s[2]) : -1;

    return high < 0 || low < 0 || high + low == 0 ? -1 : high * 16 + low;
}


struct wd_str
wd_head_upgrade(const struct wd_head *head)
{
    size_t                   i;
    struct wd_str            none;
    const struct wd_header  *upgrade, *header;

    static const struct wd_str  word = { "upgrade", sizeof("upgrade") - 1 };

    none.s = "";
    none.len = 0;
    upgrade = wd_head_find(head, "Upgrade");

    for (i = 0; upgrade != NULL && i < head->n_headers; i++) {
        header = &head->headers[i];

        if (wd_str_is(header->name, "Connection")
            && wd_list_has(header->value, word))
        {
            return upgrade->value;
        }
    }

    return none;
}


struct wd_str
wd_head_target(const struct wd_head *head)
{
    size_t         i;
    struct wd_str  url;

    static const char  root[] = "/";

    url = head->url;

    if (url.len > 0 && (url.s[0] == '/' || url.s[0] == '*')) {
        return url;
    }

    for (i = 0; i + 2 < url.len; i++) {
        if (memcmp(url.s + i, "://", 3) == 0) {
            i += 3;
            break;
        }
    }

    while (i < url.len && url.s[i] != '/' && url.s[i] != '?') {
        i++;
    }

    if (i >= url.len) {
        url.s = root;
        url.len = 1;
        return url;
    }

    url.s += i;
    url.len -= i;

    return url;
}


static int
is_space(char c)
{
    return c == ' ' || c == '\t';
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

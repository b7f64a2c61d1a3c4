/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Function names.
 */

#include "faas_name.h"

#include <string.h>


static int is_lower_or_digit(unsigned char c);


/* what may stand in a name; a call's way through the gateway begins here */
static const unsigned char  name_chars[256] = {
    ['-'] = 1, ['.'] = 1, ['_'] = 1,
    ['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1
};


int
faas_name_is_char(unsigned char c)
{
    return name_chars[c];
}


int
faas_name_parse(const char *s, size_t len, struct faas_name *out)
{
    size_t  i, dot;

    dot = len;

    for (i = 0; i < len; i++) {
        if (!name_chars[(unsigned char) s[i]]) {
            return -1;
        }

        if (s[i] == '.') {
            dot = i;
        }
    }

    out->name = s;
    out->name_len = dot;

    if (dot == len) {
        out->ns = FAAS_DEFAULT_NAMESPACE;
        out->ns_len = sizeof(FAAS_DEFAULT_NAMESPACE) - 1;

    } else {
        out->ns = s + dot + 1;
        out->ns_len = len - dot - 1;
    }

    if (out->name_len == 0 || out->name_len > FAAS_NAME_MAX
        || out->ns_len == 0 || out->ns_len > FAAS_NAME_MAX)
    {
        return -1;
    }

    return 0;
}


size_t
faas_name_key(const struct faas_name *name, char *key)
{
    char  *p;

    p = key;

    memcpy(p, name->name, name->name_len);
    p += name->name_len;
    *p++ = '.';
    memcpy(p, name->ns, name->ns_len);
    p += name->ns_len;
    *p = '\0';

    return (size_t) (p - key);
}


int
faas_name_is_dns_label(const char *s, size_t len)
{
    size_t  i;

    if (len == 0 || len > FAAS_NAME_MAX
        || s[0] == '-' || s[len - 1] == '-')
    {
        return 0;
    }

    for (i = 0; i < len; i++) {
        if (!is_lower_or_digit((unsigned char) s[i]) && s[i] != '-') {
            return 0;
        }
    }

    return 1;
}


static int
is_lower_or_digit(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

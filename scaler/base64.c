/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Base64.
 */

#include "base64.h"

#include <stdint.h>
#include <stdlib.h>


static int value_of(char c);
static char *encode(const char *s, size_t len, const char *last);


char *
base64_decode(const char *s, size_t len, size_t *n)
{
    int        value;
    char      *out;
    size_t     i, chars, pads;
    uint32_t   bits;

    out = malloc(len / 4 * 3 + 3);

    if (out == NULL) {
        return NULL;
    }

    *n = 0;
    bits = 0;
    chars = 0;
    pads = 0;

    for (i = 0; i < len; i++) {

        if (s[i] == '\n' || s[i] == '\r') {
            continue;
        }

        value = value_of(s[i]);

        if (s[i] == '=' && chars % 4 >= 2) {
            pads++;
            value = 0;

        } else if (value < 0 || pads != 0) {
            free(out);
            return NULL;
        }

        bits = bits << 6 | (uint32_t) value;
        chars++;

        if (chars % 4 == 0) {
            out[(*n)++] = (char) (bits >> 16);
            out[(*n)++] = (char) (bits >> 8);
            out[(*n)++] = (char) bits;
        }
    }

    if (chars % 4 != 0 || pads > 2) {
        free(out);
        return NULL;
    }

    *n -= pads;

    return out;
}


static int
value_of(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }

    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }

    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }

    return c == '+' ? 62 : c == '/' ? 63 : -1;
}


char *
base64_encode(const char *s, size_t len)
{
    return encode(s, len, "+/");
}


char *
base64_encode_url(const char *s, size_t len)
{
    return encode(s, len, "-_");
}


/*
 * last: the characters of 62 and 63.
 */
static char *
encode(const char *s, size_t len, const char *last)
{
    char      *text, *dst;
    size_t     i, k, n, value;
    uint32_t   bits;

    static const char  alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    "abcdefghijklmnopqrstuvwxyz0123456789";

    text = malloc((len + 2) / 3 * 4 + 1);

    if (text == NULL) {
        return NULL;
    }

    dst = text;

    for (i = 0; i < len; i += 3) {
        n = len - i < 3 ? len - i : 3;
        bits = 0;

        for (k = 0; k < 3; k++) {
            bits = bits << 8 | (k < n ? (unsigned char) s[i + k] : 0);
        }

        for (k = 0; k < 4; k++) {
            value = bits >> (18 - 6 * k) & 63;
            *dst++ = k > n ? '=' : value < 62 ? alphabet[value]
                                              : last[value - 62];
        }
    }

    *dst = '\0';

    return text;
}

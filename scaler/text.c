/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Text that is shown.
 */

#include "text.h"

#include <stddef.h>


static size_t char_len(const unsigned char *s);
static int is_second(unsigned char first, unsigned char second);


void
text_clean(char *s, int has_lines)
{
    size_t  n;

    while (*s != '\0') {
        n = char_len((const unsigned char *) s);

        if (n == 0 && !(has_lines && *s == '\n')) {
            *s = '?';
        }

        s += n != 0 ? n : 1;
    }
}


/*
 * Bytes of the character that s begins with; 0 where it is none, or one that
 * is not printed.  It does not read past a zero.
 */
static size_t
char_len(const unsigned char *s)
{
    size_t  i, n;

    if (s[0] < 0x80) {
        return s[0] >= ' ' && s[0] != 0x7f;
    }

    n = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

    if (s[0] < 0xc2 || s[0] > 0xf4 || !is_second(s[0], s[1])) {
        return 0;
    }

    for (i = 2; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return 0;
        }
    }

    return n;
}


/*
 * No control characters, nothing that is longer than it has to be, no
 * surrogates, nothing over U+10FFFF.
 */
static int
is_second(unsigned char first, unsigned char second)
{
    if ((second & 0xc0) != 0x80) {
        return 0;
    }

    switch (first) {

    case 0xc2:
    case 0xe0:
        return second >= 0xa0;

    case 0xed:
        return second < 0xa0;

    case 0xf0:
        return second >= 0x90;

    case 0xf4:
        return second < 0x90;

    default:
        return 1;
    }
}

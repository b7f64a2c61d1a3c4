/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * libjansson.a and libyaml.a of the distribution, which are compiled for glibc
 * with _FORTIFY_SOURCE, call these where the size of what is written to is
 * known.  They are all that musl does not have of what the two need; that
 * nothing else is missing is seen when faas is linked.
 *
 * What does not fit ends the program, as with glibc.
 */

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


int __sprintf_chk(char *dst, int flag, size_t room, const char *fmt, ...);
int __snprintf_chk(char *dst, size_t len, int flag, size_t room,
    const char *fmt, ...);
int __vsnprintf_chk(char *dst, size_t len, int flag, size_t room,
    const char *fmt, va_list args);
char *__strncpy_chk(char *dst, const char *src, size_t len, size_t room);


int
__sprintf_chk(char *dst, int flag, size_t room, const char *fmt, ...)
{
    int      n;
    va_list  args;

    va_start(args, fmt);
    n = __vsnprintf_chk(dst, room, flag, room, fmt, args);
    va_end(args);

    if (n >= 0 && (size_t) n >= room) {
        abort();
    }

    return n;
}


int
__snprintf_chk(char *dst, size_t len, int flag, size_t room,
    const char *fmt, ...)
{
    int      n;
    va_list  args;

    va_start(args, fmt);
    n = __vsnprintf_chk(dst, len, flag, room, fmt, args);
    va_end(args);

    return n;
}


int
__vsnprintf_chk(char *dst, size_t len, int flag, size_t room,
    const char *fmt, va_list args)
{
    (void) flag;

    if (len > room) {
        abort();
    }

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    /* it is the caller's */
    return vsnprintf(dst, len, fmt, args);
#pragma GCC diagnostic pop
}


char *
__strncpy_chk(char *dst, const char *src, size_t len, size_t room)
{
    size_t  n;

    if (len > room) {
        abort();
    }

    n = strnlen(src, len);
    memcpy(dst, src, n);
    memset(dst + n, 0, len - n);

    return dst;
}

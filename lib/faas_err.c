/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * One error value for all programs.
 */

#include "faas_err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>


int
faas_err_set(struct faas_err *err, int code, const char *fmt, ...)
{
    va_list  args;

    if (err != NULL) {
        err->code = code;

        va_start(args, fmt);
        (void) vsnprintf(err->text, sizeof(err->text), fmt, args);
        va_end(args);
    }

    return -1;
}


int
faas_err_prefix(struct faas_err *err, const char *fmt, ...)
{
    char     text[FAAS_ERR_TEXT_MAX];
    size_t   len, room;
    va_list  args;

    if (err == NULL) {
        return -1;
    }

    va_start(args, fmt);
    (void) vsnprintf(text, sizeof(text) - 2, fmt, args);
    va_end(args);

    len = strlen(text);
    text[len++] = ':';
    text[len++] = ' ';

    /* what was there follows, cut where there is no room for it */

    room = sizeof(err->text) - 1 - len;

    if (strlen(err->text) < room) {
        room = strlen(err->text);
    }

    memmove(err->text + len, err->text, room);
    memcpy(err->text, text, len);
    err->text[len + room] = '\0';

    return -1;
}

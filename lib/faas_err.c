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
    char     was[FAAS_ERR_TEXT_MAX];
    int      len;
    va_list  args;

    if (err == NULL) {
        return -1;
    }

    memcpy(was, err->text, sizeof(was));
    was[sizeof(was) - 1] = '\0';

    va_start(args, fmt);
    len = vsnprintf(err->text, sizeof(err->text), fmt, args);
    va_end(args);

    if (len >= 0 && (size_t) len < sizeof(err->text)) {
        (void) snprintf(err->text + len, sizeof(err->text) - (size_t) len,
                        ": %s", was);
    }

    return -1;
}

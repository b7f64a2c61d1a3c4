/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Dates as text.
 */

#include "faas_date.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>


#define YEAR_MAX  9999


static void put(char *dst, size_t size, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));


void
faas_date_http(time_t when, char dst[FAAS_DATE_HTTP])
{
    struct tm  tm;

    static const char  days[] = "SunMonTueWedThuFriSat";
    static const char  months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    if (gmtime_r(&when, &tm) == NULL || tm.tm_year + 1900 > YEAR_MAX) {
        memset(&tm, 0, sizeof(tm));
        tm.tm_year = 70;
        tm.tm_mday = 1;
        tm.tm_wday = 4;
    }

    put(dst, FAAS_DATE_HTTP, "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
        days + 3 * tm.tm_wday, tm.tm_mday, months + 3 * tm.tm_mon,
        tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}


size_t
faas_date_log(time_t when, char dst[FAAS_DATE_LOG])
{
    struct tm  tm;

    if (localtime_r(&when, &tm) == NULL || tm.tm_year + 1900 > YEAR_MAX) {
        memset(&tm, 0, sizeof(tm));
    }

    put(dst, FAAS_DATE_LOG, "%04d/%02d/%02d %02d:%02d:%02d ",
        tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min,
        tm.tm_sec);

    return strlen(dst);
}


static void
put(char *dst, size_t size, const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    (void) vsnprintf(dst, size, fmt, args);
    va_end(args);
}

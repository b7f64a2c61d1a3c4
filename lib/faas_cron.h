/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Schedules as in a crontab: minute, hour, day of the month, month, day of
 * the week.  Pure, but for the time zone of the process (TZ).
 *
 * A field is "*", a number, a range "1-5", any of these with a step "/15", or
 * a list of such with commas; months and days of the week also by their
 * English names' first three letters, Sunday is 0 or 7.  Where both days are
 * given, and neither begins with "*", one of them has to fit.  In place of the
 * five: @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually.
 */

#ifndef FAAS_CRON_H
#define FAAS_CRON_H

#include <stdint.h>
#include <time.h>

#include "faas_err.h"


struct faas_cron {
    uint64_t  minutes;          /* a bit each */
    uint32_t  hours;
    uint32_t  days;             /* of the month, 1 to 31 */
    uint32_t  months;           /* 1 to 12 */
    uint32_t  weekdays;         /* 0 to 6 */
    int       is_each_hour;     /* the hour begins with "*" */
    int       is_each_day;      /* the day of the month does */
    int       is_each_weekday;
};


/*
 * Returns 0, or -1 with what is wrong.
 */
int faas_cron_parse(const char *s, struct faas_cron *cron,
    struct faas_err *err);

/*
 * True where a call is due in the minute that begins at when.  Where clocks
 * are put forward, what is due in the hour that is left out is due in the
 * first minute behind it; where they are put back, what is due in the hour
 * that comes twice is due the first time only, unless it is of each hour.
 */
int faas_cron_is_due(const struct faas_cron *cron, time_t when);


#endif /* FAAS_CRON_H */

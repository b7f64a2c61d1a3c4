/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the watchdog writes for others: a line for each request, and the
 * function's own lines, whole and with their prefix.  Lines are gathered and
 * written once a turn of the loop.
 */

#ifndef FAAS_WD_LOG_H
#define FAAS_WD_LOG_H

#include <stddef.h>
#include <time.h>

#include "lib/faas_buf.h"
#include "lib/faas_date.h"


#define WD_LOG_BUFFER  8192     /* bytes gathered before they are written */


struct wd_log_out {
    size_t   len;
    int      fd;
    char     data[WD_LOG_BUFFER];
};


struct wd_log {
    struct wd_log_out  out;     /* the function's standard output */
    struct wd_log_out  err;     /* all else */
    time_t             second;  /* of stamp */
    size_t             stamp_len;
    char               stamp[FAAS_DATE_LOG];
    int                has_prefix;
};


/*
 * One stream of a function process, cut into lines.
 */
struct wd_lines {
    struct wd_log_out  *out;
    const char         *name;   /* "stdout" or "stderr"; not owned */
    struct faas_buf     rest;   /* a line that has not ended yet */
};


void wd_log_init(struct wd_log *log, int has_prefix);

/*
 * Adds a line with the date in front to standard error.
 */
void wd_log_line(struct wd_log *log, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Adds bytes to standard output as they are.
 */
void wd_log_copy(struct wd_log *log, const char *data, size_t len);

/*
 * Writes what has been gathered.
 */
void wd_log_flush(struct wd_log *log);

/*
 * A stream named name that goes to out.  Lines of more than max bytes are
 * cut into several; with 0 it is copied as it comes.
 */
void wd_lines_init(struct wd_lines *lines, struct wd_log_out *out,
    const char *name, size_t max);
void wd_lines_done(struct wd_lines *lines);

/*
 * Takes what the process has written.
 */
void wd_lines_add(struct wd_log *log, struct wd_lines *lines,
    const char *data, size_t len);

/*
 * The process has ended: its last line may lack the newline.
 */
void wd_lines_end(struct wd_log *log, struct wd_lines *lines);


#endif /* FAAS_WD_LOG_H */

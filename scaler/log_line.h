/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A line of a function's log: as it is stored,
 *
 *   2026-11-23T14:00:00.123456789Z env-17 TEXT
 *
 * and as clients get it,
 *
 *   {"name":"env","namespace":"openfaas-fn","instance":"env-17",
 *    "timestamp":"2026-11-23T14:00:00.123456789Z","text":"TEXT"}
 *
 * in one line.
 */

#ifndef FAAS_SCALER_LOG_LINE_H
#define FAAS_SCALER_LOG_LINE_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "lib/faas_buf.h"
#include "lib/faas_name.h"


#define LOG_STAMP_LEN  30       /* bytes of a time as it is stored */


/* points into the text that was parsed */
struct log_line {
    uint64_t     time;          /* nsec since 1970 */
    const char  *stamp;         /* the same, RFC 3339 */
    size_t       stamp_len;
    const char  *instance;      /* id of the replica */
    size_t       instance_len;
    const char  *text;          /* any bytes but a newline */
    size_t       text_len;
};


/*
 * Writes a time as it is stored, LOG_STAMP_LEN bytes without a zero.
 */
void log_stamp(const struct timespec *when, char *dst);

/*
 * Reads a time, RFC 3339: "2026-11-23T14:00:00Z", with any fraction, and an
 * offset in place of Z.  What is before 1970 is 0, what has no room is
 * UINT64_MAX.  Returns 0 and sets *nsec, or -1.
 */
int log_time_parse(const char *s, size_t len, uint64_t *nsec);

/*
 * Reads a stored line, without its newline.  Returns 0 or -1.
 */
int log_line_parse(const char *s, size_t len, struct log_line *line);

/*
 * Appends a line as clients get it, with its newline: valid JSON of valid
 * UTF-8, whatever the bytes of the line.  Each byte that is no part of a
 * character becomes U+FFFD.  Returns 0, or -1 where buf has no room.
 */
int log_line_encode(const struct faas_name *name, const struct log_line *line,
    struct faas_buf *buf);

/*
 * Bytes of the character that s begins with; 0: it is none.  Where the text
 * ends within one that may be valid *is_cut is 1.
 */
size_t log_utf8_len(const char *s, size_t len, int *is_cut);


#endif /* FAAS_SCALER_LOG_LINE_H */

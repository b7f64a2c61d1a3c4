/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Numbers and durations from text that somebody else wrote.
 */

#ifndef FAAS_NUM_H
#define FAAS_NUM_H

#include <stddef.h>
#include <stdint.h>


#define FAAS_DURATION_TEXT  32   /* bytes, with the terminating zero */


/*
 * Parses LEN bytes as an unsigned decimal number, digits only, and checks
 * min <= value <= max.  Returns 0 and sets *value, or -1 and leaves it.
 */
int faas_parse_uint(const char *s, size_t len, uint64_t min, uint64_t max,
    uint64_t *value);

/*
 * Parses LEN bytes as a decimal number without a sign: digits, and a point and
 * digits where there is a fraction; at most 16 bytes.  Returns 0 and sets
 * *value, or -1 and leaves it.
 */
int faas_parse_decimal(const char *s, size_t len, double *value);

/*
 * Parses a duration: a whole number of seconds ("30"), or Go's form
 * ("1h2m3.5s", "500ms"; units h, m, s, ms, us, ns).  No sign.  Returns 0 and
 * sets *msec (rounded down), or -1 where the text is none or over max msec.
 */
int faas_parse_duration(const char *s, size_t len, uint64_t max,
    uint64_t *msec);

/*
 * Milliseconds as seconds: "30s", "0.5s", "1.25s".
 */
void faas_duration_text(uint64_t msec, char dst[FAAS_DURATION_TEXT]);

/*
 * True for exactly "true" or "1", as the watchdogs of OpenFaaS take them.
 */
int faas_parse_bool(const char *s);


#endif /* FAAS_NUM_H */

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Dates as text.  strftime() would bring half of a C library's locale into a
 * static program.
 */

#ifndef FAAS_DATE_H
#define FAAS_DATE_H

#include <stddef.h>
#include <time.h>


#define FAAS_DATE_HTTP  30      /* bytes, with the terminating zero */
#define FAAS_DATE_LOG   28


/*
 * "Mon, 23 Nov 2026 14:00:00 GMT", as HTTP wants it (RFC 9110, 5.6.7); of a
 * time that is no date: 1970's first second.
 */
void faas_date_http(time_t when, char dst[FAAS_DATE_HTTP]);

/*
 * "2026/11/23 14:00:00 ", local time, as OpenFaaS' programs begin their log
 * lines.  Returns its length.
 */
size_t faas_date_log(time_t when, char dst[FAAS_DATE_LOG]);


#endif /* FAAS_DATE_H */

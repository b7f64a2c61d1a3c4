/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What somebody asks for of a function's logs, the query of
 *
 *   GET /system/logs?name=NAME[.NS]&namespace=&instance=&tail=&since=&follow=
 */

#ifndef FAAS_SCALER_LOG_QUERY_H
#define FAAS_SCALER_LOG_QUERY_H

#include <stdint.h>

#include "lib/faas_err.h"
#include "lib/faas_name.h"


#define LOG_QUERY_VALUE_MAX  255    /* bytes of a value; none needs as many */


struct log_query {
    char      key[FAAS_KEY_MAX + 1];
    char      instance[LOG_QUERY_VALUE_MAX + 1];    /* empty: all replicas */
    uint64_t  tail;             /* the last lines, of all; 0: all lines */
    uint64_t  since;            /* nsec since 1970 */
    int       is_follow;
};


/*
 * Reads a query, without its question mark; NULL is an empty one.  Of
 * parameters of a name the last one counts; those of other names do not.
 * Returns 0, or -1 with code 422, or 404 where no function can have the name.
 */
int log_query_parse(const char *s, struct log_query *query,
    struct faas_err *err);


#endif /* FAAS_SCALER_LOG_QUERY_H */

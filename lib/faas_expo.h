/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Lines of Prometheus' text exposition format.  No floating point: seconds
 * are given in microseconds.
 *
 * Each function writes to dst and returns the length, or 0 where it would not
 * fit into size bytes.
 */

#ifndef FAAS_EXPO_H
#define FAAS_EXPO_H

#include <stddef.h>
#include <stdint.h>


/* a label of a sample; the value is escaped when it is written */
struct faas_label {
    const char  *name;
    const char  *value;
    size_t       len;       /* bytes of value */
};


/* what stands before the value */
struct faas_sample {
    const char               *name;     /* the family's */
    const char               *suffix;   /* "", "_bucket", "_sum", "_count" */
    const struct faas_label  *labels;
    size_t                    n;        /* of labels */
};


/*
 * "# HELP NAME help\n# TYPE NAME type\n"
 */
size_t faas_expo_family(char *dst, size_t size, const char *name,
    const char *help, const char *type);

/*
 * "NAMEsuffix{label="value",...} value\n"
 */
size_t faas_expo_uint(char *dst, size_t size,
    const struct faas_sample *sample, uint64_t value);

/*
 * The same with a value in seconds, to the microsecond.
 */
size_t faas_expo_seconds(char *dst, size_t size,
    const struct faas_sample *sample, uint64_t usec);


#endif /* FAAS_EXPO_H */

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The traceparent header of W3C Trace Context
 * (https://www.w3.org/TR/trace-context/, 3.2):
 *
 *   00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
 *   version-trace id-parent id-flags, lower-case hex
 */

#ifndef FAAS_TRACE_H
#define FAAS_TRACE_H

#include <stddef.h>
#include <stdint.h>


#define FAAS_TRACE_LEN      55      /* bytes of one of version 00 */
#define FAAS_TRACE_MAX      255     /* bytes of one of a later version */
#define FAAS_TRACE_ID       3       /* where the trace id begins */
#define FAAS_TRACE_ID_LEN   32


/*
 * True where LEN bytes are a traceparent that may be passed on: of version
 * 00, or of a later one (not ff) that begins the same way; neither id is zero.
 */
int faas_trace_is_valid(const char *s, size_t len);

/*
 * Writes a traceparent of version 00 with the flag "sampled", for a trace
 * that begins here, to dst, which has FAAS_TRACE_LEN bytes; no zero is added.
 * id has FAAS_TRACE_ID_LEN digits, not all zero; parent must not be 0.
 */
void faas_trace_encode(const char *id, uint64_t parent, char *dst);


#endif /* FAAS_TRACE_H */

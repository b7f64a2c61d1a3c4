/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The traceparent header of W3C Trace Context.
 */

#include "faas_trace.h"

#include <string.h>

#include "faas_hex.h"


#define PARENT_ID      36
#define PARENT_ID_LEN  16
#define FLAGS          53


static int is_hex(const char *s, size_t len);
static int is_zero(const char *s, size_t len);


int
faas_trace_is_valid(const char *s, size_t len)
{
    if (len < FAAS_TRACE_LEN || len > FAAS_TRACE_MAX || !is_hex(s, 2)
        || memcmp(s, "ff", 2) == 0)
    {
        return 0;
    }

    if (len != FAAS_TRACE_LEN
        && (memcmp(s, "00", 2) == 0 || s[FAAS_TRACE_LEN] != '-'))
    {
        return 0;
    }

    return s[FAAS_TRACE_ID - 1] == '-' && s[PARENT_ID - 1] == '-'
           && s[FLAGS - 1] == '-'
           && is_hex(s + FAAS_TRACE_ID, FAAS_TRACE_ID_LEN)
           && is_hex(s + PARENT_ID, PARENT_ID_LEN)
           && is_hex(s + FLAGS, 2)
           && !is_zero(s + FAAS_TRACE_ID, FAAS_TRACE_ID_LEN)
           && !is_zero(s + PARENT_ID, PARENT_ID_LEN);
}


void
faas_trace_encode(const char *id, uint64_t parent, char *dst)
{
    static const char  head[3] = { '0', '0', '-' };
    static const char  tail[3] = { '-', '0', '1' };

    memcpy(dst, head, sizeof(head));
    memcpy(dst + FAAS_TRACE_ID, id, FAAS_TRACE_ID_LEN);

    dst += PARENT_ID - 1;
    *dst++ = '-';
    dst = faas_hex_encode(dst, (uint32_t) (parent >> 32));
    dst = faas_hex_encode(dst, (uint32_t) parent);
    memcpy(dst, tail, sizeof(tail));
}


static int
is_hex(const char *s, size_t len)
{
    size_t  i;

    for (i = 0; i < len; i++) {
        if ((s[i] < '0' || s[i] > '9') && (s[i] < 'a' || s[i] > 'f')) {
            return 0;
        }
    }

    return 1;
}


static int
is_zero(const char *s, size_t len)
{
    size_t  i;

    for (i = 0; i < len; i++) {
        if (s[i] != '0') {
            return 0;
        }
    }

    return 1;
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A growing byte buffer with a maximum.
 */

#include "faas_buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


#define BUF_FIRST_SIZE  256  /* bytes */


void
faas_buf_init(struct faas_buf *buf, size_t max)
{
    memset(buf, 0, sizeof(*buf));
    buf->max = max;
}


void
faas_buf_done(struct faas_buf *buf)
{
    free(buf->data);
    faas_buf_init(buf, buf->max);
}


void
faas_buf_reset(struct faas_buf *buf)
{
    buf->len = 0;
    buf->is_failed = 0;
}


int
faas_buf_reserve(struct faas_buf *buf, size_t len)
{
    char    *data;
    size_t   size;

    if (buf->is_failed || len > buf->max - buf->len) {
        buf->is_failed = 1;
        return -1;
    }

    if (buf->size > buf->len + len) {
        return 0;
    }

    size = buf->size != 0 ? buf->size : BUF_FIRST_SIZE;

    while (size <= buf->len + len) {
        if (size > ((size_t) -1) / 2) {
            buf->is_failed = 1;
            return -1;
        }

        size *= 2;
    }

    data = realloc(buf->data, size);
    if (data == NULL) {
        buf->is_failed = 1;
        return -1;
    }

    buf->data = data;
    buf->size = size;

    return 0;
}


int
faas_buf_add(struct faas_buf *buf, const void *data, size_t len)
{
    if (faas_buf_reserve(buf, len) != 0) {
        return -1;
    }

    if (len != 0) {
        memcpy(buf->data + buf->len, data, len);
        buf->len += len;
    }

    buf->data[buf->len] = '\0';

    return 0;
}


int
faas_buf_puts(struct faas_buf *buf, const char *s)
{
    return faas_buf_add(buf, s, strlen(s));
}


int
faas_buf_printf(struct faas_buf *buf, const char *fmt, ...)
{
    int      len;
    va_list  args;

    va_start(args, fmt);
    len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);

    if (len < 0) {
        buf->is_failed = 1;
        return -1;
    }

    if (faas_buf_reserve(buf, (size_t) len) != 0) {
        return -1;
    }

    va_start(args, fmt);
    (void) vsnprintf(buf->data + buf->len, (size_t) len + 1, fmt, args);
    va_end(args);

    buf->len += (size_t) len;

    return 0;
}


void
faas_buf_consume(struct faas_buf *buf, size_t len)
{
    if (len >= buf->len) {
        buf->len = 0;

    } else {
        memmove(buf->data, buf->data + len, buf->len - len);
        buf->len -= len;
    }

    if (buf->data != NULL) {
        buf->data[buf->len] = '\0';
    }
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Buffers of one fixed size, and a writer of texts.
 */

#include "iobuf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>


void
wd_pool_init(struct wd_pool *pool, size_t size)
{
    memset(pool, 0, sizeof(*pool));
    pool->size = size;
}


void
wd_pool_done(struct wd_pool *pool)
{
    void  *next;

    while (pool->free != NULL) {
        memcpy(&next, pool->free, sizeof(next));
        free(pool->free);
        pool->free = next;
    }

    pool->n_free = 0;
}


int
wd_iobuf_get(struct wd_pool *pool, struct wd_iobuf *buf)
{
    if (buf->data != NULL) {
        return 0;
    }

    if (pool->free != NULL) {
        buf->data = pool->free;
        memcpy(&pool->free, buf->data, sizeof(pool->free));
        pool->n_free--;

    } else {
        buf->data = malloc(pool->size);
        if (buf->data == NULL) {
            return -1;
        }
    }

    buf->start = 0;
    buf->end = 0;
    buf->size = pool->size;

    return 0;
}


void
wd_iobuf_put(struct wd_pool *pool, struct wd_iobuf *buf)
{
    if (buf->data == NULL) {
        return;
    }

    if (pool->n_free < WD_POOL_KEEP) {
        memcpy(buf->data, &pool->free, sizeof(pool->free));
        pool->free = buf->data;
        pool->n_free++;

    } else {
        free(buf->data);
    }

    memset(buf, 0, sizeof(*buf));
}


void
wd_iobuf_pack(struct wd_iobuf *buf)
{
    if (buf->start == 0) {
        return;
    }

    memmove(buf->data, buf->data + buf->start, buf->end - buf->start);
    buf->end -= buf->start;
    buf->start = 0;
}


void
wd_text_init(struct wd_text *text, char *s, size_t size)
{
    text->s = s;
    text->len = 0;
    text->size = size;
    text->is_full = 0;
}


void
wd_text_add(struct wd_text *text, const char *s, size_t len)
{
    if (text->is_full || len > text->size - text->len) {
        text->is_full = 1;
        return;
    }

    if (len != 0) {
        memcpy(text->s + text->len, s, len);
        text->len += len;
    }
}


void
wd_text_puts(struct wd_text *text, const char *s)
{
    wd_text_add(text, s, strlen(s));
}


void
wd_text_printf(struct wd_text *text, const char *fmt, ...)
{
    int      n;
    size_t   room;
    va_list  args;

    if (text->is_full) {
        return;
    }

    room = text->size - text->len;

    va_start(args, fmt);
    n = vsnprintf(text->s + text->len, room, fmt, args);
    va_end(args);

    /* the terminating zero has to fit, though nobody wants it */

    if (n < 0 || (size_t) n >= room) {
        text->is_full = 1;
        return;
    }

    text->len += (size_t) n;
}

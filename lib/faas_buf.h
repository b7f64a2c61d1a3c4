/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A growing byte buffer that has a maximum from the start: what it holds came
 * from somebody else, and memory is not theirs to take.
 *
 * Once an append fails (over the maximum, or no memory) the buffer is failed
 * and refuses all that follows, so that a caller may append many times and
 * ask once.
 */

#ifndef FAAS_BUF_H
#define FAAS_BUF_H

#include <stddef.h>


struct faas_buf {
    char    *data;          /* owned; data[len] is always 0 once allocated */
    size_t   len;           /* bytes */
    size_t   size;          /* bytes allocated */
    size_t   max;           /* len never exceeds it */
    int      is_failed;
};


/*
 * Makes an empty buffer that will hold at most max bytes.  Allocates nothing.
 */
void faas_buf_init(struct faas_buf *buf, size_t max);

/*
 * Frees the memory; the buffer is then as after faas_buf_init().
 */
void faas_buf_done(struct faas_buf *buf);

/*
 * Forgets the contents and the failed state, and keeps the memory.
 */
void faas_buf_reset(struct faas_buf *buf);

/*
 * Makes room for len more bytes behind data + len.  Returns 0 or -1.
 */
int faas_buf_reserve(struct faas_buf *buf, size_t len);

/*
 * Each appends and returns 0, or returns -1 and fails the buffer.
 */
int faas_buf_add(struct faas_buf *buf, const void *data, size_t len);
int faas_buf_puts(struct faas_buf *buf, const char *s);
int faas_buf_printf(struct faas_buf *buf, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * Removes len bytes (at most all) from the front.
 */
void faas_buf_consume(struct faas_buf *buf, size_t len);


#endif /* FAAS_BUF_H */

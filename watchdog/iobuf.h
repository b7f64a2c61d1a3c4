/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Buffers of one fixed size, which connections take while bytes are in them
 * and give back when they are empty; and a writer of texts into such memory.
 */

#ifndef FAAS_WD_IOBUF_H
#define FAAS_WD_IOBUF_H

#include <stddef.h>
#include <stdint.h>


#define WD_POOL_KEEP  64        /* free buffers kept; more go back to libc */


struct wd_pool {
    void    *free;              /* owned; linked through their first bytes */
    size_t   size;              /* bytes of each */
    size_t   n_free;
};


struct wd_iobuf {
    char    *data;              /* owned; NULL: none is held */
    size_t   start;             /* first byte that is in use */
    size_t   end;               /* behind the last one */
    size_t   size;
};


/*
 * A place to write to; once something does not fit, nothing more does, and
 * is_full says so.
 */
struct wd_text {
    char    *s;
    size_t   len;
    size_t   size;
    int      is_full;
};


void wd_pool_init(struct wd_pool *pool, size_t size);
void wd_pool_done(struct wd_pool *pool);

/*
 * Makes sure that memory is held.  Returns 0, or -1 without memory.
 */
int wd_iobuf_get(struct wd_pool *pool, struct wd_iobuf *buf);

/*
 * Gives the memory back, with what is in it.
 */
void wd_iobuf_put(struct wd_pool *pool, struct wd_iobuf *buf);

/*
 * Moves what is in use to the front.
 */
void wd_iobuf_pack(struct wd_iobuf *buf);

void wd_text_init(struct wd_text *text, char *s, size_t size);
void wd_text_add(struct wd_text *text, const char *s, size_t len);
void wd_text_puts(struct wd_text *text, const char *s);
void wd_text_printf(struct wd_text *text, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));


#endif /* FAAS_WD_IOBUF_H */

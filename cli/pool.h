/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Memory that lives as long as the command does: one call frees all of it.  A
 * command line tool has nothing to save when there is no memory left, so none
 * of these fails: they end the program with a message.
 *
 * What is asked for in all is bounded by POOL_MAX, as what is kept here came
 * from files and answers of others.
 */

#ifndef FAAS_CLI_POOL_H
#define FAAS_CLI_POOL_H

#include <stddef.h>


#define POOL_MAX  ((size_t) 512 << 20)      /* bytes of a program */


struct pool_block;

struct pool {
    struct pool_block  *blocks;             /* owned; the newest first */
    size_t              total;              /* bytes allocated */
};

/* a list of texts, which are the pool's or longer-lived */
struct texts {
    const char  **at;
    size_t        n;
    size_t        size;                     /* room, in elements */
};


/*
 * Zeroed memory for any type.
 */
void *pool_alloc(struct pool *pool, size_t size);

/*
 * A copy of len bytes with a zero behind it; of a text; a formatted text.
 */
char *pool_copy(struct pool *pool, const char *s, size_t len);
char *pool_text(struct pool *pool, const char *s);
char *pool_printf(struct pool *pool, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * A larger array in the place of one of n elements of so many bytes each;
 * *room is doubled.
 */
void *pool_grow(struct pool *pool, const void *array, size_t n, size_t *room,
    size_t element);

/*
 * Frees everything.
 */
void pool_done(struct pool *pool);

/*
 * Appends a text, which is not copied.
 */
void texts_add(struct pool *pool, struct texts *texts, const char *s);

/*
 * Whether a text is in the list.
 */
int texts_have(const struct texts *texts, const char *s);

/*
 * Whether a text is one of an array that a NULL ends.
 */
int texts_is_one(const char *const *list, const char *s);

/*
 * Sorts by bytes.
 */
void texts_sort(struct texts *texts);

/*
 * All of them, with this between two.
 */
char *texts_join(struct pool *pool, const struct texts *texts,
    const char *between);


#endif /* FAAS_CLI_POOL_H */

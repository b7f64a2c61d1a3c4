/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Memory that lives as long as the command does.
 */

#include "pool.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>


#define BLOCK      8192                     /* bytes of a usual block */
#define ALIGN      sizeof(max_align_t)
#define FIRST_ROOM 8                        /* elements */


struct pool_block {
    struct pool_block  *next;
    size_t              used;
    size_t              size;
    max_align_t         data[];
};


static struct pool_block *new_block(struct pool *pool, size_t size);
static void no_memory(void) __attribute__((noreturn));
static int compare(const void *a, const void *b);


void *
pool_alloc(struct pool *pool, size_t size)
{
    void               *p;
    struct pool_block  *block;

    if (size > POOL_MAX) {
        no_memory();
    }

    size = (size + ALIGN - 1) / ALIGN * ALIGN;
    block = pool->blocks;

    if (block == NULL || size > block->size - block->used) {
        block = new_block(pool, size > BLOCK ? size : BLOCK);
    }

    p = (char *) block->data + block->used;
    block->used += size;

    return p;
}


char *
pool_copy(struct pool *pool, const char *s, size_t len)
{
    char  *copy;

    copy = pool_alloc(pool, len + 1);

    if (len != 0) {
        memcpy(copy, s, len);
    }

    return copy;
}


char *
pool_text(struct pool *pool, const char *s)
{
    return pool_copy(pool, s, strlen(s));
}


char *
pool_printf(struct pool *pool, const char *fmt, ...)
{
    int       len;
    char     *text;
    va_list   args;

    va_start(args, fmt);
    len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);

    if (len < 0) {
        no_memory();
    }

    text = pool_alloc(pool, (size_t) len + 1);

    va_start(args, fmt);
    (void) vsnprintf(text, (size_t) len + 1, fmt, args);
    va_end(args);

    return text;
}


void *
pool_grow(struct pool *pool, const void *array, size_t n, size_t *room,
    size_t element)
{
    void  *larger;

    *room = *room != 0 ? *room * 2 : FIRST_ROOM;

    if (*room > POOL_MAX / element) {
        no_memory();
    }

    larger = pool_alloc(pool, *room * element);

    if (n != 0) {
        memcpy(larger, array, n * element);
    }

    return larger;
}


void
pool_done(struct pool *pool)
{
    struct pool_block  *block;

    while (pool->blocks != NULL) {
        block = pool->blocks;
        pool->blocks = block->next;
        free(block);
    }

    pool->total = 0;
}


void
texts_add(struct pool *pool, struct texts *texts, const char *s)
{
    if (texts->n == texts->size) {
        texts->at = pool_grow(pool, texts->at, texts->n, &texts->size,
                              sizeof(texts->at[0]));
    }

    texts->at[texts->n++] = s;
}


int
texts_have(const struct texts *texts, const char *s)
{
    size_t  i;

    for (i = 0; i < texts->n; i++) {
        if (strcmp(texts->at[i], s) == 0) {
            return 1;
        }
    }

    return 0;
}


int
texts_is_one(const char *const *list, const char *s)
{
    for ( /* void */ ; *list != NULL; list++) {
        if (strcmp(*list, s) == 0) {
            return 1;
        }
    }

    return 0;
}


void
texts_sort(struct texts *texts)
{
    if (texts->n > 1) {
        qsort(texts->at, texts->n, sizeof(texts->at[0]), compare);
    }
}


char *
texts_join(struct pool *pool, const struct texts *texts, const char *between)
{
    char    *text, *p;
    size_t   i, len, gap;

    gap = strlen(between);
    len = 1;

    for (i = 0; i < texts->n; i++) {
        len += strlen(texts->at[i]) + gap;
    }

    text = pool_alloc(pool, len);
    p = text;

    for (i = 0; i < texts->n; i++) {

        if (i != 0) {
            memcpy(p, between, gap);
            p += gap;
        }

        len = strlen(texts->at[i]);
        memcpy(p, texts->at[i], len);
        p += len;
    }

    return text;
}


static struct pool_block *
new_block(struct pool *pool, size_t size)
{
    struct pool_block  *block;

    if (size > POOL_MAX - pool->total) {
        no_memory();
    }

    block = calloc(1, sizeof(struct pool_block) + size);

    if (block == NULL) {
        no_memory();
    }

    block->size = size;
    block->next = pool->blocks;
    pool->blocks = block;
    pool->total += size;

    return block;
}


static void
no_memory(void)
{
    static const char  text[] = "faas: out of memory, or of the 512 MiB that "
                                "it takes at the most\n";

    /* there is nobody left to tell if this fails as well */
    (void) !write(STDERR_FILENO, text, sizeof(text) - 1);
    _exit(1);
}


static int
compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *) a, *(const char *const *) b);
}

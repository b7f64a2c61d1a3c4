
/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The index of functions: from a key to the number of its record, in a hash
 * table with open addressing.  Readers take no lock; the locking is described
 * in ngx_http_faas_shm.h.
 */


#include "ngx_http_faas.h"


/* how often a reader looks again when a writer is in its way; for so long it
 * waits for one that runs, then lets run one that does not */
#define NGX_HTTP_FAAS_READ_TRIES  64
#define NGX_HTTP_FAAS_READ_SPINS  16

/* slots of a new table */
#define NGX_HTTP_FAAS_INDEX_MIN   1024


typedef struct {
    ngx_http_faas_slot_t  *slot;
    uint32_t               mask;
} ngx_http_faas_index_t;


static void ngx_http_faas_index_rebuild_locked(ngx_http_faas_shm_t *sh);
static void ngx_http_faas_index_get(ngx_http_faas_shm_t *sh,
    ngx_http_faas_index_t *index);
static ngx_int_t ngx_http_faas_fn_is(ngx_http_faas_fn_t *fn, const u_char *key,
    size_t len, uint64_t *seq);


void
ngx_http_faas_fn_prefetch(ngx_http_faas_shm_t *sh, ngx_uint_t lane,
    uint32_t hash)
{
    uint32_t               i, fn;
    ngx_http_faas_index_t  index;

    ngx_http_faas_index_get(sh, &index);

    for (i = hash & index.mask;
         index.slot[i].hash != hash;
         i = (i + 1) & index.mask)
    {
        if (index.slot[i].hash == 0) {
            return;
        }
    }

    fn = index.slot[i].fn - 1;

    if (fn >= sh->fns) {
        return;
    }

    __builtin_prefetch(&sh->fn[fn]);
    __builtin_prefetch(sh->fn[fn].rep);
    __builtin_prefetch(sh->fn[fn].code);
    __builtin_prefetch(ngx_http_faas_stat(sh, lane, fn), 1);
}


uint32_t
ngx_http_faas_fn_find(ngx_http_faas_shm_t *sh, const u_char *key, size_t len,
    uint32_t hash, uint64_t *seq)
{
    uint32_t               i, n, fn;
    uint64_t               rev;
    ngx_uint_t             tries;
    ngx_http_faas_slot_t  *slot;
    ngx_http_faas_index_t  index;

    for (tries = 0; tries < NGX_HTTP_FAAS_READ_TRIES; tries++) {

        rev = ngx_http_faas_load(&sh->h->rev);
        ngx_http_faas_index_get(sh, &index);

        for (i = hash & index.mask, n = 0;
             n <= index.mask;
             i = (i + 1) & index.mask, n++)
        {
            slot = &index.slot[i];

            if (ngx_http_faas_load(&slot->hash) == 0) {
                break;
            }

            if (slot->hash != hash) {
                continue;
            }

            fn = ngx_http_faas_load(&slot->fn) - 1;

            if (fn < sh->fns
                && ngx_http_faas_fn_is(&sh->fn[fn], key, len, seq))
            {
                return fn;
            }
        }

        /* not there, unless something was changed meanwhile */

        if (ngx_http_faas_load(&sh->h->rev) == rev) {
            break;
        }

        ngx_cpu_pause();
    }

    return NGX_HTTP_FAAS_NONE;
}


uint32_t
ngx_http_faas_fn_find_locked(ngx_http_faas_shm_t *sh, const u_char *key,
    size_t len, uint32_t hash)
{
    uint32_t               i, fn;
    ngx_http_faas_index_t  index;

    ngx_http_faas_index_get(sh, &index);

    for (i = hash & index.mask;
         index.slot[i].hash != 0;
         i = (i + 1) & index.mask)
    {
        fn = index.slot[i].fn - 1;

        if (index.slot[i].hash == hash && fn < sh->fns
            && sh->fn[fn].len == len
            && ngx_memcmp(sh->fn[fn].key, key, len) == 0)
        {
            return fn;
        }
    }

    return NGX_HTTP_FAAS_NONE;
}


void
ngx_http_faas_index_add_locked(ngx_http_faas_shm_t *sh, uint32_t hash,
    uint32_t fn)
{
    uint32_t               i;
    ngx_http_faas_index_t  index;

    ngx_http_faas_index_get(sh, &index);

    /* what is not used by functions is used by removed ones' marks */

    if (sh->h->index_used >= (index.mask + 1) / 4 * 3) {
        ngx_http_faas_index_rebuild_locked(sh);
        ngx_http_faas_index_get(sh, &index);
    }

    for (i = hash & index.mask;
         index.slot[i].hash != 0;
         i = (i + 1) & index.mask)
    {
        /* void */
    }

    /* a slot is never used again before the table is rebuilt */

    ngx_http_faas_store(&index.slot[i].fn, fn + 1);
    ngx_http_faas_store(&index.slot[i].hash, hash);
    sh->h->index_used++;
}


void
ngx_http_faas_index_delete_locked(ngx_http_faas_shm_t *sh, uint32_t hash,
    uint32_t fn)
{
    uint32_t               i;
    ngx_http_faas_index_t  index;

    ngx_http_faas_index_get(sh, &index);

    for (i = hash & index.mask;
         index.slot[i].hash != 0;
         i = (i + 1) & index.mask)
    {
        if (index.slot[i].hash == hash && index.slot[i].fn == fn + 1) {
            ngx_http_faas_store(&index.slot[i].fn, NGX_HTTP_FAAS_NONE);
            return;
        }
    }
}


uint32_t
ngx_http_faas_index_first(ngx_http_faas_shm_t *sh)
{
    return ngx_min(NGX_HTTP_FAAS_INDEX_MIN, sh->index_size);
}


/*
 * Into the other table, without the marks.  It has twice as many slots as are
 * used, at the least, where there is room for that; and not many more, so
 * that what is looked up often fits into the processor's caches.
 */

static void
ngx_http_faas_index_rebuild_locked(ngx_http_faas_shm_t *sh)
{
    uint32_t               i, j, size, used;
    ngx_http_faas_slot_t  *to;
    ngx_http_faas_index_t  from;

    ngx_http_faas_index_get(sh, &from);

    used = 0;

    for (i = 0; i <= from.mask; i++) {
        used += from.slot[i].hash != 0
                && from.slot[i].fn != NGX_HTTP_FAAS_NONE;
    }

    size = ngx_http_faas_index_first(sh);

    while (size < 2 * used && size < sh->index_size) {
        size *= 2;
    }

    to = sh->slot[!(sh->h->index & 1)];

    ngx_memzero(to, size * sizeof(ngx_http_faas_slot_t));

    for (i = 0; i <= from.mask; i++) {

        if (from.slot[i].hash == 0
            || from.slot[i].fn == NGX_HTTP_FAAS_NONE)
        {
            continue;
        }

        for (j = from.slot[i].hash & (size - 1);
             to[j].hash != 0;
             j = (j + 1) & (size - 1))
        {
            /* void */
        }

        to[j] = from.slot[i];
    }

    sh->h->index_used = used;
    ngx_http_faas_store(&sh->h->index, size | !(sh->h->index & 1));
}


static void
ngx_http_faas_index_get(ngx_http_faas_shm_t *sh, ngx_http_faas_index_t *index)
{
    uint32_t  word;

    word = ngx_http_faas_load(&sh->h->index);

    index->slot = sh->slot[word & 1];
    index->mask = (word & ~(uint32_t) 1) - 1;
}


/*
 * Whether a record is the live function of this key.  While a writer is stuck
 * half-way (stopped, or killed) it is what it seems to be: then seq is odd, no
 * replica can be picked, and the call waits.
 */

static ngx_int_t
ngx_http_faas_fn_is(ngx_http_faas_fn_t *fn, const u_char *key, size_t len,
    uint64_t *seq)
{
    uint64_t    before;
    ngx_int_t   is;
    ngx_uint_t  tries;

    for (tries = 0; tries < NGX_HTTP_FAAS_READ_TRIES; tries++) {

        before = ngx_http_faas_load(&fn->seq);

        if ((before & 1) && tries < NGX_HTTP_FAAS_READ_TRIES - 1) {

            if (tries < NGX_HTTP_FAAS_READ_SPINS) {
                ngx_cpu_pause();

            } else {
                ngx_sched_yield();
            }

            continue;
        }

        is = fn->state == NGX_HTTP_FAAS_FN_LIVE && fn->len == len
             && ngx_memcmp(fn->key, key, len) == 0;

        __atomic_thread_fence(__ATOMIC_ACQUIRE);

        if (ngx_http_faas_load(&fn->seq) == before) {
            *seq = before;
            return is;
        }
    }

    return 0;
}


/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The index of functions: from a key to the number of its record, in a hash
 * table with open addressing.  Readers take no lock; the locking is described
 * in ngx_http_faas_shm.h.
 */


#include "ngx_http_faas.h"

#include "lib/faas_hash.h"


/* how often a reader looks again when a writer is in its way */
#define NGX_HTTP_FAAS_READ_TRIES  64


static void ngx_http_faas_index_rebuild_locked(ngx_http_faas_shm_t *sh);
static ngx_int_t ngx_http_faas_fn_is(ngx_http_faas_fn_t *fn, const u_char *key,
    size_t len, uint64_t *seq);


uint32_t
ngx_http_faas_fn_find(ngx_http_faas_shm_t *sh, ngx_uint_t lane,
    const u_char *key, size_t len, uint64_t *seq)
{
    uint32_t               i, n, fn, hash, mask;
    uint64_t               rev;
    ngx_uint_t             tries;
    ngx_http_faas_slot_t  *slot;

    hash = faas_hash((const char *) key, len);
    mask = sh->index_size - 1;

    for (tries = 0; tries < NGX_HTTP_FAAS_READ_TRIES; tries++) {

        rev = ngx_http_faas_load(&sh->h->rev);
        slot = sh->slot[ngx_http_faas_load(&sh->h->index) & 1];

        for (i = hash & mask, n = 0; n <= mask; i = (i + 1) & mask, n++) {

            if (ngx_http_faas_load(&slot[i].hash) == 0) {
                break;
            }

            if (slot[i].hash != hash) {
                continue;
            }

            fn = ngx_http_faas_load(&slot[i].fn) - 1;

            if (fn >= sh->fns) {
                continue;
            }

            /*
             * With many functions none of it is in the cache, and one miss
             * after the other is what a call waits for most
             */

            __builtin_prefetch(ngx_http_faas_stat(sh, lane, fn), 1);
            __builtin_prefetch(sh->fn[fn].rep);
            __builtin_prefetch(sh->fn[fn].code);

            if (ngx_http_faas_fn_is(&sh->fn[fn], key, len, seq)) {
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
    uint32_t               i, fn, mask;
    ngx_http_faas_slot_t  *slot;

    slot = sh->slot[sh->h->index];
    mask = sh->index_size - 1;

    for (i = hash & mask; slot[i].hash != 0; i = (i + 1) & mask) {

        fn = slot[i].fn - 1;

        if (slot[i].hash == hash && fn < sh->fns && sh->fn[fn].len == len
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
    uint32_t               i, mask;
    ngx_http_faas_slot_t  *slot;

    /* what is not used by functions is used by removed ones' marks */

    if (sh->h->index_used >= sh->index_size / 4 * 3) {
        ngx_http_faas_index_rebuild_locked(sh);
    }

    slot = sh->slot[sh->h->index];
    mask = sh->index_size - 1;

    for (i = hash & mask; slot[i].hash != 0; i = (i + 1) & mask) {
        /* void */
    }

    /* a slot is never used again before the table is rebuilt */

    ngx_http_faas_store(&slot[i].fn, fn + 1);
    ngx_http_faas_store(&slot[i].hash, hash);
    sh->h->index_used++;
}


void
ngx_http_faas_index_delete_locked(ngx_http_faas_shm_t *sh, uint32_t hash,
    uint32_t fn)
{
    uint32_t               i, mask;
    ngx_http_faas_slot_t  *slot;

    slot = sh->slot[sh->h->index];
    mask = sh->index_size - 1;

    for (i = hash & mask; slot[i].hash != 0; i = (i + 1) & mask) {
        if (slot[i].hash == hash && slot[i].fn == fn + 1) {
            ngx_http_faas_store(&slot[i].fn, NGX_HTTP_FAAS_NONE);
            return;
        }
    }
}


static void
ngx_http_faas_index_rebuild_locked(ngx_http_faas_shm_t *sh)
{
    uint32_t               i, j, mask, used;
    ngx_http_faas_slot_t  *from, *to;

    from = sh->slot[sh->h->index];
    to = sh->slot[!sh->h->index];
    mask = sh->index_size - 1;
    used = 0;

    ngx_memzero(to, sh->index_size * sizeof(ngx_http_faas_slot_t));

    for (i = 0; i <= mask; i++) {

        if (from[i].hash == 0 || from[i].fn == NGX_HTTP_FAAS_NONE) {
            continue;
        }

        for (j = from[i].hash & mask; to[j].hash != 0; j = (j + 1) & mask) {
            /* void */
        }

        to[j] = from[i];
        used++;
    }

    sh->h->index_used = used;
    ngx_http_faas_store(&sh->h->index, !sh->h->index);
}


/*
 * Whether a record is the live function of this key.
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

        if (before & 1) {
            ngx_cpu_pause();
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

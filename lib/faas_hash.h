/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A keyed-less 32-bit hash (FNV-1a, with a final mix) for the function index.
 * Keys come from the scaler, not from clients, so collisions cannot be chosen
 * by an attacker to slow inserts; look-ups are bounded by the table's load.
 */

#ifndef FAAS_HASH_H
#define FAAS_HASH_H

#include <stddef.h>
#include <stdint.h>


/*
 * Hashes len bytes.  Never returns 0, which tables use for "empty".
 */
static inline uint32_t
faas_hash(const char *s, size_t len)
{
    size_t    i;
    uint32_t  h;

    h = 2166136261U;

    for (i = 0; i < len; i++) {
        h ^= (unsigned char) s[i];
        h *= 16777619U;
    }

    h ^= h >> 16;
    h *= 0x85ebca6bU;
    h ^= h >> 13;

    return h != 0 ? h : 1;
}


#endif /* FAAS_HASH_H */

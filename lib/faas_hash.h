/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A 32-bit hash without a key for the function index: eight bytes at a time,
 * multiplied and mixed (the constants are those of MurmurHash3's mixer).  Keys
 * come from the scaler, not from clients, so collisions cannot be chosen
 * by an attacker to slow inserts; look-ups are bounded by the table's load.
 */

#ifndef FAAS_HASH_H
#define FAAS_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>


/*
 * Hashes len bytes.  Never returns 0, which tables use for "empty".
 */
static inline uint32_t
faas_hash(const char *s, size_t len)
{
    uint64_t  h, word;
    uint32_t  hash;

    h = len;

    for ( /* void */ ; len >= 8; len -= 8, s += 8) {
        memcpy(&word, s, 8);
        h = (h ^ word) * 0xff51afd7ed558ccdULL;
        h ^= h >> 32;
    }

    for (word = 0; len > 0; len--) {
        word = word << 8 | (unsigned char) *s++;
    }

    h = (h ^ word) * 0xc4ceb9fe1a85ec53ULL;
    hash = (uint32_t) (h >> 32) ^ (uint32_t) h;

    return hash != 0 ? hash : 1;
}


#endif /* FAAS_HASH_H */

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Numbers as lower-case hexadecimal digits.
 */

#ifndef FAAS_HEX_H
#define FAAS_HEX_H

#include <stdint.h>
#include <string.h>


/*
 * Writes eight digits; returns what follows them.
 *
 * The nibbles are spread over the bytes of one word, and all are made into
 * digits at once: 6 added to a nibble carries into the next bit if it is a
 * letter, and letters are 0x27 further on than digits.  Each call of a
 * function needs a hundred digits.
 */
static inline char *
faas_hex_encode(char *dst, uint32_t bits)
{
    uint64_t  v, letters;

    v = bits;
    v = (v << 16 | v) & 0x0000ffff0000ffffULL;
    v = (v << 8 | v) & 0x00ff00ff00ff00ffULL;
    v = (v << 4 | v) & 0x0f0f0f0f0f0f0f0fULL;

    letters = ((v + 0x0606060606060606ULL) >> 4) & 0x0101010101010101ULL;
    v += 0x3030303030303030ULL + letters * 0x27;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    v = __builtin_bswap64(v);
#endif

    memcpy(dst, &v, 8);

    return dst + 8;
}


#endif /* FAAS_HEX_H */

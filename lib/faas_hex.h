/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Numbers as lower-case hexadecimal digits.
 */

#ifndef FAAS_HEX_H
#define FAAS_HEX_H

#include <stdint.h>


/*
 * Writes the last digits of a number; returns what follows them.
 */
static inline char *
faas_hex_encode(char *dst, uint64_t bits, int digits)
{
    int                i;
    static const char  hex[] = "0123456789abcdef";

    for (i = digits - 1; i >= 0; i--) {
        dst[i] = hex[bits & 15];
        bits >>= 4;
    }

    return dst + digits;
}


#endif /* FAAS_HEX_H */

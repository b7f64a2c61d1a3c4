/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Random identifiers.
 */

#include "faas_uuid.h"

#include <sys/random.h>

#include "faas_hex.h"


int
faas_random_seed(struct faas_random *random)
{
    ssize_t  n;

    n = getrandom(random->state, sizeof(random->state), 0);

    /* a state of zeros would stay so */
    random->state[0] |= 1;

    return n == (ssize_t) sizeof(random->state) ? 0 : -1;
}


uint64_t
faas_random_next(struct faas_random *random)
{
    uint64_t  a, b;

    a = random->state[0];
    b = random->state[1];

    random->state[0] = b;
    a ^= a << 23;
    random->state[1] = a ^ b ^ (a >> 17) ^ (b >> 26);

    return random->state[1] + b;
}


void
faas_uuid_encode(uint64_t high, uint64_t low, char *dst)
{
    high = (high & ~0xf000ULL) | 0x4000ULL;
    low = (low & ~(0xc0ULL << 56)) | (0x80ULL << 56);

    dst = faas_hex_encode(dst, high >> 32, 8);
    *dst++ = '-';
    dst = faas_hex_encode(dst, high >> 16, 4);
    *dst++ = '-';
    dst = faas_hex_encode(dst, high, 4);
    *dst++ = '-';
    dst = faas_hex_encode(dst, low >> 48, 4);
    *dst++ = '-';
    dst = faas_hex_encode(dst, low, 12);
    *dst = '\0';
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Random identifiers.
 */

#include "faas_uuid.h"

#include <string.h>
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
faas_uuid_digits(uint64_t high, uint64_t low, char *dst)
{
    high = (high & ~0xf000ULL) | 0x4000ULL;
    low = (low & ~(0xc0ULL << 56)) | (0x80ULL << 56);

    dst = faas_hex_encode(dst, (uint32_t) (high >> 32));
    dst = faas_hex_encode(dst, (uint32_t) high);
    dst = faas_hex_encode(dst, (uint32_t) (low >> 32));
    (void) faas_hex_encode(dst, (uint32_t) low);
}


void
faas_uuid_format(const char *digits, char *dst)
{
    memcpy(dst, digits, 8);
    dst[8] = '-';
    memcpy(dst + 9, digits + 8, 4);
    dst[13] = '-';
    memcpy(dst + 14, digits + 12, 4);
    dst[18] = '-';
    memcpy(dst + 19, digits + 16, 4);
    dst[23] = '-';
    memcpy(dst + 24, digits + 20, 12);
}


void
faas_uuid_encode(uint64_t high, uint64_t low, char *dst)
{
    char  digits[FAAS_UUID_DIGITS];

    faas_uuid_digits(high, low, digits);
    faas_uuid_format(digits, dst);
    dst[FAAS_UUID_LEN] = '\0';
}

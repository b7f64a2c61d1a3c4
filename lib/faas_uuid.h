/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Random identifiers: call ids, gateway ids, epochs.
 */

#ifndef FAAS_UUID_H
#define FAAS_UUID_H

#include <stdint.h>


#define FAAS_UUID_LEN     36    /* bytes of the text, without a zero */
#define FAAS_UUID_DIGITS  32    /* of them that are no dashes */


/* a source of numbers that do not repeat; no secret is made of them */
struct faas_random {
    uint64_t  state[2];
};


/*
 * Seeds from the kernel, once a process and after each fork.  Returns 0, or
 * -1 where the kernel gives nothing.
 */
int faas_random_seed(struct faas_random *random);

/*
 * The next 64 bits (xorshift128+).
 */
uint64_t faas_random_next(struct faas_random *random);

/*
 * The two steps of faas_uuid_encode(), for those who need the digits as well:
 * writes the FAAS_UUID_DIGITS digits of a version 4 UUID to dst; writes
 * digits with the dashes between, and no zero, to dst.
 */
void faas_uuid_digits(uint64_t high, uint64_t low, char *dst);
void faas_uuid_format(const char *digits, char *dst);

/*
 * Writes a version 4 UUID (RFC 9562, 5.4) made of two random 64-bit numbers
 * and a zero to dst, which has FAAS_UUID_LEN + 1 bytes.
 */
void faas_uuid_encode(uint64_t high, uint64_t low, char *dst);


#endif /* FAAS_UUID_H */

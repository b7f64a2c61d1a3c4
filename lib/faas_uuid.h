/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Random identifiers: call ids, gateway ids, epochs.
 */

#ifndef FAAS_UUID_H
#define FAAS_UUID_H

#include <stdint.h>


#define FAAS_UUID_LEN  36  /* bytes of the text, without a zero */


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
 * Writes a version 4 UUID (RFC 9562, 5.4) made of two random 64-bit numbers
 * and a zero to dst, which has FAAS_UUID_LEN + 1 bytes.
 */
void faas_uuid_encode(uint64_t high, uint64_t low, char *dst);


#endif /* FAAS_UUID_H */

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Where a callback may go: a URL is somebody's word, and what it leads to is
 * inside the operator's network.  Pure.
 */

#ifndef FAAS_QUEUE_ADDRESS_H
#define FAAS_QUEUE_ADDRESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "lib/faas_err.h"


#define ADDRESS_RANGES_MAX  64
#define ADDRESS_LEN         16      /* bytes: IPv6, or IPv4 mapped into it */


struct address_range {
    uint8_t   bytes[ADDRESS_LEN];
    unsigned  bits;                 /* of them that count */
};

/* what is allowed although it is not public */
struct address_rules {
    struct address_range  ranges[ADDRESS_RANGES_MAX];
    size_t                n;
};


/*
 * Reads IP[/BITS] with commas between; an empty text allows nothing.  Returns
 * 0 or -1.
 */
int address_parse_rules(const char *s, struct address_rules *rules,
    struct faas_err *err);

/*
 * True for an address that is public, or in one of the ranges.  IPv4 within
 * IPv6 (mapped, NAT64, 6to4) is judged by what is within.
 */
int address_is_allowed(const struct address_rules *rules,
    const struct sockaddr *sa);


#endif /* FAAS_QUEUE_ADDRESS_H */

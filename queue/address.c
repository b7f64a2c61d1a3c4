/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Where a callback may go.
 */

#include "address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "lib/faas_num.h"


#define MAPPED_BITS  96         /* of ::ffff:0:0/96 */
#define N_INNER      (sizeof(inner) / sizeof(inner[0]))


static int parse_range(const char *s, size_t len,
    struct address_range *range);
static int is_within(const uint8_t *bytes, const struct address_range *range);
static int is_local(const uint8_t *bytes);
static int is_inner(const uint8_t *bytes, uint8_t *within);


/* IPv4 as it stands in IPv6, ::ffff:0:0/96 */
#define V4(a, b, c, d, n)                                                    \
    { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d },              \
      MAPPED_BITS + (n) }

/* IPv6 by its first four bytes; the rest are zeros */
#define V6(a, b, c, d, n)  { { a, b, c, d }, n }

/*
 * What is not public: the special-purpose registries of IANA (RFC 6890).
 */
static const struct address_range  local[] = {
    V4(0, 0, 0, 0, 8),              /* unspecified, "this network" */
    V4(10, 0, 0, 0, 8),             /* private */
    V4(100, 64, 0, 0, 10),          /* shared, of providers */
    V4(127, 0, 0, 0, 8),            /* loopback */
    V4(169, 254, 0, 0, 16),         /* link-local; metadata of clouds */
    V4(172, 16, 0, 0, 12),          /* private */
    V4(192, 0, 0, 0, 24),           /* protocol assignments */
    V4(192, 0, 2, 0, 24),           /* documentation */
    V4(192, 168, 0, 0, 16),         /* private */
    V4(198, 18, 0, 0, 15),          /* benchmarks */
    V4(198, 51, 100, 0, 24),        /* documentation */
    V4(203, 0, 113, 0, 24),         /* documentation */
    V4(224, 0, 0, 0, 3),            /* multicast, reserved, broadcast */
    V6(0, 0, 0, 0, 32),             /* unspecified, loopback, reserved */
    { { 0, 0x64, 0xff, 0x9b, 0, 1 }, 48 },      /* NAT64 of one's own */
    V6(0x01, 0, 0, 0, 8),           /* discard, reserved */
    V6(0x20, 0x01, 0, 0, 23),       /* protocol assignments, Teredo */
    V6(0x20, 0x01, 0x0d, 0xb8, 32), /* documentation */
    V6(0xfc, 0, 0, 0, 7),           /* unique local */
    V6(0xfe, 0x80, 0, 0, 10),       /* link-local */
    V6(0xfe, 0xc0, 0, 0, 10),       /* site-local, of old */
    V6(0xff, 0, 0, 0, 8),           /* multicast */
};

/*
 * Prefixes behind which there is an IPv4 address.
 */
static const struct address_range  inner[] = {
    V6(0, 0, 0, 0, 96),             /* IPv4-compatible */
    V6(0, 0x64, 0xff, 0x9b, 96),    /* NAT64 */
    V6(0x20, 0x02, 0, 0, 16),       /* 6to4 */
};


int
address_parse_rules(const char *s, struct address_rules *rules,
    struct faas_err *err)
{
    size_t  len;

    rules->n = 0;

    while (*s != '\0') {
        len = strcspn(s, ",");

        if (rules->n == ADDRESS_RANGES_MAX
            || parse_range(s, len, &rules->ranges[rules->n]) != 0)
        {
            return faas_err_set(err, 0, "\"%.80s\" is no list of at most %d "
                                "ranges with commas between, as 10.0.0.0/8 or "
                                "fd00::/8", s, ADDRESS_RANGES_MAX);
        }

        rules->n++;
        s += len;
        s += *s == ',';
    }

    return 0;
}


int
address_is_allowed(const struct address_rules *rules,
    const struct sockaddr *sa)
{
    size_t                      i;
    uint8_t                     bytes[ADDRESS_LEN], within[ADDRESS_LEN];
    const struct sockaddr_in   *sin;
    const struct sockaddr_in6  *sin6;

    memset(bytes, 0, sizeof(bytes));

    if (sa->sa_family == AF_INET6) {
        sin6 = (const struct sockaddr_in6 *) sa;
        memcpy(bytes, &sin6->sin6_addr, sizeof(bytes));

    } else if (sa->sa_family == AF_INET) {
        sin = (const struct sockaddr_in *) sa;
        bytes[10] = bytes[11] = 0xff;
        memcpy(bytes + 12, &sin->sin_addr, 4);

    } else {
        return 0;
    }

    for (i = 0; i < rules->n; i++) {
        if (is_within(bytes, &rules->ranges[i])) {
            return 1;
        }
    }

    return !is_local(bytes)
           && (!is_inner(bytes, within) || !is_local(within));
}


static int
parse_range(const char *s, size_t len, struct address_range *range)
{
    char         text[INET6_ADDRSTRLEN];
    size_t       n;
    uint64_t     bits;
    unsigned     width;
    const char  *slash;

    slash = memchr(s, '/', len);
    n = slash != NULL ? (size_t) (slash - s) : len;

    if (n >= sizeof(text)) {
        return -1;
    }

    memcpy(text, s, n);
    text[n] = '\0';
    memset(range, 0, sizeof(*range));

    if (inet_pton(AF_INET6, text, range->bytes) == 1) {
        width = 128;

    } else if (inet_pton(AF_INET, text, range->bytes + 12) == 1) {
        range->bytes[10] = range->bytes[11] = 0xff;
        width = 32;

    } else {
        return -1;
    }

    bits = width;

    if (slash != NULL
        && faas_parse_uint(slash + 1, len - n - 1, 0, width, &bits) != 0)
    {
        return -1;
    }

    range->bits = (unsigned) bits + 128 - width;

    return 0;
}


static int
is_within(const uint8_t *bytes, const struct address_range *range)
{
    unsigned  whole, rest;

    whole = range->bits / 8;
    rest = range->bits % 8;

    return memcmp(bytes, range->bytes, whole) == 0
           && (rest == 0
               || (bytes[whole] ^ range->bytes[whole]) >> (8 - rest) == 0);
}


/*
 * What is mapped from IPv4 is no reserved address of IPv6.
 */
static int
is_local(const uint8_t *bytes)
{
    int     is_v4;
    size_t  i;

    static const struct address_range  mapped = V4(0, 0, 0, 0, 0);

    is_v4 = is_within(bytes, &mapped);

    for (i = 0; i < sizeof(local) / sizeof(local[0]); i++) {

        if ((local[i].bits >= MAPPED_BITS) == is_v4
            && is_within(bytes, &local[i]))
        {
            return 1;
        }
    }

    return 0;
}


static int
is_inner(const uint8_t *bytes, uint8_t *within)
{
    size_t  i;

    memset(within, 0, ADDRESS_LEN);
    within[10] = within[11] = 0xff;

    for (i = 0; i < N_INNER; i++) {

        if (is_within(bytes, &inner[i])) {
            memcpy(within + 12, bytes + inner[i].bits / 8, 4);
            return 1;
        }
    }

    return 0;
}

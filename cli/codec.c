/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Bytes as text.
 */

#include "codec.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>


#define BLOCK  64                   /* bytes of a block of both digests */


struct sha256 {
    uint32_t       state[8];
    unsigned char  block[BLOCK];
    size_t         used;            /* bytes of block */
    uint64_t       total;           /* bytes */
};


static void sha256_init(struct sha256 *s);
static void sha256_add(struct sha256 *s, const void *data, size_t len);
static void sha256_end(struct sha256 *s, unsigned char *digest);
static void sha256_block(uint32_t *state, const unsigned char *block);
static void md5_block(uint32_t *state, const unsigned char *block);
static uint32_t rotate_right(uint32_t v, unsigned n);
static int digit(char c);


static const char  digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* fractions of the cube roots of the first 64 primes (FIPS 180-4) */
static const uint32_t  sha256_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
    0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2
};

/* parts of sines (RFC 1321) */
static const uint32_t  md5_k[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a,
    0xa8304613, 0xfd469501, 0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be,
    0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821, 0xf61e2562, 0xc040b340,
    0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8,
    0x676f02d9, 0x8d2a4c8a, 0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c,
    0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70, 0x289b7ec6, 0xeaa127fa,
    0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92,
    0xffeff47d, 0x85845dd1, 0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1,
    0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391
};

static const unsigned char  md5_turns[16] = {
    7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21
};


char *
codec_base64(struct pool *pool, const void *data, size_t len)
{
    char                 *text, *p;
    size_t                i;
    uint32_t              v;
    const unsigned char  *s;

    s = data;
    text = pool_alloc(pool, (len + 2) / 3 * 4 + 1);
    p = text;

    for (i = 0; i < len; i += 3) {
        v = (uint32_t) s[i] << 16;
        v |= i + 1 < len ? (uint32_t) s[i + 1] << 8 : 0;
        v |= i + 2 < len ? s[i + 2] : 0;

        *p++ = digits[v >> 18];
        *p++ = digits[(v >> 12) & 63];
        *p++ = i + 1 < len ? digits[(v >> 6) & 63] : '=';
        *p++ = i + 2 < len ? digits[v & 63] : '=';
    }

    return text;
}


char *
codec_unbase64(struct pool *pool, const char *text, size_t *len)
{
    int        value;
    char      *data;
    size_t     i, n;
    uint32_t   v;

    n = strlen(text);

    while (n > 0 && text[n - 1] == '=') {
        n--;
    }

    data = pool_alloc(pool, n / 4 * 3 + 4);
    *len = 0;
    v = 0;

    for (i = 0; i < n; i++) {
        value = digit(text[i]);

        if (value < 0) {
            return NULL;
        }

        v = v << 6 | (uint32_t) value;

        if (i % 4 != 0) {
            data[(*len)++] = (char) (v >> (6 - i % 4 * 2) & 0xff);
        }
    }

    data[*len] = '\0';

    return n % 4 != 1 ? data : NULL;
}


char *
codec_hex(struct pool *pool, const unsigned char *data, size_t len)
{
    char    *text;
    size_t   i;

    text = pool_alloc(pool, len * 2 + 1);

    for (i = 0; i < len; i++) {
        (void) snprintf(text + i * 2, 3, "%02x", data[i]);
    }

    return text;
}


void
codec_hmac(const void *key, size_t key_len, const void *data, size_t len,
    unsigned char digest[CODEC_SHA256])
{
    size_t         i;
    unsigned char  block[BLOCK] = { 0 };
    struct sha256  s;

    if (key_len > BLOCK) {
        sha256_init(&s);
        sha256_add(&s, key, key_len);
        sha256_end(&s, block);

    } else if (key_len != 0) {
        memcpy(block, key, key_len);
    }

    for (i = 0; i < BLOCK; i++) {
        block[i] ^= 0x36;
    }

    sha256_init(&s);
    sha256_add(&s, block, BLOCK);
    sha256_add(&s, data, len);
    sha256_end(&s, digest);

    for (i = 0; i < BLOCK; i++) {
        block[i] ^= 0x36 ^ 0x5c;
    }

    sha256_init(&s);
    sha256_add(&s, block, BLOCK);
    sha256_add(&s, digest, CODEC_SHA256);
    sha256_end(&s, digest);
}


void
codec_md5(const void *data, size_t len, unsigned char digest[CODEC_MD5])
{
    size_t          i, rest;
    uint32_t        state[4] = {
        0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476
    };
    unsigned char   last[2 * BLOCK] = { 0 };

    for (i = 0; i + BLOCK <= len; i += BLOCK) {
        md5_block(state, (const unsigned char *) data + i);
    }

    rest = len - i;

    if (rest != 0) {
        memcpy(last, (const char *) data + i, rest);
    }

    last[rest] = 0x80;
    i = rest + 9 > BLOCK ? 2 * BLOCK - 8 : BLOCK - 8;

    for (rest = 0; rest < 8; rest++) {
        last[i + rest] = (unsigned char) ((uint64_t) len * 8 >> rest * 8);
    }

    md5_block(state, last);

    if (i > BLOCK) {
        md5_block(state, last + BLOCK);
    }

    for (i = 0; i < CODEC_MD5; i++) {
        digest[i] = (unsigned char) (state[i / 4] >> i % 4 * 8);
    }
}


char *
codec_quote(struct pool *pool, const char *text)
{
    char        *out, *p;
    const char  *s;

    out = pool_alloc(pool, strlen(text) * 6 + 3);
    p = out;
    *p++ = '"';

    for (s = text; *s != '\0'; s++) {

        if (*s == '"' || *s == '\\') {
            *p++ = '\\';
            *p++ = *s;

        } else if ((unsigned char) *s < 0x20 || *s == 0x7f) {
            p += snprintf(p, 7, "\\u%04x", (unsigned char) *s);

        } else {
            *p++ = *s;
        }
    }

    *p++ = '"';
    *p = '\0';

    return out;
}


static void
sha256_init(struct sha256 *s)
{
    static const uint32_t  first[8] = {
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19
    };

    memset(s, 0, sizeof(*s));
    memcpy(s->state, first, sizeof(first));
}


static void
sha256_add(struct sha256 *s, const void *data, size_t len)
{
    size_t                n;
    const unsigned char  *p;

    s->total += len;

    for (p = data; len != 0; p += n, len -= n) {
        n = BLOCK - s->used < len ? BLOCK - s->used : len;
        memcpy(s->block + s->used, p, n);
        s->used += n;

        if (s->used == BLOCK) {
            sha256_block(s->state, s->block);
            s->used = 0;
        }
    }
}


static void
sha256_end(struct sha256 *s, unsigned char *digest)
{
    size_t    i;
    uint64_t  bits;

    bits = s->total * 8;
    sha256_add(s, "\x80", 1);

    while (s->used != BLOCK - 8) {
        sha256_add(s, "", 1);
    }

    for (i = 0; i < 8; i++) {
        s->block[BLOCK - 8 + i] = (unsigned char) (bits >> (56 - i * 8));
    }

    sha256_block(s->state, s->block);

    for (i = 0; i < CODEC_SHA256; i++) {
        digest[i] = (unsigned char) (s->state[i / 4] >> (24 - i % 4 * 8));
    }
}


static void
sha256_block(uint32_t *state, const unsigned char *block)
{
    size_t    i;
    uint32_t  w[64], v[8], t1, t2;

    for (i = 0; i < 16; i++) {
        w[i] = (uint32_t) block[i * 4] << 24
               | (uint32_t) block[i * 4 + 1] << 16
               | (uint32_t) block[i * 4 + 2] << 8 | block[i * 4 + 3];
    }

    for (i = 16; i < 64; i++) {
        t1 = w[i - 2];
        t2 = w[i - 15];
        w[i] = w[i - 16] + w[i - 7]
               + (rotate_right(t1, 17) ^ rotate_right(t1, 19) ^ t1 >> 10)
               + (rotate_right(t2, 7) ^ rotate_right(t2, 18) ^ t2 >> 3);
    }

    memcpy(v, state, sizeof(v));

    for (i = 0; i < 64; i++) {
        t1 = v[7] + sha256_k[i] + w[i] + ((v[4] & v[5]) ^ (~v[4] & v[6]))
             + (rotate_right(v[4], 6) ^ rotate_right(v[4], 11)
                ^ rotate_right(v[4], 25));
        t2 = ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]))
             + (rotate_right(v[0], 2) ^ rotate_right(v[0], 13)
                ^ rotate_right(v[0], 22));

        memmove(v + 1, v, 7 * sizeof(v[0]));
        v[4] += t1;
        v[0] = t1 + t2;
    }

    for (i = 0; i < 8; i++) {
        state[i] += v[i];
    }
}


static void
md5_block(uint32_t *state, const unsigned char *block)
{
    size_t    i, g;
    uint32_t  a, b, c, d, f, turned;

    a = state[0];
    b = state[1];
    c = state[2];
    d = state[3];

    for (i = 0; i < 64; i++) {

        if (i < 16) {
            f = (b & c) | (~b & d);
            g = i;

        } else if (i < 32) {
            f = (d & b) | (~d & c);
            g = (5 * i + 1) % 16;

        } else if (i < 48) {
            f = b ^ c ^ d;
            g = (3 * i + 5) % 16;

        } else {
            f = c ^ (b | ~d);
            g = 7 * i % 16;
        }

        f += a + md5_k[i] + block[g * 4]
             + ((uint32_t) block[g * 4 + 1] << 8)
             + ((uint32_t) block[g * 4 + 2] << 16)
             + ((uint32_t) block[g * 4 + 3] << 24);
        turned = rotate_right(f, 32U - md5_turns[i / 16 * 4 + i % 4]);

        a = d;
        d = c;
        c = b;
        b += turned;
    }

    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
}


static uint32_t
rotate_right(uint32_t v, unsigned n)
{
    return v >> n | v << (32 - n);
}


static int
digit(char c)
{
    const char  *p;

    p = c != '\0' ? strchr(digits, c) : NULL;

    return p != NULL ? (int) (p - digits) : -1;
}

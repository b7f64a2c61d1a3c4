/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Bytes as text: base64, hexadecimal digests, and quotes for YAML.
 */

#ifndef FAAS_CLI_CODEC_H
#define FAAS_CLI_CODEC_H

#include <stddef.h>

#include "pool.h"


#define CODEC_SHA256  32            /* bytes */
#define CODEC_MD5     16


/*
 * Base64 with padding.
 */
char *codec_base64(struct pool *pool, const void *data, size_t len);

/*
 * The bytes of base64, with a zero behind them; NULL where it is none.
 */
char *codec_unbase64(struct pool *pool, const char *text, size_t *len);

/*
 * Lower-case digits.
 */
char *codec_hex(struct pool *pool, const unsigned char *data, size_t len);

/*
 * HMAC of RFC 2104 with SHA-256.
 */
void codec_hmac(const void *key, size_t key_len, const void *data,
    size_t len, unsigned char digest[CODEC_SHA256]);

/*
 * MD5 of RFC 1321: what --tag digest is made of; it protects nothing.
 */
void codec_md5(const void *data, size_t len, unsigned char digest[CODEC_MD5]);

/*
 * A text in double quotes, as both YAML and JSON take it.
 */
char *codec_quote(struct pool *pool, const char *text);


#endif /* FAAS_CLI_CODEC_H */

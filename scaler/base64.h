/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Base64, RFC 4648, sections 4 and 5.
 */

#ifndef FAAS_SCALER_BASE64_H
#define FAAS_SCALER_BASE64_H

#include <stddef.h>


/*
 * Decodes len bytes; line breaks are skipped, padding must be right.  Returns
 * *n bytes to be freed with free(), or NULL where it is none, or there is no
 * memory.
 */
char *base64_decode(const char *s, size_t len, size_t *n);

/*
 * Encodes, with the alphabet of section 4, or of section 5 for URLs and
 * headers.  Returns a text to be freed with free(), or NULL.
 */
char *base64_encode(const char *s, size_t len);
char *base64_encode_url(const char *s, size_t len);


#endif /* FAAS_SCALER_BASE64_H */

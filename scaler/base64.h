/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Base64, RFC 4648, section 4.
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


#endif /* FAAS_SCALER_BASE64_H */

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a handler in C implements, and what it may use.
 */

#ifndef FAAS_FAAS_H
#define FAAS_FAAS_H

#include <stddef.h>
#include <stdio.h>


/*
 * The handler: the request's body is read from in, the answer written to out,
 * and sent as it is flushed.  Returns 0; another value makes the answer 500, if
 * none of it was sent.  What it prints on stderr is in the function's log.
 */
int handle(FILE *in, FILE *out);

/* Of the request: never NULL. */
const char *faas_method(void);
const char *faas_path(void);            /* decoded; "/" where there is none */
const char *faas_query(void);           /* as it was sent; may be empty */

/* The value of a header, its name in any case; NULL where it is not there. */
const char *faas_header(const char *name);

/*
 * All of in, for the caller to free, with a zero byte behind its *len bytes;
 * NULL where it is longer than max, cannot be read, or there is no memory.
 */
char *faas_read(FILE *in, size_t max, size_t *len);

#endif /* FAAS_FAAS_H */

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Objects of JSON, made in one call.
 */

#ifndef FAAS_CLI_OBJECT_H
#define FAAS_CLI_OBJECT_H

#include <jansson.h>
#include <stddef.h>


#define OBJECT_END  ((const char *) NULL)


/*
 * An object of pairs of a name and a json_t, which it takes; OBJECT_END in the
 * place of a name ends them.  NULL where there is no memory, for it or for one
 * of the values.
 *
 * json_pack() does this and much more, in a thirtieth of the whole program.
 */
json_t *object_of(const char *name, ...) __attribute__((sentinel));


#endif /* FAAS_CLI_OBJECT_H */

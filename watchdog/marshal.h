/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A request as JSON, for functions that ask for it (marshal_request):
 *
 *   {"header":{"Name":["value",...],...},"body":{"raw":"base64"}}
 *
 * It is made piece by piece, as the body comes.
 */

#ifndef FAAS_WD_MARSHAL_H
#define FAAS_WD_MARSHAL_H

#include <stddef.h>

#include "head.h"
#include "lib/faas_buf.h"


struct wd_marshal {
    struct faas_buf  text;          /* made, and not taken yet */
    unsigned char    rest[3];       /* of the body, less than a group */
    size_t           n_rest;
};


/*
 * Begins; text holds no more than max bytes at a time.  Returns 0, or -1
 * without memory.
 */
int wd_marshal_begin(struct wd_marshal *marshal, const struct wd_head *head,
    size_t max);
void wd_marshal_done(struct wd_marshal *marshal);

/*
 * Bytes of the body that text has room for.
 */
size_t wd_marshal_room(const struct wd_marshal *marshal);

/*
 * A piece of the body; its end.  Return 0, or -1 without memory.
 */
int wd_marshal_body(struct wd_marshal *marshal, const char *data, size_t len);
int wd_marshal_end(struct wd_marshal *marshal);


#endif /* FAAS_WD_MARSHAL_H */

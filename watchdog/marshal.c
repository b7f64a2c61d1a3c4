/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A request as JSON.
 */

#include "marshal.h"

#include <string.h>


#define GROUP  3                /* bytes that become 4 digits */
#define END    "\"}}"


static int add_name(struct faas_buf *text, const struct wd_head *head,
    size_t first);
static int is_repeated(const struct wd_head *head, size_t i);
static int add_string(struct faas_buf *text, struct wd_str str);
static int add_group(struct faas_buf *text, const unsigned char *in,
    size_t len);


int
wd_marshal_begin(struct wd_marshal *marshal, const struct wd_head *head,
    size_t max)
{
    int               rc, is_first;
    size_t            i;
    struct faas_buf  *text;

    text = &marshal->text;
    marshal->n_rest = 0;
    faas_buf_init(text, max);

    is_first = 1;
    rc = faas_buf_puts(text, "{\"header\":{");

    for (i = 0; rc == 0 && i < head->n_headers; i++) {
        if (is_repeated(head, i)) {
            continue;
        }

        if (!is_first) {
            rc = faas_buf_puts(text, ",");
        }

        is_first = 0;
        rc |= add_name(text, head, i);
    }

    return rc | faas_buf_puts(text, "},\"body\":{\"raw\":\"");
}


void
wd_marshal_done(struct wd_marshal *marshal)
{
    faas_buf_done(&marshal->text);
}


size_t
wd_marshal_room(const struct wd_marshal *marshal)
{
    size_t  left;

    left = marshal->text.max - marshal->text.len;

    return left > 2 * GROUP + sizeof(END)
           ? (left - 2 * GROUP - sizeof(END)) / 4 * GROUP : 0;
}


int
wd_marshal_body(struct wd_marshal *marshal, const char *data, size_t len)
{
    for ( /* void */ ; len != 0; data++, len--) {
        marshal->rest[marshal->n_rest++] = (unsigned char) *data;

        if (marshal->n_rest == GROUP) {
            marshal->n_rest = 0;

            if (add_group(&marshal->text, marshal->rest, GROUP) != 0) {
                return -1;
            }
        }
    }

    return 0;
}


int
wd_marshal_end(struct wd_marshal *marshal)
{
    if (marshal->n_rest != 0
        && add_group(&marshal->text, marshal->rest, marshal->n_rest) != 0)
    {
        return -1;
    }

    marshal->n_rest = 0;

    return faas_buf_puts(&marshal->text, END);
}


/*
 * A header with all its values.
 */
static int
add_name(struct faas_buf *text, const struct wd_head *head, size_t first)
{
    int            rc;
    size_t         i;
    struct wd_str  name;

    name = head->headers[first].name;

    rc = add_string(text, name) | faas_buf_puts(text, ":[")
         | add_string(text, head->headers[first].value);

    for (i = first + 1; rc == 0 && i < head->n_headers; i++) {
        if (head->headers[i].name.len == name.len
            && wd_list_has(head->headers[i].name, name))
        {
            rc = faas_buf_puts(text, ",")
                 | add_string(text, head->headers[i].value);
        }
    }

    return rc | faas_buf_puts(text, "]");
}


static int
is_repeated(const struct wd_head *head, size_t i)
{
    size_t  j;

    for (j = 0; j < i; j++) {
        if (head->headers[j].name.len == head->headers[i].name.len
            && wd_list_has(head->headers[j].name, head->headers[i].name))
        {
            return 1;
        }
    }

    return 0;
}


/*
 * A byte that is no ASCII is taken for Latin-1, as HTTP once had it: so the
 * text is UTF-8 in any case.
 */
static int
add_string(struct faas_buf *text, struct wd_str str)
{
    int            rc;
    size_t         i;
    unsigned char  c;

    rc = faas_buf_puts(text, "\"");

    for (i = 0; rc == 0 && i < str.len; i++) {
        c = (unsigned char) str.s[i];

        if (c == '"' || c == '\\') {
            rc = faas_buf_printf(text, "\\%c", c);

        } else if (c < ' ' || c > '~') {
            rc = faas_buf_printf(text, "\\u%04x", c);

        } else {
            rc = faas_buf_add(text, &str.s[i], 1);
        }
    }

    return rc | faas_buf_puts(text, "\"");
}


static int
add_group(struct faas_buf *text, const unsigned char *in, size_t len)
{
    char          out[4];
    unsigned int  bits;

    static const char  digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz0123456789+/";

    bits = (unsigned int) in[0] << 16;
    bits |= len > 1 ? (unsigned int) in[1] << 8 : 0;
    bits |= len > 2 ? in[2] : 0;

    out[0] = digits[bits >> 18];
    out[1] = digits[bits >> 12 & 63];
    out[2] = len > 1 ? digits[bits >> 6 & 63] : '=';
    out[3] = len > 2 ? digits[bits & 63] : '=';

    return faas_buf_add(text, out, sizeof(out));
}

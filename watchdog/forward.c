/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What of a head is passed on to the function in mode http.
 */

#include <llhttp.h>
#include <string.h>
#include <strings.h>

#include "lib/faas_num.h"
#include "upstream.h"


#define KEEP_MARGIN  1000       /* msec that we close before the function */


int
wd_forward_head(const struct wd_head *head, struct wd_text *text, int is_open)
{
    size_t                   i;
    struct wd_str            target, upgrade;
    const struct wd_header  *header;

    target = wd_head_target(head);

    wd_text_puts(text, llhttp_method_name((llhttp_method_t) head->method));
    wd_text_puts(text, target.s[0] == '?' ? " /" : " ");
    wd_text_add(text, target.s, target.len);
    wd_text_puts(text, " HTTP/1.1\r\n");

    if (head->host.s == NULL) {
        wd_text_puts(text, "Host: localhost\r\n");
    }

    for (i = 0; i < head->n_headers; i++) {
        header = &head->headers[i];

        if (wd_str_is(header->name, "Content-Length")
            || wd_str_is(header->name, "Expect")
            || (wd_head_is_hop(head, header->name)
                && !wd_str_is(header->name, "Host")))
        {
            continue;
        }

        wd_text_add(text, header->name.s, header->name.len);
        wd_text_puts(text, ": ");
        wd_text_add(text, header->value.s, header->value.len);
        wd_text_puts(text, "\r\n");
    }

    upgrade = wd_head_upgrade(head);

    if (upgrade.len != 0) {
        wd_text_printf(text, "Connection: Upgrade\r\nUpgrade: %.*s\r\n",
                       (int) upgrade.len, upgrade.s);
    }

    if (is_open) {
        return text->is_full ? -1 : 0;
    }

    if (head->is_chunked) {
        wd_text_puts(text, "Transfer-Encoding: chunked\r\n");

    } else if (head->has_length) {
        wd_text_printf(text, "Content-Length: %llu\r\n",
                       (unsigned long long) head->content_length);
    }

    wd_text_puts(text, "\r\n");

    return text->is_full ? -1 : 0;
}


uint64_t
wd_forward_keep(const struct wd_head *head, uint64_t preset)
{
    size_t                   i, len;
    uint64_t                 seconds;
    struct wd_str            value;
    const struct wd_header  *header;

    static const char  name[] = "timeout=";

    header = wd_head_find(head, "Keep-Alive");

    if (header == NULL) {
        return preset;
    }

    value = header->value;

    for (i = 0; i + sizeof(name) - 1 <= value.len; i++) {
        if (strncasecmp(value.s + i, name, sizeof(name) - 1) != 0) {
            continue;
        }

        i += sizeof(name) - 1;

        for (len = 0; i + len < value.len && value.s[i + len] >= '0'
                      && value.s[i + len] <= '9'; len++)
        {
            /* void */
        }

        if (faas_parse_uint(value.s + i, len, 0, 86400, &seconds) != 0) {
            return preset;
        }

        seconds *= 1000;

        return seconds > KEEP_MARGIN ? seconds - KEEP_MARGIN : 0;
    }

    return preset;
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Header lines as they are kept, "Name: value\r\n" end to end, and as libcurl
 * wants them.
 */

#ifndef FAAS_QUEUE_HEADER_H
#define FAAS_QUEUE_HEADER_H

#include <curl/curl.h>
#include <stddef.h>


/* a list that is failed as a whole where there is no memory */
struct header_list {
    struct curl_slist  *list;       /* owned, until it is taken */
    int                 is_failed;
};


/*
 * Adds those of len bytes of lines that are for whoever gets them: none of one
 * hop (RFC 9110, 7.6.1), nor named by Connection, nor such as are made anew:
 * Host, Content-Length, Expect and those in the list other (NULL at its end).
 * Lines that are none are left out.
 */
void header_copy(struct header_list *headers, const char *lines, size_t len,
    const char *const *other);

/*
 * True where one of the lines has this name.
 */
int header_has(const char *lines, size_t len, const char *name);

/*
 * Copies the value of the first line of this name and a zero to dst of size
 * bytes; what does not fit is cut.  Where there is none, dst is as it was.
 */
void header_get(const char *lines, size_t len, const char *name, char *dst,
    size_t size);

/*
 * Adds a line.
 */
void header_add(struct header_list *headers, const char *name,
    const char *value);

/*
 * What libcurl adds by itself, Accept, Expect and a Content-Type, is not sent
 * unless it was added.
 */
void header_finish(struct header_list *headers);


#endif /* FAAS_QUEUE_HEADER_H */

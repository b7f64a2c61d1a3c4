/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Heads of HTTP messages, as texts in the buffer that they were received in.
 *
 * A head is looked for, and checked, before the parser sees it: lines that
 * end in anything but CR LF, folded lines and zero bytes are what parsers
 * disagree about, so none is let through.
 */

#ifndef FAAS_WD_HEAD_H
#define FAAS_WD_HEAD_H

#include <stddef.h>
#include <stdint.h>


#define WD_HEADERS_MAX  128     /* header lines in a head */


struct wd_str {
    const char  *s;             /* not terminated */
    size_t       len;
};


struct wd_header {
    struct wd_str  name;
    struct wd_str  value;
};


struct wd_head {
    struct wd_header  headers[WD_HEADERS_MAX];
    size_t            n_headers;
    struct wd_str     url;              /* of a request */
    struct wd_str     reason;           /* of a response */
    struct wd_str     host;             /* of a request; value of Host */
    uint64_t          content_length;   /* bytes; where has_length */
    const char       *error;            /* static text; why it is refused */
    int               error_status;     /* HTTP status for it */
    int               method;           /* llhttp's number; of a request */
    int               status;           /* of a response */
    int               minor;            /* HTTP/1.minor */
    int               has_length;
    int               is_chunked;
    int               is_keep_alive;    /* as the sender would have it */
    int               is_expecting;     /* Expect: 100-continue */
};


enum wd_scan {
    WD_SCAN_MORE,               /* the head does not end yet */
    WD_SCAN_DONE,
    WD_SCAN_BAD
};


/*
 * Looks for the end of a head in len bytes.  *line is where to go on: 0 at
 * first, then what the last call left.  WD_SCAN_DONE sets *head_len, the
 * head's bytes with the empty line.
 */
enum wd_scan wd_head_scan(const char *data, size_t len, size_t *line,
    size_t *head_len);

/*
 * Whether the text is this word, in whatever case.
 */
int wd_str_is(struct wd_str str, const char *word);

/*
 * The first header of this name, or NULL.
 */
const struct wd_header *wd_head_find(const struct wd_head *head,
    const char *name);

/*
 * Whether a comma-separated list holds the word.
 */
int wd_list_has(struct wd_str list, struct wd_str word);

/*
 * Whether the header belongs to this connection only, and must not be passed
 * on: those that RFC 9110 names, and those that the message itself names in
 * Connection.
 */
int wd_head_is_hop(const struct wd_head *head, struct wd_str name);

/*
 * The byte that "%XX" at s stands for, of which left bytes are there; or -1
 * where it is none, or a zero, which would end a text.
 */
int wd_unescape(const char *s, size_t left);

/*
 * What a head asks for by Upgrade: the protocol, as its Connection says so;
 * or an empty one.
 */
struct wd_str wd_head_upgrade(const struct wd_head *head);

/*
 * The path with the query, of a request's URL, which may be an absolute one.
 */
struct wd_str wd_head_target(const struct wd_head *head);


#endif /* FAAS_WD_HEAD_H */

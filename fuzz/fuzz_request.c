/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a client sends: heads, the variables made of them, the head that goes
 * on to a function, and bodies.  The input is parsed whole and in pieces, the
 * first byte says where they are cut: both have to come to the same.  Heads
 * that parsers disagree about must never be let through.
 *
 * uses: watchdog/head.c watchdog/parser.c watchdog/env.c watchdog/forward.c
 * uses: watchdog/iobuf.c lib/faas_num.c lib/faas_buf.c
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "watchdog/upstream.h"


#define HEAD_MAX  32768

enum state {
    OPEN,                       /* more has to come */
    DONE,
    REFUSED
};


struct result {
    enum state       state;
    size_t           head_len;
    struct faas_buf  body;
};


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
static void check(int is_so);
static void parse(const uint8_t *data, size_t size, uint32_t seed,
    struct result *result);
static size_t parse_head(const uint8_t *data, size_t size, uint32_t seed,
    struct wd_parser *parser, struct result *result);
static int use_head(const struct wd_head *head);
static void parse_body(const uint8_t *data, size_t size, uint32_t seed,
    struct wd_parser *parser, struct result *result);
static size_t piece(uint32_t *seed, size_t left);
static char *copy(const void *data, size_t size);
static int is_doubtful(const char *head, size_t len);
static int has_header(const char *head, size_t len, const char *name);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct result  whole, cut;

    if (size == 0) {
        return 0;
    }

    parse(data + 1, size - 1, 0, &whole);
    parse(data + 1, size - 1, data[0] + 1U, &cut);

    check(whole.state == cut.state);
    check(whole.body.len <= size);

    if (whole.state != REFUSED) {
        check(whole.head_len == cut.head_len);
        check(whole.body.len == cut.body.len);
        check(whole.body.len == 0
              || memcmp(whole.body.data, cut.body.data, whole.body.len) == 0);
    }

    faas_buf_done(&whole.body);
    faas_buf_done(&cut.body);

    return 0;
}


static void
check(int is_so)
{
    if (!is_so) {
        abort();
    }
}


static void
parse(const uint8_t *data, size_t size, uint32_t seed, struct result *result)
{
    size_t            used;
    struct wd_parser  parser;

    memset(result, 0, sizeof(*result));
    faas_buf_init(&result->body, 1 << 20);

    used = parse_head(data, size, seed, &parser, result);

    if (result->state == OPEN && result->head_len != 0) {
        parse_body(data + used, size - used, seed, &parser, result);
    }
}


/*
 * Returns the bytes of the head.
 */
static size_t
parse_head(const uint8_t *data, size_t size, uint32_t seed,
    struct wd_parser *parser, struct result *result)
{
    char            *head;
    size_t           len, line, head_len;
    enum wd_scan     scan;

    static struct wd_head  parsed;

    line = 0;
    len = 0;
    scan = WD_SCAN_MORE;

    while (scan == WD_SCAN_MORE && len < size) {
        len += piece(&seed, size - len);
        head = copy(data, len);
        scan = wd_head_scan(head, len, &line, &head_len);
        free(head);
    }

    if (scan != WD_SCAN_DONE) {
        result->state = scan == WD_SCAN_BAD ? REFUSED : OPEN;
        return 0;
    }

    check(head_len <= size);
    head = copy(data, head_len);
    wd_parser_init(parser, HTTP_REQUEST, HEAD_MAX);

    if (wd_parser_head(parser, head, head_len, &parsed) != 0) {
        check(parsed.error != NULL && parsed.error_status >= 400);
        result->state = REFUSED;

    } else {
        check(!is_doubtful(head, head_len));
        result->head_len = head_len;
        result->state = use_head(&parsed) != 0 ? REFUSED
                        : parser->is_done ? DONE : OPEN;
    }

    free(head);

    return head_len;
}


static int
use_head(const struct wd_head *head)
{
    int             rc;
    char           *text;
    struct wd_env   env;
    struct wd_text  out;

    static char *const  none[] = { NULL };

    check(wd_env_init(&env, none, 2 * HEAD_MAX + 8192) == 0);
    env.has_cgi = 1;
    env.is_classic = 1;
    rc = wd_env_request(&env, head) != NULL;
    wd_env_done(&env);

    text = malloc(65536);
    check(text != NULL);
    wd_text_init(&out, text, 65536);
    (void) wd_forward_head(head, &out, 0);
    check(out.len <= 65536);
    check(memchr(text, '\0', out.len) == NULL);
    free(text);

    return rc;
}


static void
parse_body(const uint8_t *data, size_t size, uint32_t seed,
    struct wd_parser *parser, struct result *result)
{
    char    *part;
    size_t   n, used;

    while (size != 0 && !parser->is_done) {
        n = piece(&seed, size);
        part = copy(data, n);

        if (wd_parser_body(parser, part, n, &used) != 0) {
            free(part);
            result->state = REFUSED;
            return;
        }

        check(used <= n && parser->body_len <= n);
        check(parser->is_done || used == n);
        check(faas_buf_add(&result->body, part, parser->body_len) == 0);
        free(part);
        data += used;
        size -= used;
    }

    result->state = parser->is_done ? DONE : OPEN;
}


/*
 * The next piece's bytes; all of them without a seed.
 */
static size_t
piece(uint32_t *seed, size_t left)
{
    size_t  n;

    if (*seed == 0) {
        return left;
    }

    *seed = *seed * 1664525 + 1013904223;
    n = 1 + (*seed >> 24) % 17;

    if (*seed == 0) {
        *seed = 1;
    }

    return n < left ? n : left;
}


/*
 * Of just this size, so that a byte read behind it is noticed.
 */
static char *
copy(const void *data, size_t size)
{
    char  *p;

    p = malloc(size != 0 ? size : 1);
    check(p != NULL);
    memcpy(p, data, size);

    return p;
}


static int
is_doubtful(const char *head, size_t len)
{
    size_t  i;

    for (i = 0; i < len; i++) {
        if (head[i] == '\0'
            || (head[i] == '\r' && (i + 1 == len || head[i + 1] != '\n'))
            || (head[i] == '\n' && (i == 0 || head[i - 1] != '\r'))
            || (i >= 2 && head[i - 1] == '\n'
                && (head[i] == ' ' || head[i] == '\t')))
        {
            return 1;
        }
    }

    return has_header(head, len, "\nContent-Length:")
           && has_header(head, len, "\nTransfer-Encoding:");
}


static int
has_header(const char *head, size_t len, const char *name)
{
    size_t  i, n;

    n = strlen(name);

    for (i = 0; i + n <= len; i++) {
        if (strncasecmp(head + i, name, n) == 0) {
            return 1;
        }
    }

    return 0;
}

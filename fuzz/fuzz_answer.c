/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a server answers to the command line.  The first byte says whether it
 * was asked by HEAD, and where pieces are cut: that must make no difference.
 *
 * uses: cli/http_answer.c lib/faas_buf.c
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cli/http_answer.h"


#define HEAD_MAX  1024
#define BODY_MAX  (1 << 16)


struct reading {
    struct http_answer  answer;
    struct faas_buf     headers;
    struct faas_buf     body;
};


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
static void read_all(struct reading *r, const char *text, size_t size,
    size_t step, int is_to_head);
static int on_body(void *data, const char *bytes, size_t len);
static void check_same(const struct faas_buf *a, const struct faas_buf *b);
static void check(int is_so);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char      *text;
    struct reading   whole, pieces;

    if (size < 2) {
        return 0;
    }

    text = (const char *) data + 1;
    read_all(&whole, text, size - 1, size - 1, data[0] & 1);
    read_all(&pieces, text, size - 1, 1 + (data[0] >> 1), data[0] & 1);

    check(whole.answer.is_whole == pieces.answer.is_whole);

    if (whole.answer.is_whole) {
        check(whole.answer.status >= 200 && whole.answer.status <= 999);
        check(whole.answer.status == pieces.answer.status);
        check_same(&whole.headers, &pieces.headers);
        check_same(&whole.body, &pieces.body);
        check(!(data[0] & 1) || whole.body.len == 0);
    }

    faas_buf_done(&whole.headers);
    faas_buf_done(&whole.body);
    faas_buf_done(&pieces.headers);
    faas_buf_done(&pieces.body);

    return 0;
}


static void
read_all(struct reading *r, const char *text, size_t size, size_t step,
    int is_to_head)
{
    size_t  i, n;

    faas_buf_init(&r->headers, HEAD_MAX);
    faas_buf_init(&r->body, BODY_MAX);
    http_answer_init(&r->answer, is_to_head, &r->headers);
    r->answer.on_body = on_body;
    r->answer.data = &r->body;

    for (i = 0; i < size; i += n) {
        n = size - i < step ? size - i : step;

        if (http_answer_read(&r->answer, text + i, n) != 0) {
            check(!r->answer.is_whole);
            check(http_answer_error(&r->answer)[0] != '\0');
            return;
        }
    }

    check((http_answer_eof(&r->answer) == 0) == r->answer.is_whole);
}


static int
on_body(void *data, const char *bytes, size_t len)
{
    return faas_buf_add(data, bytes, len);
}


static void
check_same(const struct faas_buf *a, const struct faas_buf *b)
{
    check(a->len == b->len);
    check(a->len == 0 || memcmp(a->data, b->data, a->len) == 0);
}


static void
check(int is_so)
{
    if (!is_so) {
        abort();
    }
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What was asked, as it is kept in Redis.
 */

#include "faas_async.h"

#include <string.h>

#include "faas_num.h"


#define N_FIELDS     6              /* of the first line */
#define NUMBER_MAX   20             /* digits */


enum field {
    KEY,
    ACCEPTED,
    METHOD,
    CALLBACK,
    PATH_LEN,
    HEADERS_LEN
};


static char *add_text(char *dst, const char *s, size_t len, char end);
static char *add_number(char *dst, uint64_t n, char end);
static int split(const char *line, const char *end, const char **field,
    size_t *len);
static int parse_size(const char *s, size_t len, size_t max, size_t *size);


size_t
faas_async_request_head(const struct faas_async_request *request, char *dst)
{
    char  *p;

    p = add_text(dst, request->key, request->key_len, ' ');
    p = add_number(p, request->accepted, ' ');
    p = add_text(p, request->method, request->method_len, ' ');
    p = add_text(p, request->callback, request->callback_len, ' ');
    p = add_number(p, request->path_len, ' ');
    p = add_number(p, request->headers_len, '\n');

    return (size_t) (p - dst);
}


int
faas_async_request_parse(const char *s, size_t len,
    struct faas_async_request *request)
{
    size_t       n[N_FIELDS], left;
    const char  *end, *field[N_FIELDS];

    end = memchr(s, '\n', len < FAAS_ASYNC_HEAD_MAX ? len
                                                    : FAAS_ASYNC_HEAD_MAX);

    if (end == NULL || split(s, end, field, n) != 0) {
        return -1;
    }

    if (n[KEY] == 0 || n[KEY] > FAAS_KEY_MAX || n[METHOD] == 0
        || n[METHOD] > FAAS_ASYNC_METHOD_MAX
        || n[CALLBACK] > FAAS_ASYNC_URL_MAX
        || faas_parse_uint(field[ACCEPTED], n[ACCEPTED], 0, INT64_MAX,
                           &request->accepted) != 0
        || parse_size(field[PATH_LEN], n[PATH_LEN], FAAS_ASYNC_PATH_MAX,
                      &request->path_len) != 0
        || parse_size(field[HEADERS_LEN], n[HEADERS_LEN],
                      FAAS_ASYNC_HEADERS_MAX, &request->headers_len) != 0)
    {
        return -1;
    }

    left = len - (size_t) (end + 1 - s);

    if (left < request->path_len + request->headers_len) {
        return -1;
    }

    request->key = field[KEY];
    request->key_len = n[KEY];
    request->method = field[METHOD];
    request->method_len = n[METHOD];
    request->callback = field[CALLBACK];
    request->callback_len = n[CALLBACK];
    request->path = end + 1;
    request->headers = request->path + request->path_len;
    request->body = request->headers + request->headers_len;
    request->body_len = left - request->path_len - request->headers_len;

    return request->body_len <= FAAS_ASYNC_BODY_MAX ? 0 : -1;
}


static char *
add_text(char *dst, const char *s, size_t len, char end)
{
    if (len != 0) {
        memcpy(dst, s, len);
    }

    dst[len] = end;

    return dst + len + 1;
}


/*
 * A gateway does this for each call: printf would cost more than all the rest.
 */
static char *
add_number(char *dst, uint64_t n, char end)
{
    char   text[NUMBER_MAX];
    char  *p;

    p = text + NUMBER_MAX;

    do {
        *--p = (char) ('0' + n % 10);
        n /= 10;
    } while (n != 0);

    return add_text(dst, p, (size_t) (text + NUMBER_MAX - p), end);
}


/*
 * The fields of a line that ends at end.
 */
static int
split(const char *line, const char *end, const char **field, size_t *len)
{
    int          i;
    const char  *space;

    for (i = 0; i < N_FIELDS; i++) {
        space = memchr(line, ' ', (size_t) (end - line));

        if ((space == NULL) != (i == N_FIELDS - 1)) {
            return -1;
        }

        field[i] = line;
        len[i] = (size_t) ((space != NULL ? space : end) - line);
        line += len[i] + 1;
    }

    return 0;
}


static int
parse_size(const char *s, size_t len, size_t max, size_t *size)
{
    uint64_t  n;

    if (faas_parse_uint(s, len, 0, max, &n) != 0) {
        return -1;
    }

    *size = (size_t) n;

    return 0;
}

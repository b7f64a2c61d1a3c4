/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * HTTP requests.
 */

#include "http.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "http_helper.h"
#include "http_plain.h"


#define SHOWN_BODY  1024            /* bytes of a body with FAAS_DEBUG */


static void reset(struct http_response *res);
static int fail(const struct http_transfer *t, enum http_outcome outcome);
static void show_request(const struct http_request *req);
static void show_response(const struct http_response *res);


int
http_send(struct cli *cli, const struct http_request *req,
    struct http_response *res)
{
    enum http_outcome      outcome;
    struct http_transfer   t = { .cli = cli, .req = req, .res = res };

    faas_buf_init(&res->body, HTTP_BODY_MAX);
    faas_buf_init(&res->headers, HTTP_HEADERS_MAX);
    reset(res);
    show_request(req);

    outcome = http_plain(&t);

    if (outcome == HTTP_ELSEWHERE) {
        reset(res);
        outcome = http_helper(&t);
    }

    if (outcome != HTTP_DONE) {
        (void) fail(&t, outcome);
        http_response_done(res);
        return -1;
    }

    show_response(res);

    return 0;
}


void
http_response_done(struct http_response *res)
{
    faas_buf_done(&res->body);
    faas_buf_done(&res->headers);
}


int
http_is_url(const char *text)
{
    return strncmp(text, "http://", 7) == 0
           || strncmp(text, "https://", 8) == 0;
}


char *
http_fetch(struct cli *cli, const char *url, size_t max, size_t *len)
{
    char                  *text;
    struct http_request    req;
    struct http_response   res;

    http_request_init(&req, "GET", url);
    req.timeout_ms = HTTP_FETCH_MS;
    req.may_redirect = 1;
    req.is_insecure = args_bool(&cli->args, "tls-no-verify");

    if (http_send(cli, &req, &res) != 0) {
        (void) faas_err_prefix(&cli->err, "%.100s", url);
        return NULL;
    }

    text = NULL;
    *len = res.body.len;

    if (res.status != 200) {
        (void) cli_fail(cli, "%.160s: the answer is %ld", url, res.status);

    } else if (res.body.len > max) {
        (void) cli_fail(cli, "%.160s: over %zu bytes", url, max);

    } else {
        text = pool_copy(&cli->pool, res.body.data, res.body.len);
    }

    http_response_done(&res);

    return text;
}


char *
http_header(struct cli *cli, const struct http_response *res,
    const char *name)
{
    size_t       len;
    const char  *p, *end;

    len = strlen(name);

    for (p = res->headers.data; p != NULL && *p != '\0'; p = end + 1) {
        end = strchr(p, '\n');

        if (end == NULL) {
            break;
        }

        if (strncasecmp(p, name, len) == 0 && p[len] == ':') {
            p += len + 1;
            p += strspn(p, " \t");

            return pool_copy(&cli->pool, p, strcspn(p, "\r\n"));
        }
    }

    return NULL;
}


char *
http_escape(struct pool *pool, const char *text)
{
    char        *out, *p;
    const char  *s;

    out = pool_alloc(pool, strlen(text) * 3 + 1);
    p = out;

    for (s = text; *s != '\0'; s++) {

        if ((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z')
            || (*s >= '0' && *s <= '9') || strchr("-._~", *s) != NULL)
        {
            *p++ = *s;

        } else {
            p += snprintf(p, 4, "%%%02X", (unsigned char) *s);
        }
    }

    *p = '\0';

    return out;
}


int
http_take(struct http_transfer *t, const char *bytes, size_t len)
{
    return t->req->on_data != NULL && t->res->status / 100 == 2
           ? t->req->on_data(t->req->data, bytes, len)
           : faas_buf_add(&t->res->body, bytes, len);
}


enum http_outcome
http_stopped(const struct http_transfer *t)
{
    return t->res->body.is_failed ? HTTP_TOO_LARGE : HTTP_DONE;
}


enum http_outcome
http_outcome(struct http_transfer *t, enum http_outcome outcome,
    const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    (void) vsnprintf(t->text, sizeof(t->text), fmt, args);
    va_end(args);

    return outcome;
}


static void
reset(struct http_response *res)
{
    res->status = 0;
    faas_buf_reset(&res->body);
    faas_buf_reset(&res->headers);
}


static int
fail(const struct http_transfer *t, enum http_outcome outcome)
{
    const char  *url;

    url = t->req->url;

    switch (outcome) {

    case HTTP_UNREACHABLE:
        return faas_err_set(&t->cli->err, HTTP_NO_SERVER, "%s", t->text);

    case HTTP_LATE:
        return cli_fail(t->cli, "%.100s gives no answer in time: %.100s", url,
                        t->text);

    case HTTP_UNTRUSTED:
        return cli_fail(t->cli, "%.80s: its certificate is not trusted: "
                        "%.90s; --tls-no-verify skips that", url, t->text);

    case HTTP_UNREADABLE:
        return cli_fail(t->cli, "the body cannot be read: %s", t->text);

    case HTTP_TOO_LARGE:
        return t->res->body.is_failed
               ? cli_fail(t->cli, "%.100s answers with more than %d bytes",
                          url, HTTP_BODY_MAX)
               : cli_fail(t->cli, "%.100s answers with more than %d bytes of "
                          "headers", url, HTTP_HEADERS_MAX);

    case HTTP_DONE:
    case HTTP_ELSEWHERE:
    case HTTP_BROKEN:
        break;
    }

    return cli_fail(t->cli, "%.100s: %.140s", url, t->text);
}


/*
 * What is a password is not shown.
 */
static void
show_request(const struct http_request *req)
{
    size_t       i;
    const char  *debug, *header;

    debug = getenv("FAAS_DEBUG");

    if (debug == NULL || strcmp(debug, "1") != 0) {
        return;
    }

    (void) fprintf(stderr, "> %s %s\n", req->method, req->url);

    for (i = 0; i < req->headers.n; i++) {
        header = req->headers.at[i];

        (void) fprintf(stderr, "> %s\n",
                       strncasecmp(header, "authorization:", 14) == 0
                       ? "Authorization: ***" : header);
    }

    /* a secret's value is in none of them but this one's */

    if (req->body != NULL && strstr(req->url, "/system/secrets") == NULL) {
        (void) fprintf(stderr, "> %.*s\n",
                       req->body_len > SHOWN_BODY ? SHOWN_BODY
                       : (int) req->body_len, req->body);
    }
}


static void
show_response(const struct http_response *res)
{
    const char  *debug;

    debug = getenv("FAAS_DEBUG");

    if (debug != NULL && strcmp(debug, "1") == 0) {
        (void) fprintf(stderr, "< %ld %.*s\n", res->status,
                       res->body.len > SHOWN_BODY ? SHOWN_BODY
                       : (int) res->body.len,
                       res->body.data != NULL ? res->body.data : "");
    }
}

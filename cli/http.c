/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * HTTP requests.
 */

#include "http.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "out.h"


/* the name of its interface, which has not changed since 2006 */
#define LIBRARY     "libcurl.so.4"
#define SHOWN_BODY  1024            /* bytes of a body with FAAS_DEBUG */


/* a conversion from a pointer to data that the compiler would not make */
#define LOAD(field)                                                          \
    load(curl->library, "curl_" #field, &curl->field, sizeof(curl->field))


struct curl_functions {
    void                               *library;
    __typeof__(&curl_global_init)       global_init;
    __typeof__(&curl_easy_init)         easy_init;
    __typeof__(&curl_easy_setopt)       easy_setopt;
    __typeof__(&curl_easy_perform)      easy_perform;
    __typeof__(&curl_easy_getinfo)      easy_getinfo;
    __typeof__(&curl_easy_cleanup)      easy_cleanup;
    __typeof__(&curl_easy_reset)        easy_reset;
    __typeof__(&curl_easy_strerror)     easy_strerror;
    __typeof__(&curl_slist_append)      slist_append;
    __typeof__(&curl_slist_free_all)    slist_free_all;
    CURL                               *easy;   /* kept: so are connections */
};

/* a request that is on its way */
struct transfer {
    struct cli                 *cli;
    const struct http_request  *req;
    struct http_response       *res;
    size_t                      sent;           /* bytes of req->body */
    int                         is_stopped;     /* by on_data */
    char                        text[CURL_ERROR_SIZE];
};


static int load_library(struct cli *cli);
static int load(void *library, const char *name, void *function, size_t size);
static int set_options(struct transfer *t, struct curl_slist *headers);
static int set_body(struct transfer *t);
static struct curl_slist *header_list(struct transfer *t);
static size_t on_read(char *dst, size_t size, size_t n, void *data);
static size_t on_write(char *src, size_t size, size_t n, void *data);
static size_t on_header(char *src, size_t size, size_t n, void *data);
static int fail(struct transfer *t, CURLcode code);
static void show_request(const struct http_request *req);
static void show_response(const struct http_response *res);


void
http_request_init(struct http_request *req, const char *method,
    const char *url)
{
    memset(req, 0, sizeof(*req));
    req->method = method;
    req->url = url;
    req->body_fd = -1;
}


int
http_send(struct cli *cli, const struct http_request *req,
    struct http_response *res)
{
    CURLcode            code;
    struct transfer     t = { .cli = cli, .req = req, .res = res };
    struct curl_slist  *headers;

    if (load_library(cli) != 0) {
        return -1;
    }

    memset(res, 0, sizeof(*res));
    faas_buf_init(&res->body, HTTP_BODY_MAX);
    faas_buf_init(&res->headers, HTTP_HEADERS_MAX);
    show_request(req);

    headers = header_list(&t);

    code = set_options(&t, headers) == 0
           ? cli->curl->easy_perform(cli->curl->easy) : CURLE_OUT_OF_MEMORY;
    (void) cli->curl->easy_getinfo(cli->curl->easy, CURLINFO_RESPONSE_CODE,
                                   &res->status);
    cli->curl->slist_free_all(headers);

    if (code != CURLE_OK && !(code == CURLE_WRITE_ERROR && t.is_stopped)) {
        (void) fail(&t, code);
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


void
http_done(struct cli *cli)
{
    if (cli->curl == NULL) {
        return;
    }

    /* curl_global_cleanup() and dlclose() would only take time: it ends */

    cli->curl->easy_cleanup(cli->curl->easy);
    cli->curl = NULL;
}


static int
load_library(struct cli *cli)
{
    int                     rc;
    struct curl_functions  *curl;

    if (cli->curl != NULL) {
        cli->curl->easy_reset(cli->curl->easy);
        return 0;
    }

    curl = pool_alloc(&cli->pool, sizeof(struct curl_functions));
    curl->library = dlopen(LIBRARY, RTLD_NOW);

    if (curl->library == NULL) {
        return cli_fail(cli, "libcurl cannot be loaded, install it (Debian: "
                        "libcurl4): %.120s", dlerror());
    }

    rc = LOAD(global_init) | LOAD(easy_init) | LOAD(easy_setopt)
         | LOAD(easy_perform) | LOAD(easy_getinfo) | LOAD(easy_cleanup)
         | LOAD(easy_reset) | LOAD(easy_strerror) | LOAD(slist_append)
         | LOAD(slist_free_all);

    if (rc != 0 || curl->global_init(CURL_GLOBAL_DEFAULT) != 0) {
        return cli_fail(cli, LIBRARY " is not as it should be: install it "
                        "anew");
    }

    curl->easy = curl->easy_init();

    if (curl->easy == NULL) {
        return cli_fail(cli, "no memory for a connection");
    }

    cli->curl = curl;

    return 0;
}


static int
load(void *library, const char *name, void *function, size_t size)
{
    void  *symbol;

    symbol = dlsym(library, name);
    memcpy(function, &symbol, size);

    return symbol != NULL ? 0 : -1;
}


static int
set_options(struct transfer *t, struct curl_slist *headers)
{
    CURL                       *easy;
    CURLcode                    rc;
    const struct http_request  *req;

    easy = t->cli->curl->easy;
    req = t->req;

#define SET(option, value)                                                   \
    (t->cli->curl->easy_setopt(easy, CURLOPT_ ## option, value) != CURLE_OK)

    /* each is 0 or 1 */

    rc = SET(URL, req->url);
    rc |= SET(PROTOCOLS_STR, "http,https");
    rc |= SET(NOSIGNAL, 1L);
    rc |= SET(ERRORBUFFER, t->text);
    rc |= SET(HTTPHEADER, headers);
    rc |= SET(WRITEFUNCTION, on_write);
    rc |= SET(WRITEDATA, t);
    rc |= SET(HEADERFUNCTION, on_header);
    rc |= SET(HEADERDATA, t);
    rc |= SET(CONNECTTIMEOUT_MS, (long) HTTP_CONNECT_MS);
    rc |= SET(TIMEOUT_MS, (long) req->timeout_ms);
    rc |= SET(SSL_VERIFYPEER, req->is_insecure ? 0L : 1L);
    rc |= SET(SSL_VERIFYHOST, req->is_insecure ? 0L : 2L);
    rc |= SET(FOLLOWLOCATION, req->may_redirect ? 1L : 0L);
    rc |= SET(MAXREDIRS, (long) HTTP_REDIRECTS);

    return rc == 0 ? set_body(t) : -1;
}


/*
 * A method that usually has no body is to have none, unless there is one.
 */
static int
set_body(struct transfer *t)
{
    CURL                       *easy;
    CURLcode                    rc;
    const struct http_request  *req;

    easy = t->cli->curl->easy;
    req = t->req;

    if (strcmp(req->method, "HEAD") == 0) {
        return SET(NOBODY, 1L) ? -1 : 0;
    }

    if (req->body == NULL && req->body_fd < 0) {
        rc = strcmp(req->method, "POST") == 0
             ? SET(POST, 1L) || SET(POSTFIELDSIZE, 0L) : 0;
        rc |= SET(CUSTOMREQUEST, req->method);

        return rc == 0 ? 0 : -1;
    }

    rc = SET(POST, 1L);
    rc |= SET(CUSTOMREQUEST, req->method);
    rc |= SET(READFUNCTION, on_read);
    rc |= SET(READDATA, t);

    /* without a size it is sent in chunks */

    if (req->body_fd < 0) {
        rc |= SET(POSTFIELDSIZE_LARGE, (curl_off_t) req->body_len);
    }

    return rc == 0 ? 0 : -1;
}


/*
 * NULL where there is no memory: it is found out by the missing headers.
 */
static struct curl_slist *
header_list(struct transfer *t)
{
    size_t              i;
    struct curl_slist  *list, *longer;

    /* nobody is asked for leave to send a body */

    list = t->cli->curl->slist_append(NULL, "Expect:");

    for (i = 0; list != NULL && i < t->req->headers.n; i++) {
        longer = t->cli->curl->slist_append(list, t->req->headers.at[i]);

        if (longer == NULL) {
            t->cli->curl->slist_free_all(list);
        }

        list = longer;
    }

    return list;
}


static size_t
on_read(char *dst, size_t size, size_t n, void *data)
{
    size_t            room;
    ssize_t           got;
    struct transfer  *t;

    t = data;
    room = size * n;

    if (t->sent < t->req->body_len) {

        if (room > t->req->body_len - t->sent) {
            room = t->req->body_len - t->sent;
        }

        memcpy(dst, t->req->body + t->sent, room);
        t->sent += room;

        return room;
    }

    if (t->req->body_fd < 0) {
        return 0;
    }

    do {
        got = read(t->req->body_fd, dst, room);
    } while (got < 0 && errno == EINTR);

    return got < 0 ? CURL_READFUNC_ABORT : (size_t) got;
}


static size_t
on_write(char *src, size_t size, size_t n, void *data)
{
    long              status;
    struct transfer  *t;

    t = data;

    (void) t->cli->curl->easy_getinfo(t->cli->curl->easy,
                                      CURLINFO_RESPONSE_CODE, &status);

    if (t->req->on_data != NULL && status >= 200 && status < 300) {

        if (t->req->on_data(t->req->data, src, size * n) != 0) {
            t->is_stopped = 1;
            return 0;
        }

        return size * n;
    }

    return faas_buf_add(&t->res->body, src, size * n) == 0 ? size * n : 0;
}


static size_t
on_header(char *src, size_t size, size_t n, void *data)
{
    struct transfer  *t;

    t = data;

    if (size * n > 5 && memcmp(src, "HTTP/", 5) == 0) {
        faas_buf_reset(&t->res->headers);
    }

    return faas_buf_add(&t->res->headers, src, size * n) == 0 ? size * n : 0;
}


static int
fail(struct transfer *t, CURLcode code)
{
    const char  *text;

    text = t->text[0] != '\0' ? t->text : t->cli->curl->easy_strerror(code);

    switch (code) {

    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
        return faas_err_set(&t->cli->err, HTTP_NO_SERVER, "%s", text);

    case CURLE_OPERATION_TIMEDOUT:
        return cli_fail(t->cli, "%.100s gives no answer in time: %.100s",
                        t->req->url, text);

    case CURLE_PEER_FAILED_VERIFICATION:
        return cli_fail(t->cli, "%.80s: its certificate is not trusted: "
                        "%.90s; --tls-no-verify skips that", t->req->url,
                        text);

    case CURLE_ABORTED_BY_CALLBACK:
        return cli_fail(t->cli, "the body cannot be read: %s",
                        strerror(errno));

    case CURLE_WRITE_ERROR:
        return t->res->headers.is_failed
               ? cli_fail(t->cli, "%.100s answers with more than %d bytes of "
                          "headers", t->req->url, HTTP_HEADERS_MAX)
               : cli_fail(t->cli, "%.100s answers with more than %d bytes",
                          t->req->url, HTTP_BODY_MAX);

    default:
        return cli_fail(t->cli, "%.100s: %.140s", t->req->url, text);
    }
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

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * faas-https: makes requests for faas by libcurl, one after the other, as
 * http_frame.h says.  Its standard input is the socket to faas.
 *
 * What it was given is faas' own, and what comes from a server is libcurl's to
 * read and faas' to bound: it stops taking what is too large.
 */

#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "http_frame.h"
#include "http_transfer.h"


/* what faas has asked for */
struct order {
    struct pool          pool;      /* of the request */
    struct http_request  req;       /* body: "" where there is one */
    struct faas_buf      data;      /* of a frame; while it is performed: of
                                       the body, what libcurl has not taken */
    CURL                *easy;      /* kept: so are connections */
    char                 text[CURL_ERROR_SIZE];
};


static int read_order(struct order *order);
static int add_part(struct order *order, int type);
static void perform(struct order *order);
static int set_options(struct order *order, struct curl_slist *headers);
static int set_body(struct order *order);
static struct curl_slist *header_list(const struct http_request *req);
static int add_header(struct curl_slist **list, const char *header);
static size_t on_read(char *dst, size_t size, size_t n, void *data);
static size_t on_write(char *src, size_t size, size_t n, void *data);
static size_t on_header(char *src, size_t size, size_t n, void *data);
static enum http_outcome outcome_of(CURLcode code);


#define SET(option, value)                                                   \
    (curl_easy_setopt(order->easy, CURLOPT_ ## option, value) != CURLE_OK)


int
main(int argc, char **argv)
{
    struct order      order = { .easy = NULL };
    struct sigaction  ignore = { .sa_handler = SIG_IGN };

    if (argc != 2 || strcmp(argv[1], FAAS_VERSION) != 0) {
        (void) fprintf(stderr, "faas-https " FAAS_VERSION ": it is started "
                       "by faas " FAAS_VERSION "\n");
        return CLI_FAILED;
    }

    /* that faas has gone is an error of what is written to it */
    (void) sigaction(SIGPIPE, &ignore, NULL);

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        return CLI_FAILED;
    }

    order.easy = curl_easy_init();
    faas_buf_init(&order.data, HTTP_FRAME_MAX);

    while (order.easy != NULL && read_order(&order) == 0) {
        perform(&order);
        curl_easy_reset(order.easy);
        pool_done(&order.pool);
    }

    pool_done(&order.pool);
    faas_buf_done(&order.data);
    curl_easy_cleanup(order.easy);
    curl_global_cleanup();

    return CLI_OK;
}


/*
 * Returns 0, or -1 where there is none: faas has ended.
 */
static int
read_order(struct order *order)
{
    int  type;

    http_request_init(&order->req, "GET", "");

    do {
        type = http_frame_get(STDIN_FILENO, &order->data);

        if (type < 0 || add_part(order, type) != 0) {
            return -1;
        }

    } while (type != HTTP_FRAME_SEND);

    return 0;
}


static int
add_part(struct order *order, int type)
{
    char                    *text;
    struct http_frame_send   send;

    text = pool_copy(&order->pool, order->data.data, order->data.len);

    switch (type) {

    case HTTP_FRAME_METHOD:
        order->req.method = text;
        return 0;

    case HTTP_FRAME_URL:
        order->req.url = text;
        return 0;

    case HTTP_FRAME_HEADER:
        texts_add(&order->pool, &order->req.headers, text);
        return 0;

    case HTTP_FRAME_SEND:
        if (order->data.len != sizeof(send)) {
            return -1;
        }

        memcpy(&send, text, sizeof(send));
        order->req.timeout_ms = send.timeout_ms;
        order->req.body = send.has_body ? "" : NULL;
        order->req.body_len = (size_t) send.body_len;
        order->req.body_fd = send.is_chunked ? STDIN_FILENO : -1;
        order->req.is_insecure = (int) send.is_insecure;
        order->req.may_redirect = (int) send.may_redirect;
        return 0;

    default:
        return -1;
    }
}


static void
perform(struct order *order)
{
    CURLcode                code;
    const char             *text;
    struct curl_slist      *headers;
    struct http_frame_end   end = { HTTP_BROKEN, "" };

    order->text[0] = '\0';
    faas_buf_reset(&order->data);
    headers = header_list(&order->req);

    code = headers != NULL && set_options(order, headers) == 0
           ? curl_easy_perform(order->easy) : CURLE_OUT_OF_MEMORY;
    curl_slist_free_all(headers);

    text = order->text[0] != '\0' ? order->text : curl_easy_strerror(code);
    end.outcome = outcome_of(code);
    (void) snprintf(end.text, sizeof(end.text), "%s", text);

    /* where faas has gone, it is seen when its next order is read */
    (void) http_frame_put(STDIN_FILENO, HTTP_FRAME_END, &end, sizeof(end));
}


static int
set_options(struct order *order, struct curl_slist *headers)
{
    int                         rc;
    const struct http_request  *req;

    req = &order->req;

    /* each is 0 or 1 */

    rc = SET(URL, req->url);
    rc |= SET(PROTOCOLS_STR, "http,https");
    rc |= SET(NOSIGNAL, 1L);
    rc |= SET(ERRORBUFFER, order->text);
    rc |= SET(HTTPHEADER, headers);
    rc |= SET(WRITEFUNCTION, on_write);
    rc |= SET(HEADERFUNCTION, on_header);
    rc |= SET(CONNECTTIMEOUT_MS, (long) HTTP_CONNECT_MS);
    rc |= SET(TIMEOUT_MS, (long) req->timeout_ms);
    rc |= SET(SSL_VERIFYPEER, req->is_insecure ? 0L : 1L);
    rc |= SET(SSL_VERIFYHOST, req->is_insecure ? 0L : 2L);
    rc |= SET(FOLLOWLOCATION, req->may_redirect ? 1L : 0L);
    rc |= SET(MAXREDIRS, (long) HTTP_REDIRECTS);

    return rc == 0 ? set_body(order) : -1;
}


/*
 * A method that usually has a body is to have none, unless there is one.
 */
static int
set_body(struct order *order)
{
    int                         rc;
    const struct http_request  *req;

    req = &order->req;

    if (strcmp(req->method, "HEAD") == 0) {
        return SET(NOBODY, 1L) ? -1 : 0;
    }

    rc = SET(CUSTOMREQUEST, req->method);

    if (!http_has_body(req)) {
        return rc == 0 ? 0 : -1;
    }

    rc |= SET(POST, 1L);
    rc |= SET(READFUNCTION, on_read);
    rc |= SET(READDATA, order);

    /* without a size it is sent in chunks */

    if (req->body_fd < 0) {
        rc |= SET(POSTFIELDSIZE_LARGE, (curl_off_t) req->body_len);
    }

    return rc == 0 ? 0 : -1;
}


/*
 * NULL where there is no memory.
 */
static struct curl_slist *
header_list(const struct http_request *req)
{
    int                 rc;
    size_t              i;
    struct curl_slist  *list;

    /* nobody is asked for leave to send a body; a name without a value keeps
     * libcurl from sending its own */

    list = NULL;
    rc = add_header(&list, "Expect:");

    if (!http_has_header(req, "Content-Type")) {
        rc |= add_header(&list, "Content-Type:");
    }

    for (i = 0; i < req->headers.n; i++) {
        rc |= add_header(&list, req->headers.at[i]);
    }

    if (rc != 0) {
        curl_slist_free_all(list);
        return NULL;
    }

    return list;
}


static int
add_header(struct curl_slist **list, const char *header)
{
    struct curl_slist  *longer;

    longer = curl_slist_append(*list, header);

    if (longer == NULL) {
        return -1;
    }

    *list = longer;

    return 0;
}


/*
 * The bytes of a body are where faas is, which may be at a terminal.  How many
 * are asked for is libcurl's choice.
 */
static size_t
on_read(char *dst, size_t size, size_t n, void *data)
{
    struct order  *order;

    order = data;

    if (order->data.len == 0
        && (http_frame_put(STDIN_FILENO, HTTP_FRAME_READ, NULL, 0) != 0
            || http_frame_get(STDIN_FILENO, &order->data) != HTTP_FRAME_DATA))
    {
        return CURL_READFUNC_ABORT;
    }

    n = size * n < order->data.len ? size * n : order->data.len;
    memcpy(dst, order->data.data, n);
    faas_buf_consume(&order->data, n);

    return n;
}


static size_t
on_write(char *src, size_t size, size_t n, void *data)
{
    (void) data;

    return http_frame_put(STDIN_FILENO, HTTP_FRAME_BODY, src, size * n) == 0
           ? size * n : 0;
}


static size_t
on_header(char *src, size_t size, size_t n, void *data)
{
    (void) data;

    return http_frame_put(STDIN_FILENO, HTTP_FRAME_HEAD, src, size * n) == 0
           ? size * n : 0;
}


static enum http_outcome
outcome_of(CURLcode code)
{
    switch ((int) code) {

    case CURLE_OK:
        return HTTP_DONE;

    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
        return HTTP_UNREACHABLE;

    case CURLE_OPERATION_TIMEDOUT:
        return HTTP_LATE;

    case CURLE_PEER_FAILED_VERIFICATION:
        return HTTP_UNTRUSTED;

    default:
        return HTTP_BROKEN;
    }
}

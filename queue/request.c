/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * HTTP requests, to the gateway and to callbacks.
 */

#include "request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "header.h"


#define STATUS    "HTTP/"
#define IDLE_MAX  16L               /* connections that stay open */


static int set_up(struct request *request, const struct request_ask *ask);
static int set_body(struct request *request, const struct request_ask *ask);
static int set_limits(struct request *request, const struct request_ask *ask);
static curl_socket_t on_open(void *arg, curlsocktype purpose,
    struct curl_sockaddr *addr);
static size_t on_header(char *data, size_t size, size_t n, void *arg);
static size_t on_body(char *data, size_t size, size_t n, void *arg);
static void on_done(void *data, CURLcode code);


int
requests_init(struct requests *requests, struct event_base *base,
    unsigned max, struct faas_err *err)
{
    requests->multi.done = on_done;

    if (multi_init(&requests->multi, base, max, err) != 0) {
        return -1;
    }

    (void) curl_multi_setopt(requests->multi.curlm, CURLMOPT_MAXCONNECTS,
                             (long) max < IDLE_MAX ? (long) max : IDLE_MAX);

    return 0;
}


void
requests_done(struct requests *requests)
{
    multi_done(&requests->multi);
}


struct request *
request_new(struct requests *requests, const struct request_ask *ask)
{
    struct request  *request;

    request = calloc(1, sizeof(*request));

    if (request == NULL) {
        curl_slist_free_all(ask->headers);
        return NULL;
    }

    request->requests = requests;
    request->headers = ask->headers;
    request->body_max = ask->answer_max;
    request->keeps = ask->keeps;
    request->done = ask->done;
    request->arg = ask->arg;
    faas_buf_init(&request->lines, FAAS_ASYNC_HEADERS_MAX);
    faas_buf_init(&request->body, ask->keeps ? ask->answer_max : 0);

    request->curl = curl_easy_init();

    if (request->curl == NULL || set_up(request, ask) != 0
        || set_body(request, ask) != 0 || set_limits(request, ask) != 0
        || curl_multi_add_handle(requests->multi.curlm, request->curl)
           != CURLM_OK)
    {
        request_free(request);
        return NULL;
    }

    return request;
}


void
request_free(struct request *request)
{
    if (request->curl != NULL) {
        (void) curl_multi_remove_handle(request->requests->multi.curlm,
                                        request->curl);
        curl_easy_cleanup(request->curl);
    }

    curl_slist_free_all(request->headers);
    faas_buf_done(&request->lines);
    faas_buf_done(&request->body);
    free(request);
}


static int
set_up(struct request *request, const struct request_ask *ask)
{
    CURL  *curl;

    curl = request->curl;

    if (curl_easy_setopt(curl, CURLOPT_URL, ask->url) != CURLE_OK
        || (ask->target != NULL
            && curl_easy_setopt(curl, CURLOPT_REQUEST_TARGET, ask->target)
               != CURLE_OK)
        || curl_easy_setopt(curl, CURLOPT_PRIVATE, request) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, request->error)
           != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_WRITEDATA, request) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header)
           != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_HEADERDATA, request) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_HTTPHEADER, request->headers)
           != CURLE_OK)
    {
        return -1;
    }

    /* what the environment says of proxies is for other programs */

    return curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https")
              == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_HTTP_VERSION,
                               (long) CURL_HTTP_VERSION_1_1) == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_HTTP09_ALLOWED, 0L) == CURLE_OK
           ? 0 : -1;
}


static int
set_body(struct request *request, const struct request_ask *ask)
{
    CURL  *curl;

    curl = request->curl;

    /* where the data is NULL libcurl would ask for some */

    return curl_easy_setopt(curl, CURLOPT_POST, 1L) == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_POSTFIELDS,
                               ask->body != NULL ? ask->body : "") == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                               (curl_off_t) ask->body_len) == CURLE_OK
           ? 0 : -1;
}


static int
set_limits(struct request *request, const struct request_ask *ask)
{
    CURL  *curl;

    curl = request->curl;

    if (curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                            (long) request->requests->connect_ms) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long) ask->timeout_ms)
           != CURLE_OK)
    {
        return -1;
    }

    if (request->requests->rules == NULL) {
        return 0;
    }

    return curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, on_open)
           == CURLE_OK
           && curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, request)
              == CURLE_OK
           ? 0 : -1;
}


/*
 * Here the name is resolved, and what is checked is what is connected to.
 */
static curl_socket_t
on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *addr)
{
    struct request  *request;

    (void) purpose;

    request = arg;

    if (!address_is_allowed(request->requests->rules, &addr->addr)) {
        request->is_refused = 1;
        return CURL_SOCKET_BAD;
    }

    return socket(addr->family, addr->socktype | SOCK_CLOEXEC,
                  addr->protocol);
}


static size_t
on_header(char *data, size_t size, size_t n, void *arg)
{
    struct request  *request;

    request = arg;
    n *= size;

    /* an answer may have others before it, 100 and 103 */

    if (n > sizeof(STATUS) - 1 && memcmp(data, STATUS, sizeof(STATUS) - 1)
        == 0)
    {
        faas_buf_reset(&request->lines);
        request->is_internal = 0;
        request->after[0] = '\0';
        return n;
    }

    request->is_internal = request->is_internal
                           || header_has(data, n, "X-OpenFaaS-Internal");
    header_get(data, n, "Retry-After", request->after,
               sizeof(request->after));

    if (request->keeps && data[0] != '\r' && data[0] != '\n'
        && faas_buf_add(&request->lines, data, n) != 0)
    {
        request->is_over = 1;
        return 0;
    }

    return n;
}


static size_t
on_body(char *data, size_t size, size_t n, void *arg)
{
    struct request  *request;

    request = arg;
    n *= size;

    if (n > request->body_max) {
        request->is_over = 1;
        return 0;
    }

    if (request->body_max != REQUEST_ANY_SIZE) {
        request->body_max -= n;
    }

    return !request->keeps || faas_buf_add(&request->body, data, n) == 0
           ? n : 0;
}


static void
on_done(void *data, CURLcode code)
{
    long             status;
    struct request  *request;

    request = data;
    status = 0;
    (void) curl_easy_getinfo(request->curl, CURLINFO_RESPONSE_CODE, &status);

    request->status = status > 0 ? (unsigned) status : 0;

    request->result = code == CURLE_OK ? REQUEST_OK
                      : request->is_over ? REQUEST_TOO_LARGE
                      : request->is_refused ? REQUEST_REFUSED
                      : code == CURLE_URL_MALFORMAT
                        || code == CURLE_UNSUPPORTED_PROTOCOL
                        ? REQUEST_BAD_URL
                      : code == CURLE_OPERATION_TIMEDOUT
                        && request->status == 0 ? REQUEST_TIMED_OUT
                      : REQUEST_FAILED;

    if (code != CURLE_OK && request->error[0] == '\0') {
        (void) snprintf(request->error, sizeof(request->error), "%s",
                        curl_easy_strerror(code));
    }

    request->done(request->arg, request);
}

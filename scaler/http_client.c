/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * An HTTP client for one server.
 */

#include "http_client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>


#define URL_MAX        8192
#define KEEPALIVE      5L           /* seconds between probes of a stream */
#define CLOSING        "the program ends"
#define VERSION_FIELD  "api-version:"


static int set_up(struct http_request *request, const struct http_ask *ask);
static int set_expiry(struct http_request *request, uint64_t timeout_ms);
static int set_server(struct http_request *request);
static int set_headers(struct http_request *request,
    const struct http_ask *ask);
static void detach(struct http_request *request);
static void request_free(struct http_request *request);
static size_t on_header(char *data, size_t size, size_t n, void *arg);
static size_t on_body(char *data, size_t size, size_t n, void *arg);
static void on_done(void *data, CURLcode result);
static void on_deliver(evutil_socket_t fd, short what, void *arg);
static void deliver(struct http_client *client);
static void tell(struct http_request *request);
static void finish(struct http_request *request);
static void give_up(struct http_request *request, CURLcode result,
    const char *why);
static void on_expiry(evutil_socket_t fd, short what, void *arg);
static int is_good(const struct http_request *request);
static void make_ready(struct http_request *request);


int
http_client_init(struct http_client *client, struct event_base *base,
    struct faas_err *err)
{
    TAILQ_INIT(&client->requests);
    TAILQ_INIT(&client->ready);
    client->base = base;
    client->deliver = event_new(base, -1, 0, on_deliver, client);

    if (client->deliver == NULL) {
        return faas_err_set(err, 500, "no memory");
    }

    client->multi.done = on_done;

    return multi_init(&client->multi, base, client->max, err);
}


void
http_client_done(struct http_client *client)
{
    struct http_request  *request;

    if (client->multi.curlm != NULL) {
        client->is_closing = 1;

        TAILQ_FOREACH(request, &client->requests, link) {
            give_up(request, CURLE_ABORTED_BY_CALLBACK, CLOSING);
        }

        deliver(client);
    }

    multi_done(&client->multi);

    if (client->deliver != NULL) {
        event_free(client->deliver);
        client->deliver = NULL;
    }
}


struct http_request *
http_client_ask(struct http_client *client, const struct http_ask *ask,
    struct faas_err *err)
{
    struct http_request  *request;

    if (client->is_closing) {
        free(ask->body);
        (void) faas_err_set(err, 503, CLOSING);
        return NULL;
    }

    if (client->n >= client->max_waiting) {
        free(ask->body);
        (void) faas_err_set(err, 503, "%u requests wait for an answer, no "
                            "more may: try again", client->n);
        return NULL;
    }

    request = calloc(1, sizeof(*request));

    if (request == NULL) {
        free(ask->body);
        (void) faas_err_set(err, 500, "no memory");
        return NULL;
    }

    request->client = client;
    request->body = ask->body;
    request->data = ask->data;
    request->done = ask->done;
    request->arg = ask->arg;
    request->in = evbuffer_new();
    request->curl = curl_easy_init();

    if (request->in == NULL || request->curl == NULL
        || set_up(request, ask) != 0
        || set_expiry(request, ask->timeout_ms) != 0
        || curl_multi_add_handle(client->multi.curlm, request->curl)
           != CURLM_OK)
    {
        request_free(request);
        (void) faas_err_set(err, 500, "no memory");
        return NULL;
    }

    TAILQ_INSERT_TAIL(&client->requests, request, link);
    client->n++;

    return request;
}


void
http_request_cancel(struct http_request *request)
{
    if (request->client->told == request) {
        request->client->told = NULL;
    }

    detach(request);
    request_free(request);
}


void
http_request_pause(struct http_request *request)
{
    request->is_paused = 1;
}


void
http_request_resume(struct http_request *request)
{
    request->is_paused = 0;
    make_ready(request);
}


static int
set_up(struct http_request *request, const struct http_ask *ask)
{
    CURL  *curl;
    char   url[URL_MAX];
    int    len;

    curl = request->curl;
    len = snprintf(url, sizeof(url), "%s%s", request->client->url, ask->path);

    if (len < 0 || (size_t) len >= sizeof(url)
        || curl_easy_setopt(curl, CURLOPT_URL, url) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, ask->method)
           != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_PRIVATE, request) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, request->error)
           != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_WRITEDATA, request) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header)
           != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_HEADERDATA, request) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
                            (long) request->client->connect_ms)
           != CURLE_OK)
    {
        return -1;
    }

    /* where its size is known it does not even begin */

    if (request->data == NULL
        && curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE,
                            (curl_off_t) request->client->answer_max)
           != CURLE_OK)
    {
        return -1;
    }

    return set_server(request) == 0 ? set_headers(request, ask) : -1;
}


/*
 * libcurl's own time-out begins when a request's turn has come.
 */
static int
set_expiry(struct http_request *request, uint64_t timeout_ms)
{
    struct timeval  tv;

    if (timeout_ms == 0) {
        return 0;
    }

    tv.tv_sec = (time_t) (timeout_ms / 1000);
    tv.tv_usec = (suseconds_t) (timeout_ms % 1000 * 1000);
    request->expiry = evtimer_new(request->client->base, on_expiry, request);

    return request->expiry != NULL ? evtimer_add(request->expiry, &tv) : -1;
}


/*
 * How the server is reached.  What the environment says of proxies is for
 * other programs.
 */
static int
set_server(struct http_request *request)
{
    CURL                      *curl;
    char                       path[URL_MAX];
    size_t                     i;
    const struct http_client  *client;

    static const struct {
        const char  *name;
        CURLoption   option;
    } files[] = {
        { "ca.pem", CURLOPT_CAINFO },
        { "cert.pem", CURLOPT_SSLCERT },
        { "key.pem", CURLOPT_SSLKEY },
    };

    curl = request->curl;
    client = request->client;

    if (curl_easy_setopt(curl, CURLOPT_PROXY, "") != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_TCP_KEEPIDLE, KEEPALIVE) != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_TCP_KEEPINTVL, KEEPALIVE)
           != CURLE_OK
        || curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https")
           != CURLE_OK)
    {
        return -1;
    }

    if (client->socket != NULL
        && curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, client->socket)
           != CURLE_OK)
    {
        return -1;
    }

    for (i = 0; client->cert_dir != NULL && i < sizeof(files)
         / sizeof(files[0]); i++)
    {
        (void) snprintf(path, sizeof(path), "%s/%s", client->cert_dir,
                        files[i].name);

        if (curl_easy_setopt(curl, files[i].option, path) != CURLE_OK) {
            return -1;
        }
    }

    return 0;
}


static int
set_headers(struct http_request *request, const struct http_ask *ask)
{
    size_t              i;
    const char         *lines[3];
    struct curl_slist  *list;

    lines[0] = "Expect:";
    lines[1] = ask->body != NULL ? "Content-Type: application/json" : NULL;
    lines[2] = ask->header;

    for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {

        if (lines[i] == NULL) {
            continue;
        }

        list = curl_slist_append(request->headers, lines[i]);

        if (list == NULL) {
            return -1;
        }

        request->headers = list;
    }

    if (curl_easy_setopt(request->curl, CURLOPT_HTTPHEADER, request->headers)
        != CURLE_OK)
    {
        return -1;
    }

    if (ask->body == NULL) {
        return 0;
    }

    return curl_easy_setopt(request->curl, CURLOPT_POSTFIELDS, request->body)
           == CURLE_OK ? 0 : -1;
}


static void
detach(struct http_request *request)
{
    struct http_client  *client;

    client = request->client;

    if (request->is_ready) {
        TAILQ_REMOVE(&client->ready, request, ready);
    }

    TAILQ_REMOVE(&client->requests, request, link);
    client->n--;
    (void) curl_multi_remove_handle(client->multi.curlm, request->curl);
}


static void
request_free(struct http_request *request)
{
    if (request->curl != NULL) {
        curl_easy_cleanup(request->curl);
    }

    if (request->in != NULL) {
        evbuffer_free(request->in);
    }

    if (request->expiry != NULL) {
        event_free(request->expiry);
    }

    curl_slist_free_all(request->headers);

    if (request->body != NULL) {
        /* it may be a secret's */
        explicit_bzero(request->body, strlen(request->body));
        free(request->body);
    }

    free(request);
}


static size_t
on_header(char *data, size_t size, size_t n, void *arg)
{
    size_t                len, skip;
    struct http_request  *request;

    request = arg;
    n *= size;
    skip = sizeof(VERSION_FIELD) - 1;

    if (n > skip && strncasecmp(data, VERSION_FIELD, skip) == 0) {

        while (skip < n && data[skip] == ' ') {
            skip++;
        }

        for (len = 0; skip + len < n && len < HTTP_VERSION_MAX
             && data[skip + len] > ' '; len++)
        {
            request->version[len] = data[skip + len];
        }

        request->version[len] = '\0';
    }

    return n;
}


static size_t
on_body(char *data, size_t size, size_t n, void *arg)
{
    long                  status;
    size_t                held, max;
    struct http_request  *request;

    request = arg;
    n *= size;
    held = evbuffer_get_length(request->in);
    status = 0;
    (void) curl_easy_getinfo(request->curl, CURLINFO_RESPONSE_CODE, &status);

    if (request->data != NULL && status / 100 == 2) {

        if (held >= HTTP_HELD_MAX) {
            request->is_blocked = 1;
            make_ready(request);
            return CURL_WRITEFUNC_PAUSE;
        }

    } else {
        max = status / 100 == 2 ? request->client->answer_max
                                : HTTP_ERROR_MAX;

        if (n > max - held) {
            request->is_over = 1;
            return 0;
        }
    }

    if (evbuffer_add(request->in, data, n) != 0) {
        return 0;
    }

    if (request->data != NULL) {
        make_ready(request);
    }

    return n;
}


/*
 * libcurl's part is over.
 */
static void
on_done(void *data, CURLcode result)
{
    struct http_request  *request;

    request = data;

    if (!request->is_done) {
        request->result = result;
        request->is_done = 1;
    }

    make_ready(request);
}


static void
on_deliver(evutil_socket_t fd, short what, void *arg)
{
    (void) fd;
    (void) what;

    deliver(arg);
}


/*
 * Whom it is told may cancel any request, and begin others.
 */
static void
deliver(struct http_client *client)
{
    struct http_request  *request;

    while ((request = TAILQ_FIRST(&client->ready)) != NULL) {
        TAILQ_REMOVE(&client->ready, request, ready);
        request->is_ready = 0;

        if (!request->is_paused) {
            tell(request);
        }
    }
}


/*
 * The data first; in it the request may be cancelled, or paused, and then it
 * is told the rest later.
 */
static void
tell(struct http_request *request)
{
    int                  is_gone;
    struct http_client  *client;

    client = request->client;

    if (request->data != NULL && is_good(request) && !client->is_closing
        && evbuffer_get_length(request->in) != 0)
    {
        client->told = request;
        request->data(request->arg, request->in);

        is_gone = client->told == NULL;
        client->told = NULL;

        if (is_gone || request->is_paused) {
            return;
        }
    }

    if (request->is_done) {
        finish(request);

    } else if (request->is_blocked) {
        /* more may come, at once and from within */
        request->is_blocked = 0;
        (void) curl_easy_pause(request->curl, CURLPAUSE_CONT);
        multi_collect(&client->multi);
    }
}


static void
finish(struct http_request *request)
{
    long                status;
    struct http_answer  answer;

    status = 0;
    (void) curl_easy_getinfo(request->curl, CURLINFO_RESPONSE_CODE, &status);

    answer.status = (int) status;
    answer.error = NULL;
    answer.version = request->version;
    answer.body = request->in;

    if (request->result != CURLE_OK) {
        answer.status = 0;
        answer.error = request->is_over
                       || request->result == CURLE_FILESIZE_EXCEEDED
                       ? "the answer is too large"
                       : request->error[0] != '\0' ? request->error
                       : curl_easy_strerror(request->result);
    }

    detach(request);
    request->done(request->arg, &answer);
    request_free(request);
}


static void
give_up(struct http_request *request, CURLcode result, const char *why)
{
    if (!request->is_done) {
        request->is_done = 1;
        request->result = result;
        (void) snprintf(request->error, sizeof(request->error), "%s", why);
    }

    request->is_paused = 0;
    make_ready(request);
}


static void
on_expiry(evutil_socket_t fd, short what, void *arg)
{
    (void) fd;
    (void) what;

    give_up(arg, CURLE_OPERATION_TIMEDOUT, "no answer in time");
}


static int
is_good(const struct http_request *request)
{
    long  status;

    status = 0;
    (void) curl_easy_getinfo(request->curl, CURLINFO_RESPONSE_CODE, &status);

    return status / 100 == 2;
}


static void
make_ready(struct http_request *request)
{
    if (!request->is_ready) {
        request->is_ready = 1;
        TAILQ_INSERT_TAIL(&request->client->ready, request, ready);
    }

    event_active(request->client->deliver, EV_TIMEOUT, 0);
}

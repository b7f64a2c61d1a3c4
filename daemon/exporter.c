/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A daemon's /metrics, for Prometheus, and /healthz.
 */

#include "exporter.h"

#include <stdlib.h>
#include <string.h>


#define LINE_MAX_LEN  1024          /* bytes of a line, and of a family's two */
#define HEADERS_MAX   8192          /* bytes of a request's head */
#define CONTENT_TYPE  "text/plain; version=0.0.4; charset=utf-8"


/* one that is being sent */
struct page {
    struct exporter        *exporter;
    struct evhttp_request  *req;
    struct evbuffer        *part;       /* owned */
    unsigned                i;          /* of the next one */
};


static void on_request(struct evhttp_request *req, void *arg);
static void answer(struct evhttp_request *req, int status,
    const char *reason);
static void send_page(struct exporter *exporter, struct evhttp_request *req);
static void send_part(struct evhttp_connection *conn, void *arg);
static void on_close(struct evhttp_connection *conn, void *arg);
static void page_free(struct page *page);
static void put_line(struct evbuffer *out, const char *line, size_t len);


int
exporter_open(struct exporter *exporter, struct event_base *base,
    const char *option, const char *text, evconnlistener_errorcb on_error,
    struct faas_err *err)
{
    int               fd;
    struct listener  *listener;

    listener = &exporter->listener;
    exporter->http = evhttp_new(base);

    if (exporter->http == NULL) {
        return faas_err_set(err, 0, "no memory");
    }

    evhttp_set_allowed_methods(exporter->http, EVHTTP_REQ_GET
                                               | EVHTTP_REQ_HEAD);
    evhttp_set_max_body_size(exporter->http, 0);
    evhttp_set_max_headers_size(exporter->http, HEADERS_MAX);
    evhttp_set_timeout(exporter->http, EXPORTER_TIMEOUT);
    evhttp_set_gencb(exporter->http, on_request, exporter);

    listener->option = option;
    listener->what = "/metrics";
    fd = listener_bind(listener, text, err);

    return fd != -1
           ? listener_open(listener, exporter->http, fd, on_error, err) : -1;
}


void
exporter_close(struct exporter *exporter)
{
    if (exporter->http != NULL) {
        evhttp_free(exporter->http);
        exporter->http = NULL;
    }

    listener_close(&exporter->listener);
}


void
exporter_family(struct evbuffer *out, const char *name, const char *help,
    const char *type)
{
    char  line[LINE_MAX_LEN];

    put_line(out, line, faas_expo_family(line, sizeof(line), name, help,
                                         type));
}


void
exporter_uint(struct evbuffer *out, const struct faas_sample *sample,
    uint64_t value)
{
    char  line[LINE_MAX_LEN];

    put_line(out, line, faas_expo_uint(line, sizeof(line), sample, value));
}


void
exporter_msec(struct evbuffer *out, const struct faas_sample *sample,
    uint64_t msec)
{
    char  line[LINE_MAX_LEN];

    put_line(out, line, faas_expo_seconds(line, sizeof(line), sample,
                                          msec * 1000));
}


static void
on_request(struct evhttp_request *req, void *arg)
{
    const char       *path;
    struct exporter  *exporter;

    exporter = arg;
    exporter->listener.is_reported = 0;
    path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(req));

    if (path != NULL && strcmp(path, "/metrics") == 0) {
        send_page(exporter, req);

    } else if (path == NULL || strcmp(path, "/healthz") != 0) {
        answer(req, HTTP_NOTFOUND, "Not Found");

    } else if (!exporter->is_healthy(exporter->arg)) {
        answer(req, HTTP_SERVUNAVAIL, "Service Unavailable");

    } else {
        answer(req, HTTP_OK, "OK");
    }
}


static void
answer(struct evhttp_request *req, int status, const char *reason)
{
    evhttp_send_reply(req, status, reason, NULL);
}


static void
send_page(struct exporter *exporter, struct evhttp_request *req)
{
    struct page  *page;

    if (exporter->n_pages == EXPORTER_PAGES_MAX) {
        answer(req, HTTP_SERVUNAVAIL, "Service Unavailable");
        return;
    }

    (void) evhttp_add_header(evhttp_request_get_output_headers(req),
                             "Content-Type", CONTENT_TYPE);

    if (evhttp_request_get_command(req) == EVHTTP_REQ_HEAD) {
        answer(req, HTTP_OK, "OK");
        return;
    }

    page = calloc(1, sizeof(*page));

    if (page == NULL || (page->part = evbuffer_new()) == NULL) {
        free(page);
        answer(req, HTTP_INTERNAL, "Internal Server Error");
        return;
    }

    page->exporter = exporter;
    page->req = req;
    exporter->n_pages++;

    evhttp_connection_set_closecb(evhttp_request_get_connection(req),
                                  on_close, page);
    evhttp_send_reply_start(req, HTTP_OK, "OK");
    send_part(NULL, page);
}


/*
 * The client has taken all that was sent.  libevent says so of what has bytes.
 */
static void
send_part(struct evhttp_connection *conn, void *arg)
{
    struct page      *page;
    struct exporter  *exporter;

    (void) conn;

    page = arg;
    exporter = page->exporter;

    if (exporter->put(exporter->arg, page->i++, page->part)
        && evbuffer_get_length(page->part) != 0)
    {
        evhttp_send_reply_chunk_with_cb(page->req, page->part, send_part,
                                        page);
        return;
    }

    evhttp_connection_set_closecb(evhttp_request_get_connection(page->req),
                                  NULL, NULL);
    evhttp_send_reply_end(page->req);
    page_free(page);
}


/*
 * The client has gone, or the daemon ends.  In the first case the request is
 * ours.
 */
static void
on_close(struct evhttp_connection *conn, void *arg)
{
    struct page  *page;

    (void) conn;

    page = arg;

    if (evhttp_request_get_connection(page->req) == NULL) {
        evhttp_request_free(page->req);
    }

    page_free(page);
}


static void
page_free(struct page *page)
{
    page->exporter->n_pages--;
    evbuffer_free(page->part);
    free(page);
}


static void
put_line(struct evbuffer *out, const char *line, size_t len)
{
    (void) evbuffer_add(out, line, len);
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * An HTTP client for one server: libcurl's multi interface on libevent.
 *
 * DESIGN
 *
 * libcurl must not be called from within its own callbacks.  So they only
 * store what has come; what a caller gets is told afterwards, and there a
 * caller may begin requests and cancel any of them, its own included.
 */

#ifndef FAAS_SCALER_HTTP_CLIENT_H
#define FAAS_SCALER_HTTP_CLIENT_H

#include <curl/curl.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "daemon/multi.h"
#include "lib/faas_err.h"


#define HTTP_HELD_MAX     262144    /* bytes of a stream that are held */
#define HTTP_ERROR_MAX    65536     /* bytes of an answer other than 2xx */
#define HTTP_VERSION_MAX  15        /* bytes of the header Api-Version */


struct http_request;

TAILQ_HEAD(http_list, http_request);

struct http_client {
    struct multi        multi;
    struct event_base  *base;
    struct event       *deliver;        /* something is to be told */
    const char         *url;            /* what each path is put behind */
    const char         *socket;         /* path of a unix socket; NULL */
    const char         *cert_dir;       /* ca.pem, cert.pem, key.pem; NULL */
    uint64_t            connect_ms;
    size_t              answer_max;     /* bytes */
    unsigned            max;            /* requests at a time, others wait
                                           in libcurl */
    unsigned            max_waiting;    /* requests in all */
    unsigned            n;
    int                 is_closing;     /* nothing more may be asked */
    struct http_request *told;          /* whose data() is called now */
    struct http_list    requests;
    struct http_list    ready;          /* is_ready */
};

/* what came; gone when the call returns */
struct http_answer {
    int               status;           /* 0: there is none */
    const char       *error;            /* then why; else NULL */
    const char       *version;          /* Api-Version; "" */
    struct evbuffer  *body;             /* of a stream: that of an error */
};

struct http_request {
    TAILQ_ENTRY(http_request)  link;
    TAILQ_ENTRY(http_request)  ready;
    struct http_client        *client;
    CURL                      *curl;
    struct curl_slist         *headers;
    struct event              *expiry;          /* NULL: it may last */
    char                      *body;            /* owned */
    struct evbuffer           *in;
    char                       version[HTTP_VERSION_MAX + 1];
    char                       error[CURL_ERROR_SIZE];
    CURLcode                   result;
    int                        is_ready;        /* something is to be told */
    int                        is_done;
    int                        is_paused;       /* by its owner */
    int                        is_blocked;      /* libcurl was told to wait */
    int                        is_over;         /* more than may come */

    /* of a stream: takes what it wants out of in */
    void                     (*data)(void *arg, struct evbuffer *in);

    /* the request is freed afterwards */
    void                     (*done)(void *arg,
                                     const struct http_answer *answer);
    void                      *arg;
};

/* what is asked; copied but for the texts, which may go at once */
struct http_ask {
    const char  *method;
    const char  *path;
    char        *body;              /* JSON, taken; NULL: none */
    const char  *header;            /* one more line; NULL */
    uint64_t     timeout_ms;        /* of all of it, waiting for its turn as
                                       well; 0: it may last */
    void       (*data)(void *arg, struct evbuffer *in);     /* or NULL */
    void       (*done)(void *arg, const struct http_answer *answer);
    void        *arg;
};


/*
 * url to max_waiting are the caller's to set before, and have to live as long.
 * Returns 0 or -1; http_client_done() in either case.
 */
int http_client_init(struct http_client *client, struct event_base *base,
    struct faas_err *err);

/*
 * Ends what is asked: done() is called, with no answer.  Not from within.
 */
void http_client_done(struct http_client *client);

/*
 * Asks.  done() is called once, not from within.  Returns the request, or NULL
 * with code 503 (too many wait) or 500 in err; done() is not called then.
 */
struct http_request *http_client_ask(struct http_client *client,
    const struct http_ask *ask, struct faas_err *err);

/*
 * Ends it without done().
 */
void http_request_cancel(struct http_request *request);

/*
 * Of a stream: nothing is told, and little is read, until it is resumed.
 */
void http_request_pause(struct http_request *request);
void http_request_resume(struct http_request *request);


#endif /* FAAS_SCALER_HTTP_CLIENT_H */

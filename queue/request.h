/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * HTTP requests, to the gateway and to callbacks.
 *
 * Each of the two has its own requests: a connection to the gateway that
 * stays open is never a callback's, whose address would go unchecked.
 */

#ifndef FAAS_QUEUE_REQUEST_H
#define FAAS_QUEUE_REQUEST_H

#include <curl/curl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "daemon/multi.h"
#include "lib/faas_async.h"
#include "lib/faas_buf.h"
#include "lib/faas_err.h"

#include "address.h"


#define REQUEST_AFTER_MAX  40           /* bytes of Retry-After */
#define REQUEST_ANY_SIZE   SIZE_MAX


enum request_result {
    REQUEST_OK,                         /* there is an answer */
    REQUEST_TOO_LARGE,                  /* status is there, not all of it */
    REQUEST_TIMED_OUT,
    REQUEST_REFUSED,                    /* by the rules for addresses */
    REQUEST_BAD_URL,
    REQUEST_FAILED                      /* no connection, or a broken one */
};

struct requests {
    struct multi                 multi;
    const struct address_rules  *rules; /* NULL: any address */
    uint64_t                     connect_ms;
};

struct request {
    struct requests      *requests;
    CURL                 *curl;
    struct curl_slist    *headers;      /* owned, of what is sent */
    size_t                body_max;
    int                   keeps;        /* what comes is kept */

    enum request_result   result;
    unsigned              status;       /* 0: there is none */
    char                  error[CURL_ERROR_SIZE];
    int                   is_internal;  /* X-OpenFaaS-Internal */
    int                   is_over;
    int                   is_refused;
    char                  after[REQUEST_AFTER_MAX + 1];
    struct faas_buf       lines;        /* "Name: value\r\n", end to end */
    struct faas_buf       body;

    void                (*done)(void *arg, struct request *request);
    void                 *arg;
};

struct request_ask {
    const char         *url;
    const char         *target;         /* of the request line; NULL: url's */
    struct curl_slist  *headers;        /* taken, whatever comes of it */
    const char         *body;           /* has to live as long */
    size_t              body_len;
    size_t              answer_max;     /* bytes of the answer's body */
    int                 keeps;          /* the answer's headers and body */
    uint64_t            timeout_ms;     /* 0: none */
    void              (*done)(void *arg, struct request *request);
    void               *arg;
};


/*
 * Returns 0 or -1; requests_done() in either case.
 */
int requests_init(struct requests *requests, struct event_base *base,
    unsigned max, struct faas_err *err);

/*
 * All are to be freed before.
 */
void requests_done(struct requests *requests);

/*
 * POSTs.  done() is called once, not from within, and frees the request.
 * Returns NULL where there is no memory; done() is not called then.
 */
struct request *request_new(struct requests *requests,
    const struct request_ask *ask);

/*
 * done() will not be called if it was not.
 */
void request_free(struct request *request);


#endif /* FAAS_QUEUE_REQUEST_H */

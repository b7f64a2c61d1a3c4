/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The Docker Engine's API, as far as HTTP and JSON go: where it is, which
 * version it speaks, what its errors say.  What is asked is the caller's
 * business.
 *
 * https://docs.docker.com/engine/api/v1.41/
 */

#ifndef FAAS_SCALER_DOCKER_H
#define FAAS_SCALER_DOCKER_H

#include <event2/event.h>
#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/faas_err.h"

#include "http_client.h"


#define DOCKER_MINOR_MIN      30            /* API 1.30: Docker 17.06 */
#define DOCKER_MINOR_MAX      44            /* API 1.44: Docker 25 */
#define DOCKER_ANSWER_MAX     (256 << 20)   /* bytes */
#define DOCKER_CALLS          16            /* at a time */
#define DOCKER_CALLS_MAX      4096          /* that wait */
#define DOCKER_ID_MAX         64            /* bytes of an object's id */


/* answer is borrowed: a value, or NULL where the body is empty; err->code is
   0 where it went well, else Docker's status, or 503 where it does not answer
   as it should */
typedef void (*docker_answer_fn)(void *arg, json_t *answer,
    const struct faas_err *err);

struct docker_stream;

struct docker {
    struct http_client   calls;
    struct http_client   streams;
    char                *url;           /* owned */
    char                *socket;        /* owned; NULL: TCP */
    uint64_t             timeout_ms;
    unsigned             minor;         /* of the version that is spoken; 0:
                                           not known yet */
};


/*
 * address is unix:///path or tcp://HOST:PORT; cert_dir the folder of ca.pem,
 * cert.pem and key.pem, for TLS, or NULL, and has to live as long.  timeout_ms
 * is for each answer.  Nothing is asked yet.  Returns 0 or -1; docker_close()
 * in either case.
 */
int docker_open(struct docker *docker, const char *address,
    const char *cert_dir, uint64_t timeout_ms, struct event_base *base,
    struct faas_err *err);

/*
 * Ends what is asked: each is told, with code 503.
 */
void docker_close(struct docker *docker);

/*
 * Asks which version it speaks: done is called with the newest that both
 * speak in docker->minor, or an error.
 */
void docker_ping(struct docker *docker, docker_answer_fn done, void *arg);

/*
 * Asks.  The path is printed; body is taken, NULL for none.  done is called
 * once, at once only where it cannot be asked.
 */
void docker_call(struct docker *docker, const char *method, json_t *body,
    docker_answer_fn done, void *arg, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));

/*
 * Posts with credentials for a registry (X-Registry-Auth), or NULL.
 */
void docker_post(struct docker *docker, const char *path, json_t *body,
    const char *auth, docker_answer_fn done, void *arg);

/*
 * Gets with credentials for a registry, or NULL.
 */
void docker_get(struct docker *docker, const char *path, const char *auth,
    docker_answer_fn done, void *arg);

/*
 * Begins a stream: data() takes what comes out of the buffer, end() is told
 * why it has ended; code 0: it was at its end.  Returns NULL with err.
 */
struct docker_stream *docker_stream_new(struct docker *docker,
    const char *path, void (*data)(void *arg, struct evbuffer *in),
    void (*end)(void *arg, const struct faas_err *err), void *arg,
    struct faas_err *err);

/*
 * Ends it without end().
 */
void docker_stream_cancel(struct docker_stream *stream);

/*
 * As http_request_pause() and http_request_resume().
 */
void docker_stream_pause(struct docker_stream *stream);
void docker_stream_resume(struct docker_stream *stream);

/*
 * A text as a part of a path's query, to be freed with free(); or NULL.
 */
char *docker_escape(const char *text);

/*
 * The same of JSON, which is taken: for filters.
 */
char *docker_escape_json(json_t *value);


#endif /* FAAS_SCALER_DOCKER_H */

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The Docker Engine's API, as far as HTTP and JSON go.
 */

#include "docker.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/faas_num.h"

#include "text.h"


#define PATH_SIZE      6144         /* bytes of a path; filters are long */
#define CONNECT_MS     2000
#define STREAMS_MAX    512          /* the API bounds those who ask for them */
#define AUTH_HEADER    "X-Registry-Auth: "


struct docker_call {
    docker_answer_fn   done;
    void              *arg;
    struct docker     *docker;
};

struct docker_stream {
    struct http_request  *request;
    void                (*data)(void *arg, struct evbuffer *in);
    void                (*end)(void *arg, const struct faas_err *err);
    void                 *arg;
};


static int read_address(struct docker *docker, const char *address,
    int is_tls, struct faas_err *err);
static void send_with_auth(struct docker *docker, struct http_ask *http,
    json_t *body, const char *auth, docker_answer_fn done, void *arg);
static void send_call(struct docker *docker, struct http_ask *http,
    json_t *body, docker_answer_fn done, void *arg);
static int not_known(struct faas_err *err);
static void ask(struct docker *docker, struct http_ask *http,
    docker_answer_fn done, void *arg);
static void on_pinged(void *arg, const struct http_answer *answer);
static int read_version(struct docker *docker, const char *version,
    struct faas_err *err);
static void on_answer(void *arg, const struct http_answer *answer);
static int read_answer(const struct http_answer *answer, json_t **value,
    struct faas_err *err);
static void read_error(const struct http_answer *answer,
    struct faas_err *err);
static void on_data(void *arg, struct evbuffer *in);
static void on_end(void *arg, const struct http_answer *answer);


int
docker_open(struct docker *docker, const char *address, const char *cert_dir,
    uint64_t timeout_ms, struct event_base *base, struct faas_err *err)
{
    struct http_client  *client;

    if (read_address(docker, address, cert_dir != NULL, err) != 0) {
        return -1;
    }

    docker->timeout_ms = timeout_ms;

    for (client = &docker->calls; client != NULL;
         client = client == &docker->calls ? &docker->streams : NULL)
    {
        client->url = docker->url;
        client->socket = docker->socket;
        client->cert_dir = cert_dir;
        client->connect_ms = CONNECT_MS;
        client->answer_max = DOCKER_ANSWER_MAX;
    }

    docker->calls.max = DOCKER_CALLS;
    docker->calls.max_waiting = DOCKER_CALLS_MAX;
    docker->streams.max = STREAMS_MAX;
    docker->streams.max_waiting = STREAMS_MAX;

    if (http_client_init(&docker->calls, base, err) != 0) {
        return -1;
    }

    return http_client_init(&docker->streams, base, err);
}


void
docker_close(struct docker *docker)
{
    http_client_done(&docker->calls);
    http_client_done(&docker->streams);
    free(docker->url);
    free(docker->socket);
    docker->url = NULL;
    docker->socket = NULL;
}


/*
 * "unix:///path", as DOCKER_HOST has it, or "tcp://host:port".
 */
static int
read_address(struct docker *docker, const char *address, int is_tls,
    struct faas_err *err)
{
    int          rc;
    const char  *host;

    if (strncmp(address, "unix://", 7) == 0 && address[7] == '/') {
        docker->socket = strdup(address + 7);
        docker->url = strdup("http://docker");

        return docker->socket != NULL && docker->url != NULL
               ? 0 : faas_err_set(err, 500, "no memory");
    }

    host = address + 6;

    if (strncmp(address, "tcp://", 6) != 0 || host[0] == '\0'
        || strpbrk(host, "/@ ") != NULL)
    {
        return faas_err_set(err, 0, "--docker: \"%.120s\" is no address, "
                            "expected unix:///path or tcp://HOST:PORT",
                            address);
    }

    rc = asprintf(&docker->url, "%s://%s", is_tls ? "https" : "http", host);

    if (rc < 0) {
        docker->url = NULL;
        return faas_err_set(err, 500, "no memory");
    }

    return 0;
}


void
docker_ping(struct docker *docker, docker_answer_fn done, void *arg)
{
    struct http_ask  http;

    memset(&http, 0, sizeof(http));
    http.method = "GET";
    http.path = "/_ping";
    http.done = on_pinged;

    ask(docker, &http, done, arg);
}


void
docker_call(struct docker *docker, const char *method, json_t *body,
    docker_answer_fn done, void *arg, const char *fmt, ...)
{
    int               len;
    char              path[PATH_SIZE];
    va_list           args;
    struct faas_err   err;
    struct http_ask   http;

    va_start(args, fmt);
    len = vsnprintf(path, sizeof(path), fmt, args);
    va_end(args);

    if (len < 0 || (size_t) len >= sizeof(path)) {
        json_decref(body);
        (void) faas_err_set(&err, 500, "the path is too long");
        done(arg, NULL, &err);
        return;
    }

    memset(&http, 0, sizeof(http));
    http.method = method;
    http.path = path;

    send_call(docker, &http, body, done, arg);
}


void
docker_post(struct docker *docker, const char *path, json_t *body,
    const char *auth, docker_answer_fn done, void *arg)
{
    struct http_ask  http;

    memset(&http, 0, sizeof(http));
    http.method = "POST";
    http.path = path;

    send_with_auth(docker, &http, body, auth, done, arg);
}


void
docker_get(struct docker *docker, const char *path, const char *auth,
    docker_answer_fn done, void *arg)
{
    struct http_ask  http;

    memset(&http, 0, sizeof(http));
    http.method = "GET";
    http.path = path;

    send_with_auth(docker, &http, NULL, auth, done, arg);
}


/*
 * Takes body.
 */
static void
send_with_auth(struct docker *docker, struct http_ask *http, json_t *body,
    const char *auth, docker_answer_fn done, void *arg)
{
    char             *header;
    struct faas_err   err;

    header = NULL;

    if (auth != NULL && asprintf(&header, AUTH_HEADER "%s", auth) < 0) {
        json_decref(body);
        (void) faas_err_set(&err, 500, "no memory");
        done(arg, NULL, &err);
        return;
    }

    http->header = header;
    send_call(docker, http, body, done, arg);

    if (header != NULL) {
        explicit_bzero(header, strlen(header));
        free(header);
    }
}


/*
 * Takes body.
 */
static void
send_call(struct docker *docker, struct http_ask *http, json_t *body,
    docker_answer_fn done, void *arg)
{
    int               rc;
    char             *url;
    struct faas_err   err;

    url = NULL;
    http->body = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
    rc = asprintf(&url, "/v1.%u%s", docker->minor, http->path);

    if (rc < 0 || (body != NULL && http->body == NULL)) {
        free(http->body);
        (void) faas_err_set(&err, 500, "no memory");
        done(arg, NULL, &err);

    } else if (docker->minor == 0) {
        free(http->body);
        (void) not_known(&err);
        done(arg, NULL, &err);

    } else {
        http->path = url;
        http->done = on_answer;
        ask(docker, http, done, arg);
    }

    json_decref(body);

    if (rc >= 0) {
        free(url);
    }
}


/*
 * No ping has been answered yet.
 */
static int
not_known(struct faas_err *err)
{
    return faas_err_set(err, 503, "Docker does not answer: try again");
}


static void
ask(struct docker *docker, struct http_ask *http, docker_answer_fn done,
    void *arg)
{
    struct faas_err      err;
    struct docker_call  *call;

    call = malloc(sizeof(*call));

    if (call == NULL) {
        free(http->body);
        (void) faas_err_set(&err, 500, "no memory");
        done(arg, NULL, &err);
        return;
    }

    call->done = done;
    call->arg = arg;
    call->docker = docker;
    http->arg = call;
    http->timeout_ms = docker->timeout_ms;

    if (http_client_ask(&docker->calls, http, &err) == NULL) {
        free(call);
        done(arg, NULL, &err);
    }
}


static void
on_pinged(void *arg, const struct http_answer *answer)
{
    struct faas_err      err;
    struct docker_call  *call;

    call = arg;
    err.code = 0;
    err.text[0] = '\0';

    if (answer->status != 200) {
        read_error(answer, &err);

    } else {
        (void) read_version(call->docker, answer->version, &err);
    }

    call->done(call->arg, NULL, &err);
    free(call);
}


static int
read_version(struct docker *docker, const char *version,
    struct faas_err *err)
{
    uint64_t  minor;

    if (strncmp(version, "1.", 2) != 0
        || faas_parse_uint(version + 2, strlen(version + 2), 0, 9999, &minor)
           != 0)
    {
        (void) faas_err_set(err, 503, "what answers there is not Docker: it "
                            "says \"%s\" of its version", version);
        text_clean(err->text, 0);
        return -1;
    }

    if (minor < DOCKER_MINOR_MIN) {
        return faas_err_set(err, 503, "this Docker speaks version %s of its "
                            "API, at least 1.%d is needed", version,
                            DOCKER_MINOR_MIN);
    }

    docker->minor = minor < DOCKER_MINOR_MAX ? (unsigned) minor
                                             : DOCKER_MINOR_MAX;

    return 0;
}


static void
on_answer(void *arg, const struct http_answer *answer)
{
    json_t              *value;
    struct faas_err      err;
    struct docker_call  *call;

    call = arg;
    value = NULL;
    err.code = 0;
    err.text[0] = '\0';

    if (answer->status / 100 == 2) {
        (void) read_answer(answer, &value, &err);

    } else {
        read_error(answer, &err);
    }

    call->done(call->arg, value, &err);
    json_decref(value);
    free(call);
}


static int
read_answer(const struct http_answer *answer, json_t **value,
    struct faas_err *err)
{
    size_t        len;
    json_error_t  error;

    len = evbuffer_get_length(answer->body);

    if (len == 0) {
        return 0;
    }

    *value = json_loadb((const char *) evbuffer_pullup(answer->body, -1), len,
                        JSON_DECODE_ANY, &error);

    return *value != NULL ? 0
           : faas_err_set(err, 503, "Docker's answer is no JSON: %.80s",
                          error.text);
}


/*
 * {"message": "TEXT"}; what is before it may be anything.  Of what is in front
 * of Docker the status may be anything too: 4xx that are not about what was
 * asked for are no fault of who has asked.
 */
static void
read_error(const struct http_answer *answer, struct faas_err *err)
{
    size_t       len;
    json_t      *root;
    const char  *text;

    if (answer->status == 0) {
        (void) faas_err_set(err, 503, "Docker does not answer: %.120s",
                            answer->error);
        return;
    }

    len = evbuffer_get_length(answer->body);
    root = json_loadb((const char *) evbuffer_pullup(answer->body, -1), len,
                      0, NULL);
    text = json_string_value(json_object_get(root, "message"));

    if (text != NULL) {
        (void) faas_err_set(err, answer->status, "Docker: %s", text);

    } else {
        (void) faas_err_set(err, answer->status, "Docker: status %d",
                            answer->status);
    }

    text_clean(err->text, 0);
    json_decref(root);

    if (err->code < 400 || err->code > 500) {
        err->code = 503;

    } else if (err->code != 400 && err->code != 404 && err->code != 409) {
        err->code = 500;
    }
}


struct docker_stream *
docker_stream_new(struct docker *docker, const char *path,
    void (*data)(void *arg, struct evbuffer *in),
    void (*end)(void *arg, const struct faas_err *err), void *arg,
    struct faas_err *err)
{
    int                    rc;
    char                  *url;
    struct http_ask        http;
    struct docker_stream  *stream;

    if (docker->minor == 0) {
        (void) not_known(err);
        return NULL;
    }

    memset(&http, 0, sizeof(http));
    stream = calloc(1, sizeof(*stream));
    rc = asprintf(&url, "/v1.%u%s", docker->minor, path);

    if (rc < 0 || stream == NULL) {
        if (rc >= 0) {
            free(url);
        }

        free(stream);
        (void) faas_err_set(err, 500, "no memory");
        return NULL;
    }

    stream->data = data;
    stream->end = end;
    stream->arg = arg;

    http.method = "GET";
    http.path = url;
    http.data = on_data;
    http.done = on_end;
    http.arg = stream;

    stream->request = http_client_ask(&docker->streams, &http, err);
    free(url);

    if (stream->request == NULL) {
        free(stream);
        return NULL;
    }

    return stream;
}


void
docker_stream_cancel(struct docker_stream *stream)
{
    http_request_cancel(stream->request);
    free(stream);
}


void
docker_stream_pause(struct docker_stream *stream)
{
    http_request_pause(stream->request);
}


void
docker_stream_resume(struct docker_stream *stream)
{
    http_request_resume(stream->request);
}


static void
on_data(void *arg, struct evbuffer *in)
{
    struct docker_stream  *stream;

    stream = arg;
    stream->data(stream->arg, in);
}


static void
on_end(void *arg, const struct http_answer *answer)
{
    struct faas_err        err;
    struct docker_stream  *stream;

    stream = arg;
    err.code = 0;
    err.text[0] = '\0';

    if (answer->status / 100 != 2) {
        read_error(answer, &err);
    }

    stream->end(stream->arg, &err);
    free(stream);
}


char *
docker_escape(const char *text)
{
    char  *escaped, *copy;

    escaped = curl_easy_escape(NULL, text, 0);
    copy = escaped != NULL ? strdup(escaped) : NULL;
    curl_free(escaped);

    return copy;
}


char *
docker_escape_json(json_t *value)
{
    char  *text, *escaped;

    text = json_dumps(value, JSON_COMPACT);
    escaped = text != NULL ? docker_escape(text) : NULL;
    free(text);
    json_decref(value);

    return escaped;
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * GET /system/logs.
 */

#include "api_logs.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/faas_buf.h"
#include "lib/faas_log.h"
#include "lib/faas_name.h"

#include "api_call.h"


#define HELD_MAX   65536        /* bytes that wait for a client */
#define STALL_MAX  60           /* seconds that it may take none of them */
#define INPUT_MAX  4096         /* bytes that it may send meanwhile */
#define JSON_MAX   262144       /* bytes of a line; the process provider's are
                                   at most six times FLOG_LINE_MAX */


/* an answer that is being sent */
struct log_call {
    struct scaler           *scaler;
    struct evhttp_request   *req;
    struct provider_stream  *stream;
    struct faas_buf          json;          /* one line */
    struct evbuffer         *lines;         /* to be sent together; owned */
    char                     key[FAAS_KEY_MAX + 1];
    struct faas_name         name;          /* points into key */
    int                      is_follow;
    int                      is_begun;
    int                      is_paused;
};


static struct log_call *log_call_new(struct scaler *scaler,
    struct evhttp_request *req, const struct log_query *query);
static void log_call_free(struct log_call *call);
static uint64_t *count(const struct log_call *call);
static void on_begin(void *arg);
static void on_line(void *arg, const struct log_line *line);
static void on_flush(void *arg);
static void on_sent(struct evhttp_connection *conn, void *arg);
static void on_end(void *arg, const struct faas_err *err);
static void on_close(struct evhttp_connection *conn, void *arg);


void
api_logs(struct scaler *scaler, struct evhttp_request *req, const char *name)
{
    struct faas_err           err;
    struct log_call          *call;
    struct log_query          query;
    struct provider_log_sink  sink;

    (void) name;

    if (log_query_parse(evhttp_uri_get_query(
                            evhttp_request_get_evhttp_uri(req)), &query, &err)
        != 0)
    {
        faas_log(FAAS_LOG_INFO, "request refused uri=%s error=\"%s\"",
                 evhttp_request_get_uri(req), err.text);
        call_answer_error(req, err.code,
                          err.code == 422 ? "could not parse the log request"
                                          : err.text);
        return;
    }

    call = log_call_new(scaler, req, &query);

    if (call == NULL) {
        return;
    }

    sink.arg = call;
    sink.begin = on_begin;
    sink.line = on_line;
    sink.flush = on_flush;
    sink.end = on_end;

    call->stream = scaler->provider->ops->logs(scaler->provider, &query,
                                               &sink, &err);

    if (call->stream == NULL) {
        call_answer_error(req, err.code, err.text);
        log_call_free(call);
        return;
    }

    evhttp_connection_set_closecb(evhttp_request_get_connection(req),
                                  on_close, call);
}


/*
 * Answers itself where there are too many, or no memory.
 */
static struct log_call *
log_call_new(struct scaler *scaler, struct evhttp_request *req,
    const struct log_query *query)
{
    char              text[FAAS_ERR_TEXT_MAX];
    struct log_call  *call;

    call = calloc(1, sizeof(*call));

    if (call == NULL) {
        call_answer_error(req, 500, "no memory");
        return NULL;
    }

    call->scaler = scaler;
    call->req = req;
    call->is_follow = query->is_follow;
    faas_buf_init(&call->json, JSON_MAX);
    memcpy(call->key, query->key, sizeof(call->key));
    (void) faas_name_parse(call->key, strlen(call->key), &call->name);

    ++*count(call);

    call->lines = evbuffer_new();

    if (call->lines == NULL) {
        call_answer_error(req, 500, "no memory");
        log_call_free(call);
        return NULL;
    }

    if (*count(call) > scaler->options.max_followers) {
        (void) snprintf(text, sizeof(text), "%" PRIu64 " clients %s logs "
                        "already, no more are allowed: see --max-followers",
                        scaler->options.max_followers,
                        call->is_follow ? "follow" : "read");
        call_answer_error(req, 503, text);
        log_call_free(call);
        return NULL;
    }

    return call;
}


static void
log_call_free(struct log_call *call)
{
    --*count(call);

    faas_buf_done(&call->json);

    if (call->lines != NULL) {
        evbuffer_free(call->lines);
    }

    free(call);
}


/*
 * Those who follow do not keep others from reading.
 */
static uint64_t *
count(const struct log_call *call)
{
    return call->is_follow ? &call->scaler->n_followers
                           : &call->scaler->n_log_readers;
}


/*
 * The head goes out at once.  libevent goes on reading to see the client go:
 * that it sends nothing is no reason to end the answer, and what it sends is
 * not collected.
 */
static void
on_begin(void *arg)
{
    struct timeval       stall = { STALL_MAX, 0 };
    struct log_call     *call;
    struct evkeyvalq    *headers;
    struct bufferevent  *bufev;

    call = arg;
    call->is_begun = 1;

    bufev = evhttp_connection_get_bufferevent(
        evhttp_request_get_connection(call->req));
    (void) bufferevent_set_timeouts(bufev, NULL, &stall);
    bufferevent_setwatermark(bufev, EV_READ, 0, INPUT_MAX);

    headers = evhttp_request_get_output_headers(call->req);
    (void) evhttp_add_header(headers, "Content-Type", "application/x-ndjson");
    (void) evhttp_add_header(headers, "Connection", "close");

    evhttp_send_reply_start(call->req, 200, NULL);
}


static void
on_line(void *arg, const struct log_line *line)
{
    size_t               held;
    struct log_call     *call;
    struct bufferevent  *bufev;

    call = arg;

    faas_buf_reset(&call->json);

    if (log_line_encode(&call->name, line, &call->json) != 0
        || evbuffer_add(call->lines, call->json.data, call->json.len) != 0)
    {
        faas_log(FAAS_LOG_WARN, "a line of a function's log is too long or "
                 "there is no memory, going on without function=%s",
                 call->key);
        return;
    }

    bufev = evhttp_connection_get_bufferevent(
        evhttp_request_get_connection(call->req));
    held = evbuffer_get_length(call->lines)
           + evbuffer_get_length(bufferevent_get_output(bufev));

    if (held > HELD_MAX && !call->is_paused) {
        call->is_paused = 1;
        call->stream->ops->pause(call->stream);
    }
}


static void
on_flush(void *arg)
{
    struct log_call  *call;

    call = arg;

    if (evbuffer_get_length(call->lines) != 0) {
        evhttp_send_reply_chunk_with_cb(call->req, call->lines, on_sent,
                                        call);
    }
}


/*
 * The client has taken everything.
 */
static void
on_sent(struct evhttp_connection *conn, void *arg)
{
    struct log_call  *call;

    (void) conn;

    call = arg;

    if (call->is_paused) {
        call->is_paused = 0;
        call->stream->ops->resume(call->stream);
    }
}


/*
 * An answer that has begun and cannot be completed is cut off, so that it is
 * not taken for a whole one.
 */
static void
on_end(void *arg, const struct faas_err *err)
{
    struct log_call           *call;
    struct evhttp_connection  *conn;

    call = arg;
    conn = evhttp_request_get_connection(call->req);

    evhttp_connection_set_closecb(conn, NULL, NULL);

    if (err->code != 0) {
        faas_log(FAAS_LOG_ERROR, "logs cannot be read, ending the answer "
                 "function=%s error=\"%s\"", call->key, err->text);
    }

    if (err->code == 0) {

        if (!call->is_begun) {
            on_begin(call);
        }

        evhttp_send_reply_end(call->req);

    } else if (call->is_begun) {
        evhttp_connection_free(conn);

    } else {
        call_answer_error(call->req, err->code, err->text);
    }

    log_call_free(call);
}


/*
 * The client has gone, or the scaler ends.  In the first case the request is
 * ours.
 */
static void
on_close(struct evhttp_connection *conn, void *arg)
{
    struct log_call  *call;

    (void) conn;

    call = arg;

    call->stream->ops->cancel(call->stream);

    if (evhttp_request_get_connection(call->req) == NULL) {
        evhttp_request_free(call->req);
    }

    log_call_free(call);
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A stream of the process provider.
 */

#include "log_stream.h"

#include <stdlib.h>

#include "log_merge.h"


struct log_stream {
    struct provider_stream     stream;      /* must be first */
    struct provider_log_sink   sink;
    struct flog               *flog;
    struct flog_watch          watch;
    struct log_merge           merge;
    struct event              *turn;
    int                        is_begun;
    int                        is_paused;
};


static void op_pause(struct provider_stream *stream);
static void op_resume(struct provider_stream *stream);
static void op_cancel(struct provider_stream *stream);
static void schedule(struct log_stream *stream);
static void on_turn(evutil_socket_t fd, short what, void *arg);
static enum log_result give_lines(struct log_stream *stream);
static void on_appended(void *arg);
static void on_closing(void *arg);
static void end(struct log_stream *stream, int code);
static void stream_free(struct log_stream *stream);


static const struct provider_stream_ops  stream_ops = {
    .pause = op_pause,
    .resume = op_resume,
    .cancel = op_cancel,
};


struct provider_stream *
log_stream_new(struct flog *flog, const struct log_query *query,
    const struct provider_log_sink *sink, struct event_base *base,
    struct faas_err *err)
{
    struct log_stream  *stream;

    stream = calloc(1, sizeof(*stream));

    if (stream == NULL) {
        (void) faas_err_set(err, 500, "no memory");
        return NULL;
    }

    stream->stream.ops = &stream_ops;
    stream->sink = *sink;
    stream->flog = flog;
    stream->watch.arg = stream;
    stream->watch.appended = on_appended;
    stream->watch.closing = on_closing;
    stream->turn = evtimer_new(base, on_turn, stream);

    flog_watch(flog, &stream->watch);

    if (stream->turn == NULL
        || log_merge_init(&stream->merge, flog, query) != 0)
    {
        (void) faas_err_set(err, 500, "no memory");
        stream_free(stream);
        return NULL;
    }

    schedule(stream);

    return &stream->stream;
}


static void
op_pause(struct provider_stream *stream)
{
    ((struct log_stream *) stream)->is_paused = 1;
}


static void
op_resume(struct provider_stream *stream)
{
    struct log_stream  *s;

    s = (struct log_stream *) stream;

    s->is_paused = 0;
    schedule(s);
}


static void
op_cancel(struct provider_stream *stream)
{
    stream_free((struct log_stream *) stream);
}


/*
 * Not at once, even where it is called from the event itself: others get a
 * turn before.
 */
static void
schedule(struct log_stream *stream)
{
    struct timeval  at_once = { 0, 0 };

    (void) evtimer_add(stream->turn, &at_once);
}


static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
    enum log_result     rc;
    struct log_stream  *stream;

    (void) fd;
    (void) what;

    stream = arg;

    if (stream->is_paused) {
        return;
    }

    rc = give_lines(stream);

    if (stream->is_paused) {
        log_merge_rest(&stream->merge);
        return;
    }

    switch (rc) {

    case LOG_LINE:
    case LOG_LATER:
        schedule(stream);
        break;

    case LOG_END:
        if (!stream->merge.query.is_follow) {
            end(stream, 0);

        } else if (log_merge_is_behind(&stream->merge)) {
            schedule(stream);
        }

        break;

    case LOG_FAILED:
        end(stream, 500);
        break;
    }
}


/*
 * Of one turn.
 */
static enum log_result
give_lines(struct log_stream *stream)
{
    enum log_result    rc;
    struct log_line    line;

    if (!stream->is_begun) {
        stream->is_begun = 1;
        stream->sink.begin(stream->sink.arg);
    }

    rc = log_merge_turn(&stream->merge) == 0 ? LOG_LINE : LOG_FAILED;

    while (rc == LOG_LINE && !stream->is_paused) {
        rc = log_merge_next(&stream->merge, &line);

        if (rc == LOG_LINE) {
            stream->sink.line(stream->sink.arg, &line);
        }
    }

    stream->sink.flush(stream->sink.arg);

    return rc;
}


static void
on_appended(void *arg)
{
    struct log_stream  *stream;

    stream = arg;

    if (stream->merge.query.is_follow && !stream->is_paused) {
        schedule(stream);
    }
}


/*
 * The last lines are not lost, unless there are too many of them.
 */
static void
on_closing(void *arg)
{
    struct log_stream  *stream;

    stream = arg;

    if (!stream->is_paused) {
        (void) give_lines(stream);
    }

    end(stream, 0);
}


static void
end(struct log_stream *stream, int code)
{
    struct faas_err           err;
    struct provider_log_sink  sink;

    sink = stream->sink;
    stream_free(stream);

    err.code = 0;
    err.text[0] = '\0';

    if (code != 0) {
        (void) faas_err_set(&err, code, "no memory");
    }

    sink.end(sink.arg, &err);
}


static void
stream_free(struct log_stream *stream)
{
    flog_unwatch(stream->flog, &stream->watch);
    log_merge_done(&stream->merge);

    if (stream->turn != NULL) {
        event_free(stream->turn);
    }

    free(stream);
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Logs of a function, of all its tasks.
 *
 * DESIGN
 *
 * Docker gives lines of each task in order, but mixes those of several as they
 * come.  So they are held for a while, LOG_WAIT or LOG_HELD bytes, and given
 * in order of time.  Where the last lines are asked for Docker gives so many of
 * each task: those that are too old are dropped.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/clock.h"

#include "docker_frame.h"
#include "swarm.h"


#define LOG_WAIT  100           /* msec */
#define LOG_HELD  4194304       /* bytes */
#define NSEC      1000000000


struct held_line {
    char             *text;     /* owned */
    size_t            size;
    struct log_line   line;     /* points into it */
};

struct swarm_log {
    struct provider_stream     stream;      /* must be first */
    TAILQ_ENTRY(swarm_log)     link;
    struct provider_log_sink   sink;
    struct log_query           query;
    struct swarm              *swarm;
    char                       id[SWARM_ID_MAX + 1];    /* of the service */
    struct docker_stream      *docker;      /* NULL: at its end */
    struct event              *turn;
    struct held_line          *lines;       /* owned */
    size_t                     n;
    size_t                     size;        /* that there is room for */
    size_t                     held;        /* bytes */
    size_t                     given;       /* of lines; those before ready */
    size_t                     ready;       /* are in order */
    struct faas_err            failed;
    int                        is_begun;
    int                        is_paused;
    int                        is_cut;      /* the last lines were chosen */
};


static struct docker_stream *open_stream(struct swarm_log *log,
    struct faas_err *err);
static void op_pause(struct provider_stream *stream);
static void op_resume(struct provider_stream *stream);
static void op_cancel(struct provider_stream *stream);
static void on_data(void *arg, struct evbuffer *in);
static int hold(struct swarm_log *log, char *text, size_t len);
static void on_end(void *arg, const struct faas_err *err);
static void make_room(struct swarm_log *log);
static void sort(struct swarm_log *log);
static int by_time(const void *a, const void *b);
static void drop_first(struct swarm_log *log, size_t n);
static void on_turn(evutil_socket_t fd, short what, void *arg);
static void give(struct swarm_log *log);
static void end(struct swarm_log *log);
static void log_free(struct swarm_log *log);


static const struct provider_stream_ops  stream_ops = {
    .pause = op_pause,
    .resume = op_resume,
    .cancel = op_cancel,
};


struct provider_stream *
swarm_logs(struct provider *provider, const struct log_query *query,
    const struct provider_log_sink *sink, struct faas_err *err)
{
    struct swarm          *swarm;
    struct swarm_log      *log;
    struct swarm_service  *service;

    swarm = (struct swarm *) provider;

    if (swarm_check_up(swarm, err) != 0) {
        return NULL;
    }

    service = swarm_find(swarm, query->key);

    if (service == NULL) {
        (void) faas_err_set(err, 404, "function %s not found", query->key);
        return NULL;
    }

    log = calloc(1, sizeof(*log));

    if (log == NULL) {
        (void) faas_err_set(err, 500, "no memory");
        return NULL;
    }

    log->stream.ops = &stream_ops;
    log->sink = *sink;
    log->query = *query;
    log->swarm = swarm;
    (void) snprintf(log->id, sizeof(log->id), "%s", service->id);
    TAILQ_INSERT_TAIL(&swarm->logs, log, link);

    log->turn = evtimer_new(swarm->base, on_turn, log);
    (void) faas_err_set(err, 500, "no memory");
    log->docker = log->turn != NULL ? open_stream(log, err) : NULL;

    if (log->docker == NULL) {
        log_free(log);
        return NULL;
    }

    clock_timer(log->turn, 0);

    return &log->stream;
}


void
swarm_logs_end(struct swarm *swarm, const char *id)
{
    struct swarm_log  *log, *next;

    for (log = TAILQ_FIRST(&swarm->logs); log != NULL; log = next) {
        next = TAILQ_NEXT(log, link);

        if (log->docker != NULL
            && (id == NULL || strcmp(log->id, id) == 0))
        {
            docker_stream_cancel(log->docker);
            log->docker = NULL;
            clock_timer(log->turn, 0);
        }
    }
}


static struct docker_stream *
open_stream(struct swarm_log *log, struct faas_err *err)
{
    char  path[512], tail[32];

    tail[0] = '\0';

    if (log->query.tail != 0) {
        (void) snprintf(tail, sizeof(tail), "&tail=%" PRIu64,
                        log->query.tail);
    }

    (void) snprintf(path, sizeof(path), "/services/%s/logs?stdout=1&stderr=1"
                    "&timestamps=1&details=1&follow=%d&since=%" PRIu64
                    ".%09" PRIu64 "%s", log->id, log->query.is_follow,
                    log->query.since / NSEC, log->query.since % NSEC, tail);

    return docker_stream_new(&log->swarm->docker, path, on_data, on_end, log,
                             err);
}


static void
op_pause(struct provider_stream *stream)
{
    struct swarm_log  *log;

    log = (struct swarm_log *) stream;
    log->is_paused = 1;

    if (log->docker != NULL) {
        docker_stream_pause(log->docker);
    }
}


static void
op_resume(struct provider_stream *stream)
{
    struct swarm_log  *log;

    log = (struct swarm_log *) stream;
    log->is_paused = 0;

    if (log->docker != NULL) {
        docker_stream_resume(log->docker);
    }

    clock_timer(log->turn, 0);
}


static void
op_cancel(struct provider_stream *stream)
{
    log_free((struct swarm_log *) stream);
}


static void
on_data(void *arg, struct evbuffer *in)
{
    int                rc;
    char              *text;
    size_t             len;
    struct swarm_log  *log;

    log = arg;

    while ((rc = docker_frame_read(in, &text, &len, &log->failed)) > 0) {
        if (hold(log, text, len) != 0) {
            rc = faas_err_set(&log->failed, 500, "no memory");
            break;
        }
    }

    if (rc < 0) {
        docker_stream_cancel(log->docker);
        log->docker = NULL;
        clock_timer(log->turn, 0);
        return;
    }

    if (log->held > LOG_HELD) {
        make_room(log);
    }

    if (log->ready > log->given) {
        clock_timer(log->turn, 0);

    } else if (log->query.is_follow && log->n != 0
               && !evtimer_pending(log->turn, NULL))
    {
        clock_timer(log->turn, LOG_WAIT);
    }
}


/*
 * Takes text.
 */
static int
hold(struct swarm_log *log, char *text, size_t len)
{
    size_t             size, wanted;
    struct held_line  *lines, *held;
    struct log_line    line;

    wanted = strlen(log->query.instance);

    if (docker_log_parse(text, len, &line) != 0
        || (wanted != 0
            && (line.instance_len != wanted
                || memcmp(line.instance, log->query.instance, wanted) != 0))
        || line.time < log->query.since)
    {
        free(text);
        return 0;
    }

    if (log->n == log->size) {
        size = log->size != 0 ? 2 * log->size : 64;
        lines = reallocarray(log->lines, size, sizeof(*lines));

        if (lines == NULL) {
            free(text);
            return -1;
        }

        log->lines = lines;
        log->size = size;
    }

    held = &log->lines[log->n++];
    held->text = text;
    held->size = len + sizeof(*held);
    held->line = line;
    log->held += held->size;

    return 0;
}


static void
on_end(void *arg, const struct faas_err *err)
{
    struct swarm_log  *log;

    log = arg;
    log->docker = NULL;
    log->failed = *err;

    clock_timer(log->turn, 0);
}


/*
 * The older half is given now; where the last lines are asked for, it is
 * dropped, unless those are more.
 */
static void
make_room(struct swarm_log *log)
{
    sort(log);

    if (log->query.tail != 0 && !log->is_cut && log->n > log->query.tail) {
        drop_first(log, log->n - log->query.tail);
    }

    if (log->held > LOG_HELD) {
        log->ready = log->n / 2;
        log->is_cut = 1;
    }
}


static void
sort(struct swarm_log *log)
{
    size_t  i;

    /* those that were given are gone */

    for (i = 0; i < log->given; i++) {
        log->held -= log->lines[i].size;
        free(log->lines[i].text);
    }

    log->n -= log->given;

    if (log->given != 0) {
        memmove(log->lines, log->lines + log->given,
                log->n * sizeof(*log->lines));
    }

    log->given = 0;
    log->ready = 0;

    if (log->n != 0) {
        qsort(log->lines, log->n, sizeof(*log->lines), by_time);
    }
}


static int
by_time(const void *a, const void *b)
{
    const struct held_line  *left, *right;

    left = a;
    right = b;

    return left->line.time < right->line.time
           ? -1 : left->line.time > right->line.time;
}


static void
drop_first(struct swarm_log *log, size_t n)
{
    log->given = n;
    sort(log);
}


static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
    struct swarm_log  *log;

    (void) fd;
    (void) what;

    log = arg;

    if (log->is_paused) {
        return;
    }

    if (!log->is_begun && (log->docker != NULL || log->failed.code == 0)) {
        log->is_begun = 1;
        log->sink.begin(log->sink.arg);
    }

    /* what comes later than the first wait is new: none of the last lines */

    if (log->docker == NULL || (log->query.is_follow && log->n != 0)) {
        sort(log);

        if (log->query.tail != 0 && !log->is_cut
            && log->n > log->query.tail)
        {
            drop_first(log, log->n - log->query.tail);
        }

        log->is_cut = 1;
        log->ready = log->n;
    }

    give(log);

    if (log->docker == NULL && log->given == log->n && !log->is_paused) {
        end(log);
    }
}


static void
give(struct swarm_log *log)
{
    while (log->given < log->ready && !log->is_paused) {
        log->sink.line(log->sink.arg, &log->lines[log->given++].line);
    }

    log->sink.flush(log->sink.arg);
}


static void
end(struct swarm_log *log)
{
    struct faas_err           err;
    struct provider_log_sink  sink;

    sink = log->sink;
    err = log->failed;
    log_free(log);

    sink.end(sink.arg, &err);
}


static void
log_free(struct swarm_log *log)
{
    size_t  i;

    TAILQ_REMOVE(&log->swarm->logs, log, link);

    if (log->docker != NULL) {
        docker_stream_cancel(log->docker);
    }

    if (log->turn != NULL) {
        event_free(log->turn);
    }

    for (i = 0; i < log->n; i++) {
        free(log->lines[i].text);
    }

    free(log->lines);
    free(log);
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a function's replicas print.
 */

#include "flog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "lib/faas_log.h"


#define FLOG_PREFIX_MAX  128    /* bytes: time and replica */
#define FLOG_READS       16     /* of a pipe before others get a turn */


static void on_readable(evutil_socket_t fd, short what, void *arg);
static int read_some(struct flog_reader *reader);
static void write_lines(struct flog_reader *reader);
static void write_line(struct flog_reader *reader, const char *line,
    size_t len);
static int open_file(struct flog *flog);


void
flog_init(struct flog *flog, const char *path, uint64_t max)
{
    memset(flog, 0, sizeof(*flog));
    (void) snprintf(flog->path, sizeof(flog->path), "%s", path);
    flog->fd = -1;
    flog->max = max;
}


void
flog_done(struct flog *flog)
{
    if (flog->fd != -1) {
        (void) close(flog->fd);
        flog->fd = -1;
    }
}


int
flog_reader_open(struct flog_reader *reader, struct flog *flog,
    const char *id, struct event_base *base)
{
    int  fds[2];

    if (pipe2(fds, O_CLOEXEC) != 0) {
        return -1;
    }

    (void) fcntl(fds[0], F_SETFL, O_NONBLOCK);

    if (flog_reader_take(reader, flog, id, base, fds[0]) != 0) {
        (void) close(fds[1]);
        errno = ENOMEM;
        return -1;
    }

    return fds[1];
}


int
flog_reader_take(struct flog_reader *reader, struct flog *flog,
    const char *id, struct event_base *base, int fd)
{
    reader->flog = flog;
    reader->id = id;
    reader->fd = fd;
    reader->len = 0;
    reader->event = event_new(base, fd, EV_READ | EV_PERSIST, on_readable,
                              reader);

    if (reader->event != NULL && event_add(reader->event, NULL) == 0) {
        return 0;
    }

    if (reader->event != NULL) {
        event_free(reader->event);
        reader->event = NULL;
    }

    (void) close(fd);

    return -1;
}


void
flog_reader_close(struct flog_reader *reader)
{
    int  i;

    if (reader->event == NULL) {
        return;
    }

    for (i = 0; i < FLOG_READS && read_some(reader) > 0; i++) {
        write_lines(reader);
    }

    if (reader->len != 0) {
        write_line(reader, reader->line, reader->len);
    }

    event_free(reader->event);
    reader->event = NULL;
    (void) close(reader->fd);
}


static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
    int                  i, n;
    struct flog_reader  *reader;

    (void) fd;
    (void) what;

    reader = arg;

    for (i = 0; i < FLOG_READS; i++) {
        n = read_some(reader);

        if (n == 0) {
            flog_reader_close(reader);
            return;
        }

        if (n < 0) {
            return;
        }

        write_lines(reader);
    }
}


/*
 * Returns 0 at the end, -1 where there is nothing now.
 */
static int
read_some(struct flog_reader *reader)
{
    ssize_t  n;

    n = read(reader->fd, reader->line + reader->len,
             sizeof(reader->line) - reader->len);

    if (n < 0) {
        return errno == EAGAIN || errno == EINTR ? -1 : 0;
    }

    reader->len += (size_t) n;

    return n > 0;
}


static void
write_lines(struct flog_reader *reader)
{
    char    *start, *end, *newline;

    start = reader->line;
    end = reader->line + reader->len;

    for ( ;; ) {
        newline = memchr(start, '\n', (size_t) (end - start));

        if (newline == NULL) {
            break;
        }

        write_line(reader, start, (size_t) (newline - start));
        start = newline + 1;
    }

    reader->len = (size_t) (end - start);
    memmove(reader->line, start, reader->len);

    if (reader->len == sizeof(reader->line)) {
        write_line(reader, reader->line, reader->len);
        reader->len = 0;
    }
}


static void
write_line(struct flog_reader *reader, const char *line, size_t len)
{
    int               n;
    char              text[FLOG_PREFIX_MAX + FLOG_LINE_MAX + 1], stamp[32];
    struct tm         tm;
    struct flog      *flog;
    struct timespec   now;

    flog = reader->flog;

    (void) clock_gettime(CLOCK_REALTIME, &now);
    (void) gmtime_r(&now.tv_sec, &tm);
    (void) strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &tm);

    n = snprintf(text, FLOG_PREFIX_MAX, "%s.%09ldZ %s ", stamp, now.tv_nsec,
                 reader->id);

    if (n < 0 || n >= FLOG_PREFIX_MAX) {
        return;
    }

    memcpy(text + n, line, len);
    len += (size_t) n;
    text[len++] = '\n';

    if (flog->fd != -1 && flog->size + len > flog->max) {
        char  old[PATH_MAX];

        (void) snprintf(old, sizeof(old), "%.4000s.1", flog->path);
        flog_done(flog);

        if (rename(flog->path, old) != 0) {
            (void) unlink(flog->path);
        }
    }

    if (flog->fd == -1 && open_file(flog) != 0) {
        return;
    }

    /* a full disk loses lines, never a function */

    if (write(flog->fd, text, len) > 0) {
        flog->size += len;
    }
}


static int
open_file(struct flog *flog)
{
    struct stat  st;

    flog->fd = open(flog->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC,
                    0600);

    if (flog->fd == -1) {
        if (!flog->is_reported) {
            faas_log(FAAS_LOG_WARN, "cannot write a function's log, lines are "
                     "lost path=%s error=\"%s\"", flog->path,
                     strerror(errno));
            flog->is_reported = 1;
        }

        return -1;
    }

    flog->is_reported = 0;

    flog->size = fstat(flog->fd, &st) == 0 ? (uint64_t) st.st_size : 0;

    return 0;
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * One replica's output.
 */

#include "flog_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "log_line.h"
#include "text.h"


#define READS_TURN   4      /* of a pipe before others get a turn */
#define READS_CLOSE  16     /* all that a pipe holds, and some more */


/* lines that are appended together */
struct batch {
    size_t  len;
    char    text[FLOG_BATCH_MAX];
};


static void on_readable(evutil_socket_t fd, short what, void *arg);
static int read_some(struct flog_reader *reader);
static void free_line(struct flog_reader *reader);
static void write_lines(struct flog_reader *reader);
static size_t cut_len(const struct flog_reader *reader);
static void write_rest(struct flog_reader *reader);
static void add_line(struct flog_reader *reader, struct batch *batch,
    const char *text, size_t len);
static void flush(struct flog_reader *reader, struct batch *batch);


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
    reader->is_cut = 0;
    reader->last[0] = '\0';
    reader->line = NULL;
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

    for (i = 0; i < READS_CLOSE && read_some(reader) > 0; i++) {
        write_lines(reader);
    }

    write_rest(reader);
    free_line(reader);

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

    for (i = 0; i < READS_TURN; i++) {
        n = read_some(reader);

        if (n == 0) {
            flog_reader_close(reader);
            return;
        }

        if (n < 0) {
            break;
        }

        write_lines(reader);
    }

    free_line(reader);
}


static void
free_line(struct flog_reader *reader)
{
    if (reader->len == 0) {
        free(reader->line);
        reader->line = NULL;
    }
}


/*
 * Returns 0 at the end, -1 where there is nothing now.
 */
static int
read_some(struct flog_reader *reader)
{
    ssize_t  n;

    if (reader->line == NULL) {
        reader->line = malloc(FLOG_LINE_MAX);

        if (reader->line == NULL) {
            return -1;
        }
    }

    n = read(reader->fd, reader->line + reader->len,
             FLOG_LINE_MAX - reader->len);

    if (n < 0) {
        return errno == EAGAIN || errno == EINTR ? -1 : 0;
    }

    reader->len += (size_t) n;

    return n > 0;
}


static void
write_lines(struct flog_reader *reader)
{
    char          *start, *end, *newline;
    struct batch   batch;

    batch.len = 0;
    start = reader->line;
    end = reader->line + reader->len;

    for ( ;; ) {
        newline = memchr(start, '\n', (size_t) (end - start));

        if (newline == NULL) {
            break;
        }

        /* the end of a line that was just long enough is no line */

        if (newline != start || !reader->is_cut) {
            add_line(reader, &batch, start, (size_t) (newline - start));
        }

        reader->is_cut = 0;
        start = newline + 1;
    }

    reader->len = (size_t) (end - start);
    memmove(reader->line, start, reader->len);

    if (reader->len == FLOG_LINE_MAX) {
        start = reader->line + cut_len(reader);
        add_line(reader, &batch, reader->line,
                 (size_t) (start - reader->line));
        reader->len -= (size_t) (start - reader->line);
        memmove(reader->line, start, reader->len);
        reader->is_cut = 1;
    }

    flush(reader, &batch);
}


/*
 * Where to cut a line that is too long: not within a character.
 */
static size_t
cut_len(const struct flog_reader *reader)
{
    int          is_cut;
    size_t       n;
    const char  *end;

    end = reader->line + reader->len;

    for (n = 1; n < 4; n++) {
        (void) log_utf8_len(end - n, n, &is_cut);

        if (is_cut) {
            return reader->len - n;
        }
    }

    return reader->len;
}


static void
write_rest(struct flog_reader *reader)
{
    struct batch  batch;

    if (reader->len == 0) {
        return;
    }

    batch.len = 0;
    add_line(reader, &batch, reader->line, reader->len);
    flush(reader, &batch);
    reader->len = 0;
}


static void
add_line(struct flog_reader *reader, struct batch *batch, const char *text,
    size_t len)
{
    char             *dst;
    size_t            id_len;
    struct timespec   now;

    if (sizeof(batch->text) - batch->len < FLOG_STORED_MAX) {
        flush(reader, batch);
    }

    id_len = strlen(reader->id);
    (void) clock_gettime(CLOCK_REALTIME, &now);

    dst = batch->text + batch->len;

    log_stamp(&now, dst);
    dst += LOG_STAMP_LEN;
    *dst++ = ' ';
    memcpy(dst, reader->id, id_len);
    dst += id_len;
    *dst++ = ' ';
    memcpy(dst, text, len);
    dst += len;
    *dst++ = '\n';

    batch->len = (size_t) (dst - batch->text);

    if (len != 0) {
        (void) snprintf(reader->last, sizeof(reader->last), "%.*s", (int) len,
                        text);
        text_clean(reader->last, 0);
    }
}


static void
flush(struct flog_reader *reader, struct batch *batch)
{
    if (batch->len != 0) {
        flog_append(reader->flog, reader->id, batch->text, batch->len);
        batch->len = 0;
    }
}

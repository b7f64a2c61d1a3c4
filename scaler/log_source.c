/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * One file of a function's log, read line by line.
 */

#include "log_source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/faas_log.h"


static uint64_t end_of(const struct log_source *source);
static int has(const struct log_source *source, uint64_t from, uint64_t to);
static enum log_result load(struct log_source *source, uint64_t from,
    size_t piece, size_t *left);
static int find_next(struct log_source *source, const char **text,
    size_t *len);
static int find_previous(struct log_source *source, const char **text,
    size_t *len);


void
log_source_init(struct log_source *source, struct flog_file *file)
{
    memset(source, 0, sizeof(*source));
    source->file = flog_file_get(file);
    source->end = UINT64_MAX;
}


void
log_source_done(struct log_source *source)
{
    log_source_rest(source);
    flog_file_put(source->file);
}


enum log_result
log_source_next(struct log_source *source, size_t piece, size_t *left)
{
    size_t           len;
    const char      *text;
    enum log_result  rc;

    while (!source->has_line) {

        if (source->pos >= end_of(source)) {
            log_source_rest(source);
            return LOG_END;
        }

        if (find_next(source, &text, &len)) {

            if (log_line_parse(text, len, &source->line) == 0) {
                source->has_line = 1;
                break;
            }

            source->pos = source->next;
            continue;
        }

        /* a line is appended as a whole: the rest of one is to be loaded */

        rc = load(source, source->pos, piece, left);

        if (rc != LOG_LINE) {
            return rc;
        }
    }

    return LOG_LINE;
}


enum log_result
log_source_previous(struct log_source *source, size_t piece, size_t *left)
{
    size_t           len;
    uint64_t         from;
    const char      *text;
    enum log_result  rc;

    while (!source->has_line) {

        if (source->pos == 0) {
            log_source_rest(source);
            return LOG_END;
        }

        if (!find_previous(source, &text, &len)) {

            if (source->buf != NULL) {
                piece = source->size;
            }

            from = source->pos > piece ? source->pos - piece : 0;
            rc = load(source, from, piece, left);

            if (rc == LOG_LINE && has(source, from, source->pos)) {
                continue;
            }

            if (rc == LOG_LINE) {
                log_source_rest(source);
                source->end = 0;
            }

            if (rc == LOG_LINE || rc == LOG_END) {
                source->pos = 0;
                continue;
            }

            return rc;
        }

        if (log_line_parse(text, len, &source->line) == 0) {
            source->has_line = 1;

        } else {
            source->pos = source->next;
        }
    }

    return LOG_LINE;
}


void
log_source_take(struct log_source *source)
{
    source->pos = source->next;
    source->has_line = 0;
}


void
log_source_forget(struct log_source *source)
{
    source->has_line = 0;
}


void
log_source_rest(struct log_source *source)
{
    free(source->buf);
    source->buf = NULL;
    source->len = 0;
    source->has_line = 0;
}


int
log_source_is_over(const struct log_source *source)
{
    return !source->has_line
           && (source->file->is_dropped
               || (!flog_file_is_open(source->file)
                   && source->pos >= end_of(source)));
}


static uint64_t
end_of(const struct log_source *source)
{
    return source->end < source->file->size ? source->end
                                            : source->file->size;
}


/*
 * True where the buffer has these bytes of the file.
 */
static int
has(const struct log_source *source, uint64_t from, uint64_t to)
{
    return source->buf != NULL && source->from <= from
           && to <= source->from + source->len;
}


/*
 * Fills the buffer from there on.  Where the file is gone, or cannot be read,
 * it is over: LOG_END.
 */
static enum log_result
load(struct log_source *source, uint64_t from, size_t piece, size_t *left)
{
    size_t   len;
    ssize_t  n;

    if (*left == 0) {
        return LOG_LATER;
    }

    if (source->buf == NULL) {
        source->buf = malloc(piece);
        source->size = piece;
    }

    if (source->buf == NULL) {
        return LOG_FAILED;
    }

    len = end_of(source) - from < source->size
          ? (size_t) (end_of(source) - from) : source->size;

    n = flog_file_read(source->file, source->buf, len, from);

    if (n < 0) {
        faas_log(FAAS_LOG_WARN, "cannot read a function's log, going on with "
                 "the other files replica=%s error=\"%s\"", source->file->id,
                 strerror(errno));
    }

    if (n <= 0) {
        log_source_rest(source);
        source->end = 0;
        return LOG_END;
    }

    source->from = from;
    source->len = (size_t) n;
    *left -= *left < source->len ? *left : source->len;

    return LOG_LINE;
}


/*
 * The line at pos, if the buffer has all of it.  What fills a whole buffer
 * without a newline is none of ours, and counts as a line; so does what is
 * left at the end of a file.
 */
static int
find_next(struct log_source *source, const char **text, size_t *len)
{
    size_t       left;
    const char  *newline;

    if (!has(source, source->pos, source->pos + 1)) {
        return 0;
    }

    *text = source->buf + (source->pos - source->from);
    left = source->len - (size_t) (source->pos - source->from);
    newline = memchr(*text, '\n', left);

    if (newline != NULL) {
        *len = (size_t) (newline - *text);
        source->next = source->pos + *len + 1;
        return 1;
    }

    if (left < source->size && source->from + source->len < end_of(source)) {
        return 0;
    }

    *len = left;
    source->next = source->pos + left;

    return 1;
}


/*
 * The line that ends at pos, if the buffer has all of it and what shows where
 * it begins; or as much as a line can have.
 */
static int
find_previous(struct log_source *source, const char **text, size_t *len)
{
    size_t       n;
    const char  *newline;

    if (!has(source, source->pos - 1, source->pos)) {
        return 0;
    }

    n = (size_t) (source->pos - source->from);

    if (source->buf[n - 1] == '\n') {
        n--;
    }

    newline = memrchr(source->buf, '\n', n);

    if (newline == NULL && source->from != 0 && n < LOG_PIECE_MIN - 1) {
        return 0;
    }

    *text = newline != NULL ? newline + 1 : source->buf;
    *len = n - (size_t) (*text - source->buf);
    source->next = source->from + (uint64_t) (*text - source->buf);

    return 1;
}

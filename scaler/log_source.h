/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * One file of a function's log, read line by line, in pieces: forwards, or,
 * before that, backwards from its end.  Lines that cannot be read are passed
 * over.
 *
 * A source whose buffer is freed goes on where it was: it keeps a position in
 * the file and nothing else.
 */

#ifndef FAAS_SCALER_LOG_SOURCE_H
#define FAAS_SCALER_LOG_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "flog.h"
#include "log_line.h"


/* room for the longest line and the newline in front of it */
#define LOG_PIECE_MIN  (FLOG_STORED_MAX + 1)
#define LOG_PIECE_MAX  65536


enum log_result {
    LOG_LINE,               /* there is a line */
    LOG_LATER,              /* enough was read for this turn */
    LOG_END,                /* there is none, now */
    LOG_FAILED              /* no memory */
};

struct log_source {
    struct flog_file  *file;        /* a reference */
    uint64_t           end;         /* what is behind it is not asked for */
    uint64_t           pos;         /* of what was not taken yet: its begin
                                       forwards, its end backwards */
    uint64_t           next;        /* pos when the line is taken */
    int                has_line;
    struct log_line    line;        /* points into buf */

    char              *buf;         /* owned; NULL: none */
    size_t             size;        /* of buf */
    size_t             len;         /* bytes in it */
    uint64_t           from;        /* where in the file they are */
};


/*
 * Takes a reference of the file.
 */
void log_source_init(struct log_source *source, struct flog_file *file);
void log_source_done(struct log_source *source);

/*
 * Finds the next line: source->line, until it is taken or freed.  Reads into
 * a buffer of piece bytes, LOG_PIECE_MIN to LOG_PIECE_MAX, where it has none;
 * what is read is taken from *left, and nothing more is read at 0.
 */
enum log_result log_source_next(struct log_source *source, size_t piece,
    size_t *left);

/*
 * The same for the one before.  LOG_END: it was the first.
 */
enum log_result log_source_previous(struct log_source *source, size_t piece,
    size_t *left);

/*
 * The line is done with.
 */
void log_source_take(struct log_source *source);

/*
 * The line that was found is to be found again.
 */
void log_source_forget(struct log_source *source);

/*
 * Frees the buffer; the line is forgotten.
 */
void log_source_rest(struct log_source *source);

/*
 * True where no line will come any more.
 */
int log_source_is_over(const struct log_source *source);


#endif /* FAAS_SCALER_LOG_SOURCE_H */

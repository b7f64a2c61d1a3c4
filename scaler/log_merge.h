/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * All files of a function's log as one, its lines in order of time.
 *
 * DESIGN
 *
 * The file whose next line is the oldest is next.  Where the last lines are
 * asked for, or those since some time, the files are first read backwards, in
 * the same manner, as far as it takes: of a large file not all is read.
 *
 * What is read at a time, and what is held, has a bound; with very many files
 * it is LOG_PIECE_MIN a file.
 */

#ifndef FAAS_SCALER_LOG_MERGE_H
#define FAAS_SCALER_LOG_MERGE_H

#include <stddef.h>
#include <stdint.h>

#include "flog.h"
#include "log_query.h"
#include "log_source.h"


#define LOG_TURN  65536     /* bytes that are read before others get a turn */
#define LOG_HELD  262144    /* bytes that are held of all files */


struct log_merge {
    struct flog        *flog;
    struct log_query    query;
    struct log_source  *sources;        /* owned */
    size_t              n;
    size_t              size;           /* that there is room for */
    uint64_t            serial;         /* files up to it have been seen */
    uint64_t            sought;         /* lines that were found backwards */
    int                 is_seeking;
    size_t              left;           /* of LOG_TURN */
};


/*
 * Begins with the files that are there, whose ends now are the end, unless
 * the query is to follow.  flog has to outlive it.  Returns 0, or -1 where
 * there is no memory; log_merge_done() is to be called in either case.
 */
int log_merge_init(struct log_merge *merge, struct flog *flog,
    const struct log_query *query);
void log_merge_done(struct log_merge *merge);

/*
 * Begins another turn; for a query that is to follow also with the files that
 * are there by now.  Returns 0, or -1 where there is no memory.
 */
int log_merge_turn(struct log_merge *merge);

/*
 * True where the next turn will find files that this one does not know.
 */
int log_merge_is_behind(const struct log_merge *merge);

/*
 * Finds the next line, valid until the next call.
 */
enum log_result log_merge_next(struct log_merge *merge,
    struct log_line *line);

/*
 * Frees what is held; it is read again when the next line is asked for.
 */
void log_merge_rest(struct log_merge *merge);


#endif /* FAAS_SCALER_LOG_MERGE_H */

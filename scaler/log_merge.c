/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * All files of a function's log as one.
 */

#include "log_merge.h"

#include <stdlib.h>
#include <string.h>


static int collect(struct log_merge *merge);
static void drop_finished(struct log_merge *merge);
static int is_asked_for(const struct log_merge *merge,
    const struct flog_file *file);
static int add(struct log_merge *merge, struct flog_file *file);
static size_t piece(const struct log_merge *merge);
static enum log_result seek(struct log_merge *merge);
static enum log_result seek_step(struct log_merge *merge);
static void spend(struct log_merge *merge, const struct log_line *line);


int
log_merge_init(struct log_merge *merge, struct flog *flog,
    const struct log_query *query)
{
    size_t              i;
    struct log_source  *source;

    memset(merge, 0, sizeof(*merge));
    merge->flog = flog;
    merge->query = *query;
    merge->is_seeking = query->tail != 0 || query->since != 0;

    if (collect(merge) != 0) {
        return -1;
    }

    for (i = 0; i < merge->n; i++) {
        source = &merge->sources[i];

        if (merge->is_seeking) {
            source->pos = source->file->size;
        }

        if (!query->is_follow) {
            source->end = source->file->size;
        }
    }

    return 0;
}


void
log_merge_done(struct log_merge *merge)
{
    size_t  i;

    for (i = 0; i < merge->n; i++) {
        log_source_done(&merge->sources[i]);
    }

    free(merge->sources);
    merge->sources = NULL;
    merge->n = 0;
}


int
log_merge_turn(struct log_merge *merge)
{
    merge->left = LOG_TURN;

    /* while it is read backwards new files have to wait */

    if (merge->is_seeking || !log_merge_is_behind(merge)) {
        return 0;
    }

    drop_finished(merge);

    return collect(merge);
}


int
log_merge_is_behind(const struct log_merge *merge)
{
    return merge->query.is_follow && merge->serial != merge->flog->serial;
}


enum log_result
log_merge_next(struct log_merge *merge, struct log_line *line)
{
    size_t              i;
    enum log_result     rc;
    struct log_source  *source, *first;

    if (merge->is_seeking) {
        rc = seek(merge);

        if (rc != LOG_END) {
            return rc;
        }

        merge->is_seeking = 0;
    }

    do {
        first = NULL;

        for (i = 0; i < merge->n; i++) {
            source = &merge->sources[i];
            rc = log_source_next(source, piece(merge), &merge->left);

            if (rc == LOG_LATER || rc == LOG_FAILED) {
                return rc;
            }

            if (rc == LOG_LINE
                && (first == NULL || source->line.time < first->line.time))
            {
                first = source;
            }
        }

        if (first == NULL) {
            return LOG_END;
        }

        if (merge->left == 0) {
            return LOG_LATER;
        }

        *line = first->line;
        spend(merge, line);
        log_source_take(first);

    } while (line->time < merge->query.since);

    return LOG_LINE;
}


void
log_merge_rest(struct log_merge *merge)
{
    size_t  i;

    for (i = 0; i < merge->n; i++) {
        log_source_rest(&merge->sources[i]);
    }
}


/*
 * The files that are new.
 */
static int
collect(struct log_merge *merge)
{
    struct flog_file  *file;

    TAILQ_FOREACH(file, &merge->flog->files, link) {
        if (file->serial > merge->serial && is_asked_for(merge, file)
            && add(merge, file) != 0)
        {
            return -1;
        }
    }

    merge->serial = merge->flog->serial;

    return 0;
}


static void
drop_finished(struct log_merge *merge)
{
    size_t  i, n;

    n = 0;

    for (i = 0; i < merge->n; i++) {

        if (log_source_is_over(&merge->sources[i])) {
            log_source_done(&merge->sources[i]);

        } else {
            merge->sources[n++] = merge->sources[i];
        }
    }

    merge->n = n;
}


static int
is_asked_for(const struct log_merge *merge, const struct flog_file *file)
{
    return merge->query.instance[0] == '\0'
           || strcmp(merge->query.instance, file->id) == 0;
}


static int
add(struct log_merge *merge, struct flog_file *file)
{
    size_t              size;
    struct log_source  *sources;

    if (merge->n == merge->size) {
        size = merge->size == 0 ? 4 : merge->size * 2;
        sources = realloc(merge->sources, size * sizeof(*sources));

        if (sources == NULL) {
            return -1;
        }

        merge->sources = sources;
        merge->size = size;
    }

    log_source_init(&merge->sources[merge->n++], file);

    return 0;
}


/*
 * Bytes of a file's buffer.
 */
static size_t
piece(const struct log_merge *merge)
{
    size_t  size;

    size = LOG_HELD / merge->n;

    return size < LOG_PIECE_MIN ? LOG_PIECE_MIN
           : size > LOG_PIECE_MAX ? LOG_PIECE_MAX : size;
}


/*
 * Backwards to where the first line begins that is asked for: LOG_END.
 */
static enum log_result
seek(struct log_merge *merge)
{
    size_t           i;
    enum log_result  rc;

    do {
        rc = seek_step(merge);
    } while (rc == LOG_LINE);

    if (rc == LOG_END) {
        for (i = 0; i < merge->n; i++) {
            log_source_forget(&merge->sources[i]);
        }
    }

    return rc;
}


/*
 * One line.
 */
static enum log_result
seek_step(struct log_merge *merge)
{
    size_t              i;
    enum log_result     rc;
    struct log_source  *source, *last;

    if (merge->query.tail != 0 && merge->sought == merge->query.tail) {
        return LOG_END;
    }

    last = NULL;

    for (i = 0; i < merge->n; i++) {
        source = &merge->sources[i];
        rc = log_source_previous(source, piece(merge), &merge->left);

        if (rc == LOG_LATER || rc == LOG_FAILED) {
            return rc;
        }

        if (rc == LOG_LINE && source->line.time >= merge->query.since
            && (last == NULL || source->line.time >= last->line.time))
        {
            last = source;
        }
    }

    if (last == NULL) {
        return LOG_END;
    }

    if (merge->left == 0) {
        return LOG_LATER;
    }

    spend(merge, &last->line);
    log_source_take(last);
    merge->sought++;

    return LOG_LINE;
}


/*
 * A turn is over after so many lines as well, also where they were read in an
 * earlier one.
 */
static void
spend(struct log_merge *merge, const struct log_line *line)
{
    size_t  len;

    len = line->stamp_len + line->instance_len + line->text_len;

    merge->left -= merge->left < len ? merge->left : len;
}

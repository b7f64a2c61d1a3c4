/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The reading end of one replica's output: bytes of a pipe become lines of
 * its function's log, each with its time and the replica in front.
 */

#ifndef FAAS_SCALER_FLOG_READER_H
#define FAAS_SCALER_FLOG_READER_H

#include <event2/event.h>
#include <stddef.h>

#include "flog.h"


#define FLOG_LAST_MAX  160      /* bytes of the last line that are kept */


struct flog_reader {
    struct flog   *flog;
    struct event  *event;       /* NULL: closed */
    int            fd;
    int            is_cut;      /* the last line goes on */
    const char    *id;          /* of the replica, its owner's */
    char           last[FLOG_LAST_MAX];     /* what was printed last, cut;
                                               "": nothing yet */
    size_t         len;
    char          *line;        /* FLOG_LINE_MAX bytes, owned; NULL while there
                                   is no part of a line, as is mostly so */
};


/*
 * Makes a pipe and reads from it until its last writer is gone.  Returns the
 * writing end, which is the caller's to close, or -1 with errno.
 */
int flog_reader_open(struct flog_reader *reader, struct flog *flog,
    const char *id, struct event_base *base);

/*
 * The same with the reading end of a pipe that another scaler made, which it
 * takes.  Returns 0 or -1.
 */
int flog_reader_take(struct flog_reader *reader, struct flog *flog,
    const char *id, struct event_base *base, int fd);

/*
 * Takes what has come so far and closes.
 */
void flog_reader_close(struct flog_reader *reader);


#endif /* FAAS_SCALER_FLOG_READER_H */

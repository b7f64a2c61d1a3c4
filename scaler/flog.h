/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a function's replicas print: lines in one file a function, each with
 * its time and its replica in front.  The file has a bound: when it is full it
 * is renamed to .1, over an older one.
 */

#ifndef FAAS_SCALER_FLOG_H
#define FAAS_SCALER_FLOG_H

#include <event2/event.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>


#define FLOG_LINE_MAX  8192     /* bytes of a line; a longer one is cut */


struct flog {
    char      path[PATH_MAX];
    int       fd;               /* -1: not open */
    int       is_reported;      /* that it cannot be opened */
    uint64_t  size;             /* bytes */
    uint64_t  max;
};

/* the reading end of one replica's output */
struct flog_reader {
    struct flog   *flog;
    struct event  *event;       /* NULL: closed */
    int            fd;
    const char    *id;          /* of the replica, its owner's */
    size_t         len;
    char           line[FLOG_LINE_MAX];
};


/*
 * The file is opened when there is something to write.
 */
void flog_init(struct flog *flog, const char *path, uint64_t max);
void flog_done(struct flog *flog);

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


#endif /* FAAS_SCALER_FLOG_H */

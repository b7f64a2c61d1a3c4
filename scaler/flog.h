/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a function's replicas print, in the state folder: a file a replica,
 * logs/KEY/ID.log.  A file that has its share is renamed to ID.log.1, over an
 * older one.
 *
 * DESIGN
 *
 * All files of a function together have a bound, and so has the number of
 * those whose replica is gone; what was written longest ago goes first.  A
 * replica's share is half of the bound, divided by the replicas that write.
 *
 * Files are known by their structures (flog_file.h), which are kept in step
 * with the disk: nobody else writes there.  Only whole lines are ever
 * appended; what cannot be written is lost, and the replica that printed it
 * does not notice.
 *
 * No file is kept open: there may be more of them than descriptors.
 */

#ifndef FAAS_SCALER_FLOG_H
#define FAAS_SCALER_FLOG_H

#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "lib/faas_name.h"

#include "flog_file.h"


#define FLOG_LINE_MAX      8192     /* bytes of text; a longer one is cut */
#define FLOG_PREFIX_MAX    128      /* bytes: time and replica */
#define FLOG_STORED_MAX    (FLOG_PREFIX_MAX + FLOG_LINE_MAX + 1)
#define FLOG_BATCH_MAX     32768    /* bytes that are appended at a time */
#define FLOG_GONE_MAX      32       /* files of replicas that are gone */
#define FLOG_REPORT_PAUSE  60000    /* msec between two reports of lost lines */


/* the same for all functions */
struct flog_store {
    const char  *dir;               /* the state folder; its owner's */
    uint64_t     max;               /* bytes of all files of a function, at
                                       least twice FLOG_BATCH_MAX */
    uint64_t     reported_ms;       /* that lines are lost; 0: never */
    int          is_failing;        /* the last lines could not be written */
};

/* somebody who reads what is written */
struct flog_watch {
    TAILQ_ENTRY(flog_watch)   link;
    void                     *arg;

    /* there are new lines, and new files perhaps */
    void                    (*appended)(void *arg);

    /* there will be none, and the files go right after this call, from which
       flog_unwatch() has to be called */
    void                    (*closing)(void *arg);
};

TAILQ_HEAD(flog_watches, flog_watch);

/* of one function */
struct flog {
    struct flog_store    *store;
    char                  key[FAAS_KEY_MAX + 1];
    uint64_t              size;         /* bytes of all files */
    uint64_t              serial;       /* the last one given */
    struct flog_files     files;        /* by serial */
    struct flog_watches   watches;
};


/*
 * dir must live as long as the store.
 */
void flog_store_init(struct flog_store *store, const char *dir, uint64_t max);

/*
 * Removes what is in logs/ and belongs to no function: is_known says whether
 * it does.  What belongs to a specification that was set aside stays.
 */
void flog_store_clean(const struct flog_store *store,
    int (*is_known)(void *arg, const char *key), void *arg);

/*
 * Makes a function's log without a file.  store must outlive it.
 */
void flog_init(struct flog *flog, struct flog_store *store, const char *key);

/*
 * Takes in the files that another scaler has left, before anything is
 * written.  They count as those of replicas that are gone, but for what
 * flog_adopt() is called with; then flog_trim() keeps the bounds.
 */
void flog_load(struct flog *flog);
void flog_adopt(struct flog *flog, const char *id);
void flog_trim(struct flog *flog);

/*
 * Undoes flog_init(); the files stay.
 */
void flog_done(struct flog *flog);

/*
 * The same, and removes the files.
 */
void flog_remove(struct flog *flog);

/*
 * Appends whole lines of a replica, at most FLOG_BATCH_MAX bytes.
 */
void flog_append(struct flog *flog, const char *id, const char *lines,
    size_t len);

/*
 * A replica is gone: it will not write any more.
 */
void flog_forget(struct flog *flog, const char *id);

/*
 * The watch is the caller's; arg and both functions are set.
 */
void flog_watch(struct flog *flog, struct flog_watch *watch);
void flog_unwatch(struct flog *flog, struct flog_watch *watch);


#endif /* FAAS_SCALER_FLOG_H */

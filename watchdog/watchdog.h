/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the parts of the watchdog share: one loop, one of these.
 *
 * DESIGN.  An event or a timer only notes what has changed and puts the
 * connection concerned on the ready list (wd_conn_kick).  When all events of
 * a turn have been noted, each connection on that list is pumped: bytes move
 * from its socket to the function and back until nothing moves any more.  So
 * nothing calls back into what is under way, and nothing is freed while an
 * event for it waits.
 */

#ifndef FAAS_WD_WATCHDOG_H
#define FAAS_WD_WATCHDOG_H

#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include "config.h"
#include "env.h"
#include "head.h"
#include "iobuf.h"
#include "list.h"
#include "log.h"
#include "loop.h"
#include "spawner.h"
#include "stats.h"


#define WD_PROC_BUCKETS  64
#define WD_PROGRAM_MAX   4096   /* bytes of the path of the function */
#define WD_LOCK_MAX      256    /* bytes of the path of the lock file */


struct wd;
struct wd_conn;


/*
 * How a function is run.  conn->call is the mode's, and NULL before start()
 * and after the call has ended in whatever way.
 */
struct wd_mode {
    const char  *name;

    /* once; 0, or -1 with err */
    int        (*init)(struct wd *wd, struct faas_err *err);

    /* after the last call; what runs may take grace msec to end */
    void       (*stop)(struct wd *wd, uint64_t grace);

    /* whether all that stop() has begun is done */
    int        (*is_stopped)(const struct wd *wd);

    void       (*done)(struct wd *wd);

    /* a request has come; head lives only until this returns */
    void       (*start)(struct wd_conn *conn, const struct wd_head *head);

    /* moves what can be moved; returns whether something was */
    int        (*run)(struct wd_conn *conn);

    /* the client is gone: ends the call */
    void       (*cancel)(struct wd_conn *conn);

    /* a signal that is for the function; NULL: there is nobody to get it */
    void       (*signal)(struct wd *wd, int sig);
};


enum wd_phase {
    WD_SERVING,
    WD_UNREADY,         /* unhealthy, but serves all until routers know */
    WD_DRAINING,        /* what is in flight ends, idle connections close */
    WD_STOPPING,        /* no connection is left; the function is stopped */
    WD_ENDED
};


struct wd {
    struct wd_config       cfg;
    struct wd_loop         loop;
    struct wd_pool         buffers;
    struct wd_log          log;
    struct wd_env          env;
    struct wd_spawner      spawner;
    struct wd_head         head;        /* of the message being parsed */
    struct wd_stats        stats;
    const struct wd_mode  *mode;
    void                  *mode_data;   /* the mode's */

    struct wd_event        listener;
    struct wd_event        metrics;     /* listens on metrics_port */
    struct wd_event        signals;
    struct wd_timer        listen_timer;
    struct wd_timer        phase_timer;
    enum wd_phase          phase;
    uint64_t               drain_end;   /* nsec; when draining is cut */
    int                    exit_status;
    int                    is_failed;   /* wd_fail() was called */
    int                    is_inherited;        /* the listening socket is */

    struct wd_list         conns;       /* in use */
    struct wd_list         idle;        /* between requests; oldest first */
    struct wd_list         ready;       /* to be pumped */
    struct wd_list         free_conns;
    size_t                 n_conns;
    size_t                 n_inflight;  /* requests in the function */

    struct wd_list         procs[WD_PROC_BUCKETS];      /* by pid */
    struct wd_list         ending_procs;        /* their groups are not
                                                   gone yet */
    struct wd_list         free_procs;
    struct wd_list         free_pipes;
    size_t                 n_procs;
    size_t                 n_free_pipes;
    char                   program[WD_PROGRAM_MAX];     /* found, or "" */
    int                    is_program_lost;     /* it could not be executed */

    char                   lock[WD_LOCK_MAX];   /* path; "": health does
                                                   not depend on it */
    time_t                 date_second; /* of date */
    char                   date[FAAS_DATE_HTTP];

    struct rlimit          files;       /* RLIMIT_NOFILE for processes */
    const struct rlimit   *child_files; /* NULL: as it is */
    int                    null_fd;     /* /dev/null */
};


extern const struct wd_mode  wd_mode_classic;
extern const struct wd_mode  wd_mode_serializing;
extern const struct wd_mode  wd_mode_streaming;
extern const struct wd_mode  wd_mode_http;
extern const struct wd_mode  wd_mode_static;


/*
 * Makes or takes over the listening socket.  Returns 0, or -1 with err.
 * wd_listen_resume() accepts again after connections have been closed.
 */
int wd_listen_init(struct wd *wd, struct faas_err *err);
void wd_listen_resume(struct wd *wd);

/*
 * Accepts what waits in the kernel's queue.
 */
void wd_listen_accept(struct wd *wd);

/*
 * The lock file (lock.c).  wd_lock_path() returns 0, or -1 where the path is
 * too long.
 */
int wd_lock_path(const char *dir, char *path, size_t size);
void wd_lock_make(struct wd *wd);
void wd_lock_remove(struct wd *wd);
int wd_lock_is_there(const struct wd *wd);

/*
 * Signals, and the phases that they lead through (phase.c).
 */
int wd_phase_init(struct wd *wd, struct faas_err *err);
void wd_phase_check(struct wd *wd);

/*
 * The watchdog cannot go on: logs the text, sends what can be sent at once,
 * and ends with status 1.
 */
void wd_fail(struct wd *wd, const char *text);


#endif /* FAAS_WD_WATCHDOG_H */

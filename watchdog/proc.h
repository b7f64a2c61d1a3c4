/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Function processes: each in its own process group, with its standard error
 * going to the log, waited for when it ends, and killed as a group.
 */

#ifndef FAAS_WD_PROC_H
#define FAAS_WD_PROC_H

#include <stddef.h>
#include <sys/types.h>

#include "watchdog.h"


/*
 * A pipe for lines to the log.  It is used by one process at a time but
 * outlives it: making one costs more than keeping it.
 */
struct wd_log_pipe {
    struct wd_list   link;      /* in wd->free_pipes */
    struct wd_event  event;     /* the reading end */
    struct wd_lines  lines;
    struct wd       *wd;
    int              write_fd;
};


struct wd_proc {
    struct wd_list       link;  /* in a bucket, or in wd->free_procs */
    struct wd_timer      kill_timer;
    struct wd_log_pipe  *err;   /* where standard error goes */
    struct wd           *wd;
    void                *owner; /* NULL: nobody wants to know any more */
    void               (*on_end)(struct wd_proc *proc);
    void               (*on_fail)(struct wd_proc *proc,
                                  const struct faas_err *err);
    uint64_t             grace; /* msec; of a kill before it has started */
    pid_t                pid;   /* of the process, and of its group; 0: it has
                                   not started yet */
    int                  status;        /* of wait(2), once it has ended */
    int                  is_ended;
    int                  is_killed;     /* signals are on their way */
};


struct wd_proc_spec {
    char        *pid_text;      /* as in struct wd_spawn */
    int          in_fd;
    int          out_fd;
    int          listen_fd;     /* -1: none */
    int          is_combined;   /* standard error goes to out_fd */
};


void wd_procs_init(struct wd *wd);
void wd_procs_done(struct wd *wd);

/*
 * Starts the function with wd->env.  on_end is called once, when the process
 * has ended, unless it is let go of before.  Returns NULL with err.
 */
struct wd_proc *wd_proc_start(struct wd *wd, const struct wd_proc_spec *spec,
    struct faas_err *err);

/*
 * The environment for the next process that wd_proc_order() starts.
 */
struct wd_env *wd_proc_env(struct wd *wd);

/*
 * The same as wd_proc_start(), but with wd_proc_env(), and it may start after
 * this has returned; if it cannot, on_fail is called in on_end's stead.
 * in_fd and out_fd are taken over, but for wd->null_fd.
 */
struct wd_proc *wd_proc_order(struct wd *wd, const struct wd_proc_spec *spec,
    struct faas_err *err);

/*
 * For the spawner: an order has been done; a process has ended.
 */
void wd_proc_started(struct wd_proc *proc, const struct wd_spawn *spawn,
    pid_t pid, int error);
void wd_proc_ended(struct wd *wd, pid_t pid, int status);

/*
 * Asks the group to end (SIGTERM) and kills it (SIGKILL) after grace msec.
 * Does nothing if that was done before.
 */
void wd_proc_kill(struct wd_proc *proc, uint64_t grace);

/*
 * The owner lets go.  The process is waited for all the same.
 */
void wd_proc_put(struct wd_proc *proc);

/*
 * After SIGCHLD: waits for all that have ended.
 */
void wd_procs_reap(struct wd *wd);

/*
 * SIGKILL to all that is left, and waits for it.
 */
void wd_procs_kill_all(struct wd *wd);

/*
 * How a process ended, as OpenFaaS words it: "exit status 1" or
 * "signal: killed".
 */
void wd_proc_text(int status, struct wd_text *text);

/*
 * A pipe for a stream named name.  Returns NULL with errno.
 */
struct wd_log_pipe *wd_log_pipe_get(struct wd *wd, struct wd_log_out *out,
    const char *name);

/*
 * Reads what is in the pipe, ends the last line, keeps the pipe for the next.
 */
void wd_log_pipe_put(struct wd_log_pipe *pipe);

/*
 * Frees those that are not in use.
 */
void wd_log_pipes_done(struct wd *wd);


#endif /* FAAS_WD_PROC_H */

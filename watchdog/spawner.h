/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Starting processes beside the loop.
 *
 * vfork() keeps the thread that calls it waiting until the new program runs:
 * some 50 us, in which a loop that calls it serves nobody.  So threads of
 * their own do, one for each CPU and no more than a few, and do nothing else.
 * The loop hands them orders, in a ring, and takes these back in the same
 * sequence when they are done; all else is the loop's.
 *
 * All that is made when a process is to be started while another one runs: the
 * first call of a watchdog is most often one that waits for its start, and
 * alone.
 *
 * A process may have ended, and been waited for, before the loop has learnt
 * its pid: what is waited for meanwhile and not known is kept until then.
 */

#ifndef FAAS_WD_SPAWNER_H
#define FAAS_WD_SPAWNER_H

#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>
#include <sys/types.h>

#include "env.h"
#include "lib/faas_err.h"
#include "loop.h"
#include "spawn.h"


#define WD_ORDERS    16         /* at a time; a power of two */
#define WD_SPAWNERS  4          /* threads at most */
#define WD_EARLY     64         /* processes waited for that are not known */


struct wd;
struct wd_proc;


struct wd_order {
    struct wd_env     env;      /* what spawn.env points into */
    struct wd_spawn   spawn;
    struct wd_proc   *proc;
    pid_t             pid;      /* -1: error is set */
    int               error;
    int               is_done;  /* written by a thread, last */
};


struct wd_early {
    pid_t     pid;
    int       status;
    unsigned  order;            /* it may be of one given before this */
};


struct wd_spawner {
    struct wd_order   orders[WD_ORDERS];
    struct wd_early   early[WD_EARLY];
    size_t            n_early;
    struct wd_event   event;    /* an order that is awaited is done */
    struct wd_timer   timer;    /* looks for others */
    sem_t             given;
    pthread_t         threads[WD_SPAWNERS];
    size_t            n_threads;
    unsigned          in;       /* orders given, in all */
    unsigned          taken;    /* by the threads */
    unsigned          out;      /* taken back by the loop */
    int               is_awaited;       /* a process has ended that is not
                                           known; reset by a thread */
    int               is_full;  /* processes were not waited for */
    int               is_set_up;        /* or that has failed */
    char *const      *environment;      /* the caller's */
    size_t            text_size;
};


/*
 * environment is as for wd_env_init(), and stays the caller's.  Without
 * threads (they are not wanted yet, or there is no memory) the loop starts
 * processes itself.
 * Returns 0, or -1 with err.
 */
int wd_spawner_init(struct wd *wd, char *const *environment, size_t text_size,
    struct faas_err *err);

/*
 * Takes back all orders, and ends the threads.
 */
void wd_spawner_done(struct wd *wd);

/*
 * The next free order, or NULL; wd_spawner_give() gives it.
 */
struct wd_order *wd_spawner_order(struct wd *wd);
void wd_spawner_give(struct wd *wd);

/*
 * Takes back the orders that are done.
 */
void wd_spawner_collect(struct wd *wd);

/*
 * Whether orders are out.
 */
int wd_spawner_is_busy(const struct wd *wd);

/*
 * A process that nobody knows has been waited for.  While there are too many
 * of them none may be waited for; wd_procs_reap() is called again then.
 */
void wd_spawner_early(struct wd *wd, pid_t pid, int status);
int wd_spawner_is_full(struct wd *wd);


#endif /* FAAS_WD_SPAWNER_H */

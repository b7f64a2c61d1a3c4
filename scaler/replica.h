/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * One replica of the process provider: a listening socket, and one watchdog
 * process after another that serves it.
 *
 *                 replica_start()
 *    WAITING ------------------------> STARTING --- answers ---> READY
 *       ^                                  |                       |
 *       | the pause is over                | its process ends      |
 *       |                                  v                       |
 *       +------------------------------ BACKOFF <------------------+
 *
 *    any -- replica_stop() --> STOPPING -- its process ends --> freed
 *
 * The socket outlives the processes: while none is there connections wait in
 * its queue.
 */

#ifndef FAAS_SCALER_REPLICA_H
#define FAAS_SCALER_REPLICA_H

#include <event2/event.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "lib/faas_err.h"
#include "lib/faas_proto.h"

#include "flog_reader.h"
#include "isolation.h"
#include "options.h"
#include "spawner.h"
#include "spec.h"
#include "survivor.h"
#include "usage.h"
#include "worker.h"


#define REPLICA_BACKOFF_MIN    100      /* msec */
#define REPLICA_BACKOFF_MAX    10000    /* msec */
#define REPLICA_BACKOFF_RESET  10000    /* msec that it ran */
#define REPLICA_BACKLOG        1024     /* connections waiting */
#define REPLICA_WRITE_TIMEOUT  30000    /* msec, the watchdog's default */
#define REPLICA_KILL_GRACE     1000     /* msec, from then on to SIGKILL */
#define REPLICA_TIMEOUT_MAX    86400000 /* msec */
#define REPLICA_ERROR_MAX      512      /* bytes of why it ended */


enum replica_state {
    REPLICA_WAITING,        /* may be started */
    REPLICA_STARTING,       /* its process runs and has not answered yet */
    REPLICA_READY,
    REPLICA_BACKOFF,        /* its process ended: a pause */
    REPLICA_STOPPING        /* its process was told to end */
};

struct replica;

struct replica_owner {
    void                *arg;
    struct event_base   *base;
    const char          *state_dir;
    int                  lock_fd;       /* of the state folder */
    struct isolation     isolation;
    struct spawner      *spawner;       /* owned */
    struct worker        cleaner;       /* removes what replicas leave */
    gid_t                gateway_gid;
    int                  has_gateway_gid;
    uint64_t             n;             /* replicas */
    uint64_t             max;           /* that there are descriptors for */
    struct rlimit        nofile;        /* for processes; rlim_cur 0: none */

    /* its state is another one now */
    void               (*changed)(void *arg, struct replica *replica);

    /* it is gone, all but its memory: take it off all lists, free() it; in
       another state than STOPPING it is missed */
    void               (*gone)(void *arg, struct replica *replica);
};

struct replica {
    TAILQ_ENTRY(replica)         link;
    struct replica_owner        *owner;
    void                        *function;      /* the provider's */

    char                         id[FAAS_REPLICA_ID_MAX + 1];
    char                         addr[FAAS_ADDR_MAX + 1];
    char                        *dir;           /* of the function; owned */
    char                       **env;           /* owned */
    struct resources             most;
    int                          is_read_only;
    int                          has_secrets;
    uint64_t                     oom_kills;     /* that are known */
    uint64_t                     number;
    uint64_t                     generation;    /* of the spec */
    enum replica_state           state;
    int                          listen_fd;     /* -1: it was taken over, and
                                                   has it alone */
    pid_t                        pid;           /* 0: no process */
    int                          pidfd;         /* of one that is no child of
                                                   ours; -1 */
    struct event                *ended;         /* of pidfd */

    uint64_t                     drain_ms;      /* exec_timeout; 0: none */
    uint64_t                     kill_ms;       /* from SIGTERM to SIGKILL */
    int                          is_retiring;   /* in no route any more */
    uint64_t                     retire_rev;    /* which took it out */

    char                         error[REPLICA_ERROR_MAX];   /* why it pauses */
    uint64_t                     backoff_ms;    /* the last pause; 0: it has
                                                   not failed of late */
    uint64_t                     started_ms;    /* monotonic */
    struct event                *timer;         /* pause, or SIGKILL */
    struct event                *probe;         /* its answer is waited for */
    int                          probe_fd;
    struct usage_rate            usage;
    struct usage                 spent;         /* when it was looked at last */
    struct flog_reader           output;
};

TAILQ_HEAD(replica_list, replica);


/*
 * Sets what follows from the settings, and raises the limit of descriptors;
 * state_dir and its lock must live as long as owner.  arg, base, changed and
 * gone are the caller's to set before.  Returns 0 or -1; replica_owner_done()
 * in either case.
 */
int replica_owner_init(struct replica_owner *owner,
    const struct scaler_options *options, const char *state_dir, int lock_fd,
    struct faas_err *err);

/*
 * Waits until what replicas have left is removed.
 */
void replica_owner_done(struct replica_owner *owner);

/*
 * Makes a replica with its socket and its TMPDIR, WAITING.  The environment is
 * made of spec; dir is the function's folder.  Returns NULL with err.
 */
struct replica *replica_new(struct replica_owner *owner,
    const struct spec *spec, const char *dir, uint64_t number,
    struct flog *flog, struct faas_err *err);

/*
 * Takes over a replica that another scaler has left, with its process, socket
 * and TMPDIR: STARTING until it answers.  spec is of its function.  The same.
 */
struct replica *replica_adopt(struct replica_owner *owner,
    const struct spec *spec, const char *dir,
    const struct survivor *survivor, struct flog *flog,
    struct faas_err *err);

/*
 * Starts its process; where that fails it goes to BACKOFF.
 */
void replica_start(struct replica *replica);

/*
 * Ends it: SIGTERM, after kill_ms SIGKILL, also where it is being ended
 * already.  gone() is called when its process has ended, at once where there
 * is none.
 */
void replica_stop(struct replica *replica, uint64_t kill_ms);

/*
 * True where somebody waits in the queue of its socket.
 */
int replica_is_wanted(const struct replica *replica);

/*
 * Its process has ended, with a status of waitpid(2), or -1 where that is not
 * known.
 */
void replica_exited(struct replica *replica, int status);


#endif /* FAAS_SCALER_REPLICA_H */

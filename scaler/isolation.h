/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What keeps replicas apart from one another and from the machine, as far as
 * this one allows; found out once, by trying.
 *
 *   root             a user of its own for each replica, and all below
 *   user-namespace   the scaler's user; namespaces of processes, mounts, IPC
 *   none             the scaler's user, which it shares with all
 *
 * In a mount namespace a replica sees the machine's folders with what is
 * somebody's own left out (/home, /root, /tmp, the state folder), and
 *
 *   /home/app                its function's folder, read-only
 *   /tmp, /var/tmp, /dev/shm its TMPDIR, which is nobody else's
 *   /var/openfaas/secrets    its secrets, read-only
 *   /faas-watchdog           the program
 */

#ifndef FAAS_SCALER_ISOLATION_H
#define FAAS_SCALER_ISOLATION_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/faas_err.h"

#include "cgroup.h"
#include "options.h"


#define ISOLATION_APP       "/home/app"
#define ISOLATION_TMP       "/tmp"
#define ISOLATION_SECRETS   "/var/openfaas/secrets"
#define ISOLATION_WATCHDOG  "/faas-watchdog"

/* users that no system gives to anybody: from 1879048192 to 2147483647
   (systemd's docs/UIDS-GIDS.md).  A replica's is the first and its number,
   and none has the number of another one. */
#define ISOLATION_UID_MIN   1879048192U
#define ISOLATION_UIDS      268435456U


enum isolation_kind {
    ISOLATION_NONE,
    ISOLATION_USER_NAMESPACE,
    ISOLATION_ROOT
};

/* a folder of the machine, and where it is below root */
struct isolation_bind {
    char  *from;
    char  *to;
};

struct isolation {
    enum isolation_kind     kind;
    char                    root[PATH_MAX];     /* what becomes / */
    char                    masked[PATH_MAX];   /* the state folder below it;
                                                   "": it is not there */
    char                    empty[PATH_MAX];    /* covers it */
    char                    uid_map[64];        /* of a user namespace */
    char                    gid_map[64];
    const char             *watchdog;
    struct isolation_bind  *binds;              /* owned */
    size_t                  n;
    uint64_t                max_processes;      /* of a replica */
    int                     is_dumpable;        /* this process */
    struct cgroups          cgroups;
};


/*
 * Finds out what can be done and makes what is needed in the state folder,
 * an absolute path that must live as long as isolation; so must options.  What
 * cannot be done is logged.  Returns 0, or -1 where --isolation wants more.
 */
int isolation_open(struct isolation *isolation,
    const struct scaler_options *options, const char *state_dir,
    struct faas_err *err);

void isolation_close(struct isolation *isolation);

/*
 * The user of a replica, by its number; the scaler's own where it has none.
 */
uid_t isolation_uid(const struct isolation *isolation, uint64_t number);

/*
 * Makes a file or folder the replica's.  Returns 0, or -1 with errno.
 */
int isolation_give(const struct isolation *isolation, const char *path,
    uint64_t number);


#endif /* FAAS_SCALER_ISOLATION_H */

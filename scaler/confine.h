/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a new process does to itself before it becomes a replica's watchdog:
 * all of it is safe after a fork, or while memory is shared with the scaler.
 */

#ifndef FAAS_SCALER_CONFINE_H
#define FAAS_SCALER_CONFINE_H

#include <sys/types.h>

#include "isolation.h"


struct confinement {
    /* texts are the caller's */
    const struct isolation  *isolation;
    const char              *app;           /* the function's folder */
    const char              *tmp;
    const char              *secrets;       /* NULL: none */
    uid_t                    uid;
    int                      is_read_only;  /* all but tmp */
    uint64_t                 memory;        /* bytes that no control group
                                               limits; 0: none */
    struct cgroup_plan       groups;
};

struct confine_failure {
    const char  *what;
    const char  *path;      /* NULL: none */
};


/*
 * Flags for clone(2) of a process that calls confine_self().
 */
unsigned long confine_flags(const struct isolation *isolation);

/*
 * Does to the calling process what is the same for every function.  Returns 0,
 * or -1 with errno and what failed.
 */
int confine_prepare(const struct isolation *isolation,
    struct confine_failure *failure);

/*
 * Confines the calling process, which is prepared, and enters the function's
 * folder.  Returns as confine_prepare().
 */
int confine_self(const struct confinement *confinement,
    struct confine_failure *failure);


#endif /* FAAS_SCALER_CONFINE_H */

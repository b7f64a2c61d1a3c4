/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Limits of replicas by control groups, version 1 or 2 of the kernel's
 * interface: below the scaler's own group one folder for all replicas of a
 * state folder, and in it one for each that has limits, by its number.
 *
 * Source: Linux, Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/.
 */

#ifndef FAAS_SCALER_CGROUP_H
#define FAAS_SCALER_CGROUP_H

#include <limits.h>
#include <stdint.h>

#include "lib/faas_err.h"

#include "resources.h"


#define CGROUP_PATH_MAX  1024
#define CGROUP_SETTINGS  3      /* of a group */
#define CGROUP_VALUE_MAX 48


enum cgroup_controller {
    CGROUP_MEMORY,
    CGROUP_CPU,
    CGROUP_N
};

struct cgroups {
    struct {
        char  folder[CGROUP_PATH_MAX];      /* "": it cannot be used */
        int   version;
    } of[CGROUP_N];
};

/* what a new process does, ready to be done after a fork */
struct cgroup_plan {
    size_t  n;
    struct {
        char    folder[CGROUP_PATH_MAX + 32];
        size_t  n;
        struct {
            const char  *file;
            char         value[CGROUP_VALUE_MAX];
            int          is_optional;
        } settings[CGROUP_SETTINGS];
    } groups[CGROUP_N];
};


/*
 * Finds and makes the folders; what cannot be used is left out.
 */
void cgroup_open(struct cgroups *cgroups, const char *state_dir);

/*
 * Removes the folders, unless there are replicas in them.
 */
void cgroup_close(const struct cgroups *cgroups);

/*
 * Fills the plan for replica number; it is empty where there are no limits, or
 * they cannot be enforced so.
 */
void cgroup_plan(const struct cgroups *cgroups, uint64_t number,
    const struct resources *limits, struct cgroup_plan *plan);

/*
 * Makes the groups and moves the calling process there: safe after a fork.
 * Returns 0, or -1 with errno.
 */
int cgroup_enter(const struct cgroup_plan *plan);

/*
 * How many processes of a replica were killed for want of memory.
 */
uint64_t cgroup_oom_kills(const struct cgroups *cgroups, uint64_t number);

/*
 * Kills what is left in the groups of a replica and removes them: it blocks.
 */
void cgroup_remove(const struct cgroups *cgroups, uint64_t number);

/*
 * Does that with all groups whose number is_used does not know.
 */
void cgroup_clear(const struct cgroups *cgroups,
    int (*is_used)(void *arg, uint64_t number), void *arg);


#endif /* FAAS_SCALER_CGROUP_H */

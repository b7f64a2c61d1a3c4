/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a replica's processes leave behind.
 */

#include "replica_leavings.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/faas_log.h"

#include "disk.h"


struct leavings {
    struct job                   job;
    const struct replica_owner  *owner;     /* only what never changes */
    uint64_t                     number;
};


static int run(void *arg, struct faas_err *err);
static void done(void *arg, struct faas_err *err);


void
replica_leavings_remove(struct replica_owner *owner, uint64_t number)
{
    struct leavings  *leavings;

    leavings = calloc(1, sizeof(*leavings));

    if (leavings == NULL) {
        faas_log(FAAS_LOG_WARN, "no memory to remove what a replica left, it "
                 "stays number=%" PRIu64, number);
        return;
    }

    leavings->owner = owner;
    leavings->number = number;
    leavings->job.run = run;
    leavings->job.done = done;
    leavings->job.arg = leavings;

    worker_add(&owner->cleaner, &leavings->job);
}


static int
run(void *arg, struct faas_err *err)
{
    char              tmp[4096];
    struct leavings  *leavings;

    leavings = arg;
    cgroup_remove(&leavings->owner->isolation.cgroups, leavings->number);
    (void) snprintf(tmp, sizeof(tmp), "%.3500s/tmp/%" PRIu64,
                    leavings->owner->state_dir, leavings->number);

    if (disk_remove_tree(tmp) != 0) {
        return faas_err_set(err, errno, "cannot remove %.150s: %s", tmp,
                            strerror(errno));
    }

    return 0;
}


static void
done(void *arg, struct faas_err *err)
{
    if (err->code != 0) {
        faas_log(FAAS_LOG_WARN, "what a replica left stays error=\"%s\"",
                 err->text);
    }

    free(arg);
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Replicas that a scaler has left behind when it was killed: they go on, and
 * calls of them do; the next scaler finds them by what is in their
 * environment, and takes them over.
 */

#ifndef FAAS_SCALER_SURVIVOR_H
#define FAAS_SCALER_SURVIVOR_H

#include <stdint.h>
#include <sys/types.h>

#include "lib/faas_err.h"
#include "lib/faas_name.h"


struct survivor {
    pid_t     pid;
    uint64_t  number;                   /* of the replica */
    uint64_t  revision;                 /* of the spec it was made from */
    char      name[FAAS_NAME_MAX + 1];
    char      ns[FAAS_NAME_MAX + 1];
};


/*
 * Calls each for every watchdog that is of this state folder.  Nobody else may
 * start any meanwhile.  Returns 0, or -1 where /proc cannot be read.
 */
int survivor_find(const char *state_dir,
    void (*each)(void *arg, const struct survivor *survivor), void *arg,
    struct faas_err *err);

/*
 * A descriptor that tells when the process has ended, or -1.
 */
int survivor_open(pid_t pid);

/*
 * Copies of its listening socket, which it has from us as descriptor 3, and of
 * the reading end of the pipe that it prints to; -1 where the kernel does not
 * let us.
 */
int survivor_listen_fd(int pidfd);
int survivor_output_fd(pid_t pid);


#endif /* FAAS_SCALER_SURVIVOR_H */

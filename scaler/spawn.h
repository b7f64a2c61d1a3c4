/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A new process becomes a watchdog: its environment, and what it does.
 */

#ifndef FAAS_SCALER_SPAWN_H
#define FAAS_SCALER_SPAWN_H

#include <sys/resource.h>
#include <sys/types.h>

#include "lib/faas_err.h"

#include "confine.h"
#include "spec.h"


/* variables by which the next scaler knows a replica: STATE-DIR#NUMBER, and the
   revision of its spec */
#define SPAWN_REPLICA   "FAAS_REPLICA"
#define SPAWN_REVISION  "FAAS_REVISION"


struct spawn {
    const struct confinement  *confinement;
    char          **env;        /* of spawn_env(); NULL: nothing is executed, as
                                   all that is asked is whether it could be */
    int             listen_fd;  /* becomes descriptor 3 */
    int             output_fd;  /* becomes standard output and error */
    int             lock_fd;    /* of the state folder, which is held until it
                                   is the watchdog: so another scaler finds it,
                                   also where this one has gone meanwhile */
    struct rlimit   nofile;     /* its limit; rlim_cur 0: as it is */
};


/* that the process could not be prepared: it is said where its output goes */
struct spawn_failure {
    int                     error;      /* errno; 0: it is prepared */
    struct confine_failure  failure;
};


/*
 * Makes the environment of a function's watchdog, from nothing but the spec
 * and what every process needs.  tmp is its TMPDIR, secrets the folder of its
 * secrets, if it has any, replica the value of SPAWN_REPLICA.  Returns an array
 * for spawn_env_free(), or NULL.
 */
char **spawn_env(const struct spec *spec, const char *tmp,
    const char *secrets, const char *replica);

void spawn_env_free(char **env);

/*
 * Does to the calling process what is the same for every function.  It is new
 * and may share its memory with the scaler: here and in spawn_self() nothing is
 * allocated, no lock is taken.
 */
void spawn_prepare(const struct isolation *isolation,
    struct spawn_failure *failure);

/*
 * Makes a watchdog of the calling process, which is prepared.
 */
void spawn_self(const struct spawn *spawn,
    const struct spawn_failure *prepared) __attribute__((noreturn));


#endif /* FAAS_SCALER_SPAWN_H */

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What all replicas have in common: the state folder, who may connect, and
 * how many there are descriptors for.
 */

#include "replica.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>

#include "lib/faas_log.h"


/* longest STATE/s/NUMBER.sock that a unix socket's path has room for */
#define STATE_DIR_MAX  (FAAS_ADDR_MAX - sizeof("unix:/s/.sock") - 10)

/* descriptors that replicas leave to the API, Redis and files */
#define FD_RESERVE     64

#define FDS            2        /* of a replica: its socket, its output */


static void raise_nofile(struct replica_owner *owner, uint64_t clients);


int
replica_owner_init(struct replica_owner *owner,
    const struct scaler_options *options, const char *state_dir, int lock_fd,
    struct faas_err *err)
{
    struct passwd  *pw;

    if (strlen(state_dir) > STATE_DIR_MAX) {
        return faas_err_set(err, 0, "the path of the state folder, %.120s, "
                            "has more than %zu bytes: sockets below it would "
                            "have none left for their names", state_dir,
                            (size_t) STATE_DIR_MAX);
    }

    owner->state_dir = state_dir;
    owner->lock_fd = lock_fd;
    raise_nofile(owner, options->max_followers * 2);
    owner->spawner = spawner_new(&owner->isolation);

    if (owner->spawner == NULL) {
        return faas_err_set(err, 500, "no memory");
    }

    if (worker_open(&owner->cleaner, owner->base, err) != 0
        || isolation_open(&owner->isolation, options, state_dir, err) != 0
        || spawner_keep_spares(owner->spawner, (unsigned) options->spares, err)
           != 0)
    {
        return -1;
    }

    if (options->gateway_user[0] == '\0') {
        return 0;
    }

    pw = getpwnam(options->gateway_user);

    if (pw == NULL) {
        return faas_err_set(err, 0, "--gateway-user: there is no user "
                            "\"%.80s\"", options->gateway_user);
    }

    owner->gateway_gid = pw->pw_gid;
    owner->has_gateway_gid = 1;

    return 0;
}


void
replica_owner_done(struct replica_owner *owner)
{
    spawner_free(owner->spawner);
    owner->spawner = NULL;
    worker_close(&owner->cleaner);
    isolation_close(&owner->isolation);
}


/*
 * Processes get the limit that was there before: some C programs cannot count
 * above 1,024.  clients may stay for long.
 */
static void
raise_nofile(struct replica_owner *owner, uint64_t clients)
{
    rlim_t         reserve;
    struct rlimit  most;

    if (getrlimit(RLIMIT_NOFILE, &owner->nofile) != 0) {
        owner->nofile.rlim_cur = 0;
        owner->max = UINT64_MAX;
        return;
    }

    most = owner->nofile;
    most.rlim_cur = most.rlim_max;

    if (setrlimit(RLIMIT_NOFILE, &most) != 0) {
        most = owner->nofile;
        faas_log(FAAS_LOG_WARN, "cannot raise the limit of descriptors, going "
                 "on with what there is error=\"%s\"", strerror(errno));
    }

    reserve = FD_RESERVE + clients;

    if (reserve > most.rlim_cur / 2) {
        reserve = most.rlim_cur / 2;
    }

    owner->max = (most.rlim_cur - reserve) / FDS;
}

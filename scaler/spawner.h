/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Starting processes.
 *
 * A fork copies the scaler's map of its memory, only for the new process to
 * throw it away: that takes longer than everything else that a start needs.
 * So it is made as by vfork(2), and shares the scaler's memory until it
 * executes the watchdog.  Meanwhile the thread that makes it is suspended; it
 * has but one start at a time, so neither the loop nor another start waits for
 * what may hang, a mount for example.
 *
 *     loop                 a thread              the process
 *
 *     spawner_start() ---> takes it --clone-->   tells the pid
 *     waits for the pid    suspended             prepares itself
 *     goes on                                    takes the descriptors
 *                                                confines itself
 *                                                executes, or ends
 *                          waits for     <--
 *                          another start
 *
 * Spares are processes that were made before they are needed: they have got as
 * far as to wait for the descriptors, and what is left is what is the
 * function's own.  Each has its thread, which is suspended.
 *
 * The process writes to nothing but its stack, which is part of the thread's,
 * the thread's errno, the seat that is there, and the replica's environment; it
 * takes no locks.  All signals are blocked in both.  Of the scaler's
 * descriptors it has those that it is sent; where the scaler dies, it ends.  A
 * few threads are kept when they are done: a new one takes a while to be there.
 */

#ifndef FAAS_SCALER_SPAWNER_H
#define FAAS_SCALER_SPAWNER_H

#include <sys/types.h>

#include "lib/faas_err.h"

#include "spawn.h"


struct spawner;


/*
 * Makes one without spares.  The isolation, which is that of all starts, has to
 * stay as long.  Returns NULL where there is no memory.
 */
struct spawner *spawner_new(const struct isolation *isolation);

/*
 * Safe on NULL; waits for spares, as long as a moment, and not for starts.
 */
void spawner_free(struct spawner *spawner);

/*
 * Keeps so many spares from now on.  Returns 0, or -1 where there is no thread
 * for them.
 */
int spawner_keep_spares(struct spawner *spawner, unsigned spares,
    struct faas_err *err);

/*
 * Starts a watchdog in a session of its own, with descriptors 0 to 3 and no
 * other.  It goes on when this process dies.  Returns its pid, or -1.  Who
 * calls this is the only one who collects children.
 *
 * All is copied but the environment, which has to stay until the process has
 * executed the watchdog, or has ended.
 */
pid_t spawner_start(struct spawner *spawner, const struct spawn *spawn,
    struct faas_err *err);


#endif /* FAAS_SCALER_SPAWNER_H */

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A start's descriptors, on their way to the process that becomes a watchdog.
 */

#ifndef FAAS_SCALER_SPAWN_FDS_H
#define FAAS_SCALER_SPAWN_FDS_H

#include "spawn.h"


/*
 * Sends them by a socket, without waiting.  Returns 0, or -1 with errno: the
 * process has ended.
 */
int spawn_send_fds(int sock, const struct spawn *spawn);

/*
 * Waits for them, and puts their numbers in this process into spawn.  Returns
 * 0, or -1 where the other end has gone.  As spawn_prepare(), it neither
 * allocates nor locks anything.
 */
int spawn_receive_fds(int sock, struct spawn *spawn);


#endif /* FAAS_SCALER_SPAWN_FDS_H */

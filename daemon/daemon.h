/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What each daemon does before anything else.
 */

#ifndef FAAS_DAEMON_DAEMON_H
#define FAAS_DAEMON_DAEMON_H


/*
 * Opens descriptors 0 to 2 where they are closed, ignores SIGPIPE, and has
 * what libevent prints in the log.  Returns 0 or -1.
 */
int daemon_prepare(void);


#endif /* FAAS_DAEMON_DAEMON_H */

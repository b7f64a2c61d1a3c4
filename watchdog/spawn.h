/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Starting a program without copying the watchdog's page tables.
 */

#ifndef FAAS_WD_SPAWN_H
#define FAAS_WD_SPAWN_H

#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>


#define WD_LISTEN_FD  3         /* where socket activation begins */


struct wd_spawn {
    const char           *path;
    char *const          *argv;
    char *const          *env;
    char                 *pid_text;     /* NULL, or where LISTEN_PID's value
                                           is: WD_PID_TEXT bytes */
    const struct rlimit  *files;        /* NULL, or RLIMIT_NOFILE to set */
    int                   fds[3];       /* become 0, 1, 2; each is over 2 */
    int                   listen_fd;    /* -1, or becomes WD_LISTEN_FD */
};


#define WD_PID_TEXT  "0000000000"       /* as long as a pid can be */


/*
 * Starts the program in a process group of its own; it is killed if the
 * watchdog dies.  All descriptors that are not named must be close-on-exec.
 * Returns the pid, or -1 with errno: no process, or exec failed, and nothing
 * is left to wait for then.
 */
pid_t wd_spawn(const struct wd_spawn *spec);

/*
 * Finds the program as a shell would: as it is where it has a slash, else in
 * the folders of search (PATH).  Returns 0, or -1 with errno.
 */
int wd_spawn_find(const char *name, const char *search, char *path,
    size_t size);


#endif /* FAAS_WD_SPAWN_H */

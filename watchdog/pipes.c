/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The two pipes between the watchdog and a process.
 */

#include "pipes.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>


static int open_pair(int *read_end, int *write_end);
static void close_end(int fd);


int
wd_pipes_open(struct wd *wd, struct wd_pipes *pipes, int has_input,
    struct faas_err *err)
{
    int  saved;

    pipes->in = -1;
    pipes->out = -1;
    pipes->fn_in = wd->null_fd;
    pipes->fn_out = -1;

    if ((!has_input || open_pair(&pipes->fn_in, &pipes->in) == 0)
        && open_pair(&pipes->out, &pipes->fn_out) == 0
        && (!has_input || fcntl(pipes->in, F_SETFL, O_NONBLOCK) != -1)
        && fcntl(pipes->out, F_SETFL, O_NONBLOCK) != -1)
    {
        return 0;
    }

    saved = errno;
    close_end(pipes->in);
    close_end(pipes->out);
    wd_pipes_hand_over(wd, pipes);

    return faas_err_set(err, saved, "cannot make a pipe: %s",
                        strerror(saved));
}


void
wd_pipes_hand_over(struct wd *wd, struct wd_pipes *pipes)
{
    if (pipes->fn_in != wd->null_fd) {
        close_end(pipes->fn_in);
    }

    close_end(pipes->fn_out);
    pipes->fn_in = wd->null_fd;
    pipes->fn_out = -1;
}


static int
open_pair(int *read_end, int *write_end)
{
    int  fds[2];

    if (pipe2(fds, O_CLOEXEC) != 0) {
        return -1;
    }

    *read_end = fds[0];
    *write_end = fds[1];

    return 0;
}


static void
close_end(int fd)
{
    if (fd != -1) {
        (void) close(fd);       /* nothing was written through it */
    }
}

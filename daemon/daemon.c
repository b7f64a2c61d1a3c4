/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What each daemon does before anything else.
 */

#include "daemon.h"

#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "lib/faas_log.h"


static int open_standard(void);
static void on_event_log(int severity, const char *text);


int
daemon_prepare(void)
{
    struct sigaction  action;

    memset(&action, 0, sizeof(action));
    action.sa_handler = SIG_IGN;
    (void) sigaction(SIGPIPE, &action, NULL);

    event_set_log_callback(on_event_log);

    return open_standard();
}


/*
 * Descriptors 0 to 2 are taken, if by nothing better: what is opened later is
 * none of them, and what a program prints goes nowhere else.
 */
static int
open_standard(void)
{
    int  fd;

    do {
        fd = open("/dev/null", O_RDWR);
    } while (fd >= 0 && fd <= STDERR_FILENO);

    return fd < 0 ? -1 : close(fd);
}


/*
 * What libevent would print by itself.
 */
static void
on_event_log(int severity, const char *text)
{
    faas_log(severity >= EVENT_LOG_ERR ? FAAS_LOG_ERROR
             : severity == EVENT_LOG_WARN ? FAAS_LOG_WARN : FAAS_LOG_DEBUG,
             "libevent: %s", text);
}

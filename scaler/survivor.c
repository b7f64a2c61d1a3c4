/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Replicas that a scaler has left behind.
 */

#include "survivor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/faas_buf.h"
#include "lib/faas_num.h"

#include "disk.h"
#include "spawn.h"


#define ENVIRON_MAX  (16 * 1024 * 1024)     /* bytes */
#define STATUS_MAX   65536                  /* bytes of /proc/PID/status */
#define LISTEN_FD    3


static int read_environ(pid_t pid, const char *state_dir,
    struct survivor *survivor);
static int is_ours(const struct faas_buf *env, pid_t pid,
    const char *state_dir, struct survivor *survivor);
static uint64_t own_pid(pid_t pid);
static const char *value_of(const struct faas_buf *env, const char *name);
static int take_name(const char *s, char *to);


int
survivor_find(const char *state_dir,
    void (*each)(void *arg, const struct survivor *survivor), void *arg,
    struct faas_err *err)
{
    DIR              *dir;
    uint64_t          pid;
    struct dirent    *entry;
    struct survivor   survivor;

    dir = opendir("/proc");

    if (dir == NULL) {
        return faas_err_set(err, errno, "cannot read /proc: %s",
                            strerror(errno));
    }

    while ((entry = readdir(dir)) != NULL) {

        if (faas_parse_uint(entry->d_name, strlen(entry->d_name), 2, INT_MAX,
                            &pid)
            == 0
            && read_environ((pid_t) pid, state_dir, &survivor) == 0)
        {
            each(arg, &survivor);
        }
    }

    (void) closedir(dir);

    return 0;
}


int
survivor_open(pid_t pid)
{
    return (int) syscall(SYS_pidfd_open, pid, 0);
}


int
survivor_listen_fd(int pidfd)
{
    int        fd, is_listening;
    socklen_t  len;

    fd = (int) syscall(SYS_pidfd_getfd, pidfd, LISTEN_FD, 0);
    len = sizeof(is_listening);

    if (fd != -1
        && (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &len)
            != 0
            || !is_listening))
    {
        (void) close(fd);
        fd = -1;
    }

    return fd;
}


/*
 * A pipe that is opened by its link in /proc has one more end.
 */
int
survivor_output_fd(pid_t pid)
{
    int          fd;
    char         path[64];
    struct stat  st;

    (void) snprintf(path, sizeof(path), "/proc/%d/fd/1", (int) pid);

    fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

    if (fd != -1 && (fstat(fd, &st) != 0 || !S_ISFIFO(st.st_mode))) {
        (void) close(fd);
        fd = -1;
    }

    return fd;
}


static int
read_environ(pid_t pid, const char *state_dir, struct survivor *survivor)
{
    int              rc;
    char             path[64];
    struct faas_err  err;
    struct faas_buf  env;

    (void) snprintf(path, sizeof(path), "/proc/%d/environ", (int) pid);
    faas_buf_init(&env, ENVIRON_MAX);

    rc = disk_read(path, &env, &err) == 0 && env.data != NULL
         && is_ours(&env, pid, state_dir, survivor) ? 0 : -1;

    faas_buf_done(&env);

    return rc;
}


/*
 * What a function starts has the same environment, and a server in mode http
 * its own pid in it; but it is a process group's leader, and so cannot be a
 * session's, which a watchdog is.
 */
static int
is_ours(const struct faas_buf *env, pid_t pid, const char *state_dir,
    struct survivor *survivor)
{
    size_t       len;
    uint64_t     n;
    const char  *s;

    s = value_of(env, "LISTEN_PID");

    if (s == NULL || getsid(pid) != pid
        || faas_parse_uint(s, strlen(s), 1, INT_MAX, &n) != 0
        || n != own_pid(pid))
    {
        return 0;
    }

    s = value_of(env, SPAWN_REPLICA);
    len = strlen(state_dir);

    if (s == NULL || strncmp(s, state_dir, len) != 0 || s[len] != '#'
        || faas_parse_uint(s + len + 1, strlen(s + len + 1), 1, UINT64_MAX,
                           &survivor->number)
           != 0)
    {
        return 0;
    }

    s = value_of(env, SPAWN_REVISION);

    if (s == NULL
        || faas_parse_uint(s, strlen(s), 0, UINT64_MAX, &survivor->revision)
           != 0)
    {
        return 0;
    }

    survivor->pid = pid;

    return take_name(value_of(env, "OPENFAAS_NAME"), survivor->name)
           && take_name(value_of(env, "OPENFAAS_NAMESPACE"), survivor->ns);
}


/*
 * The pid that a process has for itself, in its namespace; 0 where it is not
 * known.
 */
static uint64_t
own_pid(pid_t pid)
{
    char              path[64];
    char             *line, *number;
    uint64_t          own;
    struct faas_buf   status;
    struct faas_err   err;

    (void) snprintf(path, sizeof(path), "/proc/%d/status", (int) pid);
    faas_buf_init(&status, STATUS_MAX);

    own = 0;
    line = disk_read(path, &status, &err) == 0 && status.data != NULL
           ? strstr(status.data, "\nNSpid:") : NULL;

    if (line != NULL) {
        line += 1;
        line[strcspn(line, "\n")] = '\0';
        number = strrchr(line, '\t');

        if (number == NULL
            || faas_parse_uint(number + 1, strlen(number + 1), 1, INT_MAX,
                               &own)
               != 0)
        {
            own = 0;
        }
    }

    faas_buf_done(&status);

    return own;
}


static const char *
value_of(const struct faas_buf *env, const char *name)
{
    size_t       len;
    const char  *s;

    len = strlen(name);

    for (s = env->data; s < env->data + env->len; s += strlen(s) + 1) {
        if (strncmp(s, name, len) == 0 && s[len] == '=') {
            return s + len + 1;
        }
    }

    return NULL;
}


static int
take_name(const char *s, char *to)
{
    if (s == NULL || !faas_name_is_dns_label(s, strlen(s))) {
        return 0;
    }

    memcpy(to, s, strlen(s) + 1);

    return 1;
}

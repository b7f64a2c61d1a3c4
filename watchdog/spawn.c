/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Starting a program.
 *
 * After vfork() the child runs in the parent's memory while the parent waits:
 * no page table is copied, and the child can say what went wrong by writing a
 * variable.  In exchange it may do nothing but system calls, and must not
 * return from the function that called vfork().  There are no signal
 * handlers that could run in it.
 */

#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>


#define EXIT_NO_EXEC  127


static void run_child(const struct wd_spawn *spec, pid_t parent,
    volatile int *error) __attribute__((noreturn));
static int set_up(const struct wd_spawn *spec, pid_t parent);
static void write_pid(char *text);
static int is_program(const char *path);


pid_t
wd_spawn(const struct wd_spawn *spec)
{
    pid_t         pid, parent;
    volatile int  error;

    error = 0;
    parent = getpid();

    pid = vfork();      /* NOLINT: see above */

    if (pid == 0) {
        run_child(spec, parent, &error);    /* NOLINT: it only calls
                                               the kernel */
    }

    if (pid > 0 && error != 0) {
        while (waitpid(pid, NULL, 0) == -1 && errno == EINTR) {
            /* again */
        }

        errno = error;
        return -1;
    }

    return pid;
}


int
wd_spawn_find(const char *name, const char *search, char *path, size_t size)
{
    int     n, denied;
    size_t  len;

    if (strchr(name, '/') != NULL || search == NULL) {
        n = snprintf(path, size, "%s", name);

        if (n < 0 || (size_t) n >= size) {
            errno = ENAMETOOLONG;
            return -1;
        }

        return is_program(path);
    }

    denied = 0;

    for ( ;; ) {
        len = strcspn(search, ":");
        n = len == 0 ? snprintf(path, size, "./%s", name)
                     : snprintf(path, size, "%.*s/%s", (int) len, search,
                                name);

        if (n > 0 && (size_t) n < size) {
            if (is_program(path) == 0) {
                return 0;
            }

            denied |= errno == EACCES;
        }

        if (search[len] == '\0') {
            errno = denied ? EACCES : ENOENT;
            return -1;
        }

        search += len + 1;
    }
}


static int
is_program(const char *path)
{
    struct stat  st;

    if (stat(path, &st) != 0) {
        return -1;
    }

    if (!S_ISREG(st.st_mode)) {
        errno = EACCES;
        return -1;
    }

    return access(path, X_OK);
}


static void
run_child(const struct wd_spawn *spec, pid_t parent, volatile int *error)
{
    if (set_up(spec, parent) == 0) {
        if (spec->pid_text != NULL) {
            write_pid(spec->pid_text);
        }

        (void) execve(spec->path, spec->argv, spec->env);
    }

    *error = errno;
    _exit(EXIT_NO_EXEC);
}


static int
set_up(const struct wd_spawn *spec, pid_t parent)
{
    int       fd;
    sigset_t  none;

    if (setpgid(0, 0) != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
        return -1;
    }

    /* it may have died before we asked to be told */

    if (getppid() != parent) {
        errno = ESRCH;
        return -1;
    }

    for (fd = 0; fd < 3; fd++) {
        if (dup2(spec->fds[fd], fd) == -1) {
            return -1;
        }
    }

    if (spec->listen_fd == WD_LISTEN_FD) {
        if (fcntl(WD_LISTEN_FD, F_SETFD, 0) == -1) {
            return -1;
        }

    } else if (spec->listen_fd != -1
               && dup2(spec->listen_fd, WD_LISTEN_FD) == -1)
    {
        return -1;
    }

    if (spec->files != NULL && prlimit(0, RLIMIT_NOFILE, spec->files, NULL)
                                != 0)
    {
        return -1;
    }

    (void) sigemptyset(&none);      /* cannot fail */

    return sigprocmask(SIG_SETMASK, &none, NULL);
}


/*
 * snprintf() may do more than is allowed here.
 */
static void
write_pid(char *text)
{
    char    digits[sizeof(WD_PID_TEXT)];
    pid_t   pid;
    size_t  n;

    n = 0;

    for (pid = getpid(); pid > 0; pid /= 10) {
        digits[n++] = (char) ('0' + pid % 10);
    }

    while (n > 0) {
        *text++ = digits[--n];
    }

    *text = '\0';
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The long-lived function process of mode http.
 *
 * Without upstream_url it is handed a listening unix socket.  Its file is
 * gone again before the function starts: we connect through a descriptor of
 * it, nobody else can, and nothing is left behind however this ends.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/faas_log.h"
#include "spawn.h"
#include "upstream.h"


#define SOCKET_NAME  "fn.sock"
#define BACKLOG      1024       /* connections that wait for the function */


static int make_socket(struct wd *wd, struct faas_err *err);
static int hide_socket(struct wd_http *http);
static int start(struct wd *wd, int listen_fd, struct faas_err *err);
static void on_end(struct wd_proc *proc);


int
wd_child_start(struct wd *wd, struct faas_err *err)
{
    int              fd, rc;
    struct wd_http  *http;

    http = wd->mode_data;
    fd = -1;
    wd_env_reset(&wd->env);

    if (wd->cfg.upstream.len != 0) {
        http->addr = wd->cfg.upstream;

    } else {
        fd = make_socket(wd, err);

        if (fd == -1) {
            return faas_err_prefix(err, "TMPDIR: cannot make a socket for "
                                   "the function");
        }
    }

    rc = start(wd, fd, err);

    if (fd != -1) {
        (void) close(fd);       /* the function has it */
    }

    return rc;
}


void
wd_child_done(struct wd *wd)
{
    struct wd_http  *http;

    http = wd->mode_data;

    if (http->path_fd != -1) {
        (void) close(http->path_fd);    /* it was only a name */
        http->path_fd = -1;
    }

    if (http->dir != NULL) {
        (void) unlink(((struct sockaddr_un *) &http->addr.sa)->sun_path);
        (void) rmdir(http->dir);        /* at worst it stays */
        free(http->dir);
        http->dir = NULL;
    }
}


static int
make_socket(struct wd *wd, struct faas_err *err)
{
    int                  fd, n;
    char                *dir;
    struct wd_http      *http;
    struct sockaddr_un  *sun;

    http = wd->mode_data;
    sun = (struct sockaddr_un *) &http->addr.sa;

    n = snprintf(sun->sun_path, sizeof(sun->sun_path), "%s/faas-XXXXXX",
                 wd->cfg.tmp_dir);

    if (n < 0 || (size_t) n + sizeof(SOCKET_NAME) >= sizeof(sun->sun_path)) {
        return faas_err_set(err, 1, "the path is too long");
    }

    if (mkdtemp(sun->sun_path) == NULL) {
        return faas_err_set(err, errno, "%s: %s", sun->sun_path,
                            strerror(errno));
    }

    dir = strdup(sun->sun_path);

    if (dir == NULL) {
        return faas_err_set(err, ENOMEM, "no memory");
    }

    http->dir = dir;
    (void) snprintf(sun->sun_path + n, sizeof(sun->sun_path) - (size_t) n,
                    "/" SOCKET_NAME);
    sun->sun_family = AF_UNIX;
    http->addr.len = sizeof(*sun);

    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd == -1
        || bind(fd, (struct sockaddr *) sun, http->addr.len) != 0
        || listen(fd, BACKLOG) != 0
        || hide_socket(http) != 0)
    {
        n = errno;

        if (fd != -1) {
            (void) close(fd);   /* it was never used */
        }

        return faas_err_set(err, n, "%s: %s", sun->sun_path, strerror(n));
    }

    return fd;
}


/*
 * Where /proc is not mounted the file has to stay.
 */
static int
hide_socket(struct wd_http *http)
{
    char                 path[sizeof("/proc/self/fd/") + 16];
    struct stat          st;
    struct sockaddr_un  *sun;

    sun = (struct sockaddr_un *) &http->addr.sa;
    http->path_fd = open(sun->sun_path, O_PATH | O_CLOEXEC);

    if (http->path_fd == -1) {
        return -1;
    }

    (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", http->path_fd);

    if (stat(path, &st) != 0 || !S_ISSOCK(st.st_mode)) {
        return 0;
    }

    if (unlink(sun->sun_path) != 0 || rmdir(http->dir) != 0) {
        return -1;
    }

    free(http->dir);
    http->dir = NULL;
    memcpy(sun->sun_path, path, sizeof(path));

    return 0;
}


static int
start(struct wd *wd, int listen_fd, struct faas_err *err)
{
    struct wd_http       *http;
    struct wd_proc_spec   spec;

    http = wd->mode_data;
    memset(&spec, 0, sizeof(spec));
    spec.in_fd = wd->null_fd;
    spec.listen_fd = listen_fd;

    if (listen_fd != -1) {
        spec.pid_text = wd_env_add(&wd->env, "LISTEN_PID", WD_PID_TEXT);

        if (spec.pid_text == NULL
            || wd_env_add(&wd->env, "LISTEN_FDS", "1") == NULL
            || wd_env_add(&wd->env, "LISTEN_FDNAMES", "http") == NULL)
        {
            return faas_err_set(err, ENOMEM, "no room in the environment");
        }
    }

    http->out = wd_log_pipe_get(wd, &wd->log.out, "stdout");

    if (http->out == NULL) {
        return faas_err_set(err, errno, "cannot make a pipe: %s",
                            strerror(errno));
    }

    spec.out_fd = http->out->write_fd;
    http->child = wd_proc_start(wd, &spec, err);

    if (http->child == NULL) {
        return -1;
    }

    http->child->owner = wd;
    http->child->on_end = on_end;
    http->start_end = wd->loop.now + wd->cfg.read_timeout * 1000000;

    return 0;
}


static void
on_end(struct wd_proc *proc)
{
    char             line[128];
    struct wd       *wd;
    struct wd_up    *up;
    struct wd_list  *item;
    struct wd_http  *http;
    struct wd_text   text;

    wd = proc->owner;
    http = wd->mode_data;
    http->is_lost = 1;
    http->child = NULL;

    wd_text_init(&text, line, sizeof(line));
    wd_text_puts(&text, "Forked function has terminated: ");
    wd_proc_text(proc->status, &text);
    wd_text_add(&text, "", 1);

    wd_log_pipe_put(http->out);
    http->out = NULL;
    wd_proc_put(proc);

    if (wd->phase == WD_STOPPING) {
        return;
    }

    /* what it has answered last is still to be had */

    for (item = wd->conns.next; item != &wd->conns; item = item->next) {
        up = WD_ITEM(item, struct wd_conn, link)->call;

        if (up != NULL) {
            up->can_read = 1;
            wd_conn_kick(up->conn);
        }
    }

    wd_fail(wd, line);
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Function processes.
 *
 * A group may outlive its leader.  Once the leader has been waited for, its
 * number is free for others, so before a signal is sent to the group the
 * kernel is asked whether a child of ours is in it: orphans of the group are
 * our children, as the watchdog is a subreaper.
 */

#include "proc.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/faas_log.h"
#include "lib/faas_num.h"
#include "spawn.h"


#define LAST_WAIT       1000    /* msec for what is left at the end to go */
#define CHILDREN_MAX    4096    /* bytes of a list of children */


static struct wd_proc *new_proc(struct wd *wd);
static void free_proc(struct wd_proc *proc);
static void free_list(struct wd_list *list);
static int find_program(struct wd *wd, struct faas_err *err);
static struct wd_proc *prepare(struct wd *wd, struct faas_err *err);
static void fill_spawn(struct wd *wd, const struct wd_proc_spec *spec,
    struct wd_proc *proc, struct wd_env *env, struct wd_spawn *spawn);
static void enlist(struct wd_proc *proc, pid_t pid);
static void discard(struct wd_proc *proc);
static void close_ends(struct wd *wd, int in_fd, int out_fd);
static int exec_error(struct wd *wd, int code, struct faas_err *err);
static struct wd_proc *find(struct wd *wd, pid_t pid);
static void end_proc(struct wd_proc *proc, int status);
static int has_group(pid_t pid);
static void on_kill_timer(struct wd_timer *timer);
static int kill_children(void);


void
wd_procs_init(struct wd *wd)
{
    size_t  i;

    for (i = 0; i < WD_PROC_BUCKETS; i++) {
        wd_list_init(&wd->procs[i]);
    }

    wd_list_init(&wd->ending_procs);
    wd_list_init(&wd->free_procs);
    wd_list_init(&wd->free_pipes);
}


void
wd_procs_done(struct wd *wd)
{
    size_t  i;

    for (i = 0; i < WD_PROC_BUCKETS; i++) {
        free_list(&wd->procs[i]);
    }

    free_list(&wd->ending_procs);
    free_list(&wd->free_procs);
    wd_log_pipes_done(wd);
}


struct wd_proc *
wd_proc_start(struct wd *wd, const struct wd_proc_spec *spec,
    struct faas_err *err)
{
    pid_t            pid;
    struct wd_proc  *proc;
    struct wd_spawn  spawn;

    proc = prepare(wd, err);

    if (proc == NULL) {
        return NULL;
    }

    fill_spawn(wd, spec, proc, &wd->env, &spawn);
    pid = wd_spawn(&spawn);

    if (pid == -1) {
        (void) exec_error(wd, errno, err);
        discard(proc);
        return NULL;
    }

    enlist(proc, pid);

    return proc;
}


struct wd_env *
wd_proc_env(struct wd *wd)
{
    struct wd_order  *order;

    order = wd_spawner_order(wd);

    return order != NULL ? &order->env : &wd->env;
}


struct wd_proc *
wd_proc_order(struct wd *wd, const struct wd_proc_spec *spec,
    struct faas_err *err)
{
    struct wd_proc   *proc;
    struct wd_order  *order;

    order = wd_spawner_order(wd);
    proc = order != NULL ? prepare(wd, err) : wd_proc_start(wd, spec, err);

    if (order == NULL || proc == NULL) {
        close_ends(wd, spec->in_fd, spec->out_fd);
        return proc;
    }

    fill_spawn(wd, spec, proc, &order->env, &order->spawn);
    order->proc = proc;
    wd_spawner_give(wd);

    return proc;
}


void
wd_proc_started(struct wd_proc *proc, const struct wd_spawn *spawn,
    pid_t pid, int error)
{
    struct wd        *wd;
    struct faas_err   err;

    wd = proc->wd;
    close_ends(wd, spawn->fds[0], spawn->fds[1]);

    if (pid == -1) {
        (void) exec_error(wd, error, &err);

        if (proc->owner != NULL) {
            proc->on_fail(proc, &err);
        }

        discard(proc);
        return;
    }

    enlist(proc, pid);

    if (proc->is_killed) {
        proc->is_killed = 0;
        wd_proc_kill(proc, proc->grace);
    }
}


void
wd_proc_ended(struct wd *wd, pid_t pid, int status)
{
    struct wd_proc  *proc;

    proc = find(wd, pid);

    if (proc != NULL) {
        end_proc(proc, status);

    } else {
        /* an orphan of a function, or one that is known in a moment */
        wd_spawner_early(wd, pid, status);
    }
}


void
wd_proc_kill(struct wd_proc *proc, uint64_t grace)
{
    if (proc->is_killed) {
        return;
    }

    proc->is_killed = 1;

    if (proc->pid == 0) {
        proc->grace = grace;    /* when it has started */
        return;
    }

    if (has_group(proc->pid)) {
        /* it may end by itself meanwhile */
        (void) kill(-proc->pid, SIGTERM);
        wd_timer_set(&proc->wd->loop, &proc->kill_timer, grace);
    }
}


void
wd_proc_put(struct wd_proc *proc)
{
    proc->owner = NULL;

    if (!proc->is_ended) {
        return;
    }

    if (proc->kill_timer.deadline != 0 && has_group(proc->pid)) {
        wd_list_del(&proc->link);
        wd_list_add(&proc->wd->ending_procs, &proc->link);
        return;
    }

    free_proc(proc);
}


void
wd_procs_reap(struct wd *wd)
{
    int              status;
    pid_t            pid;
    struct wd_proc  *proc;
    struct wd_list  *item;

    wd_spawner_collect(wd);

    while (!wd_spawner_is_full(wd)) {
        pid = waitpid(-1, &status, WNOHANG);

        if (pid <= 0) {
            break;
        }

        wd_proc_ended(wd, pid, status);
    }

    wd_spawner_collect(wd);

    /* but one of them may have been the last of its group */

    item = wd->ending_procs.next;

    while (item != &wd->ending_procs) {
        proc = WD_ITEM(item, struct wd_proc, link);
        item = item->next;

        if (!has_group(proc->pid)) {
            free_proc(proc);
        }
    }
}


void
wd_procs_kill_all(struct wd *wd)
{
    int                      wait;
    uint64_t                 end;
    struct pollfd            pfd;
    struct signalfd_siginfo  info;

    end = wd_clock() + LAST_WAIT * 1000000ULL;
    pfd.fd = wd->signals.fd;
    pfd.events = POLLIN;

    /* with each that goes its own children come to us: they are next */

    while (kill_children() != 0 && wd_clock() < end) {
        wait = (int) ((end - wd_clock()) / 1000000) + 1;

        if (poll(&pfd, 1, wait) > 0 && read(pfd.fd, &info, sizeof(info)) < 0) {
            return;             /* without signals there is no use waiting */
        }

        while (waitpid(-1, NULL, WNOHANG) > 0) {
            /* as many as there are */
        }
    }
}


void
wd_proc_text(int status, struct wd_text *text)
{
    const char  *name;

    if (WIFSIGNALED(status)) {
        name = strsignal(WTERMSIG(status));
        wd_text_printf(text, "signal: %c%s%s", tolower(name[0]), name + 1,
                       WCOREDUMP(status) ? " (core dumped)" : "");
        return;
    }

    wd_text_printf(text, "exit status %d", WEXITSTATUS(status));
}


static struct wd_proc *
new_proc(struct wd *wd)
{
    struct wd_proc  *proc;

    if (!wd_list_is_empty(&wd->free_procs)) {
        proc = WD_ITEM(wd->free_procs.prev, struct wd_proc, link);
        wd_list_del(&proc->link);

    } else {
        proc = calloc(1, sizeof(*proc));

        if (proc == NULL
            || wd_timer_init(&wd->loop, &proc->kill_timer, on_kill_timer,
                             proc) != 0)
        {
            free(proc);
            return NULL;
        }

        proc->wd = wd;
        wd_list_init(&proc->link);
    }

    proc->owner = NULL;
    proc->on_end = NULL;
    proc->on_fail = NULL;
    proc->pid = 0;
    proc->is_ended = 0;
    proc->is_killed = 0;

    return proc;
}


static void
free_list(struct wd_list *list)
{
    struct wd_proc  *proc;
    struct wd_list  *item;

    item = list->next;

    while (item != list) {
        proc = WD_ITEM(item, struct wd_proc, link);
        item = item->next;

        if (proc->err != NULL) {
            wd_log_pipe_put(proc->err);
        }

        free(proc);
    }

    wd_list_init(list);
}


static void
free_proc(struct wd_proc *proc)
{
    wd_timer_stop(&proc->kill_timer);
    wd_list_del(&proc->link);
    wd_list_add(&proc->wd->free_procs, &proc->link);
    proc->wd->n_procs--;
}


static int
find_program(struct wd *wd, struct faas_err *err)
{
    const char  *name;

    /* not while the path may be in use */

    if (wd->is_program_lost && !wd_spawner_is_busy(wd)) {
        wd->is_program_lost = 0;
        wd->program[0] = '\0';
    }

    if (wd->program[0] != '\0') {
        return 0;
    }

    name = wd->cfg.argv[0];

    if (wd_spawn_find(name, getenv("PATH"), wd->program,
                      sizeof(wd->program)) == 0)
    {
        return 0;
    }

    return exec_error(wd, errno, err);
}


/*
 * A process that is to be started, with where its standard error goes.
 */
static struct wd_proc *
prepare(struct wd *wd, struct faas_err *err)
{
    struct wd_proc  *proc;

    if (find_program(wd, err) != 0) {
        return NULL;
    }

    proc = new_proc(wd);

    if (proc == NULL) {
        (void) faas_err_set(err, ENOMEM, "no memory for a process");
        return NULL;
    }

    wd->n_procs++;
    proc->err = wd_log_pipe_get(wd, &wd->log.err, "stderr");

    if (proc->err == NULL) {
        (void) faas_err_set(err, errno, "cannot make a pipe: %s",
                            strerror(errno));
        free_proc(proc);
        return NULL;
    }

    return proc;
}


static void
fill_spawn(struct wd *wd, const struct wd_proc_spec *spec,
    struct wd_proc *proc, struct wd_env *env, struct wd_spawn *spawn)
{
    spawn->path = wd->program;
    spawn->argv = wd->cfg.argv;
    spawn->env = env->vars;
    spawn->pid_text = spec->pid_text;
    spawn->files = wd->child_files;
    spawn->fds[0] = spec->in_fd;
    spawn->fds[1] = spec->out_fd;
    spawn->fds[2] = spec->is_combined ? spec->out_fd : proc->err->write_fd;
    spawn->listen_fd = spec->listen_fd;
}


static void
enlist(struct wd_proc *proc, pid_t pid)
{
    proc->pid = pid;
    wd_list_add(&proc->wd->procs[(size_t) pid % WD_PROC_BUCKETS],
                &proc->link);
}


static void
discard(struct wd_proc *proc)
{
    wd_log_pipe_put(proc->err);
    proc->err = NULL;
    free_proc(proc);
}


/*
 * The process has its ends of the pipes.
 */
static void
close_ends(struct wd *wd, int in_fd, int out_fd)
{
    if (in_fd != wd->null_fd) {
        (void) close(in_fd);    /* nothing was written through it */
    }

    (void) close(out_fd);       /* nor through this one */
}


/*
 * In the words that OpenFaaS's users know.  The program is looked for again
 * next time.
 */
static int
exec_error(struct wd *wd, int code, struct faas_err *err)
{
    char  reason[64];

    wd->is_program_lost = 1;

    (void) snprintf(reason, sizeof(reason), "%s", strerror(code));
    reason[0] = (char) tolower(reason[0]);

    if (code == ENOENT && strchr(wd->cfg.argv[0], '/') == NULL) {
        return faas_err_set(err, code, "exec: \"%.128s\": executable file "
                            "not found in $PATH", wd->cfg.argv[0]);
    }

    return faas_err_set(err, code, "fork/exec %.128s: %s", wd->cfg.argv[0],
                        reason);
}


static struct wd_proc *
find(struct wd *wd, pid_t pid)
{
    struct wd_proc  *proc;
    struct wd_list  *bucket, *item;

    bucket = &wd->procs[(size_t) pid % WD_PROC_BUCKETS];

    for (item = bucket->next; item != bucket; item = item->next) {
        proc = WD_ITEM(item, struct wd_proc, link);

        if (proc->pid == pid && !proc->is_ended) {
            return proc;
        }
    }

    return NULL;
}


static void
end_proc(struct wd_proc *proc, int status)
{
    proc->is_ended = 1;
    proc->status = status;
    wd_log_pipe_put(proc->err);
    proc->err = NULL;

    if (proc->owner != NULL) {
        proc->on_end(proc);

    } else {
        wd_proc_put(proc);
    }
}


static int
has_group(pid_t pid)
{
    siginfo_t  info;

    return waitid(P_PGID, (id_t) pid, &info, WEXITED | WNOHANG | WNOWAIT)
           == 0;
}


static void
on_kill_timer(struct wd_timer *timer)
{
    struct wd_proc  *proc;

    proc = timer->owner;

    if (has_group(proc->pid)) {
        (void) kill(-proc->pid, SIGKILL);   /* nothing left is fine too */
    }

    if (proc->is_ended && proc->owner == NULL) {
        free_proc(proc);
    }
}


/*
 * Returns how many there were; 0 where the kernel does not tell.
 */
static int
kill_children(void)
{
    int        fd, n;
    char       text[CHILDREN_MAX];
    char      *s;
    size_t     len;
    ssize_t    got;
    uint64_t   pid;

    (void) snprintf(text, sizeof(text), "/proc/self/task/%ld/children",
                    (long) getpid());

    fd = open(text, O_RDONLY | O_CLOEXEC);
    if (fd == -1) {
        return 0;
    }

    got = read(fd, text, sizeof(text) - 1);
    (void) close(fd);       /* it was only read */

    text[got > 0 ? got : 0] = '\0';
    n = 0;

    for (s = text; *s != '\0'; s += len + (s[len] == ' ')) {
        len = strcspn(s, " ");

        if (faas_parse_uint(s, len, 2, INT32_MAX, &pid) == 0) {
            /* each is a child, so its number is not anyone else's */
            if (has_group((pid_t) pid)) {
                (void) kill(-(pid_t) pid, SIGKILL);
            }

            (void) kill((pid_t) pid, SIGKILL);
            n++;
        }
    }

    return n;
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * One replica of the process provider.
 */

#include "replica.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/clock.h"
#include "lib/faas_addr.h"
#include "lib/faas_log.h"
#include "lib/faas_num.h"

#include "confine.h"
#include "replica_leavings.h"
#include "replica_secrets.h"
#include "spawn.h"


/* /_/ready is the function's own business with the classic watchdog */
#define PROBE_REQUEST  "GET /_/health HTTP/1.1\r\nHost: replica\r\n"        \
                       "Connection: close\r\n\r\n"
#define PROBE_STATUS   "HTTP/1.1 200"
#define PROBE_RETRY    50               /* msec */


static struct replica *make(struct replica_owner *owner,
    const struct spec *spec, const char *dir, uint64_t number,
    struct flog *flog, struct faas_err *err);
static int is_own_user(const struct replica *replica);
static void tell_end(struct replica *replica, int status, char *text,
    size_t size);
static void on_ended(evutil_socket_t fd, short what, void *arg);
static void forget_process(struct replica *replica);
static void set_timeouts(struct replica *replica, const struct spec *spec);
static uint64_t timeout_of(const struct spec *spec, const char *name);
static int make_socket(struct replica *replica, struct faas_err *err);
static int make_tmp(struct replica *replica, struct faas_err *err);
static void replica_free(struct replica *replica);
static void tmp_path(const struct replica *replica, char *path, size_t size);
static const char *socket_path(const struct replica *replica);
static void set_state(struct replica *replica, enum replica_state state);
static int run(struct replica *replica, struct faas_err *err);
static void confine(const struct replica *replica, const char *tmp,
    const char *secrets, struct confinement *c);
static void back_off(struct replica *replica);
static void on_timer(evutil_socket_t fd, short what, void *arg);
static void probe_start(struct replica *replica);
static void probe_stop(struct replica *replica);
static void on_probe(evutil_socket_t fd, short what, void *arg);


struct replica *
replica_new(struct replica_owner *owner, const struct spec *spec,
    const char *dir, uint64_t number, struct flog *flog,
    struct faas_err *err)
{
    struct replica  *replica;

    /* with no descriptor left nobody could ask for fewer replicas */

    if (owner->n >= owner->max) {
        (void) faas_err_set(err, 500, "there are %" PRIu64 " replicas, and "
                            "descriptors for no more: raise the limit of open "
                            "files (ulimit -n), or scale down", owner->n);
        return NULL;
    }

    replica = make(owner, spec, dir, number, flog, err);

    if (replica != NULL
        && (make_tmp(replica, err) != 0
            || replica_secrets_make(replica, spec, err) != 0
            || make_socket(replica, err) != 0))
    {
        replica_free(replica);
        free(replica);
        replica = NULL;
    }

    return replica;
}


/*
 * Without its listening socket another replica is made where this one ends.
 */
struct replica *
replica_adopt(struct replica_owner *owner, const struct spec *spec,
    const char *dir, const struct survivor *survivor, struct flog *flog,
    struct faas_err *err)
{
    int              fd;
    struct replica  *replica;

    replica = make(owner, spec, dir, survivor->number, flog, err);

    if (replica == NULL) {
        return NULL;
    }

    /* what it has spent before is not of our time */

    replica->spent.session = survivor->pid;
    replica->spent.cpu_ms = UINT64_MAX;

    replica->pidfd = survivor_open(survivor->pid);
    replica->ended = event_new(owner->base, replica->pidfd, EV_READ, on_ended,
                               replica);

    if (replica->pidfd == -1 || replica->ended == NULL
        || event_add(replica->ended, NULL) != 0)
    {
        (void) faas_err_set(err, 500, "cannot watch the process: %s",
                            strerror(errno));
        replica->number = 0;    /* its files stay */
        replica_free(replica);
        free(replica);
        return NULL;
    }

    replica->pid = survivor->pid;
    replica->listen_fd = is_own_user(replica)
                         ? survivor_listen_fd(replica->pidfd) : -1;
    fd = survivor_output_fd(survivor->pid);

    if (fd == -1 || flog_reader_take(&replica->output, flog, replica->id,
                                     owner->base, fd)
                    != 0)
    {
        faas_log(FAAS_LOG_WARN, "what a replica prints is lost from now on "
                 "replica=%s", replica->id);
    }

    replica->started_ms = clock_now_ms();
    replica->state = REPLICA_STARTING;
    probe_start(replica);

    return replica;
}


/*
 * Whether a process that is started here could use the TMPDIR: the scaler that
 * made it may have isolated in another way.
 */
static int
is_own_user(const struct replica *replica)
{
    char         path[4096];
    struct stat  st;

    tmp_path(replica, path, sizeof(path));

    return stat(path, &st) == 0
           && st.st_uid == isolation_uid(&replica->owner->isolation,
                                         replica->number);
}


/*
 * All but its files.
 */
static struct replica *
make(struct replica_owner *owner, const struct spec *spec, const char *dir,
    uint64_t number, struct flog *flog, struct faas_err *err)
{
    int              is_isolated;
    char             tmp[4096], secrets[4096], mark[4096];
    struct replica  *replica;

    replica = calloc(1, sizeof(*replica));

    if (replica == NULL) {
        (void) faas_err_set(err, 500, "no memory");
        return NULL;
    }

    owner->n++;
    replica->owner = owner;
    replica->number = number;
    replica->listen_fd = -1;
    replica->probe_fd = -1;
    replica->pidfd = -1;
    replica->output.flog = flog;
    replica->most = spec->most;
    replica->is_read_only = json_is_true(
        json_object_get(spec->deployment, "readOnlyRootFilesystem"));
    replica->has_secrets = json_array_size(
        json_object_get(spec->deployment, "secrets")) != 0;
    set_timeouts(replica, spec);

    /* the name is cut where an id has no room for all of it */

    (void) snprintf(replica->id, sizeof(replica->id), "%.42s-%" PRIu64,
                    spec->name, number);
    (void) snprintf(replica->addr, sizeof(replica->addr), "unix:%.90s/s/%"
                    PRIu64 ".sock", owner->state_dir, number);
    (void) snprintf(mark, sizeof(mark), "%.4000s#%" PRIu64, owner->state_dir,
                    number);

    tmp_path(replica, tmp, sizeof(tmp));
    replica_secrets_path(replica, secrets, sizeof(secrets));
    is_isolated = owner->isolation.kind != ISOLATION_NONE;
    replica->env = spawn_env(spec, is_isolated ? ISOLATION_TMP : tmp,
                             is_isolated ? ISOLATION_SECRETS : secrets, mark);
    replica->dir = strdup(dir);
    replica->timer = evtimer_new(owner->base, on_timer, replica);

    if (replica->env == NULL || replica->dir == NULL
        || replica->timer == NULL)
    {
        (void) faas_err_set(err, 500, "no memory");
        replica_free(replica);
        free(replica);
        return NULL;
    }

    return replica;
}


void
replica_start(struct replica *replica)
{
    struct faas_err  err;

    if (run(replica, &err) != 0) {
        faas_log(FAAS_LOG_ERROR, "cannot start a replica, trying again "
                 "replica=%s error=\"%s\"", replica->id, err.text);
        (void) snprintf(replica->error, sizeof(replica->error),
                        "cannot start a replica: %.200s", err.text);
        back_off(replica);
        return;
    }

    replica->started_ms = clock_now_ms();

    probe_start(replica);
    set_state(replica, REPLICA_STARTING);
}


void
replica_stop(struct replica *replica, uint64_t kill_ms)
{
    if (replica->state == REPLICA_STOPPING) {
        clock_timer(replica->timer, kill_ms);
        return;
    }

    probe_stop(replica);
    (void) event_del(replica->timer);

    replica->state = REPLICA_STOPPING;

    if (replica->pid == 0) {
        replica_free(replica);
        replica->owner->gone(replica->owner->arg, replica);
        return;
    }

    (void) kill(replica->pid, SIGTERM);
    clock_timer(replica->timer, kill_ms);
}


void
replica_exited(struct replica *replica, int status)
{
    char         how[64];
    const char  *last;

    replica->pid = 0;

    forget_process(replica);
    probe_stop(replica);
    flog_reader_close(&replica->output);

    if (replica->state == REPLICA_STOPPING) {
        (void) event_del(replica->timer);
        replica_free(replica);
        replica->owner->gone(replica->owner->arg, replica);
        return;
    }

    if (replica->listen_fd == -1) {
        faas_log(FAAS_LOG_WARN, "replica of another scaler ended, making "
                 "another one replica=%s", replica->id);
        replica_free(replica);
        replica->owner->gone(replica->owner->arg, replica);
        return;
    }

    if (clock_now_ms() - replica->started_ms >= REPLICA_BACKOFF_RESET) {
        replica->backoff_ms = 0;
    }

    tell_end(replica, status, how, sizeof(how));
    last = replica->output.last;
    (void) snprintf(replica->error, sizeof(replica->error), "replica %s ended,"
                    " %s%s%s", replica->id, how,
                    last[0] != '\0' ? ", its last line: " : "", last);
    back_off(replica);

    faas_log(FAAS_LOG_WARN, "replica ended, starting it again in %" PRIu64
             "ms replica=%s %s", replica->backoff_ms, replica->id, how);
}


static void
tell_end(struct replica *replica, int status, char *text, size_t size)
{
    uint64_t  kills;

    kills = cgroup_oom_kills(&replica->owner->isolation.cgroups,
                             replica->number);

    if (kills > replica->oom_kills) {
        replica->oom_kills = kills;
        (void) snprintf(text, size, "out of memory (limit %" PRIu64 " KiB)",
                        replica->most.memory / 1024);

    } else if (status == -1) {
        (void) snprintf(text, size, "status=unknown");

    } else if (WIFSIGNALED(status)) {
        (void) snprintf(text, size, "signal=%d", WTERMSIG(status));

    } else {
        (void) snprintf(text, size, "status=%d", WEXITSTATUS(status));
    }
}


/*
 * One that was taken over has ended: nobody tells how.
 */
static void
on_ended(evutil_socket_t fd, short what, void *arg)
{
    struct replica  *replica;

    (void) fd;
    (void) what;

    replica = arg;

    /* what it may have left behind */
    (void) kill(-replica->pid, SIGKILL);

    replica_exited(replica, -1);
}


static void
forget_process(struct replica *replica)
{
    if (replica->ended != NULL) {
        event_free(replica->ended);
        replica->ended = NULL;
    }

    if (replica->pidfd != -1) {
        (void) close(replica->pidfd);
        replica->pidfd = -1;
    }
}


int
replica_is_wanted(const struct replica *replica)
{
    struct pollfd  queue;

    queue.fd = replica->listen_fd;
    queue.events = POLLIN;

    return replica->listen_fd != -1 && poll(&queue, 1, 0) == 1;
}


/*
 * Those of the spec of its day: a later one may have others.
 */
static void
set_timeouts(struct replica *replica, const struct spec *spec)
{
    replica->drain_ms = timeout_of(spec, "exec_timeout");
    replica->kill_ms = timeout_of(spec, "write_timeout");

    if (replica->kill_ms == 0) {
        replica->kill_ms = REPLICA_WRITE_TIMEOUT;
    }

    replica->kill_ms += REPLICA_KILL_GRACE;
}


/*
 * 0 where the function has none.
 */
static uint64_t
timeout_of(const struct spec *spec, const char *name)
{
    uint64_t     msec;
    const char  *s;

    s = spec_env(spec, name);

    if (s == NULL
        || faas_parse_duration(s, strlen(s), REPLICA_TIMEOUT_MAX, &msec) != 0)
    {
        return 0;
    }

    return msec;
}


static int
make_socket(struct replica *replica, struct faas_err *err)
{
    const char                  *path;
    struct faas_addr             addr;
    const struct replica_owner  *owner;

    owner = replica->owner;

    path = socket_path(replica);

    if (faas_addr_parse(replica->addr, strlen(replica->addr), &addr) != 0) {
        return faas_err_set(err, 500, "bad socket path %.150s", path);
    }

    replica->listen_fd = socket(AF_UNIX,
                                SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
                                0);

    if (replica->listen_fd == -1
        || bind(replica->listen_fd, (struct sockaddr *) &addr.sa, addr.len)
           != 0
        || chmod(path, owner->has_gateway_gid ? 0660 : 0600) != 0
        || (owner->has_gateway_gid
            && chown(path, (uid_t) -1, owner->gateway_gid) != 0)
        || listen(replica->listen_fd, REPLICA_BACKLOG) != 0)
    {
        return faas_err_set(err, 500, "cannot listen on %.150s: %s", path,
                            strerror(errno));
    }

    return 0;
}


static int
make_tmp(struct replica *replica, struct faas_err *err)
{
    char  path[4096];

    tmp_path(replica, path, sizeof(path));

    if (mkdir(path, 0700) != 0
        || isolation_give(&replica->owner->isolation, path, replica->number)
           != 0)
    {
        return faas_err_set(err, errno == ENOSPC ? 507 : 500, "cannot make "
                            "%.150s: %s", path, strerror(errno));
    }

    return 0;
}


/*
 * Everything but the memory.
 */
static void
replica_free(struct replica *replica)
{
    probe_stop(replica);
    flog_reader_close(&replica->output);

    if (replica->timer != NULL) {
        event_free(replica->timer);
        replica->timer = NULL;
    }

    forget_process(replica);

    if (replica->listen_fd != -1) {
        (void) close(replica->listen_fd);
        replica->listen_fd = -1;
    }

    replica->owner->n--;

    spawn_env_free(replica->env);
    replica->env = NULL;
    free(replica->dir);
    replica->dir = NULL;

    if (replica->number == 0) {
        return;
    }

    (void) unlink(socket_path(replica));
    replica_secrets_remove(replica);
    replica_leavings_remove(replica->owner, replica->number);
}


static void
tmp_path(const struct replica *replica, char *path, size_t size)
{
    (void) snprintf(path, size, "%s/tmp/%" PRIu64,
                    replica->owner->state_dir, replica->number);
}


static const char *
socket_path(const struct replica *replica)
{
    return replica->addr + strlen("unix:");
}


static void
set_state(struct replica *replica, enum replica_state state)
{
    if (replica->state != state) {
        replica->state = state;
        replica->owner->changed(replica->owner->arg, replica);
    }
}


static int
run(struct replica *replica, struct faas_err *err)
{
    char                tmp[4096], secrets[4096];
    pid_t               pid;
    struct spawn        spawn;
    struct confinement  confinement;

    tmp_path(replica, tmp, sizeof(tmp));
    replica_secrets_path(replica, secrets, sizeof(secrets));
    confine(replica, tmp, secrets, &confinement);

    spawn.confinement = &confinement;
    spawn.env = replica->env;
    spawn.listen_fd = replica->listen_fd;
    spawn.lock_fd = replica->owner->lock_fd;
    spawn.nofile = replica->owner->nofile;
    spawn.output_fd = flog_reader_open(&replica->output, replica->output.flog,
                                       replica->id, replica->owner->base);

    if (spawn.output_fd == -1) {
        return faas_err_set(err, errno, "cannot make a pipe: %s",
                            strerror(errno));
    }

    pid = spawner_start(replica->owner->spawner, &spawn, err);
    (void) close(spawn.output_fd);

    if (pid == -1) {
        flog_reader_close(&replica->output);
        return -1;
    }

    replica->pid = pid;

    return 0;
}


static void
confine(const struct replica *replica, const char *tmp, const char *secrets,
    struct confinement *c)
{
    const struct isolation  *isolation;

    isolation = &replica->owner->isolation;

    c->isolation = isolation;
    c->app = replica->dir;
    c->tmp = tmp;
    c->secrets = replica->has_secrets ? secrets : NULL;
    c->uid = isolation_uid(isolation, replica->number);
    c->is_read_only = replica->is_read_only;
    c->memory = isolation->cgroups.of[CGROUP_MEMORY].folder[0] == '\0'
                ? replica->most.memory : 0;
    cgroup_plan(&isolation->cgroups, replica->number, &replica->most,
                &c->groups);
}


/*
 * Each pause is twice as long as the last, give or take a quarter: replicas
 * that failed together shall not come back together.
 */
static void
back_off(struct replica *replica)
{
    uint64_t  pause;

    pause = replica->backoff_ms * 2;

    if (pause < REPLICA_BACKOFF_MIN) {
        pause = REPLICA_BACKOFF_MIN;
    }

    if (pause > REPLICA_BACKOFF_MAX) {
        pause = REPLICA_BACKOFF_MAX;
    }

    replica->backoff_ms = pause;

    clock_timer(replica->timer,
                pause * 3 / 4 + (uint64_t) random() % (pause / 2));
    set_state(replica, REPLICA_BACKOFF);
}


static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct replica  *replica;

    (void) fd;
    (void) what;

    replica = arg;

    switch (replica->state) {

    case REPLICA_BACKOFF:
        set_state(replica, REPLICA_WAITING);
        break;

    case REPLICA_STARTING:
        probe_start(replica);
        break;

    case REPLICA_STOPPING:
        faas_log(FAAS_LOG_WARN, "replica does not end, killing it replica=%s",
                 replica->id);
        (void) kill(-replica->pid, SIGKILL);
        (void) kill(replica->pid, SIGKILL);
        break;

    case REPLICA_WAITING:
    case REPLICA_READY:
        break;
    }
}


/*
 * Asks the new process whether it is ready.  The question waits in the
 * socket's queue until the process accepts, so one is enough.
 */
static void
probe_start(struct replica *replica)
{
    struct faas_addr  addr;

    (void) faas_addr_parse(replica->addr, strlen(replica->addr), &addr);

    replica->probe_fd = socket(AF_UNIX,
                               SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (replica->probe_fd != -1
        && connect(replica->probe_fd, (struct sockaddr *) &addr.sa, addr.len)
           == 0
        && write(replica->probe_fd, PROBE_REQUEST, strlen(PROBE_REQUEST))
           == (ssize_t) strlen(PROBE_REQUEST))
    {
        replica->probe = event_new(replica->owner->base, replica->probe_fd,
                                   EV_READ, on_probe, replica);
    }

    if (replica->probe == NULL || event_add(replica->probe, NULL) != 0) {
        probe_stop(replica);
        clock_timer(replica->timer, PROBE_RETRY);
    }
}


static void
probe_stop(struct replica *replica)
{
    if (replica->probe != NULL) {
        event_free(replica->probe);
        replica->probe = NULL;
    }

    if (replica->probe_fd != -1) {
        (void) close(replica->probe_fd);
        replica->probe_fd = -1;
    }
}


static void
on_probe(evutil_socket_t fd, short what, void *arg)
{
    char             text[sizeof(PROBE_STATUS)];
    ssize_t          n;
    struct replica  *replica;

    (void) what;

    replica = arg;
    n = read(fd, text, sizeof(text) - 1);

    probe_stop(replica);

    if (replica->state != REPLICA_STARTING) {
        return;
    }

    if (n == (ssize_t) strlen(PROBE_STATUS)
        && memcmp(text, PROBE_STATUS, (size_t) n) == 0)
    {
        set_state(replica, REPLICA_READY);
        return;
    }

    clock_timer(replica->timer, PROBE_RETRY);
}

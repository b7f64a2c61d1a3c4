/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What keeps replicas apart from one another and from the machine.
 */

#include "isolation.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/faas_log.h"

#include "confine.h"
#include "disk.h"
#include "spawner.h"


#define BINDS_MAX  256
#define TRIAL_MAX  512          /* bytes of what it complains of */


static int make_skeleton(struct isolation *isolation, const char *state_dir,
    struct faas_err *err);
static int is_hidden(const char *path);
static int copy_folder(struct isolation *isolation, const char *path,
    struct faas_err *err);
static int copy_entry(struct isolation *isolation, const char *path,
    struct faas_err *err);
static int add_bind(struct isolation *isolation, const char *from,
    const char *to);
static int make_folder(const char *path);
static int make_link(const char *from, const char *to);
static int cannot_make(const char *path, struct faas_err *err);
static int attempt(struct isolation *isolation, enum isolation_kind kind,
    const char *state_dir, struct faas_err *err);
static int has_capabilities(struct faas_err *err);
static int try_out(const struct isolation *isolation, const char *state_dir,
    struct faas_err *err);
static void read_complaint(int fd, struct faas_err *err);
static void report(const struct isolation *isolation);


/* what a machine has for itself or its users, or is made anew; the rest of /
   and of /var is shown */
static const char *const  hidden[] = {
    "/home", "/root", "/tmp", "/proc", "/boot", "/lost+found", "/var",
    "/var/tmp", "/var/openfaas"
};

static const char *const  folders[] = {
    "", "/home", "/home/app", "/root", "/tmp", "/proc", "/var", "/var/tmp",
    "/var/openfaas", "/var/openfaas/secrets"
};

static const char *const  kinds[] = {
    [ISOLATION_NONE] = "none",
    [ISOLATION_USER_NAMESPACE] = "user-namespace",
    [ISOLATION_ROOT] = "root"
};


int
isolation_open(struct isolation *isolation,
    const struct scaler_options *options, const char *state_dir,
    struct faas_err *err)
{
    memset(isolation, 0, sizeof(*isolation));
    isolation->watchdog = options->watchdog;
    isolation->max_processes = options->max_processes;
    isolation->is_dumpable = prctl(PR_GET_DUMPABLE) == 1;

    cgroup_open(&isolation->cgroups, state_dir);

    if (strcmp(options->isolation, "off") == 0) {
        report(isolation);
        return 0;
    }

    (void) snprintf(isolation->uid_map, sizeof(isolation->uid_map),
                    "%u %u 1\n", geteuid(), geteuid());
    (void) snprintf(isolation->gid_map, sizeof(isolation->gid_map),
                    "%u %u 1\n", getegid(), getegid());

    if (make_skeleton(isolation, state_dir, err) != 0) {
        return -1;
    }

    /* root would be root in its namespace as well, and undo all */

    if (attempt(isolation, geteuid() == 0 ? ISOLATION_ROOT
                                          : ISOLATION_USER_NAMESPACE,
                state_dir, err)
        != 0
        && strcmp(options->isolation, "required") == 0)
    {
        return faas_err_prefix(err, "--isolation required");
    }

    report(isolation);

    return 0;
}


void
isolation_close(struct isolation *isolation)
{
    size_t  i;

    cgroup_close(&isolation->cgroups);

    for (i = 0; i < isolation->n; i++) {
        free(isolation->binds[i].from);
        free(isolation->binds[i].to);
    }

    free(isolation->binds);
    isolation->binds = NULL;
    isolation->n = 0;
}


uid_t
isolation_uid(const struct isolation *isolation, uint64_t number)
{
    return isolation->kind == ISOLATION_ROOT
           ? ISOLATION_UID_MIN + (uid_t) (number % ISOLATION_UIDS)
           : geteuid();
}


int
isolation_give(const struct isolation *isolation, const char *path,
    uint64_t number)
{
    uid_t  uid;

    uid = isolation_uid(isolation, number);

    return isolation->kind == ISOLATION_ROOT ? lchown(path, uid, uid) : 0;
}


/*
 * Folders on which is mounted what a replica sees.  What is no longer in / or
 * /var stays: a replica of the last scaler may have something mounted on it.
 */
static int
make_skeleton(struct isolation *isolation, const char *state_dir,
    struct faas_err *err)
{
    int     fd;
    char    path[PATH_MAX];
    size_t  i, len;

    isolation->binds = calloc(BINDS_MAX, sizeof(*isolation->binds));

    if (isolation->binds == NULL) {
        return faas_err_set(err, 0, "no memory");
    }

    (void) snprintf(isolation->root, sizeof(isolation->root), "%.3500s/root",
                    state_dir);
    (void) snprintf(isolation->empty, sizeof(isolation->empty),
                    "%.3500s/empty", state_dir);

    if (make_folder(isolation->empty) != 0) {
        return cannot_make(isolation->empty, err);
    }

    for (i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        (void) snprintf(path, sizeof(path), "%.3600s%s", isolation->root,
                        folders[i]);

        if (make_folder(path) != 0) {
            return cannot_make(path, err);
        }
    }

    (void) snprintf(path, sizeof(path), "%.3600s%s", isolation->root,
                    ISOLATION_WATCHDOG);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0755);

    if (fd == -1) {
        return cannot_make(path, err);
    }

    (void) close(fd);

    if (copy_folder(isolation, "", err) != 0
        || copy_folder(isolation, "/var", err) != 0)
    {
        return -1;
    }

    for (i = 0; i < isolation->n; i++) {
        len = strlen(isolation->binds[i].from);

        if (strncmp(state_dir, isolation->binds[i].from, len) == 0
            && state_dir[len] == '/')
        {
            (void) snprintf(isolation->masked, sizeof(isolation->masked),
                            "%s", state_dir);
        }
    }

    return 0;
}


static int
is_hidden(const char *path)
{
    size_t  i;

    for (i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
        if (strcmp(path, hidden[i]) == 0) {
            return 1;
        }
    }

    return 0;
}


/*
 * Shows the folders and links of a folder, "" for /.
 */
static int
copy_folder(struct isolation *isolation, const char *folder,
    struct faas_err *err)
{
    int             rc;
    DIR            *dir;
    char            path[PATH_MAX];
    struct dirent  *entry;

    dir = opendir(folder[0] != '\0' ? folder : "/");

    if (dir == NULL) {
        return 0;
    }

    rc = 0;

    while (rc == 0 && (entry = readdir(dir)) != NULL) {
        (void) snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);

        if (strcmp(entry->d_name, ".") != 0
            && strcmp(entry->d_name, "..") != 0 && !is_hidden(path))
        {
            rc = copy_entry(isolation, path, err);
        }
    }

    (void) closedir(dir);

    return rc;
}


static int
copy_entry(struct isolation *isolation, const char *path,
    struct faas_err *err)
{
    char         to[PATH_MAX];
    struct stat  st;

    (void) snprintf(to, sizeof(to), "%.3600s%.400s", isolation->root, path);

    if (lstat(path, &st) != 0) {
        return 0;
    }

    if (S_ISLNK(st.st_mode)) {
        return make_link(path, to) == 0 ? 0 : cannot_make(to, err);
    }

    if (!S_ISDIR(st.st_mode)) {
        return 0;
    }

    if (make_folder(to) != 0) {
        return cannot_make(to, err);
    }

    return add_bind(isolation, path, to) == 0
           ? 0 : faas_err_set(err, 0, "no memory, or more than %d folders in "
                              "/ and /var", BINDS_MAX);
}


static int
add_bind(struct isolation *isolation, const char *from, const char *to)
{
    struct isolation_bind  *bind;

    if (isolation->n == BINDS_MAX) {
        return -1;
    }

    bind = &isolation->binds[isolation->n++];
    bind->from = strdup(from);
    bind->to = strdup(to);

    return bind->from != NULL && bind->to != NULL ? 0 : -1;
}


/*
 * What was something else on this machine before is replaced.
 */
static int
make_folder(const char *path)
{
    struct stat  st;

    if (lstat(path, &st) == 0 && !S_ISDIR(st.st_mode) && unlink(path) != 0) {
        return -1;
    }

    return (mkdir(path, 0755) == 0 || errno == EEXIST)
           && chmod(path, 0755) == 0 ? 0 : -1;
}


static int
make_link(const char *from, const char *to)
{
    char     target[PATH_MAX], old[PATH_MAX];
    ssize_t  n, old_n;

    n = readlink(from, target, sizeof(target) - 1);

    if (n < 0) {
        return -1;
    }

    target[n] = '\0';
    old_n = readlink(to, old, sizeof(old));

    if (old_n == n && memcmp(old, target, (size_t) n) == 0) {
        return 0;
    }

    (void) remove(to);

    return symlink(target, to);
}


static int
cannot_make(const char *path, struct faas_err *err)
{
    return faas_err_set(err, 0, "cannot make %.150s: %s", path,
                        strerror(errno));
}


/*
 * Leaves err where it does not work.
 */
static int
attempt(struct isolation *isolation, enum isolation_kind kind,
    const char *state_dir, struct faas_err *err)
{
    isolation->kind = kind;

    if ((kind != ISOLATION_ROOT || has_capabilities(err) == 0)
        && try_out(isolation, state_dir, err) == 0)
    {
        return 0;
    }

    faas_log(FAAS_LOG_NOTICE, "cannot isolate by %s error=\"%s\"",
             kinds[kind], err->text);
    isolation->kind = ISOLATION_NONE;

    return -1;
}


/*
 * Those that a trial does not need, but watching replicas of other users does.
 */
static int
has_capabilities(struct faas_err *err)
{
    size_t                           i;
    struct __user_cap_header_struct  header;
    struct __user_cap_data_struct    data[_LINUX_CAPABILITY_U32S_3];

    static const struct {
        unsigned     number;
        const char  *name;
    } needed[] = {
        { CAP_CHOWN, "CHOWN" },
        { CAP_DAC_OVERRIDE, "DAC_OVERRIDE" },
        { CAP_KILL, "KILL" },
        { CAP_SYS_PTRACE, "SYS_PTRACE" }
    };

    memset(&header, 0, sizeof(header));
    memset(data, 0, sizeof(data));
    header.version = _LINUX_CAPABILITY_VERSION_3;

    if (syscall(SYS_capget, &header, data) != 0) {
        return faas_err_set(err, errno, "capget: %s", strerror(errno));
    }

    for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        if (!(data[0].effective >> needed[i].number & 1)) {
            return faas_err_set(err, EPERM, "there is no capability %s",
                                needed[i].name);
        }
    }

    return 0;
}


/*
 * Starts a process as a replica's, which only says what it cannot do.
 */
static int
try_out(const struct isolation *isolation, const char *state_dir,
    struct faas_err *err)
{
    int                 fds[2], status;
    char                tmp[PATH_MAX];
    pid_t               pid;
    struct spawn        spawn;
    struct spawner     *spawner;
    struct confinement  confinement;

    memset(&spawn, 0, sizeof(spawn));
    memset(&confinement, 0, sizeof(confinement));
    (void) snprintf(tmp, sizeof(tmp), "%.3600s/tmp", state_dir);

    confinement.isolation = isolation;
    confinement.app = isolation->empty;
    confinement.tmp = tmp;
    confinement.secrets = isolation->empty;
    confinement.uid = isolation_uid(isolation, 0);
    confinement.is_read_only = 1;

    if (pipe2(fds, O_CLOEXEC) != 0) {
        return faas_err_set(err, errno, "pipe: %s", strerror(errno));
    }

    spawn.confinement = &confinement;
    spawn.listen_fd = fds[1];
    spawn.output_fd = fds[1];
    spawn.lock_fd = -1;
    spawner = spawner_new(isolation);
    pid = spawner != NULL ? spawner_start(spawner, &spawn, err)
                          : faas_err_set(err, ENOMEM, "no memory");
    spawner_free(spawner);
    (void) close(fds[1]);

    if (pid != -1) {
        read_complaint(fds[0], err);

        if (waitpid(pid, &status, 0) != pid || status != 0) {
            pid = -1;
        }
    }

    (void) close(fds[0]);

    return pid != -1 ? 0 : -1;
}


static void
read_complaint(int fd, struct faas_err *err)
{
    char     text[TRIAL_MAX];
    size_t   len;
    ssize_t  n;

    len = 0;

    do {
        n = read(fd, text + len, sizeof(text) - 1 - len);
        len += n > 0 ? (size_t) n : 0;
    } while (n > 0 || (n == -1 && errno == EINTR));

    text[len] = '\0';
    text[strcspn(text, "\n")] = '\0';

    (void) faas_err_set(err, EPERM, "%.200s", text);
}


/*
 * One line, in which an operator sees what does not hold.
 */
static void
report(const struct isolation *isolation)
{
    int  has_memory, has_cpu;

    has_memory = isolation->cgroups.of[CGROUP_MEMORY].folder[0] != '\0';
    has_cpu = isolation->cgroups.of[CGROUP_CPU].folder[0] != '\0';

    faas_log(isolation->kind != ISOLATION_NONE && has_memory && has_cpu
             ? FAAS_LOG_NOTICE : FAAS_LOG_WARN,
             "isolation of functions isolation=%s memory=%s cpu=%s",
             kinds[isolation->kind], has_memory ? "cgroup" : "rlimit",
             has_cpu ? "cgroup" : "none");
}

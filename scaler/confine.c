/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a new process does to itself before it becomes a watchdog.
 */

#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>


/* folders that are the TMPDIR, below the root */
#define VAR_TMP        "/var/tmp"
#define DEV_SHM        "/dev/shm"


static int map_user(const struct isolation *isolation);
static int write_file(const char *path, const char *text);
static int make_root(const struct confinement *c,
    struct confine_failure *failure);
static int mount_machine(const struct isolation *isolation,
    struct confine_failure *failure);
static int mount_own(const struct confinement *c,
    struct confine_failure *failure);
static int bind_below(const struct isolation *isolation, const char *from,
    const char *to, int is_read_only);
static int below(const struct isolation *isolation, const char *path,
    char *whole);
static int make_read_only(const char *path, unsigned flags);
static int become(const struct confinement *c);
static int limit(const struct confinement *c);
static int failed(struct confine_failure *failure, const char *what,
    const char *path);


unsigned long
confine_flags(const struct isolation *isolation)
{
    switch (isolation->kind) {

    case ISOLATION_ROOT:
        return CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC;

    case ISOLATION_USER_NAMESPACE:
        return CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC;

    case ISOLATION_NONE:
        break;
    }

    return 0;
}


int
confine_prepare(const struct isolation *isolation,
    struct confine_failure *failure)
{
    if (isolation->kind == ISOLATION_USER_NAMESPACE
        && map_user(isolation) != 0)
    {
        return failed(failure, "cannot map the user", NULL);
    }

    return isolation->kind != ISOLATION_NONE
           ? mount_machine(isolation, failure) : 0;
}


int
confine_self(const struct confinement *c, struct confine_failure *failure)
{
    if (cgroup_enter(&c->groups) != 0) {
        return failed(failure, "cannot enter the control group",
                      c->groups.groups[0].folder);
    }

    if (c->isolation->kind != ISOLATION_NONE && make_root(c, failure) != 0) {
        return -1;
    }

    if (chdir(c->isolation->kind == ISOLATION_NONE ? c->app : ISOLATION_APP)
        != 0)
    {
        return failed(failure, "cannot enter the function's folder", c->app);
    }

    if (limit(c) != 0) {
        return failed(failure, "cannot set limits", NULL);
    }

    if (c->isolation->kind == ISOLATION_ROOT && become(c) != 0) {
        return failed(failure, "cannot become another user", NULL);
    }

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return failed(failure, "cannot give up privileges", NULL);
    }

    if (faccessat(AT_FDCWD, ".", R_OK | X_OK, AT_EACCESS) != 0) {
        return failed(failure, "the function's user cannot read its folder, "
                      "which others must be able to (chmod -R o+rX)",
                      c->app);
    }

    return 0;
}


/*
 * The user is the same inside and outside.
 */
static int
map_user(const struct isolation *isolation)
{
    return write_file("/proc/self/setgroups", "deny") == 0
           && write_file("/proc/self/uid_map", isolation->uid_map) == 0
           && write_file("/proc/self/gid_map", isolation->gid_map) == 0
           ? 0 : -1;
}


static int
write_file(const char *path, const char *text)
{
    int  fd, rc;

    fd = open(path, O_WRONLY | O_CLOEXEC);

    if (fd == -1) {
        return -1;
    }

    rc = write(fd, text, strlen(text)) == (ssize_t) strlen(text) ? 0 : -1;

    return close(fd) == 0 ? rc : -1;
}


/*
 * The folder root becomes /.
 */
static int
make_root(const struct confinement *c, struct confine_failure *failure)
{
    const char  *root;

    root = c->isolation->root;

    if (c->is_read_only && make_read_only(root, AT_RECURSIVE) != 0) {
        return failed(failure, "cannot make read-only", "/");
    }

    if (mount_own(c, failure) != 0) {
        return -1;
    }

    if (make_read_only(root, 0) != 0) {
        return failed(failure, "cannot make read-only", root);
    }

    if (chdir(root) != 0
        || syscall(SYS_pivot_root, ".", ".") != 0
        || umount2(".", MNT_DETACH) != 0
        || chdir("/") != 0)
    {
        return failed(failure, "cannot change the root to", root);
    }

    return 0;
}


/*
 * That the root is unbindable keeps it out of what is mounted in it: the state
 * folder is somewhere below.
 */
static int
mount_machine(const struct isolation *isolation,
    struct confine_failure *failure)
{
    char         proc[PATH_MAX];
    size_t       i;
    const char  *root;

    root = isolation->root;

    if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0
        || mount(root, root, NULL, MS_BIND, NULL) != 0
        || mount(NULL, root, NULL, MS_UNBINDABLE, NULL) != 0)
    {
        return failed(failure, "cannot mount", root);
    }

    for (i = 0; i < isolation->n; i++) {
        if (mount(isolation->binds[i].from, isolation->binds[i].to, NULL,
                  MS_BIND | MS_REC, NULL)
            != 0
            && errno != ENOENT)             /* it has gone since */
        {
            return failed(failure, "cannot mount", isolation->binds[i].from);
        }
    }

    /* where parts of /proc are hidden, as in a container, another is refused:
       then there is that of all */

    if (below(isolation, "/proc", proc) != 0
        || (mount("proc", proc, "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC,
                  NULL)
            != 0
            && mount("/proc", proc, NULL, MS_BIND | MS_REC, NULL) != 0))
    {
        return failed(failure, "cannot mount", "/proc");
    }

    if (isolation->masked[0] != '\0'
        && bind_below(isolation, isolation->empty, isolation->masked, 1) != 0)
    {
        return failed(failure, "cannot cover", isolation->masked);
    }

    return 0;
}


static int
mount_own(const struct confinement *c, struct confine_failure *failure)
{
    const struct isolation  *isolation;

    isolation = c->isolation;

    if (bind_below(isolation, c->app, ISOLATION_APP, 1) != 0) {
        return failed(failure, "cannot mount the function's folder", c->app);
    }

    if (bind_below(isolation, isolation->watchdog, ISOLATION_WATCHDOG, 1)
        != 0)
    {
        return failed(failure, "cannot mount the watchdog",
                      isolation->watchdog);
    }

    if (bind_below(isolation, c->tmp, ISOLATION_TMP, 0) != 0
        || bind_below(isolation, c->tmp, VAR_TMP, 0) != 0
        || (bind_below(isolation, c->tmp, DEV_SHM, 0) != 0
            && errno != ENOENT))
    {
        return failed(failure, "cannot mount", c->tmp);
    }

    if (c->secrets != NULL
        && bind_below(isolation, c->secrets, ISOLATION_SECRETS, 1) != 0)
    {
        return failed(failure, "cannot mount", c->secrets);
    }

    return 0;
}


static int
bind_below(const struct isolation *isolation, const char *from,
    const char *to, int is_read_only)
{
    char  path[PATH_MAX];

    if (below(isolation, to, path) != 0
        || mount(from, path, NULL, MS_BIND | MS_REC, NULL) != 0)
    {
        return -1;
    }

    return is_read_only ? make_read_only(path, AT_RECURSIVE) : 0;
}


static int
below(const struct isolation *isolation, const char *path, char *whole)
{
    size_t  root_len, len;

    root_len = strlen(isolation->root);
    len = strlen(path);

    if (root_len + len >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }

    memcpy(whole, isolation->root, root_len);
    memcpy(whole + root_len, path, len + 1);

    return 0;
}


/*
 * Other flags of the mount stay, which in a user namespace nobody may lift.
 */
static int
make_read_only(const char *path, unsigned flags)
{
    struct mount_attr  attr;

    memset(&attr, 0, sizeof(attr));
    attr.attr_set = MOUNT_ATTR_RDONLY;

    return mount_setattr(AT_FDCWD, path, flags, &attr, sizeof(attr));
}


/*
 * Not setresuid(3): it would tell threads that are not in this process.
 */
static int
become(const struct confinement *c)
{
    uid_t                            uid;
    struct __user_cap_header_struct  header;
    struct __user_cap_data_struct    none[_LINUX_CAPABILITY_U32S_3];

    uid = c->uid;

    /* what it prints may be opened by name: /dev/stderr */

    if (fchown(STDERR_FILENO, uid, uid) != 0
        || syscall(SYS_setgroups, 0, NULL) != 0
        || syscall(SYS_setresgid, uid, uid, uid) != 0
        || syscall(SYS_setresuid, uid, uid, uid) != 0)
    {
        return -1;
    }

    memset(&header, 0, sizeof(header));
    memset(none, 0, sizeof(none));
    header.version = _LINUX_CAPABILITY_VERSION_3;

    return (int) syscall(SYS_capset, &header, none);
}


/*
 * The number of processes is one of a user, which is the replica's own, or
 * counts in its namespace.
 */
static int
limit(const struct confinement *c)
{
    struct rlimit  most;

    if (c->memory != 0) {
        most.rlim_cur = c->memory;
        most.rlim_max = c->memory;

        if (setrlimit(RLIMIT_DATA, &most) != 0) {
            return -1;
        }
    }

    if (c->isolation->kind == ISOLATION_NONE) {
        return 0;
    }

    most.rlim_cur = c->isolation->max_processes;
    most.rlim_max = c->isolation->max_processes;

    return setrlimit(RLIMIT_NPROC, &most);
}


static int
failed(struct confine_failure *failure, const char *what, const char *path)
{
    failure->what = what;
    failure->path = path;

    return -1;
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Limits of replicas by control groups.
 */

#include "cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/faas_log.h"
#include "lib/faas_num.h"

#include "cgroup_own.h"


#define CPU_PERIOD    100000    /* usec, the kernel's default */
#define CPU_QUOTA_MIN 1000      /* usec, the kernel's */
#define REMOVE_TRIES  50
#define REMOVE_PAUSE  10000     /* usec */
#define FILE_MAX      4096      /* bytes that are read of one */


static void make_base(struct cgroups *cgroups, enum cgroup_controller which,
    const char *own, const char *name);
static void move_back(const char *folder);
static int share_out(const char *own, const char *name);
static int write_file(const char *folder, const char *file,
    const char *value);
static void add_group(struct cgroup_plan *plan, const char *folder,
    uint64_t number);
static void add_setting(struct cgroup_plan *plan, const char *file,
    uint64_t value, int is_optional);
static void add_cpu(struct cgroup_plan *plan, int version, uint64_t milli);
static int set_at(int folder, const char *file, const char *value);
static void remove_group(const char *folder);
static void kill_all(const char *folder);
static int read_file(const char *folder, const char *file, char *text,
    size_t size);


static const char *const  names[CGROUP_N] = {
    [CGROUP_MEMORY] = "memory",
    [CGROUP_CPU] = "cpu"
};


void
cgroup_open(struct cgroups *cgroups, const char *state_dir)
{
    size_t       i;
    char         name[64], own[CGROUP_N][CGROUP_PATH_MAX];
    uint64_t     hash;
    const char  *s;

    hash = 0xcbf29ce484222325;      /* FNV-1a */

    for (s = state_dir; *s != '\0'; s++) {
        hash = (hash ^ (unsigned char) *s) * 0x100000001b3;
    }

    (void) snprintf(name, sizeof(name), "ngx_faas-%016" PRIx64, hash);

    /* all before any is made: this process may move on that occasion */

    for (i = 0; i < CGROUP_N; i++) {
        cgroups->of[i].version = cgroup_own(names[i], own[i], sizeof(own[i]));
    }

    for (i = 0; i < CGROUP_N; i++) {
        make_base(cgroups, (enum cgroup_controller) i, own[i], name);
    }
}


static void
make_base(struct cgroups *cgroups, enum cgroup_controller which,
    const char *own, const char *name)
{
    int    version;
    char   control[32];
    char  *folder;

    folder = cgroups->of[which].folder;
    version = cgroups->of[which].version;
    folder[0] = '\0';

    if (version == 0
        || (size_t) snprintf(folder, CGROUP_PATH_MAX, "%s/%s", own, name)
           >= CGROUP_PATH_MAX)
    {
        folder[0] = '\0';
        return;
    }

    (void) snprintf(control, sizeof(control), "+%s", names[which]);

    if ((version == 2
         && write_file(own, "cgroup.subtree_control", control) != 0
         && (share_out(own, name) != 0
             || write_file(own, "cgroup.subtree_control", control) != 0))
        || (mkdir(folder, 0755) != 0 && errno != EEXIST)
        || (version == 2
            && write_file(folder, "cgroup.subtree_control", control) != 0)
        || access(folder, W_OK) != 0)
    {
        faas_log(FAAS_LOG_INFO, "no control groups controller=%s folder=%s "
                 "error=\"%s\"", names[which], folder, strerror(errno));
        folder[0] = '\0';
    }
}


void
cgroup_close(const struct cgroups *cgroups)
{
    size_t  i;

    for (i = 0; i < CGROUP_N; i++) {
        if (cgroups->of[i].folder[0] != '\0'
            && rmdir(cgroups->of[i].folder) == 0
            && cgroups->of[i].version == 2)
        {
            move_back(cgroups->of[i].folder);
        }
    }
}


/*
 * Undoes share_out(), where that was necessary.
 */
static void
move_back(const char *folder)
{
    char    path[CGROUP_PATH_MAX + 64], control[32];
    char   *slash;
    size_t  i;

    (void) snprintf(path, sizeof(path), "%s-scaler", folder);

    if (access(path, F_OK) != 0) {
        return;
    }

    slash = strrchr(path, '/');
    *slash = '\0';

    for (i = 0; i < CGROUP_N; i++) {
        (void) snprintf(control, sizeof(control), "-%s", names[i]);
        (void) write_file(path, "cgroup.subtree_control", control);
    }

    (void) write_file(path, "cgroup.procs", "0");
    *slash = '/';
    (void) rmdir(path);
}


/*
 * Version 2 allows no processes beside groups with limits: the scaler's own
 * goes to a group of its own.
 */
static int
share_out(const char *own, const char *name)
{
    char  folder[CGROUP_PATH_MAX + 64];

    (void) snprintf(folder, sizeof(folder), "%.1000s/%s-scaler", own, name);

    return mkdir(folder, 0755) == 0 || errno == EEXIST
           ? write_file(folder, "cgroup.procs", "0") : -1;
}


static int
write_file(const char *folder, const char *file, const char *value)
{
    int  fd, rc;

    fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (fd == -1) {
        return -1;
    }

    rc = set_at(fd, file, value);
    (void) close(fd);

    return rc;
}


void
cgroup_plan(const struct cgroups *cgroups, uint64_t number,
    const struct resources *limits, struct cgroup_plan *plan)
{
    int          version;
    const char  *memory, *cpu;

    plan->n = 0;
    memory = cgroups->of[CGROUP_MEMORY].folder;
    cpu = cgroups->of[CGROUP_CPU].folder;

    if (limits->memory != 0 && memory[0] != '\0') {
        version = cgroups->of[CGROUP_MEMORY].version;
        add_group(plan, memory, number);

        if (version == 2) {
            add_setting(plan, "memory.max", limits->memory, 0);
            add_setting(plan, "memory.swap.max", 0, 1);

        } else {
            add_setting(plan, "memory.limit_in_bytes", limits->memory, 0);
            add_setting(plan, "memory.memsw.limit_in_bytes", limits->memory,
                        1);
        }
    }

    if (limits->cpu != 0 && cpu[0] != '\0') {

        /* in version 2 both are one folder */

        if (plan->n == 0 || strcmp(memory, cpu) != 0) {
            add_group(plan, cpu, number);
        }

        add_cpu(plan, cgroups->of[CGROUP_CPU].version, limits->cpu);
    }
}


static void
add_group(struct cgroup_plan *plan, const char *folder, uint64_t number)
{
    (void) snprintf(plan->groups[plan->n].folder,
                    sizeof(plan->groups[plan->n].folder), "%s/%" PRIu64,
                    folder, number);
    plan->groups[plan->n++].n = 0;
}


static void
add_setting(struct cgroup_plan *plan, const char *file, uint64_t value,
    int is_optional)
{
    size_t  group, n;

    group = plan->n - 1;
    n = plan->groups[group].n++;

    plan->groups[group].settings[n].file = file;
    plan->groups[group].settings[n].is_optional = is_optional;
    (void) snprintf(plan->groups[group].settings[n].value, CGROUP_VALUE_MAX,
                    "%" PRIu64, value);
}


static void
add_cpu(struct cgroup_plan *plan, int version, uint64_t milli)
{
    size_t    group, n;
    uint64_t  quota;

    quota = milli * CPU_PERIOD / 1000;

    if (quota < CPU_QUOTA_MIN) {
        quota = CPU_QUOTA_MIN;
    }

    if (version == 1) {
        add_setting(plan, "cpu.cfs_quota_us", quota, 0);
        return;
    }

    add_setting(plan, "cpu.max", quota, 0);

    group = plan->n - 1;
    n = plan->groups[group].n - 1;
    (void) snprintf(plan->groups[group].settings[n].value, CGROUP_VALUE_MAX,
                    "%" PRIu64 " %d", quota, CPU_PERIOD);
}


int
cgroup_enter(const struct cgroup_plan *plan)
{
    int     folder, rc;
    size_t  i, j;

    for (i = 0; i < plan->n; i++) {

        if (mkdir(plan->groups[i].folder, 0755) != 0 && errno != EEXIST) {
            return -1;
        }

        folder = open(plan->groups[i].folder,
                      O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (folder == -1) {
            return -1;
        }

        for (j = 0; j < plan->groups[i].n; j++) {
            rc = set_at(folder, plan->groups[i].settings[j].file,
                        plan->groups[i].settings[j].value);

            if (rc != 0 && !plan->groups[i].settings[j].is_optional) {
                return -1;
            }
        }

        if (set_at(folder, "cgroup.procs", "0") != 0) {
            return -1;
        }

        (void) close(folder);
    }

    return 0;
}


static int
set_at(int folder, const char *file, const char *value)
{
    int  fd, rc, error;

    fd = openat(folder, file, O_WRONLY | O_CLOEXEC);

    if (fd == -1) {
        return -1;
    }

    rc = write(fd, value, strlen(value)) == (ssize_t) strlen(value) ? 0 : -1;

    error = errno;
    (void) close(fd);
    errno = error;

    return rc;
}


uint64_t
cgroup_oom_kills(const struct cgroups *cgroups, uint64_t number)
{
    char         folder[CGROUP_PATH_MAX + 32], text[FILE_MAX];
    uint64_t     n;
    const char  *count;

    if (cgroups->of[CGROUP_MEMORY].folder[0] == '\0') {
        return 0;
    }

    (void) snprintf(folder, sizeof(folder), "%s/%" PRIu64,
                    cgroups->of[CGROUP_MEMORY].folder, number);

    if (read_file(folder, cgroups->of[CGROUP_MEMORY].version == 2
                          ? "memory.events" : "memory.oom_control",
                  text, sizeof(text))
        != 0)
    {
        return 0;
    }

    count = strstr(text, "oom_kill ");

    if (count == NULL) {
        return 0;
    }

    count += strlen("oom_kill ");

    return faas_parse_uint(count, strcspn(count, "\n"), 0, UINT64_MAX, &n)
           == 0 ? n : 0;
}


void
cgroup_remove(const struct cgroups *cgroups, uint64_t number)
{
    size_t  i;
    char    folder[CGROUP_PATH_MAX + 32];

    for (i = 0; i < CGROUP_N; i++) {
        if (cgroups->of[i].folder[0] != '\0') {
            (void) snprintf(folder, sizeof(folder), "%s/%" PRIu64,
                            cgroups->of[i].folder, number);
            remove_group(folder);
        }
    }
}


void
cgroup_clear(const struct cgroups *cgroups,
    int (*is_used)(void *arg, uint64_t number), void *arg)
{
    DIR            *dir;
    size_t          i;
    uint64_t        number;
    struct dirent  *entry;

    for (i = 0; i < CGROUP_N; i++) {
        dir = cgroups->of[i].folder[0] != '\0'
              ? opendir(cgroups->of[i].folder) : NULL;

        while (dir != NULL && (entry = readdir(dir)) != NULL) {
            if (faas_parse_uint(entry->d_name, strlen(entry->d_name), 1,
                                UINT64_MAX, &number)
                == 0
                && !is_used(arg, number))
            {
                cgroup_remove(cgroups, number);
            }
        }

        if (dir != NULL) {
            (void) closedir(dir);
        }
    }
}


/*
 * Processes are away only some time after they were killed.
 */
static void
remove_group(const char *folder)
{
    int  i;

    for (i = 0; rmdir(folder) != 0 && errno == EBUSY; i++) {

        if (i == REMOVE_TRIES) {
            return;             /* the next scaler's cgroup_clear() */
        }

        kill_all(folder);
        (void) usleep(REMOVE_PAUSE);
    }
}


static void
kill_all(const char *folder)
{
    char      text[FILE_MAX];
    char     *line, *rest;
    uint64_t  pid;

    if (read_file(folder, "cgroup.procs", text, sizeof(text)) != 0) {
        return;
    }

    rest = text;

    while ((line = strsep(&rest, "\n")) != NULL) {
        if (faas_parse_uint(line, strlen(line), 2, INT_MAX, &pid) == 0) {
            (void) kill((pid_t) pid, SIGKILL);
        }
    }
}


static int
read_file(const char *folder, const char *file, char *text, size_t size)
{
    int      fd;
    char     path[CGROUP_PATH_MAX + 96];
    ssize_t  n;

    (void) snprintf(path, sizeof(path), "%s/%s", folder, file);
    fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd == -1) {
        return -1;
    }

    n = read(fd, text, size - 1);
    (void) close(fd);

    if (n < 0) {
        return -1;
    }

    text[n] = '\0';

    return 0;
}

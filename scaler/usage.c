/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What replicas use of the machine.
 */

#include "usage.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/faas_num.h"


#define STAT_MAX  1024          /* bytes that are read of a process */
#define GROW_MIN  64            /* entries */


/* fields of /proc/PID/stat, by their numbers in proc(5) */
enum {
    FIRST = 3,                  /* behind the name */
    SESSION = 6,
    UTIME = 14,
    STIME = 15,
    CUTIME = 16,
    CSTIME = 17,
    RSS = 24
};


static int read_stat(const char *pid, struct usage *usage);
static int parse_stat(const char *s, struct usage *usage);
static int add(struct usage_set *set, const struct usage *usage);
static void join(struct usage_set *set);
static int compare(const void *a, const void *b);


int
usage_collect(struct usage_set *set)
{
    int             rc;
    DIR            *dir;
    uint64_t        pid;
    struct usage    usage;
    struct dirent  *entry;

    memset(set, 0, sizeof(*set));
    rc = 0;
    dir = opendir("/proc");

    while (dir != NULL && rc == 0 && (entry = readdir(dir)) != NULL) {

        if (faas_parse_uint(entry->d_name, strlen(entry->d_name), 1, INT_MAX,
                            &pid)
            == 0
            && read_stat(entry->d_name, &usage) == 0)
        {
            rc = add(set, &usage);
        }
    }

    if (dir != NULL) {
        (void) closedir(dir);
    }

    if (rc != 0) {
        usage_done(set);
        return -1;
    }

    join(set);

    return 0;
}


void
usage_done(struct usage_set *set)
{
    free(set->all);
    memset(set, 0, sizeof(*set));
}


const struct usage *
usage_find(const struct usage_set *set, pid_t session)
{
    struct usage  key;

    key.session = session;

    return set->n != 0
           ? bsearch(&key, set->all, set->n, sizeof(key), compare) : NULL;
}


uint64_t
usage_rate(struct usage_rate *rate, const struct usage *usage,
    uint64_t started_ms, uint64_t now_ms)
{
    uint64_t  spent, since;

    since = rate->at_ms != 0 ? rate->at_ms : started_ms;

    /* another process of the replica begins anew */

    if (usage->cpu_ms < rate->cpu_ms || since < started_ms) {
        rate->cpu_ms = 0;
        since = started_ms;
    }

    if (rate->at_ms != 0 && now_ms - since < USAGE_SPAN) {
        return rate->milli;
    }

    spent = usage->cpu_ms - rate->cpu_ms;
    rate->milli = now_ms > since ? spent * 1000 / (now_ms - since) : 0;
    rate->cpu_ms = usage->cpu_ms;
    rate->at_ms = now_ms;

    return rate->milli;
}


/*
 * What a process has spent that ends without having been waited for is gone
 * from the sum: then it falls, which is no new replica.
 */
uint64_t
usage_gain(struct usage *last, const struct usage *usage)
{
    uint64_t  before;

    before = last->session == usage->session ? last->cpu_ms : 0;
    *last = *usage;

    return usage->cpu_ms > before ? usage->cpu_ms - before : 0;
}


static int
read_stat(const char *pid, struct usage *usage)
{
    int      fd;
    char     path[64], text[STAT_MAX];
    ssize_t  n;

    (void) snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd == -1) {
        return -1;
    }

    n = read(fd, text, sizeof(text) - 1);
    (void) close(fd);

    if (n <= 0) {
        return -1;
    }

    text[n] = '\0';

    return parse_stat(text, usage);
}


/*
 * See proc(5); the name, in parentheses, may hold anything.
 */
static int
parse_stat(const char *s, struct usage *usage)
{
    size_t    i, len;
    uint64_t  n, fields[RSS + 1];

    s = strrchr(s, ')');

    if (s == NULL) {
        return -1;
    }

    s++;

    for (i = FIRST; i <= RSS; i++) {
        s += strspn(s, " ");
        len = strcspn(s, " ");
        n = 0;

        /* some are letters or below zero; those that count are not */

        (void) faas_parse_uint(s, len, 0, UINT64_MAX, &n);
        fields[i] = n;
        s += len;
    }

    n = fields[UTIME] + fields[STIME] + fields[CUTIME] + fields[CSTIME];

    usage->session = (pid_t) fields[SESSION];
    usage->cpu_ms = n * 1000 / (uint64_t) sysconf(_SC_CLK_TCK);
    usage->memory = fields[RSS] * (uint64_t) sysconf(_SC_PAGESIZE);

    return 0;
}


static int
add(struct usage_set *set, const struct usage *usage)
{
    size_t         size;
    struct usage  *all;

    if (set->n == set->size) {
        size = set->size != 0 ? set->size * 2 : GROW_MIN;
        all = reallocarray(set->all, size, sizeof(*all));

        if (all == NULL) {
            return -1;
        }

        set->all = all;
        set->size = size;
    }

    set->all[set->n++] = *usage;

    return 0;
}


/*
 * One entry a session.
 */
static void
join(struct usage_set *set)
{
    size_t  i, n;

    if (set->n == 0) {
        return;
    }

    qsort(set->all, set->n, sizeof(set->all[0]), compare);

    for (i = 1, n = 0; i < set->n; i++) {

        if (set->all[i].session == set->all[n].session) {
            set->all[n].cpu_ms += set->all[i].cpu_ms;
            set->all[n].memory += set->all[i].memory;

        } else {
            set->all[++n] = set->all[i];
        }
    }

    set->n = n + 1;
}


static int
compare(const void *a, const void *b)
{
    pid_t  x, y;

    x = ((const struct usage *) a)->session;
    y = ((const struct usage *) b)->session;

    return (x > y) - (x < y);
}

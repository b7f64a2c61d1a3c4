/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Where this process is in the tree of a controller: /proc/self/mounts says
 * where a hierarchy is mounted, /proc/self/cgroup the path in it.
 */

#include "cgroup_own.h"

#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>


#define LINE_MAX_LEN  4608


static int find_mount(const char *controller, int version, char *path,
    size_t size);
static int find_path(const char *controller, int version, char *path,
    size_t size);
static int has_word(const char *list, const char *word);
static int has_controller(const char *folder, const char *controller);


int
cgroup_own(const char *controller, char *folder, size_t size)
{
    int   version;
    char  mount[1024], path[1024];

    for (version = 1; version <= 2; version++) {

        if (find_mount(controller, version, mount, sizeof(mount)) != 0
            || find_path(controller, version, path, sizeof(path)) != 0)
        {
            continue;
        }

        if ((size_t) snprintf(folder, size, "%s%s", mount,
                              strcmp(path, "/") == 0 ? "" : path)
            >= size)
        {
            continue;
        }

        /* a container may see its own group only, where the root should be */

        if (access(folder, F_OK) != 0) {
            (void) snprintf(folder, size, "%s", mount);
        }

        if (version == 1 || has_controller(folder, controller)) {
            return version;
        }
    }

    return 0;
}


static int
find_mount(const char *controller, int version, char *path, size_t size)
{
    int             rc;
    char            text[LINE_MAX_LEN];
    FILE           *mounts;
    struct mntent   entry;

    mounts = setmntent("/proc/self/mounts", "re");

    if (mounts == NULL) {
        return -1;
    }

    rc = -1;

    while (rc != 0 && getmntent_r(mounts, &entry, text, sizeof(text)) != NULL)
    {
        if (strlen(entry.mnt_dir) < size
            && (version == 2
                ? strcmp(entry.mnt_type, "cgroup2") == 0
                : strcmp(entry.mnt_type, "cgroup") == 0
                  && has_word(entry.mnt_opts, controller)))
        {
            memcpy(path, entry.mnt_dir, strlen(entry.mnt_dir) + 1);
            rc = 0;
        }
    }

    (void) endmntent(mounts);

    return rc;
}


/*
 * Lines are NUMBER:CONTROLLERS:PATH; of version 2 "0::PATH".
 */
static int
find_path(const char *controller, int version, char *path, size_t size)
{
    int    rc;
    char   line[LINE_MAX_LEN];
    char  *number, *controllers, *rest;
    FILE  *file;

    file = fopen("/proc/self/cgroup", "re");

    if (file == NULL) {
        return -1;
    }

    rc = -1;

    while (rc != 0 && fgets(line, sizeof(line), file) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        rest = line;
        number = strsep(&rest, ":");
        controllers = strsep(&rest, ":");

        if (rest == NULL || strlen(rest) >= size) {
            continue;
        }

        if (version == 2 ? strcmp(number, "0") == 0 && *controllers == '\0'
                         : has_word(controllers, controller))
        {
            memcpy(path, rest, strlen(rest) + 1);
            rc = 0;
        }
    }

    (void) fclose(file);

    return rc;
}


/*
 * Words are separated by commas or spaces.
 */
static int
has_word(const char *list, const char *word)
{
    size_t  len;

    for ( ;; ) {
        len = strcspn(list, ", \n");

        if (len == strlen(word) && strncmp(list, word, len) == 0) {
            return 1;
        }

        if (list[len] == '\0') {
            return 0;
        }

        list += len + 1;
    }
}


static int
has_controller(const char *folder, const char *controller)
{
    int    rc;
    char   path[1200], line[LINE_MAX_LEN];
    FILE  *file;

    (void) snprintf(path, sizeof(path), "%s/cgroup.controllers", folder);
    file = fopen(path, "re");

    if (file == NULL) {
        return 0;
    }

    rc = fgets(line, sizeof(line), file) != NULL && has_word(line, controller);
    (void) fclose(file);

    return rc;
}

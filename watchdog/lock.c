/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The lock file: images test with it whether the function is healthy, and who
 * deletes it makes it unhealthy.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "conn.h"
#include "lib/faas_log.h"


#define LOCK_MODE  0660


int
wd_lock_path(const char *dir, char *path, size_t size)
{
    int  n;

    n = snprintf(path, size, "%s/.lock", dir);

    return n > 0 && (size_t) n < size ? 0 : -1;
}


/*
 * An image without a writable folder for it works all the same: then it is
 * as healthy as it says.
 */
void
wd_lock_make(struct wd *wd)
{
    int  fd;

    if (wd_lock_path(wd->cfg.tmp_dir, wd->lock, sizeof(wd->lock)) != 0) {
        wd->lock[0] = '\0';
        faas_log(FAAS_LOG_WARN, "TMPDIR is too long for a lock file");
        return;
    }

    if (!wd->cfg.has_lock) {

        /* who hands the socket over looks at our answers, not at files */

        if (wd->is_inherited) {
            wd->lock[0] = '\0';
        }

        return;
    }

    fd = open(wd->lock, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
              LOCK_MODE);

    if (fd == -1) {
        faas_log(FAAS_LOG_WARN, "cannot write the lock file \"%s\": %s; "
                 "suppress_lock=true does without", wd->lock,
                 strerror(errno));
        wd->lock[0] = '\0';
        return;
    }

    (void) close(fd);           /* it is empty */
    wd_log_line(&wd->log, "Writing lock-file to: %s", wd->lock);
}


void
wd_lock_remove(struct wd *wd)
{
    if (wd->cfg.has_lock && wd->lock[0] != '\0') {
        (void) unlink(wd->lock);        /* somebody may have done so */
    }
}


int
wd_lock_is_there(const struct wd *wd)
{
    return wd->lock[0] == '\0' || access(wd->lock, F_OK) == 0;
}

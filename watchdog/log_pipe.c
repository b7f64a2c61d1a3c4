/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Pipes that carry a process's lines to the log.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "proc.h"


#define READ_SIZE   16384       /* bytes */
#define LAST_READS  64          /* reads when the process has ended */
#define KEEP_MAX    16          /* pipes kept for the next processes */


static struct wd_log_pipe *new_pipe(struct wd *wd);
static void free_pipe(struct wd_log_pipe *lp);
static void on_readable(struct wd_event *ev, uint32_t events);
static int read_some(struct wd_log_pipe *lp);


struct wd_log_pipe *
wd_log_pipe_get(struct wd *wd, struct wd_log_out *out, const char *name)
{
    struct wd_log_pipe  *lp;

    if (!wd_list_is_empty(&wd->free_pipes)) {
        lp = WD_ITEM(wd->free_pipes.prev, struct wd_log_pipe, link);
        wd_list_del(&lp->link);
        wd->n_free_pipes--;

    } else {
        lp = new_pipe(wd);
        if (lp == NULL) {
            return NULL;
        }
    }

    lp->lines.out = out;
    lp->lines.name = name;

    return lp;
}


void
wd_log_pipe_put(struct wd_log_pipe *lp)
{
    int  i;

    /* what an orphan goes on writing is read with the rest, later */

    for (i = 0; i < LAST_READS; i++) {
        if (read_some(lp) <= 0) {
            break;
        }
    }

    wd_lines_end(&lp->wd->log, &lp->lines);

    if (lp->wd->n_free_pipes == KEEP_MAX) {
        free_pipe(lp);
        return;
    }

    wd_list_add(&lp->wd->free_pipes, &lp->link);
    lp->wd->n_free_pipes++;
}


void
wd_log_pipes_done(struct wd *wd)
{
    struct wd_list      *item;
    struct wd_log_pipe  *lp;

    item = wd->free_pipes.next;

    while (item != &wd->free_pipes) {
        lp = WD_ITEM(item, struct wd_log_pipe, link);
        item = item->next;
        free_pipe(lp);
    }

    wd_list_init(&wd->free_pipes);
}


static struct wd_log_pipe *
new_pipe(struct wd *wd)
{
    int                  fds[2], saved;
    struct wd_log_pipe  *lp;

    lp = calloc(1, sizeof(*lp));
    if (lp == NULL) {
        errno = ENOMEM;
        return NULL;
    }

    if (pipe2(fds, O_CLOEXEC) != 0) {
        saved = errno;
        free(lp);
        errno = saved;
        return NULL;
    }

    wd_list_init(&lp->link);
    wd_lines_init(&lp->lines, NULL, NULL, wd->cfg.log_buffer_size);
    lp->wd = wd;
    lp->write_fd = fds[1];
    lp->event.fd = fds[0];
    lp->event.owner = lp;
    lp->event.handler = on_readable;

    /* only our end: the function expects to wait when it is full */

    if (fcntl(fds[0], F_SETFL, O_NONBLOCK) == -1
        || wd_loop_add(&wd->loop, &lp->event, EPOLLIN) != 0)
    {
        saved = errno;
        free_pipe(lp);
        errno = saved;
        return NULL;
    }

    return lp;
}


static void
free_pipe(struct wd_log_pipe *lp)
{
    wd_loop_close(&lp->wd->loop, &lp->event);
    (void) close(lp->write_fd);     /* nothing was written through it */
    wd_lines_done(&lp->lines);
    free(lp);
}


static void
on_readable(struct wd_event *ev, uint32_t events)
{
    (void) events;      /* there is but one kind */
    (void) read_some(ev->owner);
}


/*
 * Returns what read(2) does.
 */
static int
read_some(struct wd_log_pipe *lp)
{
    char     data[READ_SIZE];
    ssize_t  n;

    n = read(lp->event.fd, data, sizeof(data));

    if (n > 0) {
        wd_lines_add(&lp->wd->log, &lp->lines, data, (size_t) n);
    }

    return (int) n;
}

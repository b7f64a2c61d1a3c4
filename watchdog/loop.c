/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The event loop.
 */

#include "loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>


#define NSEC_PER_SEC   1000000000ULL
#define NSEC_PER_MSEC  1000000ULL
#define WAIT_MAX       3600000  /* msec in one epoll_wait() */


static int wait_msec(const struct wd_loop *loop);
static void run_timers(struct wd_loop *loop);
static void place(struct wd_loop *loop, size_t slot, struct wd_timer *timer);
static void move_up(struct wd_loop *loop, size_t slot);
static void move_down(struct wd_loop *loop, size_t slot);
static void take_first(struct wd_loop *loop);


int
wd_loop_init(struct wd_loop *loop, struct faas_err *err)
{
    memset(loop, 0, sizeof(*loop));

    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll == -1) {
        return faas_err_set(err, errno, "cannot make an epoll: %s",
                            strerror(errno));
    }

    wd_loop_update(loop);

    return 0;
}


void
wd_loop_done(struct wd_loop *loop)
{
    (void) close(loop->epoll);      /* nothing was written through it */
    free(loop->heap);
    memset(loop, 0, sizeof(*loop));
    loop->epoll = -1;
}


uint64_t
wd_clock(void)
{
    struct timespec  ts;

    /* cannot fail with this clock */
    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (uint64_t) ts.tv_sec * NSEC_PER_SEC + (uint64_t) ts.tv_nsec;
}


void
wd_loop_update(struct wd_loop *loop)
{
    loop->now = wd_clock();
}


int
wd_loop_add(struct wd_loop *loop, struct wd_event *ev, uint32_t mask)
{
    struct epoll_event  ee;

    memset(&ee, 0, sizeof(ee));
    ee.events = mask;
    ee.data.ptr = ev;
    ev->mask = mask;

    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, ev->fd, &ee) != 0) {
        return -1;
    }

    ev->is_watched = 1;

    return 0;
}


int
wd_loop_change(struct wd_loop *loop, struct wd_event *ev, uint32_t mask)
{
    struct epoll_event  ee;

    if (ev->mask == mask) {
        return 0;
    }

    memset(&ee, 0, sizeof(ee));
    ee.events = mask;
    ee.data.ptr = ev;
    ev->mask = mask;

    return epoll_ctl(loop->epoll, EPOLL_CTL_MOD, ev->fd, &ee);
}


void
wd_loop_close(struct wd_loop *loop, struct wd_event *ev)
{
    int  i;

    if (ev->fd == -1) {
        return;
    }

    /*
     * Closing would do, were there no copy: a process that was just started
     * goes on before its exec() has closed those that it has.
     */

    if (ev->is_watched) {
        (void) epoll_ctl(loop->epoll, EPOLL_CTL_DEL, ev->fd, NULL);
    }

    (void) close(ev->fd);       /* all that was to be sent has been */
    ev->fd = -1;
    ev->mask = 0;
    ev->is_watched = 0;

    for (i = loop->current + 1; i < loop->n_events; i++) {
        if (loop->events[i].data.ptr == ev) {
            loop->events[i].data.ptr = NULL;
        }
    }
}


int
wd_timer_init(struct wd_loop *loop, struct wd_timer *timer,
    void (*handler)(struct wd_timer *timer), void *owner)
{
    struct wd_timer  **heap;

    /* slot 0 is not used */

    heap = realloc(loop->heap, (loop->n_reserved + 2) * sizeof(*heap));
    if (heap == NULL) {
        return -1;
    }

    loop->heap = heap;
    loop->n_reserved++;

    memset(timer, 0, sizeof(*timer));
    timer->handler = handler;
    timer->owner = owner;

    return 0;
}


void
wd_timer_set(struct wd_loop *loop, struct wd_timer *timer, uint64_t msec)
{
    timer->deadline = loop->now + msec * NSEC_PER_MSEC;

    if (timer->slot == 0) {
        timer->key = timer->deadline;
        place(loop, ++loop->n_heap, timer);
        move_up(loop, timer->slot);

    } else if (timer->deadline < timer->key) {
        timer->key = timer->deadline;
        move_up(loop, timer->slot);
    }
}


void
wd_timer_stop(struct wd_timer *timer)
{
    timer->deadline = 0;
}


int
wd_loop_once(struct wd_loop *loop, int is_busy)
{
    int               n;
    struct wd_event  *ev;

    n = epoll_wait(loop->epoll, loop->events, WD_LOOP_BATCH,
                   is_busy ? 0 : wait_msec(loop));

    wd_loop_update(loop);

    if (n == -1) {
        if (errno != EINTR) {
            return -1;
        }

        n = 0;
    }

    loop->n_events = n;

    for (loop->current = 0; loop->current < loop->n_events; loop->current++) {
        ev = loop->events[loop->current].data.ptr;

        if (ev != NULL) {
            ev->handler(ev, loop->events[loop->current].events);
        }
    }

    loop->n_events = 0;
    run_timers(loop);

    return 0;
}


static int
wait_msec(const struct wd_loop *loop)
{
    uint64_t  msec, now;

    if (loop->n_heap == 0) {
        return -1;
    }

    now = wd_clock();

    if (loop->heap[1]->key <= now) {
        return 0;
    }

    /* rounded up: waking early would only mean to wait again */

    msec = (loop->heap[1]->key - now + NSEC_PER_MSEC - 1) / NSEC_PER_MSEC;

    return msec > WAIT_MAX ? WAIT_MAX : (int) msec;
}


static void
run_timers(struct wd_loop *loop)
{
    struct wd_timer  *timer;

    while (loop->n_heap != 0) {
        timer = loop->heap[1];

        if (timer->key > loop->now) {
            return;
        }

        /* it was set anew: others that are due as well may come before */

        if (timer->deadline > timer->key) {
            timer->key = timer->deadline;
            move_down(loop, 1);
            continue;
        }

        take_first(loop);

        if (timer->deadline != 0) {
            timer->deadline = 0;
            timer->handler(timer);
        }
    }
}


static void
place(struct wd_loop *loop, size_t slot, struct wd_timer *timer)
{
    loop->heap[slot] = timer;
    timer->slot = slot;
}


static void
move_up(struct wd_loop *loop, size_t slot)
{
    struct wd_timer  *timer;

    timer = loop->heap[slot];

    while (slot > 1 && loop->heap[slot / 2]->key > timer->key) {
        place(loop, slot, loop->heap[slot / 2]);
        slot /= 2;
    }

    place(loop, slot, timer);
}


static void
move_down(struct wd_loop *loop, size_t slot)
{
    size_t            child;
    struct wd_timer  *timer;

    timer = loop->heap[slot];

    while ((child = slot * 2) <= loop->n_heap) {
        if (child < loop->n_heap
            && loop->heap[child + 1]->key < loop->heap[child]->key)
        {
            child++;
        }

        if (loop->heap[child]->key >= timer->key) {
            break;
        }

        place(loop, slot, loop->heap[child]);
        slot = child;
    }

    place(loop, slot, timer);
}


static void
take_first(struct wd_loop *loop)
{
    struct wd_timer  *last;

    loop->heap[1]->slot = 0;
    last = loop->heap[loop->n_heap--];

    if (last->slot != 0) {
        place(loop, 1, last);
        move_down(loop, 1);
    }
}

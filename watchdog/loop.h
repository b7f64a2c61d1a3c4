/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The event loop: epoll, edge-triggered where the caller asks for it, and
 * timers in a heap.  Neither looks at what has nothing to do.
 */

#ifndef FAAS_WD_LOOP_H
#define FAAS_WD_LOOP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "lib/faas_err.h"


#define WD_LOOP_BATCH  64       /* events taken from the kernel at once */


struct wd_event {
    void       *owner;          /* for the handler */
    void      (*handler)(struct wd_event *ev, uint32_t events);
    int         fd;             /* owned by who set it; -1: none */
    uint32_t    mask;           /* what epoll watches */
    int         is_watched;     /* epoll knows it */
};


/*
 * A timer that is moved to a later time, or stopped, stays where it is in the
 * heap and is put right when its old time comes: moving one with each byte
 * received costs nothing.  So its memory must outlive the loop.
 */
struct wd_timer {
    void       *owner;
    void      (*handler)(struct wd_timer *timer);
    uint64_t    deadline;       /* nsec, monotonic; 0: stopped */
    uint64_t    key;            /* nsec; place in the heap */
    size_t      slot;           /* place in the heap from 1; 0: not in it */
};


struct wd_loop {
    struct epoll_event   events[WD_LOOP_BATCH];
    struct wd_timer    **heap;          /* owned */
    uint64_t             now;           /* nsec, monotonic; of this batch */
    size_t               n_heap;
    size_t               n_reserved;    /* timers that may be in the heap */
    int                  epoll;
    int                  n_events;
    int                  current;       /* event being handled */
};


/*
 * Returns 0, or -1 with err.
 */
int wd_loop_init(struct wd_loop *loop, struct faas_err *err);
void wd_loop_done(struct wd_loop *loop);

/*
 * The monotonic clock, nsec; and the same kept in loop->now.
 */
uint64_t wd_clock(void);
void wd_loop_update(struct wd_loop *loop);

/*
 * Watches ev->fd for the events in mask.  Returns 0, or -1 with errno.
 */
int wd_loop_add(struct wd_loop *loop, struct wd_event *ev, uint32_t mask);
int wd_loop_change(struct wd_loop *loop, struct wd_event *ev, uint32_t mask);

/*
 * Closes ev->fd, if any, and forgets events of it that wait to be handled.
 */
void wd_loop_close(struct wd_loop *loop, struct wd_event *ev);

/*
 * Prepares a timer, once in its life.  Returns 0, or -1 without memory;
 * setting it cannot fail then.
 */
int wd_timer_init(struct wd_loop *loop, struct wd_timer *timer,
    void (*handler)(struct wd_timer *timer), void *owner);

/*
 * Lets the timer fire msec after loop->now, or never any more.
 */
void wd_timer_set(struct wd_loop *loop, struct wd_timer *timer,
    uint64_t msec);
void wd_timer_stop(struct wd_timer *timer);

/*
 * Waits for events (not at all where is_busy is set) and handles them, then
 * the timers that are due.  Returns 0, or -1 with errno.
 */
int wd_loop_once(struct wd_loop *loop, int is_busy);


#endif /* FAAS_WD_LOOP_H */

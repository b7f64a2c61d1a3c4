/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Starting processes beside the loop.
 */

#include "spawner.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "lib/faas_log.h"
#include "proc.h"


#define COLLECT  1              /* msec between two looks for done orders */


static void set_up(struct wd *wd);
static int make_orders(struct wd *wd);
static size_t start_threads(struct wd_spawner *spawner);
static void *run(void *arg);
static void on_done(struct wd_event *ev, uint32_t events);
static void on_timer(struct wd_timer *timer);
static void collect_done(struct wd_spawner *spawner);
static struct wd_order *next_done(struct wd_spawner *spawner);
static void forget(struct wd_spawner *spawner);


int
wd_spawner_init(struct wd *wd, char *const *environment, size_t text_size,
    struct faas_err *err)
{
    struct wd_spawner  *spawner;

    spawner = &wd->spawner;
    spawner->environment = environment;
    spawner->text_size = text_size;
    spawner->event.owner = wd;
    spawner->event.handler = on_done;
    spawner->event.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

    if (spawner->event.fd == -1 || sem_init(&spawner->given, 0, 0) != 0
        || wd_loop_add(&wd->loop, &spawner->event, EPOLLIN) != 0
        || wd_timer_init(&wd->loop, &spawner->timer, on_timer, wd) != 0)
    {
        return faas_err_set(err, errno, "cannot make an eventfd: %s",
                            strerror(errno));
    }

    return 0;
}


static void
set_up(struct wd *wd)
{
    struct wd_spawner  *spawner;

    spawner = &wd->spawner;
    spawner->is_set_up = 1;

    if (make_orders(wd) == 0) {
        spawner->n_threads = start_threads(spawner);
    }

    if (spawner->n_threads == 0) {
        faas_log(FAAS_LOG_WARN, "cannot start a thread, processes are "
                 "started more slowly");
    }
}


static int
make_orders(struct wd *wd)
{
    size_t              i;
    struct wd_spawner  *spawner;

    spawner = &wd->spawner;

    for (i = 0; i < WD_ORDERS; i++) {
        if (wd_env_init(&spawner->orders[i].env, spawner->environment,
                        spawner->text_size)
            != 0)
        {
            return -1;          /* wd_spawner_done() frees the others */
        }

        spawner->orders[i].env.has_cgi = wd->env.has_cgi;
        spawner->orders[i].env.is_classic = wd->env.is_classic;
    }

    return 0;
}


static size_t
start_threads(struct wd_spawner *spawner)
{
    long    cpus;
    size_t  n;

    cpus = sysconf(_SC_NPROCESSORS_ONLN);

    for (n = 0; n < WD_SPAWNERS && (n == 0 || (long) n < cpus); n++) {
        if (pthread_create(&spawner->threads[n], NULL, run, spawner) != 0) {
            break;
        }
    }

    return n;
}


void
wd_spawner_done(struct wd *wd)
{
    size_t              i;
    struct wd_spawner  *spawner;

    spawner = &wd->spawner;

    for (i = 0; i < spawner->n_threads; i++) {
        (void) sem_post(&spawner->given);       /* fails at INT_MAX only */
    }

    for (i = 0; i < spawner->n_threads; i++) {
        (void) pthread_join(spawner->threads[i], NULL);
    }

    if (spawner->n_threads != 0) {
        spawner->n_threads = 0;
        wd_spawner_collect(wd);
    }

    wd_loop_close(&wd->loop, &spawner->event);

    for (i = 0; i < WD_ORDERS; i++) {
        wd_env_done(&spawner->orders[i].env);
    }
}


struct wd_order *
wd_spawner_order(struct wd *wd)
{
    struct wd_spawner  *spawner;

    spawner = &wd->spawner;

    if (!spawner->is_set_up && wd->n_procs != 0) {
        set_up(wd);
    }

    return spawner->n_threads != 0 && spawner->in - spawner->out < WD_ORDERS
           ? &spawner->orders[spawner->in % WD_ORDERS] : NULL;
}


void
wd_spawner_give(struct wd *wd)
{
    __atomic_fetch_add(&wd->spawner.in, 1, __ATOMIC_RELEASE);
    (void) sem_post(&wd->spawner.given);        /* fails at INT_MAX only */

    if (wd->spawner.timer.deadline == 0) {
        wd_timer_set(&wd->loop, &wd->spawner.timer, COLLECT);
    }
}


int
wd_spawner_is_full(struct wd *wd)
{
    wd->spawner.is_full = wd->spawner.n_early == WD_EARLY;

    return wd->spawner.is_full;
}


int
wd_spawner_is_busy(const struct wd *wd)
{
    return wd->spawner.in != wd->spawner.out;
}


void
wd_spawner_early(struct wd *wd, pid_t pid, int status)
{
    struct wd_spawner  *spawner;

    spawner = &wd->spawner;

    if (!wd_spawner_is_busy(wd)) {
        return;                 /* an orphan of some function */
    }

    spawner->early[spawner->n_early].pid = pid;
    spawner->early[spawner->n_early].status = status;
    spawner->early[spawner->n_early].order = spawner->in;
    spawner->n_early++;
}


/*
 * A thread.  What is posted beyond the orders given is the end.
 */
static void *
run(void *arg)
{
    uint64_t            one;
    unsigned            n;
    struct wd_order    *order;
    struct wd_spawner  *spawner = arg;

    one = 1;

    for ( ;; ) {
        while (sem_wait(&spawner->given) != 0) {
            /* interrupted */
        }

        n = __atomic_fetch_add(&spawner->taken, 1, __ATOMIC_ACQ_REL);

        if ((int) (n - __atomic_load_n(&spawner->in, __ATOMIC_ACQUIRE)) >= 0)
        {
            return NULL;
        }

        order = &spawner->orders[n % WD_ORDERS];
        order->pid = wd_spawn(&order->spawn);
        order->error = errno;
        __atomic_store_n(&order->is_done, 1, __ATOMIC_SEQ_CST);

        if (__atomic_exchange_n(&spawner->is_awaited, 0, __ATOMIC_SEQ_CST)
            && write(spawner->event.fd, &one, sizeof(one)) == -1)
        {
            continue;           /* it is full of ones, and wakes all the same */
        }
    }
}


/*
 * That an order is done is most often learnt when its process has ended:
 * nothing waits for it before, but for one that could not be started.
 */
static void
on_timer(struct wd_timer *timer)
{
    struct wd  *wd;

    wd = timer->owner;
    wd_spawner_collect(wd);

    if (wd_spawner_is_busy(wd)) {
        wd_timer_set(&wd->loop, timer, COLLECT);
    }
}


static void
on_done(struct wd_event *ev, uint32_t events)
{
    uint64_t  n;

    (void) events;      /* there is but one kind */

    if (read(ev->fd, &n, sizeof(n)) == -1) {
        return;                 /* it was taken back before */
    }

    wd_spawner_collect(ev->owner);
}


void
wd_spawner_collect(struct wd *wd)
{
    struct wd_spawner  *spawner;

    spawner = &wd->spawner;

    for ( ;; ) {
        collect_done(spawner);
        forget(spawner);

        if (spawner->n_early == 0) {
            break;
        }

        /* the order that it is of, or one before that, is not done yet */
        __atomic_store_n(&spawner->is_awaited, 1, __ATOMIC_SEQ_CST);

        if (next_done(spawner) == NULL) {
            break;
        }
    }

    if (spawner->is_full && spawner->n_early != WD_EARLY) {
        spawner->is_full = 0;
        wd_procs_reap(wd);
    }
}


static void
collect_done(struct wd_spawner *spawner)
{
    int               status;
    size_t            i;
    struct wd_order  *order;

    for (order = next_done(spawner); order != NULL; order = next_done(spawner))
    {
        order->is_done = 0;
        spawner->out++;
        wd_proc_started(order->proc, &order->spawn, order->pid, order->error);

        for (i = 0; i < spawner->n_early; i++) {
            if (order->pid != -1 && spawner->early[i].pid == order->pid) {
                status = spawner->early[i].status;
                spawner->early[i] = spawner->early[--spawner->n_early];
                wd_proc_ended(spawner->event.owner, order->pid, status);
                break;
            }
        }
    }
}


static struct wd_order *
next_done(struct wd_spawner *spawner)
{
    struct wd_order  *order;

    order = &spawner->orders[spawner->out % WD_ORDERS];

    return spawner->out != spawner->in
           && __atomic_load_n(&order->is_done, __ATOMIC_SEQ_CST)
           ? order : NULL;
}


/*
 * Those that cannot be of an order any more were orphans.
 */
static void
forget(struct wd_spawner *spawner)
{
    size_t  i;

    i = 0;

    while (i < spawner->n_early) {
        if ((int) (spawner->early[i].order - spawner->out) <= 0) {
            spawner->early[i] = spawner->early[--spawner->n_early];

        } else {
            i++;
        }
    }
}

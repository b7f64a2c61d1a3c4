/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The beginning and the end of the process provider's processes.
 */

#include "starter.h"

#include <signal.h>
#include <sys/wait.h>

#include "daemon/clock.h"

#include "replica.h"


static void on_sigchld(evutil_socket_t fd, short what, void *arg);
static struct replica *find_pid(const struct function_list *list, pid_t pid);
static void on_timer(evutil_socket_t fd, short what, void *arg);
static void on_unsettled(evutil_socket_t fd, short what, void *arg);
static void settle(const struct function_list *list);
static uint64_t count_starting(const struct function_list *list);
static uint64_t start_waiting(const struct function_list *list,
    uint64_t room, int *is_more);


int
starter_open(struct starter *starter, struct event_base *base,
    const struct function_list *functions,
    const struct function_list *removed, uint64_t max, struct faas_err *err)
{
    starter->functions = functions;
    starter->removed = removed;
    starter->max = max;
    starter->sigchld = evsignal_new(base, SIGCHLD, on_sigchld, starter);
    starter->timer = evtimer_new(base, on_timer, starter);
    starter->unsettled = evtimer_new(base, on_unsettled, starter);

    if (starter->sigchld == NULL || starter->timer == NULL
        || starter->unsettled == NULL
        || evsignal_add(starter->sigchld, NULL) != 0)
    {
        return faas_err_set(err, 500, "no memory");
    }

    return 0;
}


void
starter_stop(struct starter *starter)
{
    starter->is_stopping = 1;
}


void
starter_close(struct starter *starter)
{
    if (starter->sigchld != NULL) {
        event_free(starter->sigchld);
        starter->sigchld = NULL;
    }

    if (starter->timer != NULL) {
        event_free(starter->timer);
        starter->timer = NULL;
    }

    if (starter->unsettled != NULL) {
        event_free(starter->unsettled);
        starter->unsettled = NULL;
    }
}


/*
 * Before anything else that the loop has to do: a spare becomes a replica while
 * its route is published.
 */
void
starter_wake(void *arg)
{
    struct starter  *starter;

    starter = arg;

    if (!starter->is_stopping) {
        event_active(starter->timer, EV_TIMEOUT, 0);
    }
}


void
starter_retry(void *arg)
{
    struct starter  *starter;

    starter = arg;

    if (!starter->is_stopping && !evtimer_pending(starter->unsettled, NULL)) {
        clock_timer(starter->unsettled, STARTER_UNSETTLED);
    }
}


static void
on_sigchld(evutil_socket_t fd, short what, void *arg)
{
    int              status;
    pid_t            pid;
    siginfo_t        info;
    struct replica  *replica;
    struct starter  *starter;

    (void) fd;
    (void) what;

    starter = arg;

    /* one signal may stand for several children */

    for ( ;; ) {
        info.si_pid = 0;

        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0
            || info.si_pid == 0)
        {
            break;
        }

        pid = info.si_pid;

        /*
         * What it may have left behind goes first: once it is collected its
         * number may be another one's.
         */

        (void) kill(-pid, SIGKILL);

        if (waitpid(pid, &status, 0) != pid) {
            break;
        }

        replica = find_pid(starter->functions, pid);

        if (replica == NULL) {
            replica = find_pid(starter->removed, pid);
        }

        if (replica != NULL) {
            replica_exited(replica, status);
        }
    }

    starter_wake(starter);
}


static struct replica *
find_pid(const struct function_list *list, pid_t pid)
{
    struct replica         *replica;
    const struct function  *fn;

    TAILQ_FOREACH(fn, list, link) {
        TAILQ_FOREACH(replica, &fn->replicas, link) {
            if (replica->pid == pid) {
                return replica;
            }
        }
    }

    return NULL;
}


/*
 * Starts what waits, as many as may start at a time.
 */
static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
    int              is_more;
    uint64_t         n;
    struct starter  *starter;

    (void) fd;
    (void) what;

    starter = arg;

    if (starter->is_stopping) {
        return;
    }

    is_more = 0;
    n = count_starting(starter->functions) + count_starting(starter->removed);

    n += start_waiting(starter->functions,
                       n < starter->max ? starter->max - n : 0, &is_more);
    (void) start_waiting(starter->removed,
                         n < starter->max ? starter->max - n : 0, &is_more);

    if (is_more) {
        clock_timer(starter->timer, STARTER_RETRY);
    }
}


static uint64_t
count_starting(const struct function_list *list)
{
    uint64_t                n, now;
    const struct replica   *replica;
    const struct function  *fn;

    n = 0;
    now = clock_now_ms();

    TAILQ_FOREACH(fn, list, link) {
        TAILQ_FOREACH(replica, &fn->replicas, link) {
            n += replica->state == REPLICA_STARTING
                 && now - replica->started_ms < STARTER_START_MAX;
        }
    }

    return n;
}


/*
 * Starts at most room replicas and returns their number; *is_more is set
 * where others wait.
 */
static uint64_t
start_waiting(const struct function_list *list, uint64_t room,
    int *is_more)
{
    uint64_t                n;
    struct replica         *replica;
    const struct function  *fn;

    n = 0;

    TAILQ_FOREACH(fn, list, link) {
        TAILQ_FOREACH(replica, &fn->replicas, link) {

            if (replica->state != REPLICA_WAITING) {
                continue;
            }

            if (n < room
                && (!replica->is_retiring || replica_is_wanted(replica)))
            {
                replica_start(replica);
                n++;

            } else {
                *is_more = 1;
            }
        }
    }

    return n;
}


static void
on_unsettled(evutil_socket_t fd, short what, void *arg)
{
    struct starter  *starter;

    (void) fd;
    (void) what;

    starter = arg;

    settle(starter->functions);
    settle(starter->removed);
}


static void
settle(const struct function_list *list)
{
    struct function  *fn;

    TAILQ_FOREACH(fn, list, link) {
        if (fn->is_unsettled) {
            function_settle(fn);
        }
    }
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The end of the watchdog's life.
 *
 *   SERVING --SIGTERM, SIGINT--> UNREADY: /_/health says 503
 *      after healthcheck_interval; at once where the socket was handed over,
 *      as who did that has taken this replica out of the routes before
 *   --> DRAINING: what is in flight, and what waits in the kernel's queue, is
 *      served, each answer is the last of its connection
 *      when no connection is left, or after write_timeout
 *   --> STOPPING: the function's processes are stopped
 *   --> ENDED
 */

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "conn.h"
#include "lib/faas_log.h"
#include "lib/faas_num.h"
#include "proc.h"


#define SIGNALS_MAX  16         /* taken at once */
#define STOP_EXTRA   2000       /* msec; for what was killed to be gone */


static const int  passed[] = {
    SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT
};


static void on_signal(struct wd_event *ev, uint32_t events);
static void on_phase_timer(struct wd_timer *timer);
static void begin_end(struct wd *wd, int sig);
static void begin_drain(struct wd *wd);
static void begin_stop(struct wd *wd);


int
wd_phase_init(struct wd *wd, struct faas_err *err)
{
    size_t            i;
    sigset_t          set;
    struct sigaction  act;

    /* who started us may have had these ignored, and that is inherited */

    memset(&act, 0, sizeof(act));
    act.sa_handler = SIG_DFL;

    (void) sigemptyset(&set);   /* these cannot fail */
    (void) sigaddset(&set, SIGCHLD);
    (void) sigaddset(&set, SIGTERM);
    (void) sigaddset(&set, SIGINT);

    /* as a container's first process we get them in the function's stead */

    for (i = 0; wd->mode->signal != NULL
                && i < sizeof(passed) / sizeof(passed[0]); i++)
    {
        (void) sigaddset(&set, passed[i]);
    }

    wd->signals.owner = wd;
    wd->signals.handler = on_signal;
    wd->signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);

    (void) sigaddset(&set, SIGPIPE);    /* writing tells */

    if (wd->signals.fd == -1
        || sigaction(SIGCHLD, &act, NULL) != 0
        || sigaction(SIGPIPE, &act, NULL) != 0
        || sigprocmask(SIG_SETMASK, &set, NULL) != 0
        || wd_loop_add(&wd->loop, &wd->signals, EPOLLIN) != 0)
    {
        return faas_err_set(err, errno, "cannot receive signals: %s",
                            strerror(errno));
    }

    if (wd_timer_init(&wd->loop, &wd->phase_timer, on_phase_timer, wd) != 0) {
        return faas_err_set(err, ENOMEM, "no memory");
    }

    return 0;
}


void
wd_phase_check(struct wd *wd)
{
    if (wd->is_failed) {
        wd_conns_cut(wd);
        wd->phase = WD_ENDED;
        return;
    }

    if (wd->phase == WD_DRAINING && wd->n_conns == 0) {
        wd_listen_accept(wd);

        if (wd->n_conns == 0) {
            begin_stop(wd);
        }
    }

    if (wd->phase == WD_STOPPING && wd->mode->is_stopped(wd)) {
        wd->phase = WD_ENDED;
    }
}


void
wd_fail(struct wd *wd, const char *text)
{
    faas_log(FAAS_LOG_ERROR, "%s, ending", text);
    wd->exit_status = 1;
    wd->is_failed = 1;
}


static void
on_signal(struct wd_event *ev, uint32_t events)
{
    size_t                   i;
    ssize_t                  n;
    struct wd               *wd;
    struct signalfd_siginfo  info[SIGNALS_MAX];

    (void) events;      /* there is but one kind */
    wd = ev->owner;
    n = read(ev->fd, info, sizeof(info));

    for (i = 0; n > 0 && i < (size_t) n / sizeof(info[0]); i++) {
        switch (info[i].ssi_signo) {

        case SIGCHLD:
            wd_procs_reap(wd);
            break;

        case SIGTERM:
        case SIGINT:
            begin_end(wd, (int) info[i].ssi_signo);
            break;

        default:
            wd->mode->signal(wd, (int) info[i].ssi_signo);
        }
    }
}


static void
on_phase_timer(struct wd_timer *timer)
{
    struct wd  *wd;

    wd = timer->owner;

    switch (wd->phase) {

    case WD_UNREADY:
        begin_drain(wd);
        break;

    case WD_DRAINING:
        faas_log(FAAS_LOG_WARN, "not drained within write_timeout, cutting "
                 "connections off n=%zu", wd->n_conns);
        wd_conns_cut(wd);
        begin_stop(wd);
        break;

    case WD_STOPPING:
        wd->phase = WD_ENDED;
        break;

    case WD_SERVING:
    case WD_ENDED:
        break;
    }
}


/*
 * A second SIGTERM changes nothing: it may come from a parent that dies.  Who
 * presses Ctrl-C twice does not want to wait.
 */
static void
begin_end(struct wd *wd, int sig)
{
    char      text[FAAS_DURATION_TEXT];
    uint64_t  wait;

    if (wd->phase != WD_SERVING) {
        if (sig == SIGINT && wd->phase < WD_STOPPING) {
            wd_conns_cut(wd);
            begin_stop(wd);
        }

        return;
    }

    wait = wd->cfg.healthcheck_interval;

    if (wd->is_inherited && !wd->cfg.is_health_given) {
        wait = 0;
    }

    wd->phase = WD_UNREADY;
    wd_lock_remove(wd);

    if (wait == 0) {
        begin_drain(wd);
        return;
    }

    faas_duration_text(wait, text);
    faas_log(FAAS_LOG_NOTICE, "%s, unhealthy from now on, draining in %s",
             sig == SIGINT ? "SIGINT" : "SIGTERM", text);
    wd_timer_set(&wd->loop, &wd->phase_timer, wait);
}


static void
begin_drain(struct wd *wd)
{
    faas_log(FAAS_LOG_NOTICE, "draining connections=%zu inflight=%zu",
             wd->n_conns, wd->n_inflight);

    wd->phase = WD_DRAINING;
    wd->drain_end = wd->loop.now + wd->cfg.write_timeout * 1000000;
    wd_timer_set(&wd->loop, &wd->phase_timer, wd->cfg.write_timeout);
    wd_conns_kick(wd);
}


static void
begin_stop(struct wd *wd)
{
    uint64_t  grace;

    grace = wd->cfg.kill_grace;

    if (wd->drain_end > wd->loop.now + grace * 1000000) {
        grace = (wd->drain_end - wd->loop.now) / 1000000;
    }

    wd->phase = WD_STOPPING;
    wd_loop_close(&wd->loop, &wd->listener);
    wd_loop_close(&wd->loop, &wd->metrics);
    wd->mode->stop(wd, grace);
    wd_timer_set(&wd->loop, &wd->phase_timer, grace + STOP_EXTRA);
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * faas-watchdog: makes an HTTP server of any program.
 */

#include <errno.h>
#include <fcntl.h>
#include <llhttp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "conn.h"
#include "lib/faas_log.h"
#include "lib/faas_num.h"
#include "proc.h"


#define WD_VERSION     "0.1.0"
#if !defined(WD_REVISION)
#define WD_REVISION    "unknown"
#endif
#define EXIT_USAGE     2
#define GO_ON          (-1)
#define ENV_SPARE      8192     /* bytes beside those of a head */
#define FDS_PER_CONN   4        /* client, two pipes, their log */
#define FDS_SPARE      64

#if !defined(CLOSE_RANGE_CLOEXEC)
#define CLOSE_RANGE_CLOEXEC  4U
#endif

extern char  **environ;


static int turn(struct wd *wd, int is_hurried);
static int parse_args(int argc, char **argv);
static int is_option(const char *arg, const char *name);
static void tell_version(void);
static void tell(int fd, const char *text);
static int check_health(void);
static void close_on_exec(void);
static int open_std(struct wd *wd, struct faas_err *err);
static void raise_files(struct wd *wd);
static int init(struct wd *wd, struct faas_err *err);
static int is_fork(const struct wd *wd);
static void done(struct wd *wd);
static void announce(struct wd *wd);


static const char  usage[] =
    "Usage: faas-watchdog [--help | --version | --run-healthcheck]\n"
    "\n"
    "Serves HTTP, and answers each request with a program's output, with that\n"
    "of a long-lived program that serves HTTP itself, or with a file.\n"
    "--run-healthcheck tells by its exit status whether the lock file is\n"
    "there.  Settings are environment variables:\n"
    "\n"
    "  fprocess           the program and its arguments, between spaces\n"
    "  mode               streaming, serializing, http, static or classic; by\n"
    "                     default classic, or streaming where a variable is\n"
    "                     set that only OpenFaaS' of-watchdog knows\n"
    "  upstream_url       http://127.0.0.1:PORT or unix:/path of the program\n"
    "                     in mode http; without it the program is handed a\n"
    "                     listening socket as descriptor 3 (LISTEN_FDS)\n"
    "  port               8080, or unix:/path; not used where LISTEN_FDS\n"
    "                     hands a socket over\n"
    "  metrics_port       8081; 0: none\n"
    "  read_timeout, write_timeout, exec_timeout   30s each\n"
    "  max_inflight       requests at once; 0: no limit\n"
    "\n"
    "docs/configuration.md has all of them.\n";

static const struct wd_mode *const  modes[] = {
    [WD_MODE_CLASSIC] = &wd_mode_classic,
    [WD_MODE_SERIALIZING] = &wd_mode_serializing,
    [WD_MODE_STREAMING] = &wd_mode_streaming,
    [WD_MODE_HTTP] = &wd_mode_http,
    [WD_MODE_STATIC] = &wd_mode_static,
};

static struct wd  watchdog;


int
main(int argc, char **argv)
{
    int              rc;
    struct wd       *wd;
    struct faas_err  err;

    rc = parse_args(argc, argv);

    if (rc != GO_ON) {
        return rc;
    }

    wd = &watchdog;
    faas_log_init("faas-watchdog", FAAS_LOG_INFO);

    if (init(wd, &err) != 0) {
        faas_log(FAAS_LOG_ERROR, "cannot start: %s", err.text);
        done(wd);
        return EXIT_FAILURE;
    }

    announce(wd);

    /* who waits in the socket's queue comes before files and the log */

    if (turn(wd, 1) == 0 && wd->phase == WD_SERVING) {
        wd_lock_make(wd);
    }

    while (wd->phase != WD_ENDED) {
        wd_log_flush(&wd->log);

        if (turn(wd, !wd_list_is_empty(&wd->ready)) != 0) {
            break;
        }
    }

    wd_lock_remove(wd);
    wd_spawner_done(wd);
    wd_procs_kill_all(wd);
    wd_log_flush(&wd->log);

    rc = wd->exit_status;
    done(wd);

    return rc;
}


/*
 * One of the loop.  Returns 0, or -1 where there is none any more.
 */
static int
turn(struct wd *wd, int is_hurried)
{
    if (wd_loop_once(&wd->loop, is_hurried) != 0) {
        faas_log(FAAS_LOG_ERROR, "cannot wait for events, ending: %s",
                 strerror(errno));
        wd->phase = WD_ENDED;
        wd->exit_status = EXIT_FAILURE;
        return -1;
    }

    wd_conns_run(wd);
    wd_phase_check(wd);

    return 0;
}


/*
 * Returns the exit status, or GO_ON.
 */
static int
parse_args(int argc, char **argv)
{
    if (argc == 1) {
        return GO_ON;
    }

    if (argc == 2 && is_option(argv[1], "version")) {
        tell_version();
        return EXIT_SUCCESS;
    }

    if (argc == 2 && is_option(argv[1], "run-healthcheck")) {
        return check_health();
    }

    if (argc == 2 && (is_option(argv[1], "help")
                      || strcmp(argv[1], "-h") == 0))
    {
        tell(STDOUT_FILENO, usage);
        return EXIT_SUCCESS;
    }

    tell(STDERR_FILENO, usage);

    return EXIT_USAGE;
}


/*
 * With one dash or two, as Go's programs take them.
 */
static int
is_option(const char *arg, const char *name)
{
    return arg[0] == '-' && strcmp(arg + 1 + (arg[1] == '-'), name) == 0;
}


static void
tell_version(void)
{
    struct wd_log  log;

    wd_log_init(&log, 1);
    wd_log_line(&log, "Version: %s\tSHA: %s", WD_VERSION, WD_REVISION);
    wd_log_flush(&log);
}


static void
tell(int fd, const char *text)
{
    if (write(fd, text, strlen(text)) == -1) {
        return;                 /* there is nobody to tell that to */
    }
}


static int
check_health(void)
{
    char  path[WD_LOCK_MAX];

    if (wd_lock_path(wd_config_tmp(getenv), path, sizeof(path)) == 0
        && access(path, F_OK) == 0)
    {
        return EXIT_SUCCESS;
    }

    tell(STDERR_FILENO, "unable to find lock file.\n");

    return EXIT_FAILURE;
}


static int
init(struct wd *wd, struct faas_err *err)
{
    wd->listener.fd = -1;
    wd->metrics.fd = -1;
    wd->spawner.event.fd = -1;
    wd->signals.fd = -1;
    wd->null_fd = -1;
    wd->loop.epoll = -1;

    wd_list_init(&wd->conns);
    wd_list_init(&wd->idle);
    wd_list_init(&wd->ready);
    wd_list_init(&wd->free_conns);
    wd_procs_init(wd);

    close_on_exec();

    if (open_std(wd, err) != 0 || wd_config_init(&wd->cfg, getenv, err) != 0) {
        return -1;
    }

    wd_pool_init(&wd->buffers, wd->cfg.buffer_size);
    wd_log_init(&wd->log, wd->cfg.has_log_prefix);

    if (wd_env_init(&wd->env, environ, wd->cfg.max_head_size * 2 + ENV_SPARE)
        != 0)
    {
        return faas_err_set(err, ENOMEM, "no memory");
    }

    wd->env.has_cgi = wd->cfg.has_cgi;
    wd->env.is_classic = wd->cfg.mode == WD_MODE_CLASSIC;

    /* orphans of functions come to us; without it they go to init */
    (void) prctl(PR_SET_CHILD_SUBREAPER, 1);

    raise_files(wd);
    wd->mode = modes[wd->cfg.mode];

    if (wd_loop_init(&wd->loop, err) != 0
        || wd_phase_init(wd, err) != 0
        || wd_listen_init(wd, err) != 0
        || (is_fork(wd)
            && wd_spawner_init(wd, environ, wd->cfg.max_head_size * 2
                                            + ENV_SPARE, err)
               != 0)
        || wd->mode->init(wd, err) != 0)
    {
        return -1;
    }

    return 0;
}


/*
 * Whether there is a process a request.
 */
static int
is_fork(const struct wd *wd)
{
    return wd->cfg.mode == WD_MODE_CLASSIC
           || wd->cfg.mode == WD_MODE_SERIALIZING
           || wd->cfg.mode == WD_MODE_STREAMING;
}


static void
done(struct wd *wd)
{
    if (wd->loop.epoll != -1) {
        wd_conns_done(wd);

        if (wd->mode != NULL) {
            wd->mode->done(wd);
        }

        wd_spawner_done(wd);
        wd_procs_done(wd);
        wd_loop_close(&wd->loop, &wd->listener);
        wd_loop_close(&wd->loop, &wd->metrics);
        wd_loop_close(&wd->loop, &wd->signals);
        wd_loop_done(&wd->loop);
    }

    if (wd->null_fd != -1) {
        (void) close(wd->null_fd);      /* it takes everything */
    }

    wd_env_done(&wd->env);
    wd_pool_done(&wd->buffers);
    wd_config_done(&wd->cfg);
}


/*
 * What we were started with is not for functions.  A kernel before 5.11 does
 * not know the call; then it is up to who starts us.
 */
static void
close_on_exec(void)
{
#if defined(SYS_close_range)
    (void) syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);
#endif
}


/*
 * Descriptors of ours must not be 0, 1 or 2: the function's would replace
 * them.
 */
static int
open_std(struct wd *wd, struct faas_err *err)
{
    int  fd;

    do {
        fd = open("/dev/null", O_RDWR);

        if (fd == -1) {
            return faas_err_set(err, errno, "cannot open /dev/null: %s",
                                strerror(errno));
        }
    } while (fd < 3);

    wd->null_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    (void) close(fd);           /* there is a better copy */

    if (wd->null_fd == -1) {
        return faas_err_set(err, errno, "cannot copy a descriptor: %s",
                            strerror(errno));
    }

    return 0;
}


/*
 * The limit of a login is often below what max_connections needs.  Functions
 * get the old one back: some look at each number up to it.
 */
static void
raise_files(struct wd *wd)
{
    rlim_t         need;
    struct rlimit  limit;

    need = wd->cfg.max_connections * FDS_PER_CONN + FDS_SPARE;

    if (getrlimit(RLIMIT_NOFILE, &wd->files) != 0
        || wd->files.rlim_cur >= need)
    {
        return;
    }

    limit = wd->files;
    limit.rlim_cur = need < limit.rlim_max ? need : limit.rlim_max;

    /* musl's setrlimit() is made for threads, and ten times as large */

    if (prlimit(0, RLIMIT_NOFILE, &limit, NULL) == 0) {
        wd->child_files = &wd->files;
    }
}


static void
announce(struct wd *wd)
{
    char               text[4][FAAS_DURATION_TEXT];
    struct wd_config  *cfg;

    cfg = &wd->cfg;

    wd_log_line(&wd->log, "Version: %s\tSHA: %s", WD_VERSION, WD_REVISION);
    wd_log_line(&wd->log, "Watchdog mode: %s\tfprocess: \"%s\"",
                wd->mode->name, cfg->process != NULL ? cfg->process : "");
    faas_duration_text(cfg->read_timeout, text[0]);
    faas_duration_text(cfg->write_timeout, text[1]);
    faas_duration_text(cfg->exec_timeout, text[2]);
    faas_duration_text(cfg->healthcheck_interval, text[3]);

    wd_log_line(&wd->log, "Timeouts: read: %s write: %s hard: %s health: %s",
                text[0], text[1], text[2], text[3]);

    if (wd->is_inherited) {
        wd_log_line(&wd->log, "Listening on the socket given by LISTEN_FDS");

    } else if (cfg->listen.len != 0) {
        wd_log_line(&wd->log, "Listening on unix:%s",
                    ((struct sockaddr_un *) &cfg->listen.sa)->sun_path);

    } else {
        wd_log_line(&wd->log, "Listening on port: %u", (unsigned) cfg->port);
    }
}

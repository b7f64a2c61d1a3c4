/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The same for many functions, several at a time.
 */

#include "jobs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "out.h"


struct job {
    pid_t   pid;                    /* 0: not begun, or ended */
    double  began;                  /* seconds, monotonic */
};


static int run_one(struct cli *cli, const struct jobs *jobs, size_t i);
static int run_parallel(struct cli *cli, const struct jobs *jobs,
    size_t parallel);
static int begin(struct cli *cli, const struct jobs *jobs, size_t i,
    struct job *job);
static int wait_one(struct cli *cli, const struct jobs *jobs,
    struct job *job);
static size_t index_of(const struct jobs *jobs, const struct job *job,
    pid_t pid);
static void note_begun(struct cli *cli, const struct jobs *jobs, size_t i);
static void note_done(struct cli *cli, const struct jobs *jobs, size_t i,
    double began);
static double now(void);


int
jobs_run(struct cli *cli, const struct jobs *jobs)
{
    size_t  i, parallel;

    parallel = (size_t) args_number(&cli->args, "parallel");

    if (parallel > 1 && jobs->stack->n > 1) {
        return run_parallel(cli, jobs, parallel);
    }

    for (i = 0; i < jobs->stack->n; i++) {
        if (run_one(cli, jobs, i) != 0) {
            return -1;
        }
    }

    return 0;
}


static int
run_one(struct cli *cli, const struct jobs *jobs, size_t i)
{
    double            began;
    struct function  *fn;

    fn = &jobs->stack->functions[i];

    if (jobs->skips && fn->is_not_built) {
        out_note(cli, "%s has skip_build, skipped", fn->name);
        return 0;
    }

    note_begun(cli, jobs, i);
    began = now();

    if (jobs->run(cli, jobs->stack, fn, jobs->provider) != 0) {
        return -1;
    }

    note_done(cli, jobs, i, began);

    return 0;
}


static int
run_parallel(struct cli *cli, const struct jobs *jobs, size_t parallel)
{
    size_t       next, running, failed, n;
    struct job  *list;

    n = jobs->stack->n;
    list = pool_alloc(&cli->pool, n * sizeof(struct job));
    running = 0;
    failed = 0;

    for (next = 0; next < n || running > 0; /* void */ ) {

        if (next < n && running < parallel) {
            if (jobs->skips && jobs->stack->functions[next].is_not_built) {
                next++;
                continue;
            }

            if (begin(cli, jobs, next, &list[next]) == 0) {
                running++;

            } else {
                out_error(cli, cli->err.text);
                failed++;
            }

            next++;
            continue;
        }

        failed += wait_one(cli, jobs, list) != 0;
        running--;
    }

    return failed == 0
           ? 0 : cli_fail(cli, "%zu of %zu functions have failed, see above",
                          failed, n);
}


static int
begin(struct cli *cli, const struct jobs *jobs, size_t i, struct job *job)
{
    int  rc;

    note_begun(cli, jobs, i);
    (void) fflush(stdout);
    job->began = now();
    job->pid = fork();

    if (job->pid < 0) {
        return cli_fail(cli, "a process: %s", strerror(errno));
    }

    if (job->pid == 0) {
        rc = jobs->run(cli, jobs->stack, &jobs->stack->functions[i],
                       jobs->provider);

        if (rc != 0 && cli->err.text[0] != '\0') {
            out_error(cli, cli->err.text);
        }

        (void) fflush(stdout);
        _exit(rc == 0 ? CLI_OK : CLI_FAILED);
    }

    return 0;
}


static int
wait_one(struct cli *cli, const struct jobs *jobs, struct job *job)
{
    int     status;
    pid_t   pid;
    size_t  i;

    do {
        pid = waitpid(-1, &status, 0);
        i = index_of(jobs, job, pid);

        /* faas-https is a child as well */

    } while ((pid < 0 && errno == EINTR) || (pid > 0 && i == jobs->stack->n));

    if (pid < 0) {
        return -1;
    }

    job[i].pid = 0;

    if (status != 0) {
        return -1;
    }

    note_done(cli, jobs, i, job[i].began);

    return 0;
}


/*
 * The job of a process; the number of jobs where it is none of theirs.
 */
static size_t
index_of(const struct jobs *jobs, const struct job *job, pid_t pid)
{
    size_t  i;

    for (i = 0; i < jobs->stack->n && job[i].pid != pid; i++) { /* void */ }

    return i;
}


static void
note_begun(struct cli *cli, const struct jobs *jobs, size_t i)
{
    out_note(cli, "%s[%zu/%zu]%s %s %s", out_colour_err(cli, OUT_BOLD), i + 1,
             jobs->stack->n, out_colour_err(cli, OUT_PLAIN), jobs->begun,
             jobs->stack->functions[i].name);
}


static void
note_done(struct cli *cli, const struct jobs *jobs, size_t i, double began)
{
    out_note(cli, "%s[%zu/%zu]%s %s %s in %.1f s",
             out_colour_err(cli, OUT_GREEN), i + 1, jobs->stack->n,
             out_colour_err(cli, OUT_PLAIN), jobs->done,
             jobs->stack->functions[i].name, now() - began);
}


static double
now(void)
{
    struct timespec  ts;

    (void) clock_gettime(CLOCK_MONOTONIC, &ts);

    return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}

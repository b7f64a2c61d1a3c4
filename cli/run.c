/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Other programs.
 */

#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/faas_buf.h"

#include "file.h"
#include "out.h"


#define NOT_STARTED  127            /* the child's status where exec failed */
#define PIECE        4096           /* bytes that are read at a time */


static void child(struct run *run, int in, int out)
    __attribute__((noreturn));
static int collect(struct cli *cli, struct run *run, int fd,
    struct faas_buf *buf);
static int wait_for(pid_t pid);
static int finish(struct cli *cli, struct run *run, int status,
    struct faas_buf *buf);


void
run_add_words(struct cli *cli, struct run *run, const char *const *words)
{
    for ( /* void */ ; *words != NULL; words++) {
        texts_add(&cli->pool, &run->argv, *words);
    }
}


int
run_program(struct cli *cli, struct run *run)
{
    int               in, rc, pipe_fds[2];
    pid_t             pid;
    struct faas_buf   buf;

    in = open("/dev/null", O_RDONLY | O_CLOEXEC);

    if (in < 0) {
        return cli_fail(cli, "/dev/null: %s", strerror(errno));
    }

    pipe_fds[0] = -1;
    pipe_fds[1] = -1;

    if (run->output != RUN_SHOW && pipe2(pipe_fds, O_CLOEXEC) != 0) {
        (void) close(in);
        return cli_fail(cli, "a pipe: %s", strerror(errno));
    }

    (void) fflush(stdout);
    (void) fflush(stderr);
    texts_add(&cli->pool, &run->argv, NULL);
    run->argv.n--;

    pid = fork();

    if (pid == 0) {
        child(run, in, pipe_fds[1]);
    }

    (void) close(in);

    if (run->output != RUN_SHOW) {
        (void) close(pipe_fds[1]);
    }

    faas_buf_init(&buf, RUN_OUTPUT_MAX);
    rc = pid < 0 ? cli_fail(cli, "a process: %s", strerror(errno)) : 0;

    if (rc == 0 && run->output != RUN_SHOW) {
        rc = collect(cli, run, pipe_fds[0], &buf);
    }

    if (run->output != RUN_SHOW) {
        (void) close(pipe_fds[0]);
    }

    if (pid > 0) {
        int  status = wait_for(pid);

        rc = rc == 0 ? finish(cli, run, status, &buf) : rc;
    }

    faas_buf_done(&buf);

    return rc;
}


int
run_find(struct cli *cli, const char *name)
{
    char        *file;
    size_t       len;
    const char  *p;

    if (strchr(name, '/') != NULL) {
        return access(name, X_OK) == 0;
    }

    for (p = getenv("PATH"); p != NULL && *p != '\0'; p += p[len] != '\0'
         ? len + 1 : len)
    {
        len = strcspn(p, ":");
        file = pool_printf(&cli->pool, "%.*s/%s", (int) len, p, name);

        if (file_kind(file) == FILE_OTHER && access(file, X_OK) == 0) {
            return 1;
        }
    }

    return 0;
}


const char *
run_quote(struct cli *cli, const char *text)
{
    char        *quoted, *p;
    const char  *s;

    if (text[0] != '\0'
        && strpbrk(text, " \t\n\"'$&|;<>*?()\\#~`[]{}!") == NULL)
    {
        return text;
    }

    /* what is between quotes has no quote: each is outside, as \' */

    quoted = pool_alloc(&cli->pool, strlen(text) * 4 + 3);
    p = quoted;
    *p++ = '\'';

    for (s = text; *s != '\0'; s++) {

        if (*s == '\'') {
            *p++ = '\'';
            *p++ = '\\';
            *p++ = '\'';
        }

        *p++ = *s;
    }

    *p = '\'';

    return quoted;
}


const char *
run_text(struct cli *cli, const struct run *run)
{
    size_t         i;
    struct texts   words = { NULL, 0, 0 };

    for (i = 0; i < run->argv.n; i++) {
        texts_add(&cli->pool, &words, run_quote(cli, run->argv.at[i]));
    }

    return texts_join(&cli->pool, &words, " ");
}


static void
child(struct run *run, int in, int out)
{
    size_t            i;
    struct sigaction  usual = { .sa_handler = SIG_DFL };

    (void) sigaction(SIGPIPE, &usual, NULL);
    (void) dup2(in, STDIN_FILENO);
    (void) dup2(out >= 0 ? out : STDERR_FILENO, STDOUT_FILENO);

    if (run->output == RUN_QUIET) {
        (void) dup2(out, STDERR_FILENO);
    }

    for (i = 0; i < run->env.n; i++) {
        (void) setenv(run->env.at[i].name, run->env.at[i].value, 1);
    }

    if (run->dir == NULL || chdir(run->dir) == 0) {
        (void) execvp(run->argv.at[0], (char *const *) run->argv.at);
    }

    _exit(NOT_STARTED);
}


/*
 * What is too much is read and thrown away, so that it does not wait for us.
 */
static int
collect(struct cli *cli, struct run *run, int fd, struct faas_buf *buf)
{
    char     piece[PIECE];
    ssize_t  n;

    do {
        n = read(fd, piece, sizeof(piece));

        if (n > 0 && !buf->is_failed) {
            (void) faas_buf_add(buf, piece, (size_t) n);
        }

    } while (n > 0 || (n < 0 && errno == EINTR));

    return n == 0 ? 0 : cli_fail(cli, "the output of %.60s: %s",
                                 run->argv.at[0], strerror(errno));
}


static int
wait_for(pid_t pid)
{
    int  status;

    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            return -1;
        }
    }

    return status;
}


static int
finish(struct cli *cli, struct run *run, int status, struct faas_buf *buf)
{
    const char  *name;

    name = run->argv.at[0];

    if (status != 0 && run->output == RUN_QUIET && buf->len != 0) {
        (void) fwrite(buf->data, 1, buf->len, stderr);
    }

    if (run->output == RUN_KEEP) {
        run->kept = pool_copy(&cli->pool, buf->data, buf->len);
    }

    if (status == 0) {
        return 0;
    }

    if (WIFSIGNALED(status)) {
        return cli_fail(cli, "%.60s was ended by signal %d", name,
                        WTERMSIG(status));
    }

    if (WEXITSTATUS(status) == NOT_STARTED && !run_find(cli, name)) {
        return cli_fail(cli, "there is no program %.60s in PATH, install it",
                        name);
    }

    return cli_fail(cli, "%.60s has failed, with exit status %d%s", name,
                    WEXITSTATUS(status),
                    run->output == RUN_KEEP ? "" : "; its output is above");
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * faas: the command line.  Reads the arguments, runs the command, says what
 * was wrong.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "commands.h"
#include "help.h"
#include "http_helper.h"
#include "out.h"
#include "similar.h"


static struct cli  cli;


static void open_standard(void);
static int run(void);
static int run_plugin(char **argv);
static int unknown_command(const char *word);


int
main(int argc, char **argv)
{
    int               rc;
    struct sigaction  ignore = { .sa_handler = SIG_IGN };

    open_standard();

    /* a reader that has gone is an error of write(), and is reported */
    (void) sigaction(SIGPIPE, &ignore, NULL);

    out_init(&cli);
    rc = args_parse(&cli.args, &cli.pool, argc, argv, &cli.err);

    if (rc == 0 && cli.args.command == NULL && cli.args.rest.n > 0) {
        rc = run_plugin(argv + argc - cli.args.rest.n);

        if (rc == CLI_NO_EXEC) {
            return rc;
        }

    } else if (rc == 0) {
        rc = run();
    }

    if (cli.err.text[0] != '\0') {
        out_error(&cli, cli.err.text);
        cli.err.text[0] = '\0';
    }

    if (out_flush(&cli) != 0) {
        out_error(&cli, cli.err.text);
        rc = -1;
    }

    http_helper_done(&cli);

    /* pool_done() would only take time: it ends */

    return rc == 0 ? CLI_OK : CLI_FAILED;
}


/*
 * A file that is opened must not become one of the three, or what is printed
 * would be in it.  To write to those that were closed stays an error.
 */
static void
open_standard(void)
{
    int  fd;

    for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0) {
            /* the lowest that is free: it is this one */
            (void) !open("/dev/null", O_RDONLY);
        }
    }
}


static int
run(void)
{
    const struct command  *command;

    command = cli.args.command;

    if (command == NULL || command->run == NULL || cli.args.wants_help) {
        help_print(&cli, command);
        return 0;
    }

    return command->run(&cli);
}


/*
 * A command that is none of ours may be a program in ~/.openfaas/plugins.
 * Returns -1 with cli.err, or CLI_NO_EXEC.
 */
static int
run_plugin(char **argv)
{
    char        *path;
    const char  *home;

    home = getenv("HOME");

    if (home == NULL || strchr(argv[0], '/') != NULL || argv[0][0] == '.') {
        return unknown_command(argv[0]);
    }

    path = pool_printf(&cli.pool, "%s/.openfaas/plugins/%s", home, argv[0]);

    if (access(path, F_OK) != 0) {
        return unknown_command(argv[0]);
    }

    (void) execv(path, argv);

    (void) cli_fail(&cli, "plugin %.200s: %s", path, strerror(errno));
    out_error(&cli, cli.err.text);

    return CLI_NO_EXEC;
}


static int
unknown_command(const char *word)
{
    size_t                 i;
    struct similar         s;
    const struct command  *command;

    similar_init(&s, word, strlen(word));

    for (i = 0; (command = command_at(i)) != NULL; i++) {
        if (!command->is_hidden && command_is_below(command, "")) {
            similar_try(&s, command->name);
        }
    }

    return cli_fail(&cli, "there is no command \"%.60s\"%s%s; \"faas help\" "
                    "lists them", word, s.best != NULL ? ", but " : "",
                    s.best != NULL ? s.best : "");
}

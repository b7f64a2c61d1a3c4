/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * login, logout.
 */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "api.h"
#include "cmd.h"
#include "codec.h"
#include "config.h"
#include "file.h"
#include "out.h"


#define PASSWORD_MAX  4096          /* bytes */


static const char *read_password(struct cli *cli);
static const char *ask_password(struct cli *cli);
static void on_signal(int signo);


int
cmd_login(struct cli *cli)
{
    int                    had;
    long                   status;
    const char            *user, *password, *text;
    struct api             api;
    struct config_entry    entry;

    user = args_text(&cli->args, "username");

    if (user[0] == '\0' || strchr(user, ':') != NULL) {
        return cli_fail(cli, "--username: \"%.60s\" is no name of a user",
                        user);
    }

    password = read_password(cli);

    if (password == NULL || api_connect(&api, cli) != 0) {
        return -1;
    }

    text = pool_printf(&cli->pool, "%s:%s", user, password);
    entry.gateway = api.gateway;
    entry.auth = "basic";
    entry.token = codec_base64(&cli->pool, text, strlen(text));
    api.authorization = pool_printf(&cli->pool, "Authorization: Basic %s",
                                    entry.token);

    (void) puts("Calling the OpenFaaS server to validate the credentials...");

    if (api_call(&api, "GET", "/system/functions", NULL, &status, NULL)
        != 0)
    {
        return status == 401
               ? cli_fail(cli, "unable to login, either username or password "
                          "is incorrect") : -1;
    }

    if (config_save(cli, &entry, &had) != 0) {
        return -1;
    }

    (void) printf("credentials saved for %s %s\n", user, api.gateway);

    return 0;
}


int
cmd_logout(struct cli *cli)
{
    int                    had;
    struct api             api;
    struct config_entry    entry = { NULL, NULL, NULL };

    if (api_connect(&api, cli) != 0) {
        return -1;
    }

    entry.gateway = api.gateway;

    if (config_save(cli, &entry, &had) != 0) {
        return -1;
    }

    if (!had) {
        return cli_fail(cli, "nothing is saved for %.160s", api.gateway);
    }

    (void) printf("credentials removed for %s\n", api.gateway);

    return 0;
}


/*
 * From the flag, with a warning, from standard input, or from the terminal.
 */
static const char *
read_password(struct cli *cli)
{
    char        *text;
    size_t       len;
    const char  *password;

    password = args_text(&cli->args, "password");

    if (password != NULL) {

        if (args_bool(&cli->args, "password-stdin")) {
            (void) cli_fail(cli, "--password and --password-stdin exclude one "
                            "another");
            return NULL;
        }

        out_warn_argument(cli, "password", ", use --password-stdin");

    } else if (args_bool(&cli->args, "password-stdin")) {
        text = file_read(&cli->pool, "-", PASSWORD_MAX, &len, &cli->err);

        if (text == NULL) {
            return NULL;
        }

        if (memchr(text, '\0', len) != NULL) {
            (void) cli_fail(cli, "the password has a zero byte");
            return NULL;
        }

        while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL) {
            text[--len] = '\0';
        }

        password = text + strspn(text, " \t\r\n");

    } else {
        password = ask_password(cli);
    }

    if (password != NULL && password[0] == '\0') {
        (void) cli_fail(cli, "the password is empty");
        return NULL;
    }

    return password;
}


static const char *
ask_password(struct cli *cli)
{
    char            text[PASSWORD_MAX + 2], *line;
    struct termios  usual, quiet;

    /* without SA_RESTART: a signal ends the reading, and the echo is back */
    struct sigaction  wake = { .sa_handler = on_signal }, before;

    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &usual) != 0) {
        (void) cli_fail(cli, "there is no terminal to ask for the password: "
                        "use --password-stdin");
        return NULL;
    }

    quiet = usual;
    quiet.c_lflag &= (tcflag_t) ~ECHO;
    (void) fputs("Password: ", stderr);
    (void) sigaction(SIGINT, &wake, &before);
    (void) tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    line = fgets(text, sizeof(text), stdin);
    (void) tcsetattr(STDIN_FILENO, TCSAFLUSH, &usual);
    (void) sigaction(SIGINT, &before, NULL);
    (void) fputc('\n', stderr);

    if (line == NULL) {
        (void) cli_fail(cli, "no password was given");
        return NULL;
    }

    text[strcspn(text, "\r\n")] = '\0';

    if (strlen(text) > PASSWORD_MAX) {
        (void) cli_fail(cli, "the password is over %d bytes", PASSWORD_MAX);
        return NULL;
    }

    return pool_text(&cli->pool, text);
}


static void
on_signal(int signo)
{
    (void) signo;
}

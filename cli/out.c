/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What is shown.
 */

#include "out.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>


static const char *sequence(enum out_colour colour);
static int is_control(char c);


void
out_init(struct cli *cli)
{
    int          may_colour;
    const char  *term, *no_color;

    term = getenv("TERM");
    no_color = getenv("NO_COLOR");
    may_colour = (no_color == NULL || no_color[0] == '\0') && term != NULL
                 && strcmp(term, "dumb") != 0;

    cli->has_colour = may_colour && isatty(STDOUT_FILENO);
    cli->has_colour_err = may_colour && isatty(STDERR_FILENO);

    /* musl's own buffer is small, and its first line is written at once */

    if (!isatty(STDOUT_FILENO)) {
        (void) setvbuf(stdout, cli->output, _IOFBF, sizeof(cli->output));
    }
}


const char *
out_colour(const struct cli *cli, enum out_colour colour)
{
    return cli->has_colour ? sequence(colour) : "";
}


const char *
out_colour_err(const struct cli *cli, enum out_colour colour)
{
    return cli->has_colour_err ? sequence(colour) : "";
}


void
out_note(const struct cli *cli, const char *fmt, ...)
{
    va_list  args;

    (void) cli;
    (void) fflush(stdout);

    va_start(args, fmt);
    (void) vfprintf(stderr, fmt, args);
    va_end(args);

    (void) fputc('\n', stderr);
}


void
out_warn(const struct cli *cli, const char *fmt, ...)
{
    va_list  args;

    (void) fflush(stdout);
    (void) fprintf(stderr, "%swarning:%s ", out_colour_err(cli, OUT_YELLOW),
                   out_colour_err(cli, OUT_PLAIN));

    va_start(args, fmt);
    (void) vfprintf(stderr, fmt, args);
    va_end(args);

    (void) fputc('\n', stderr);
}


void
out_warn_argument(const struct cli *cli, const char *flag,
    const char *instead)
{
    out_warn(cli, "other users of this machine can see what is given with "
             "--%s%s", flag, instead);
}


void
out_error(const struct cli *cli, const char *text)
{
    const char  *p;

    (void) fflush(stdout);
    (void) fprintf(stderr, "%serror:%s ", out_colour_err(cli, OUT_RED),
                   out_colour_err(cli, OUT_PLAIN));

    for (p = text; *p != '\0'; p++) {
        (void) fputc(is_control(*p) && *p != '\n' ? '?' : *p, stderr);
    }

    (void) fputc('\n', stderr);
}


const char *
out_safe(struct cli *cli, const char *text)
{
    char    *copy;
    size_t   i;

    for (i = 0; text[i] != '\0' && !is_control(text[i]); i++) {
        /* void */
    }

    if (text[i] == '\0') {
        return text;
    }

    copy = pool_text(&cli->pool, text);

    for (i = 0; copy[i] != '\0'; i++) {
        if (is_control(copy[i])) {
            copy[i] = '?';
        }
    }

    return copy;
}


const char *
out_field(struct cli *cli, const json_t *object, const char *name)
{
    const char  *text;

    text = json_string_value(json_object_get(object, name));

    return text != NULL ? out_safe(cli, text) : "";
}


void
out_put_safe(const char *text, size_t len)
{
    size_t  i;

    for (i = 0; i < len; i++) {
        (void) putchar(is_control(text[i]) ? '?' : text[i]);
    }
}


int
out_json(struct cli *cli, const json_t *value)
{
    if (json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY) != 0) {
        return cli_fail(cli, "the output cannot be written: %s",
                        strerror(errno));
    }

    (void) putchar('\n');

    return 0;
}


int
out_is_json(const struct cli *cli)
{
    const char  *form;

    form = args_text(&cli->args, "output");

    return args_bool(&cli->args, "json")
           || (form != NULL && strcmp(form, "json") == 0);
}


int
out_flush(struct cli *cli)
{
    errno = 0;

    if (fflush(stdout) != 0 || ferror(stdout)) {
        return cli_fail(cli, "the output cannot be written%s%s",
                        errno != 0 ? ": " : "",
                        errno != 0 ? strerror(errno) : "");
    }

    return 0;
}


static const char *
sequence(enum out_colour colour)
{
    switch (colour) {

    case OUT_PLAIN:
        break;

    case OUT_BOLD:
        return "\033[1m";

    case OUT_RED:
        return "\033[31m";

    case OUT_GREEN:
        return "\033[32m";

    case OUT_YELLOW:
        return "\033[33m";
    }

    return "\033[0m";
}


static int
is_control(char c)
{
    return ((unsigned char) c < 0x20 && c != '\t') || c == 0x7f;
}

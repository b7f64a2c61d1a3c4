/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What --help says, and the man page.
 */

#include "help.h"

#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "cmd.h"
#include "commands.h"
#include "out.h"
#include "similar.h"


#define WIDTH    78                 /* columns */
#define INDENT   6                  /* of a flag's help */
#define PADDING  16                 /* columns of a command's name */
#define HELP_MAX 512                /* bytes of a flag's help */


static void print_commands(const struct cli *cli, const char *parent);
static void print_flags(const struct cli *cli, const struct command *command);
static int has_below(const char *parent);
static void wrap(const char *text, int indent);
static void man_text(const char *text);
static void man_lines(const char *text);
static void man_command(const struct command *command);
static void man_flag(const struct flag *flag);


static const char  intro[] =
    "faas - functions, from a folder to a URL\n"
    "\n"
    "usage: faas COMMAND [WORDS] [FLAGS]\n";

static const struct {
    const char  *name;
    const char  *text;
} variables[] = {
    { "OPENFAAS_URL", "the gateway, where neither --gateway nor the stack "
      "file says" },
    { "OPENFAAS_CONFIG", "folder of config.yml, in the place of ~/.openfaas; "
      "with CI=true it is ./.openfaas" },
    { "OPENFAAS_PREFIX", "what names of images begin with, for new" },
    { "OPENFAAS_TEMPLATE_URL", "repository that template pull clones" },
    { "OPENFAAS_TEMPLATE_STORE_URL", "list of the store of templates" },
    { "OPENFAAS_STORE", "list of the store of functions" },
    { "FAAS_PROVIDER", "process or swarm, what builds are for" },
    { "FAAS_FUNCTIONS_DIR", "where images of the process provider go" },
    { "FAAS_TEMPLATES", "folder of the templates that are installed" },
    { "FAAS_WATCHDOG", "the watchdog's program, for local-run" },
    { "FAAS_DEBUG", "1: requests are shown, without passwords" },
    { "NO_COLOR", "not empty: no colour" },
};


int
cmd_help(struct cli *cli)
{
    size_t                 i;
    const char            *parent;
    const struct command  *command;

    command = NULL;
    parent = "";

    for (i = 0; i < cli->args.words.n; i++) {
        command = command_find(parent, cli->args.words.at[i]);

        if (command == NULL) {
            return cli_fail(cli, "there is no command \"%s%s%.60s\"", parent,
                            parent[0] != '\0' ? " " : "",
                            cli->args.words.at[i]);
        }

        parent = command->name;
    }

    help_print(cli, command);

    return 0;
}


void
help_print(const struct cli *cli, const struct command *command)
{
    if (command == NULL) {
        (void) fputs(intro, stdout);
        print_commands(cli, "");
        (void) printf("\n\"faas COMMAND --help\" tells more of each; man "
                      "faas has it all.\n");
        return;
    }

    (void) printf("faas %s - %s\n\nusage: faas %s%s%s%s\n", command->name,
                  command->summary, command->name,
                  command->words != NULL ? " " : "",
                  command->words != NULL ? command->words : "",
                  has_below(command->name) ? " [COMMAND]" : " [FLAGS]");

    if (command->aliases != NULL) {
        (void) printf("also called: %s\n", command->aliases);
    }

    if (command->help != NULL) {
        (void) putchar('\n');
        wrap(command->help, 0);
    }

    if (command->example != NULL) {
        (void) printf("\n%sexamples%s\n\n", out_colour(cli, OUT_BOLD),
                      out_colour(cli, OUT_PLAIN));
        (void) printf("%s\n", command->example);
    }

    if (has_below(command->name)) {
        print_commands(cli, command->name);
    }

    print_flags(cli, command);
}


/*
 * The page in troff, by the macros of man(7).
 */
int
cmd_man(struct cli *cli)
{
    size_t                 i;
    const struct command  *command;

    (void) cli;
    (void) printf(".TH FAAS 1 \"\" \"ngx_faas %s\" \"User commands\"\n"
                  ".SH NAME\nfaas \\- functions, from a folder to a URL\n"
                  ".SH SYNOPSIS\n.B faas\n.I COMMAND\n[words] [flags]\n"
                  ".SH DESCRIPTION\n", FAAS_VERSION);
    man_text("The command line of ngx_faas, and of what else has OpenFaaS' "
             "API.  Names and meanings are those of faas-cli.");
    (void) printf(".SH COMMANDS\n");

    for (i = 0; (command = command_at(i)) != NULL; i++) {
        if (!command->is_hidden && command->run != NULL) {
            man_command(command);
        }
    }

    (void) printf(".SH FLAGS OF EACH COMMAND\n");

    for (i = 0; command_find_flag(NULL, "help", 4) != NULL; i++) {
        const struct flag  *flag = command_flag(command_find("", "help"), i);

        if (flag == NULL) {
            break;
        }

        man_flag(flag);
    }

    (void) printf(".SH ENVIRONMENT\n");

    for (i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
        (void) printf(".TP\n.B %s\n", variables[i].name);
        man_text(variables[i].text);
    }

    (void) printf(".SH FILES\n.TP\n.B ~/.openfaas/config.yml\n");
    man_text("saved passwords, mode 0600");
    (void) printf(".TP\n.B stack.yaml, stack.yml\n");
    man_text("the stack file");
    (void) printf(".SH EXIT STATUS\n.TP\n.B 0\n");
    man_text("done");
    (void) printf(".TP\n.B 1\n");
    man_text("not, or not wholly; the reason is on standard error");
    (void) printf(".TP\n.B 127\n");
    man_text("a plugin cannot be started");

    return 0;
}


static void
print_commands(const struct cli *cli, const char *parent)
{
    size_t                 i;
    const struct command  *command;

    (void) printf("\n%scommands%s\n\n", out_colour(cli, OUT_BOLD),
                  out_colour(cli, OUT_PLAIN));

    for (i = 0; (command = command_at(i)) != NULL; i++) {
        if (!command->is_hidden && command_is_below(command, parent)) {
            (void) printf("  %-*s %s\n", PADDING, command_word(command),
                          command->summary);
        }
    }
}


static void
print_flags(const struct cli *cli, const struct command *command)
{
    char                text[HELP_MAX];
    size_t              i;
    const struct flag  *flag;

    (void) printf("\n%sflags%s\n\n", out_colour(cli, OUT_BOLD),
                  out_colour(cli, OUT_PLAIN));

    for (i = 0; (flag = command_flag(command, i)) != NULL; i++) {

        if (flag->letter != 0) {
            (void) printf("  -%c, --%s", flag->letter, flag->name);

        } else {
            (void) printf("      --%s", flag->name);
        }

        (void) snprintf(text, sizeof(text), "%s%s%s", flag->help,
                        flag->fallback != NULL ? "; default: " : "",
                        flag->fallback != NULL ? flag->fallback : "");
        (void) printf("%s%s\n", flag->value != NULL ? " " : "",
                      flag->value != NULL ? flag->value : "");
        wrap(text, INDENT + 4);
    }
}


static int
has_below(const char *parent)
{
    size_t                 i;
    const struct command  *command;

    for (i = 0; (command = command_at(i)) != NULL; i++) {
        if (command_is_below(command, parent)) {
            return 1;
        }
    }

    return 0;
}


static void
wrap(const char *text, int indent)
{
    int          column;
    size_t       len;
    const char  *p;

    column = 0;

    for (p = text; *p != '\0'; p += strspn(p, " ")) {
        len = strcspn(p, " ");

        if (column != 0 && column + (int) len + 1 > WIDTH) {
            (void) putchar('\n');
            column = 0;
        }

        if (column == 0) {
            (void) printf("%*s%.*s", indent, "", (int) len, p);
            column = indent + (int) len;

        } else {
            (void) printf(" %.*s", (int) len, p);
            column += (int) len + 1;
        }

        p += len;
    }

    (void) putchar('\n');
}


/*
 * What troff would read as its own is kept from it.
 */
static void
man_text(const char *text)
{
    man_lines(text);
    (void) putchar('\n');
}


static void
man_lines(const char *text)
{
    const char  *p;

    for (p = text; *p != '\0'; p++) {

        if ((p == text || p[-1] == '\n') && (*p == '.' || *p == '\'')) {
            (void) fputs("\\&", stdout);
        }

        if (*p == '\\') {
            (void) fputs("\\e", stdout);

        } else if (*p == '-') {
            (void) fputs("\\-", stdout);

        } else {
            (void) putchar(*p);
        }
    }
}


static void
man_command(const struct command *command)
{
    size_t              i;
    const struct flag  *flag;

    (void) printf(".SS \"faas %s%s%s\"\n", command->name,
                  command->words != NULL ? " " : "",
                  command->words != NULL ? command->words : "");
    man_text(command->summary);

    if (command->aliases != NULL) {
        (void) printf(".PP\nAlso called: %s\n", command->aliases);
    }

    if (command->help != NULL) {
        (void) printf(".PP\n");
        man_text(command->help);
    }

    if (command->example != NULL) {
        (void) printf(".PP\n.nf\n");
        man_text(command->example);
        (void) printf(".fi\n");
    }

    for (i = 0; (flag = command_flag(command, i)) != NULL; i++) {

        if (flag == command_find_flag(NULL, flag->name, strlen(flag->name))) {
            break;                  /* those that each has come last */
        }

        man_flag(flag);
    }
}


static void
man_flag(const struct flag *flag)
{
    (void) printf(".TP\n.B ");

    if (flag->letter != 0) {
        (void) printf("\\-%c, ", flag->letter);
    }

    (void) printf("\\-\\-");
    man_lines(flag->name);

    if (flag->value != NULL) {
        (void) putchar(' ');
        man_lines(flag->value);
    }

    (void) putchar('\n');
    man_lines(flag->help);

    if (flag->fallback != NULL && flag->fallback[0] != '\0') {
        (void) printf("; default: ");
        man_lines(flag->fallback);
    }

    (void) putchar('\n');
}

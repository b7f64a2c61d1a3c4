/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Completion: the scripts of the three shells are a few lines each, and ask
 * the program itself, which knows the table of commands; it starts fast enough
 * to be asked at each key.
 *
 * An answer is a candidate a line; a line ":file" or ":dir" asks the shell for
 * its own of that kind.
 */

#include <stdio.h>
#include <string.h>

#include "api.h"
#include "cli.h"
#include "cmd.h"
#include "commands.h"
#include "http.h"
#include "out.h"
#include "template.h"


#define ASK_MSEC  2000              /* for names from the gateway */


/* what is known of the words before the one that is completed */
struct words {
    const struct command  *command; /* NULL: none yet */
    const struct flag     *flag;    /* whose value is next, or NULL */
    size_t                 n;       /* words that are no flags */
};


static void read_words(struct cli *cli, struct words *words);
static void print_if(const char *word, const char *candidate);
static void flags_of(const struct command *command, const char *word);
static int commands_below(const char *parent, const char *word);
static int value_of(struct cli *cli, const struct flag *flag,
    const char *word);
static int words_of(struct cli *cli, const struct words *words,
    const char *word);
static int functions(struct cli *cli, const char *word);
static int templates(struct cli *cli, const char *word);
static int choices(const char *list, const char *word);


static const char  bash_script[] =
    "# bash completion of faas\n"
    "_faas() {\n"
    "    local line i cur=${COMP_WORDS[COMP_CWORD]}\n"
    "    local -a words=()\n"
    "    COMPREPLY=()\n"
    "    # --name=value is three words here\n"
    "    for ((i = 1; i <= COMP_CWORD; i++)); do\n"
    "        if [[ $i -gt 1 && ( ${COMP_WORDS[i]} == '='\n"
    "              || ${COMP_WORDS[i - 1]} == '=' ) ]]; then\n"
    "            words[-1]+=${COMP_WORDS[i]}\n"
    "        else\n"
    "            words+=(\"${COMP_WORDS[i]}\")\n"
    "        fi\n"
    "    done\n"
    "    [[ $cur == '=' ]] && cur=\n"
    "    while IFS= read -r line; do\n"
    "        case $line in\n"
    "        :file) mapfile -t COMPREPLY < <(compgen -f -- \"$cur\") ;;\n"
    "        :dir)  mapfile -t COMPREPLY < <(compgen -d -- \"$cur\") ;;\n"
    "        *)     COMPREPLY+=(\"$line\") ;;\n"
    "        esac\n"
    "    done < <(\"${COMP_WORDS[0]}\" __complete \"${words[@]}\" \\\n"
    "        2> /dev/null)\n"
    "}\n"
    "complete -o filenames -F _faas faas\n";

static const char  zsh_script[] =
    "#compdef faas\n"
    "# zsh completion of faas\n"
    "_faas() {\n"
    "    local line\n"
    "    local -a found lines\n"
    "    lines=(\"${(@f)$(\"${words[1]}\" __complete \\\n"
    "        \"${(@Q)words[2,CURRENT]}\" 2> /dev/null)}\")\n"
    "    # what is completed of --name=value is the value\n"
    "    [[ $PREFIX == --*=* ]] && compset -P 1 '*='\n"
    "    for line in $lines; do\n"
    "        case $line in\n"
    "        :file) _files ;;\n"
    "        :dir)  _files -/ ;;\n"
    "        *)     found+=(\"$line\") ;;\n"
    "        esac\n"
    "    done\n"
    "    compadd -a found\n"
    "}\n"
    "if [ \"$funcstack[1]\" = _faas ]; then _faas \"$@\"\n"
    "else compdef _faas faas; fi\n";

static const char  fish_script[] =
    "# fish completion of faas\n"
    "function __faas_complete\n"
    "    set -l words (commandline -opc)\n"
    "    set -l cur (commandline -ct)\n"
    "    # what is completed of --name=value is the value\n"
    "    set -l name (string match -r -- '^--[^=]*=' $cur)\n"
    "    set -l value (string replace -r -- '^--[^=]*=' '' $cur)\n"
    "    for line in ($words[1] __complete $words[2..-1] \"$cur\" "
    "2> /dev/null)\n"
    "        switch $line\n"
    "            case :file\n"
    "                set line (__fish_complete_path \"$value\")\n"
    "            case :dir\n"
    "                set line (__fish_complete_directories \"$value\" '')\n"
    "        end\n"
    "        printf '%s\\n' \"$name\"$line\n"
    "    end\n"
    "end\n"
    "complete -c faas -f -a '(__faas_complete)'\n";


int
cmd_completion(struct cli *cli)
{
    const char  *shell;

    shell = args_word(&cli->args, 0);

    if (shell == NULL) {
        shell = args_text(&cli->args, "shell");
    }

    if (shell != NULL && strcmp(shell, "bash") == 0) {
        (void) fputs(bash_script, stdout);

    } else if (shell != NULL && strcmp(shell, "zsh") == 0) {
        (void) fputs(zsh_script, stdout);

    } else if (shell != NULL && strcmp(shell, "fish") == 0) {
        (void) fputs(fish_script, stdout);

    } else {
        return cli_fail(cli, "for which shell? bash, zsh or fish");
    }

    return 0;
}


int
cmd_complete(struct cli *cli)
{
    const char    *word, *equals;
    struct words   words = { NULL, NULL, 0 };

    if (cli->args.rest.n == 0) {
        texts_add(&cli->pool, &cli->args.rest, "");
    }

    read_words(cli, &words);
    word = cli->args.rest.at[cli->args.rest.n - 1];

    if (words.flag != NULL) {
        return value_of(cli, words.flag, word);
    }

    equals = strchr(word, '=');

    if (word[0] == '-' && word[1] == '-' && equals != NULL) {
        words.flag = command_find_flag(words.command, word + 2,
                                       (size_t) (equals - word - 2));
        return words.flag != NULL ? value_of(cli, words.flag, equals + 1) : 0;
    }

    if (word[0] == '-') {
        flags_of(words.command, word);
        return 0;
    }

    if (words.n == 0
        && commands_below(words.command != NULL ? words.command->name : "",
                          word) > 0)
    {
        return 0;
    }

    return words_of(cli, &words, word);
}


static void
read_words(struct cli *cli, struct words *words)
{
    size_t                 i;
    const char            *word, *name;
    const struct flag     *flag;
    const struct command  *below;

    for (i = 0; i + 1 < cli->args.rest.n; i++) {
        word = cli->args.rest.at[i];

        if (words->flag != NULL) {
            words->flag = NULL;
            continue;
        }

        if (word[0] == '-' && word[1] != '\0') {
            name = word[1] == '-' ? word + 2 : word + 1;
            flag = command_find_flag(words->command, name, strlen(name));
            words->flag = flag != NULL && flag->kind != FLAG_SWITCH
                          ? flag : NULL;
            continue;
        }

        below = words->n == 0
                ? command_find(words->command != NULL ? words->command->name
                               : "", word) : NULL;

        if (below != NULL) {
            words->command = below;

        } else {
            words->n++;
        }
    }
}


static void
print_if(const char *word, const char *candidate)
{
    if (strncmp(word, candidate, strlen(word)) == 0) {
        (void) puts(candidate);
    }
}


static void
flags_of(const struct command *command, const char *word)
{
    char                   text[128];
    size_t                 i;
    const struct flag     *flag;

    if (command == NULL) {
        command = command_find("", "help");
    }

    for (i = 0; (flag = command_flag(command, i)) != NULL; i++) {
        (void) snprintf(text, sizeof(text), "--%s", flag->name);
        print_if(word, text);
    }
}


/*
 * Returns how many commands there are below it, fitting or not.
 */
static int
commands_below(const char *parent, const char *word)
{
    int                    n;
    size_t                 i;
    const struct command  *command;

    n = 0;

    for (i = 0; (command = command_at(i)) != NULL; i++) {
        if (!command->is_hidden && command_is_below(command, parent)) {
            print_if(word, command_word(command));
            n++;
        }
    }

    return n;
}


static int
value_of(struct cli *cli, const struct flag *flag, const char *word)
{
    if (flag->kind == FLAG_CHOICE) {
        return choices(flag->value, word);
    }

    if (flag->kind == FLAG_SWITCH) {
        return choices("true|false", word);
    }

    if (strcmp(flag->value, "FILE") == 0) {
        (void) puts(":file");

    } else if (strcmp(flag->value, "DIR") == 0) {
        (void) puts(":dir");

    } else if (strcmp(flag->value, "TEMPLATE") == 0) {
        return templates(cli, word);

    } else if (strcmp(flag->value, "FUNCTION") == 0) {
        return functions(cli, word);
    }

    return 0;
}


/*
 * Names of functions where a command is for those that run.
 */
static int
words_of(struct cli *cli, const struct words *words, const char *word)
{
    static const char *const  asks[] = {
        "remove", "describe", "invoke", "logs", "scale", "ready", "deploy",
        NULL
    };
    size_t  i;

    if (words->command == NULL || words->command->words == NULL) {
        return 0;
    }

    if (strcmp(words->command->name, "completion") == 0) {
        return choices("bash|zsh|fish", word);
    }

    for (i = 0; asks[i] != NULL; i++) {
        if (strcmp(asks[i], words->command->name) == 0
            && words->n < words->command->max)
        {
            return functions(cli, word);
        }
    }

    return 0;
}


/*
 * Nobody wants to hear from a gateway that is not there at this point.
 */
static int
functions(struct cli *cli, const char *word)
{
    size_t       i;
    json_t      *list, *item;
    struct api   api;

    if (api_init(&api, cli, NULL) != 0) {
        return 0;
    }

    api.timeout_ms = ASK_MSEC;
    list = api_get_list(&api, "/system/functions");

    json_array_foreach(list, i, item) {
        const char  *name = json_string_value(json_object_get(item, "name"));

        if (name != NULL) {
            print_if(word, out_safe(cli, name));
        }
    }

    json_decref(list);

    return 0;
}


static int
templates(struct cli *cli, const char *word)
{
    size_t         i;
    struct texts   names = { NULL, 0, 0 };

    template_names(cli, &names);

    for (i = 0; i < names.n; i++) {
        print_if(word, names.at[i]);
    }

    return 0;
}


static int
choices(const char *list, const char *word)
{
    char         text[64];
    size_t       len;
    const char  *p;

    for (p = list; *p != '\0'; p += strspn(p, "|")) {
        len = strcspn(p, "|");
        (void) snprintf(text, sizeof(text), "%.*s", (int) len, p);
        print_if(word, text);
        p += len;
    }

    return 0;
}

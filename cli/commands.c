/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The table of commands.
 */

#include "commands.h"

#include <string.h>

#include "cmd.h"
#include "flags.h"


#define N_COMMANDS  (sizeof(commands) / sizeof(commands[0]))


static int is_word_of(const char *list, const char *word);
static const struct flag *find_in(const struct flag *table, const char *name,
    size_t len);


static const struct command  commands[] = {
    { "new", NULL, "[NAME]", 0, 1, cmd_new,
      "make a new function from a template",
      "Makes a folder with a handler, and a stack file (or, with --append, "
      "an entry in one). A template that is not in ./template is copied from "
      "those that are installed, or pulled from the template store.",
      "faas new hello --lang python3\n"
      "faas new --list",
      { flags_new, flags_resources }, 0 },
    { "build", NULL, "[NAME]", 0, 1, cmd_build,
      "build functions",
      "Assembles ./build/NAME from template and handler. With the process "
      "provider it then runs the template's build command and installs the "
      "folder as the function's image; with Swarm it runs docker build. "
      "Which of the two, the gateway says where --provider does not.",
      "faas build\n"
      "faas build -f stack.yml --filter 'api-*' --parallel 4\n"
      "faas build --lang python3 --handler ./a --name a --image a",
      { flags_function, flags_build, flags_tag, flags_provider,
        flags_remote }, 0 },
    { "push", NULL, "[NAME]", 0, 1, cmd_push,
      "push images to their registries",
      "With the process provider it installs what build has assembled, as "
      "there is no registry.",
      NULL, { flags_push, flags_tag, flags_provider, flags_remote }, 0 },
    { "publish", NULL, "[NAME]", 0, 1, cmd_publish,
      "build for several platforms and push, by docker buildx",
      NULL, NULL, { flags_function, flags_build, flags_publish, flags_tag,
        flags_provider, flags_remote }, 0 },
    { "deploy", NULL, "[NAME]", 0, 1, cmd_deploy,
      "deploy functions",
      "A function that is deployed already is updated, without a call that "
      "fails.",
      "faas deploy\n"
      "faas deploy --image ghcr.io/me/hello:1.2 --name hello -e mode=http",
      { flags_function, flags_deploy, flags_resources, flags_tag,
        flags_provider, flags_remote }, 0 },
    { "up", NULL, "[NAME]", 0, 1, cmd_up,
      "build, push and deploy functions",
      "With Swarm it pushes where the image's name has a registry in it; a "
      "Swarm of one node needs no push.",
      "faas up -f stack.yml",
      { flags_function, flags_build, flags_publish, flags_deploy,
        flags_resources, flags_tag, flags_up, flags_provider,
        flags_remote }, 0 },
    { "remove", "rm delete", "[NAME...]", 0, 1000, cmd_remove,
      "remove functions", NULL,
      "faas remove hello\n"
      "faas remove -f stack.yml",
      { flags_remote, flags_timeout }, 0 },
    { "list", "ls", NULL, 0, 0, cmd_list,
      "list functions", NULL, NULL,
      { flags_list, flags_output, flags_remote, flags_timeout }, 0 },
    { "describe", NULL, "NAME", 1, 1, cmd_describe,
      "show one function", NULL, NULL,
      { flags_verbose, flags_output, flags_remote, flags_timeout }, 0 },
    { "invoke", NULL, "NAME", 1, 1, cmd_invoke,
      "call a function",
      "The body is read from standard input. An answer other than 2xx is an "
      "error.",
      "echo -n hello | faas invoke shout\n"
      "faas invoke shout --method GET --query a=b < /dev/null",
      { flags_invoke, flags_remote }, 0 },
    { "logs", NULL, "NAME", 1, 1, cmd_logs,
      "show what a function prints", NULL,
      "faas logs hello --tail=false --lines 20\n"
      "faas logs hello --since 10m -o json",
      { flags_logs, flags_remote }, 0 },
    { "scale", NULL, "NAME [REPLICAS]", 1, 2, cmd_scale,
      "set how many replicas a function has", NULL,
      "faas scale hello 3",
      { flags_scale, flags_remote, flags_timeout }, 0 },
    { "ready", NULL, "[NAME]", 0, 1, cmd_ready,
      "wait until the gateway, or a function, is ready", NULL, NULL,
      { flags_ready, flags_remote }, 0 },
    { "login", NULL, NULL, 0, 0, cmd_login,
      "check a password and save it",
      "It is saved in ~/.openfaas/config.yml, mode 0600, or in the folder "
      "$OPENFAAS_CONFIG.",
      "faas login --password-stdin < password-file",
      { flags_login, flags_remote }, 0 },
    { "logout", NULL, NULL, 0, 0, cmd_logout,
      "forget the saved password", NULL, NULL, { flags_remote }, 0 },
    { "secret", NULL, NULL, 0, 0, NULL,
      "secrets of functions", NULL, NULL, { NULL }, 0 },
    { "secret create", NULL, "NAME", 1, 1, cmd_secret_create,
      "make a secret; its value comes from standard input", NULL,
      "faas secret create api-key < key-file",
      { flags_secret, flags_replace, flags_remote, flags_timeout }, 0 },
    { "secret update", NULL, "NAME", 1, 1, cmd_secret_update,
      "change a secret's value", NULL, NULL,
      { flags_secret, flags_remote, flags_timeout }, 0 },
    { "secret list", "ls", NULL, 0, 0, cmd_secret_list,
      "list secrets", NULL, NULL,
      { flags_output, flags_remote, flags_timeout }, 0 },
    { "secret remove", "rm delete", "NAME", 1, 1, cmd_secret_remove,
      "remove a secret", NULL, NULL, { flags_remote, flags_timeout }, 0 },
    { "secret apply", NULL, NULL, 0, 0, cmd_secret_apply,
      "make or change the stack file's secrets, from ./.secrets", NULL, NULL,
      { flags_secret, flags_remote, flags_timeout }, 0 },
    { "secret generate", NULL, NULL, 0, 0, cmd_secret_generate,
      "make up a secret value", NULL, NULL, { flags_generate_secret }, 0 },
    { "namespace", "ns namespaces", NULL, 0, 0, cmd_namespace_list,
      "namespaces; without a word it lists them", NULL, NULL,
      { flags_output, flags_remote, flags_timeout }, 0 },
    { "namespace list", "ls", NULL, 0, 0, cmd_namespace_list,
      "list namespaces", NULL, NULL,
      { flags_output, flags_remote, flags_timeout }, 0 },
    { "namespace create", NULL, "NAME", 1, 1, cmd_namespace_create,
      "make a namespace", NULL, NULL,
      { flags_namespace, flags_remote, flags_timeout }, 0 },
    { "namespace update", NULL, "NAME", 1, 1, cmd_namespace_update,
      "change a namespace", NULL, NULL,
      { flags_namespace, flags_remote, flags_timeout }, 0 },
    { "namespace get", "describe", "NAME", 1, 1, cmd_namespace_get,
      "show a namespace", NULL, NULL,
      { flags_output, flags_remote, flags_timeout }, 0 },
    { "namespace remove", "rm delete", "NAME", 1, 1, cmd_namespace_remove,
      "remove a namespace", NULL, NULL, { flags_remote, flags_timeout }, 0 },
    { "template", NULL, NULL, 0, 0, NULL,
      "templates of functions", NULL, NULL, { NULL }, 0 },
    { "template list", "ls", NULL, 0, 0, cmd_template_list,
      "list templates that are there", NULL, NULL, { flags_output }, 0 },
    { "template pull", NULL, "[URL]", 0, 1, cmd_template_pull,
      "get templates into ./template",
      "Without a URL ($OPENFAAS_TEMPLATE_URL) those that are installed with "
      "faas are copied, which needs no network.",
      "faas template pull\n"
      "faas template pull https://example.com/me/templates.git#v2",
      { flags_pull }, 0 },
    { "template pull stack", NULL, NULL, 0, 0, cmd_template_pull_stack,
      "get the templates that the stack file names", NULL, NULL,
      { flags_pull, flags_template_store }, 0 },
    { "template store", NULL, NULL, 0, 0, NULL,
      "the store of templates", NULL, NULL, { NULL }, 0 },
    { "template store list", "ls", NULL, 0, 0, cmd_template_store_list,
      "list the store", NULL, NULL, { flags_template_store, flags_output },
      0 },
    { "template store pull", NULL, "NAME", 1, 1, cmd_template_store_pull,
      "get a template of the store", NULL, NULL,
      { flags_template_store, flags_pull }, 0 },
    { "template store describe", NULL, "NAME", 1, 1,
      cmd_template_store_describe, "show a template of the store", NULL, NULL,
      { flags_template_store, flags_output }, 0 },
    { "store", NULL, NULL, 0, 0, NULL,
      "functions that others have made", NULL, NULL, { NULL }, 0 },
    { "store list", "ls", NULL, 0, 0, cmd_store_list,
      "list the store", NULL, NULL,
      { flags_store, flags_store_list, flags_output }, 0 },
    { "store inspect", "describe", "NAME", 1, 1, cmd_store_inspect,
      "show a function of the store", NULL, NULL,
      { flags_store, flags_output }, 0 },
    { "store deploy", NULL, "NAME", 1, 1, cmd_store_deploy,
      "deploy a function of the store", NULL, NULL,
      { flags_store, flags_function, flags_deploy, flags_resources,
        flags_remote }, 0 },
    { "generate", NULL, NULL, 0, 0, cmd_generate,
      "write a Swarm stack file or Kubernetes manifests",
      "From the stack file, on standard output.",
      "faas generate --api swarm > docker-stack.yml",
      { flags_generate, flags_tag }, 0 },
    { "local-run", NULL, "[NAME]", 0, 1, cmd_local_run,
      "run a function here, without a gateway",
      "With the process provider by the watchdog, with --provider swarm by "
      "docker run. Secrets come from ./.secrets.",
      "faas local-run hello --port 8081",
      { flags_local_run, flags_function, flags_build, flags_provider }, 0 },
    { "queue", NULL, NULL, 0, 0, NULL,
      "asynchronous calls", NULL, NULL, { NULL }, 0 },
    { "queue list", "ls", NULL, 0, 0, cmd_queue_list,
      "list calls that were given up", NULL, NULL,
      { flags_queue_list, flags_output, flags_remote, flags_timeout }, 0 },
    { "queue show", "describe", "CALL-ID", 1, 1, cmd_queue_show,
      "show one call", NULL, NULL,
      { flags_output, flags_remote, flags_timeout }, 0 },
    { "queue retry", NULL, "[CALL-ID...]", 0, 1000, cmd_queue_retry,
      "try calls again that were given up", NULL,
      "faas queue retry --function resize",
      { flags_queue_all, flags_remote, flags_timeout }, 0 },
    { "queue purge", NULL, "[CALL-ID...]", 0, 1000, cmd_queue_purge,
      "forget calls that were given up", NULL,
      "faas queue purge --all",
      { flags_queue_all, flags_remote, flags_timeout }, 0 },
    { "queue cancel", NULL, "CALL-ID...", 1, 1000, cmd_queue_cancel,
      "cancel calls that wait or run", NULL, NULL,
      { flags_remote, flags_timeout }, 0 },
    { "diff", NULL, NULL, 0, 0, cmd_diff,
      "compare the stack file with what is deployed",
      "Ends with status 1 where they differ.", NULL,
      { flags_diff, flags_tag, flags_remote, flags_timeout }, 0 },
    { "completion", NULL, "[bash|zsh|fish]", 0, 1, cmd_completion,
      "print a script that completes commands in a shell", NULL,
      "faas completion bash > /etc/bash_completion.d/faas",
      { flags_completion }, 0 },
    { "version", NULL, NULL, 0, 0, cmd_version,
      "show versions", NULL, NULL, { flags_version, flags_remote }, 0 },
    { "help", NULL, "[COMMAND...]", 0, COMMAND_WORDS, cmd_help,
      "show what a command does", NULL, NULL, { NULL }, 0 },
    { "__complete", NULL, "[WORD...]", 0, 4096, cmd_complete,
      "candidates for the last word, for the scripts of completion", NULL,
      NULL, { NULL }, 1 },
    { "__man", NULL, NULL, 0, 0, cmd_man,
      "the man page", NULL, NULL, { NULL }, 1 },
};


const struct command *
command_at(size_t i)
{
    return i < N_COMMANDS ? &commands[i] : NULL;
}


const struct command *
command_find(const char *parent, const char *word)
{
    size_t                 i;
    const struct command  *command;

    for (i = 0; i < N_COMMANDS; i++) {
        command = &commands[i];

        if (command_is_below(command, parent)
            && (strcmp(command_word(command), word) == 0
                || is_word_of(command->aliases, word)))
        {
            return command;
        }
    }

    return NULL;
}


const struct flag *
command_flag(const struct command *command, size_t i)
{
    size_t              group;
    const struct flag  *flag;

    for (group = 0; group <= COMMAND_GROUPS; group++) {
        flag = group < COMMAND_GROUPS ? command->groups[group] : flags_common;

        if (flag == NULL) {
            continue;
        }

        for ( /* void */ ; flag->name != NULL; flag++) {

            if (i == 0) {
                return flag;
            }

            i--;
        }
    }

    return NULL;
}


const struct flag *
command_find_flag(const struct command *command, const char *name, size_t len)
{
    size_t              group;
    const struct flag  *flag;

    flag = NULL;

    for (group = 0; command != NULL && group < COMMAND_GROUPS; group++) {

        if (command->groups[group] != NULL && flag == NULL) {
            flag = find_in(command->groups[group], name, len);
        }
    }

    return flag != NULL ? flag : find_in(flags_common, name, len);
}


const char *
command_word(const struct command *command)
{
    const char  *blank;

    blank = strrchr(command->name, ' ');

    return blank != NULL ? blank + 1 : command->name;
}


int
command_is_below(const struct command *command, const char *parent)
{
    size_t       len;
    const char  *word;

    word = command_word(command);
    len = strlen(parent);

    if (len == 0) {
        return word == command->name;
    }

    return strncmp(command->name, parent, len) == 0
           && command->name + len + 1 == word;
}


static int
is_word_of(const char *list, const char *word)
{
    size_t       len;
    const char  *p;

    len = strlen(word);

    for (p = list; p != NULL && *p != '\0'; p += strspn(p, " ")) {

        if (strcspn(p, " ") == len && memcmp(p, word, len) == 0) {
            return 1;
        }

        p += strcspn(p, " ");
    }

    return 0;
}


static const struct flag *
find_in(const struct flag *table, const char *name, size_t len)
{
    for ( /* void */ ; table->name != NULL; table++) {

        if ((len == 1 && table->letter == name[0])
            || (len > 1 && strlen(table->name) == len
                && memcmp(table->name, name, len) == 0))
        {
            return table;
        }
    }

    return NULL;
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tables of flags, each of one command or two.
 */

#include "flags.h"


#define DAY          86400000               /* msec */
#define NO_FLAG      { NULL, 0, FLAG_SWITCH, NULL, NULL, NULL, 0, 0 }
#define TIMEOUT(text)                                                        \
    { "timeout", 0, FLAG_DURATION, "DURATION", text,                         \
      "for each answer", 1, DAY }


const struct flag  flags_new[] = {
    { "lang", 0, FLAG_TEXT, "TEMPLATE", NULL, "the template", 0, 0 },
    { "handler", 0, FLAG_TEXT, "DIR", NULL, "folder to make (./NAME)", 0, 0 },
    { "prefix", 'p', FLAG_TEXT, "PREFIX", NULL,
      "what the image's name begins with ($OPENFAAS_PREFIX)", 0, 0 },
    { "append", 'a', FLAG_TEXT, "FILE", NULL,
      "add it to a stack file that is there", 0, 0 },
    { "list", 0, FLAG_SWITCH, NULL, NULL, "only list templates", 0, 0 },
    { "quiet", 'q', FLAG_SWITCH, NULL, NULL, "no notes after it", 0, 0 },
    NO_FLAG
};

const struct flag  flags_up[] = {
    { "skip-push", 0, FLAG_SWITCH, NULL, NULL, "do not push", 0, 0 },
    { "skip-deploy", 0, FLAG_SWITCH, NULL, NULL, "do not deploy", 0, 0 },
    { "publish", 0, FLAG_SWITCH, NULL, NULL,
      "publish in the place of build and push", 0, 0 },
    NO_FLAG
};

const struct flag  flags_invoke[] = {
    { "content-type", 0, FLAG_TEXT, "TYPE", "text/plain",
      "type of the body", 0, 0 },
    { "query", 0, FLAG_LIST, "NAME=VALUE", NULL, "a part of the query", 0,
      0 },
    { "header", 'H', FLAG_LIST, "NAME: VALUE", NULL,
      "a header, or NAME=VALUE", 0, 0 },
    { "async", 'a', FLAG_SWITCH, NULL, NULL,
      "queue the call, and do not wait for it", 0, 0 },
    { "method", 'm', FLAG_CHOICE, "GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS",
      "POST", "the method", 0, 0 },
    { "sign", 0, FLAG_TEXT, "HEADER", NULL,
      "header for a signature, HMAC with SHA-256 of the body", 0, 0 },
    { "key", 0, FLAG_TEXT, "KEY", NULL,
      "key of the signature; other users of this machine can see it there",
      0, 0 },
    { "auth", 0, FLAG_SWITCH, NULL, NULL, "send the saved password along", 0,
      0 },
    { "timeout", 0, FLAG_DURATION, "DURATION", "0s",
      "for the whole call; 0: none", 0, DAY },
    NO_FLAG
};

const struct flag  flags_list[] = {
    { "verbose", 'v', FLAG_SWITCH, NULL, NULL, "images and times as well", 0,
      0 },
    { "quiet", 'q', FLAG_SWITCH, NULL, NULL, "names only", 0, 0 },
    { "sort", 0, FLAG_CHOICE, "name|invocations|creation", "name",
      "the order", 0, 0 },
    NO_FLAG
};

const struct flag  flags_verbose[] = {
    { "verbose", 'v', FLAG_SWITCH, NULL, NULL, "show empty fields as well",
      0, 0 },
    NO_FLAG
};

const struct flag  flags_logs[] = {
    { "since", 0, FLAG_DURATION, "DURATION", NULL, "only lines that young",
      0, (uint64_t) 3650 * DAY },
    { "since-time", 0, FLAG_TEXT, "TIME", NULL,
      "only lines after a time, as 2026-01-02T15:04:05Z", 0, 0 },
    { "lines", 0, FLAG_TEXT, "N", "-1", "so many last lines; -1: all", 0, 0 },
    { "tail", 't', FLAG_SWITCH, NULL, "true", "wait for further lines", 0,
      0 },
    { "follow", 0, FLAG_SWITCH, NULL, "true", "the same as --tail", 0, 0 },
    { "output", 'o', FLAG_CHOICE, "plain|keyvalue|json", "plain",
      "form of the output", 0, 0 },
    { "json", 'j', FLAG_SWITCH, NULL, NULL, "the same as --output json", 0,
      0 },
    { "time-format", 0, FLAG_TEXT, "FORMAT", NULL,
      "of strftime(3); empty: no time", 0, 0 },
    { "name", 0, FLAG_SWITCH, NULL, NULL, "show the function's name", 0, 0 },
    { "instance", 0, FLAG_SWITCH, NULL, NULL, "show which replica it was", 0,
      0 },
    NO_FLAG
};

const struct flag  flags_scale[] = {
    { "replicas", 0, FLAG_NUMBER, "N", NULL, "how many", 0, 100000 },
    NO_FLAG
};

const struct flag  flags_ready[] = {
    { "attempts", 0, FLAG_NUMBER, "N", "60", "how often it is asked", 1,
      1000000 },
    { "interval", 0, FLAG_DURATION, "DURATION", "1s", "between two", 1, DAY },
    TIMEOUT("5s"),
    NO_FLAG
};

const struct flag  flags_login[] = {
    { "username", 'u', FLAG_TEXT, "USER", "admin", "the user", 0, 0 },
    { "password", 'p', FLAG_TEXT, "PASSWORD", NULL,
      "the password; other users of this machine can see it there", 0, 0 },
    { "password-stdin", 's', FLAG_SWITCH, NULL, NULL,
      "read the password from standard input", 0, 0 },
    TIMEOUT("5s"),
    NO_FLAG
};

const struct flag  flags_secret[] = {
    { "from-literal", 0, FLAG_TEXT, "VALUE", NULL,
      "the value; other users of this machine can see it there", 0, 0 },
    { "from-file", 0, FLAG_TEXT, "FILE", NULL, "file with the value", 0, 0 },
    { "trim", 0, FLAG_SWITCH, NULL, "true", "without blanks at its ends", 0,
      0 },
    NO_FLAG
};

const struct flag  flags_replace[] = {
    { "replace", 0, FLAG_SWITCH, NULL, NULL,
      "update it where it is already", 0, 0 },
    NO_FLAG
};

const struct flag  flags_generate_secret[] = {
    { "length", 0, FLAG_NUMBER, "N", "32", "characters", 1, 4096 },
    { "output", 'o', FLAG_TEXT, "FILE", NULL, "a new file, mode 0600", 0, 0 },
    NO_FLAG
};

const struct flag  flags_namespace[] = {
    { "label", 'l', FLAG_LIST, "NAME=VALUE", NULL, "a label", 0, 0 },
    { "annotation", 0, FLAG_LIST, "NAME=VALUE", NULL, "an annotation", 0, 0 },
    NO_FLAG
};

const struct flag  flags_pull[] = {
    { "overwrite", 0, FLAG_SWITCH, NULL, "true",
      "in the place of templates that are there", 0, 0 },
    { "debug", 0, FLAG_SWITCH, NULL, NULL, "show the commands that are run",
      0, 0 },
    NO_FLAG
};

const struct flag  flags_template_store[] = {
    { "url", 'u', FLAG_TEXT, "URL", NULL, "the store's list, a URL or a file",
      0, 0 },
    { "verbose", 'v', FLAG_SWITCH, NULL, NULL, "more of each", 0, 0 },
    { "official", 'o', FLAG_SWITCH, NULL, NULL, "official ones only", 0, 0 },
    { "recommended", 'r', FLAG_SWITCH, NULL, NULL, "recommended ones only",
      0, 0 },
    { "platform", 'p', FLAG_TEXT, "PLATFORM", NULL, "of this platform only",
      0, 0 },
    NO_FLAG
};

const struct flag  flags_store_list[] = {
    { "verbose", 'v', FLAG_SWITCH, NULL, "true", "whole descriptions", 0, 0 },
    NO_FLAG
};

const struct flag  flags_generate[] = {
    { "api", 0, FLAG_CHOICE,
      "swarm|kubernetes|openfaas.com/v1|serving.knative.dev/v1",
      "openfaas.com/v1", "what is written", 0, 0 },
    { "from-store", 0, FLAG_TEXT, "NAME", NULL, "a function of the store", 0,
      0 },
    { "arch", 0, FLAG_TEXT, "PLATFORM", NULL, "of the store's image", 0, 0 },
    { "annotation", 0, FLAG_LIST, "NAME=VALUE", NULL, "an annotation", 0, 0 },
    { "label", 'l', FLAG_LIST, "NAME=VALUE", NULL, "a label", 0, 0 },
    { "name", 0, FLAG_TEXT, "NAME", NULL, "name of the store's function", 0,
      0 },
    { "namespace", 'n', FLAG_TEXT, "NAMESPACE", NULL, "namespace", 0, 0 },
    { "url", 'u', FLAG_TEXT, "URL", NULL, "the store's list, a URL or a file",
      0, 0 },
    NO_FLAG
};

const struct flag  flags_local_run[] = {
    { "port", 'p', FLAG_NUMBER, "PORT", "8080", "0: a free one", 0, 65535 },
    { "env", 'e', FLAG_LIST, "NAME=VALUE", NULL,
      "a variable of its environment", 0, 0 },
    { "network", 0, FLAG_TEXT, "NETWORK", NULL, "Docker's network", 0, 0 },
    { "print", 0, FLAG_SWITCH, NULL, NULL, "only print the command", 0, 0 },
    { "build", 0, FLAG_SWITCH, NULL, "true", "build it first", 0, 0 },
    NO_FLAG
};

const struct flag  flags_queue_list[] = {
    { "function", 0, FLAG_TEXT, "FUNCTION", NULL, "of one function only", 0,
      0 },
    { "limit", 0, FLAG_NUMBER, "N", "100", "at most so many", 1, 100000 },
    NO_FLAG
};

const struct flag  flags_queue_all[] = {
    { "function", 0, FLAG_TEXT, "FUNCTION", NULL, "those of one function", 0,
      0 },
    { "all", 0, FLAG_SWITCH, NULL, NULL, "those of all functions", 0, 0 },
    NO_FLAG
};

const struct flag  flags_completion[] = {
    { "shell", 0, FLAG_CHOICE, "bash|zsh|fish", NULL, "the shell", 0, 0 },
    NO_FLAG
};

const struct flag  flags_diff[] = {
    { "quiet", 'q', FLAG_SWITCH, NULL, NULL, "status only", 0, 0 },
    NO_FLAG
};

const struct flag  flags_version[] = {
    { "short-version", 0, FLAG_SWITCH, NULL, NULL, "the number only", 0, 0 },
    { "json", 'j', FLAG_SWITCH, NULL, NULL, "as JSON", 0, 0 },
    { "warn-update", 0, FLAG_SWITCH, NULL, "true",
      "ignored: nobody is asked for newer versions", 0, 0 },
    { "server", 0, FLAG_SWITCH, NULL, NULL,
      "ask the gateway for its version as well", 0, 0 },
    NO_FLAG
};

const struct flag  flags_timeout[] = { TIMEOUT("60s"), NO_FLAG };

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Tables of flags that commands share.
 */

#include "flags.h"


#define DAY      86400000                       /* msec */
#define NO_FLAG  { NULL, 0, FLAG_SWITCH, NULL, NULL, NULL, 0, 0 }
#define TAGS     "latest|sha|branch|describe|digest"


const struct flag  flags_common[] = {
    { "yaml", 'f', FLAG_TEXT, "FILE", NULL,
      "stack file, or its URL (stack.yaml, else stack.yml)", 0, 0 },
    { "regex", 0, FLAG_TEXT, "REGEX", NULL,
      "only functions of the stack file whose names match", 0, 0 },
    { "filter", 0, FLAG_TEXT, "GLOB", NULL,
      "only functions of the stack file whose names match a wildcard", 0, 0 },
    { "envsubst", 0, FLAG_SWITCH, NULL, "true",
      "put environment variables in the place of ${NAME} in the stack file",
      0, 0 },
    { "help", 'h', FLAG_SWITCH, NULL, NULL, "show this", 0, 0 },
    NO_FLAG
};

const struct flag  flags_remote[] = {
    { "gateway", 'g', FLAG_TEXT, "URL", NULL,
      "the gateway (the stack file's, else $OPENFAAS_URL, else "
      "http://127.0.0.1:8080)", 0, 0 },
    { "namespace", 'n', FLAG_TEXT, "NAMESPACE", NULL,
      "namespace of the function or secret", 0, 0 },
    { "tls-no-verify", 0, FLAG_SWITCH, NULL, NULL,
      "do not check the gateway's certificate", 0, 0 },
    { "token", 'k', FLAG_TEXT, "TOKEN", NULL,
      "bearer token in the place of what was saved by login; other users of "
      "this machine can see it there", 0, 0 },
    NO_FLAG
};

const struct flag  flags_output[] = {
    { "output", 0, FLAG_CHOICE, "text|json", "text", "form of the output",
      0, 0 },
    { "json", 'j', FLAG_SWITCH, NULL, NULL, "the same as --output json", 0,
      0 },
    NO_FLAG
};

const struct flag  flags_function[] = {
    { "image", 0, FLAG_TEXT, "IMAGE", NULL,
      "image of a function that is in no stack file", 0, 0 },
    { "name", 0, FLAG_TEXT, "NAME", NULL, "its name", 0, 0 },
    { "handler", 0, FLAG_TEXT, "DIR", NULL, "folder of its handler", 0, 0 },
    { "lang", 0, FLAG_TEXT, "TEMPLATE", NULL, "its template", 0, 0 },
    NO_FLAG
};

const struct flag  flags_provider[] = {
    { "provider", 0, FLAG_CHOICE, "process|swarm|docker", NULL,
      "build for it ($FAAS_PROVIDER, else what the gateway has); docker is "
      "the same as swarm", 0, 0 },
    { "functions-dir", 0, FLAG_TEXT, "DIR", NULL,
      "process provider: where images go ($FAAS_FUNCTIONS_DIR, else what "
      "the gateway says)", 0, 0 },
    NO_FLAG
};

const struct flag  flags_build[] = {
    { "build-arg", 'b', FLAG_LIST, "NAME=VALUE", NULL, "a build argument", 0,
      0 },
    { "build-option", 'o', FLAG_LIST, "NAME", NULL,
      "a build option of the template", 0, 0 },
    { "build-label", 0, FLAG_LIST, "NAME=VALUE", NULL,
      "a label of the image (Docker)", 0, 0 },
    { "copy-extra", 0, FLAG_LIST, "DIR", NULL,
      "a folder to copy into the function's", 0, 0 },
    { "no-cache", 0, FLAG_SWITCH, NULL, NULL, "Docker: use no cache", 0, 0 },
    { "squash", 0, FLAG_SWITCH, NULL, NULL, "Docker: squash layers", 0, 0 },
    { "pull", 0, FLAG_SWITCH, NULL, NULL, "Docker: pull base images anew", 0,
      0 },
    { "shrinkwrap", 0, FLAG_SWITCH, NULL, NULL,
      "only assemble ./build/NAME, build nothing", 0, 0 },
    { "parallel", 0, FLAG_NUMBER, "N", "1", "functions at a time", 1, 64 },
    { "quiet", 0, FLAG_SWITCH, NULL, NULL,
      "show the output of builds only where they fail", 0, 0 },
    { "debug", 0, FLAG_SWITCH, NULL, NULL, "show the commands that are run",
      0, 0 },
    { "disable-stack-pull", 0, FLAG_SWITCH, NULL, NULL,
      "do not pull templates that the stack file names", 0, 0 },
    { "overwrite", 0, FLAG_SWITCH, NULL, "true",
      "pull them even where they are already", 0, 0 },
    NO_FLAG
};

const struct flag  flags_tag[] = {
    { "tag", 0, FLAG_CHOICE, TAGS, "latest",
      "add the state of git, or of the handler's files, to the image's tag",
      0, 0 },
    NO_FLAG
};

const struct flag  flags_push[] = {
    { "parallel", 0, FLAG_NUMBER, "N", "1", "functions at a time", 1, 64 },
    { "quiet", 0, FLAG_SWITCH, NULL, NULL,
      "show the output of Docker only where it fails", 0, 0 },
    NO_FLAG
};

const struct flag  flags_publish[] = {
    { "platforms", 0, FLAG_TEXT, "LIST", "linux/amd64",
      "platforms to build for", 0, 0 },
    { "extra-tag", 0, FLAG_LIST, "TAG", NULL, "a further tag of the image",
      0, 0 },
    { "reset-qemu", 0, FLAG_SWITCH, NULL, NULL,
      "install the emulators of other processors first", 0, 0 },
    NO_FLAG
};

const struct flag  flags_deploy[] = {
    { "fprocess", 0, FLAG_TEXT, "COMMAND", NULL, "what the watchdog runs", 0,
      0 },
    { "network", 0, FLAG_TEXT, "NETWORK", NULL, "ignored, as in faas-cli", 0,
      0 },
    { "env", 'e', FLAG_LIST, "NAME=VALUE", NULL,
      "a variable of its environment", 0, 0 },
    { "label", 'l', FLAG_LIST, "NAME=VALUE", NULL, "a label", 0, 0 },
    { "annotation", 0, FLAG_LIST, "NAME=VALUE", NULL, "an annotation", 0, 0 },
    { "constraint", 0, FLAG_LIST, "TEXT", NULL,
      "where it may run, as node.role == worker", 0, 0 },
    { "secret", 0, FLAG_LIST, "SECRET", NULL, "a secret that it reads", 0, 0 },
    { "readonly", 0, FLAG_SWITCH, NULL, NULL, "its files cannot be written",
      0, 0 },
    { "replace", 0, FLAG_SWITCH, NULL, NULL, "remove it first", 0, 0 },
    { "update", 0, FLAG_SWITCH, NULL, "true", "update it where it is already",
      0, 0 },
    { "timeout", 0, FLAG_DURATION, "DURATION", "60s",
      "for each answer of the gateway", 1, DAY },
    { "read-template", 0, FLAG_SWITCH, NULL, "true",
      "take fprocess from the template", 0, 0 },
    NO_FLAG
};

const struct flag  flags_resources[] = {
    { "cpu-request", 0, FLAG_TEXT, "CPU", NULL, "as 100m", 0, 0 },
    { "cpu-limit", 0, FLAG_TEXT, "CPU", NULL, "as 500m", 0, 0 },
    { "memory-request", 0, FLAG_TEXT, "MEMORY", NULL, "as 64Mi", 0, 0 },
    { "memory-limit", 0, FLAG_TEXT, "MEMORY", NULL, "as 128Mi", 0, 0 },
    NO_FLAG
};

const struct flag  flags_store[] = {
    { "url", 'u', FLAG_TEXT, "URL", NULL, "the store's list, a URL or a file",
      0, 0 },
    { "platform", 'p', FLAG_TEXT, "PLATFORM", NULL,
      "x86_64, arm64 or armhf (this machine's)", 0, 0 },
    NO_FLAG
};

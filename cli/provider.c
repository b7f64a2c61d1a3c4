/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What builds are for.
 */

#include "provider.h"

#include <stdlib.h>
#include <string.h>

#include "api.h"


static int ask(struct cli *cli, const struct stack *stack,
    struct provider *provider, int is_known);


int
provider_find(struct cli *cli, const struct stack *stack,
    struct provider *provider)
{
    const char  *name, *dir;

    memset(provider, 0, sizeof(*provider));
    provider->is_process = 1;

    name = args_text(&cli->args, "provider");

    if (name == NULL) {
        name = getenv("FAAS_PROVIDER");
    }

    dir = args_text(&cli->args, "functions-dir");

    if (dir == NULL) {
        dir = getenv("FAAS_FUNCTIONS_DIR");
    }

    provider->functions_dir = dir != NULL && dir[0] != '\0' ? dir : NULL;

    if (name != NULL && name[0] != '\0') {
        provider->is_process = strcmp(name, "process") == 0;

        if (!provider->is_process && strcmp(name, "swarm") != 0
            && strcmp(name, "docker") != 0)
        {
            return cli_fail(cli, "FAAS_PROVIDER: \"%.40s\" is none of process, "
                            "swarm, docker", name);
        }

        if (!provider->is_process || provider->functions_dir != NULL) {
            return 0;
        }

        return ask(cli, stack, provider, 1);
    }

    return provider->functions_dir != NULL
           ? 0 : ask(cli, stack, provider, 0);
}


/*
 * A gateway that cannot be asked is no reason not to build.
 */
static int
ask(struct cli *cli, const struct stack *stack, struct provider *provider,
    int is_known)
{
    json_t      *info;
    const char  *text;
    struct api   api;

    if (api_init(&api, cli, stack) != 0) {
        return -1;
    }

    info = api_get_json(&api, "/system/info");

    if (info == NULL) {
        provider->unknown = pool_text(&cli->pool, cli->err.text);
        cli->err.text[0] = '\0';
        return 0;
    }

    text = json_string_value(json_object_get(json_object_get(info,
                             "provider"), "orchestration"));

    if (!is_known && text != NULL) {
        provider->is_process = strcmp(text, "process") == 0;
    }

    text = json_string_value(json_object_get(json_object_get(info, "scaler"),
                                             "functions_dir"));

    if (text != NULL) {
        provider->functions_dir = pool_text(&cli->pool, text);

    } else {
        provider->unknown = "the gateway does not say where functions are";
    }

    json_decref(info);

    return 0;
}

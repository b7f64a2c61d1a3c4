/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The watchdog's environment: the input is lines NAME=VALUE.  What cannot be
 * read is refused with a text that names it.
 *
 * uses: watchdog/config.c lib/faas_num.c lib/faas_addr.c lib/faas_err.c
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "watchdog/config.h"


#define VARS_MAX  64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
static void check(int is_so);
static char *get(const char *name);


static char   *vars[VARS_MAX];
static size_t  n_vars;


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char              *text, *line, *rest;
    struct faas_err    err;
    struct wd_config   cfg;

    text = malloc(size + 1);
    check(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    n_vars = 0;

    for (line = strtok_r(text, "\n", &rest);
         line != NULL && n_vars < VARS_MAX;
         line = strtok_r(NULL, "\n", &rest))
    {
        vars[n_vars++] = line;
    }

    err.text[0] = '\0';

    if (wd_config_init(&cfg, get, &err) != 0) {
        check(err.text[0] != '\0');

    } else {
        check(cfg.mode == WD_MODE_STATIC || cfg.argv[0][0] != '\0');
        check(cfg.listen.len != 0 || (cfg.port >= 1 && cfg.port <= 65535));
        check(cfg.buffer_size >= cfg.max_head_size);
    }

    wd_config_done(&cfg);
    free(text);

    return 0;
}


static void
check(int is_so)
{
    if (!is_so) {
        abort();
    }
}


static char *
get(const char *name)
{
    size_t  i, len;

    len = strlen(name);

    for (i = 0; i < n_vars; i++) {
        if (strncmp(vars[i], name, len) == 0 && vars[i][len] == '=') {
            return vars[i] + len + 1;
        }
    }

    return NULL;
}

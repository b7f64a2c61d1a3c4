/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The scripts of lib/faas_async.h at work.
 *
 * Redis forgets scripts when it starts, or is told to: what is refused for
 * that was not run, and its caller tries again as if the connection was lost.
 */

#include "scripts.h"

#include <stdlib.h>
#include <string.h>

#include "lib/faas_log.h"


#define NOSCRIPT   "NOSCRIPT"
#define N_SCRIPTS  (sizeof(all) / sizeof(all[0]))


struct run {
    struct scripts         *scripts;
    size_t                  i;              /* which one, of all */
    struct scripts_handler  handler;
};


static void on_loaded(void *arg, const redisReply *reply);
static void on_reply(void *arg, const redisReply *reply);
static void refused(struct scripts *scripts, size_t i, const char *why);


static const struct faas_script *const  all[] = {
    &faas_async_take, &faas_async_keep, &faas_async_done, &faas_async_retry,
    &faas_async_back, &faas_async_bury, &faas_async_promote, &faas_async_tick,
    &faas_async_depths,
};

_Static_assert(N_SCRIPTS <= SCRIPTS_MAX, "a script has no place");


void
scripts_load(struct scripts *scripts)
{
    size_t       i;
    const char  *argv[3];

    scripts->is_ready = 0;
    scripts->n_loaded = 0;

    argv[0] = "SCRIPT";
    argv[1] = "LOAD";

    for (i = 0; i < N_SCRIPTS; i++) {
        argv[2] = all[i]->text;

        if (redis_send(scripts->redis, on_loaded, scripts, 3, argv, NULL)
            != 0)
        {
            redis_reset(scripts->redis);
            return;
        }
    }
}


/*
 * Answers come in the order of the questions.
 */
static void
on_loaded(void *arg, const redisReply *reply)
{
    struct scripts  *scripts;

    scripts = arg;

    if (reply == NULL) {
        return;
    }

    if (reply->type != REDIS_REPLY_STRING || reply->len != SCRIPTS_SHA) {
        faas_log(FAAS_LOG_ERROR, "redis refuses a script, trying again "
                 "error=\"%s\"", reply->type == REDIS_REPLY_ERROR
                 ? reply->str : "odd answer");

        redis_reset(scripts->redis);
        return;
    }

    memcpy(scripts->sha[scripts->n_loaded], reply->str, SCRIPTS_SHA + 1);

    if (++scripts->n_loaded == N_SCRIPTS) {
        scripts->is_ready = 1;
        scripts->ready(scripts->arg);
    }
}


void
scripts_lost(struct scripts *scripts)
{
    scripts->is_ready = 0;
}


int
scripts_run(struct scripts *scripts, const struct faas_script *script,
    struct scripts_handler handler, size_t n, const struct scripts_arg *args)
{
    size_t       i, len[SCRIPTS_ARGS + 4];
    struct run  *run;
    const char  *argv[SCRIPTS_ARGS + 4];

    run = scripts->is_ready && n <= SCRIPTS_ARGS ? malloc(sizeof(*run)) : NULL;

    if (run == NULL) {
        return -1;
    }

    i = 0;

    while (i < N_SCRIPTS - 1 && all[i] != script) {
        i++;
    }

    run->scripts = scripts;
    run->i = i;
    run->handler = handler;

    argv[0] = "EVALSHA";
    argv[1] = scripts->sha[i];
    argv[2] = "0";
    argv[3] = scripts->redis->config->prefix;

    for (i = 0; i < 4; i++) {
        len[i] = strlen(argv[i]);
    }

    for (i = 0; i < n; i++) {
        argv[4 + i] = args[i].data;
        len[4 + i] = args[i].len;
    }

    if (redis_send(scripts->redis, on_reply, run, (int) n + 4, argv, len)
        != 0)
    {
        free(run);
        return -1;
    }

    return 0;
}


static void
on_reply(void *arg, const redisReply *reply)
{
    struct run  run;

    run = *(struct run *) arg;
    free(arg);

    if (reply != NULL && reply->type == REDIS_REPLY_ERROR) {
        refused(run.scripts, run.i, reply->str);
        reply = NULL;

    } else if (reply != NULL) {
        run.scripts->is_refused[run.i] = 0;
    }

    run.handler.fn(run.handler.arg, reply);
}


/*
 * A Redis that may not be written to refuses what each call comes to, and each
 * second anew: that is said once.
 */
static void
refused(struct scripts *scripts, size_t i, const char *why)
{
    if (strncmp(why, NOSCRIPT, sizeof(NOSCRIPT) - 1) == 0) {

        if (scripts->is_ready) {
            scripts_load(scripts);
        }

        return;
    }

    faas_log(scripts->is_refused[i] ? FAAS_LOG_INFO : FAAS_LOG_ERROR,
             "redis refuses a script, trying again script=%s error=\"%s\"",
             all[i]->name, why);

    scripts->is_refused[i] = 1;
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The process provider takes over what a scaler before it has left running.
 */

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/faas_log.h"

#include "process.h"
#include "survivor.h"


static void on_survivor(void *arg, const struct survivor *survivor);
static struct function *ghost(struct process_provider *p,
    const struct survivor *survivor);
static int is_used(void *arg, uint64_t number);
static int is_logged(void *arg, const char *key);


int
process_adopt(struct process_provider *p, struct faas_err *err)
{
    struct function  *fn, *next;

    if (survivor_find(p->host.store.dir, on_survivor, p, err) != 0) {
        return -1;
    }

    store_clear(&p->host.store, is_used, p);
    cgroup_clear(&p->host.owner.isolation.cgroups, is_used, p);
    flog_store_clean(&p->host.logs, is_logged, p);

    for (fn = TAILQ_FIRST(&p->functions); fn != NULL; fn = next) {
        next = TAILQ_NEXT(fn, link);
        flog_trim(&fn->flog);

        if (fn->is_ghost) {
            process_remove(p, fn);

        } else {
            function_settle(fn);
        }
    }

    return 0;
}


static void
on_survivor(void *arg, const struct survivor *survivor)
{
    char                      key[FAAS_KEY_MAX + 1];
    struct function          *fn;
    struct faas_err           err;
    struct process_provider  *p;

    p = arg;
    (void) snprintf(key, sizeof(key), "%s.%s", survivor->name, survivor->ns);

    fn = process_find(p, key);

    if (fn == NULL) {
        fn = ghost(p, survivor);
    }

    if (fn != NULL && function_adopt(fn, survivor, &err) == 0) {
        faas_log(FAAS_LOG_NOTICE, "took over a replica function=%s "
                 "number=%" PRIu64 " pid=%d", key, survivor->number,
                 (int) survivor->pid);
        return;
    }

    faas_log(FAAS_LOG_ERROR, "cannot take over a replica, ending it "
             "function=%s pid=%d error=\"%s\"", key, (int) survivor->pid,
             fn != NULL ? err.text : "no memory");
    (void) kill(survivor->pid, SIGTERM);
}


/*
 * A function that was deleted while its replicas had not ended: it is there
 * once more to be deleted as any other, with what it still answers.
 */
static struct function *
ghost(struct process_provider *p, const struct survivor *survivor)
{
    int               n;
    char              text[256];
    struct spec      *spec;
    struct faas_err   err;
    struct function  *fn;

    n = snprintf(text, sizeof(text), "{\"service\": \"%s\", \"namespace\": "
                 "\"%s\", \"image\": \"none\"}", survivor->name,
                 survivor->ns);
    spec = spec_parse(text, (size_t) n, &p->host.options->scale, &err);
    fn = spec != NULL ? process_add(p, spec, "") : NULL;

    if (fn != NULL) {
        fn->is_ghost = 1;
        flog_load(&fn->flog);
    }

    return fn;
}


static int
is_used(void *arg, uint64_t number)
{
    const struct replica     *replica;
    const struct function    *fn;
    struct process_provider  *p;

    p = arg;

    TAILQ_FOREACH(fn, &p->functions, link) {
        TAILQ_FOREACH(replica, &fn->replicas, link) {
            if (replica->number == number) {
                return 1;
            }
        }
    }

    return 0;
}


static int
is_logged(void *arg, const char *key)
{
    return process_find(arg, key) != NULL;
}

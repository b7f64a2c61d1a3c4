/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Changes of the process provider's functions.
 */

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/clock.h"
#include "lib/faas_log.h"

#include "image.h"
#include "process.h"


struct function_change {
    struct change             change;       /* must be first */
    struct process_provider  *p;
    char                      key[FAAS_KEY_MAX + 1];
    struct spec              *spec;         /* owned; of deploy and update */
    uint64_t                  replicas;     /* of scale */
    char                     *text;         /* owned; to be written */
    char                      dir[PATH_MAX];        /* found */

    /* makes it true */
    void                    (*apply)(struct function_change *fc,
                                     struct faas_err *err);
    provider_done_fn          done;
    void                     *arg;
};


static struct function_change *make(struct provider *provider,
    const char *key, provider_done_fn done, void *arg);
static void pass(struct process_provider *p, struct function_change *fc,
    struct spec *spec, provider_done_fn done, void *arg);
static void finish(struct change *change, struct faas_err *err);
static int check_deploy(struct change *change, struct faas_err *err);
static void apply_deploy(struct function_change *fc, struct faas_err *err);
static int check_update(struct change *change, struct faas_err *err);
static void apply_update(struct function_change *fc, struct faas_err *err);
static int write_spec(struct change *change, struct faas_err *err);
static int find_image(struct function_change *fc, struct faas_err *err);
static int check_delete(struct change *change, struct faas_err *err);
static int write_delete(struct change *change, struct faas_err *err);
static void apply_delete(struct function_change *fc, struct faas_err *err);
static int check_scale(struct change *change, struct faas_err *err);
static int write_scale(struct change *change, struct faas_err *err);
static void apply_scale(struct function_change *fc, struct faas_err *err);
static void keep(struct process_provider *p, const char *key);
static int check_keep(struct change *change, struct faas_err *err);
static void apply_keep(struct function_change *fc, struct faas_err *err);
static void on_kept(void *arg, const struct faas_err *err);
static int unknown(const char *key, struct faas_err *err);


void
process_deploy(struct provider *provider, struct spec *spec,
    provider_done_fn done, void *arg)
{
    struct function_change  *fc;

    fc = make(provider, spec->key, done, arg);

    if (fc != NULL) {
        fc->change.check = check_deploy;
        fc->change.write = write_spec;
        fc->apply = apply_deploy;
    }

    pass((struct process_provider *) provider, fc, spec, done, arg);
}


void
process_update(struct provider *provider, struct spec *spec,
    provider_done_fn done, void *arg)
{
    struct function_change  *fc;

    fc = make(provider, spec->key, done, arg);

    if (fc != NULL) {
        fc->change.check = check_update;
        fc->change.write = write_spec;
        fc->apply = apply_update;
    }

    pass((struct process_provider *) provider, fc, spec, done, arg);
}


void
process_delete(struct provider *provider, const char *key,
    provider_done_fn done, void *arg)
{
    struct function_change  *fc;

    fc = make(provider, key, done, arg);

    if (fc != NULL) {
        fc->change.check = check_delete;
        fc->change.write = write_delete;
        fc->apply = apply_delete;
    }

    pass((struct process_provider *) provider, fc, NULL, done, arg);
}


void
process_scale(struct provider *provider, const char *key, uint64_t replicas,
    provider_done_fn done, void *arg)
{
    struct function_change  *fc;

    fc = make(provider, key, done, arg);

    if (fc != NULL) {
        fc->replicas = replicas;
        fc->change.check = check_scale;
        fc->change.write = write_scale;
        fc->apply = apply_scale;
    }

    pass((struct process_provider *) provider, fc, NULL, done, arg);
}


/*
 * Requests wait: it is made true at once, and written when they have gone on,
 * for a disk that writes takes time from what starts.  Where the scaler ends in
 * between, it finds as many replicas too many when it starts again, lets them
 * drain, and is asked anew.
 */
void
process_wake(struct provider *provider, const char *key, uint64_t replicas,
    provider_done_fn done, void *arg)
{
    struct function          *fn;
    struct faas_err           err;
    struct process_provider  *p;

    p = (struct process_provider *) provider;
    fn = process_find(p, key);

    /* what cannot be done at once, or not at all */

    if (fn == NULL || fn->dir == NULL
        || replicas > p->host.options->max_replicas)
    {
        process_scale(provider, key, replicas, done, arg);
        return;
    }

    if (fn->spec->replicas < replicas) {
        fn->spec->replicas = replicas;
        fn->is_unsaved = 1;
        function_settle(fn);

        if (!evtimer_pending(p->woken, NULL)) {
            clock_timer(p->woken, PROCESS_SAVE_DELAY);
        }
    }

    err.code = 0;
    done(arg, &err);
}


void
process_save_woken(evutil_socket_t fd, short what, void *arg)
{
    const struct function    *fn;
    struct process_provider  *p;

    (void) fd;
    (void) what;

    p = arg;

    TAILQ_FOREACH(fn, &p->functions, link) {
        if (fn->is_unsaved) {
            keep(p, fn->spec->key);
        }
    }
}


static struct function_change *
make(struct provider *provider, const char *key, provider_done_fn done,
    void *arg)
{
    struct function_change  *fc;

    fc = calloc(1, sizeof(*fc));

    if (fc != NULL) {
        fc->p = (struct process_provider *) provider;
        fc->change.finish = finish;
        fc->done = done;
        fc->arg = arg;
        (void) snprintf(fc->key, sizeof(fc->key), "%s", key);
    }

    return fc;
}


/*
 * Takes the spec; fc is NULL where there was no memory for it.
 */
static void
pass(struct process_provider *p, struct function_change *fc,
    struct spec *spec, provider_done_fn done, void *arg)
{
    struct faas_err  err;

    if (fc != NULL) {
        fc->spec = spec;
        changes_add(&p->changes, &fc->change);
        return;
    }

    spec_free(spec);
    (void) faas_err_set(&err, 500, "no memory");
    done(arg, &err);
}


static void
finish(struct change *change, struct faas_err *err)
{
    struct function_change  *fc;

    fc = (struct function_change *) change;

    if (err->code == 0) {
        fc->apply(fc, err);
    }

    fc->done(fc->arg, err);

    spec_free(fc->spec);
    free(fc->text);
    free(fc);
}


static int
check_deploy(struct change *change, struct faas_err *err)
{
    struct process_provider  *p;
    struct function_change   *fc;

    fc = (struct function_change *) change;
    p = fc->p;

    if (process_check_namespace(p, fc->spec->ns, err) != 0) {
        return -1;
    }

    if (process_find(p, fc->key) != NULL) {
        return faas_err_set(err, 400, "function %s exists already, update it "
                            "with PUT", fc->key);
    }

    if (p->n_functions >= p->host.options->max_functions) {
        return faas_err_set(err, 507, "there are %" PRIu64 " functions, no "
                            "more are allowed: see --max-functions",
                            p->n_functions);
    }

    return process_check_secrets(p, fc->spec, err);
}


static void
apply_deploy(struct function_change *fc, struct faas_err *err)
{
    struct spec      *spec;
    struct function  *fn;

    spec = fc->spec;
    fc->spec = NULL;
    fn = process_add(fc->p, spec, fc->dir);

    if (fn != NULL) {
        function_settle(fn);

    } else {
        /* it is on disk, and comes with the next start */
        (void) faas_err_set(err, 500, "no memory");
    }
}


/*
 * As many replicas as run now, within the new bounds; none: as on deploy.
 */
static int
check_update(struct change *change, struct faas_err *err)
{
    struct spec              *spec;
    const struct function    *fn;
    struct function_change   *fc;

    fc = (struct function_change *) change;
    spec = fc->spec;
    fn = process_find(fc->p, fc->key);

    if (fn == NULL) {
        return unknown(fc->key, err);
    }

    spec->created = fn->spec->created;

    spec_keep_replicas(spec, fn->spec->replicas);

    return process_check_secrets(fc->p, spec, err);
}


static void
apply_update(struct function_change *fc, struct faas_err *err)
{
    struct function  *fn;

    (void) err;

    fn = process_find(fc->p, fc->key);
    function_update(fn, fc->spec, fc->dir);
    fc->spec = NULL;
    fn->is_unsaved = 0;
}


static int
write_spec(struct change *change, struct faas_err *err)
{
    struct function_change  *fc;

    fc = (struct function_change *) change;

    if (find_image(fc, err) != 0) {
        return -1;
    }

    fc->text = spec_encode(fc->spec);

    return fc->text != NULL
           ? store_save(&fc->p->host.store, fc->key, fc->text, err)
           : faas_err_set(err, 500, "no memory");
}


/*
 * The spec is the change's own as yet.
 */
static int
find_image(struct function_change *fc, struct faas_err *err)
{
    int           rc;
    struct image  image;

    if (image_find(fc->p->host.options->functions_dir,
                   spec_text(fc->spec, "image"), &image, err)
        != 0)
    {
        return -1;
    }

    (void) snprintf(fc->dir, sizeof(fc->dir), "%s", image.dir);
    rc = spec_set_image(fc->spec, image.env, err);
    image_done(&image);

    return rc == 0 ? spec_check_process(fc->spec, err) : -1;
}


static int
check_delete(struct change *change, struct faas_err *err)
{
    struct function_change  *fc;

    fc = (struct function_change *) change;

    return process_find(fc->p, fc->key) != NULL ? 0 : unknown(fc->key, err);
}


/*
 * Off the disk first: a restart does not bring it back.
 */
static int
write_delete(struct change *change, struct faas_err *err)
{
    struct function_change  *fc;

    fc = (struct function_change *) change;

    return store_delete(&fc->p->host.store, fc->key, err);
}


static void
apply_delete(struct function_change *fc, struct faas_err *err)
{
    (void) err;

    process_remove(fc->p, process_find(fc->p, fc->key));
}


static int
check_scale(struct change *change, struct faas_err *err)
{
    uint64_t                 max, before;
    struct function         *fn;
    struct function_change  *fc;

    fc = (struct function_change *) change;
    fn = process_find(fc->p, fc->key);
    max = fc->p->host.options->max_replicas;

    if (fn == NULL) {
        return unknown(fc->key, err);
    }

    if (fc->replicas > max) {
        return faas_err_set(err, 400, "\"replicas\": %" PRIu64 " are more "
                            "than %" PRIu64 ", see --max-replicas",
                            fc->replicas, max);
    }

    if (fc->replicas == fn->spec->replicas && fn->dir != NULL
        && !fn->is_unsaved)
    {
        change->write = NULL;
        return 0;
    }

    before = fn->spec->replicas;
    fn->spec->replicas = fc->replicas;
    fc->text = spec_encode(fn->spec);
    fn->spec->replicas = before;

    if (fc->text == NULL) {
        return faas_err_set(err, 500, "no memory");
    }

    if (fn->dir == NULL) {
        fc->spec = spec_decode(fc->text, strlen(fc->text),
                               &fc->p->host.options->scale, err);
        return fc->spec != NULL ? 0 : faas_err_set(err, 500, "no memory");
    }

    return 0;
}


/*
 * Where the image was missing it may be back.
 */
static int
write_scale(struct change *change, struct faas_err *err)
{
    struct function_change  *fc;

    fc = (struct function_change *) change;

    if (fc->spec != NULL && find_image(fc, err) != 0) {
        return -1;
    }

    return store_save(&fc->p->host.store, fc->key, fc->text, err);
}


static void
apply_scale(struct function_change *fc, struct faas_err *err)
{
    struct function  *fn;

    (void) err;

    fn = process_find(fc->p, fc->key);

    if (fc->spec != NULL) {
        function_update(fn, fc->spec, fc->dir);
        fc->spec = NULL;

    } else {
        fn->spec->replicas = fc->replicas;
        fn->is_unsaved = 0;
        function_settle(fn);
    }
}


static void
keep(struct process_provider *p, const char *key)
{
    struct function_change  *fc;

    fc = make(&p->provider, key, on_kept, NULL);

    if (fc != NULL) {
        fc->change.check = check_keep;
        fc->change.write = write_scale;
        fc->apply = apply_keep;
    }

    pass(p, fc, NULL, on_kept, NULL);
}


/*
 * What there is by now: another change may have written it, or taken the
 * function away.
 */
static int
check_keep(struct change *change, struct faas_err *err)
{
    struct function         *fn;
    struct function_change  *fc;

    fc = (struct function_change *) change;
    fn = process_find(fc->p, fc->key);

    if (fn == NULL || !fn->is_unsaved) {
        change->write = NULL;
        return 0;
    }

    fc->replicas = fn->spec->replicas;
    fc->text = spec_encode(fn->spec);

    return fc->text != NULL ? 0 : faas_err_set(err, 500, "no memory");
}


/*
 * Meanwhile nothing else is written, but it may have been woken again.
 */
static void
apply_keep(struct function_change *fc, struct faas_err *err)
{
    struct function  *fn;

    (void) err;

    fn = process_find(fc->p, fc->key);

    if (fn != NULL && fn->spec->replicas == fc->replicas) {
        fn->is_unsaved = 0;
    }
}


static void
on_kept(void *arg, const struct faas_err *err)
{
    (void) arg;

    if (err->code != 0) {
        faas_log(FAAS_LOG_WARN, "cannot save that a function was woken, a "
                 "restart scales it to zero error=\"%s\"", err->text);
    }
}


static int
unknown(const char *key, struct faas_err *err)
{
    return faas_err_set(err, 404, "function %s not found", key);
}

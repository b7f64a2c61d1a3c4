/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The number of replicas of each function, by its load.
 */

#include "autoscale.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/clock.h"
#include "lib/faas_log.h"
#include "lib/faas_num.h"


#define UNKNOWN  UINT64_MAX         /* replicas */


/* a look at one function */
struct look {
    struct autoscale          *autoscale;
    struct scaled             *scaled;
    const struct load_change  *change;      /* NULL: nothing has come */
    uint64_t                   now;
};


static void on_timer(evutil_socket_t fd, short what, void *arg);
static void on_change(void *arg, const struct load_change *change);
static void read_depths(struct autoscale *autoscale);
static void on_depths(void *arg, const redisReply *reply);
static void empty_queue(void *arg, struct key_node *node);
static struct scaled *find_or_new(struct autoscale *autoscale,
    const char *key);
static void drop_old(void *arg, struct key_node *node);
static void drop(void *arg, struct key_node *node);
static void free_scaled(struct scaled *scaled);
static void on_walk(void *arg, const struct provider_function *function);
static int is_of_interest(const struct autoscale *autoscale,
    const struct provider_function *function, const struct scaled *scaled);
static void look_at(struct autoscale *autoscale, struct scaled *scaled,
    const struct load_change *change);
static void on_function(void *arg, const struct provider_function *function);
static void on_looked(void *arg, const struct faas_err *err);
static void read_settings(const struct autoscale *autoscale,
    const struct spec *spec, struct policy_settings *settings);
static void take_load(const struct look *look,
    const struct policy_settings *settings);
static void take_gauge(const struct look *look,
    const struct policy_settings *settings,
    const struct provider_function *function);
static void add_load(const struct look *look,
    const struct policy_settings *settings, uint64_t from_ms, uint64_t to_ms,
    double amount);
static void decide(const struct look *look,
    const struct policy_settings *given,
    const struct provider_function *function);
static void fill_demand(const struct look *look,
    const struct policy_settings *settings,
    const struct provider_function *function, struct policy_demand *demand);
static int is_held(struct scaled *scaled, const struct scale_settings *scale,
    const struct policy_demand *demand);
static void apply_due(struct autoscale *autoscale);
static void on_scaled(void *arg, const struct faas_err *err);


int
autoscale_open(struct autoscale *autoscale, struct event_base *base,
    struct faas_err *err)
{
    struct timeval  tv = { AUTOSCALE_LOOK / 1000,
                           AUTOSCALE_LOOK % 1000 * 1000 };

    TAILQ_INIT(&autoscale->due);

    autoscale->timer = event_new(base, -1, EV_PERSIST, on_timer, autoscale);

    if (autoscale->timer == NULL || event_add(autoscale->timer, &tv) != 0) {
        return faas_err_set(err, 0, "no memory");
    }

    autoscale->load->changed = on_change;
    autoscale->load->arg = autoscale;

    return 0;
}


void
autoscale_close(struct autoscale *autoscale)
{
    autoscale->provider = NULL;

    if (autoscale->load != NULL) {
        autoscale->load->changed = NULL;
    }

    if (autoscale->timer != NULL) {
        event_free(autoscale->timer);
        autoscale->timer = NULL;
    }

    key_map_walk(&autoscale->functions, drop, autoscale);
    key_map_done(&autoscale->functions);
}


void
autoscale_wake(struct autoscale *autoscale, const char *key, uint64_t parked)
{
    struct scaled  *scaled;

    scaled = autoscale->provider != NULL ? find_or_new(autoscale, key) : NULL;

    if (scaled == NULL) {
        return;
    }

    scaled->parked = parked;
    scaled->parked_ms = clock_now_ms();
    idle_call(&scaled->idle, scaled->parked_ms);

    look_at(autoscale, scaled, NULL);
    apply_due(autoscale);
}


static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct autoscale  *autoscale;

    (void) fd;
    (void) what;

    autoscale = arg;

    autoscale->round++;
    autoscale->wants_usage = autoscale->has_cpu;
    autoscale->has_cpu = 0;

    if (autoscale->has_queue) {
        autoscale->has_queue = 0;
        read_depths(autoscale);
    }

    autoscale->provider->ops->walk(autoscale->provider,
                                   autoscale->wants_usage, on_walk,
                                   autoscale);

    key_map_walk(&autoscale->functions, drop_old, autoscale);
    apply_due(autoscale);
}


static void
on_change(void *arg, const struct load_change *change)
{
    struct scaled     *scaled;
    struct autoscale  *autoscale;

    autoscale = arg;
    scaled = find_or_new(autoscale, change->key);

    if (scaled != NULL) {
        look_at(autoscale, scaled, change);
        apply_due(autoscale);
    }
}


static void
read_depths(struct autoscale *autoscale)
{
    const char    *argv[2];
    struct redis  *redis;

    redis = autoscale->load->redis;
    argv[0] = "HGETALL";
    argv[1] = redis->keys.depth;

    if (redis->is_ready) {
        (void) redis_send(redis, on_depths, autoscale, 2, argv, NULL);
    }
}


/*
 * A function that is not there has no call that waits.
 */
static void
on_depths(void *arg, const redisReply *reply)
{
    size_t             i;
    uint64_t           depth;
    const redisReply  *name, *value;
    struct scaled     *scaled;
    struct autoscale  *autoscale;

    autoscale = arg;

    if (autoscale->provider == NULL || reply == NULL
        || reply->type != REDIS_REPLY_ARRAY)
    {
        return;
    }

    key_map_walk(&autoscale->functions, empty_queue, NULL);

    for (i = 0; i + 1 < reply->elements; i += 2) {
        name = reply->element[i];
        value = reply->element[i + 1];

        if (name->type != REDIS_REPLY_STRING
            || value->type != REDIS_REPLY_STRING)
        {
            continue;
        }

        scaled = (struct scaled *) key_map_find(&autoscale->functions,
                                                name->str);

        if (scaled != NULL && scaled->type == POLICY_QUEUE
            && faas_parse_uint(value->str, value->len, 0, UINT32_MAX, &depth)
               == 0)
        {
            scaled->gauge = (double) depth;
        }
    }
}


static void
empty_queue(void *arg, struct key_node *node)
{
    struct scaled  *scaled;

    (void) arg;

    scaled = (struct scaled *) node;

    if (scaled->type == POLICY_QUEUE) {
        scaled->gauge = 0;
    }
}


static struct scaled *
find_or_new(struct autoscale *autoscale, const char *key)
{
    struct scaled  *scaled;

    scaled = (struct scaled *) key_map_find(&autoscale->functions, key);

    if (scaled != NULL) {
        return scaled;
    }

    scaled = calloc(1, sizeof(*scaled));

    if (scaled == NULL
        || key_map_add(&autoscale->functions, &scaled->node, key) != 0)
    {
        free(scaled);
        return NULL;
    }

    scaled->autoscale = autoscale;
    scaled->type = POLICY_CUSTOM;
    scaled->decided = UNKNOWN;
    idle_init(&scaled->idle, clock_now_ms());

    return scaled;
}


/*
 * What the last look at all did not need.
 */
static void
drop_old(void *arg, struct key_node *node)
{
    const struct autoscale  *autoscale;

    autoscale = arg;

    if (((struct scaled *) node)->round != autoscale->round) {
        drop(arg, node);
    }
}


static void
drop(void *arg, struct key_node *node)
{
    struct scaled     *scaled;
    struct autoscale  *autoscale;

    autoscale = arg;
    scaled = (struct scaled *) node;

    key_map_remove(&autoscale->functions, node);

    if (scaled->is_due) {
        TAILQ_REMOVE(&autoscale->due, scaled, due);
    }

    scaled->is_gone = 1;

    if (!scaled->is_busy) {
        free_scaled(scaled);
    }
}


static void
free_scaled(struct scaled *scaled)
{
    idle_done(&scaled->idle);
    free(scaled->window);
    free(scaled);
}


/*
 * Most functions are not called, and have the replicas that they should have.
 */
static void
on_walk(void *arg, const struct provider_function *function)
{
    struct look              look;
    struct scaled           *scaled;
    struct autoscale        *autoscale;
    struct policy_settings   settings;

    autoscale = arg;
    scaled = (struct scaled *) key_map_find(&autoscale->functions,
                                            function->spec->key);

    if (!is_of_interest(autoscale, function, scaled)) {
        return;
    }

    if (scaled == NULL) {
        scaled = find_or_new(autoscale, function->spec->key);

        if (scaled == NULL) {
            return;
        }
    }

    look.autoscale = autoscale;
    look.scaled = scaled;
    look.change = NULL;
    look.now = clock_now_ms();

    scaled->round = autoscale->round;
    read_settings(autoscale, function->spec, &settings);
    take_gauge(&look, &settings, function);
    decide(&look, &settings, function);
}


static int
is_of_interest(const struct autoscale *autoscale,
    const struct provider_function *function, const struct scaled *scaled)
{
    uint64_t                replicas, min;
    struct policy_settings  settings;

    read_settings(autoscale, function->spec, &settings);
    replicas = function->spec->replicas;
    min = settings.min != 0 ? settings.min : 1;

    if (settings.type == POLICY_CPU || settings.type == POLICY_QUEUE) {
        return 1;
    }

    return (settings.is_zero
            && (replicas != 0 || function->spec->scale.is_learned))
           || (replicas != 0 && replicas != min
               && settings.type != POLICY_CUSTOM)
           || (scaled != NULL && (scaled->window != NULL || scaled->is_busy));
}


static void
look_at(struct autoscale *autoscale, struct scaled *scaled,
    const struct load_change *change)
{
    struct look  look;

    look.autoscale = autoscale;
    look.scaled = scaled;
    look.change = change;
    look.now = clock_now_ms();

    /* a provider answers from what it knows, at once */

    autoscale->provider->ops->get(autoscale->provider, scaled->node.key, 0,
                                  on_function, on_looked, &look);
}


static void
on_function(void *arg, const struct provider_function *function)
{
    struct look             *look;
    struct policy_settings   settings;

    look = arg;

    read_settings(look->autoscale, function->spec, &settings);
    take_load(look, &settings);
    decide(look, &settings, function);
}


static void
on_looked(void *arg, const struct faas_err *err)
{
    (void) arg;
    (void) err;
}


static void
read_settings(const struct autoscale *autoscale, const struct spec *spec,
    struct policy_settings *settings)
{
    scale_policy(&spec->scale, spec->limits.max_inflight, settings);

    if (!autoscale->options->scale_by_load) {
        settings->type = POLICY_CUSTOM;
        settings->is_zero = 0;
    }
}


/*
 * What has come, by a gateway's report.
 */
static void
take_load(const struct look *look, const struct policy_settings *settings)
{
    const struct load_change  *change;

    change = look->change;

    if (change == NULL) {
        return;
    }

    idle_call(&look->scaled->idle, look->now);
    look->scaled->parked = 0;           /* who waits is in the load now */

    if (settings->type == POLICY_RPS) {
        add_load(look, settings, change->from_ms, change->to_ms,
                 (double) change->started * 1000);

    } else if (settings->type == POLICY_CAPACITY) {
        add_load(look, settings, change->from_ms, change->to_ms,
                 change->busy_ms);
    }
}


/*
 * What is there, once a second.
 */
static void
take_gauge(const struct look *look, const struct policy_settings *settings,
    const struct provider_function *function)
{
    uint64_t        from;
    struct scaled  *scaled;

    scaled = look->scaled;

    if (settings->type == POLICY_CPU) {
        look->autoscale->has_cpu = 1;

        if (!look->autoscale->wants_usage || !function->has_usage) {
            scaled->gauge_ms = 0;
            return;
        }

        scaled->gauge = (double) function->cpu_milli;

    } else if (settings->type == POLICY_QUEUE) {
        look->autoscale->has_queue = 1;

        if (scaled->gauge > 0) {
            scaled->idle.called_ms = look->now;
        }

    } else {
        return;
    }

    from = scaled->gauge_ms;
    scaled->gauge_ms = look->now;

    if (from != 0 && scaled->type == settings->type) {
        add_load(look, settings, from, look->now,
                 scaled->gauge * (double) (look->now - from));

    } else {
        add_load(look, settings, look->now, look->now, 0);
    }
}


static void
add_load(const struct look *look, const struct policy_settings *settings,
    uint64_t from_ms, uint64_t to_ms, double amount)
{
    struct scaled  *scaled;

    scaled = look->scaled;

    if (scaled->window != NULL
        && (scaled->type != settings->type
            || scaled->window->slice_ms != settings->stable_ms
                                           / WINDOW_SLICES))
    {
        free(scaled->window);
        scaled->window = NULL;
        memset(&scaled->state, 0, sizeof(scaled->state));
    }

    if (scaled->window == NULL) {
        scaled->window = malloc(sizeof(*scaled->window));

        if (scaled->window == NULL) {
            return;             /* it is as if nobody had reported it */
        }

        window_init(scaled->window, settings->stable_ms, from_ms);
        scaled->type = settings->type;
    }

    window_add(scaled->window, from_ms, to_ms, amount);
}


static void
decide(const struct look *look, const struct policy_settings *given,
    const struct provider_function *function)
{
    int                     is_set, is_due;
    uint64_t                replicas;
    struct scaled          *scaled;
    struct policy_demand    demand;
    struct policy_settings  settings;

    scaled = look->scaled;

    if (scaled->is_busy || scaled->is_due || look->now < scaled->retry_ms
        || !leader_is_valid(look->autoscale->leader))
    {
        return;
    }

    settings = *given;

    /* what replicas use is not known: they stay as they are */

    if (settings.type == POLICY_CPU && scaled->gauge_ms == 0) {
        settings.type = POLICY_CUSTOM;
    }

    idle_learn(&scaled->idle, function->spec->scale.is_learned);
    fill_demand(look, &settings, function, &demand);

    is_due = idle_apply(&scaled->idle, look->now, &settings);
    is_set = is_held(scaled, &function->spec->scale, &demand);
    replicas = policy_decide(&settings, &scaled->state, &demand,
                             &scaled->reason);

    if (is_due && replicas == 0 && !is_set) {
        replicas = settings.min != 0 ? settings.min : 1;
        scaled->reason = POLICY_PREWARM;
    }

    if (replicas == demand.wanted
        || (is_set
            && (replicas < demand.wanted
                ? scaled->reason != POLICY_IDLE
                : scaled->reason == POLICY_BOUNDS)))
    {
        return;
    }

    /* who has waited has been seen to: what is to wake it again comes anew */

    if (scaled->reason == POLICY_WAKE) {
        scaled->parked = 0;
    }

    scaled->from = demand.wanted;
    scaled->replicas = replicas;
    scaled->is_due = 1;
    TAILQ_INSERT_TAIL(&look->autoscale->due, scaled, due);
}


static void
fill_demand(const struct look *look, const struct policy_settings *settings,
    const struct provider_function *function, struct policy_demand *demand)
{
    struct scaled     *scaled;
    struct faas_load   sum;

    scaled = look->scaled;
    load_sum(look->autoscale->load, scaled->node.key, &sum);
    memset(demand, 0, sizeof(*demand));

    demand->now_ms = look->now;
    demand->wanted = function->spec->replicas;
    demand->inflight = sum.inflight;
    demand->parked = sum.parked;
    demand->is_complete = load_is_complete(look->autoscale->load, look->now);

    if (look->now - scaled->parked_ms < AUTOSCALE_HINT
        && scaled->parked > demand->parked)
    {
        demand->parked = scaled->parked;
    }

    /* calls that wait in the queue wait for a first replica as well */

    if (settings->type == POLICY_QUEUE && demand->wanted == 0) {
        demand->parked += (uint64_t) scaled->gauge;
    }

    if (demand->inflight != 0 || demand->parked != 0) {
        scaled->idle.called_ms = look->now;
    }

    demand->idle_ms = look->now - scaled->idle.called_ms;

    if (scaled->window == NULL) {
        return;
    }

    if (window_is_empty(scaled->window, look->now)) {
        free(scaled->window);
        scaled->window = NULL;
        return;
    }

    demand->stable = window_mean(scaled->window, look->now,
                                 settings->stable_ms);
    demand->panic = window_mean(scaled->window, look->now,
                                settings->panic_ms);
}


/*
 * Whether somebody else has set the number of late.  One that is seen for the
 * first time may be of anybody, or of a load that is not known yet.
 */
static int
is_held(struct scaled *scaled, const struct scale_settings *scale,
    const struct policy_demand *demand)
{
    if (scaled->decided != demand->wanted) {
        scaled->hold_until_ms = demand->wanted == scale->policy.min ? 0
                                : demand->now_ms
                                  + (scaled->decided == UNKNOWN
                                     ? scale->policy.stable_ms
                                     : scale->hold_ms);
        scaled->decided = demand->wanted;
    }

    return demand->now_ms < scaled->hold_until_ms;
}


/*
 * Not from within a walk over the provider's functions.
 */
static void
apply_due(struct autoscale *autoscale)
{
    struct scaled              *scaled;
    const struct provider_ops  *ops;

    ops = autoscale->provider->ops;

    while ((scaled = TAILQ_FIRST(&autoscale->due)) != NULL) {
        TAILQ_REMOVE(&autoscale->due, scaled, due);
        scaled->is_due = 0;
        scaled->is_busy = 1;
        scaled->decided = scaled->replicas;
        autoscale->decisions[scaled->reason][scaled->replicas > scaled->from]
            += 1;

        faas_log(FAAS_LOG_INFO, "scaling function=%s replicas=%" PRIu64
                 " to=%" PRIu64 " reason=%s", scaled->node.key, scaled->from,
                 scaled->replicas, policy_reason_text(scaled->reason));

        (scaled->from == 0 ? ops->wake : ops->scale)(autoscale->provider,
                                                     scaled->node.key,
                                                     scaled->replicas,
                                                     on_scaled, scaled);
    }
}


/*
 * What failed is tried again by the looks after a pause.
 */
static void
on_scaled(void *arg, const struct faas_err *err)
{
    struct scaled     *scaled;
    struct autoscale  *autoscale;

    scaled = arg;
    autoscale = scaled->autoscale;
    scaled->is_busy = 0;

    if (scaled->is_gone) {
        free_scaled(scaled);
        return;
    }

    if (err->code == 0) {
        scaled->is_reported = 0;

        /* who began to wait while it was going to sleep */

        if (scaled->parked != 0) {
            look_at(autoscale, scaled, NULL);
            apply_due(autoscale);
        }

        return;
    }

    scaled->decided = scaled->from;
    scaled->retry_ms = clock_now_ms() + AUTOSCALE_RETRY;

    if (err->code != 404) {
        autoscale->failures++;
        faas_log(scaled->is_reported ? FAAS_LOG_INFO : FAAS_LOG_ERROR,
                 "cannot scale a function, trying again function=%s "
                 "error=\"%s\"", scaled->node.key, err->text);
        scaled->is_reported = 1;
    }
}

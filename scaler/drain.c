/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The waiting until no gateway uses what a change of a route has taken away.
 *
 * All drains share one timer: each look asks every gateway that is alive, and
 * a gateway that is gone is not waited for.
 */

#include "drain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/clock.h"
#include "lib/faas_log.h"
#include "lib/faas_num.h"


static void on_timer(evutil_socket_t fd, short what, void *arg);
static void ask(struct drain *drain, uint64_t now);
static int is_redis_away(struct drain *drain, uint64_t now);
static void on_answer(void *arg, const redisReply *reply);
static int is_drained(const struct drain *drain, const redisReply *reply);
static void end(struct drain *drain);
static void start_timer(struct drains *drains);


int
drains_init(struct drains *drains, struct load *load,
    struct event_base *base, struct faas_err *err)
{
    drains->load = load;
    TAILQ_INIT(&drains->list);

    drains->timer = evtimer_new(base, on_timer, drains);

    return drains->timer != NULL ? 0 : faas_err_set(err, 0, "no memory");
}


void
drains_end(struct drains *drains)
{
    struct drain  *drain, *next;

    for (drain = TAILQ_FIRST(&drains->list); drain != NULL; drain = next) {
        next = TAILQ_NEXT(drain, link);
        end(drain);
    }
}


void
drains_done(struct drains *drains)
{
    if (drains->timer != NULL) {
        event_free(drains->timer);
        drains->timer = NULL;
    }
}


int
drains_add(struct drains *drains, const char *key, uint64_t rev,
    uint64_t timeout_ms, void (*drained)(void *data), void *data)
{
    struct drain  *drain;

    drain = calloc(1, sizeof(*drain));

    if (drain == NULL) {
        return -1;
    }

    drain->drains = drains;
    (void) snprintf(drain->key, sizeof(drain->key), "%s", key);
    drain->rev = rev;
    drain->since_ms = clock_now_ms();
    drain->until_ms = drain->since_ms + timeout_ms;
    drain->drained = drained;
    drain->data = data;

    TAILQ_INSERT_TAIL(&drains->list, drain, link);

    /* gateways report soon after they have applied a change */
    start_timer(drains);

    return 0;
}


static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
    uint64_t        now;
    struct drain   *drain, *next;
    struct drains  *drains;

    (void) fd;
    (void) what;

    drains = arg;
    now = clock_now_ms();

    for (drain = TAILQ_FIRST(&drains->list); drain != NULL; drain = next) {
        next = TAILQ_NEXT(drain, link);

        if (now >= drain->until_ms) {
            faas_log(FAAS_LOG_WARN, "requests still run on replicas that are "
                     "taken away, stopping those anyway function=%s",
                     drain->key);
            end(drain);

        } else if (is_redis_away(drain, now)) {
            end(drain);

        } else if (drain->asked == 0 && drains->load->redis->is_ready) {
            ask(drain, now);
        }
    }

    if (!TAILQ_EMPTY(&drains->list)) {
        start_timer(drains);
    }
}


static int
is_redis_away(struct drain *drain, uint64_t now)
{
    if (drain->drains->load->redis->is_ready) {
        drain->away_ms = 0;
        return 0;
    }

    if (drain->away_ms == 0) {
        drain->away_ms = now;
    }

    return now - drain->away_ms >= DRAIN_AWAY_MAX;
}


/*
 * Asks each gateway.  The list of them has to be younger than the change.
 */
static void
ask(struct drain *drain, uint64_t now)
{
    char          key[FAAS_REDIS_KEY_MAX + 1];
    size_t        i;
    const char   *argv[4];
    struct load  *load;

    load = drain->drains->load;

    if (load->listed_ms < drain->since_ms) {

        if (now - drain->since_ms < 2 * DRAIN_TICK) {
            load_list(load);
        }

        return;
    }

    if (load->n == 0) {
        end(drain);
        return;
    }

    /* many drains must not keep routes from being sent */

    if (!redis_has_room(load->redis, (unsigned) load->n)) {
        return;
    }

    drain->busy = 0;

    for (i = 0; i < load->n; i++) {

        if (load_key(load, load->gateways[i].id, key) != 0) {
            continue;
        }

        argv[0] = "HMGET";
        argv[1] = key;
        argv[2] = FAAS_LOAD_APPLIED;
        argv[3] = drain->key;

        if (redis_send(load->redis, on_answer, drain, 4, argv, NULL) == 0) {
            drain->asked++;

        } else {
            drain->busy++;
        }
    }
}


static void
on_answer(void *arg, const redisReply *reply)
{
    struct drain  *drain;

    drain = arg;
    drain->asked--;

    if (!drain->is_done && !is_drained(drain, reply)) {
        drain->busy++;
    }

    if (drain->asked != 0) {
        return;
    }

    if (drain->is_done) {
        free(drain);

    } else if (drain->busy == 0) {
        end(drain);
    }
}


/*
 * By one gateway's answer: [applied, load].
 */
static int
is_drained(const struct drain *drain, const redisReply *reply)
{
    uint64_t           applied;
    struct faas_load   load;
    const redisReply  *rev, *text;

    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY
        || reply->elements != 2)
    {
        return 0;
    }

    rev = reply->element[0];
    text = reply->element[1];

    if (rev->type == REDIS_REPLY_NIL) {
        return 1;               /* a gateway that is gone */
    }

    if (rev->type != REDIS_REPLY_STRING
        || faas_parse_uint(rev->str, strlen(rev->str), 0, UINT64_MAX,
                           &applied)
           != 0
        || applied < drain->rev)
    {
        return 0;
    }

    return text->type == REDIS_REPLY_NIL
           || (text->type == REDIS_REPLY_STRING
               && faas_load_parse(text->str, strlen(text->str), &load) == 0
               && load.draining == 0);
}


static void
end(struct drain *drain)
{
    drain->is_done = 1;
    TAILQ_REMOVE(&drain->drains->list, drain, link);

    drain->drained(drain->data);

    /* else with the last answer */

    if (drain->asked == 0) {
        free(drain);
    }
}


static void
start_timer(struct drains *drains)
{
    struct timeval  tv = { DRAIN_TICK / 1000, DRAIN_TICK % 1000 * 1000 };

    if (!evtimer_pending(drains->timer, NULL)) {
        (void) evtimer_add(drains->timer, &tv);
    }
}

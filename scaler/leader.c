/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Several scalers, one decides.
 *
 *     follows -- the lock is ours --> leads
 *     leads -- it is another one's, or not renewed in time; SIGTERM --> follows
 *
 * One question is on its way at a time, and its time is that of its sending.
 */

#include "leader.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "daemon/clock.h"
#include "lib/faas_log.h"
#include "lib/faas_uuid.h"


/*
 * KEYS: the lock, the counter of terms.  ARGV: the id, what the lock held when
 * it was ours, whether a lock of this id is ours whatever its term, msec, and
 * the greatest term seen: by it a counter that Redis has lost is known, which
 * then goes on from the microseconds since 1970, for others may have been given
 * terms since.  A lock that does not expire was never one, nor is what is no
 * string.  Answers whether the lock is ours, and what it holds.
 */
#define TAKE                                                                  \
    "local held = redis.pcall('GET', KEYS[1])\n"                              \
    "if held and (type(held) == 'table'"                                      \
    " or redis.call('PTTL', KEYS[1]) < 0) then held = false end\n"            \
    "if held and held ~= '' and held == ARGV[2] then\n"                       \
    "redis.call('PEXPIRE', KEYS[1], ARGV[4])\n"                               \
    "return {1, held}\n"                                                      \
    "end\n"                                                                   \
    "if held and (ARGV[3] ~= '1'"                                             \
    " or string.sub(held, 1, #ARGV[1] + 1) ~= ARGV[1] .. ' ') then\n"         \
    "return {0, held}\n"                                                      \
    "end\n"                                                                   \
    "local seen = tonumber(ARGV[5])\n"                                        \
    "local term = redis.pcall('INCR', KEYS[2])\n"                             \
    "if type(term) ~= 'number' or term <= seen or term > 2 ^ 53 - 1 then\n"   \
    "local now = redis.call('TIME')\n"                                        \
    "term = math.max(seen + 1, now[1] * 1000000 + now[2])\n"                  \
    "redis.call('SET', KEYS[2], string.format('%.0f', term))\n"               \
    "end\n"                                                                   \
    "held = ARGV[1] .. ' ' .. string.format('%.0f', term)\n"                  \
    "redis.call('SET', KEYS[1], held, 'PX', ARGV[4])\n"                       \
    "return {1, held}\n"

/* KEYS: the lock.  ARGV: what it holds if it is ours */
#define GIVE_UP                                                               \
    "if redis.call('GET', KEYS[1]) == ARGV[1] then\n"                         \
    "return redis.call('DEL', KEYS[1])\n"                                     \
    "end\n"                                                                   \
    "return 0\n"


static void on_timer(evutil_socket_t fd, short what, void *arg);
static void ask(struct leader *leader);
static void on_answer(void *arg, const redisReply *reply);
static int read_answer(const redisReply *reply, struct faas_leader *who,
    int *is_ours);
static void log_refusal(struct leader *leader, const redisReply *reply);
static void take(struct leader *leader, const struct faas_leader *who);
static void follow(struct leader *leader, const struct faas_leader *who);
static void lose(struct leader *leader, const char *why);
static void give_up(struct leader *leader);
static void on_given_up(void *arg, const redisReply *reply);
static void report_stopped(struct leader *leader);
static void wait_on(struct leader *leader);


int
leader_init(struct leader *leader, struct redis *redis,
    struct event_base *base, struct faas_err *err)
{
    leader->redis = redis;
    leader->timer = evtimer_new(base, on_timer, leader);

    return leader->timer != NULL ? 0 : faas_err_set(err, 0, "no memory");
}


void
leader_done(struct leader *leader)
{
    if (leader->timer != NULL) {
        event_free(leader->timer);
        leader->timer = NULL;
    }
}


void
leader_start(struct leader *leader, const char *id, int has_own)
{
    struct faas_random  random;

    leader->has_own = has_own;

    if (id != NULL) {
        (void) snprintf(leader->id, sizeof(leader->id), "%s", id);

    } else if (faas_random_seed(&random) == 0) {
        faas_uuid_encode(faas_random_next(&random), faas_random_next(&random),
                         leader->id);

    } else {
        faas_log(FAAS_LOG_ERROR, "getrandom() fails: this scaler never leads");
        return;
    }

    leader->is_started = 1;

    ask(leader);
    wait_on(leader);
}


void
leader_stop(struct leader *leader, void (*stopped)(void *arg), void *arg)
{
    int  was_leading;

    was_leading = leader->lease.term != 0;

    leader->is_stopping = 1;
    leader->stopped = stopped;
    leader->stopped_arg = arg;
    lease_drop(&leader->lease);

    if (was_leading) {
        leader->changed(leader->arg);
    }

    clock_timer(leader->timer, LEADER_STOP_MAX);

    /* else its answer says what there is to be given up */

    if (!leader->is_asking) {
        give_up(leader);
    }
}


void
leader_ready(struct leader *leader)
{
    ask(leader);
}


void
leader_lost(struct leader *leader)
{
    leader->is_asking = 0;

    if (leader->is_stopping) {
        report_stopped(leader);
    }
}


void
leader_check(struct leader *leader)
{
    ask(leader);
}


int
leader_is_valid(const struct leader *leader)
{
    return lease_holds(&leader->lease, clock_boot_ms());
}


uint64_t
leader_term(const struct leader *leader)
{
    return leader->lease.term;
}


const char *
leader_value(const struct leader *leader)
{
    return leader->value;
}


static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct leader  *leader;

    (void) fd;
    (void) what;

    leader = arg;

    if (leader->is_stopping) {
        report_stopped(leader);
        return;
    }

    if (leader->lease.term != 0 && !leader_is_valid(leader)) {
        lose(leader, "redis has not renewed it in time");
    }

    ask(leader);
    wait_on(leader);
}


/*
 * For the lock, or for its renewal.
 */
static void
ask(struct leader *leader)
{
    char         ttl[24], seen[24];
    const char  *argv[10];

    if (!leader->is_started || leader->is_stopping || leader->is_asking
        || !leader->redis->is_ready)
    {
        return;
    }

    (void) snprintf(ttl, sizeof(ttl), "%d", FAAS_LEADER_TTL);
    (void) snprintf(seen, sizeof(seen), "%" PRIu64, leader->seen);

    argv[0] = "EVAL";
    argv[1] = TAKE;
    argv[2] = "2";
    argv[3] = leader->redis->keys.leader;
    argv[4] = leader->redis->keys.leader_token;
    argv[5] = leader->id;
    argv[6] = leader->value;
    argv[7] = leader->is_asked ? "0" : "1";
    argv[8] = ttl;
    argv[9] = seen;

    leader->asked_ms = clock_boot_ms();
    leader->is_asking = redis_send(leader->redis, on_answer, leader, 10, argv,
                                   NULL)
                        == 0;
}


static void
on_answer(void *arg, const redisReply *reply)
{
    int                 is_ours;
    struct leader      *leader;
    struct faas_leader  who;

    leader = arg;
    leader->is_asking = 0;

    if (reply == NULL) {
        return;
    }

    if (read_answer(reply, &who, &is_ours) != 0) {
        log_refusal(leader, reply);

    } else {
        leader->is_asked = 1;
        leader->is_refused = 0;

        /* what nobody can have been given leaves no room above it */

        if (who.term > leader->seen && who.term <= FAAS_TERM_MAX / 2) {
            leader->seen = who.term;
        }

        if (is_ours) {
            take(leader, &who);

        } else {
            follow(leader, &who);
        }
    }

    if (leader->is_stopping) {
        give_up(leader);

    } else {
        wait_on(leader);
    }
}


static int
read_answer(const redisReply *reply, struct faas_leader *who, int *is_ours)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2
        || reply->element[0]->type != REDIS_REPLY_INTEGER
        || reply->element[1]->type != REDIS_REPLY_STRING)
    {
        return -1;
    }

    *is_ours = reply->element[0]->integer == 1;

    return faas_leader_parse(reply->element[1]->str, reply->element[1]->len,
                             who);
}


static void
log_refusal(struct leader *leader, const redisReply *reply)
{
    if (leader->is_refused) {
        return;
    }

    leader->is_refused = 1;
    faas_log(FAAS_LOG_ERROR, "the lock of the leader cannot be had, trying "
             "again key=%s error=\"%s\"", leader->redis->keys.leader,
             reply->type == REDIS_REPLY_ERROR ? reply->str : "odd value");
}


/*
 * The lock is ours; if the answer took too long it is asked for again.
 */
static void
take(struct leader *leader, const struct faas_leader *who)
{
    uint64_t  term;

    term = leader->lease.term;
    leader->other[0] = '\0';
    faas_leader_encode(who, leader->value);

    if (leader->is_stopping
        || lease_take(&leader->lease, who->term, leader->asked_ms,
                      clock_boot_ms())
           != 0
        || leader->lease.term == term)
    {
        return;
    }

    faas_log(FAAS_LOG_NOTICE, "leads term=%" PRIu64 " id=%s", who->term,
             leader->id);
    leader->changed(leader->arg);
}


static void
follow(struct leader *leader, const struct faas_leader *who)
{
    char  value[FAAS_LEADER_MAX];

    leader->value[0] = '\0';

    if (leader->lease.term != 0) {
        lose(leader, "another scaler has the lock");
    }

    faas_leader_encode(who, value);

    if (strcmp(value, leader->other) == 0) {
        return;
    }

    memcpy(leader->other, value, sizeof(value));

    if (leader->has_own) {
        faas_log(FAAS_LOG_WARN, "another scaler leads, routes of this one are "
                 "not published until it ends id=%s term=%" PRIu64, who->id,
                 who->term);

    } else {
        faas_log(FAAS_LOG_NOTICE, "another scaler leads, this one waits for "
                 "its end id=%s term=%" PRIu64, who->id, who->term);
    }
}


static void
lose(struct leader *leader, const char *why)
{
    uint64_t  term;

    term = leader->lease.term;
    lease_drop(&leader->lease);

    faas_log(FAAS_LOG_WARN, "no longer leads, functions go on, trying again "
             "term=%" PRIu64 " reason=\"%s\"", term, why);
    leader->changed(leader->arg);
}


static void
give_up(struct leader *leader)
{
    const char  *argv[5];

    argv[0] = "EVAL";
    argv[1] = GIVE_UP;
    argv[2] = "1";
    argv[3] = leader->redis->keys.leader;
    argv[4] = leader->value;

    if (leader->value[0] == '\0' || !leader->redis->is_ready
        || redis_send(leader->redis, on_given_up, leader, 5, argv, NULL) != 0)
    {
        report_stopped(leader);
    }
}


static void
on_given_up(void *arg, const redisReply *reply)
{
    (void) reply;

    report_stopped(arg);
}


static void
report_stopped(struct leader *leader)
{
    void  (*stopped)(void *arg);

    stopped = leader->stopped;
    leader->stopped = NULL;

    if (leader->timer != NULL) {
        (void) evtimer_del(leader->timer);
    }

    if (stopped != NULL) {
        stopped(leader->stopped_arg);
    }
}


static void
wait_on(struct leader *leader)
{
    clock_timer(leader->timer, lease_wait(&leader->lease, clock_boot_ms()));
}

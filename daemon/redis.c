/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A connection to Redis.
 *
 * hiredis frees its context in its own time: nothing connects or frees from
 * within its callbacks, that is the timer's.
 */

#include "redis.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <hiredis/adapters/libevent.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/faas_log.h"

#include "clock.h"


struct waiting {
    struct redis    *redis;
    redis_reply_fn   handler;
    void            *arg;
};


static int make_keys(struct redis *redis, struct faas_err *err);
static int read_password(struct redis *redis, const char *path,
    struct faas_err *err);
static int read_address(struct redis *redis, struct faas_err *err);
static void connect_now(struct redis *redis);
static void on_found(void *arg, const struct evutil_addrinfo *list,
    const char *why);
static void connect_addr(struct redis *redis);
static redisAsyncContext *connect_to(const struct redis *redis);
static void greet(struct redis *redis);
static void on_greeted(void *arg, const redisReply *reply);
static enum faas_log_level level_of(const struct redis *redis,
    enum faas_log_level level);
static void on_up(void *arg, const redisReply *reply);
static void went_down(struct redis *redis, const char *why);
static void on_connect(const redisAsyncContext *ac, int status);
static void on_disconnect(const redisAsyncContext *ac, int status);
static void on_reply(redisAsyncContext *ac, void *reply, void *data);
static void on_message(redisAsyncContext *ac, void *message, void *data);
static void on_timer(evutil_socket_t fd, short what, void *arg);


int
redis_open(struct redis *redis, const struct redis_config *config,
    struct event_base *base, struct faas_err *err)
{
    redis->config = config;
    redis->base = base;
    redis->pause_ms = REDIS_PAUSE_MIN;

    if (read_address(redis, err) != 0
        || make_keys(redis, err) != 0
        || read_password(redis, config->password_file, err) != 0)
    {
        return -1;
    }

    redis->timer = evtimer_new(base, on_timer, redis);

    if (redis->timer == NULL) {
        return faas_err_set(err, 0, "no memory");
    }

    clock_timer(redis->timer, 0);

    return 0;
}


void
redis_close(struct redis *redis)
{
    redisAsyncContext  *ac;

    ac = redis->ac;

    redis->is_closing = 1;
    redis->is_ready = 0;
    redis->ac = NULL;

    if (redis->lookup != NULL) {
        names_cancel(redis->lookup);
        redis->lookup = NULL;
    }

    if (ac != NULL) {
        redisAsyncFree(ac);
    }

    if (redis->timer != NULL) {
        event_free(redis->timer);
        redis->timer = NULL;
    }
}


int
redis_send(struct redis *redis, redis_reply_fn handler, void *arg, int argc,
    const char **argv, const size_t *len)
{
    struct waiting  *waiting;

    if (redis->ac == NULL || redis->pending >= REDIS_PENDING_MAX) {
        return -1;
    }

    waiting = malloc(sizeof(*waiting));

    if (waiting == NULL) {
        return -1;
    }

    waiting->redis = redis;
    waiting->handler = handler;
    waiting->arg = arg;

    if (redisAsyncCommandArgv(redis->ac, on_reply, waiting, argc, argv, len)
        != REDIS_OK)
    {
        free(waiting);
        return -1;
    }

    if (redis->pending++ == 0 && !redis->is_given_up) {
        redis->answers_seen = redis->answers;
        clock_timer(redis->timer, redis->config->timeout_ms);
    }

    return 0;
}


void
redis_subscribe(struct redis *redis, const char *channel,
    redis_message_fn message, void *arg)
{
    int  on;

    on = 1;
    redis->message = message;
    redis->message_arg = arg;

    /* nothing is awaited any more: the kernel has to see who is gone */

    (void) setsockopt(redis->ac->c.fd, SOL_SOCKET, SO_KEEPALIVE, &on,
                      sizeof(on));

    if (redisAsyncCommand(redis->ac, on_message, redis, "SUBSCRIBE %s",
                          channel)
        != REDIS_OK)
    {
        redis_reset(redis);
    }
}


int
redis_has_room(const struct redis *redis, unsigned n)
{
    return redis->is_ready && redis->pending + n <= REDIS_PENDING_MAX / 2;
}


void
redis_reset(struct redis *redis)
{
    if (redis->ac == NULL) {
        /* it is about to connect */
        return;
    }

    redis->is_given_up = 1;
    clock_timer(redis->timer, 0);
}


static int
read_address(struct redis *redis, struct faas_err *err)
{
    const char  *text;

    text = redis->config->address;
    memset(&redis->host, 0, sizeof(redis->host));

    if (faas_addr_parse(text, strlen(text), &redis->addr) == 0) {
        return 0;
    }

    memset(&redis->addr, 0, sizeof(redis->addr));

    return names_parse(text, &redis->host, err) == 0
           ? 0 : faas_err_prefix(err, "--redis");
}


static int
make_keys(struct redis *redis, struct faas_err *err)
{
    const char  *prefix;

    prefix = redis->config->prefix;

    if (strlen(prefix) > FAAS_PREFIX_MAX
        || faas_proto_key(redis->keys.routes, prefix, FAAS_ROUTES, NULL) != 0
        || faas_proto_key(redis->keys.changes, prefix, FAAS_CHANGES, NULL)
           != 0
        || faas_proto_key(redis->keys.epoch, prefix, FAAS_EPOCH, NULL) != 0
        || faas_proto_key(redis->keys.gateways, prefix, FAAS_GATEWAYS, NULL)
           != 0
        || faas_proto_key(redis->keys.wake, prefix, FAAS_WAKE, NULL) != 0
        || faas_proto_key(redis->keys.depth, prefix, FAAS_DEPTH, NULL) != 0
        || faas_proto_key(redis->keys.leader, prefix, FAAS_LEADER, NULL) != 0
        || faas_proto_key(redis->keys.leader_token, prefix, FAAS_LEADER_TOKEN,
                          NULL)
           != 0)
    {
        return faas_err_set(err, 0, "--redis-prefix has more than %d bytes",
                            FAAS_PREFIX_MAX);
    }

    return 0;
}


static int
read_password(struct redis *redis, const char *path, struct faas_err *err)
{
    int      fd;
    ssize_t  n;

    if (path[0] == '\0') {
        return 0;
    }

    fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd == -1) {
        return faas_err_set(err, errno, "--redis-password-file: cannot open "
                            "%.120s: %s", path, strerror(errno));
    }

    n = read(fd, redis->password, sizeof(redis->password) - 1);
    (void) close(fd);

    redis->password[n > 0 ? n : 0] = '\0';
    redis->password[strcspn(redis->password, "\r\n")] = '\0';

    if (redis->password[0] == '\0') {
        return faas_err_set(err, 0, "--redis-password-file: %.120s has no "
                            "password in its first line", path);
    }

    return 0;
}


static void
connect_now(struct redis *redis)
{
    if (redis->host.name[0] == '\0') {
        connect_addr(redis);
        return;
    }

    /* who answers at once sets the timer otherwise */

    clock_timer(redis->timer, redis->config->timeout_ms);

    redis->lookup = names_ask(redis->names, &redis->host, on_found, redis);
}


static void
on_found(void *arg, const struct evutil_addrinfo *list, const char *why)
{
    struct redis  *redis;

    redis = arg;
    redis->lookup = NULL;

    if (list == NULL) {
        went_down(redis, why);
        return;
    }

    names_choose(list, redis->is_next, &redis->addr);
    redis->is_next = 1;

    connect_addr(redis);
}


static void
connect_addr(struct redis *redis)
{
    redisAsyncContext  *ac;

    ac = connect_to(redis);

    if (ac == NULL) {
        went_down(redis, "no memory");
        return;
    }

    if (ac->err) {
        went_down(redis, ac->errstr);
        redisAsyncFree(ac);
        return;
    }

    (void) fcntl(ac->c.fd, F_SETFD, FD_CLOEXEC);

    redis->ac = ac;
    redis->pending = 0;
    redis->is_given_up = 0;
    ac->data = redis;

    if (redisLibeventAttach(ac, redis->base) != REDIS_OK) {
        redis->ac = NULL;
        went_down(redis, "no memory");
        redisAsyncFree(ac);
        return;
    }

    (void) redisAsyncSetConnectCallback(ac, on_connect);
    (void) redisAsyncSetDisconnectCallback(ac, on_disconnect);

    greet(redis);
}


static redisAsyncContext *
connect_to(const struct redis *redis)
{
    int                         port;
    char                        ip[INET6_ADDRSTRLEN];
    const void                 *in;
    const struct sockaddr_un   *sun;
    const struct sockaddr_in   *sin;
    const struct sockaddr_in6  *sin6;

    if (redis->addr.sa.ss_family == AF_UNIX) {
        sun = (const struct sockaddr_un *) &redis->addr.sa;
        return redisAsyncConnectUnix(sun->sun_path);
    }

    sin = (const struct sockaddr_in *) &redis->addr.sa;
    sin6 = (const struct sockaddr_in6 *) &redis->addr.sa;

    if (redis->addr.sa.ss_family == AF_INET6) {
        in = &sin6->sin6_addr;
        port = ntohs(sin6->sin6_port);

    } else {
        in = &sin->sin_addr;
        port = ntohs(sin->sin_port);
    }

    (void) inet_ntop(redis->addr.sa.ss_family, in, ip, sizeof(ip));

    if (redis->host.name[0] != '\0') {
        faas_log(FAAS_LOG_INFO, "connecting to redis addr=%s ip=%s",
                 redis->config->address, ip);
    }

    return redisAsyncConnect(ip, port);
}


static void
greet(struct redis *redis)
{
    char         db[24];
    const char  *argv[2];

    if (redis->password[0] != '\0') {
        argv[0] = "AUTH";
        argv[1] = redis->password;
        (void) redis_send(redis, on_greeted, redis, 2, argv, NULL);
    }

    if (redis->config->db != 0) {
        (void) snprintf(db, sizeof(db), "%" PRIu64, redis->config->db);
        argv[0] = "SELECT";
        argv[1] = db;
        (void) redis_send(redis, on_greeted, redis, 2, argv, NULL);
    }

    /* a server that is still loading refuses this one */

    argv[0] = "EXISTS";
    argv[1] = redis->keys.epoch;

    if (redis_send(redis, on_up, redis, 2, argv, NULL) != 0) {
        redis_reset(redis);
    }
}


static void
on_greeted(void *arg, const redisReply *reply)
{
    const struct redis  *redis;

    redis = arg;

    if (reply != NULL && reply->type == REDIS_REPLY_ERROR
        && !redis->is_reported)
    {
        faas_log(level_of(redis, FAAS_LOG_ERROR),
                 "redis refuses AUTH or SELECT, trying again; see "
                 "--redis-password-file, --redis-db error=\"%s\"",
                 reply->str);
    }
}


/*
 * What was said already, or another connection says, is for the curious.
 */
static enum faas_log_level
level_of(const struct redis *redis, enum faas_log_level level)
{
    return redis->is_reported || redis->is_second ? FAAS_LOG_INFO : level;
}


static void
on_up(void *arg, const redisReply *reply)
{
    struct redis  *redis;

    redis = arg;

    if (reply == NULL) {
        return;
    }

    if (reply->type != REDIS_REPLY_INTEGER) {
        faas_log(level_of(redis, FAAS_LOG_ERROR),
                 "redis refuses, trying again error=\"%s\"",
                 reply->type == REDIS_REPLY_ERROR ? reply->str : "odd answer");

        redis->is_reported = 1;
        redis_reset(redis);
        return;
    }

    if (redis->is_reported) {
        faas_log(redis->is_second ? FAAS_LOG_INFO : FAAS_LOG_NOTICE,
                 "connected to redis again addr=%s", redis->config->address);
    }

    redis->pause_ms = REDIS_PAUSE_MIN;
    redis->is_reported = 0;
    redis->is_next = 0;
    redis->is_ready = 1;

    redis->ready(redis->arg);
}


static void
went_down(struct redis *redis, const char *why)
{
    int  was_ready;

    was_ready = redis->is_ready;

    redis->ac = NULL;
    redis->is_ready = 0;

    if (redis->is_closing) {
        return;
    }

    faas_log(level_of(redis, FAAS_LOG_ERROR),
             "no connection to redis, trying again in %" PRIu64 "ms; %s "
             "addr=%s error=\"%s\"", redis->pause_ms, redis->config->meanwhile,
             redis->config->address, why);

    redis->is_reported = 1;

    clock_timer(redis->timer, redis->pause_ms / 2
                              + (uint64_t) random() % (redis->pause_ms / 2
                                                       + 1));

    redis->pause_ms *= 2;

    if (redis->pause_ms > REDIS_PAUSE_MAX) {
        redis->pause_ms = REDIS_PAUSE_MAX;
    }

    if (was_ready) {
        redis->lost(redis->arg);
    }
}


static void
on_connect(const redisAsyncContext *ac, int status)
{
    struct redis  *redis;

    redis = ac->data;

    if (status != REDIS_OK && redis->ac == ac) {
        went_down(redis, ac->errstr);
    }
}


static void
on_disconnect(const redisAsyncContext *ac, int status)
{
    struct redis  *redis;

    redis = ac->data;

    if (redis->ac == ac) {
        went_down(redis, status == REDIS_OK ? "closed" : ac->errstr);
    }
}


static void
on_reply(redisAsyncContext *ac, void *reply, void *data)
{
    struct redis    *redis;
    struct waiting  *waiting;

    waiting = data;
    redis = waiting->redis;

    if (redis->ac == ac) {
        redis->pending--;
        redis->answers++;

        if (redis->pending == 0 && !redis->is_given_up) {
            (void) event_del(redis->timer);
        }
    }

    if (waiting->handler != NULL) {
        waiting->handler(waiting->arg, reply);
    }

    free(waiting);
}


static void
on_message(redisAsyncContext *ac, void *message, void *data)
{
    struct redis      *redis;
    const redisReply  *reply;

    redis = data;
    reply = message;

    if (redis->ac != ac || reply == NULL || reply->type != REDIS_REPLY_ARRAY
        || reply->elements != 3
        || reply->element[0]->type != REDIS_REPLY_STRING
        || strcmp(reply->element[0]->str, "message") != 0
        || reply->element[2]->type != REDIS_REPLY_STRING)
    {
        return;
    }

    redis->message(redis->message_arg, reply->element[2]->str);
}


/*
 * While connected: no answer for the whole of the time-out.
 */
static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct redis       *redis;
    redisAsyncContext  *ac;

    (void) fd;
    (void) what;

    redis = arg;
    ac = redis->ac;

    if (redis->lookup != NULL) {
        names_cancel(redis->lookup);
        redis->lookup = NULL;
        went_down(redis, "the name servers do not answer in time");
        return;
    }

    if (ac == NULL) {
        connect_now(redis);
        return;
    }

    if (!redis->is_given_up && redis->is_ready
        && redis->answers != redis->answers_seen)
    {
        redis->answers_seen = redis->answers;
        clock_timer(redis->timer, redis->config->timeout_ms);
        return;
    }

    went_down(redis, redis->is_given_up ? "given up" : "no answer in time");
    redisAsyncFree(ac);
}

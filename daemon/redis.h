/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A connection to Redis: hiredis on libevent.  It connects again
 * by itself, with growing pauses.  A name is looked up for each connection;
 * of several addresses, the next is for the next attempt.
 */

#ifndef FAAS_DAEMON_REDIS_H
#define FAAS_DAEMON_REDIS_H

#include <event2/event.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/faas_err.h"
#include "lib/faas_proto.h"

#include "names.h"


#define REDIS_PASSWORD_MAX   512        /* bytes */
#define REDIS_PAUSE_MIN      100        /* msec */
#define REDIS_PAUSE_MAX      5000       /* msec */
#define REDIS_PENDING_MAX    4096       /* commands without an answer */


/* reply is NULL when the connection was lost before the answer came */
typedef void (*redis_reply_fn)(void *arg, const redisReply *reply);

/* settings; the texts are the caller's, and live as long */
struct redis_config {
    const char  *address;           /* unix:/path, IP:PORT or HOST:PORT */
    const char  *password_file;     /* empty: there is none */
    const char  *prefix;
    const char  *meanwhile;         /* what the log says of its absence */
    uint64_t     db;
    uint64_t     timeout_ms;
};

/* a message of a channel */
typedef void (*redis_message_fn)(void *arg, const char *text);

struct redis_keys {
    char  routes[FAAS_REDIS_KEY_MAX + 1];
    char  changes[FAAS_REDIS_KEY_MAX + 1];
    char  epoch[FAAS_REDIS_KEY_MAX + 1];
    char  gateways[FAAS_REDIS_KEY_MAX + 1];
    char  wake[FAAS_REDIS_KEY_MAX + 1];
    char  leader[FAAS_REDIS_KEY_MAX + 1];
    char  leader_token[FAAS_REDIS_KEY_MAX + 1];
    char  depth[FAAS_REDIS_KEY_MAX + 1];
};

struct redis {
    const struct redis_config  *config;
    struct event_base          *base;
    struct event               *timer;          /* connect, or overdue */
    redisAsyncContext          *ac;             /* NULL: not connected */
    struct names               *names;
    struct names_lookup        *lookup;         /* NULL: there is none */
    struct names_host           host;           /* if it is known by name */
    struct faas_addr            addr;           /* in use, or tried last */
    struct redis_keys           keys;
    char                        password[REDIS_PASSWORD_MAX + 1];
    unsigned                    pending;
    unsigned                    answers;        /* total, to see progress */
    unsigned                    answers_seen;
    uint64_t                    pause_ms;
    int                         is_ready;
    int                         is_reported;
    int                         is_second;      /* another reports */
    int                         is_given_up;    /* the timer ends it */
    int                         is_next;        /* addr was not good */
    int                         is_closing;

    /* where it listens to a channel */
    redis_message_fn            message;
    void                       *message_arg;

    /* called when commands may be sent, and when they no longer may */
    void                      (*ready)(void *arg);
    void                      (*lost)(void *arg);
    void                       *arg;
};


/*
 * Checks the settings and begins to connect.  names, ready, lost, arg and
 * is_second are set by the caller before.  Returns 0 or -1.
 */
int redis_open(struct redis *redis, const struct redis_config *config,
    struct event_base *base, struct faas_err *err);

/*
 * Closes for good; lost() is not called, waiting handlers are, with NULL.
 */
void redis_close(struct redis *redis);

/*
 * Sends a command of argc texts; len may be NULL where all end in zeros.
 * handler may be NULL.  Returns 0, or -1 where it cannot be sent now (the
 * handler is not called then).
 */
int redis_send(struct redis *redis, redis_reply_fn handler, void *arg,
    int argc, const char **argv, const size_t *len);

/*
 * Listens to a channel from now on; of use for nothing else then, until the
 * connection is lost.
 */
void redis_subscribe(struct redis *redis, const char *channel,
    redis_message_fn message, void *arg);

/*
 * True where n commands that can wait may be sent now: half of what may be on
 * its way is kept for others.
 */
int redis_has_room(const struct redis *redis, unsigned n);

/*
 * Gives the connection up, not from within, and connects again: what was sent
 * is of no use, a MULTI that was begun and not ended.
 */
void redis_reset(struct redis *redis);


#endif /* FAAS_DAEMON_REDIS_H */

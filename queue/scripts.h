/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The scripts of lib/faas_async.h at work: loaded once a connection, run by
 * their digest.
 */

#ifndef FAAS_QUEUE_SCRIPTS_H
#define FAAS_QUEUE_SCRIPTS_H

#include "daemon/redis.h"
#include "lib/faas_async.h"


#define SCRIPTS_MAX     16
#define SCRIPTS_SHA     40          /* hexadecimal digits */
#define SCRIPTS_ARGS    72          /* of a script, without the prefix */

/* an argument */
struct scripts_arg {
    const char  *data;
    size_t       len;
};

/* an argument that is a text */
#define SCRIPTS_TEXT(s)  (struct scripts_arg) { (s), strlen(s) }

/* who is told, with NULL where the script did not run, or nobody knows */
struct scripts_handler {
    redis_reply_fn  fn;
    void           *arg;
};

struct scripts {
    struct redis  *redis;
    char           sha[SCRIPTS_MAX][SCRIPTS_SHA + 1];
    unsigned       n_loaded;
    char           is_refused[SCRIPTS_MAX];     /* and that was logged */
    int            is_ready;

    /* scripts may be run */
    void         (*ready)(void *arg);
    void          *arg;
};


/*
 * Loads them; redis, ready and arg are the caller's to set before.
 */
void scripts_load(struct scripts *scripts);

/*
 * The connection is lost.
 */
void scripts_lost(struct scripts *scripts);

/*
 * Runs a script with n arguments behind the prefix.  Returns 0, or -1 where it
 * cannot run now; the handler is not called then.
 */
int scripts_run(struct scripts *scripts, const struct faas_script *script,
    struct scripts_handler handler, size_t n, const struct scripts_arg *args);


#endif /* FAAS_QUEUE_SCRIPTS_H */

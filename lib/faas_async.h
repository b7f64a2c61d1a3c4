/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Asynchronous calls in Redis: keys, the fields of a call, and the scripts
 * that change them.  A gateway accepts calls, queue workers deliver them, the
 * scaler shows and mends them; nothing else knows these keys.
 *
 * DESIGN
 *
 * A call is what was asked, a string that is written once, and what has
 * become of it, a small hash; everything else holds its id only.  So a retry
 * moves no body, and whoever has the id finds the call.  The hash is written
 * when somebody looks at the call for the first time: most calls wait without
 * one, which is less than half of the work for Redis, and little more than
 * half of its memory.
 *
 * Each step from one state into another is one script, so it happens wholly
 * or not at all, whoever dies meanwhile.  A script is told the entry that its
 * caller has taken, and does nothing where the call is no longer there: of
 * two workers that believe they have a call, one ends it.
 *
 *   async:request:ID   string, see struct faas_async_request; until the call
 *                      is over
 *   async:call:ID      hash, see below; expires once the call is over; none:
 *                      the call is queued, and nobody has looked at it yet
 *   async:q:KEY        stream of calls of a function that wait or run, with
 *                      field "c", the id; consumer group FAAS_ASYNC_GROUP.
 *                      One a function: who is slow keeps nobody else waiting
 *   async:delayed      sorted set of ids, by Unix time (msec) of their next
 *                      try
 *   async:dead         stream of calls that were given up, fields "c" and "f"
 *   async:same:KEY:X   string, the id of the call with idempotency key X;
 *                      expires after the window
 *   async:totals       hash: "calls", accepted and neither over nor dead;
 *                      "bytes", their requests
 *   async:settings     hash KEY -> JSON, see struct faas_async_settings; only
 *                      functions that have any; written by the scaler
 *   async:tick:KEY:T   string, set by the worker that has made the call of
 *                      the schedule at T; expires
 *   async:ticks        hash KEY -> T of the last call by schedule
 *   async:bell         channel: KEY when a call of it waits, "" when one is
 *                      delayed
 *   depth              hash KEY -> length of async:q:KEY, where it is not 0
 *
 * A call's states:
 *
 *   delayed --> queued --> running --> done
 *                 ^          |  +----> dead --> queued, by hand
 *                 +-- retry <+
 *
 *   delayed, queued, retry --> cancelled
 */

#ifndef FAAS_ASYNC_H
#define FAAS_ASYNC_H

#include <stddef.h>
#include <stdint.h>

#include "faas_err.h"
#include "faas_proto.h"


#define FAAS_ASYNC_GROUP        "workers"

#define FAAS_ASYNC_REQUEST      "async:request:"    /* followed by an id */
#define FAAS_ASYNC_QUEUE        "async:q:"      /* followed by a KEY */
#define FAAS_ASYNC_DELAYED      "async:delayed"
#define FAAS_ASYNC_DEAD         "async:dead"
#define FAAS_ASYNC_TOTALS       "async:totals"
#define FAAS_ASYNC_SETTINGS     "async:settings"
#define FAAS_ASYNC_TICKS        "async:ticks"
#define FAAS_ASYNC_BELL         "async:bell"

/* the label queue_name of metrics: as OpenFaaS calls its only queue */
#define FAAS_ASYNC_QUEUE_NAME   "faas-request"

#define FAAS_ASYNC_ID_MAX       64          /* bytes of a call's id */
#define FAAS_ASYNC_KEY_ID_MAX   128         /* of an idempotency key */
#define FAAS_ASYNC_PATH_MAX     16384       /* of path and query */
#define FAAS_ASYNC_HEADERS_MAX  65536       /* of all header lines */
#define FAAS_ASYNC_URL_MAX      2048        /* of a callback's URL */
#define FAAS_ASYNC_METHOD_MAX   32
#define FAAS_ASYNC_HEAD_MAX     2304        /* of a request's first line */
#define FAAS_ASYNC_HEAD_OWN     66          /* of them, besides key, method and
                                               callback */
#define FAAS_ASYNC_BODY_MAX     (511 * 1024 * 1024)     /* Redis' own bound
                                                           for a request is
                                                           512 MiB */
#define FAAS_ASYNC_DELAY_MAX    604800      /* seconds: a week */
#define FAAS_ASYNC_ERROR_MAX    200         /* bytes of an error kept */
#define FAAS_ASYNC_TAKE_MAX     64          /* calls of one take */
#define FAAS_ASYNC_SETTINGS_MAX 4096        /* bytes of settings' JSON */
#define FAAS_ASYNC_CODES_MAX    16          /* statuses to retry */
#define FAAS_ASYNC_SCHEDULE_MAX 128         /* bytes of a schedule */
#define FAAS_ASYNC_ATTEMPTS_MAX 1000
#define FAAS_ASYNC_CANCELLED_KEPT "3600000"  /* msec a cancelled call is known
                                                for */

/*
 * Fields of a call's hash, by which the scripts know it:
 *
 *   f    KEY
 *   u    the callback's URL; missing: none
 *   t    when it was accepted: Unix time, msec, as all times
 *   s    state
 *   e    entry in async:q:KEY; "" elsewhere; missing: it is there, and was
 *        never taken
 *   n    attempts begun, total
 *   k    attempts of the callback, total
 *   c    status of the last attempt
 *   x    why it failed
 *   d    time of the next one
 *   o    time of its end
 *   y    entry in async:dead
 *   rc, rh, rb, rt
 *        the function's status, headers, body and seconds, while only the
 *        callback is to be made
 */

/*
 * What was asked: a line
 *
 *   KEY ACCEPTED METHOD CALLBACK PATH-LENGTH HEADERS-LENGTH
 *
 * its fields separated by one space, then path, headers and body as they are.
 */
struct faas_async_request {
    const char  *key;
    size_t       key_len;
    uint64_t     accepted;          /* Unix time, msec */
    const char  *method;
    size_t       method_len;
    const char  *callback;          /* URL; of length 0: none */
    size_t       callback_len;
    const char  *path;              /* and query, from the slash on */
    size_t       path_len;
    const char  *headers;           /* lines "Name: value\r\n" */
    size_t       headers_len;
    const char  *body;
    size_t       body_len;
};

/*
 * What a function's annotations say of its asynchronous calls.
 */
struct faas_async_settings {
    uint32_t  attempts;             /* FAAS_UNSET: the worker's own; as all */
    uint32_t  min_wait_ms;
    uint32_t  max_wait_ms;
    uint32_t  max_inflight;         /* at a worker */
    uint32_t  n_codes;              /* FAAS_UNSET */
    uint16_t  codes[FAAS_ASYNC_CODES_MAX];
    char      schedule[FAAS_ASYNC_SCHEDULE_MAX + 1];    /* "": none */
};


/*
 * A script, its number of arguments, and what it answers.  ARGV[1] is always
 * the prefix; no key is given as such (Redis Cluster is not supported).
 */
struct faas_script {
    const char  *name;
    const char  *text;
    unsigned     argc;          /* least number of arguments */
};

/*
 * A call is accepted.
 *   prefix, KEY, id, other id (if the first is in use), request, delay in
 *   msec, most calls in all, most bytes in all, idempotency key or "", its
 *   window in msec
 * -> {"ok", id, calls, bytes}, {"same", id of the first, calls, bytes}, where
 *    calls and bytes are all that waits; or {"full"}
 *
 * A gateway may do the same, for new ids, without delay and idempotency key,
 * by a MULTI of MSET, XADD, HINCRBY and PUBLISH.
 */
extern const struct faas_script  faas_async_enqueue;

/*
 * A worker takes calls of a function: those whose worker has been silent for
 * longer than the lease, and such as nobody has taken.
 *   prefix, KEY, worker, most, lease in msec, "1" to look for silent workers'
 * -> {settings' JSON or "", depth, {call, ...}}, where a call is
 *    {entry, id, request, attempts with this one, callbacks made, result code
 *     or "", result headers, result body, result time}
 */
extern const struct faas_script  faas_async_take;

/*
 * A worker is at these calls still.
 *   prefix, KEY, worker, entry, ...
 * -> number that are its own still
 */
extern const struct faas_script  faas_async_keep;

/*
 * A call is over.
 *   prefix, KEY, id, entry, status, error or "", time it is known for in msec
 * -> 1, or 0 where somebody else has ended it
 */
extern const struct faas_script  faas_async_done;

/*
 * A call, or its callback only, is tried again later.
 *   prefix, KEY, id, entry, status, error, wait in msec [, result code,
 *   headers, body, time, callbacks made]
 * -> 1 or 0
 */
extern const struct faas_script  faas_async_retry;

/*
 * A call is put back as it was taken: its worker leaves, or has no room.
 *   prefix, KEY, id, entry
 * -> 1 or 0
 */
extern const struct faas_script  faas_async_back;

/*
 * A call is given up; the oldest of those given up are forgotten.  With "1"
 * the function's result that was kept for the callback is forgotten as well.
 *   prefix, KEY, id, entry, status, error, most dead calls [, "1"]
 * -> 1 or 0
 */
extern const struct faas_script  faas_async_bury;

/*
 * Calls whose time has come are queued.
 *   prefix, most
 * -> {number queued, msec until the next or -1}
 */
extern const struct faas_script  faas_async_promote;

/*
 * A call that has not begun, or waits to be tried again, is taken back.
 *   prefix, id, time it is known for in msec
 * -> its state before, or "" where there is none
 */
extern const struct faas_script  faas_async_cancel;

/*
 * What is known of a call.
 *   prefix, id
 * -> {} or {KEY, state, accepted, attempts, code, error, due, over, callback,
 *    callbacks}, each a text, "" where there is none
 */
extern const struct faas_script  faas_async_state;

/*
 * The same with what was asked; of a call that is over nothing of that is
 * known any more.
 *   prefix, id, most bytes of a body
 * -> {} or the ten texts, method, path, headers, size of the body, body or ""
 *    where it is larger
 */
extern const struct faas_script  faas_async_show;

/*
 * Dead calls, oldest first.
 *   prefix, KEY or "", behind this entry or "", most
 * -> {entry to go on behind or "", {id, KEY, accepted, over, attempts, code,
 *     error}, ...}
 */
extern const struct faas_script  faas_async_deads;

/*
 * A dead call is queued anew.
 *   prefix, id
 * -> its state before, or ""
 */
extern const struct faas_script  faas_async_revive;

/*
 * A dead call is forgotten.
 *   prefix, id
 * -> its state before, or ""
 */
extern const struct faas_script  faas_async_purge;

/*
 * The same of many dead calls, oldest first.
 *   prefix, KEY or "", behind this entry or "", most, "revive" or "purge"
 * -> {entry to go on behind or "", number}
 */
extern const struct faas_script  faas_async_sweep;

/*
 * The tick of a schedule: who comes first makes the call.
 *   prefix, KEY, tick (Unix time, seconds), id, request
 * -> 1 or 0
 */
extern const struct faas_script  faas_async_tick;

/*
 * Depths, for who shows them.
 *   prefix, most functions
 * -> {calls, bytes, delayed, dead, {KEY, depth, msec since the oldest was
 *     accepted or queued anew}, ...}
 */
extern const struct faas_script  faas_async_depths;


/*
 * True for an id that may be given to a call: 1 to FAAS_ASYNC_ID_MAX bytes of
 * letters, digits, '-', '_' and '.'.
 */
int faas_async_id_is_valid(const char *s, size_t len);

/*
 * Writes the first line of a request, of which all but the body is set, to dst
 * of FAAS_ASYNC_HEAD_OWN bytes and what key, method and callback have.  These
 * have no spaces and are within their bounds.  Returns its length.
 */
size_t faas_async_request_head(const struct faas_async_request *request,
    char *dst);

/*
 * Reads a request; its texts point into s.  Returns 0, or -1 where it is none
 * or something is over its bound.
 */
int faas_async_request_parse(const char *s, size_t len,
    struct faas_async_request *request);

/*
 * Settings of which nothing is set.
 */
void faas_async_settings_init(struct faas_async_settings *settings);

/*
 * Writes settings as JSON and a zero to dst of FAAS_ASYNC_SETTINGS_MAX bytes.
 * Returns the length without the zero; 0 where nothing is set.
 */
size_t faas_async_settings_encode(const struct faas_async_settings *settings,
    char *dst);

/*
 * Reads settings; an empty text sets nothing.  Returns 0, or -1 with err.
 */
int faas_async_settings_parse(const char *s, size_t len,
    struct faas_async_settings *settings, struct faas_err *err);


#endif /* FAAS_ASYNC_H */


/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The live feed, faas_feed: what its two files share.
 */


#ifndef _NGX_HTTP_FAAS_FEED_H_INCLUDED_
#define _NGX_HTTP_FAAS_FEED_H_INCLUDED_


#include "ngx_http_faas.h"


#define NGX_HTTP_FAAS_FEED_EVERY  1000   /* msec, between two events */


/*
 * An event as it is sent.  It is made once for all viewers of a worker, and
 * each that has not written it yet holds a reference.
 */

typedef struct {
    ngx_uint_t                  refs;
    ngx_uint_t                  n;           /* functions in it */
    u_char                     *start;
    u_char                     *last;
    u_char                     *end;
} ngx_http_faas_feed_text_t;


/* what was last read of a function */

typedef struct {
    uint64_t                    finished;
    uint64_t                    failed;
    uint32_t                    inflight;
    uint32_t                    parked;
    uint32_t                    replicas;
    uint32_t                    gen;         /* of its record */
    u_char                      is_live;     /* viewers have it */
    u_char                      is_missed;   /* has counts from before the
                                                feed, which are unknown */
    u_char                      len;
    u_char                      key[FAAS_KEY_MAX];
    uint64_t                    bucket[FAAS_HIST_BUCKETS];
} ngx_http_faas_feed_fn_t;


/* all that a worker with viewers has */

struct ngx_http_faas_feed_s {
    ngx_http_faas_main_conf_t  *conf;
    ngx_http_faas_feed_text_t  *delta;       /* the event that is being made;
                                                NULL: none is due */
    ngx_http_faas_feed_text_t  *full;        /* first event of who comes now,
                                                if somebody came already */
    ngx_socket_t                fd;          /* debug logs read it here, see
                                                ngx_event_ident() */
    ngx_event_t                 tick;
    ngx_msec_t                  due;         /* the next event */
    uint64_t                    time;        /* of the last; msec since 1970 */
    ngx_http_faas_feed_fn_t    *fn;          /* by number: what was last read */
    uint32_t                    fns;         /* size of fn */
    uint32_t                    next;        /* to be read for delta */
    ngx_uint_t                  n;           /* viewers */
    ngx_queue_t                 viewers;
    unsigned                    is_reading:1;    /* an event is being made */
    unsigned                    is_begun:1;      /* one was made */
};


/* ngx_http_faas_feed_encode.c */

/*
 * Reads a part of the zone, and adds what has changed to feed->delta.  Returns
 * NGX_AGAIN where there is more to read, after others had their turn; NGX_OK,
 * the event is complete; or NGX_ERROR: no memory, and changes are lost.
 */
ngx_int_t ngx_http_faas_feed_read(ngx_http_faas_feed_t *feed);

/*
 * Makes feed->full of what was read: delta is none, or complete.
 */
ngx_int_t ngx_http_faas_feed_fill(ngx_http_faas_feed_t *feed);

/*
 * Gives a reference back; the last one frees the text, which may be NULL.
 */
void ngx_http_faas_feed_drop(ngx_http_faas_feed_text_t *text);


#endif /* _NGX_HTTP_FAAS_FEED_H_INCLUDED_ */

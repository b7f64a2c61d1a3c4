/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Mode http: the long-lived function process, connections to it, and requests
 * on them.
 *
 *             connect refused, function starting
 *               +--------+
 *               v        |
 *   WAITING --timer--> CONNECTING --> ACTIVE --answer complete--> IDLE
 *                          ^             |                         |
 *                          |             | closed before a byte    |
 *                          +-------------+ of an answer came, and  |
 *                                          nothing is lost by      |
 *                                          sending it again        |
 *                                        ^                         |
 *                                        +------next request-------+
 */

#ifndef FAAS_WD_UPSTREAM_H
#define FAAS_WD_UPSTREAM_H

#include <stddef.h>
#include <stdint.h>

#include "conn.h"
#include "proc.h"


enum wd_up_state {
    WD_UP_WAITING,              /* to connect again in a moment */
    WD_UP_CONNECTING,
    WD_UP_ACTIVE,
    WD_UP_IDLE                  /* kept for the next request */
};


struct wd_up {
    struct wd_list      link;   /* in idle or free */
    struct wd_event     event;
    struct wd_timer     timer;  /* waiting or idle */
    struct wd          *wd;
    struct wd_conn     *conn;   /* whose request it is; NULL: idle */
    struct wd_iobuf     in;
    struct wd_iobuf     out;    /* kept as long as it may be sent again */
    struct wd_parser    parser;
    char               *body;   /* decoded and not yet passed on, in in */
    size_t              body_len;
    size_t              scanned;
    uint64_t            sent;   /* bytes of this request */
    uint64_t            delay;  /* msec; before the next connect */
    uint64_t            keep;   /* msec that it may stay idle */
    enum wd_up_state    state;
    int                 can_read;
    int                 can_write;
    int                 is_hung_up;
    int                 is_eof;         /* or it could not be opened */
    int                 error;          /* errno of connect(2), or 0 */
    int                 is_reused;
    int                 is_mute;        /* nothing can be sent any more */
    int                 is_begun;       /* a byte of the answer has come */
    int                 is_head_done;
    int                 is_keep_alive;
    int                 has_body;       /* the request */
    int                 is_chunked;     /* its body is */
    int                 is_sent;        /* all of it is in out */
    int                 is_held;        /* it is collected before it is sent */
    int                 is_upgrade;     /* the client asks for a protocol */
    struct faas_buf     held;           /* the body, where is_held */
};


struct wd_http {
    struct faas_addr     addr;          /* of the function's server */
    struct wd_proc      *child;
    struct wd_log_pipe  *out;           /* the function's output */
    struct wd_list       idle;          /* ups; the last used is the last */
    struct wd_list       free_ups;
    uint64_t             start_end;     /* nsec; it should be up by then */
    size_t               n_idle;
    char                *dir;           /* owned; to be removed, or NULL */
    int                  path_fd;       /* -1, or the private socket's file */
    int                  is_up;         /* it has accepted a connection */
    int                  is_lost;       /* it has ended */
};


/* child.c: starts the function with a private socket where it gets one */
int wd_child_start(struct wd *wd, struct faas_err *err);

/* removes what wd_child_start() has left in the file system */
void wd_child_done(struct wd *wd);

/* upstream.c: a connection for the request; NULL without memory */
struct wd_up *wd_up_get(struct wd_conn *conn);

/* begins to connect, where it is not connected yet */
void wd_up_open(struct wd_up *up);

/* the request goes elsewhere or nowhere: closes and frees */
void wd_up_free(struct wd_up *up);

/* the request is done, and the connection good for another one */
void wd_up_keep(struct wd_up *up);

/* whether the request can be sent on another connection, as if never sent */
int wd_up_can_replay(const struct wd_up *up);
void wd_up_replay(struct wd_up *up);

/* received; returns what recv(2) does, and sets can_read and is_eof */
int wd_up_receive(struct wd_up *up);

/* sends what is in out; 1: something was sent, 0: nothing, -1: broken */
int wd_up_send(struct wd_up *up);

/* frees all */
void wd_ups_done(struct wd *wd);

/*
 * up_body.c: collects the body, where the request is held; moves it to
 * up->out; sends that.  Return whether something has moved.
 */
int wd_up_hold(struct wd_up *up);
int wd_up_fill(struct wd_up *up);
int wd_up_flush(struct wd_up *up);

/*
 * mode_http.c: ends the call with this answer, or cuts off the one that has
 * begun.  Returns 1.
 */
int wd_up_fail(struct wd_up *up, int status, const char *text);

/*
 * forward.c: the head of the request as it goes to the function; where is_open
 * is set, without its end and what tells how long the body is.  Returns 0, or
 * -1 where there is no room.
 */
int wd_forward_head(const struct wd_head *head, struct wd_text *text,
    int is_open);

/* how long the function lets an idle connection live, msec; or preset */
uint64_t wd_forward_keep(const struct wd_head *head, uint64_t preset);


#endif /* FAAS_WD_UPSTREAM_H */

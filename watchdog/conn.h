/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A client's connection, and what a mode may do with it.
 *
 *                accept
 *                  |
 *                  v     first byte        head complete
 *       +-------> IDLE ------------> HEAD ----------------+
 *       |          |                   |                  v
 *       |          | idle_timeout,     | bad head, 408   BUSY: the mode's, or
 *       |          | draining          |                  |   answered at once
 *       |          v                   v                  |
 *       |        CLOSED <---------- (answer) <------------+ answer is sent
 *       |          ^                                      |
 *       |          |  too much,                           |
 *       |          |  too late                            v
 *       +----------|--------------------------------- is the body read? yes
 *       |          |                                      | no
 *       |          |                                      v
 *       +----------+---------------------------------- DISCARD
 *                  |
 *                LINGER: our side is shut, so that what the client still
 *                sends does not reset the answer on its way
 */

#ifndef FAAS_WD_CONN_H
#define FAAS_WD_CONN_H

#include <stddef.h>
#include <stdint.h>

#include "lib/faas_buf.h"
#include "parser.h"
#include "watchdog.h"


#define WD_CONN_EVENTS    (EPOLLIN | EPOLLRDHUP | EPOLLET)
#define WD_LOG_URL_MAX    256   /* bytes of a path in the log */
#define WD_CALL_ID_MAX    72    /* bytes, with brackets and zero */
#define WD_DURATION_LINE  64    /* bytes of a header line */
#define WD_PREFIX_MAX     64    /* bytes */
#define WD_MORE_UNKNOWN   UINT64_MAX


enum wd_conn_state {
    WD_CONN_IDLE,               /* between requests; holds no buffer */
    WD_CONN_HEAD,               /* a head has begun to come */
    WD_CONN_BUSY,               /* from the head's end to the answer's end */
    WD_CONN_DISCARD,            /* answered; the rest of the body is dropped */
    WD_CONN_LINGER,             /* waits for the client to close */
    WD_CONN_CLOSED
};


enum wd_wait {
    WD_WAIT_NONE,               /* the next move is the function's */
    WD_WAIT_READ,               /* the client has to send */
    WD_WAIT_WRITE               /* the client has to receive */
};


/* what is left of a request when its head has gone */
struct wd_request {
    uint64_t  started;          /* nsec, monotonic */
    uint64_t  time;             /* msec that the call may take; 0: no limit */
    uint64_t  body_seen;        /* bytes, decoded */
    int       method;
    int       minor;
    int       is_head;          /* method is HEAD */
    int       is_keep_alive;    /* the client would go on */
    int       is_counted;       /* in wd->n_inflight */
    int       is_logged;
    int       is_measured;      /* counts in the metrics */
    char      call_id[WD_CALL_ID_MAX];  /* " [ID]" for the log, or "" */
    size_t    url_len;
    char      url[WD_LOG_URL_MAX];
};


/* the answer under way */
struct wd_reply {
    uint64_t  body_len;         /* bytes so far */
    int       status;
    int       is_begun;         /* its head is in conn->out */
    int       is_done;          /* all of it is */
    int       is_ending;        /* it is when conn->rest is */
    int       is_cut;           /* it ends too early, and has to look so */
    int       is_chunked;
    int       is_bodyless;
    int       is_last;          /* the connection closes after it */
};


struct wd_conn {
    struct wd           *wd;
    struct wd_event      event;
    struct wd_timer      timer;         /* waiting for the client */
    struct wd_timer      exec_timer;    /* waiting for the function */
    struct wd_list       link;          /* in wd->conns or free_conns */
    struct wd_list       idle_link;
    struct wd_list       ready_link;
    struct wd_iobuf      in;
    struct wd_iobuf      out;
    struct wd_parser     parser;
    struct wd_request    req;
    struct wd_reply      reply;
    struct faas_buf      rest;          /* of the answer; for out */
    size_t               rest_sent;     /* bytes of it that are there */
    void                *call;          /* the mode's; NULL: none */
    char                *body;          /* decoded and not yet taken, in in */
    size_t               body_len;
    size_t               scanned;       /* of the head, from in.start */
    size_t               discarded;     /* bytes in this state, or since the
                                           last rest */
    uint64_t             linger_end;    /* nsec */
    int                  is_resting;    /* while it lingers: nothing is read */
    uint64_t             n_requests;    /* that have begun */
    uint64_t             moved;         /* nsec; when the client last did
                                           something */
    enum wd_conn_state   state;
    enum wd_wait         wait;
    int                  is_metrics;    /* came by metrics_port */
    int                  can_read;
    int                  can_write;
    int                  is_hung_up;    /* the client has shut its side */
    int                  is_eof;        /* and all it had sent is read */
    int                  is_broken;     /* reset */
    int                  is_expired;    /* timer has fired */
    int                  is_overdue;    /* exec_timer has */
    int                  is_body_done;  /* the request has been read */
    int                  is_body_unwanted;
    int                  is_tunnel;     /* after a 101: bytes both ways */
    int                  is_last_call;  /* FRESH_GRACE runs */
    int                  is_bad;        /* what follows cannot be parsed */
};


/*
 * Takes over an accepted socket.  Returns 0, or -1 without memory (the socket
 * is closed).
 */
int wd_conn_accept(struct wd *wd, int fd, int is_metrics);

/*
 * Puts the connection on the ready list.
 */
void wd_conn_kick(struct wd_conn *conn);

/*
 * Pumps those on the ready list that were there at the call.
 */
void wd_conns_run(struct wd *wd);

/*
 * All connections look at the phase anew, or are cut.
 */
void wd_conns_kick(struct wd *wd);
void wd_conns_cut(struct wd *wd);

/*
 * Closes the oldest idle connection.  Returns whether there was one.
 */
int wd_conns_drop_idle(struct wd *wd);

/*
 * Frees all.
 */
void wd_conns_done(struct wd *wd);

/*
 * The request is refused, or fails at the client's end: the function is told,
 * and the answer is this one, or is cut off where one has begun.
 */
void wd_conn_refuse(struct wd_conn *conn, int status, const char *text);

/*
 * For modes: takes len bytes of the body that conn->body offers.
 */
void wd_conn_consume(struct wd_conn *conn, size_t len);

/*
 * For modes: the rest of the body is to be dropped.
 */
void wd_conn_drop_body(struct wd_conn *conn);


/* pump.c */

/*
 * Moves what can be moved now.  Returns -1 where the connection is to be
 * released, else 0.
 */
int wd_conn_pump(struct wd_conn *conn);

/*
 * The client is gone: ends the request under way, if any.
 */
void wd_conn_cancel(struct wd_conn *conn);


/* request.c */

/*
 * Receives and parses what may be received now.  Returns whether something
 * has moved.
 */
int wd_request_read(struct wd_conn *conn);


/* reply.c */

/*
 * A short answer by the watchdog itself, of this status and text.  headers
 * are lines to add, each with its CR LF.  Nothing may have been begun.
 */
void wd_reply_text(struct wd_conn *conn, int status, const char *headers,
    const char *text);

/*
 * The same with X-OpenFaaS-Internal: of-watchdog, so that nobody takes it for
 * the function's, and a newline behind the text.
 */
void wd_reply_error(struct wd_conn *conn, int status, const char *text);

/*
 * Room for bytes of the body behind conn->out: returns how many may be
 * written to *at.  Before the answer has begun they are held back.
 */
size_t wd_reply_room(struct wd_conn *conn, char **at);

/*
 * len bytes have been written there.
 */
void wd_reply_commit(struct wd_conn *conn, size_t len);

/*
 * Puts a text in front of what is held back, once; cut at WD_PREFIX_MAX.
 */
void wd_reply_prefix(struct wd_conn *conn, const char *text);

/*
 * Begins the answer in front of what is held back: type is its Content-Type,
 * headers are lines to add.  more is the bytes of the body that follow: where
 * it is 0 the answer is done.
 */
void wd_reply_begin(struct wd_conn *conn, int status, const char *type,
    const char *headers, uint64_t more);

/*
 * Begins an answer with the head of another one: status, reason and headers
 * less those of the other connection, headers (lines) added.  Nothing is held
 * back.  Returns 0, or -1 where it does not fit.
 */
int wd_reply_forward(struct wd_conn *conn, const struct wd_head *head,
    const char *headers);

/*
 * The same for a 101 to what the client has asked for: the connection becomes
 * a tunnel.
 */
int wd_reply_upgrade(struct wd_conn *conn, const struct wd_head *head);

/*
 * Takes over what is in buf as the body's next bytes, however many: there is
 * no room for others before they are sent.
 */
void wd_reply_hand(struct wd_conn *conn, struct faas_buf *buf);

/*
 * Moves some of them.  Returns whether there were any.
 */
int wd_reply_pass(struct wd_conn *conn);

/*
 * What is held back is dropped.
 */
void wd_reply_drop(struct wd_conn *conn);

/*
 * The answer is complete; or it ends here and has to look broken.
 */
void wd_reply_end(struct wd_conn *conn);
void wd_reply_cut(struct wd_conn *conn);

/*
 * Writes "X-Duration-Seconds: 0.002294" as a line of a head.
 */
void wd_reply_duration(const struct wd_conn *conn,
    char line[WD_DURATION_LINE]);

/*
 * The text that goes with a status, or "".
 */
const char *wd_reply_reason(int status);


/* local.c */

/*
 * Answers /_/health and /_/ready, and what comes by metrics_port.  Returns
 * whether the request was one of these.  It may be turned into a call of
 * ready_path: then it is none, but is neither logged nor counted.
 */
int wd_local_answer(struct wd_conn *conn, struct wd_head *head);

/*
 * Whether a path, which begins with a slash, has no empty segments, "." and
 * ".."; and adds it to text without them.
 */
int wd_path_is_clean(struct wd_str path);
void wd_path_clean(struct wd_str path, struct wd_text *text);

/*
 * Whether max_inflight requests are in the function.
 */
int wd_is_full(const struct wd *wd);


#endif /* FAAS_WD_CONN_H */

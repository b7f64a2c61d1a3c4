/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Mode http: requests go to one long-lived process that serves HTTP.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/faas_log.h"
#include "lib/faas_num.h"
#include "upstream.h"


#define TEXT_MAX      256       /* bytes of an error's text */
#define PIECES_MAX    16        /* of an answer, before it is sent on */
#define KEEP          4000      /* msec; node closes after 5 s */


static int init(struct wd *wd, struct faas_err *err);
static void stop(struct wd *wd, uint64_t grace);
static int is_stopped(const struct wd *wd);
static void done(struct wd *wd);
static void start(struct wd_conn *conn, const struct wd_head *head);
static int run(struct wd_conn *conn);
static void cancel(struct wd_conn *conn);
static void pass_signal(struct wd *wd, int sig);
static int upgrade(struct wd_up *up, const struct wd_head *head);
static int tunnel(struct wd_up *up);
static int has_more(const struct wd_up *up);
static int read_head(struct wd_up *up);
static int take_head(struct wd_up *up, size_t head_len);
static int read_body(struct wd_up *up);
static int pass_body(struct wd_up *up);
static int finish(struct wd_up *up);
static int lost(struct wd_up *up);
static int end_call(struct wd_up *up, int is_good);


const struct wd_mode  wd_mode_http = {
    "http",
    init,
    stop,
    is_stopped,
    done,
    start,
    run,
    cancel,
    pass_signal
};


static int
init(struct wd *wd, struct faas_err *err)
{
    struct wd_http  *http;

    http = calloc(1, sizeof(*http));
    if (http == NULL) {
        return faas_err_set(err, ENOMEM, "no memory");
    }

    http->path_fd = -1;
    wd_list_init(&http->idle);
    wd_list_init(&http->free_ups);
    wd->mode_data = http;

    return wd_child_start(wd, err);
}


static void
stop(struct wd *wd, uint64_t grace)
{
    struct wd_http  *http;

    http = wd->mode_data;

    if (http->child != NULL) {
        wd_proc_kill(http->child, grace);
    }
}


static int
is_stopped(const struct wd *wd)
{
    return wd->n_procs == 0;
}


static void
done(struct wd *wd)
{
    struct wd_http  *http;

    http = wd->mode_data;

    if (http == NULL) {
        return;
    }

    if (http->out != NULL) {
        wd_log_pipe_put(http->out);
    }

    wd_ups_done(wd);
    wd_child_done(wd);
    free(http);
    wd->mode_data = NULL;
}


static void
start(struct wd_conn *conn, const struct wd_head *head)
{
    struct wd_up    *up;
    struct wd_text   text;

    up = wd_up_get(conn);

    if (up == NULL || wd_iobuf_get(&conn->wd->buffers, &up->out) != 0) {
        if (up != NULL) {
            wd_up_free(up);
        }

        wd_conn_refuse(conn, 500, "no memory for a call");
        return;
    }

    wd_text_init(&text, up->out.data, up->out.size);
    conn->call = up;
    up->has_body = !conn->is_body_done;
    up->is_upgrade = wd_head_upgrade(head).len != 0;
    up->is_held = up->has_body && conn->wd->cfg.is_body_buffered;
    up->is_chunked = head->is_chunked;
    up->is_sent = conn->is_body_done && !head->is_chunked;

    wd_parser_init(&up->parser, HTTP_RESPONSE, conn->wd->cfg.max_head_size);
    up->parser.is_bodyless = conn->req.is_head;

    if (wd_forward_head(head, &text, up->is_held) != 0) {
        (void) wd_up_fail(up, 500, "head too large to be passed on");
        return;
    }

    up->out.end = text.len;

    if (up->is_held) {
        up->is_chunked = 0;
        faas_buf_init(&up->held, conn->wd->cfg.max_held_body);
        return;
    }

    wd_up_open(up);
}


static int
run(struct wd_conn *conn)
{
    int              i, moved;
    char             line[TEXT_MAX], time[FAAS_DURATION_TEXT];
    struct wd_up    *up;
    struct wd_http  *http;

    up = conn->call;
    http = conn->wd->mode_data;

    if (conn->is_overdue) {
        conn->is_overdue = 0;
        faas_duration_text(conn->req.time, time);
        (void) snprintf(line, sizeof(line), "function not done within "
                        "%s of %s", conn->req.time
                                    == conn->wd->cfg.exec_timeout
                                    ? "exec_timeout" : "X-Timeout", time);
        return wd_up_fail(up, 504, line);
    }

    if (up->is_held) {
        return wd_up_hold(up);
    }

    if (up->state != WD_UP_ACTIVE) {
        return up->is_eof || http->is_lost ? lost(up) : 0;
    }

    moved = wd_up_fill(up);
    moved |= wd_up_flush(up);

    if (up->state != WD_UP_ACTIVE) {
        return 1;
    }

    moved |= conn->is_tunnel ? tunnel(up)
             : up->is_head_done ? read_body(up) : read_head(up);

    /*
     * What came in one piece goes on in one write(2): a client sees a short
     * answer whole or not at all, should this process be killed.
     */

    for (i = 0; i < PIECES_MAX && conn->call == up && has_more(up)
                && !conn->is_tunnel; i++)
    {
        moved |= read_body(up);
    }

    return moved;
}


/*
 * The function speaks what the client has asked for.
 */
static int
upgrade(struct wd_up *up, const struct wd_head *head)
{
    if (!up->is_upgrade || wd_head_upgrade(head).len == 0) {
        return wd_up_fail(up, 500, "function changes the protocol unasked");
    }

    up->is_head_done = 1;
    up->is_chunked = 0;
    up->is_sent = 0;

    if (wd_reply_upgrade(up->conn, head) != 0) {
        return wd_up_fail(up, 500, "function's answer has a head too large to "
                          "be passed on");
    }

    return 1;
}


/*
 * Bytes of the function to the client, as they are.
 */
static int
tunnel(struct wd_up *up)
{
    if (up->body_len != 0) {
        return pass_body(up);
    }

    if (up->in.start == up->in.end && up->can_read && wd_up_receive(up) <= 0) {
        if (!up->is_eof) {
            return 0;
        }

        wd_reply_end(up->conn);

        return end_call(up, 0);
    }

    up->body = up->in.data + up->in.start;
    up->body_len = up->in.end - up->in.start;
    up->in.start = up->in.end;

    return up->body_len != 0 ? 1 : 0;
}


/*
 * Whether the answer can go on with what is here already.
 */
static int
has_more(const struct wd_up *up)
{
    return up->state == WD_UP_ACTIVE && up->is_head_done && up->body_len == 0
           && (up->parser.is_done || up->in.start != up->in.end);
}


static void
cancel(struct wd_conn *conn)
{
    (void) end_call(conn->call, 0);
}


static void
pass_signal(struct wd *wd, int sig)
{
    struct wd_http  *http;

    http = wd->mode_data;

    if (http->child != NULL) {
        (void) kill(http->child->pid, sig);     /* it may just have ended */
    }
}


static int
read_head(struct wd_up *up)
{
    int        moved;
    char      *data;
    size_t     len, head_len;

    moved = up->can_read && wd_up_receive(up) > 0;

    len = up->in.end - up->in.start;

    if (len != 0) {
        data = up->in.data + up->in.start;

        switch (wd_head_scan(data, len, &up->scanned, &head_len)) {

        case WD_SCAN_MORE:
            head_len = len;

            if (len <= up->wd->cfg.max_head_size) {
                break;
            }

            return wd_up_fail(up, 500, "function's answer has a head over "
                              "max_head_size");

        case WD_SCAN_BAD:
            return wd_up_fail(up, 500, "function's answer has a malformed "
                              "head");

        case WD_SCAN_DONE:
            return take_head(up, head_len);
        }
    }

    return up->is_eof ? lost(up) : moved;
}


static int
take_head(struct wd_up *up, size_t head_len)
{
    char             line[WD_DURATION_LINE];
    struct wd       *wd;
    struct wd_head  *head;

    wd = up->wd;
    head = &wd->head;

    if (head_len > wd->cfg.max_head_size) {
        return wd_up_fail(up, 500, "function's answer has a head over "
                          "max_head_size");
    }

    if (wd_parser_head(&up->parser, up->in.data + up->in.start, head_len,
                       head) != 0)
    {
        faas_log(FAAS_LOG_WARN, "function's answer is no HTTP: %s",
                 head->error);
        return wd_up_fail(up, 500, "function's answer has a malformed head");
    }

    up->in.start += head_len;
    up->scanned = 0;

    /* more is to follow after 100 or 103, which are for us */

    if (head->status < 200) {
        if (head->status == 101) {
            return upgrade(up, head);
        }

        wd_parser_init(&up->parser, HTTP_RESPONSE, wd->cfg.max_head_size);
        up->parser.is_bodyless = up->conn->req.is_head;
        return 1;
    }

    /* what has been answered is not sent again */

    if (up->is_sent && up->out.start == up->out.end) {
        wd_iobuf_put(&wd->buffers, &up->out);
    }

    up->is_keep_alive = head->is_keep_alive;
    up->keep = wd_forward_keep(head, KEEP);
    up->is_head_done = 1;
    wd_reply_duration(up->conn, line);

    if (wd_reply_forward(up->conn, head, line) != 0) {
        return wd_up_fail(up, 500, "function's answer has a head too large to "
                          "be passed on");
    }

    return 1;
}


static int
read_body(struct wd_up *up)
{
    int     moved;
    size_t  used;

    moved = pass_body(up);

    if (up->body_len != 0) {
        return moved;
    }

    if (up->parser.is_done) {
        return finish(up);
    }

    if (up->in.start == up->in.end) {
        if (!up->can_read) {
            return moved;
        }

        if (wd_up_receive(up) <= 0) {
            return up->is_eof ? lost(up) : moved;
        }
    }

    up->body = up->in.data + up->in.start;

    if (wd_parser_body(&up->parser, up->body, up->in.end - up->in.start,
                       &used) != 0)
    {
        faas_log(FAAS_LOG_WARN, "function's answer is no HTTP: %s",
                 wd_parser_error(&up->parser));
        return wd_up_fail(up, 500, "function's answer has a malformed body");
    }

    up->in.start += used;
    up->body_len = up->parser.body_len;
    (void) pass_body(up);       /* what remains is passed on next time */

    return 1;
}


static int
pass_body(struct wd_up *up)
{
    char    *at;
    size_t   room;

    if (up->body_len == 0) {
        return 0;
    }

    room = wd_reply_room(up->conn, &at);

    if (room > up->body_len) {
        room = up->body_len;
    }

    if (room == 0) {
        return 0;
    }

    memcpy(at, up->body, room);
    wd_reply_commit(up->conn, room);
    up->body += room;
    up->body_len -= room;

    return 1;
}


static int
finish(struct wd_up *up)
{
    wd_reply_end(up->conn);

    return end_call(up, up->is_keep_alive && up->is_sent && !up->is_mute
                        && up->out.start == up->out.end
                        && up->in.start == up->in.end && !up->is_hung_up);
}


/*
 * The function has closed, or could not be reached.
 */
static int
lost(struct wd_up *up)
{
    char  line[TEXT_MAX];

    if (up->is_head_done && wd_parser_eof(&up->parser) == 0) {
        return finish(up);
    }

    if (wd_up_can_replay(up)) {
        wd_up_replay(up);
        return 1;
    }

    if (up->state != WD_UP_ACTIVE) {
        (void) snprintf(line, sizeof(line), "cannot connect to the function: "
                        "%s", up->error != 0 ? strerror(up->error)
                                             : "it has ended");
        return wd_up_fail(up, 500, line);
    }

    return wd_up_fail(up, 500, "function closed the connection before its "
                      "answer was complete");
}


int
wd_up_fail(struct wd_up *up, int status, const char *text)
{
    struct wd_conn  *conn;

    conn = up->conn;

    faas_log(FAAS_LOG_WARN, "%s, %s path=%.*s", text, conn->reply.is_begun
             ? "cutting the answer off" : "answering",
             (int) conn->req.url_len, conn->req.url);

    if (conn->reply.is_begun) {
        wd_reply_cut(conn);

    } else {
        wd_reply_error(conn, status, text);
    }

    return end_call(up, 0);
}


static int
end_call(struct wd_up *up, int is_good)
{
    struct wd_conn  *conn;

    conn = up->conn;
    conn->call = NULL;

    if (!conn->is_body_done || conn->body_len != 0) {
        wd_conn_drop_body(conn);
    }

    if (is_good) {
        wd_up_keep(up);

    } else {
        wd_up_free(up);
    }

    return 1;
}

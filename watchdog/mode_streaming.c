/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Mode streaming: a process a request, whose standard input is the request's
 * body and whose standard output is the answer's.
 *
 * The status is decided when the first output is there, or when the process
 * has ended, whichever is first:
 *
 *   output, and more may come          200, streamed
 *   ended well                         200, with its length
 *   ended badly, no output sent yet    500, saying how, then the output
 *   ended badly, output was sent       the answer is cut off
 *   exec_timeout, no output sent yet   504
 *   exec_timeout, output was sent      the answer is cut off
 *
 * So an answer that looks complete is from a process that has ended well.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conn.h"
#include "lib/faas_log.h"
#include "pipes.h"
#include "proc.h"


#define TEXT_MAX  320           /* bytes of an error's text */


struct call {
    struct wd_list    link;     /* in the mode's free list */
    struct wd_conn   *conn;
    struct wd_proc   *proc;
    struct wd_event   in;       /* its standard input */
    struct wd_event   out;      /* its standard output */
    int               can_write;
    int               can_read;
    int               status;   /* of wait(2) */
    int               is_ended;
};


struct streaming {
    struct wd_list  free_calls;
};


static int init(struct wd *wd, struct faas_err *err);
static void stop(struct wd *wd, uint64_t grace);
static int is_stopped(const struct wd *wd);
static void done(struct wd *wd);
static void start(struct wd_conn *conn, const struct wd_head *head);
static int run(struct wd_conn *conn);
static void cancel(struct wd_conn *conn);
static struct call *new_call(struct wd_conn *conn);
static void free_call(struct call *call);
static int start_process(struct call *call, struct faas_err *err);
static void on_in(struct wd_event *ev, uint32_t events);
static void on_out(struct wd_event *ev, uint32_t events);
static void on_end(struct wd_proc *proc);
static int feed(struct call *call);
static int drain(struct call *call);
static int decide(struct call *call);
static void end_call(struct call *call);
static void fail(struct call *call);
static void time_out(struct call *call);


const struct wd_mode  wd_mode_streaming = {
    "streaming",
    init,
    stop,
    is_stopped,
    done,
    start,
    run,
    cancel
};


static int
init(struct wd *wd, struct faas_err *err)
{
    struct streaming  *mode;

    mode = calloc(1, sizeof(*mode));
    if (mode == NULL) {
        return faas_err_set(err, ENOMEM, "no memory");
    }

    wd_list_init(&mode->free_calls);
    wd->mode_data = mode;

    return 0;
}


static void
stop(struct wd *wd, uint64_t grace)
{
    (void) wd;
    (void) grace;   /* every process has ended with its request */
}


static int
is_stopped(const struct wd *wd)
{
    return wd->n_procs == 0;
}


static void
done(struct wd *wd)
{
    struct call       *call;
    struct wd_list    *item;
    struct streaming  *mode;

    mode = wd->mode_data;

    if (mode == NULL) {
        return;
    }

    item = mode->free_calls.next;

    while (item != &mode->free_calls) {
        call = WD_ITEM(item, struct call, link);
        item = item->next;
        free(call);
    }

    free(mode);
    wd->mode_data = NULL;
}


static void
start(struct wd_conn *conn, const struct wd_head *head)
{
    const char       *refusal;
    struct call      *call;
    struct faas_err   err;

    refusal = wd_env_request(&conn->wd->env, head);

    if (refusal != NULL) {
        wd_conn_refuse(conn, 400, refusal);
        return;
    }

    call = new_call(conn);

    if (call == NULL) {
        wd_conn_refuse(conn, 500, "no memory for a call");
        return;
    }

    if (start_process(call, &err) != 0) {
        free_call(call);
        faas_log(FAAS_LOG_ERROR, "cannot start the function, answering 500: "
                 "%s", err.text);
        wd_reply_error(conn, 500, err.text);
        wd_conn_drop_body(conn);
        return;
    }

    conn->call = call;
}


static int
run(struct wd_conn *conn)
{
    int           moved;
    struct call  *call;

    call = conn->call;

    if (conn->is_overdue) {
        time_out(call);
        return 1;
    }

    moved = feed(call);
    moved |= drain(call);
    moved |= decide(call);

    return moved;
}


static void
cancel(struct wd_conn *conn)
{
    struct call  *call;

    call = conn->call;
    wd_proc_kill(call->proc, conn->wd->cfg.kill_grace);
    end_call(call);
}


static struct call *
new_call(struct wd_conn *conn)
{
    struct call       *call;
    struct streaming  *mode;

    mode = conn->wd->mode_data;

    if (!wd_list_is_empty(&mode->free_calls)) {
        call = WD_ITEM(mode->free_calls.prev, struct call, link);
        wd_list_del(&call->link);

    } else {
        call = malloc(sizeof(*call));
        if (call == NULL) {
            return NULL;
        }
    }

    memset(call, 0, sizeof(*call));
    wd_list_init(&call->link);
    call->conn = conn;
    call->in.fd = -1;
    call->in.owner = call;
    call->in.handler = on_in;
    call->out.fd = -1;
    call->out.owner = call;
    call->out.handler = on_out;

    return call;
}


static void
free_call(struct call *call)
{
    struct wd         *wd;
    struct streaming  *mode;

    wd = call->conn->wd;
    mode = wd->mode_data;

    wd_loop_close(&wd->loop, &call->in);
    wd_loop_close(&wd->loop, &call->out);
    wd_list_add(&mode->free_calls, &call->link);
}


static int
start_process(struct call *call, struct faas_err *err)
{
    struct wd           *wd;
    struct wd_pipes      pipes;
    struct wd_proc_spec  spec;

    wd = call->conn->wd;

    if (wd_pipes_open(wd, &pipes, !call->conn->is_body_done, err) != 0) {
        return -1;
    }

    call->in.fd = pipes.in;
    call->out.fd = pipes.out;

    if (wd_loop_add(&wd->loop, &call->out, EPOLLIN | EPOLLET) != 0) {
        (void) faas_err_set(err, errno, "cannot watch a pipe: %s",
                            strerror(errno));

    } else {
        memset(&spec, 0, sizeof(spec));
        spec.in_fd = pipes.fn_in;
        spec.out_fd = pipes.fn_out;
        spec.listen_fd = -1;
        call->proc = wd_proc_start(wd, &spec, err);
    }

    wd_pipes_hand_over(wd, &pipes);

    if (call->proc == NULL) {
        return -1;
    }

    call->proc->owner = call;
    call->proc->on_end = on_end;
    call->can_write = 1;

    return 0;
}


static void
on_in(struct wd_event *ev, uint32_t events)
{
    struct call  *call;

    (void) events;      /* room, or nobody reads: writing tells */
    call = ev->owner;
    call->can_write = 1;
    wd_conn_kick(call->conn);
}


static void
on_out(struct wd_event *ev, uint32_t events)
{
    struct call  *call;

    (void) events;      /* output, or its end: reading tells */
    call = ev->owner;
    call->can_read = 1;
    wd_conn_kick(call->conn);
}


static void
on_end(struct wd_proc *proc)
{
    struct call  *call;

    call = proc->owner;
    call->is_ended = 1;
    call->status = proc->status;

    /* what it has written last may not have been announced yet */

    call->can_read = 1;
    wd_conn_kick(call->conn);
}


/*
 * Body to standard input.  Returns whether something has moved.
 */
static int
feed(struct call *call)
{
    struct wd       *wd;
    ssize_t          n;
    struct wd_conn  *conn;

    conn = call->conn;
    wd = conn->wd;

    if (call->in.fd == -1) {
        return 0;
    }

    if (conn->body_len == 0) {
        if (conn->is_body_done) {
            wd_loop_close(&wd->loop, &call->in);
            return 1;
        }

        return 0;
    }

    if (!call->can_write) {
        return 0;
    }

    n = write(call->in.fd, conn->body, conn->body_len);

    if (n > 0) {
        wd_conn_consume(conn, (size_t) n);
        return 1;
    }

    if (errno == EINTR) {
        return 1;
    }

    if (errno == EAGAIN) {
        call->can_write = 0;

        if (call->in.is_watched
            || wd_loop_add(&wd->loop, &call->in, EPOLLOUT | EPOLLET) == 0)
        {
            return 0;
        }
    }

    /* it has closed its input: what it answers counts all the same */

    wd_loop_close(&wd->loop, &call->in);
    wd_conn_drop_body(conn);

    return 1;
}


/*
 * Standard output to the answer.  Returns whether something has moved.
 */
static int
drain(struct call *call)
{
    char            *at;
    size_t           room;
    ssize_t          n;
    struct wd_conn  *conn;

    conn = call->conn;

    if (call->out.fd == -1 || !call->can_read) {
        return 0;
    }

    room = wd_reply_room(conn, &at);

    if (room == 0) {
        return 0;
    }

    n = read(call->out.fd, at, room);

    if (n > 0) {
        wd_reply_commit(conn, (size_t) n);
        return 1;
    }

    if (n == -1 && errno == EINTR) {
        return 1;
    }

    if (n == -1 && errno == EAGAIN) {
        call->can_read = 0;
        return 0;
    }

    wd_loop_close(&conn->wd->loop, &call->out);

    return 1;
}


/*
 * Begins or ends the answer when it can be said which one it is.
 */
static int
decide(struct call *call)
{
    int              is_read;
    char            *at;
    char             line[WD_DURATION_LINE];
    struct wd_conn  *conn;

    conn = call->conn;

    /* all that is there for now, or as much as can be held back */

    is_read = call->out.fd == -1 || !call->can_read
              || wd_reply_room(conn, &at) == 0;

    if (call->is_ended && call->status != 0
        && (is_read || conn->reply.is_begun))
    {
        fail(call);
        return 1;
    }

    if (call->is_ended && call->out.fd == -1) {
        if (conn->reply.is_begun) {
            wd_reply_end(conn);

        } else {
            wd_reply_duration(conn, line);
            wd_reply_begin(conn, 200, conn->wd->cfg.content_type, line, 1);
        }

        end_call(call);
        return 1;
    }

    /*
     * A process that has closed its output is about to end; how, will be
     * known in a moment.
     */

    if (conn->reply.is_begun || conn->out.start == conn->out.end
        || !is_read || (call->out.fd == -1 && !call->is_ended))
    {
        return 0;
    }

    wd_reply_begin(conn, 200, conn->wd->cfg.content_type, "", 0);

    return 1;
}


static void
end_call(struct call *call)
{
    struct wd_conn  *conn;

    conn = call->conn;
    conn->call = NULL;

    if (!conn->is_body_done) {
        wd_conn_drop_body(conn);
    }

    wd_proc_put(call->proc);
    free_call(call);
}


/*
 * The process has ended badly.
 */
static void
fail(struct call *call)
{
    char             line[TEXT_MAX];
    struct wd_text   text;
    struct wd_conn  *conn;

    conn = call->conn;
    wd_text_init(&text, line, sizeof(line));
    wd_proc_text(call->status, &text);
    wd_text_add(&text, "\n", 2);

    faas_log(FAAS_LOG_WARN, "function failed, %s: %.*s path=%.*s",
             conn->reply.is_begun ? "cutting the answer off"
                                  : "answering 500",
             (int) strcspn(line, "\n"), line, (int) conn->req.url_len,
             conn->req.url);

    /* what it has left behind would go on for nobody */

    wd_proc_kill(call->proc, conn->wd->cfg.kill_grace);

    if (conn->reply.is_begun) {
        wd_reply_cut(conn);

    } else {
        wd_reply_prefix(conn, line);
        wd_reply_begin(conn, 500, "text/plain",
                       "X-OpenFaaS-Internal: of-watchdog\r\n", 1);
    }

    end_call(call);
}


static void
time_out(struct call *call)
{
    char             line[TEXT_MAX];
    struct wd_conn  *conn;

    conn = call->conn;
    conn->is_overdue = 0;

    (void) snprintf(line, sizeof(line), "function killed: not done within "
                    "exec_timeout of %.3gs",
                    (double) conn->wd->cfg.exec_timeout / 1000);

    faas_log(FAAS_LOG_WARN, "%s, %s path=%.*s", line, conn->reply.is_begun
             ? "cutting the answer off" : "answering 504",
             (int) conn->req.url_len, conn->req.url);

    wd_proc_kill(call->proc, conn->wd->cfg.kill_grace);

    if (conn->reply.is_begun) {
        wd_reply_cut(conn);

    } else {
        wd_reply_error(conn, 504, line);
    }

    end_call(call);
}

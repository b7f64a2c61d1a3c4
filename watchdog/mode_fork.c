/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A process a request, whose standard input is the request's body and whose
 * standard output is the answer's.
 *
 * Mode streaming sends the output as it comes; but as long as no more than a
 * buffer of it is there, and the process has not ended, the answer has not
 * begun, so that most often the process' end still decides on the status.
 * The modes serializing and classic hold the output until the process has
 * ended, up to max_held_output; then they stream it as well.
 *
 * An answer that looks complete is from a process that has ended well.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fork.h"
#include "lib/faas_log.h"
#include "pipes.h"


struct forks {
    struct wd_list  free_calls;
};


static int init(struct wd *wd, struct faas_err *err);
static void stop(struct wd *wd, uint64_t grace);
static int is_stopped(const struct wd *wd);
static void done(struct wd *wd);
static void start(struct wd_conn *conn, const struct wd_head *head);
static int run(struct wd_conn *conn);
static void cancel(struct wd_conn *conn);
static struct wd_call *new_call(struct wd_conn *conn,
    const struct wd_head *head);
static void find_type(struct wd_call *call, const struct wd_head *head);
static void free_call(struct wd_call *call);
static int start_process(struct wd_call *call, struct faas_err *err);
static void on_in(struct wd_event *ev, uint32_t events);
static void on_out(struct wd_event *ev, uint32_t events);
static void on_end(struct wd_proc *proc);
static void on_fail(struct wd_proc *proc, const struct faas_err *err);
static void fail(struct wd_conn *conn, const struct faas_err *err);
static int decide(struct wd_call *call);
static void finish(struct wd_call *call);
static void end_call(struct wd_call *call);


#define WD_FORK_MODE(name)                                                   \
    { name, init, stop, is_stopped, done, start, run, cancel, NULL }

const struct wd_mode  wd_mode_streaming = WD_FORK_MODE("streaming");
const struct wd_mode  wd_mode_serializing = WD_FORK_MODE("serializing");
const struct wd_mode  wd_mode_classic = WD_FORK_MODE("classic");


static int
init(struct wd *wd, struct faas_err *err)
{
    struct forks  *mode;

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
    struct wd_call       *call;
    struct wd_list    *item;
    struct forks  *mode;

    mode = wd->mode_data;

    if (mode == NULL) {
        return;
    }

    item = mode->free_calls.next;

    while (item != &mode->free_calls) {
        call = WD_ITEM(item, struct wd_call, link);
        item = item->next;
        free(call);
    }

    free(mode);
    wd->mode_data = NULL;
}


static void
start(struct wd_conn *conn, const struct wd_head *head)
{
    const char        *refusal;
    struct wd_call    *call;
    struct faas_err    err;
    struct wd_config  *cfg;

    cfg = &conn->wd->cfg;
    refusal = wd_env_request(wd_proc_env(conn->wd), head);

    if (refusal != NULL) {
        wd_conn_refuse(conn, 400, refusal);
        return;
    }

    call = new_call(conn, head);

    if (call == NULL) {
        wd_conn_refuse(conn, 500, "no memory for a call");
        return;
    }

    if (cfg->mode == WD_MODE_CLASSIC) {
        wd_log_line(&conn->wd->log, "Forking fprocess.");
    }

    if (start_process(call, &err) != 0) {
        free_call(call);
        fail(conn, &err);
        return;
    }

    conn->call = call;
}


static int
run(struct wd_conn *conn)
{
    int           moved;
    struct wd_call  *call;

    call = conn->call;

    if (conn->is_overdue) {
        conn->is_overdue = 0;
        wd_proc_kill(call->proc, conn->wd->cfg.kill_grace);
        wd_outcome_late(call);
        end_call(call);
        return 1;
    }

    moved = wd_call_feed(call);
    moved |= wd_call_drain(call);
    moved |= decide(call);

    return moved;
}


static void
cancel(struct wd_conn *conn)
{
    struct wd_call  *call;

    call = conn->call;
    wd_proc_kill(call->proc, conn->wd->cfg.kill_grace);
    end_call(call);
}


static struct wd_call *
new_call(struct wd_conn *conn, const struct wd_head *head)
{
    struct forks      *mode;
    struct wd_call    *call;
    struct wd_config  *cfg;

    cfg = &conn->wd->cfg;
    mode = conn->wd->mode_data;

    if (!wd_list_is_empty(&mode->free_calls)) {
        call = WD_ITEM(mode->free_calls.prev, struct wd_call, link);
        wd_list_del(&call->link);

    } else {
        call = malloc(sizeof(*call));
        if (call == NULL) {
            return NULL;
        }
    }

    memset(call, 0, offsetof(struct wd_call, type));
    wd_list_init(&call->link);
    faas_buf_init(&call->held, cfg->max_held_output);
    call->is_holding = cfg->mode != WD_MODE_STREAMING;
    call->conn = conn;
    find_type(call, head);
    call->in.fd = -1;
    call->in.owner = call;
    call->in.handler = on_in;
    call->out.fd = -1;
    call->out.owner = call;
    call->out.handler = on_out;

    if (cfg->is_marshaled
        && wd_marshal_begin(&call->marshal, head, cfg->max_head_size * 8
                                                  + cfg->buffer_size * 2)
           != 0)
    {
        free_call(call);
        return NULL;
    }

    return call;
}


/*
 * The classic watchdog answers with the request's own type.
 */
static void
find_type(struct wd_call *call, const struct wd_head *head)
{
    const struct wd_header  *header;

    call->type[0] = '\0';

    if (call->conn->wd->cfg.content_type != NULL) {
        return;
    }

    header = wd_head_find(head, "Content-Type");

    if (header != NULL && header->value.len < sizeof(call->type)) {
        memcpy(call->type, header->value.s, header->value.len);
        call->type[header->value.len] = '\0';
    }
}


static void
free_call(struct wd_call *call)
{
    struct wd         *wd;
    struct forks  *mode;

    wd = call->conn->wd;
    mode = wd->mode_data;

    wd_loop_close(&wd->loop, &call->in);
    wd_loop_close(&wd->loop, &call->out);
    faas_buf_done(&call->held);
    wd_marshal_done(&call->marshal);
    wd_list_add(&mode->free_calls, &call->link);
}


static int
start_process(struct wd_call *call, struct faas_err *err)
{
    struct wd           *wd;
    struct wd_pipes      pipes;
    struct wd_proc_spec  spec;

    wd = call->conn->wd;

    if (wd_pipes_open(wd, &pipes, !call->conn->is_body_done
                      || wd->cfg.is_marshaled, err)
        != 0)
    {
        return -1;
    }

    call->in.fd = pipes.in;
    call->out.fd = pipes.out;

    if (wd_loop_add(&wd->loop, &call->out, EPOLLIN | EPOLLET) != 0) {
        (void) faas_err_set(err, errno, "cannot watch a pipe: %s",
                            strerror(errno));
        wd_pipes_hand_over(wd, &pipes);
        return -1;
    }

    memset(&spec, 0, sizeof(spec));
    spec.in_fd = pipes.fn_in;
    spec.out_fd = pipes.fn_out;
    spec.listen_fd = -1;
    spec.is_combined = wd->cfg.is_combined;
    call->proc = wd_proc_order(wd, &spec, err);

    if (call->proc == NULL) {
        return -1;
    }

    call->proc->owner = call;
    call->proc->on_end = on_end;
    call->proc->on_fail = on_fail;
    call->can_write = 1;

    return 0;
}


static void
on_in(struct wd_event *ev, uint32_t events)
{
    struct wd_call  *call;

    (void) events;      /* room, or nobody reads: writing tells */
    call = ev->owner;
    call->can_write = 1;
    wd_conn_kick(call->conn);
}


static void
on_out(struct wd_event *ev, uint32_t events)
{
    struct wd_call  *call;

    (void) events;      /* output, or its end: reading tells */
    call = ev->owner;
    call->can_read = 1;
    wd_conn_kick(call->conn);
}


static void
on_end(struct wd_proc *proc)
{
    struct wd_call  *call;

    call = proc->owner;
    call->is_ended = 1;
    call->status = proc->status;

    /* what it has written last may not have been announced yet */

    call->can_read = 1;
    wd_conn_kick(call->conn);
}


/*
 * It could not be started after all.
 */
static void
on_fail(struct wd_proc *proc, const struct faas_err *err)
{
    struct wd_call  *call;
    struct wd_conn  *conn;

    call = proc->owner;
    conn = call->conn;
    conn->call = NULL;
    wd_timer_stop(&conn->exec_timer);
    free_call(call);
    fail(conn, err);
    wd_conn_kick(conn);
}


static void
fail(struct wd_conn *conn, const struct faas_err *err)
{
    faas_log(FAAS_LOG_ERROR, "cannot start the function, answering 500: %s",
             err->text);
    wd_reply_error(conn, 500, err->text);
    wd_conn_drop_body(conn);
}


/*
 * Begins or ends the answer when it can be said which one it is.
 */
static int
decide(struct wd_call *call)
{
    int              is_read;
    char            *at;
    struct wd_conn  *conn;

    conn = call->conn;

    /* all that is there for now, or as much as can be held back */

    is_read = call->out.fd == -1 || !call->can_read
              || (!call->is_holding && wd_reply_room(conn, &at) == 0);

    if (call->is_ended && call->status != 0
        && (is_read || conn->reply.is_begun))
    {
        /* what it has left behind would go on for nobody */

        wd_proc_kill(call->proc, conn->wd->cfg.kill_grace);
        wd_outcome_bad(call);
        finish(call);
        return 1;
    }

    if (call->is_ended && call->out.fd == -1) {
        wd_outcome_good(call);
        finish(call);
        return 1;
    }

    /*
     * A process that has closed its output is about to end; how, will be
     * known in a moment.
     */

    if (call->is_holding || conn->reply.is_begun
        || conn->out.start == conn->out.end || !is_read
        || (call->out.fd == -1 && !call->is_ended))
    {
        return 0;
    }

    wd_outcome_open(call);

    return 1;
}


static void
finish(struct wd_call *call)
{
    if (!call->conn->reply.is_done) {
        wd_reply_end(call->conn);
    }

    end_call(call);
}


static void
end_call(struct wd_call *call)
{
    struct wd_conn  *conn;

    conn = call->conn;
    conn->call = NULL;

    wd_timer_stop(&conn->exec_timer);

    if (!conn->is_body_done) {
        wd_conn_drop_body(conn);
    }

    wd_proc_put(call->proc);
    free_call(call);
}

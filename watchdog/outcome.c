/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a process's end comes to, by mode:
 *
 *                      streaming            serializing       classic
 *   ended well         200                  200               200
 *   ended badly        500, how it ended, and the output
 *   ... after output
 *       was sent       the answer is cut off
 *   exec_timeout       504                  500               408
 *
 * The type of a 200 is content_type; of the classic mode also the request's
 * own, or what the output looks like.
 */

#include <stdio.h>
#include <string.h>

#include "fork.h"
#include "lib/faas_log.h"
#include "lib/faas_num.h"


#define TEXT_MAX  320           /* bytes of an error's text */
#define INTERNAL  "X-OpenFaaS-Internal: of-watchdog\r\n"


static void begin(struct wd_call *call, int status, const char *type,
    const char *headers, const char *prefix, uint64_t more);
static const char *type_of(const struct wd_call *call);
static int is_classic(const struct wd_call *call);


void
wd_outcome_good(struct wd_call *call)
{
    char  line[WD_DURATION_LINE];

    if (call->conn->reply.is_begun) {
        return;
    }

    wd_reply_duration(call->conn, line);
    begin(call, 200, type_of(call), line, "", call->held.len);

    if (is_classic(call)) {
        wd_log_line(&call->conn->wd->log, "Wrote %llu Bytes - Duration: "
                    "%.*ss", (unsigned long long) call->n_output,
                    (int) strcspn(line, "\r") - 20, line + 20);
    }
}


void
wd_outcome_bad(struct wd_call *call)
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

    if (conn->reply.is_begun) {
        wd_reply_cut(conn);
        return;
    }

    begin(call, 500, "text/plain", INTERNAL, line, call->held.len);
}


void
wd_outcome_late(struct wd_call *call)
{
    int              status;
    char             line[TEXT_MAX], time[FAAS_DURATION_TEXT];
    struct wd_conn  *conn;

    conn = call->conn;
    status = is_classic(call) ? 408 : 504;

    if (conn->wd->cfg.mode == WD_MODE_SERIALIZING) {
        status = 500;
    }

    faas_duration_text(conn->wd->cfg.exec_timeout, time);
    (void) snprintf(line, sizeof(line), "function killed: not done within "
                    "exec_timeout of %s", time);

    if (conn->reply.is_begun) {
        faas_log(FAAS_LOG_WARN, "%s, cutting the answer off path=%.*s", line,
                 (int) conn->req.url_len, conn->req.url);
        wd_reply_cut(conn);
        return;
    }

    faas_log(FAAS_LOG_WARN, "%s, answering %d path=%.*s", line, status,
             (int) conn->req.url_len, conn->req.url);

    /* in the words of OpenFaaS' watchdogs where they have some */

    wd_reply_error(conn, status, status == 408 ? "Killed process."
                                 : status == 500 ? "signal: killed" : line);
}


void
wd_outcome_open(struct wd_call *call)
{
    call->is_holding = 0;
    begin(call, 200, type_of(call), "", "", WD_MORE_UNKNOWN);
}


/*
 * more bytes come out of call->held; the prefix goes first.
 */
static void
begin(struct wd_call *call, int status, const char *type,
    const char *headers, const char *prefix, uint64_t more)
{
    call->is_holding = 0;

    if (prefix[0] != '\0') {
        wd_reply_prefix(call->conn, prefix);
    }

    wd_reply_begin(call->conn, status, type, headers, more);
    wd_reply_hand(call->conn, &call->held);
}


static const char *
type_of(const struct wd_call *call)
{
    if (call->conn->wd->cfg.content_type != NULL) {
        return call->conn->wd->cfg.content_type;
    }

    return call->type[0] != '\0' ? call->type
                                 : wd_sniff(call->held.len != 0
                                            ? call->held.data : "",
                                            call->held.len);
}


static int
is_classic(const struct wd_call *call)
{
    return call->conn->wd->cfg.mode == WD_MODE_CLASSIC;
}

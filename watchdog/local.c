/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the watchdog answers itself: /_/health and /_/ready, and /metrics on a
 * port of its own.
 */

#include <string.h>

#include "conn.h"
#include "lib/faas_buf.h"


static void answer_metrics(struct wd_conn *conn, const struct wd_head *head);
static int answer_health(struct wd_conn *conn);
static int answer_ready(struct wd_conn *conn, struct wd_head *head);
static int is_path(const struct wd_head *head, const char *path);


int
wd_local_answer(struct wd_conn *conn, struct wd_head *head)
{
    int  is_health;

    if (conn->is_metrics) {
        answer_metrics(conn, head);
        return 1;
    }

    is_health = is_path(head, "/_/health");

    /* the classic watchdog knows no /_/ready */

    if (!is_health && (conn->wd->cfg.mode == WD_MODE_CLASSIC
                       || !is_path(head, "/_/ready")))
    {
        return 0;
    }

    if (head->method != HTTP_GET) {
        wd_reply_text(conn, 405, "Allow: GET\r\n", "");
        return 1;
    }

    return is_health ? answer_health(conn) : answer_ready(conn, head);
}


int
wd_is_full(const struct wd *wd)
{
    return wd->cfg.max_inflight != 0
           && wd->n_inflight >= wd->cfg.max_inflight;
}


static int
answer_health(struct wd_conn *conn)
{
    struct wd  *wd;

    wd = conn->wd;

    if (wd->phase != WD_SERVING || !wd_lock_is_there(wd)) {
        wd_reply_text(conn, 503, "", "");

    } else {
        wd_reply_text(conn, 200, "", "OK");
    }

    return 1;
}


/*
 * With ready_path it is for the function to say.
 */
static int
answer_ready(struct wd_conn *conn, struct wd_head *head)
{
    struct wd  *wd;

    wd = conn->wd;

    if (wd->phase != WD_SERVING) {
        wd_reply_text(conn, 503, "", "");
        return 1;
    }

    if (wd_is_full(wd)) {
        wd_reply_text(conn, 429, "", "");
        return 1;
    }

    if (wd->cfg.ready_path == NULL) {
        wd_reply_text(conn, 200, "", "");
        return 1;
    }

    head->url.s = wd->cfg.ready_path;
    head->url.len = strlen(wd->cfg.ready_path);
    conn->req.is_measured = 0;
    conn->req.is_logged = 0;

    return 0;
}


static void
answer_metrics(struct wd_conn *conn, const struct wd_head *head)
{
    struct wd        *wd;
    struct faas_buf   page;

    wd = conn->wd;

    if (!is_path(head, "/metrics")) {
        wd_reply_text(conn, 404, "", "404 page not found\n");
        return;
    }

    if (head->method != HTTP_GET && head->method != HTTP_HEAD) {
        wd_reply_text(conn, 405, "Allow: GET, HEAD\r\n", "");
        return;
    }

    faas_buf_init(&page, WD_STATS_PAGE);

    if (wd_stats_page(&wd->stats, wd->n_inflight, &page) != 0) {
        faas_buf_done(&page);
        wd_reply_error(conn, 500, "no memory for the page");
        return;
    }

    wd_reply_begin(conn, 200, "text/plain; version=0.0.4; charset=utf-8", "",
                   page.len);
    wd_reply_hand(conn, &page);
    wd_reply_end(conn);
}


static int
is_path(const struct wd_head *head, const char *path)
{
    size_t         len;
    struct wd_str  target;

    len = strlen(path);
    target = wd_head_target(head);

    return target.len >= len && memcmp(target.s, path, len) == 0
           && (target.len == len || target.s[len] == '?');
}

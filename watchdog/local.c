/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the watchdog answers itself: /_/health and /_/ready.
 */

#include <string.h>

#include "conn.h"


static int is_path(const struct wd_head *head, const char *path);


int
wd_local_answer(struct wd_conn *conn, const struct wd_head *head)
{
    int         is_health;
    struct wd  *wd;

    is_health = is_path(head, "/_/health");

    if (!is_health && !is_path(head, "/_/ready")) {
        return 0;
    }

    wd = conn->wd;

    if (head->method != HTTP_GET) {
        wd_reply_text(conn, 405, "Allow: GET\r\n", "");

    } else if (wd->phase != WD_SERVING) {
        wd_reply_text(conn, 503, "", "");

    } else if (is_health) {
        wd_reply_text(conn, 200, "", "OK");

    } else if (wd_is_full(wd)) {
        wd_reply_text(conn, 429, "", "");

    } else {
        wd_reply_text(conn, 200, "", "");
    }

    return 1;
}


int
wd_is_full(const struct wd *wd)
{
    return wd->cfg.max_inflight != 0
           && wd->n_inflight >= wd->cfg.max_inflight;
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

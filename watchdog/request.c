/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Requests as they come in: the head, which starts a call of the function,
 * and the body, which is decoded in the buffer it was received in.
 *
 * A body is received only when all that came before has been taken, so the
 * kernel's buffers fill up when the function is slow, and the client waits.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "conn.h"
#include "lib/faas_num.h"


#define CONTINUE      "HTTP/1.1 100 Continue\r\n\r\n"
#define FULL_HEADERS  "X-OpenFaaS-Internal: faas-middleware\r\n"
#define LOCATION_MAX  768       /* bytes of a line, within a head of ours */
#define SCRATCH_SIZE  16384     /* bytes read at once when lingering */
#define MSEC_MAX      (365ULL * 24 * 3600 * 1000)


static int receive(struct wd_conn *conn);
static int read_head(struct wd_conn *conn);
static void take_head(struct wd_conn *conn, size_t head_len);
static int read_body(struct wd_conn *conn);
static int read_away(struct wd_conn *conn);
static void begin(struct wd_conn *conn, struct wd_head *head);
static int is_refused(struct wd_conn *conn, const struct wd_head *head);
static int is_moved(struct wd_conn *conn, const struct wd_head *head);
static void answer_early(struct wd_conn *conn, const struct wd_head *head,
    int status, const char *headers, const char *text);
static void admit(struct wd_conn *conn, const struct wd_head *head);
static uint64_t call_time(const struct wd *wd, const struct wd_head *head);
static int is_stream(const struct wd_head *head);
static int read_tunnel(struct wd_conn *conn);
static void keep_call_id(struct wd_request *req, const struct wd_head *head);
static void log_headers(struct wd_log *log, const struct wd_head *head);
static void keep_url(struct wd_request *req, const struct wd_head *head);
static int decode(struct wd_conn *conn);


int
wd_request_read(struct wd_conn *conn)
{
    switch (conn->state) {

    case WD_CONN_IDLE:
    case WD_CONN_HEAD:
        return read_head(conn);

    case WD_CONN_BUSY:
    case WD_CONN_DISCARD:
        return read_body(conn);

    case WD_CONN_LINGER:
        return read_away(conn);

    case WD_CONN_CLOSED:
        break;
    }

    return 0;
}


/*
 * Returns whether there is more in conn->in, or the client's end is known.
 */
static int
receive(struct wd_conn *conn)
{
    size_t            room;
    ssize_t           n;
    struct wd_iobuf  *in;

    in = &conn->in;

    if (!conn->can_read || conn->is_eof || conn->is_broken) {
        return 0;
    }

    if (wd_iobuf_get(&conn->wd->buffers, in) != 0) {
        conn->is_broken = 1;
        return 1;
    }

    if (in->start == in->end) {
        in->start = 0;
        in->end = 0;

    } else if (in->end == in->size) {
        wd_iobuf_pack(in);
    }

    room = in->size - in->end;

    if (room == 0) {
        return 0;
    }

    do {
        n = recv(conn->event.fd, in->data + in->end, room, 0);
    } while (n == -1 && errno == EINTR);

    if (n == -1) {
        conn->can_read = 0;
        conn->is_broken = errno != EAGAIN;
        return conn->is_broken;
    }

    if (n == 0) {
        conn->can_read = 0;
        conn->is_eof = 1;
        return 1;
    }

    /* less than was asked for: all that was there, but for the end */

    if ((size_t) n < room && !conn->is_hung_up) {
        conn->can_read = 0;
    }

    in->end += (size_t) n;
    conn->moved = conn->wd->loop.now;

    return 1;
}


static int
read_head(struct wd_conn *conn)
{
    int               moved;
    char             *data;
    size_t            len, head_len;
    struct wd_iobuf  *in;

    in = &conn->in;
    moved = receive(conn);

    /* empty lines in front of a request are allowed for */

    while (conn->scanned == 0 && in->end - in->start >= 2
           && memcmp(in->data + in->start, "\r\n", 2) == 0)
    {
        in->start += 2;
    }

    if (in->start == in->end) {
        return moved;
    }

    if (conn->state == WD_CONN_IDLE) {
        conn->state = WD_CONN_HEAD;
        wd_list_del(&conn->idle_link);
        wd_timer_set(&conn->wd->loop, &conn->timer,
                     conn->wd->cfg.read_timeout);
    }

    data = in->data + in->start;
    len = in->end - in->start;

    switch (wd_head_scan(data, len, &conn->scanned, &head_len)) {

    case WD_SCAN_MORE:
        if (len <= conn->wd->cfg.max_head_size) {
            return moved;
        }

        head_len = len;
        break;

    case WD_SCAN_BAD:
        conn->is_bad = 1;
        wd_conn_refuse(conn, 400, "malformed head");
        return 1;

    case WD_SCAN_DONE:
        break;
    }

    take_head(conn, head_len);

    return 1;
}


/*
 * A whole head is at the front of conn->in, or too much of one.
 */
static void
take_head(struct wd_conn *conn, size_t head_len)
{
    struct wd_head  *head;

    conn->scanned = 0;

    if (head_len > conn->wd->cfg.max_head_size) {
        conn->is_bad = 1;
        wd_conn_refuse(conn, 431, "head over max_head_size");
        return;
    }

    head = &conn->wd->head;
    wd_parser_init(&conn->parser, HTTP_REQUEST, conn->wd->cfg.max_head_size);

    if (wd_parser_head(&conn->parser, conn->in.data + conn->in.start,
                       head_len, head) != 0)
    {
        conn->is_bad = 1;
        wd_conn_refuse(conn, head->error_status, head->error);
        return;
    }

    conn->in.start += head_len;
    begin(conn, head);

    /* while the function works, memory is others' */

    if (conn->is_body_done && conn->in.start == conn->in.end) {
        wd_iobuf_put(&conn->wd->buffers, &conn->in);
    }
}


static int
read_body(struct wd_conn *conn)
{
    int  moved;

    if (conn->is_body_done || conn->is_bad || conn->body_len != 0) {
        return 0;
    }

    if (conn->is_tunnel) {
        return read_tunnel(conn);
    }

    moved = conn->in.start == conn->in.end ? receive(conn) : 1;

    if (conn->in.start == conn->in.end) {
        return moved;
    }

    if (decode(conn) != 0) {
        conn->is_bad = 1;
        wd_conn_refuse(conn, 400, wd_parser_error(&conn->parser));
        return 1;
    }

    conn->req.body_seen += conn->body_len;

    if (conn->wd->cfg.max_body_size != 0
        && conn->req.body_seen > conn->wd->cfg.max_body_size)
    {
        conn->is_bad = 1;
        wd_conn_refuse(conn, 413, "body over max_body_size");
        return 1;
    }

    if (conn->is_body_unwanted) {
        conn->discarded += conn->body_len;
        conn->body_len = 0;
    }

    return 1;
}


/*
 * Bytes of another protocol, as they are.
 */
static int
read_tunnel(struct wd_conn *conn)
{
    int  moved;

    moved = conn->in.start == conn->in.end ? receive(conn) : 1;

    conn->body = conn->in.data + conn->in.start;
    conn->body_len = conn->in.end - conn->in.start;
    conn->in.start = conn->in.end;

    return moved;
}


static int
read_away(struct wd_conn *conn)
{
    char     scratch[SCRATCH_SIZE];
    ssize_t  n;

    if (!conn->can_read || conn->is_resting) {
        return 0;
    }

    n = recv(conn->event.fd, scratch, sizeof(scratch), 0);

    if (n > 0) {
        conn->discarded += (size_t) n;
        return 1;
    }

    conn->can_read = 0;
    conn->is_eof = n == 0 || errno != EAGAIN;

    return conn->is_eof;
}


static void
begin(struct wd_conn *conn, struct wd_head *head)
{
    struct wd_config   *cfg;
    struct wd_request  *req;

    cfg = &conn->wd->cfg;
    req = &conn->req;
    memset(req, 0, offsetof(struct wd_request, url));
    memset(&conn->reply, 0, sizeof(conn->reply));

    req->started = wd_clock();
    req->method = head->method;
    req->minor = head->minor;
    req->is_head = head->method == HTTP_HEAD;
    req->is_keep_alive = head->is_keep_alive;
    keep_url(req, head);

    conn->n_requests++;
    conn->state = WD_CONN_BUSY;
    conn->wait = WD_WAIT_NONE;
    conn->is_body_done = conn->parser.is_done;
    conn->is_body_unwanted = 0;
    conn->is_tunnel = 0;
    conn->is_overdue = 0;
    wd_timer_stop(&conn->timer);

    req->is_measured = 1;
    req->is_logged = cfg->has_access_log && cfg->mode != WD_MODE_CLASSIC;

    if (wd_local_answer(conn, head)) {
        req->is_measured = 0;
        req->is_logged = 0;
        wd_conn_drop_body(conn);
        return;
    }

    if (cfg->has_call_id) {
        keep_call_id(req, head);
    }

    if (cfg->are_headers_logged) {
        log_headers(&conn->wd->log, head);
    }

    if (!is_refused(conn, head)) {
        admit(conn, head);
    }
}


static int
is_refused(struct wd_conn *conn, const struct wd_head *head)
{
    char             line[128];
    struct wd       *wd;
    struct wd_text   text;

    wd = conn->wd;

    if (wd->cfg.mode == WD_MODE_CLASSIC && head->method != HTTP_GET
        && head->method != HTTP_POST && head->method != HTTP_PUT
        && head->method != HTTP_PATCH && head->method != HTTP_DELETE)
    {
        answer_early(conn, head, 405,
                     "Allow: DELETE, GET, PATCH, POST, PUT\r\n", "");
        return 1;
    }

    if (wd->cfg.max_body_size != 0
        && head->content_length > wd->cfg.max_body_size)
    {
        wd_conn_refuse(conn, 413, "body over max_body_size");
        return 1;
    }

    if (wd_is_full(wd)) {
        wd_text_init(&text, line, sizeof(line));
        wd_text_printf(&text, "Concurrent request limit exceeded. "
                       "Max concurrent requests: %llu\n",
                       (unsigned long long) wd->cfg.max_inflight);

        answer_early(conn, head, 429, FULL_HEADERS, line);
        return 1;
    }

    return is_moved(conn, head);
}


/*
 * As with Go's ServeMux a path has one form only; a client is sent there.
 */
static int
is_moved(struct wd_conn *conn, const struct wd_head *head)
{
    char            line[LOCATION_MAX];
    struct wd_str   target, path;
    struct wd_text  text;

    target = wd_head_target(head);
    path.s = target.s;
    path.len = 0;

    while (path.len < target.len && path.s[path.len] != '?') {
        path.len++;
    }

    if (path.len == 0 || path.s[0] != '/' || wd_path_is_clean(path)) {
        return 0;
    }

    wd_text_init(&text, line, sizeof(line));
    wd_text_puts(&text, "Location: ");
    wd_path_clean(path, &text);
    wd_text_add(&text, target.s + path.len, target.len - path.len);
    wd_text_add(&text, "\r\n", 3);

    if (text.is_full) {
        answer_early(conn, head, 414, "", "");

    } else {
        answer_early(conn, head, 307, line, "");
    }

    return 1;
}


/*
 * Before the body was read, which goes unused.
 */
static void
answer_early(struct wd_conn *conn, const struct wd_head *head, int status,
    const char *headers, const char *text)
{
    /* who waits for a 100 may send the body all the same, or not */

    if (head->is_expecting) {
        conn->req.is_keep_alive = 0;
    }

    wd_reply_text(conn, status, headers, text);
    wd_conn_drop_body(conn);
}


static void
admit(struct wd_conn *conn, const struct wd_head *head)
{
    struct wd  *wd;

    wd = conn->wd;
    conn->req.is_counted = 1;
    wd->n_inflight++;

    if (head->is_expecting && conn->in.start == conn->in.end
        && send(conn->event.fd, CONTINUE, sizeof(CONTINUE) - 1,
                MSG_NOSIGNAL | MSG_DONTWAIT) != sizeof(CONTINUE) - 1)
    {
        conn->is_broken = 1;
        return;
    }

    conn->req.time = call_time(wd, head);

    if (conn->req.time != 0) {
        wd_timer_set(&wd->loop, &conn->exec_timer, conn->req.time);
    }

    wd->mode->start(conn, head);
}


/*
 * In mode http a client may ask for less than exec_timeout, and a stream has
 * no end that could be waited for.  0: no limit.
 */
static uint64_t
call_time(const struct wd *wd, const struct wd_head *head)
{
    uint64_t                 limit, wanted;
    const struct wd_header  *header;

    limit = wd->cfg.exec_timeout;

    if (wd->cfg.mode != WD_MODE_HTTP) {
        return limit;
    }

    if (is_stream(head) || wd_head_upgrade(head).len != 0) {
        return 0;
    }

    header = wd_head_find(head, "X-Timeout");

    if (header != NULL
        && faas_parse_duration(header->value.s, header->value.len,
                               limit != 0 ? limit : MSEC_MAX, &wanted) == 0
        && wanted != 0)
    {
        return wanted;
    }

    return limit;
}


static int
is_stream(const struct wd_head *head)
{
    size_t                   i, j, len;
    const struct wd_header  *header;

    static const char *const  types[] = {
        "text/event-stream", "application/x-ndjson"
    };

    header = wd_head_find(head, "Accept");

    for (i = 0; header != NULL && i < sizeof(types) / sizeof(types[0]); i++) {
        len = strlen(types[i]);

        for (j = 0; j + len <= header->value.len; j++) {
            if (strncasecmp(header->value.s + j, types[i], len) == 0) {
                return 1;
            }
        }
    }

    return 0;
}


static void
keep_call_id(struct wd_request *req, const struct wd_head *head)
{
    const struct wd_header  *header;

    header = wd_head_find(head, "X-Call-Id");

    (void) snprintf(req->call_id, sizeof(req->call_id), " [%.*s]",
                    header != NULL ? (int) header->value.len : 4,
                    header != NULL ? header->value.s : "none");
}


static void
log_headers(struct wd_log *log, const struct wd_head *head)
{
    size_t                   i;
    const struct wd_header  *header;

    for (i = 0; i < head->n_headers; i++) {
        header = &head->headers[i];
        wd_log_line(log, "%.*s: %.*s", (int) header->name.len, header->name.s,
                    (int) header->value.len, header->value.s);
    }
}


static void
keep_url(struct wd_request *req, const struct wd_head *head)
{
    const char     *mark;
    struct wd_str   url;

    url = wd_head_target(head);
    mark = memchr(url.s, '?', url.len);
    req->url_len = mark != NULL ? (size_t) (mark - url.s) : url.len;

    if (req->url_len > sizeof(req->url)) {
        req->url_len = sizeof(req->url);
    }

    memcpy(req->url, url.s, req->url_len);
}


static int
decode(struct wd_conn *conn)
{
    int     rc;
    char   *data;
    size_t  used;

    data = conn->in.data + conn->in.start;
    rc = wd_parser_body(&conn->parser, data, conn->in.end - conn->in.start,
                        &used);

    if (rc != 0) {
        return -1;
    }

    conn->in.start += used;
    conn->body = data;
    conn->body_len = conn->parser.body_len;
    conn->is_body_done = conn->parser.is_done;

    return 0;
}

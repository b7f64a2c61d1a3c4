/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Requests by libcurl, in a program of its own.
 */

#include "http_helper.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/faas_num.h"

#include "file.h"
#include "http_frame.h"


#define PROGRAM        "faas-https"
#define STATUS_DIGITS  3


struct http_helper {
    int              fd;            /* -1: it is let go */
    pid_t            owner;         /* who has started it */
    size_t           sent;          /* bytes of the request's body */
    size_t           heads;         /* bytes of answers' headers */
    struct faas_buf  data;          /* of a frame */
};


static struct http_helper *find_helper(struct http_transfer *t);
static int start(struct cli *cli, struct http_helper *helper);
static void become(const char *path, int fd) __attribute__((noreturn));
static int send_request(struct http_transfer *t, struct http_helper *helper);
static enum http_outcome exchange(struct http_transfer *t,
    struct http_helper *helper);
static int send_body(struct http_transfer *t, struct http_helper *helper);
static int take_head(struct http_response *res, struct http_helper *helper);
static enum http_outcome end(struct http_transfer *t,
    const struct faas_buf *data);


enum http_outcome
http_helper(struct http_transfer *t)
{
    enum http_outcome    outcome;
    struct http_helper  *helper;

    helper = find_helper(t);

    if (helper == NULL) {
        return HTTP_BROKEN;
    }

    if (send_request(t, helper) == 0) {
        outcome = exchange(t, helper);

    } else {
        outcome = http_outcome(t, HTTP_BROKEN, PROGRAM " has ended");
        http_helper_done(t->cli);
    }

    faas_buf_done(&helper->data);

    return outcome;
}


void
http_helper_done(struct cli *cli)
{
    /* it ends by itself then, and has nothing to say */

    if (cli->helper != NULL && cli->helper->fd >= 0) {
        (void) close(cli->helper->fd);
        cli->helper->fd = -1;
    }
}


/*
 * One that the parent process has started is its own.
 */
static struct http_helper *
find_helper(struct http_transfer *t)
{
    struct cli  *cli;

    cli = t->cli;

    if (cli->helper == NULL) {
        cli->helper = pool_alloc(&cli->pool, sizeof(struct http_helper));
        cli->helper->fd = -1;
    }

    if (cli->helper->owner != getpid()) {
        http_helper_done(cli);
    }

    if (cli->helper->fd < 0 && start(cli, cli->helper) != 0) {
        (void) http_outcome(t, HTTP_BROKEN, PROGRAM " cannot be started, "
                            "install it: %s", strerror(errno));
        return NULL;
    }

    cli->helper->sent = 0;
    cli->helper->heads = 0;
    faas_buf_init(&cli->helper->data, HTTP_FRAME_MAX);

    return cli->helper;
}


/*
 * Returns 0, or -1 with errno.
 */
static int
start(struct cli *cli, struct http_helper *helper)
{
    int          fds[2];
    pid_t        pid;
    const char  *path;

    path = file_of_ours(&cli->pool, PROGRAM);

    if (path == NULL) {
        path = file_of_ours(&cli->pool, "../lib/ngx_faas/" PROGRAM);
    }

    if (path == NULL) {
        errno = ENOENT;
        return -1;
    }

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
        return -1;
    }

    pid = fork();

    if (pid == 0) {
        become(path, fds[1]);
    }

    (void) close(fds[1]);

    if (pid < 0) {
        (void) close(fds[0]);
        return -1;
    }

    helper->fd = fds[0];
    helper->owner = getpid();

    return 0;
}


static void
become(const char *path, int fd)
{
    char *const  argv[] = { (char *) PROGRAM, (char *) FAAS_VERSION, NULL };

    /* while it waits for a server it would not see that nobody waits for it */

    if (prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && dup2(fd, STDIN_FILENO) == 0)
    {
        (void) execv(path, argv);
    }

    _exit(CLI_NO_EXEC);
}


static int
send_request(struct http_transfer *t, struct http_helper *helper)
{
    size_t                       i;
    const char                  *header;
    const struct http_request   *req;
    struct http_frame_send       send = { 0, 0, 0, 0, 0, 0 };

    req = t->req;
    send.timeout_ms = req->timeout_ms;
    send.body_len = req->body_len;
    send.has_body = req->body != NULL || req->body_fd >= 0;
    send.is_chunked = req->body_fd >= 0;
    send.is_insecure = (uint32_t) req->is_insecure;
    send.may_redirect = (uint32_t) req->may_redirect;

    if (http_frame_put(helper->fd, HTTP_FRAME_METHOD, req->method,
                       strlen(req->method)) != 0
        || http_frame_put(helper->fd, HTTP_FRAME_URL, req->url,
                          strlen(req->url)) != 0)
    {
        return -1;
    }

    for (i = 0; i < req->headers.n; i++) {
        header = req->headers.at[i];

        if (http_frame_put(helper->fd, HTTP_FRAME_HEADER, header,
                           strlen(header)) != 0)
        {
            return -1;
        }
    }

    return http_frame_put(helper->fd, HTTP_FRAME_SEND, &send, sizeof(send));
}


static enum http_outcome
exchange(struct http_transfer *t, struct http_helper *helper)
{
    enum http_outcome  outcome;

    for (outcome = HTTP_ELSEWHERE; outcome == HTTP_ELSEWHERE; /* void */ ) {

        switch (http_frame_get(helper->fd, &helper->data)) {

        case HTTP_FRAME_READ:
            if (send_body(t, helper) != 0) {
                outcome = http_outcome(t, HTTP_UNREADABLE, "%s",
                                       strerror(errno));
            }

            break;

        case HTTP_FRAME_HEAD:
            if (take_head(t->res, helper) != 0) {
                outcome = HTTP_TOO_LARGE;
            }

            break;

        case HTTP_FRAME_BODY:
            if (http_take(t, helper->data.data, helper->data.len) != 0) {
                outcome = http_stopped(t);
            }

            break;

        case HTTP_FRAME_END:
            return end(t, &helper->data);

        default:
            outcome = http_outcome(t, HTTP_BROKEN, PROGRAM " has ended");
        }
    }

    /* it is not at the end of this one yet */

    http_helper_done(t->cli);

    return outcome;
}


/*
 * Returns -1 with errno where there is something that cannot be read.  That
 * nobody takes it is seen by who reads what comes next.
 */
static int
send_body(struct http_transfer *t, struct http_helper *helper)
{
    char                        piece[HTTP_DATA_MAX];
    ssize_t                     n;
    const char                 *data;
    const struct http_request  *req;

    req = t->req;
    data = piece;
    n = 0;

    if (helper->sent < req->body_len) {
        data = req->body + helper->sent;
        n = req->body_len - helper->sent < HTTP_DATA_MAX
            ? (ssize_t) (req->body_len - helper->sent) : HTTP_DATA_MAX;
        helper->sent += (size_t) n;

    } else if (req->body_fd >= 0) {

        do {
            n = read(req->body_fd, piece, sizeof(piece));
        } while (n < 0 && errno == EINTR);
    }

    if (n < 0) {
        return -1;
    }

    (void) http_frame_put(helper->fd, HTTP_FRAME_DATA, data, (size_t) n);

    return 0;
}


/*
 * Its first line begins another answer: those of proxies and of redirects, and
 * interim ones, come before the one that counts.  All of them count for the
 * maximum, so that there is an end to them.
 */
static int
take_head(struct http_response *res, struct http_helper *helper)
{
    uint64_t                status;
    const char             *space;
    const struct faas_buf  *line;

    line = &helper->data;
    helper->heads += line->len;

    if (helper->heads > res->headers.max) {
        return -1;
    }

    if (strncmp(line->data, "HTTP/", 5) == 0) {
        faas_buf_reset(&res->headers);
        space = strchr(line->data, ' ');

        if (space != NULL
            && faas_parse_uint(space + 1, STATUS_DIGITS, 0, 999, &status)
               == 0)
        {
            res->status = (long) status;
        }
    }

    return faas_buf_add(&res->headers, line->data, line->len);
}


static enum http_outcome
end(struct http_transfer *t, const struct faas_buf *data)
{
    struct http_frame_end  end;

    if (data->len != sizeof(end)) {
        return http_outcome(t, HTTP_BROKEN, PROGRAM " is of another version");
    }

    memcpy(&end, data->data, sizeof(end));
    end.text[sizeof(end.text) - 1] = '\0';

    return http_outcome(t, (enum http_outcome) end.outcome, "%s", end.text);
}

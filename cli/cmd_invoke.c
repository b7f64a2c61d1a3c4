/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * invoke: calls a function.  The body is sent as it is read, and the answer
 * printed as it comes; only a body that is signed is read whole first.
 */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "api.h"
#include "cmd.h"
#include "codec.h"
#include "file.h"
#include "http.h"
#include "out.h"
#include "stack.h"


#define FIRST_PIECE  65536          /* bytes; a shorter body has its length */
#define SIGNED_MAX   (256 << 20)    /* bytes of a body that is signed */


static const char *call_url(struct cli *cli, const struct api *api,
    const struct stack *stack);
static int add_headers(struct cli *cli, const struct api *api,
    struct http_request *req);
static int read_body(struct cli *cli, struct http_request *req);
static int read_first(struct cli *cli, struct http_request *req);
static int sign(struct cli *cli, struct http_request *req);
static int on_data(void *data, const char *bytes, size_t len);
static int finish(struct cli *cli, const struct api *api,
    const struct http_response *res);


int
cmd_invoke(struct cli *cli)
{
    int                    rc;
    struct api             api;
    struct stack           stack;
    struct http_request    req;
    struct http_response   res;

    if (stack_load(cli, &stack) != 0 || api_init(&api, cli, &stack) != 0) {
        return -1;
    }

    http_request_init(&req, args_text(&cli->args, "method"),
                      call_url(cli, &api, &stack));
    req.timeout_ms = args_msec(&cli->args, "timeout");
    req.is_insecure = api.is_insecure;
    req.on_data = on_data;

    if (req.url == NULL || add_headers(cli, &api, &req) != 0
        || read_body(cli, &req) != 0 || sign(cli, &req) != 0)
    {
        return -1;
    }

    if (http_send(cli, &req, &res) != 0) {
        return api_fail_send(&api);
    }

    rc = finish(cli, &api, &res);
    http_response_done(&res);

    return rc;
}


static const char *
call_url(struct cli *cli, const struct api *api, const struct stack *stack)
{
    size_t                  i;
    const char             *name, *ns, *url, *part, *equals;
    struct texts            query;
    const struct function  *fn;

    name = args_word(&cli->args, 0);
    fn = stack_find((struct stack *) stack, name);
    ns = api->ns != NULL ? api->ns : fn != NULL ? fn->ns : NULL;

    url = pool_printf(&cli->pool, "%s/%s/%s%s%s", api->gateway,
                      args_bool(&cli->args, "async") ? "async-function"
                      : "function", http_escape(&cli->pool, name),
                      ns != NULL && ns[0] != '\0' ? "." : "",
                      ns != NULL ? http_escape(&cli->pool, ns) : "");
    query = args_list(&cli->args, &cli->pool, "query");

    for (i = 0; i < query.n; i++) {
        part = query.at[i];
        equals = strchr(part, '=');

        if (equals == NULL) {
            (void) cli_fail(cli, "--query: \"%.100s\" is not of the form "
                            "NAME=VALUE", part);
            return NULL;
        }

        url = pool_printf(&cli->pool, "%s%c%s=%s", url, i == 0 ? '?' : '&',
                          http_escape(&cli->pool,
                                      pool_copy(&cli->pool, part,
                                                (size_t) (equals - part))),
                          http_escape(&cli->pool, equals + 1));
    }

    return url;
}


static int
add_headers(struct cli *cli, const struct api *api, struct http_request *req)
{
    size_t           i, len;
    const char      *text;
    struct texts     list;
    struct utsname   host;

    list = args_list(&cli->args, &cli->pool, "header");

    for (i = 0; i < list.n; i++) {
        text = list.at[i];
        len = strcspn(text, ":=");

        if (len == 0 || text[len] == '\0' || strpbrk(text, "\r\n") != NULL) {
            return cli_fail(cli, "--header: \"%.100s\" is not of the form "
                            "\"NAME: VALUE\"", text);
        }

        texts_add(&cli->pool, &req->headers,
                  pool_printf(&cli->pool, "%.*s: %s", (int) len, text,
                              text + len + 1
                              + strspn(text + len + 1, " ")));
    }

    if (!http_has_header(req, "Content-Type")
        || args_has(&cli->args, "content-type"))
    {
        text = args_text(&cli->args, "content-type");

        if (strpbrk(text, "\r\n") != NULL) {
            return cli_fail(cli, "--content-type has more than one line");
        }

        texts_add(&cli->pool, &req->headers,
                  pool_printf(&cli->pool, "Content-Type: %s", text));
    }

    if (!http_has_header(req, "User-Agent")) {
        texts_add(&cli->pool, &req->headers,
                  pool_printf(&cli->pool, "User-Agent: faas/" FAAS_VERSION
                              " (openfaas; linux; %s)",
                              uname(&host) == 0 ? host.machine : "unknown"));
    }

    if (args_bool(&cli->args, "auth") && api->authorization != NULL) {
        texts_add(&cli->pool, &req->headers, api->authorization);
    }

    return 0;
}


/*
 * A method without a body takes none, unless something is piped in.
 */
static int
read_body(struct cli *cli, struct http_request *req)
{
    size_t  len;

    if (isatty(STDIN_FILENO)) {

        if (strcmp(req->method, "GET") == 0
            || strcmp(req->method, "HEAD") == 0)
        {
            return 0;
        }

        out_note(cli, "Reading from STDIN - hit (Control + D) to stop.");
    }

    if (args_text(&cli->args, "sign") == NULL) {
        return read_first(cli, req);
    }

    req->body = file_read(&cli->pool, "-", SIGNED_MAX, &len, &cli->err);
    req->body_len = len;

    return req->body != NULL ? 0 : -1;
}


/*
 * What is short is sent with its length, which the queue and some functions
 * want to know; what is longer as it comes.
 */
static int
read_first(struct cli *cli, struct http_request *req)
{
    char     *buf;
    ssize_t   n;

    buf = pool_alloc(&cli->pool, FIRST_PIECE);

    do {
        n = read(STDIN_FILENO, buf + req->body_len,
                 FIRST_PIECE - req->body_len);

        if (n > 0) {
            req->body_len += (size_t) n;
        }

    } while ((n > 0 && req->body_len < FIRST_PIECE)
             || (n < 0 && errno == EINTR));

    if (n < 0) {
        return cli_fail(cli, "standard input cannot be read: %s",
                        strerror(errno));
    }

    if (n == 0 && req->body_len == 0
        && (strcmp(req->method, "GET") == 0
            || strcmp(req->method, "HEAD") == 0))
    {
        return 0;
    }

    req->body = buf;
    req->body_fd = n > 0 ? STDIN_FILENO : -1;

    return 0;
}


static int
sign(struct cli *cli, struct http_request *req)
{
    const char     *header, *key;
    unsigned char   digest[CODEC_SHA256];

    header = args_text(&cli->args, "sign");
    key = args_text(&cli->args, "key");

    if (header == NULL && key == NULL) {
        return 0;
    }

    if (header == NULL || key == NULL || header[0] == '\0'
        || key[0] == '\0')
    {
        return cli_fail(cli, "--sign and --key go together: a header's name, "
                        "and the key that the body is signed with");
    }

    out_warn_argument(cli, "key", "");

    if (strpbrk(header, ":\r\n ") != NULL) {
        return cli_fail(cli, "--sign: \"%.60s\" is no name of a header",
                        header);
    }

    codec_hmac(key, strlen(key), req->body != NULL ? req->body : "",
               req->body_len, digest);

    texts_add(&cli->pool, &req->headers,
              pool_printf(&cli->pool, "%s: sha256=%s", header,
                          codec_hex(&cli->pool, digest, CODEC_SHA256)));

    return 0;
}


static int
on_data(void *data, const char *bytes, size_t len)
{
    (void) data;

    /* an event of a stream is to be seen when it comes */

    return fwrite(bytes, 1, len, stdout) == len && fflush(stdout) == 0
           ? 0 : -1;
}


static int
finish(struct cli *cli, const struct api *api,
    const struct http_response *res)
{
    char  *id;

    if (ferror(stdout)) {
        return 0;                   /* out_flush() says so */
    }

    if (res->status == 202 && args_bool(&cli->args, "async")) {
        id = http_header(cli, res, "X-Call-Id");
        out_note(cli, "Function submitted asynchronously.%s%s",
                 id != NULL ? " Call ID: " : "",
                 id != NULL ? out_safe(cli, id) : "");
        return 0;
    }

    if (res->status >= 200 && res->status < 300) {
        return 0;
    }

    if (res->status == 404) {
        (void) api_fail((struct api *) api, res);
        return faas_err_prefix(&cli->err, "no such function, or it answers "
                               "404: %.63s", args_word(&cli->args, 0));
    }

    return api_fail((struct api *) api, res);
}

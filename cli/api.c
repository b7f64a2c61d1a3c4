/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The gateway's API.
 */

#include "api.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "out.h"
#include "stack.h"


#define UNAUTHORIZED                                                         \
    "unauthorized access, run \"faas login\" to setup authentication for "   \
    "this server"


static const char *choose_gateway(struct cli *cli,
    const struct stack *stack);
static int is_local(const char *url);
static int authorize(struct api *api);
static const char *shown_body(struct cli *cli,
    const struct http_response *res);


int
api_init(struct api *api, struct cli *cli, const struct stack *stack)
{
    memset(api, 0, sizeof(*api));

    api->cli = cli;
    api->gateway = choose_gateway(cli, stack);
    api->ns = args_text(&cli->args, "namespace");
    api->is_insecure = args_bool(&cli->args, "tls-no-verify");
    api->timeout_ms = args_msec(&cli->args, "timeout");

    if (api->timeout_ms == 0) {
        api->timeout_ms = API_TIMEOUT_MS;
    }

    if (strncmp(api->gateway, "http://", 7) != 0
        && strncmp(api->gateway, "https://", 8) != 0)
    {
        return cli_fail(cli, "gateway \"%.120s\": expected http://HOST[:PORT] "
                        "or https://...", api->gateway);
    }

    if (strncmp(api->gateway, "http://", 7) == 0 && !is_local(api->gateway)) {
        out_warn(cli, "%s is not encrypted: passwords and what functions "
                 "answer can be read on the way", api->gateway);
    }

    return authorize(api);
}


int
api_connect(struct api *api, struct cli *cli)
{
    struct stack  stack;

    return stack_load(cli, &stack) == 0 ? api_init(api, cli, &stack) : -1;
}


char *
api_normal_url(struct pool *pool, const char *url)
{
    char    *text;
    size_t   i;

    text = strstr(url, "://") != NULL ? pool_text(pool, url)
           : pool_printf(pool, "http://%s", url);

    for (i = 0; text[i] != '\0'; i++) {
        text[i] = (char) tolower((unsigned char) text[i]);
    }

    while (i > 0 && text[i - 1] == '/') {
        text[--i] = '\0';
    }

    return text;
}


int
api_send(struct api *api, const char *method, const char *path,
    const json_t *body, struct http_response *res)
{
    int                   rc;
    char                 *text;
    struct cli           *cli;
    struct http_request   req;

    cli = api->cli;
    memset(res, 0, sizeof(*res));
    http_request_init(&req, method, pool_printf(&cli->pool, "%s%s",
                                                api->gateway, path));
    req.timeout_ms = api->timeout_ms;
    req.is_insecure = api->is_insecure;
    text = NULL;

    texts_add(&cli->pool, &req.headers, "User-Agent: faas/" FAAS_VERSION);

    if (api->authorization != NULL) {
        texts_add(&cli->pool, &req.headers, api->authorization);
    }

    if (body != NULL) {
        texts_add(&cli->pool, &req.headers, "Content-Type: application/json");
        text = json_dumps(body, JSON_COMPACT);

        if (text == NULL) {
            return cli_fail(cli, "no memory for the request");
        }

        req.body = text;
        req.body_len = strlen(text);
    }

    rc = http_send(cli, &req, res);
    free(text);

    return rc == 0 ? 0 : api_fail_send(api);
}


int
api_call(struct api *api, const char *method, const char *path,
    const json_t *body, long *status, const char **answer)
{
    int                    rc;
    struct http_response   res;

    if (status != NULL) {
        *status = 0;
    }

    if (api_send(api, method, path, body, &res) != 0) {
        return -1;
    }

    if (status != NULL) {
        *status = res.status;
    }

    rc = res.status >= 200 && res.status < 300 ? 0 : api_fail(api, &res);

    if (answer != NULL) {
        *answer = pool_copy(&api->cli->pool, res.body.data, res.body.len);
    }

    http_response_done(&res);

    return rc;
}


json_t *
api_get_json(struct api *api, const char *path)
{
    json_t                *value;
    struct cli            *cli;
    json_error_t           json_err;
    struct http_response   res;

    cli = api->cli;

    if (api_send(api, "GET", path, NULL, &res) != 0) {
        return NULL;
    }

    if (res.status < 200 || res.status > 299) {
        (void) api_fail(api, &res);
        cli->err.code = (int) res.status;
        http_response_done(&res);
        return NULL;
    }

    value = json_loadb(res.body.data != NULL ? res.body.data : "",
                       res.body.len, 0, &json_err);
    http_response_done(&res);

    if (value == NULL) {
        (void) cli_fail(cli, "%.120s%.60s answers with no JSON, line %d: "
                        "%.60s; is it a gateway?", api->gateway, path,
                        json_err.line, json_err.text);
    }

    return value;
}


json_t *
api_get_list(struct api *api, const char *path)
{
    json_t  *list;

    list = api_get_json(api, path);

    if (list != NULL && !json_is_array(list)) {
        json_decref(list);
        (void) cli_fail(api->cli, "%.120s%.60s answers with no list; is it a "
                        "gateway?", api->gateway, path);
        return NULL;
    }

    return list;
}


int
api_fail_send(struct api *api)
{
    return api->cli->err.code != HTTP_NO_SERVER
           ? -1 : faas_err_set(&api->cli->err, HTTP_NO_SERVER, "no gateway "
                               "answers at %.120s: start it, or name it with "
                               "--gateway or OPENFAAS_URL", api->gateway);
}


int
api_fail(struct api *api, const struct http_response *res)
{
    const char  *text;
    struct cli  *cli;

    cli = api->cli;
    text = shown_body(cli, res);

    if (res->status == 401) {
        return faas_err_set(&cli->err, 401, UNAUTHORIZED " (%.80s)",
                            api->gateway);
    }

    return faas_err_set(&cli->err, (int) res->status, "server returned "
                        "unexpected status code: %ld%s%s", res->status,
                        text[0] != '\0' ? " - " : "", text);
}


const char *
api_path(struct api *api, const char *path, const char *ns)
{
    if (ns == NULL || ns[0] == '\0') {
        return path;
    }

    return pool_printf(&api->cli->pool, "%s%snamespace=%s", path,
                       strchr(path, '?') != NULL ? "&" : "?",
                       http_escape(&api->cli->pool, ns));
}


json_t *
api_json_text(const char *text)
{
    char    *copy;
    size_t   i;
    json_t  *value;

    value = json_string(text);

    if (value != NULL) {
        return value;
    }

    copy = strdup(text);

    if (copy == NULL) {
        return NULL;
    }

    for (i = 0; copy[i] != '\0'; i++) {
        if ((unsigned char) copy[i] > 0x7e) {
            copy[i] = '?';
        }
    }

    value = json_string(copy);
    free(copy);

    return value;
}


/*
 * As faas-cli: what is given and is not the default counts first.
 */
static const char *
choose_gateway(struct cli *cli, const struct stack *stack)
{
    const char  *url, *env;

    url = args_text(&cli->args, "gateway");

    if (url != NULL && url[0] != '\0') {
        url = api_normal_url(&cli->pool, url);

        if (strcmp(url, API_DEFAULT_GATEWAY) != 0) {
            return url;
        }
    }

    if (stack != NULL && stack->gateway != NULL
        && stack->gateway[0] != '\0')
    {
        url = api_normal_url(&cli->pool, stack->gateway);

        if (strcmp(url, API_DEFAULT_GATEWAY) != 0) {
            return url;
        }
    }

    env = getenv("OPENFAAS_URL");

    return env != NULL && env[0] != '\0' ? api_normal_url(&cli->pool, env)
           : API_DEFAULT_GATEWAY;
}


static int
is_local(const char *url)
{
    size_t       len;
    const char  *host;

    host = strstr(url, "://") + 3;
    len = strcspn(host, host[0] == '[' ? "]" : ":/");

    return strncmp(host, "127.", 4) == 0
           || (len == 9 && strncmp(host, "localhost", len) == 0)
           || (len == 4 && strncmp(host, "[::1", len) == 0);
}


static int
authorize(struct api *api)
{
    const char           *token;
    struct cli           *cli;
    struct config_entry   entry;

    cli = api->cli;
    token = args_text(&cli->args, "token");

    if (token != NULL && token[0] != '\0') {

        if (strpbrk(token, "\r\n") != NULL) {
            return cli_fail(cli, "--token has more than one line");
        }

        out_warn_argument(cli, "token", ", \"faas login\" saves one");
        api->authorization = pool_printf(&cli->pool, "Authorization: Bearer "
                                         "%s", token);
        return 0;
    }

    if (config_find(cli, api->gateway, &entry) != 0) {
        return -1;
    }

    if (entry.token != NULL) {
        api->authorization = pool_printf(&cli->pool, "Authorization: %s %s",
                                         entry.auth != NULL
                                         && strcmp(entry.auth, "oauth2") == 0
                                         ? "Bearer" : "Basic", entry.token);
    }

    return 0;
}


static const char *
shown_body(struct cli *cli, const struct http_response *res)
{
    char    *text;
    size_t   len;

    len = res->body.len;

    while (len > 0 && (res->body.data[len - 1] == '\n'
                       || res->body.data[len - 1] == '\r'))
    {
        len--;
    }

    text = pool_copy(&cli->pool, res->body.data,
                     len > API_TEXT_MAX ? API_TEXT_MAX : len);

    return out_safe(cli, text);
}

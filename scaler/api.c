/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The admin API: listening, and one table of routes.
 */

#include "api.h"

#include <errno.h>
#include <event2/buffer.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/faas_addr.h"
#include "lib/faas_async.h"
#include "lib/faas_log.h"
#include "lib/faas_name.h"

#include "api_async.h"
#include "api_call.h"
#include "api_functions.h"
#include "api_logs.h"
#include "origin.h"


#define HEADERS_MAX      65536      /* bytes of a request's head */
#define REQUEST_TIMEOUT  60         /* seconds that a connection may idle */
#define RETRY            "/retry"   /* behind a call's id */


enum route_name {
    NO_NAME,
    FUNCTION_NAME,              /* follows the path: NAME, NAME.NAMESPACE */
    NAMESPACE_NAME,             /* which may be empty */
    CALL_ID,                    /* of an asynchronous one */
    CALL_RETRY                  /* ID/retry */
};

struct route {
    enum evhttp_cmd_type    method;
    const char             *path;
    enum route_name         name;
    api_handler_fn          handler;
};


static void warn_if_open(const struct scaler_options *options,
    const struct faas_addr *addr);
static int is_loopback(const struct faas_addr *addr);
static int admit_gateway(const struct scaler_options *options,
    const struct faas_addr *addr, struct faas_err *err);
static void on_request(struct evhttp_request *req, void *arg);
static const struct route *find_route(struct evhttp_request *req,
    const char *path, int *is_known);
static void on_complete(struct evhttp_request *req, void *arg);
static const char *method_text(enum evhttp_cmd_type method);
static int is_allowed(const struct scaler *scaler,
    struct evhttp_request *req, const struct route *route);
static int is_cross_site(struct evhttp_request *req);
static int is_too_large(const struct scaler *scaler,
    struct evhttp_request *req);
static int is_path(const struct route *route, const char *path);


static const struct route  routes[] = {
    { EVHTTP_REQ_GET, "/system/functions", NO_NAME, api_list },
    { EVHTTP_REQ_POST, "/system/functions", NO_NAME, api_deploy },
    { EVHTTP_REQ_PUT, "/system/functions", NO_NAME, api_update },
    { EVHTTP_REQ_DELETE, "/system/functions", NO_NAME, api_remove },
    { EVHTTP_REQ_GET, "/system/function/", FUNCTION_NAME, api_get },
    { EVHTTP_REQ_POST, "/system/scale-function/", FUNCTION_NAME, api_scale },
    { EVHTTP_REQ_POST, "/system/alert", NO_NAME, api_alert },
    { EVHTTP_REQ_GET, "/system/secrets", NO_NAME, api_list_secrets },
    { EVHTTP_REQ_POST, "/system/secrets", NO_NAME, api_make_secret },
    { EVHTTP_REQ_PUT, "/system/secrets", NO_NAME, api_update_secret },
    { EVHTTP_REQ_DELETE, "/system/secrets", NO_NAME, api_remove_secret },
    { EVHTTP_REQ_GET, "/system/namespaces", NO_NAME, api_list_namespaces },
    { EVHTTP_REQ_GET, "/system/namespace/", NAMESPACE_NAME,
      api_get_namespace },
    { EVHTTP_REQ_POST, "/system/namespace/", NAMESPACE_NAME,
      api_make_namespace },
    { EVHTTP_REQ_PUT, "/system/namespace/", NAMESPACE_NAME,
      api_update_namespace },
    { EVHTTP_REQ_DELETE, "/system/namespace/", NAMESPACE_NAME,
      api_remove_namespace },
    { EVHTTP_REQ_GET, "/system/async", NO_NAME, api_async_depths },
    { EVHTTP_REQ_GET, "/system/async/dead", NO_NAME, api_async_dead },
    { EVHTTP_REQ_DELETE, "/system/async/dead", NO_NAME, api_async_purge_all },
    { EVHTTP_REQ_POST, "/system/async/dead/retry", NO_NAME,
      api_async_retry_all },
    { EVHTTP_REQ_GET, "/system/async/calls/", CALL_ID, api_async_get },
    { EVHTTP_REQ_DELETE, "/system/async/calls/", CALL_ID, api_async_remove },
    { EVHTTP_REQ_POST, "/system/async/calls/", CALL_RETRY, api_async_retry },
    { EVHTTP_REQ_GET, "/system/logs", NO_NAME, api_logs },
    { EVHTTP_REQ_GET, "/system/info", NO_NAME, api_info },
    { EVHTTP_REQ_GET, "/healthz", NO_NAME, api_health },
    { EVHTTP_REQ_HEAD, "/healthz", NO_NAME, api_health },
};

#define N_ROUTES  (sizeof(routes) / sizeof(routes[0]))


int
api_open(struct scaler *scaler, evconnlistener_errorcb on_error,
    struct faas_err *err)
{
    int               fd;
    struct listener  *listener;

    listener = &scaler->listener;
    scaler->http = evhttp_new(scaler->base);
    scaler->counts = calloc(N_ROUTES, sizeof(scaler->counts[0]));

    if (scaler->http == NULL || scaler->counts == NULL) {
        return faas_err_set(err, 0, "no memory");
    }

    evhttp_set_allowed_methods(scaler->http,
                               EVHTTP_REQ_GET | EVHTTP_REQ_HEAD
                               | EVHTTP_REQ_POST | EVHTTP_REQ_PUT
                               | EVHTTP_REQ_DELETE | EVHTTP_REQ_PATCH
                               | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_TRACE);
    evhttp_set_max_body_size(scaler->http, (ev_ssize_t)
                             scaler->options.max_body * 2);
    evhttp_set_max_headers_size(scaler->http, HEADERS_MAX);
    evhttp_set_timeout(scaler->http, REQUEST_TIMEOUT);
    evhttp_set_default_content_type(scaler->http,
                                    "text/plain; charset=utf-8");
    evhttp_set_gencb(scaler->http, on_request, scaler);

    listener->option = "--listen";
    listener->what = "the admin API";
    fd = listener_bind(listener, scaler->options.listen, err);

    if (fd == -1) {
        return -1;
    }

    if (admit_gateway(&scaler->options, &listener->addr, err) != 0) {
        (void) close(fd);
        return -1;
    }

    warn_if_open(&scaler->options, &listener->addr);

    return listener_open(listener, scaler->http, fd, on_error, err);
}


void
api_close(struct scaler *scaler)
{
    if (scaler->http != NULL) {
        evhttp_free(scaler->http);
        scaler->http = NULL;
    }

    listener_close(&scaler->listener);
    free(scaler->counts);
    scaler->counts = NULL;
}


void
api_walk_counts(const struct scaler *scaler, void (*each)(void *arg,
    const char *method, const char *path, unsigned status, uint64_t n),
    void *arg)
{
    size_t                    i, j;
    const struct api_counts  *counts;

    for (i = 0; i < N_ROUTES; i++) {
        counts = &scaler->counts[i];

        for (j = 0; j < API_STATUSES && counts->n[j] != 0; j++) {
            each(arg, method_text(routes[i].method), routes[i].path,
                 counts->status[j], counts->n[j]);
        }
    }
}


static void
warn_if_open(const struct scaler_options *options,
    const struct faas_addr *addr)
{
    if (options->credentials_dir[0] == '\0'
        && addr->sa.ss_family != AF_UNIX && !is_loopback(addr))
    {
        faas_log(FAAS_LOG_WARN, "the admin API asks for no password: anybody "
                 "who reaches it can run programs; see --credentials-dir "
                 "listen=%s", options->listen);
    }
}


static int
is_loopback(const struct faas_addr *addr)
{
    const struct in6_addr      *in6;
    const struct sockaddr_in   *sin;

    if (addr->sa.ss_family == AF_INET) {
        sin = (const struct sockaddr_in *) &addr->sa;
        return ntohl(sin->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }

    in6 = &((const struct sockaddr_in6 *) &addr->sa)->sin6_addr;

    return IN6_IS_ADDR_LOOPBACK(in6)
           || (IN6_IS_ADDR_V4MAPPED(in6)
               && in6->s6_addr[12] == IN_LOOPBACKNET);
}


/*
 * Who may connect to a socket with a path: the scaler's user and, by the group,
 * the gateway's.
 */
static int
admit_gateway(const struct scaler_options *options,
    const struct faas_addr *addr, struct faas_err *err)
{
    const char     *path;
    struct passwd  *pw;

    if (addr->sa.ss_family != AF_UNIX) {
        return 0;
    }

    path = ((const struct sockaddr_un *) &addr->sa)->sun_path;

    if (chmod(path, 0660) != 0) {
        return faas_err_set(err, errno, "--listen: cannot set the mode of "
                            "%.120s: %s", path, strerror(errno));
    }

    if (options->gateway_user[0] == '\0') {
        return 0;
    }

    pw = getpwnam(options->gateway_user);

    if (pw == NULL || chown(path, (uid_t) -1, pw->pw_gid) != 0) {
        return faas_err_set(err, errno, "--gateway-user: cannot let \"%.80s\" "
                            "connect to %.120s: %s", options->gateway_user,
                            path, pw == NULL ? "there is no such user"
                                             : strerror(errno));
    }

    return 0;
}


static void
on_request(struct evhttp_request *req, void *arg)
{
    int                  is_known;
    const char          *path;
    struct scaler       *scaler;
    const struct route  *route;

    scaler = arg;
    scaler->listener.is_reported = 0;
    path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(req));

    if (path == NULL) {
        path = "";
    }

    faas_log(FAAS_LOG_INFO, "request method=%d uri=%s",
             (int) evhttp_request_get_command(req),
             evhttp_request_get_uri(req));

    route = find_route(req, path, &is_known);

    if (route != NULL) {
        evhttp_request_set_on_complete_cb(req, on_complete,
                                          &scaler->counts[route - routes]);
    }

    if (!is_allowed(scaler, req, route)) {
        (void) evhttp_add_header(evhttp_request_get_output_headers(req),
                                 "WWW-Authenticate",
                                 "Basic realm=\"Restricted\"");
        call_answer(req, 401, NULL, "invalid credentials");

    } else if (is_cross_site(req)) {
        call_answer_error(req, 403, "a page of another site may not change "
                          "anything: Sec-Fetch-Site or Origin says that a "
                          "browser has sent this for one");

    } else if (route != NULL && is_too_large(scaler, req)) {
        call_answer_error(req, 413, "the body is larger than --max-body");

    } else if (route != NULL) {
        route->handler(scaler, req, route->name == NO_NAME
                                    ? NULL : path + strlen(route->path));

    } else if (is_known) {
        call_answer(req, 405, NULL, NULL);

    } else {
        call_answer_error(req, 404, "404 page not found");
    }
}


/*
 * The answer has been sent.
 */
static void
on_complete(struct evhttp_request *req, void *arg)
{
    size_t              i;
    unsigned            status;
    struct api_counts  *counts;

    counts = arg;
    status = (unsigned) evhttp_request_get_response_code(req);

    for (i = 0; i < API_STATUSES - 1; i++) {

        if (counts->n[i] == 0) {
            counts->status[i] = status;
        }

        if (counts->status[i] == status) {
            break;
        }
    }

    counts->n[i]++;
}


static const char *
method_text(enum evhttp_cmd_type method)
{
    return method == EVHTTP_REQ_GET ? "GET"
           : method == EVHTTP_REQ_HEAD ? "HEAD"
           : method == EVHTTP_REQ_POST ? "POST"
           : method == EVHTTP_REQ_PUT ? "PUT" : "DELETE";
}


/*
 * All but one thing is for those who know the password, also what is not there.
 */
static int
is_allowed(const struct scaler *scaler, struct evhttp_request *req,
    const struct route *route)
{
    if (route != NULL && route->handler == api_health) {
        return 1;
    }

    return auth_allows(&scaler->auth, evhttp_find_header(
               evhttp_request_get_input_headers(req), "Authorization"));
}


/*
 * A browser adds the password also to what a page of another site sends, which
 * can read no answer, but could change what there is.
 */
static int
is_cross_site(struct evhttp_request *req)
{
    struct evkeyvalq  *headers;

    if (evhttp_request_get_command(req)
        & (EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_OPTIONS))
    {
        return 0;
    }

    headers = evhttp_request_get_input_headers(req);

    return origin_is_foreign(evhttp_find_header(headers, "Sec-Fetch-Site"),
                             evhttp_find_header(headers, "Origin"),
                             evhttp_find_header(headers, "Host"));
}


/*
 * evhttp's own limit is above ours: its answer is a page.
 */
static int
is_too_large(const struct scaler *scaler, struct evhttp_request *req)
{
    return evbuffer_get_length(evhttp_request_get_input_buffer(req))
           > scaler->options.max_body;
}


static const struct route *
find_route(struct evhttp_request *req, const char *path, int *is_known)
{
    size_t  i;

    *is_known = 0;

    for (i = 0; i < N_ROUTES; i++) {

        if (!is_path(&routes[i], path)) {
            continue;
        }

        *is_known = 1;

        if (routes[i].method == evhttp_request_get_command(req)) {
            return &routes[i];
        }
    }

    return NULL;
}


/*
 * What is no name makes no path.
 */
static int
is_path(const struct route *route, const char *path)
{
    size_t             len;
    struct faas_name   name;

    len = strlen(route->path);

    if (route->name == NO_NAME) {
        return strcmp(path, route->path) == 0;
    }

    if (strncmp(path, route->path, len) != 0) {
        return 0;
    }

    path += len;

    len = strlen(path);

    switch (route->name) {

    case FUNCTION_NAME:
        return faas_name_parse(path, len, &name) == 0;

    case CALL_ID:
        return faas_async_id_is_valid(path, len);

    case CALL_RETRY:
        return len > strlen(RETRY)
               && strcmp(path + len - strlen(RETRY), RETRY) == 0
               && faas_async_id_is_valid(path, len - strlen(RETRY));

    default: /* NAMESPACE_NAME */
        return strchr(path, '/') == NULL;
    }
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * If this fails, the scaler misunderstands Docker, waits for one that is
 * silent, or crashes when a stream is paused or cancelled.
 *
 * uses: daemon/multi.c scaler/docker.c scaler/http_client.c scaler/text.c
 * uses: scaler/log_line.c
 */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "scaler/docker.h"


#define TIMEOUT  500                    /* msec */
#define STREAM   (8 * HTTP_HELD_MAX)    /* bytes */
#define OK       "HTTP/1.1 200 OK\r\nConnection: close\r\n"


struct fixture {
    struct event_base     *base;
    struct docker          docker;
    char                   url[64];
    pid_t                  server;
    unsigned               n_done;
    int                    code;
    char                   text[FAAS_ERR_TEXT_MAX];
    char                   id[16];
    struct docker_stream  *stream;
    size_t                 received;
    size_t                 cancel_at;       /* bytes; 0: never */
    struct event          *resume;
};


static void
say(int fd, const char *s)
{
    (void) !send(fd, s, strlen(s), MSG_NOSIGNAL);
}


static void
send_stream(int fd)
{
    size_t       sent;
    ssize_t      n;
    static char  piece[16384];

    say(fd, OK "\r\n");
    n = 0;

    for (sent = 0; sent < STREAM && n >= 0; sent += (size_t) n) {
        n = send(fd, piece, sizeof(piece) < STREAM - sent ? sizeof(piece)
                                                         : STREAM - sent,
                 MSG_NOSIGNAL);
    }
}


/* what Docker would answer to a request */
static void
answer(int fd, const char *request)
{
    char  rest[256];

    if (strncmp(request, "GET /_ping ", 11) == 0) {
        say(fd, OK "API-Version: 1.41\r\nContent-Length: 2\r\n\r\nOK");

    } else if (strncmp(request, "POST /v1.41/a ", 14) == 0) {
        say(fd, strstr(request, "\r\nX-Registry-Auth: abc\r\n") != NULL
                && strstr(request, "{\"b\":1}") != NULL
                ? OK "\r\n{\"ID\": \"x1\"}" : OK "\r\n{\"ID\": \"none\"}");

    } else if (strncmp(request, "GET /v1.41/missing ", 19) == 0) {
        say(fd, "HTTP/1.1 404 No\r\nConnection: close\r\n\r\n"
                "{\"message\": \"no such\\nthing\"}");

    } else if (strncmp(request, "GET /v1.41/page ", 16) == 0) {
        say(fd, OK "\r\n<html>");

    } else if (strncmp(request, "GET /v1.41/stream ", 18) == 0) {
        send_stream(fd);

    } else if (strncmp(request, "GET /v1.41/cut ", 15) == 0) {
        say(fd, OK "Content-Length: 100\r\n\r\n{");

    } else {
        /* silent, until the client has enough of it */
        (void) !read(fd, rest, sizeof(rest));
    }
}


static void
serve(int listener)
{
    int      fd;
    char     request[4096];
    ssize_t  n;

    (void) prctl(PR_SET_PDEATHSIG, SIGKILL);

    while ((fd = accept(listener, NULL, NULL)) >= 0) {
        n = read(fd, request, sizeof(request) - 1);
        request[n > 0 ? n : 0] = '\0';
        answer(fd, request);
        (void) close(fd);
    }

    _exit(0);
}


static int
set_up(void **state)
{
    int                  fd;
    struct fixture      *f;
    struct faas_err      err;
    struct sockaddr_un   sun;

    f = calloc(1, sizeof(*f));
    assert_non_null(f);

    memset(&sun, 0, sizeof(sun));
    sun.sun_family = AF_UNIX;
    (void) snprintf(sun.sun_path, sizeof(sun.sun_path),
                    "/tmp/faas-docker-%ld.sock", (long) getpid());
    (void) snprintf(f->url, sizeof(f->url), "unix://%.50s", sun.sun_path);
    (void) unlink(sun.sun_path);

    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *) &sun, sizeof(sun)), 0);
    assert_int_equal(listen(fd, 16), 0);

    f->server = fork();

    if (f->server == 0) {
        serve(fd);
    }

    (void) close(fd);

    f->base = event_base_new();
    assert_int_equal(docker_open(&f->docker, f->url, NULL, TIMEOUT, f->base,
                                 &err), 0);
    *state = f;

    return 0;
}


static int
tear_down(void **state)
{
    struct fixture  *f;

    f = *state;

    if (f->resume != NULL) {
        event_free(f->resume);
    }

    docker_close(&f->docker);
    event_base_free(f->base);
    (void) kill(f->server, SIGKILL);
    (void) waitpid(f->server, NULL, 0);
    (void) unlink(f->url + strlen("unix://"));
    free(f);

    return 0;
}


static void
on_done(void *arg, json_t *value, const struct faas_err *err)
{
    const char      *id;
    struct fixture  *f;

    f = arg;
    f->n_done++;
    f->code = err->code;
    (void) snprintf(f->text, sizeof(f->text), "%s", err->text);

    id = json_string_value(json_object_get(value, "ID"));
    (void) snprintf(f->id, sizeof(f->id), "%s", id != NULL ? id : "");
}


static void
on_end(void *arg, const struct faas_err *err)
{
    ((struct fixture *) arg)->stream = NULL;
    on_done(arg, NULL, err);
}


static void
on_resume(evutil_socket_t fd, short what, void *arg)
{
    struct fixture  *f;

    (void) fd;
    (void) what;

    f = arg;

    assert_non_null(f->stream);
    docker_stream_resume(f->stream);
}


static void
on_data(void *arg, struct evbuffer *in)
{
    struct fixture  *f;
    struct timeval   soon = { 0, 20000 };

    f = arg;

    /* what is held has a bound: this much, and one piece of libcurl's */
    assert_true(evbuffer_get_length(in) <= HTTP_HELD_MAX + 65536);
    f->received += evbuffer_get_length(in);
    (void) evbuffer_drain(in, evbuffer_get_length(in));

    if (f->cancel_at != 0 && f->received >= f->cancel_at) {
        docker_stream_cancel(f->stream);
        f->stream = NULL;

    } else if (f->resume != NULL) {
        docker_stream_pause(f->stream);
        (void) evtimer_add(f->resume, &soon);
    }
}


static void
ping(struct fixture *f)
{
    docker_ping(&f->docker, on_done, f);
    (void) event_base_dispatch(f->base);
    assert_int_equal(f->n_done, 1);
    assert_int_equal(f->code, 0);
    f->n_done = 0;
}


static void
get(struct fixture *f, const char *path)
{
    f->n_done = 0;
    docker_call(&f->docker, "GET", NULL, on_done, f, "%s", path);
    (void) event_base_dispatch(f->base);
    assert_int_equal(f->n_done, 1);
}


static void
the_version_is_asked_first(void **state)
{
    struct fixture   *f;
    struct faas_err   err;

    f = *state;

    get(f, "/a");
    assert_int_equal(f->code, 503);
    assert_null(docker_stream_new(&f->docker, "/stream", on_data, on_end, f,
                                  &err));
    assert_int_equal(err.code, 503);

    f->n_done = 0;
    ping(f);
    assert_int_equal(f->docker.minor, 41);
}


static void
answers_and_errors_are_read(void **state)
{
    struct fixture  *f;

    f = *state;
    ping(f);

    docker_post(&f->docker, "/a", json_pack("{s:i}", "b", 1), "abc", on_done,
                f);
    (void) event_base_dispatch(f->base);
    assert_int_equal(f->code, 0);
    assert_string_equal(f->id, "x1");

    get(f, "/missing");
    assert_int_equal(f->code, 404);
    assert_string_equal(f->text, "Docker: no such?thing");

    get(f, "/page");
    assert_int_equal(f->code, 503);

    get(f, "/cut");
    assert_int_equal(f->code, 503);
}


static void
a_silent_docker_is_given_up(void **state)
{
    struct fixture  *f;

    f = *state;
    ping(f);

    get(f, "/silent");
    assert_int_equal(f->code, 503);

    (void) kill(f->server, SIGKILL);
    (void) waitpid(f->server, NULL, 0);

    get(f, "/a");
    assert_int_equal(f->code, 503);
}


static void
start_stream(struct fixture *f)
{
    struct faas_err  err;

    ping(f);
    f->stream = docker_stream_new(&f->docker, "/stream", on_data, on_end, f,
                                  &err);
    assert_non_null(f->stream);
    (void) event_base_dispatch(f->base);
}


static void
a_stream_comes_whole(void **state)
{
    struct fixture  *f;

    f = *state;
    start_stream(f);

    assert_int_equal(f->n_done, 1);
    assert_int_equal(f->code, 0);
    assert_int_equal(f->received, STREAM);
}


static void
a_stream_that_pauses_comes_whole(void **state)
{
    struct fixture  *f;

    f = *state;
    f->resume = evtimer_new(f->base, on_resume, f);
    start_stream(f);

    assert_int_equal(f->n_done, 1);
    assert_int_equal(f->code, 0);
    assert_int_equal(f->received, STREAM);
}


static void
a_stream_can_be_cancelled_by_its_reader(void **state)
{
    struct fixture  *f;

    f = *state;
    f->cancel_at = HTTP_HELD_MAX;
    start_stream(f);

    assert_int_equal(f->n_done, 0);
    assert_true(f->received >= f->cancel_at && f->received < STREAM);
}


static void
who_waits_is_told_of_the_end(void **state)
{
    struct fixture   *f;
    struct faas_err   err;

    f = *state;
    ping(f);
    docker_call(&f->docker, "GET", NULL, on_done, f, "/silent");
    docker_call(&f->docker, "GET", NULL, on_done, f, "/a");
    (void) event_base_loop(f->base, EVLOOP_ONCE);

    f->stream = docker_stream_new(&f->docker, "/stream", on_data, on_end, f,
                                  &err);
    docker_close(&f->docker);
    assert_int_equal(f->n_done, 3);
    assert_int_equal(f->code, 503);

    /* for tear_down() */
    memset(&f->docker, 0, sizeof(f->docker));
    assert_int_equal(docker_open(&f->docker, f->url, NULL, TIMEOUT, f->base,
                                 &err), 0);
}


static void
addresses_are_checked(void **state)
{
    size_t             i;
    struct docker      docker;
    struct faas_err    err;
    struct event_base *base;

    static const char *const  bad[] = {
        "", "unix://", "unix://x", "tcp://", "tcp://a/b", "tcp://u@h:1",
        "/var/run/docker.sock",
    };

    (void) state;

    base = event_base_new();

    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        memset(&docker, 0, sizeof(docker));
        assert_int_equal(docker_open(&docker, bad[i], NULL, TIMEOUT, base,
                                     &err), -1);
        docker_close(&docker);
    }

    event_base_free(base);
}


#define WITH_SERVER(test)  \
    cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest  tests[] = {
        cmocka_unit_test(addresses_are_checked),
        WITH_SERVER(the_version_is_asked_first),
        WITH_SERVER(answers_and_errors_are_read),
        WITH_SERVER(a_silent_docker_is_given_up),
        WITH_SERVER(a_stream_comes_whole),
        WITH_SERVER(a_stream_that_pauses_comes_whole),
        WITH_SERVER(a_stream_can_be_cancelled_by_its_reader),
        WITH_SERVER(who_waits_is_told_of_the_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * libcurl's multi interface on libevent.
 */

#include "multi.h"

#include <stdlib.h>


/* a socket of libcurl's */
struct multi_socket {
    struct multi  *multi;
    struct event  *event;
};


static int on_socket(CURL *curl, curl_socket_t fd, int what, void *arg,
    void *data);
static int on_timeout(CURLM *curlm, long msec, void *arg);
static void on_event(evutil_socket_t fd, short what, void *arg);
static void on_timer(evutil_socket_t fd, short what, void *arg);


int
multi_init(struct multi *multi, struct event_base *base, unsigned max,
    struct faas_err *err)
{
    multi->base = base;
    multi->timer = evtimer_new(base, on_timer, multi);
    multi->curlm = curl_multi_init();

    if (multi->timer == NULL || multi->curlm == NULL) {
        return faas_err_set(err, 500, "no memory");
    }

    (void) curl_multi_setopt(multi->curlm, CURLMOPT_SOCKETFUNCTION, on_socket);
    (void) curl_multi_setopt(multi->curlm, CURLMOPT_SOCKETDATA, multi);
    (void) curl_multi_setopt(multi->curlm, CURLMOPT_TIMERFUNCTION, on_timeout);
    (void) curl_multi_setopt(multi->curlm, CURLMOPT_TIMERDATA, multi);
    (void) curl_multi_setopt(multi->curlm, CURLMOPT_MAX_TOTAL_CONNECTIONS,
                             (long) max);

    return 0;
}


void
multi_done(struct multi *multi)
{
    if (multi->curlm != NULL) {
        (void) curl_multi_cleanup(multi->curlm);
        multi->curlm = NULL;
    }

    if (multi->timer != NULL) {
        event_free(multi->timer);
        multi->timer = NULL;
    }
}


void
multi_collect(struct multi *multi)
{
    int       left;
    char     *data;
    CURLMsg  *message;

    while ((message = curl_multi_info_read(multi->curlm, &left)) != NULL) {

        if (message->msg == CURLMSG_DONE) {
            (void) curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE,
                                     &data);

            multi->done(data, message->data.result);
        }
    }
}


static int
on_socket(CURL *curl, curl_socket_t fd, int what, void *arg, void *data)
{
    short                 flags;
    struct multi         *multi;
    struct multi_socket  *sock;

    (void) curl;

    multi = arg;
    sock = data;

    if (sock != NULL) {
        event_free(sock->event);
    }

    if (what == CURL_POLL_REMOVE) {
        free(sock);
        return 0;
    }

    if (sock == NULL) {
        sock = calloc(1, sizeof(*sock));

        if (sock == NULL) {
            return -1;
        }

        sock->multi = multi;
        (void) curl_multi_assign(multi->curlm, fd, sock);
    }

    flags = EV_PERSIST | (what & CURL_POLL_IN ? EV_READ : 0)
            | (what & CURL_POLL_OUT ? EV_WRITE : 0);
    sock->event = event_new(multi->base, fd, flags, on_event, sock);

    if (sock->event == NULL || event_add(sock->event, NULL) != 0) {
        /* libcurl has forgotten it when it is told of an error */
        (void) curl_multi_assign(multi->curlm, fd, NULL);

        if (sock->event != NULL) {
            event_free(sock->event);
        }

        free(sock);
        return -1;
    }

    return 0;
}


static int
on_timeout(CURLM *curlm, long msec, void *arg)
{
    struct multi    *multi;
    struct timeval   tv;

    (void) curlm;

    multi = arg;

    if (msec < 0) {
        (void) evtimer_del(multi->timer);
        return 0;
    }

    tv.tv_sec = msec / 1000;
    tv.tv_usec = msec % 1000 * 1000;

    return evtimer_add(multi->timer, &tv);
}


static void
on_event(evutil_socket_t fd, short what, void *arg)
{
    int            flags, running;
    struct multi  *multi;

    multi = ((struct multi_socket *) arg)->multi;
    flags = (what & EV_READ ? CURL_CSELECT_IN : 0)
            | (what & EV_WRITE ? CURL_CSELECT_OUT : 0);

    /* the socket's own structure may be gone with this */

    (void) curl_multi_socket_action(multi->curlm, fd, flags, &running);
    multi_collect(multi);
}


static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
    int            running;
    struct multi  *multi;

    (void) fd;
    (void) what;

    multi = arg;

    (void) curl_multi_socket_action(multi->curlm, CURL_SOCKET_TIMEOUT, 0,
                                    &running);
    multi_collect(multi);
}

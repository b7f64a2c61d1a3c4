/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What faas and faas-https say to one another.
 */

#include "http_frame.h"

#include <errno.h>
#include <sys/socket.h>


static int put_bytes(int fd, const void *data, size_t len);
static int get_bytes(int fd, void *data, size_t len);


int
http_frame_put(int fd, enum http_frame_type type, const void *data,
    size_t len)
{
    struct http_frame  frame = { type, (uint32_t) len };

    return len <= HTTP_FRAME_MAX
           && put_bytes(fd, &frame, sizeof(frame)) == 0
           && put_bytes(fd, data, len) == 0 ? 0 : -1;
}


int
http_frame_get(int fd, struct faas_buf *data)
{
    struct http_frame  frame;

    faas_buf_reset(data);

    if (get_bytes(fd, &frame, sizeof(frame)) != 0
        || faas_buf_reserve(data, frame.len) != 0
        || get_bytes(fd, data->data, frame.len) != 0)
    {
        return -1;
    }

    data->len = frame.len;
    data->data[data->len] = '\0';

    return (int) frame.type;
}


static int
put_bytes(int fd, const void *data, size_t len)
{
    size_t   put;
    ssize_t  n;

    for (put = 0; put < len; put += n > 0 ? (size_t) n : 0) {
        n = send(fd, (const char *) data + put, len - put, MSG_NOSIGNAL);

        if (n < 0 && errno != EINTR) {
            return -1;
        }
    }

    return 0;
}


static int
get_bytes(int fd, void *data, size_t len)
{
    size_t   got;
    ssize_t  n;

    for (got = 0; got < len; got += n > 0 ? (size_t) n : 0) {
        n = recv(fd, (char *) data + got, len - got, 0);

        if (n == 0 || (n < 0 && errno != EINTR)) {
            return -1;
        }
    }

    return 0;
}

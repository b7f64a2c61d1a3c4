/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A start's descriptors, on their way to the process that becomes a watchdog.
 */

#include "spawn_fds.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>


#define FDS_MAX  3


union control {
    struct cmsghdr  first;              /* aligns it */
    char            text[CMSG_SPACE(FDS_MAX * sizeof(int))];
};


int
spawn_send_fds(int sock, const struct spawn *spawn)
{
    char             byte;
    size_t           size;
    struct iovec     iov = { &byte, 1 };
    struct msghdr    message;
    union control    control;
    struct cmsghdr  *part;

    const int  fds[FDS_MAX] = { spawn->listen_fd, spawn->output_fd,
                                spawn->lock_fd };

    /* a trial has no lock */

    size = (spawn->lock_fd != -1 ? FDS_MAX : FDS_MAX - 1) * sizeof(int);
    byte = 0;

    memset(&control, 0, sizeof(control));
    memset(&message, 0, sizeof(message));
    message.msg_iov = &iov;
    message.msg_iovlen = 1;
    message.msg_control = control.text;
    message.msg_controllen = CMSG_SPACE(size);

    part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(part), fds, size);

    return sendmsg(sock, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == 1 ? 0 : -1;
}


int
spawn_receive_fds(int sock, struct spawn *spawn)
{
    int              fds[2];
    char             byte;
    struct iovec     iov = { &byte, 1 };
    struct msghdr    message;
    union control    control;
    struct cmsghdr  *part;

    memset(&message, 0, sizeof(message));
    message.msg_iov = &iov;
    message.msg_iovlen = 1;
    message.msg_control = control.text;
    message.msg_controllen = sizeof(control.text);

    if (recvmsg(sock, &message, MSG_CMSG_CLOEXEC) != 1) {
        return -1;
    }

    part = CMSG_FIRSTHDR(&message);

    if (part == NULL || part->cmsg_type != SCM_RIGHTS
        || part->cmsg_len < CMSG_LEN(sizeof(fds)))
    {
        return -1;
    }

    /* the lock is only to be there */

    memcpy(fds, CMSG_DATA(part), sizeof(fds));
    spawn->listen_fd = fds[0];
    spawn->output_fd = fds[1];

    return 0;
}

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Docker's stream of stdout and stderr in one.
 */

#include "docker_frame.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>


#define HEAD  8                     /* bytes: kind, three zeros, length */
#define TASK  "com.docker.swarm.task.id="


static void find_task(const char *s, const char *end, struct log_line *line);


int
docker_frame_read(struct evbuffer *in, char **text, size_t *len,
    struct faas_err *err)
{
    size_t         n;
    unsigned char  head[HEAD];

    if (evbuffer_copyout(in, head, HEAD) != HEAD) {
        return 0;
    }

    n = (size_t) head[4] << 24 | (size_t) head[5] << 16
        | (size_t) head[6] << 8 | head[7];

    if (head[0] > 2 || head[1] != 0 || head[2] != 0 || head[3] != 0
        || n > DOCKER_FRAME_MAX)
    {
        return faas_err_set(err, 500, "Docker's logs are not what its API "
                            "says: does the service have a terminal?");
    }

    if (evbuffer_get_length(in) < HEAD + n) {
        return 0;
    }

    *text = malloc(n + 1);

    if (*text == NULL) {
        return faas_err_set(err, 500, "no memory");
    }

    (void) evbuffer_drain(in, HEAD);
    (void) evbuffer_remove(in, *text, n);
    (*text)[n] = '\0';
    *len = n;

    return 1;
}


int
docker_log_parse(const char *s, size_t len, struct log_line *line)
{
    const char  *end, *space;

    end = s + len;
    space = memchr(s, ' ', len);

    if (space == NULL
        || log_time_parse(s, (size_t) (space - s), &line->time) != 0)
    {
        return -1;
    }

    line->stamp = s;
    line->stamp_len = (size_t) (space - s);
    s = space + 1;
    space = memchr(s, ' ', (size_t) (end - s));

    if (space == NULL) {
        return -1;
    }

    find_task(s, space, line);
    s = space + 1;

    while (end > s && (end[-1] == '\n' || end[-1] == '\r')) {
        end--;
    }

    line->text = s;
    line->text_len = (size_t) (end - s);

    return 0;
}


/*
 * Of NAME=VALUE,NAME=VALUE.
 */
static void
find_task(const char *s, const char *end, struct log_line *line)
{
    size_t  n;

    line->instance = "";
    line->instance_len = 0;

    while (s < end) {
        n = strcspn(s, ", ");

        if (n > sizeof(TASK) - 1 && memcmp(s, TASK, sizeof(TASK) - 1) == 0) {
            line->instance = s + sizeof(TASK) - 1;
            line->instance_len = n - (sizeof(TASK) - 1);
            return;
        }

        s += n + 1;
    }
}

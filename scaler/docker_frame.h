/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Docker's stream of stdout and stderr in one, and the lines of a service's
 * log that are in it.
 *
 * https://docs.docker.com/engine/api/v1.41/#operation/ContainerAttach
 */

#ifndef FAAS_SCALER_DOCKER_FRAME_H
#define FAAS_SCALER_DOCKER_FRAME_H

#include <event2/buffer.h>
#include <stddef.h>

#include "lib/faas_err.h"

#include "log_line.h"


#define DOCKER_FRAME_MAX  (1 << 20)     /* bytes; Docker's have 16 KiB */


/*
 * Takes the next frame out of in.  Returns 1 with its text, of *len bytes and
 * a zero, to be freed with free(); 0 where it is not there yet; or -1 with err
 * where this is no such stream.
 */
int docker_frame_read(struct evbuffer *in, char **text, size_t *len,
    struct faas_err *err);

/*
 * Reads the text of a frame that was asked for with timestamps and details:
 *
 *   2026-11-24T14:00:00.123456789Z com.docker.swarm.task.id=ID,... TEXT
 *
 * Returns 0 with line, whose instance is the task, or -1.
 */
int docker_log_parse(const char *s, size_t len, struct log_line *line);


#endif /* FAAS_SCALER_DOCKER_FRAME_H */

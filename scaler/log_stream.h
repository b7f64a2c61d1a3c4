/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A stream of the process provider: lines of a function's log for somebody
 * who asked for them, a bounded piece a turn of the event loop.
 *
 * Who reads slowly is served from the files at his own pace.  What was removed
 * from them before he got to it, he does not get.
 */

#ifndef FAAS_SCALER_LOG_STREAM_H
#define FAAS_SCALER_LOG_STREAM_H

#include <event2/event.h>

#include "flog.h"
#include "provider.h"


/*
 * Ends when all lines were given; one that follows, when flog is done with.
 * Returns NULL with err.
 */
struct provider_stream *log_stream_new(struct flog *flog,
    const struct log_query *query, const struct provider_log_sink *sink,
    struct event_base *base, struct faas_err *err);


#endif /* FAAS_SCALER_LOG_STREAM_H */

/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The one context of the program.
 */

#ifndef FAAS_SCALER_SCALER_H
#define FAAS_SCALER_SCALER_H

#include <event2/event.h>
#include <event2/http.h>
#include <stdint.h>

#include "daemon/exporter.h"
#include "daemon/listener.h"
#include "daemon/names.h"
#include "daemon/redis.h"

#include "async.h"
#include "auth.h"
#include "autoscale.h"
#include "drain.h"
#include "leader.h"
#include "load.h"
#include "options.h"
#include "provider.h"
#include "publish.h"
#include "wake.h"


struct api_counts;

struct scaler {
    struct scaler_options   options;
    struct event_base      *base;
    struct event           *sigterm;
    struct event           *sigint;
    struct names            names;
    struct redis            redis;
    struct leader           leader;
    struct publisher        publisher;
    struct load             load;
    struct drains           drains;
    struct provider_hooks   hooks;
    struct provider        *provider;
    struct autoscale        autoscale;
    struct wake             wake;
    struct async            async;
    struct auth             auth;
    struct evhttp          *http;
    struct listener         listener;           /* http's */
    struct api_counts      *counts;             /* owned; of its routes */
    struct exporter         exporter;
    uint64_t                n_followers;        /* of logs */
    uint64_t                n_log_readers;      /* who do not follow */
    int                     is_known;           /* all that runs */
    int                     n_stopping;         /* parts, that have not ended */
    int                     is_stopping;
};


#endif /* FAAS_SCALER_SCALER_H */

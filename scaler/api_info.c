/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What runs: versions, the scaler and who leads, gateways, Redis.
 */

#include "api_functions.h"

#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "daemon/clock.h"
#include "lib/faas_proto.h"

#include "api_call.h"


#ifndef FAAS_VERSION
#define FAAS_VERSION  "0.1.0"
#endif


static json_t *scaler_of(const struct scaler *scaler);
static json_t *gateways_of(const struct load *load);


void
api_info(struct scaler *scaler, struct evhttp_request *req, const char *name)
{
    json_t          *info;
    const char      *arch;
    struct utsname   host;

    (void) name;

    arch = uname(&host) == 0 ? host.machine : "unknown";

    info = json_pack("{s:{s:s, s:{s:s, s:s}, s:s}, s:{s:s, s:s}, s:s, s:o, "
                     "s:{s:b}, s:o}",
                     "provider",
                         "provider", scaler->provider->ops->name,
                         "version", "sha", "", "release", FAAS_VERSION,
                         "orchestration",
                         scaler->provider->ops->orchestration,
                     "version", "sha", "", "release", FAAS_VERSION,
                     "arch", arch,
                     "scaler", scaler_of(scaler),
                     "redis", "connected", scaler->redis.is_ready,
                     "gateways", gateways_of(&scaler->load));

    call_answer_json(req, 200, info);
    json_decref(info);
}


static json_t *
scaler_of(const struct scaler *scaler)
{
    char                 dir[PATH_MAX];
    json_t              *json;
    uint64_t             term;
    const char          *leads;
    struct faas_leader   other;

    term = leader_is_valid(&scaler->leader) ? leader_term(&scaler->leader) : 0;
    json = json_pack("{s:b, s:I}", "leader", term != 0,
                     "term", (json_int_t) term);
    leads = NULL;

    if (term != 0) {
        leads = scaler->leader.id;

    } else if (faas_leader_parse(scaler->leader.other,
                                 strlen(scaler->leader.other), &other) == 0)
    {
        leads = other.id;
    }

    if (scaler->leader.id[0] != '\0') {
        (void) json_object_set_new(json, "id", json_string(scaler->leader.id));
    }

    if (leads != NULL) {
        (void) json_object_set_new(json, "leader_id", json_string(leads));
    }

    /* where a client on this machine puts what it has built */

    if (scaler->provider->ops->has_images
        && realpath(scaler->options.functions_dir, dir) != NULL)
    {
        (void) json_object_set_new(json, "functions_dir", json_string(dir));
    }

    return json;
}


static json_t *
gateways_of(const struct load *load)
{
    size_t                      i;
    json_t                     *list;
    uint64_t                    now;
    const struct load_gateway  *gateway;

    list = json_array();
    now = clock_now_ms();

    for (i = 0; i < load->n; i++) {
        gateway = &load->gateways[i];

        (void) json_array_append_new(list, json_pack("{s:s, s:I}",
                   "id", gateway->id,
                   "silent_ms", (json_int_t) (now - gateway->heard_ms)));
    }

    return list;
}

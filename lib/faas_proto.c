/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What the parts say to one another through Redis.
 *
 * A route:
 *
 *   {"rev":1763906400000000,"replicas":2,
 *    "endpoints":[{"id":"env-1","addr":"unix:/run/faas/s/1.sock"},
 *                 {"id":"env-2","addr":"10.0.1.7:8080"}],
 *    "max_inflight":4,"queue":100,"park_ms":10000,"timeout_ms":30000,
 *    "visibility":"private","lost":["env-3"]}
 *
 * All after the endpoints may be left out, see struct faas_route; visibility
 * is "public" or "private".
 *
 * A load is the layout's version and then the members of struct faas_load in
 * their order, decimal, with one space between:
 *
 *   "1 1763906400000000 2 0 0 1207 1205 3 48211 0 7240113"
 */

#include "faas_proto.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "faas_num.h"


#define LOAD_VERSION  1
#define LOAD_FIELDS   11    /* the version and ten numbers */


static int add_limits(json_t *root, const struct faas_route *route);
static int add_limit(json_t *root, const char *name, uint32_t value,
    uint32_t left_out);
static char *encode_number(char *dst, uint64_t n);
static int check_route(const struct faas_route *route);
static json_t *endpoints_encode(const struct faas_route *route);
static int add_lost(json_t *root, const struct faas_route *route);
static int parse_members(json_t *root, struct faas_route *route,
    struct faas_err *err);
static int parse_limits(json_t *root, struct faas_route *route,
    struct faas_err *err);
static int parse_limit(json_t *root, const char *name, uint64_t max,
    uint32_t *value, struct faas_err *err);
static int parse_visibility(json_t *root, struct faas_route *route,
    struct faas_err *err);
static int parse_endpoint(json_t *item, struct faas_endpoint *endpoint,
    struct faas_err *err);
static int parse_lost(json_t *root, struct faas_route *route,
    struct faas_err *err);
static int parse_number(json_t *object, const char *name, uint64_t max,
    uint64_t *value, struct faas_err *err);
static int copy_string(const json_t *item, const char *name, char *dst,
    size_t size, struct faas_err *err);


int
faas_proto_key(char *dst, const char *prefix, const char *name,
    const char *id)
{
    int  len;

    len = snprintf(dst, FAAS_REDIS_KEY_MAX + 1, "%s%s%s", prefix, name,
                   id != NULL ? id : "");

    return len < 0 || len > (int) FAAS_REDIS_KEY_MAX ? -1 : 0;
}


void
faas_route_init(struct faas_route *route)
{
    route->rev = 0;
    route->replicas = 0;
    route->max_inflight = 0;
    route->queue = FAAS_UNSET;
    route->park_ms = FAAS_UNSET;
    route->timeout_ms = 0;
    route->is_private = 0;
    route->n = 0;
    route->n_lost = 0;
}


int
faas_route_encode(const struct faas_route *route, char *dst, size_t size)
{
    int      rc;
    size_t   len;
    json_t  *root, *endpoints;

    rc = -1;
    root = NULL;

    if (check_route(route) != 0 || size == 0) {
        return -1;
    }

    endpoints = endpoints_encode(route);
    if (endpoints == NULL) {
        return -1;
    }

    root = json_pack("{s:I, s:I, s:o}", "rev", (json_int_t) route->rev,
                     "replicas", (json_int_t) route->replicas,
                     "endpoints", endpoints);
    if (root == NULL) {
        return -1;
    }

    if (add_limits(root, route) != 0 || add_lost(root, route) != 0) {
        json_decref(root);
        return -1;
    }

    len = json_dumpb(root, dst, size - 1, JSON_COMPACT);

    if (len != 0 && len < size) {
        dst[len] = '\0';
        rc = (int) len;
    }

    json_decref(root);

    return rc;
}


int
faas_route_parse(const char *s, size_t len, struct faas_route *route,
    struct faas_err *err)
{
    int           rc;
    json_t       *root;
    json_error_t  json_err;

    if (len > FAAS_ROUTE_MAX) {
        return faas_err_set(err, 0, "route has %zu bytes, more than %d", len,
                            FAAS_ROUTE_MAX);
    }

    root = json_loadb(s, len, JSON_REJECT_DUPLICATES, &json_err);
    if (root == NULL) {
        return faas_err_set(err, 0, "route is no JSON: %s", json_err.text);
    }

    rc = parse_members(root, route, err);

    json_decref(root);

    return rc;
}


size_t
faas_load_encode(const struct faas_load *load, char *dst)
{
    char            *p;
    size_t           i;
    const uint64_t   numbers[LOAD_FIELDS] = {
        LOAD_VERSION, load->rev, load->inflight, load->draining,
        load->parked, load->started, load->finished, load->failed,
        load->inflight_ms, load->parked_ms, load->clock_ms
    };

    /* eleven numbers of 20 digits and ten spaces always fit */

    p = dst;

    for (i = 0; i < LOAD_FIELDS; i++) {
        p = encode_number(p, numbers[i]);
        *p++ = ' ';
    }

    *--p = '\0';

    return (size_t) (p - dst);
}


/*
 * A gateway with many functions writes a hundred thousand of them a second:
 * snprintf() takes ten times as long.
 */
static char *
encode_number(char *dst, uint64_t n)
{
    char    digits[20];
    size_t  i;

    i = sizeof(digits);

    do {
        digits[--i] = (char) ('0' + n % 10);
        n /= 10;
    } while (n != 0);

    memcpy(dst, digits + i, sizeof(digits) - i);

    return dst + sizeof(digits) - i;
}


int
faas_load_parse(const char *s, size_t len, struct faas_load *load)
{
    size_t       n, i;
    uint64_t     values[LOAD_FIELDS];
    const char  *end, *space;

    end = s + len;

    for (n = 0; n < LOAD_FIELDS; n++) {
        space = memchr(s, ' ', (size_t) (end - s));

        if ((space == NULL) != (n == LOAD_FIELDS - 1)) {
            return -1;
        }

        i = (size_t) ((space != NULL ? space : end) - s);

        if (faas_parse_uint(s, i, 0, UINT64_MAX, &values[n]) != 0) {
            return -1;
        }

        s += i + 1;
    }

    if (values[0] != LOAD_VERSION) {
        return -1;
    }

    load->rev = values[1];
    load->inflight = values[2];
    load->draining = values[3];
    load->parked = values[4];
    load->started = values[5];
    load->finished = values[6];
    load->failed = values[7];
    load->inflight_ms = values[8];
    load->parked_ms = values[9];
    load->clock_ms = values[10];

    return 0;
}


void
faas_leader_encode(const struct faas_leader *leader, char *dst)
{
    (void) snprintf(dst, FAAS_LEADER_MAX, "%s %" PRIu64, leader->id,
                    leader->term);
}


int
faas_leader_parse(const char *s, size_t len, struct faas_leader *leader)
{
    size_t       i, n;
    const char  *space;

    space = memchr(s, ' ', len);

    if (space == NULL) {
        return -1;
    }

    n = (size_t) (space - s);

    if (n == 0 || n > FAAS_LEADER_ID_MAX
        || faas_parse_uint(space + 1, len - n - 1, 1, FAAS_TERM_MAX,
                           &leader->term)
           != 0)
    {
        return -1;
    }

    for (i = 0; i < n; i++) {
        if (s[i] <= ' ' || s[i] > '~') {
            return -1;
        }
    }

    memcpy(leader->id, s, n);
    leader->id[n] = '\0';

    return 0;
}


static int
add_limits(json_t *root, const struct faas_route *route)
{
    if (add_limit(root, "max_inflight", route->max_inflight, 0) != 0
        || add_limit(root, "queue", route->queue, FAAS_UNSET) != 0
        || add_limit(root, "park_ms", route->park_ms, FAAS_UNSET) != 0
        || add_limit(root, "timeout_ms", route->timeout_ms, 0) != 0)
    {
        return -1;
    }

    if (!route->is_private) {
        return 0;
    }

    return json_object_set_new(root, "visibility", json_string("private"));
}


static int
add_limit(json_t *root, const char *name, uint32_t value, uint32_t left_out)
{
    if (value == left_out) {
        return 0;
    }

    return json_object_set_new(root, name, json_integer(value));
}


static int
check_route(const struct faas_route *route)
{
    uint32_t          i;
    struct faas_addr  addr;

    if (route->n > FAAS_REPLICAS_MAX
        || route->n_lost > FAAS_REPLICAS_MAX - route->n
        || route->rev > INT64_MAX
        || route->max_inflight > FAAS_INFLIGHT_MAX
        || (route->queue > FAAS_QUEUE_MAX && route->queue != FAAS_UNSET)
        || (route->park_ms > FAAS_MSEC_MAX && route->park_ms != FAAS_UNSET)
        || route->timeout_ms > FAAS_MSEC_MAX)
    {
        return -1;
    }

    for (i = 0; i < route->n; i++) {
        if (route->endpoints[i].id[0] == '\0'
            || faas_addr_parse(route->endpoints[i].addr,
                               strlen(route->endpoints[i].addr), &addr) != 0)
        {
            return -1;
        }
    }

    return 0;
}


static json_t *
endpoints_encode(const struct faas_route *route)
{
    json_t    *list, *item;
    uint32_t   i;

    list = json_array();

    for (i = 0; list != NULL && i < route->n; i++) {
        item = json_pack("{s:s, s:s}", "id", route->endpoints[i].id,
                         "addr", route->endpoints[i].addr);

        if (json_array_append_new(list, item) != 0) {
            json_decref(list);
            return NULL;
        }
    }

    return list;
}


static int
add_lost(json_t *root, const struct faas_route *route)
{
    json_t    *list;
    uint32_t   i;

    if (route->n_lost == 0) {
        return 0;
    }

    list = json_array();

    for (i = 0; i < route->n_lost; i++) {
        if (json_array_append_new(list,
                json_string(route->endpoints[route->n + i].id))
            != 0)
        {
            json_decref(list);
            return -1;
        }
    }

    return json_object_set_new(root, "lost", list);
}


static int
parse_members(json_t *root, struct faas_route *route, struct faas_err *err)
{
    size_t     i, n;
    json_t    *list;
    uint64_t   replicas;

    replicas = 0;
    faas_route_init(route);

    if (!json_is_object(root)) {
        return faas_err_set(err, 0, "route is no JSON object");
    }

    if (parse_number(root, "rev", INT64_MAX, &route->rev, err) != 0
        || parse_number(root, "replicas", UINT32_MAX, &replicas, err) != 0)
    {
        return -1;
    }

    route->replicas = (uint32_t) replicas;

    list = json_object_get(root, "endpoints");

    if (!json_is_array(list)) {
        return faas_err_set(err, 0, "\"endpoints\" of the route is no array");
    }

    n = json_array_size(list);

    if (n > FAAS_REPLICAS_MAX) {
        return faas_err_set(err, 0, "route has %zu endpoints, more than %d",
                            n, FAAS_REPLICAS_MAX);
    }

    for (i = 0; i < n; i++) {
        if (parse_endpoint(json_array_get(list, i), &route->endpoints[i], err)
            != 0)
        {
            return -1;
        }
    }

    route->n = (uint32_t) n;

    return parse_lost(root, route, err) == 0
           ? parse_limits(root, route, err) : -1;
}


static int
parse_limits(json_t *root, struct faas_route *route, struct faas_err *err)
{
    if (parse_limit(root, "max_inflight", FAAS_INFLIGHT_MAX,
                    &route->max_inflight, err)
        != 0
        || parse_limit(root, "queue", FAAS_QUEUE_MAX, &route->queue, err) != 0
        || parse_limit(root, "park_ms", FAAS_MSEC_MAX, &route->park_ms, err)
           != 0
        || parse_limit(root, "timeout_ms", FAAS_MSEC_MAX, &route->timeout_ms,
                       err)
           != 0)
    {
        return -1;
    }

    return parse_visibility(root, route, err);
}


/*
 * A number that may be left out.
 */
static int
parse_limit(json_t *root, const char *name, uint64_t max, uint32_t *value,
    struct faas_err *err)
{
    uint64_t  n;

    n = 0;

    if (json_object_get(root, name) == NULL) {
        return 0;
    }

    if (parse_number(root, name, max, &n, err) != 0) {
        return -1;
    }

    *value = (uint32_t) n;

    return 0;
}


static int
parse_visibility(json_t *root, struct faas_route *route,
    struct faas_err *err)
{
    json_t      *item;
    const char  *s;

    item = json_object_get(root, "visibility");

    if (item == NULL) {
        return 0;
    }

    s = json_string_value(item);

    if (s == NULL || (strcmp(s, "public") != 0 && strcmp(s, "private") != 0)) {
        return faas_err_set(err, 0, "\"visibility\" of the route is neither "
                            "\"public\" nor \"private\"");
    }

    route->is_private = strcmp(s, "private") == 0;

    return 0;
}


static int
parse_endpoint(json_t *item, struct faas_endpoint *endpoint,
    struct faas_err *err)
{
    struct faas_addr  addr;

    if (!json_is_object(item)) {
        return faas_err_set(err, 0, "an endpoint is no JSON object");
    }

    if (copy_string(json_object_get(item, "id"), "id", endpoint->id,
                    sizeof(endpoint->id), err)
        != 0
        || copy_string(json_object_get(item, "addr"), "addr", endpoint->addr,
                       sizeof(endpoint->addr), err)
           != 0)
    {
        return -1;
    }

    if (faas_addr_parse(endpoint->addr, strlen(endpoint->addr), &addr) != 0) {
        return faas_err_set(err, 0, "\"addr\" of an endpoint is no address, "
                            "expected IP:PORT, [IPv6]:PORT or unix:/path");
    }

    return 0;
}


static int
parse_lost(json_t *root, struct faas_route *route, struct faas_err *err)
{
    size_t                 i, n;
    json_t                *list;
    struct faas_endpoint  *endpoint;

    list = json_object_get(root, "lost");

    if (list == NULL) {
        return 0;
    }

    if (!json_is_array(list)) {
        return faas_err_set(err, 0, "\"lost\" of the route is no array");
    }

    n = json_array_size(list);

    if (n > FAAS_REPLICAS_MAX - route->n) {
        return faas_err_set(err, 0, "route has %zu endpoints, more than %d",
                            route->n + n, FAAS_REPLICAS_MAX);
    }

    for (i = 0; i < n; i++) {
        endpoint = &route->endpoints[route->n + i];
        endpoint->addr[0] = '\0';

        if (copy_string(json_array_get(list, i), "lost", endpoint->id,
                        sizeof(endpoint->id), err)
            != 0)
        {
            return -1;
        }
    }

    route->n_lost = (uint32_t) n;

    return 0;
}


static int
parse_number(json_t *object, const char *name, uint64_t max, uint64_t *value,
    struct faas_err *err)
{
    json_t      *item;
    json_int_t   n;

    item = json_object_get(object, name);
    n = json_integer_value(item);

    if (!json_is_integer(item) || n < 0 || (uint64_t) n > max) {
        return faas_err_set(err, 0, "\"%s\" of the route is no number from 0 "
                            "to %" PRIu64, name, max);
    }

    *value = (uint64_t) n;

    return 0;
}


/*
 * Copies a member that is printable ASCII: ids and addresses end up in logs
 * and variables.
 */
static int
copy_string(const json_t *item, const char *name, char *dst, size_t size,
    struct faas_err *err)
{
    size_t       i, len;
    const char  *s;

    if (!json_is_string(item)) {
        return faas_err_set(err, 0, "\"%s\" of an endpoint is no string",
                            name);
    }

    s = json_string_value(item);
    len = json_string_length(item);

    if (len == 0 || len >= size) {
        return faas_err_set(err, 0, "\"%s\" of an endpoint has %zu bytes, "
                            "expected 1 to %zu", name, len, size - 1);
    }

    for (i = 0; i < len; i++) {
        if (s[i] <= ' ' || s[i] > '~') {
            return faas_err_set(err, 0, "\"%s\" of an endpoint has a "
                                "character that is not printable", name);
        }
    }

    memcpy(dst, s, len + 1);

    return 0;
}


/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * Routes in shared memory: functions by their keys, and their replicas.
 */


#ifndef _NGX_HTTP_FAAS_REGISTRY_H_INCLUDED_
#define _NGX_HTTP_FAAS_REGISTRY_H_INCLUDED_


#include "ngx_http_faas_shm.h"


/* ngx_http_faas_index.c: from a key to a function's record */

/*
 * Finds a live function by its key and the key's hash without a lock.
 * Returns its number and sets *seq, or returns NONE.
 */
uint32_t ngx_http_faas_fn_find(ngx_http_faas_shm_t *sh, const u_char *key,
    size_t len, uint32_t hash, uint64_t *seq);

/*
 * A call is soon to look up a function of this hash, and to count it in lane.
 * With many functions none of it is in the cache, and one miss after the
 * other is what a call would wait for most.
 */
void ngx_http_faas_fn_prefetch(ngx_http_faas_shm_t *sh, ngx_uint_t lane,
    uint32_t hash);

/*
 * Finds a function, live or removed, by its key and the key's hash.
 */
uint32_t ngx_http_faas_fn_find_locked(ngx_http_faas_shm_t *sh,
    const u_char *key, size_t len, uint32_t hash);

/*
 * The index word of a new zone.
 */
uint32_t ngx_http_faas_index_first(ngx_http_faas_shm_t *sh);

void ngx_http_faas_index_add_locked(ngx_http_faas_shm_t *sh, uint32_t hash,
    uint32_t fn);
void ngx_http_faas_index_delete_locked(ngx_http_faas_shm_t *sh, uint32_t hash,
    uint32_t fn);


/* ngx_http_faas_replicas.c */

/*
 * The number of the i-th replica, i < fn->n; to be checked against seq.
 */
uint32_t ngx_http_faas_fn_rep(ngx_http_faas_shm_t *sh, uint32_t fn,
    uint32_t i);

/*
 * Where that number stands; NULL where the function's record does not make
 * sense, which a reader must expect.
 */
uint32_t *ngx_http_faas_fn_rep_at(ngx_http_faas_shm_t *sh,
    ngx_http_faas_fn_t *f, uint32_t i);

/*
 * Requests of all workers at a replica.
 */
uint64_t ngx_http_faas_rep_inflight(ngx_http_faas_shm_t *sh, uint32_t rep);

/*
 * Writes a replica's address as text with a zero to dst, which has
 * FAAS_ADDR_MAX + 1 bytes.  Returns the length without the zero.
 */
size_t ngx_http_faas_rep_addr(ngx_http_faas_rep_t *rep, u_char *dst);

/*
 * Frees the replicas of a function that were taken out and have nothing left
 * in flight.  Returns the requests in flight on those that stay.  Takes the
 * mutex if there is anything to do.
 */
uint64_t ngx_http_faas_fn_drain(ngx_http_faas_zone_t *zone, uint32_t fn);

/*
 * Finds a record for each endpoint of a route: the one that the function has,
 * or a new one.  Returns NGX_OK, or NGX_BUSY, and has taken nothing, where
 * there is not enough for all.
 */
ngx_int_t ngx_http_faas_reps_choose_locked(ngx_http_faas_shm_t *sh,
    uint32_t fn, const struct faas_route *route, uint32_t *chosen);

/*
 * Marks those of the function's replicas that were taken out, and that the
 * route says are lost.
 */
void ngx_http_faas_reps_lost_locked(ngx_http_faas_shm_t *sh, uint32_t fn,
    const struct faas_route *route);

/*
 * Puts a replica on its function's draining list; not twice, where a writer
 * was killed after it did so.
 */
void ngx_http_faas_rep_drain_locked(ngx_http_faas_shm_t *sh, uint32_t fn,
    uint32_t rep);

/*
 * Whether rep is one of the n chosen.
 */
ngx_int_t ngx_http_faas_is_among(uint32_t rep, const uint32_t *chosen,
    uint32_t n);


/* ngx_http_faas_registry.c: routes in shared memory */

/*
 * Makes or changes a function's route.  Takes the mutex.  Returns NGX_OK,
 * NGX_DECLINED where the route is no newer than the one in use, or NGX_BUSY
 * where the zone is full and the function keeps the route it has.
 */
ngx_int_t ngx_http_faas_fn_apply(ngx_http_faas_shm_t *sh, const u_char *key,
    size_t len, const struct faas_route *route);

/*
 * Takes a function's route away, if it is older than rev.  Requests that are
 * running go on; ngx_http_faas_fn_reap() frees the record.  Takes the mutex.
 */
ngx_int_t ngx_http_faas_fn_remove(ngx_http_faas_zone_t *zone,
    const u_char *key, size_t len, uint64_t rev);

/*
 * Removes the functions that the whole read number "seen" did not find.
 * Returns how many.  Takes the mutex.
 */
ngx_uint_t ngx_http_faas_fn_remove_unseen(ngx_http_faas_zone_t *zone,
    uint64_t seen);

/*
 * Marks a function as found by the whole read number "seen".
 */
void ngx_http_faas_fn_mark(ngx_http_faas_zone_t *zone, const u_char *key,
    size_t len, uint64_t seen);

/*
 * Frees a removed function's record, if nobody uses it.  Takes the mutex.
 */
ngx_int_t ngx_http_faas_fn_reap(ngx_http_faas_zone_t *zone, uint32_t fn);

/*
 * The series of a function's status code, made where there is none yet;
 * NONE where the zone has no room for it.
 */
uint32_t ngx_http_faas_fn_series(ngx_http_faas_zone_t *zone, uint32_t fn,
    ngx_uint_t code);

/*
 * The series of the times that a function's requests were parked; the same.
 */
uint32_t ngx_http_faas_fn_park_series(ngx_http_faas_zone_t *zone,
    uint32_t fn);


#endif /* _NGX_HTTP_FAAS_REGISTRY_H_INCLUDED_ */


/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * The shared memory zone: its layout, and the primitives on single words.
 *
 * DESIGN
 *
 * The zone is a file in memory (memfd) that is mapped by the master and all
 * workers.  nginx's own zones are gone after a binary upgrade; this one is
 * handed on by its descriptor, so that an upgrade is to us what a reload is:
 * two generations of workers on one zone.  So nothing in the mapping points
 * into it: addresses differ between the two.
 *
 * It is carved into fixed arrays:
 *
 *   fn[]       a record a function (route)
 *   rep[]      a record a replica, and before it, by lane, the requests that
 *              each process has there: held[]
 *   extent[]   blocks of 16 replica numbers, for functions with more than 16
 *   series[]   which histograms are free
 *   slot[2]    two hash tables from a function's key to its number; one is
 *              in use, the other is there to be rebuilt into
 *   lane[]     a lane a worker process: its pid, its eventfd
 *   stat[]     by lane and function: what only this process counts
 *   hist[]     by stripe and series: histograms, shared by a few processes
 *
 * Records are named by their number; 0 is "none" where a link is meant, so
 * links hold the number + 1.
 *
 * LOCKING
 *
 * Writers of anything but counters hold the zone's mutex, a robust one: when
 * its holder is killed the next one gets it.  Functions that want it held end
 * in _locked.  Readers take no lock:
 *
 *   fn[].seq is odd while the record is being written, and grows with each
 *   change.  A reader reads it, then the fields, then it again.
 *
 *   To use a function or a replica, a process first counts itself in (the
 *   gauge of its lane, held[]), and then looks whether seq is still what it
 *   was.  A writer first changes seq, and frees a record only while nobody is
 *   counted in.  So one of the two always sees the other.
 *
 *   What a process has in flight, at a replica or parked, is one word that
 *   only this process writes, and by which it is taken back when the process
 *   is killed.  The number of all is their sum.  To keep a bound, a process
 *   counts itself in, then sums, and counts itself out if that is over the
 *   bound: of two at a time both may go, but never are there too many.
 *
 * A writer that is killed half-way leaves seq odd; the next change of that
 * function writes the record anew.
 */


#ifndef _NGX_HTTP_FAAS_SHM_H_INCLUDED_
#define _NGX_HTTP_FAAS_SHM_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>

#include <pthread.h>

#include "lib/faas_gauge.h"
#include "lib/faas_hist.h"
#include "lib/faas_proto.h"


#define NGX_HTTP_FAAS_MAGIC         0x66616173
#define NGX_HTTP_FAAS_LAYOUT        7

#define NGX_HTTP_FAAS_EXTENT_REPS   16
#define NGX_HTTP_FAAS_EXTENTS       (FAAS_REPLICAS_MAX                       \
                                     / NGX_HTTP_FAAS_EXTENT_REPS - 1)

/* distinct status codes of a function that are counted apart */
#define NGX_HTTP_FAAS_CODES         8

/* what a zone has room for, a function: replicas, series */
#define NGX_HTTP_FAAS_REPS_PER_FN   2
#define NGX_HTTP_FAAS_SERIES_PER_FN 2

/* histograms: workers that share one copy take turns on its cache lines */
#define NGX_HTTP_FAAS_STRIPES       4

/* functions wanted that the leader has not asked for yet; a power of two */
#define NGX_HTTP_FAAS_WAKES         256

/* bytes of a replica's address, its text (a path is its own), and id */
#define NGX_HTTP_FAAS_REP_DATA                                               \
    (ngx_max(sizeof(struct sockaddr_un),                                     \
             sizeof(struct sockaddr_in6) + FAAS_ADDR_INET_MAX)               \
     + FAAS_REPLICA_ID_MAX)

#define NGX_HTTP_FAAS_NONE          ((uint32_t) -1)

#define NGX_HTTP_FAAS_LINE          64           /* bytes of a cache line */
#define ngx_http_faas_aligned       __attribute__((aligned(NGX_HTTP_FAAS_LINE)))

#define ngx_http_faas_load(p)       __atomic_load_n(p, __ATOMIC_ACQUIRE)
#define ngx_http_faas_store(p, v)   __atomic_store_n(p, v, __ATOMIC_RELEASE)
#define ngx_http_faas_add(p, v)                                              \
    __atomic_add_fetch(p, v, __ATOMIC_SEQ_CST)


typedef enum {
    NGX_HTTP_FAAS_FN_FREE = 0,
    NGX_HTTP_FAAS_FN_LIVE,
    NGX_HTTP_FAAS_FN_REMOVED        /* no route; requests may be running */
} ngx_http_faas_fn_state_e;


/*
 * With many functions a call pays for each cache line that it touches: what
 * it needs stands in the first three.
 */

typedef struct {
    uint64_t                   seq;
    uint32_t                   state;
    uint32_t                   n;            /* replicas it has */
    uint32_t                   waiting;      /* hint: requests are parked */
    uint32_t                   max_inflight; /* at a replica; 0: no bound */
    uint32_t                   timeout;      /* msec; 0: none */
    uint32_t                   is_private;
    uint32_t                   series[NGX_HTTP_FAAS_CODES];
    uint32_t                   rep[NGX_HTTP_FAAS_EXTENT_REPS];  /* the first */
    uint16_t                   code[NGX_HTTP_FAAS_CODES];  /* of the series;
                                                0, the last one: all others */
    u_char                     len;
    u_char                     key[FAAS_KEY_MAX];

    uint32_t                   extent[NGX_HTTP_FAAS_EXTENTS];  /* links: the
                                                other replicas */
    uint32_t                   park_series;  /* link: time parked */
    uint32_t                   gen;          /* grows with each reuse */
    uint32_t                   hash;
    uint32_t                   next;         /* link in the free list */
    uint32_t                   replicas;     /* wanted */
    uint32_t                   draining;     /* link: replicas taken out */
    uint32_t                   queue;        /* FAAS_UNSET */
    uint32_t                   park;         /* msec; FAAS_UNSET */
    uint32_t                   is_wanted;    /* the leader shall ask for it */
    uint32_t                   crowd;        /* so many waited when ... */
    uint64_t                   rev;
    uint64_t                   wanted;       /* ... it did: msec, clock */
    uint64_t                   tickets;      /* given to parked requests */
    uint64_t                   failures;     /* tries at replicas that failed:
                                                too few for lanes */

    /* the leader's, who alone reads and writes them */
    uint64_t                   seen;         /* last whole read it was in */
    uint64_t                   busy_seen;    /* msec, see faas_gauge.h */
    uint64_t                   busy_total;   /* msec */
    uint64_t                   parked_seen;
    uint64_t                   parked_total;
} ngx_http_faas_aligned ngx_http_faas_fn_t;


/*
 * What a call needs of a replica is in one piece, with nothing in between.
 */

typedef struct {
    uint64_t                   retry;        /* msec, clock: not before */
    uint32_t                   fails;        /* in a row */
    uint32_t                   trust;        /* requests at a time that it may
                                                have after it failed; 0: all */
    uint32_t                   next;         /* link: free or draining list */
    uint32_t                   owner;        /* link: its function; 0: free */
    uint32_t                   hash;         /* of the address */
    u_char                     is_draining;
    u_char                     is_lost;      /* and will never answer */
    u_char                     socklen;
    u_char                     text_len;     /* 0: a unix socket */
    u_char                     id_len;
    u_char                     data[NGX_HTTP_FAAS_REP_DATA];  /* the address,
                                                the same as text, the id */
} ngx_http_faas_rep_t;


typedef struct {
    uint32_t                   rep[NGX_HTTP_FAAS_EXTENT_REPS];
} ngx_http_faas_extent_t;


typedef struct {
    uint32_t                   next;         /* link in the free list */
} ngx_http_faas_series_t;


/* the hash, and the number of the function + 1; NONE: it was removed */

typedef struct {
    uint32_t                   hash;         /* 0: end of the probe */
    uint32_t                   fn;
} ngx_http_faas_slot_t;


/* what one worker counts of one function */

typedef struct {
    uint64_t                   started;
    uint64_t                   finished;
    uint64_t                   failed;
    uint64_t                   busy;         /* faas_gauge.h */
    uint64_t                   parked;       /* faas_gauge.h */
    uint64_t                   head;         /* ticket of the one that waits
                                                longest; 0: none waits */
    uint64_t                   retries;      /* tries but a call's first */
    uint64_t                   submitted;    /* asynchronous calls */
} ngx_http_faas_aligned ngx_http_faas_stat_t;


/* what is counted of one series; buckets are not cumulated */

typedef struct {
    uint64_t                   usec;
    uint64_t                   bucket[FAAS_HIST_BUCKETS];
} ngx_http_faas_aligned ngx_http_faas_hist_t;


typedef struct {
    uint64_t                   pid;          /* 0: nobody's */
    uint64_t                   parked;       /* requests, of all functions */
    int32_t                    signal;       /* eventfd */
    uint32_t                   is_signalled; /* and has not looked yet */
} ngx_http_faas_lane_t;


/* at the beginning of the mapping */

typedef struct {
    uint32_t                   magic;
    uint32_t                   layout;
    uint64_t                   size;         /* of the mapping, bytes */

    uint32_t                   fns;          /* what it was carved into */
    uint32_t                   reps;
    uint32_t                   lanes;

    uint32_t                   fn_high;      /* none beyond was ever used */
    uint32_t                   rep_high;
    uint32_t                   extent_high;
    uint32_t                   series_high;

    uint32_t                   fn_free;      /* links: heads of free lists */
    uint32_t                   rep_free;
    uint32_t                   extent_free;
    uint32_t                   series_free;

    uint32_t                   fn_used;      /* records that are in use */
    uint32_t                   rep_used;
    uint32_t                   extent_used;
    uint32_t                   series_used;

    uint32_t                   index;        /* the table in use: its number
                                                (0, 1) | its slots */
    uint32_t                   index_used;   /* its slots that are not empty */

    uint32_t                   is_loaded;    /* routes are known */
    uint32_t                   is_redis_up;

    uint64_t                   rev;          /* grows with each change */
    uint64_t                   applied;      /* rev of the last change read */
    uint64_t                   confirmed;    /* ngx_current_msec when routes
                                                were last those of Redis, or
                                                the start */
    uint64_t                   clock;        /* ngx_current_msec at the start */
    uint64_t                   full;         /* routes refused: zone is full */
    uint64_t                   lost;         /* replicas; grows */

    uint64_t                   leader_pid;   /* 0: none */
    uint64_t                   leader_until; /* ngx_current_msec */
    uint32_t                   leader_lane;

    uint32_t                   wake[NGX_HTTP_FAAS_WAKES];    /* a ring: fn */
    uint64_t                   wakes;        /* written to it */

    pthread_mutex_t            mutex;

    u_char                     gateway[FAAS_GATEWAY_MAX + 1];
} ngx_http_faas_header_t;


/*
 * A process' view of the mapping.
 */

typedef struct {
    ngx_http_faas_header_t    *h;

    uint32_t                   fns;          /* sizes of the arrays */
    uint32_t                   reps;
    uint32_t                   extents;
    uint32_t                   serieses;
    uint32_t                   index_size;   /* slots at most; a power of 2 */
    uint32_t                   lanes;
    uint32_t                   stripes;

    ngx_http_faas_fn_t        *fn;
    u_char                    *rep;          /* see the macros below */
    size_t                     rep_size;     /* with what stands before it */
    size_t                     held_size;    /* that; bytes */
    ngx_http_faas_extent_t    *extent;
    ngx_http_faas_series_t    *series;
    ngx_http_faas_slot_t      *slot[2];
    ngx_http_faas_lane_t      *lane;
    ngx_http_faas_stat_t      *stat;
    ngx_http_faas_hist_t      *hist;

    ngx_fd_t                   fd;
    ngx_uint_t                 refs;         /* configurations that use it */
} ngx_http_faas_shm_t;


#define ngx_http_faas_stat(sh, l, i)                                         \
    (&(sh)->stat[(size_t) (l) * (sh)->fns + (i)])

#define ngx_http_faas_held(sh, l, i)                                         \
    ((uint32_t *) ((sh)->rep + (size_t) (i) * (sh)->rep_size) + (l))

#define ngx_http_faas_rep(sh, i)                                             \
    ((ngx_http_faas_rep_t *) ((sh)->rep + (size_t) (i) * (sh)->rep_size      \
                              + (sh)->held_size))

#define ngx_http_faas_rep_id(r)  ((r)->data + (r)->socklen + (r)->text_len)

#define ngx_http_faas_hist(sh, stripe, i)                                    \
    (&(sh)->hist[(size_t) (stripe) * (sh)->serieses + (i)])


/*
 * What a process knows of the zone.
 */

typedef struct {
    ngx_http_faas_shm_t       *sh;
    ngx_cycle_t               *cycle;        /* of this configuration */
    ngx_str_t                  name;
    size_t                     size;         /* bytes */
    ngx_str_t                  state;        /* file; empty: none */
    ngx_uint_t                 lane;         /* this process' */
} ngx_http_faas_zone_t;


/*
 * Makes the zone, or takes over that of the last configuration, or that of
 * the binary which this one replaces.
 */
ngx_int_t ngx_http_faas_zone_init(ngx_shm_zone_t *shm_zone, void *data);

/*
 * The zone's mutex.  Nothing is logged or allocated while it is held.
 */
void ngx_http_faas_lock(ngx_http_faas_shm_t *sh);
void ngx_http_faas_unlock(ngx_http_faas_shm_t *sh);

/*
 * Milliseconds since the zone was made: the clock of the gauges.
 */
#define ngx_http_faas_clock(sh)  ((uint64_t) ngx_current_msec - (sh)->h->clock)


#endif /* _NGX_HTTP_FAAS_SHM_H_INCLUDED_ */

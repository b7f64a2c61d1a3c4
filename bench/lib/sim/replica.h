/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * A replica: it serves its calls at full speed up to a number of them, and
 * shares what it has among more.
 *
 * Its own time passes more slowly where it is shared: a call ends when that
 * time has passed by the call's service time.
 */

#ifndef FAAS_SIM_REPLICA_H
#define FAAS_SIM_REPLICA_H

#include <stddef.h>


enum replica_state {
    REPLICA_STARTING,
    REPLICA_READY,
    REPLICA_DRAINING            /* takes no call more */
};

struct replica_call {
    size_t  call;               /* of the trace */
    double  ends;               /* in the replica's own time */
};

struct replica {
    enum replica_state    state;
    double                next_ms;      /* when it is ready, or a call ends */
    double                own;          /* its own time */
    double                at_ms;        /* at which it was own */
    struct replica_call  *calls;        /* owned; a heap by ends */
    size_t                n;
    size_t                size;
};


/*
 * width is the number of calls at full speed.
 */
void replica_take(struct replica *replica, double now_ms, double width,
    size_t call, double service_ms);

/*
 * The call that ends at next_ms.
 */
size_t replica_end(struct replica *replica, double width);


#endif /* FAAS_SIM_REPLICA_H */

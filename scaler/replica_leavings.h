/*
 * SPDX-License-Identifier: BSD-2-Clause
 *
 * What a replica's processes leave behind: a TMPDIR, which may be full of
 * anything, and control groups.  They are removed in a thread.
 */

#ifndef FAAS_SCALER_REPLICA_LEAVINGS_H
#define FAAS_SCALER_REPLICA_LEAVINGS_H

#include <stdint.h>

#include "replica.h"


/*
 * Has them removed, by and by; what cannot be removed is logged, and is the
 * next scaler's to remove.
 */
void replica_leavings_remove(struct replica_owner *owner, uint64_t number);


#endif /* FAAS_SCALER_REPLICA_LEAVINGS_H */
